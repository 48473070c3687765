/*
 * Descriptor tables, gates and dispatch. Invariant: every vector has a gate; one without a handler
 * reports itself and ends the partition. Specification: AMD APM 2, 4.8 and 8.9; Intel SDM 3A, 6.
 */
#include <stdio.h>
#include <string.h>

#include <mullion/console.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/smp.h>

#define GATE_INTERRUPT      0x8e00u
#define CODE_SELECTOR       0x08u
#define TSS_FIRST           0x20u /* vcpu n's selector: TSS_FIRST + 16 * n */
#define TSS_AVAILABLE       0x89u
#define FAULT_STACK_BYTES   4096u
#define VECTOR_DOUBLE_FAULT 8u
#define VECTOR_PAGE_FAULT   14u

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xa1

struct gate {
	uint16_t offset_low, selector, attributes, offset_middle;
	uint32_t offset_high, reserved;
};

struct tss {
	uint32_t reserved0;
	uint32_t stacks[24]; /* rsp0-2, reserved, ist1-7, reserved: as halves */
	uint16_t reserved1, io_base;
};

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const uint8_t irq_stubs[];
void irq_dispatch(struct irq_frame *frame);

static struct gate idt[256] __attribute__((aligned(16)));
static irq_handler *handlers[256];
static struct tss tss[SMP_MAX_VCPUS];
static uint8_t fault_stacks[SMP_MAX_VCPUS][FAULT_STACK_BYTES] __attribute__((aligned(16)));
static uint64_t gdt[4 + 2 * SMP_MAX_VCPUS] = { 0, 0x00af9a000000ffffull, 0x00cf92000000ffffull,
	0x00cf9a000000ffffull };

static void gate_set(const unsigned vector, const uintptr_t entry, const unsigned stack)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)entry,
		.selector = CODE_SELECTOR,
		.attributes = (uint16_t)(GATE_INTERRUPT | stack),
		.offset_middle = (uint16_t)(entry >> 16),
		.offset_high = (uint32_t)(entry >> 32),
	};
}

static void idt_init(void)
{
	for (unsigned v = 0; v < 256; v++)
		gate_set(v, (uintptr_t)irq_stubs + 16 * v, 0);
	/* A double fault may mean a broken stack: it brings its own. */
	gate_set(VECTOR_DOUBLE_FAULT, (uintptr_t)irq_stubs + 16 * VECTOR_DOUBLE_FAULT, 1);
}

static void tss_init(const unsigned vcpu)
{
	const uint64_t base = (uintptr_t)&tss[vcpu];
	const uint64_t stack = (uintptr_t)&fault_stacks[vcpu][FAULT_STACK_BYTES];
	uint64_t *const descriptor = &gdt[TSS_FIRST / 8 + 2 * vcpu];

	tss[vcpu].stacks[8] = (uint32_t)stack; /* IST1, at byte 36 */
	tss[vcpu].stacks[9] = (uint32_t)(stack >> 32);
	tss[vcpu].io_base = sizeof(struct tss);
	descriptor[0] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
			(uint64_t)TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
	descriptor[1] = base >> 32;
}

void irq_init_cpu(const unsigned vcpu)
{
	const struct table gdtr = { sizeof(gdt) - 1, (uintptr_t)gdt };
	const struct table idtr = { sizeof(idt) - 1, (uintptr_t)idt };
	const uint16_t selector = (uint16_t)(TSS_FIRST + 16 * vcpu);

	if (vcpu == 0) {
		idt_init();
		/* Firmware leaves the PIC's timer open on vector 8. Under Mullion there is no PIC.
		 */
		if (platform.kind != PLATFORM_MULLION) {
			port_write8(PIC_MASTER_MASK, 0xff);
			port_write8(PIC_SLAVE_MASK, 0xff);
		}
	}
	tss_init(vcpu);
	__asm__ volatile("lgdt %0; lidt %1; ltr %2" ::"m"(gdtr), "m"(idtr), "r"(selector)
			 : "memory");
}

unsigned smp_vcpu(void)
{
	uint16_t selector;

	__asm__ volatile("str %0" : "=r"(selector));
	return selector >= TSS_FIRST ? (selector - TSS_FIRST) / 16u : 0;
}

void irq_set_handler(const unsigned vector, irq_handler *const handler)
{
	handlers[vector] = handler;
	gate_set(vector, (uintptr_t)irq_stubs + 16 * vector, vector == VECTOR_DOUBLE_FAULT);
}

void irq_set_raw(const unsigned vector, void (*const stub)(void))
{
	gate_set(vector, (uintptr_t)stub, 0);
}

static uint64_t cr2_read(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static _Noreturn void report(const struct irq_frame *const f)
{
	static char text[320];
	const int bytes = snprintf(text, sizeof(text),
		"\nunexpected %s %lu on vcpu %u: rip %#lx, error %#lx, cr2 %#lx, rsp %#lx, rflags "
		"%#lx\n"
		"rax %#lx rbx %#lx rcx %#lx rdx %#lx rsi %#lx rdi %#lx\n",
		f->vector < IRQ_VECTOR_FIRST ? "exception" : "interrupt", (unsigned long)f->vector,
		smp_vcpu(), (unsigned long)f->rip, (unsigned long)f->error,
		(unsigned long)cr2_read(), (unsigned long)f->rsp, (unsigned long)f->rflags,
		(unsigned long)f->rax, (unsigned long)f->rbx, (unsigned long)f->rcx,
		(unsigned long)f->rdx, (unsigned long)f->rsi, (unsigned long)f->rdi);

	console_write(text, (size_t)bytes < sizeof(text) ? (size_t)bytes : sizeof(text) - 1);
	platform_exit(1);
}

void irq_dispatch(struct irq_frame *const frame)
{
	irq_handler *const handler = handlers[frame->vector];

	if (frame->vector == IRQ_VECTOR_SPURIOUS)
		return; /* SDM 3A, 11.9: no EOI for it */
	if (handler == NULL)
		report(frame);
	handler(frame);
	if (frame->vector >= IRQ_VECTOR_FIRST)
		apic_eoi();
}
