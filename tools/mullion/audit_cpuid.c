/*
 * What CPUID tells partitions, and what the node must have before the image runs.
 *
 * The invariant that is proved: every answer lies in the image; no feature is shown that the kernel
 * does not switch or moderate; each vcpu is told its own id. AMD APM 3, appendix E.
 */
#include "audit.h"

#include <string.h>

#include "allocate.h"

enum { EAX, EBX, ECX, EDX };

struct hidden {
	uint32_t leaf, subleaf;
	unsigned reg;
	uint32_t mask;
	const char *what;
};

/* Never shown: state the kernel does not switch, or rights no partition has. */
static const struct hidden hidden[] = {
	{ 1, 0, ECX, 0x00000008, "MONITOR and MWAIT" },
	{ 1, 0, ECX, 0x00000060, "VMX or SMX" },
	{ 1, 0, ECX, 0x3c001000, "XSAVE, AVX, FMA or F16C" },
	{ 1, 0, EDX, 0x00004080, "machine checks" },
	{ 1, 0, EDX, 0x00011000, "MTRR or PAT" },
	{ 7, 0, EBX, 0x00000020, "AVX2" },
	{ 7, 0, ECX, 0x00000008, "protection keys" },
	{ 0x80000001, 0, ECX, 0x00000004, "SVM" },
	{ 0x80000001, 0, EDX, 0x08000000, "RDTSCP" },
};

/* Without these the kernel cannot keep partitions apart. */
static const struct hidden needed[] = {
	{ 0x80000001, 0, ECX, 0x00000004, "SVM" },
	{ 0x8000000a, 0, EDX, 0x00000001, "nested paging" },
	{ 0x80000001, 0, EDX, 0x00100000, "no-execute pages" },
};

static uint32_t leaf_of(unsigned entry)
{
	static const uint32_t ranges[] = { 0, MULLION_CPUID_BASE, 0x80000000u };

	return ranges[entry / 32] + entry % 32;
}

static uint32_t reg_of(const struct x86_cpuid_cell *cell, unsigned reg)
{
	const uint32_t values[] = { cell->eax, cell->ebx, cell->ecx, cell->edx };

	return values[reg];
}

struct answers {
	const struct x86_cpuid_table *table;
	const struct x86_cpuid_cell *cells;
};

static const struct x86_cpuid_cell *look_up(
	const struct answers *answers, uint32_t leaf, uint32_t subleaf)
{
	const struct x86_cpuid_entry *entry =
		&answers->table->entries[(leaf >> 30) * 32 + (leaf & 31)];

	return &answers->cells[entry->first + (subleaf < entry->last ? subleaf : entry->last)];
}

static bool open_answers(struct audit *audit, unsigned v, struct answers *answers)
{
	const char *what = format("the CPUID answers of vcpu %u", v);
	size_t cells = 1;
	unsigned i;

	answers->table = audit_constant(
		audit, audit_address(audit->vcpu_arch[v]->cpuid), sizeof(*answers->table), 8, what);
	for (i = 0; answers->table && i < X86_CPUID_ENTRIES; i++) {
		const struct x86_cpuid_entry *entry = &answers->table->entries[i];

		if ((size_t)entry->first + entry->last + 1 > cells)
			cells = (size_t)entry->first + entry->last + 1;
	}
	answers->cells = answers->table
				 ? audit_constant(audit, audit_address(answers->table->cells),
					   cells * sizeof(*answers->cells), 4, what)
				 : NULL;
	return answers->cells;
}

static void check_hidden(struct audit *audit, unsigned v, const struct answers *answers)
{
	size_t i;

	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		const struct hidden *row = &hidden[i];
		const uint32_t shown =
			row->mask & reg_of(look_up(answers, row->leaf, row->subleaf), row->reg);

		if (shown)
			audit_find(audit, "cpuid-hidden",
				"CPUID leaf %#x shows %s to vcpu %u of %s (bits %#x), which no "
				"partition may use; the answers are %s",
				row->leaf, row->what, audit->vcpus[v].index,
				audit->partitions[audit->vcpus[v].partition].name, shown,
				audit_image_place(
					&audit->image, audit_address(audit->vcpu_arch[v]->cpuid)));
	}
}

static void check_identity(struct audit *audit, unsigned v, const struct answers *answers)
{
	const struct x86_cpuid_cell *base = look_up(answers, MULLION_CPUID_BASE, 0);
	const struct mullion_vcpu *vcpu = &audit->vcpus[v];
	const char *wrong = NULL;

	if (reg_of(look_up(answers, 1, 0), EBX) >> 24 != vcpu->index)
		wrong = "another APIC id than its own";
	if ((reg_of(look_up(answers, 1, 0), EBX) >> 16 & 0xff) !=
		audit->partitions[vcpu->partition].table->vcpus)
		wrong = "another number of vcpus than its partition has";
	if (base->ebx != MULLION_SIGNATURE_EBX || base->ecx != MULLION_SIGNATURE_ECX ||
		base->edx != MULLION_SIGNATURE_EDX)
		wrong = "no signature of Mullion";
	if (memcmp(answers->cells, &(struct x86_cpuid_cell){ 0 }, sizeof(*answers->cells)) != 0)
		wrong = "something for leaves that do not exist";
	if (wrong)
		audit_find(audit, "cpuid-identity",
			"CPUID tells vcpu %u of %s %s; the answers are %s", vcpu->index,
			audit->partitions[vcpu->partition].name, wrong,
			audit_image_place(
				&audit->image, audit_address(audit->vcpu_arch[v]->cpuid)));
}

/* An index is answered from the table, so the range of a leaf tells how far programs look. */
static void check_range(struct audit *audit, unsigned v, const struct answers *answers)
{
	unsigned i;

	for (i = 0; i < X86_CPUID_ENTRIES; i++)
		if (!answers->table->entries[i].first && answers->table->entries[i].last)
			audit_find(audit, "cpuid-identity",
				"CPUID leaf %#x of vcpu %u has subleaves and no answers",
				leaf_of(i), v);
}

static void check_needs(struct audit *audit)
{
	const uint16_t count = audit->arch->needs_count;
	const struct x86_cpuid_need *needs =
		audit_constant(audit, audit_address(audit->arch->needs), count * sizeof(*needs), 8,
			"what the node must have");
	size_t i, j;

	for (i = 0; needs && i < sizeof(needed) / sizeof(needed[0]); i++) {
		for (j = 0; j < count; j++)
			if (needs[j].leaf == needed[i].leaf && needs[j].reg == needed[i].reg &&
				(needs[j].mask & needed[i].mask) == needed[i].mask)
				break;
		if (j == count)
			audit_find(audit, "node-needs",
				"the image starts on a node without %s, which it cannot do "
				"without; "
				"the list is %s",
				needed[i].what,
				audit_image_place(
					&audit->image, audit_address(audit->arch->needs)));
	}
}

void audit_cpuid(struct audit *audit)
{
	struct answers answers;
	unsigned v;

	check_needs(audit);
	for (v = 0; v < audit->system->vcpus_count; v++) {
		if (!open_answers(audit, v, &answers))
			continue;
		check_hidden(audit, v, &answers);
		check_identity(audit, v, &answers);
		check_range(audit, v, &answers);
	}
}
