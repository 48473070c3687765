/*
 * The memory and registers of a partition that does not run: cleared, copied, shown.
 *
 * Invariant: a partition's memory is in the kernel's map only here, only while one call lasts, and
 * never two partitions' at once.
 */
#include <arch_internal.h>

static const struct arch_vcpu_tables *tables_of(const struct mullion_partition *partition)
{
	return mullion_system.vcpus[partition->first_vcpu].arch;
}

static inline void fill(uint64_t to, uint64_t bytes)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(0) : "memory");
}

static inline void move(uint64_t to, uint64_t from, uint64_t bytes)
{
	uint64_t words = bytes / 8, rest = bytes % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

void arch_memory_zero(const struct mullion_partition *partition, uint64_t gpa, uint64_t bytes)
{
	uint64_t to = X86_PEEK_VA + gpa, words = bytes / 8;

	write_cr3(tables_of(partition)->restore);
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
	fill(to, bytes % 8);
	write_cr3(mullion_system.arch->pml4);
}

void arch_memory_copy(
	const struct mullion_partition *partition, uint64_t gpa, uint64_t source, uint64_t bytes)
{
	write_cr3(tables_of(partition)->restore);
	move(X86_PEEK_VA + gpa, X86_PRISTINE_VA + source, bytes);
	write_cr3(mullion_system.arch->pml4);
}

/* Guest-physical memory goes round the hole below 4 GiB. */
static bool is_memory(const struct arch_vcpu_tables *tables, uint64_t gpa)
{
	if (gpa < MULLION_HOLE_BASE)
		return gpa < tables->memory_bytes;
	return gpa >= MULLION_HOLE_END &&
	       gpa - (MULLION_HOLE_END - MULLION_HOLE_BASE) < tables->memory_bytes;
}

bool arch_memory_exchange(const struct mullion_partition *partition, uint64_t block, bool in)
{
	const struct arch_vcpu_tables *tables = tables_of(partition);
	uint64_t page = (uintptr_t)mullion_system.exchange;
	uint64_t gpa = block * MULLION_PEEK_BYTES;

	if (block > UINT64_MAX / MULLION_PEEK_BYTES || !is_memory(tables, gpa))
		return false;
	write_cr3(tables->restore);
	if (in)
		move(X86_PEEK_VA + gpa, page, MULLION_PEEK_BYTES);
	else
		move(page, X86_PEEK_VA + gpa, MULLION_PEEK_BYTES);
	write_cr3(mullion_system.arch->pml4);
	return true;
}

static void show(const struct arch_vcpu *arch, struct mullion_registers *r)
{
	const struct vmcb *vmcb = &arch->vmcb;
	const uint64_t *gpr = arch->gpr;

	*r = (struct mullion_registers){ gpr[R15], gpr[R14], gpr[R13], gpr[R12], gpr[RBP], gpr[RBX],
		gpr[R11], gpr[R10], gpr[R9], gpr[R8], vmcb->rax, gpr[RCX], gpr[RDX], gpr[RSI],
		gpr[RDI], UINT64_MAX, vmcb->rip, vmcb->cs.selector, vmcb->rflags, vmcb->rsp,
		vmcb->ss.selector, vmcb->fs.base, vmcb->gs.base, vmcb->ds.selector,
		vmcb->es.selector, vmcb->fs.selector, vmcb->gs.selector, vmcb->cr0, vmcb->cr2,
		vmcb->cr3, vmcb->cr4, vmcb->efer };
}

void arch_vcpu_registers(const struct vcpu *vcpu)
{
	show(&vcpu->arch, (void *)mullion_system.exchange);
}
