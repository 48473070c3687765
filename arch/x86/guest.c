/*
 * Reading the memory of the partition whose exit is being served.
 *
 * Invariant: the kernel's own map holds no partition's memory. For the length of one read the CPU
 * uses the vcpu's `peek` map instead, where the partition's memory appears read-only; then it
 * switches back. Guest page tables are walked as the hardware does: AMD APM 2, 5.3.
 */
#include <arch_internal.h>

#define PTE_FRAME 0x000ffffffffff000ull
#define LEVELS    4u

/* Guest-physical to an offset the peek map knows; false if no memory is there. */
static bool is_memory(const struct vcpu *vcpu, uint64_t gpa)
{
	uint64_t bytes = vcpu->config->arch->memory_bytes;

	if (gpa < MULLION_HOLE_BASE)
		return gpa < bytes;
	return gpa >= MULLION_HOLE_END && bytes > MULLION_HOLE_BASE &&
	       gpa - MULLION_HOLE_END < bytes - MULLION_HOLE_BASE;
}

/* With the peek map loaded. */
static bool peek_word(const struct vcpu *vcpu, uint64_t gpa, uint64_t *word)
{
	if (!is_memory(vcpu, gpa))
		return false;
	*word = *(const volatile uint64_t *)(X86_PEEK_VA + gpa);
	return true;
}

static bool walk(const struct vcpu *vcpu, uint64_t linear, uint64_t *gpa)
{
	uint64_t entry = vcpu->arch.vmcb.cr3;

	for (unsigned level = LEVELS; level > 0; level--) {
		unsigned shift = 12 + 9 * (level - 1);
		uint64_t offset_mask = (1ull << shift) - 1;

		if (!peek_word(vcpu, (entry & PTE_FRAME) + (linear >> shift & 511) * 8, &entry) ||
			!(entry & X86_PTE_PRESENT))
			return false;
		if (level == 1 || (level < LEVELS && entry & X86_PTE_LARGE)) {
			*gpa = (entry & PTE_FRAME & ~offset_mask) | (linear & offset_mask);
			return is_memory(vcpu, *gpa);
		}
	}
	return false;
}

static bool translate(const struct vcpu *vcpu, uint64_t linear, uint64_t *gpa)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;

	if (vmcb->efer & EFER_LMA)
		return walk(vcpu, linear, gpa);
	*gpa = linear;
	return !(vmcb->cr0 & CR0_PG) && is_memory(vcpu, linear);
}

/* Bytes up to the end of the page: contiguous in guest-physical memory. */
static unsigned read_in_page(const struct vcpu *vcpu, uint64_t linear, uint8_t *to, unsigned bytes)
{
	uint64_t left = 4096 - (linear & 4095);
	uint64_t gpa;

	if (bytes > left)
		bytes = (unsigned)left;
	if (!translate(vcpu, linear, &gpa))
		return 0;
	for (unsigned i = 0; i < bytes; i++)
		to[i] = *(const volatile uint8_t *)(X86_PEEK_VA + gpa + i);
	return bytes;
}

static unsigned read_bytes(const struct vcpu *vcpu, uint64_t linear, uint8_t *to, unsigned bytes)
{
	unsigned done;

	write_cr3(vcpu->config->arch->peek);
	done = read_in_page(vcpu, linear, to, bytes);
	if (done != 0 && done < bytes)
		done += read_in_page(vcpu, linear + done, to + done, bytes - done);
	write_cr3(mullion_system.arch->pml4);
	return done;
}

static uint64_t code_base(const struct vcpu *vcpu)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;
	bool long_code = vmcb->efer & EFER_LMA && vmcb->cs.attributes & 0x200;

	return long_code ? 0 : vmcb->cs.base;
}

bool guest_read(const struct vcpu *vcpu, uint64_t offset, uint8_t *to, unsigned bytes)
{
	return read_bytes(vcpu, code_base(vcpu) + offset, to, bytes) == bytes;
}

unsigned guest_fetch(const struct vcpu *vcpu, uint8_t code[16])
{
	return read_bytes(vcpu, code_base(vcpu) + vcpu->arch.vmcb.rip, code, 15);
}
