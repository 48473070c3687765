/*
 * Applies the CPUID policy and folds the answers into the kernel's table. See cpuid.h.
 */
#include "cpuid.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

#define MAX_SUBLEAVES 64u
#define RANGE(leaf)   ((leaf)&0xc0000000u)

/* The largest leaf the board answers in the range of `leaf`. */
static uint32_t board_last(const struct model_board *board, uint32_t leaf)
{
	size_t i;

	if (RANGE(leaf) == MULLION_CPUID_BASE)
		return MULLION_CPUID_VERSION;
	for (i = 0; i < board->cpuid_count; i++)
		if (board->cpuid[i].leaf == RANGE(leaf))
			return board->cpuid[i].eax;
	return 0;
}

static uint32_t board_answer(
	const struct model_board *board, uint32_t leaf, uint32_t subleaf, enum cpuid_register reg)
{
	size_t i;

	for (i = 0; i < board->cpuid_count; i++) {
		const struct cpuid_leaf *row = &board->cpuid[i];
		const uint32_t answers[] = { row->eax, row->ebx, row->ecx, row->edx };

		if (row->leaf == leaf && row->subleaf == subleaf)
			return answers[reg];
	}
	return 0;
}

static uint32_t bits_of(unsigned vcpus)
{
	uint32_t bits = 0;

	while (1u << bits < vcpus)
		bits++;
	return bits;
}

static uint32_t computed(const struct cpuid_policy *policy, unsigned vcpu, unsigned vcpus)
{
	switch (policy->verdict) {
	case CPUID_SET:
		return policy->value;
	case CPUID_VCPU:
		return vcpu;
	case CPUID_VCPUS:
		return vcpus;
	case CPUID_LAST_VCPU:
		return vcpus - 1;
	case CPUID_VCPU_BITS:
		return bits_of(vcpus);
	case CPUID_SMP:
		return vcpus > 1;
	default:
		return 0;
	}
}

/* What one policy row contributes to its register. */
static uint32_t contribution(const struct model_board *board, const struct cpuid_policy *policy,
	unsigned vcpu, unsigned vcpus)
{
	const uint32_t low = policy->mask & (0 - policy->mask);

	if (policy->leaf > board_last(board, policy->leaf))
		return 0;
	if (policy->verdict == CPUID_PASS || policy->verdict == CPUID_COPY)
		return policy->mask &
		       board_answer(board, policy->leaf, policy->subleaf, policy->reg);
	return policy->mask & computed(policy, vcpu, vcpus) * low;
}

static struct x86_cpuid_cell leaf_answer(const struct model_board *board, uint32_t leaf,
	uint32_t subleaf, unsigned vcpu, unsigned vcpus)
{
	uint32_t answer[4] = { 0 };
	size_t i;

	for (i = 0; i < cpuid_policies_count; i++)
		if (cpuid_policies[i].leaf == leaf && cpuid_policies[i].subleaf == subleaf)
			answer[cpuid_policies[i].reg] |=
				contribution(board, &cpuid_policies[i], vcpu, vcpus);
	return (struct x86_cpuid_cell){ answer[0], answer[1], answer[2], answer[3] };
}

static bool is_zero(const struct x86_cpuid_cell *cell)
{
	return !(cell->eax | cell->ebx | cell->ecx | cell->edx);
}

static uint32_t entry_leaf(size_t entry)
{
	static const uint32_t ranges[] = { 0, MULLION_CPUID_BASE, 0x80000000u };

	return ranges[entry / 32] + (uint32_t)(entry % 32);
}

static void append_cell(struct cpuid_answers *answers, const struct x86_cpuid_cell *cell)
{
	answers->cells =
		allocate_more(answers->cells, answers->cells_count + 1, sizeof(*answers->cells));
	answers->cells[answers->cells_count++] = *cell;
}

/* A larger subleaf answers as the last, so a list of subleaves ends with what lies beyond it. */
static void fill_entry(struct cpuid_answers *answers, size_t entry,
	const struct x86_cpuid_cell cells[MAX_SUBLEAVES])
{
	uint16_t count = MAX_SUBLEAVES, i;

	while (count && is_zero(&cells[count - 1]))
		count--;
	if (!count)
		return;
	answers->entries[entry].first = (uint16_t)answers->cells_count;
	answers->entries[entry].last = (uint16_t)(count - 1);
	for (i = 0; i < count; i++)
		append_cell(answers, &cells[i]);
}

