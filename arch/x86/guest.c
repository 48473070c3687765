/*
 * Reading the code of the partition whose exit is being served.
 *
 * Invariant: the kernel's own map holds no partition's memory. For the length of one read the CPU
 * uses the vcpu's `peek` map instead, where the partition's memory appears read-only; then it
 * switches back. Guest page tables are walked as the hardware does: AMD APM 2, 5.3.
 */
#include <arch_internal.h>

#define PTE_FRAME    0x000ffffffffff000ull
#define TOP_SHIFT    39u
#define PAGE_SHIFT   12u
#define LEVEL_BITS   9u
#define PAGE_BYTES   4096u
#define SEGMENT_LONG 0x200u
#define SEGMENT_BIG  0x400u

/* Memory beyond the hole: only partitions with gigabytes have any. */
static COLD const uint8_t *above_hole(uint64_t gpa, uint64_t bytes)
{
	bool high = gpa >= MULLION_HOLE_END && bytes > MULLION_HOLE_BASE &&
		    gpa - MULLION_HOLE_END < bytes - MULLION_HOLE_BASE;

	return high ? (const uint8_t *)(X86_PEEK_VA + gpa) : NULL;
}

/* With the peek map loaded: where a guest-physical address can be read; NULL if it is not memory.
 */
static inline const uint8_t *at_physical(const struct vcpu *vcpu, uint64_t gpa)
{
	uint64_t bytes = vcpu->config->arch->memory_bytes;

	if (__builtin_expect(gpa >= MULLION_HOLE_BASE, 0))
		return above_hole(gpa, bytes);
	return gpa < bytes ? (const uint8_t *)(X86_PEEK_VA + gpa) : NULL;
}

static inline void walk_tables(const struct vcpu *vcpu, uint64_t linear, struct guest_walk *walk)
{
	uint64_t value = vcpu->arch.vmcb.cr3;
	unsigned shift = TOP_SHIFT;
	uint64_t mask;

	walk->at = NULL;
	for (walk->levels = 0; walk->levels < WALK_LEVELS; shift -= LEVEL_BITS) {
		const void *table = at_physical(vcpu, value & PTE_FRAME);
		const uint64_t *entry = (const uint64_t *)table + (linear >> shift & 511);

		if (table == NULL)
			return;
		value = *(const volatile uint64_t *)entry;
		walk->entry[walk->levels] = entry;
		walk->value[walk->levels++] = value;
		if (!(value & X86_PTE_PRESENT))
			return;
		if (shift == PAGE_SHIFT || (value & X86_PTE_LARGE && shift != TOP_SHIFT))
			break;
	}
	mask = (1ull << shift) - 1;
	walk->at = at_physical(vcpu, (value & PTE_FRAME & ~mask) | (linear & mask));
}

/* Long mode, or flat: a partition in 32-bit paging is not looked into. */
static inline void locate(const struct vcpu *vcpu, uint64_t linear, struct guest_walk *walk)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;

	if (vmcb->efer & EFER_LMA) {
		walk_tables(vcpu, linear, walk);
		return;
	}
	walk->levels = 0;
	walk->at = vmcb->cr0 & CR0_PG ? NULL : at_physical(vcpu, linear);
}

enum code_size guest_code_size(const struct vmcb *vmcb)
{
	if (vmcb->efer & EFER_LMA && vmcb->cs.attributes & SEGMENT_LONG)
		return CODE_64;
	return vmcb->cs.attributes & SEGMENT_BIG ? CODE_32 : CODE_16;
}

static uint64_t linear_address(const struct vmcb *vmcb, uint64_t offset)
{
	return guest_code_size(vmcb) == CODE_64 ? offset : vmcb->cs.base + offset;
}

/* The instruction may go on in the next page, which may lie anywhere, or be missing. */
static unsigned copy_code(const struct vcpu *vcpu, uint64_t linear, uint8_t code[FETCH_BYTES],
	struct guest_walk *walk)
{
	unsigned left = PAGE_BYTES - (linear & (PAGE_BYTES - 1));
	unsigned first = left < FETCH_BYTES ? left : FETCH_BYTES;
	struct guest_walk next = { .at = NULL };

	locate(vcpu, linear, walk);
	if (walk->at == NULL)
		return 0;
	if (first == FETCH_BYTES) {
		__builtin_memcpy(code, walk->at, FETCH_BYTES);
		return FETCH_BYTES;
	}
	__builtin_memcpy(code, walk->at, first);
	locate(vcpu, linear + first, &next);
	if (next.at == NULL)
		return first;
	__builtin_memcpy(code + first, next.at, FETCH_BYTES - first);
	return FETCH_BYTES;
}

unsigned guest_fetch(const struct vcpu *vcpu, uint64_t offset, uint8_t code[FETCH_BYTES])
{
	struct guest_walk walk;
	unsigned bytes;

	__builtin_memset(code, 0, FETCH_BYTES);
	write_cr3(vcpu->config->arch->peek);
	bytes = copy_code(vcpu, linear_address(&vcpu->arch.vmcb, offset), code, &walk);
	write_cr3(mullion_system.arch->pml4);
	return bytes;
}

/* Everything the site depended on is as it was: same place, same mode, same tables, same bytes. */
static bool still_true(const struct vmcb *vmcb, const struct code_site *site)
{
	const uint64_t *code = (const uint64_t *)(const void *)site->walk.at;

	if (site->rip != vmcb->rip || site->cr3 != vmcb->cr3 || site->efer != vmcb->efer ||
		site->attributes != vmcb->cs.attributes || site->base != vmcb->cs.base ||
		(site->cr0 ^ vmcb->cr0) & CR0_PG)
		return false;
	for (unsigned i = 0; i < site->walk.levels; i++)
		if (*(const volatile uint64_t *)site->walk.entry[i] != site->walk.value[i])
			return false;
	return code[0] == site->code[0] && code[1] == site->code[1];
}

/* Find the instruction at RIP anew. One that crosses a page is decoded, but not remembered. */
static COLD void refresh(const struct vcpu *vcpu, struct code_site *site)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;
	uint64_t linear = linear_address(vmcb, vmcb->rip);
	unsigned bytes = copy_code(vcpu, linear, (uint8_t *)site->code, &site->walk);
	bool crosses = (linear & (PAGE_BYTES - 1)) > PAGE_BYTES - FETCH_BYTES;

	site->mov = (struct decoded_mov){ 0 };
	if (bytes != 0)
		decode_mov((const uint8_t *)site->code, bytes, guest_code_size(vmcb), &site->mov);
	site->rip = vmcb->rip;
	site->base = vmcb->cs.base;
	site->cr0 = vmcb->cr0;
	site->cr3 = vmcb->cr3;
	site->efer = vmcb->efer;
	site->attributes = crosses || bytes == 0 ? UINT32_MAX : vmcb->cs.attributes;
}

const struct decoded_mov *guest_mov(struct vcpu *vcpu)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;
	struct code_site *site = &vcpu->arch.sites[code_site_index(vmcb->rip)];

	write_cr3(vcpu->config->arch->peek);
	if (!still_true(vmcb, site))
		refresh(vcpu, site);
	write_cr3(mullion_system.arch->pml4);
	return &site->mov;
}
