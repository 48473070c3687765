/*
 * The acts a partition does not survive, or never ends: one each, as the last.
 *
 * What becomes of it is on the node's log, or nowhere: verification/system/attacker.t says which.
 */
#include <string.h>

#include <mullion/hypercall.h>

#include "attacker.h"

#define HOLE 0xf8000000ull

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void fault_with(const struct table idt)
{
	__asm__ volatile("lidt %0; ud2" ::"m"(idt));
}

static void triple_fault(void)
{
	fault_with((struct table){ 0, 0 });
}

/* The gates lie where there is no memory: every fault's delivery is one more violation. */
static void gates_abroad(void)
{
	fault_with((struct table){ 4095, HOLE });
}

/* Nothing can be fetched, not even the fault's handler. */
static void tables_abroad(void)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(HOLE) : "memory");
}

static void stack_abroad(void)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(HOLE) : "memory");
}

static void jump_abroad(void)
{
	__asm__ volatile("jmp *%0" ::"r"(HOLE));
}

static void write_abroad(void)
{
	*(volatile uint64_t *)(uintptr_t)HOLE = 1;
}

static void spin_deaf(void)
{
	irq_disable();
	for (;;)
		__asm__ volatile("" ::: "memory");
}

static void halt_deaf(void)
{
	cpu_stop();
}

/* Due again before the exit that serves it has ended: nothing else ever happens here. */
static void timer_storm(void)
{
	apic_write(APIC_LVT_TIMER, APIC_LVT_PERIODIC | TIMER_VECTOR);
	apic_write(APIC_TIMER_INITIAL, 1);
	for (;;)
		irq_enable();
}

static void exit_badly(void)
{
	hypercall(MULLION_HC_EXIT, ~0ull);
}

static const struct {
	const char *name;
	void (*commit)(void);
} lasts[] = {
	{ "triple-fault", triple_fault },
	{ "gates-abroad", gates_abroad },
	{ "tables-abroad", tables_abroad },
	{ "stack-abroad", stack_abroad },
	{ "jump-abroad", jump_abroad },
	{ "write-abroad", write_abroad },
	{ "spin-deaf", spin_deaf },
	{ "halt-deaf", halt_deaf },
	{ "timer-storm", timer_storm },
	{ "exit", exit_badly },
};

bool act_fatal(const char *const name)
{
	for (unsigned i = 0; i < COUNT_OF(lasts); i++)
		if (strcmp(name, lasts[i].name) == 0)
			lasts[i].commit();
	return false;
}