/* The first leaf of a range names the last that says anything. */
static void fill_range(struct cpuid_answers *answers, size_t first, size_t last)
{
	if (!answers->entries[first].first)
		return;
	while (last > first && !answers->entries[last].first)
		last--;
	answers->cells[answers->entries[first].first].eax = entry_leaf(last);
}

void cpuid_answer(const struct model_board *board, unsigned vcpu, unsigned vcpus,
	struct cpuid_answers *answers)
{
	static const struct x86_cpuid_cell zeros;
	size_t entry;
	uint32_t subleaf;

	*answers = (struct cpuid_answers){ 0 };
	append_cell(answers, &zeros);
	for (entry = 0; entry < X86_CPUID_ENTRIES; entry++) {
		struct x86_cpuid_cell cells[MAX_SUBLEAVES];

		for (subleaf = 0; subleaf < MAX_SUBLEAVES; subleaf++)
			cells[subleaf] =
				leaf_answer(board, entry_leaf(entry), subleaf, vcpu, vcpus);
		fill_entry(answers, entry, cells);
	}
	fill_range(answers, 0, 31);
	fill_range(answers, 32, 63);
	fill_range(answers, 64, 95);
}

void cpuid_answers_free(struct cpuid_answers *answers)
{
	free(answers->cells);
	*answers = (struct cpuid_answers){ 0 };
}

struct x86_cpuid_cell cpuid_look_up(
	const struct cpuid_answers *answers, uint32_t leaf, uint32_t subleaf)
{
	const struct x86_cpuid_entry *entry;

	if (leaf & 0x3fffffe0u || leaf >> 30 == 3)
		return answers->cells[0];
	entry = &answers->entries[(leaf >> 30) * 32 + (leaf & 31)];
	return answers->cells[entry->first + (subleaf < entry->last ? subleaf : entry->last)];
}

static void add_need(struct x86_cpuid_need **needs, size_t *count, struct x86_cpuid_need need)
{
	size_t i;

	for (i = 0; i < *count; i++)
		if ((*needs)[i].leaf == need.leaf && (*needs)[i].subleaf == need.subleaf &&
			(*needs)[i].reg == need.reg && !(need.mask & ~(*needs)[i].mask))
			return;
	*needs = allocate_more(*needs, *count + 1, sizeof(**needs));
	(*needs)[(*count)++] = need;
}

static const struct x86_cpuid_need always_needed[] = {
	{ 0x80000001, 0, CPUID_ECX, 1u << 2, "hardware virtualization (SVM)" },
	{ 0x8000000a, 0, CPUID_EDX, 1u << 0, "nested paging (NPT)" },
	{ 0x80000001, 0, CPUID_EDX, 1u << 29, "64-bit mode" },
	{ 0x80000001, 0, CPUID_EDX, 1u << 20, "no-execute pages (NX)" },
	{ 1, 0, CPUID_EDX, 1u << 3, "2 MiB pages (PSE)" },
	{ 1, 0, CPUID_EDX, 1u << 9, "a local APIC" },
	{ 1, 0, CPUID_EDX, 1u << 24, "FXSAVE" },
};

size_t cpuid_needs(const struct model_board *board, bool huge_pages, struct x86_cpuid_need **needs)
{
	size_t count = 0, i;

	*needs = NULL;
	for (i = 0; i < sizeof(always_needed) / sizeof(always_needed[0]); i++)
		add_need(needs, &count, always_needed[i]);
	if (huge_pages)
		add_need(needs, &count,
			(struct x86_cpuid_need){
				0x80000001, 0, CPUID_EDX, 1u << 26, "1 GiB pages" });
	if (board_answer(board, 0x80000007, 0, CPUID_EDX) & 1u << 8)
		add_need(needs, &count,
			(struct x86_cpuid_need){
				0x80000007, 0, CPUID_EDX, 1u << 8, "invariant TSC" });
	for (i = 0; i < cpuid_policies_count; i++) {
		const struct cpuid_policy *policy = &cpuid_policies[i];
		const uint32_t shown = contribution(board, policy, 0, 1);

		if (policy->verdict == CPUID_PASS && shown)
			add_need(needs, &count,
				(struct x86_cpuid_need){ policy->leaf, policy->subleaf, policy->reg,
					shown, policy->what });
	}
	return count;
}
