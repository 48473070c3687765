/*
 * The kernel's descriptor tables, constant, and the report of a defect in the kernel itself.
 */
#include <arch_internal.h>
#include <x86_asm.h>

#define GATE_INTERRUPT       0x8e00u
#define EXCEPTION_STUB_BYTES 16u
#define NMI_VECTOR           2u
#define MACHINE_CHECK_VECTOR 18u

struct gate {
	uint16_t offset_low, selector, attributes, offset_middle;
	uint32_t offset_high, reserved;
};

struct __attribute__((packed)) table_register {
	uint16_t limit;
	uint64_t base;
};

extern const char trap_exceptions[], trap_timer[], trap_spurious[], trap_nmi[];
extern const uint64_t gdt[];

static struct gate idt[256];

static void set_gate(unsigned vector, const char *handler)
{
	uint64_t address = (uintptr_t)handler;

	idt[vector] = (struct gate){ .offset_low = (uint16_t)address,
		.selector = SELECTOR_CODE64,
		.attributes = GATE_INTERRUPT,
		.offset_middle = (uint16_t)(address >> 16),
		.offset_high = (uint32_t)(address >> 32) };
}

/*
 * Once, on the boot CPU. A vector nobody owns is ended as the timer's is: left in service, it would hold back every
 * lower one, that of the windows' ends among them. The spurious one is never in service.
 */
void trap_init(void)
{
	for (unsigned v = 0; v < 32; v++)
		set_gate(v, trap_exceptions + v * EXCEPTION_STUB_BYTES);
	for (unsigned v = 32; v < 256; v++)
		set_gate(v, trap_timer);
	set_gate(NMI_VECTOR, trap_nmi);
	set_gate(HOST_SPURIOUS_VECTOR, trap_spurious);
}

void trap_load(void)
{
	struct table_register idtr = { .limit = sizeof(idt) - 1, .base = (uintptr_t)idt };

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* A defect of the kernel: say where, and stop the node. */
void trap_report(uint64_t vector, uint64_t code, uint64_t rip)
{
	uint64_t address;

	if (vector == MACHINE_CHECK_VECTOR)
		machine_check_in_kernel(rip);
	__asm__ volatile("mov %%cr2, %0" : "=r"(address));
	store_shared(&node_state, NODE_BOOTING);
	console_print("\nkernel defect: exception %u code %x at %x, address %x\n", vector, code,
		rip, address);
	arch_power_off(false);
}
