/* CPUID shows what the policy allows: no feature by default, none that Mullion cannot keep. */
#include "unit.h"

#include "cpuid.h"
#include "sample_model.h"

#define BIT(value, bit) ((value) >> (bit)&1)

/* A board whose every answer is all ones, so that a leak shows. */
static struct cpuid_leaf ones[128];
static const struct model_board every_feature = { .cpuid = ones, .cpuid_count = 128 };

static void fill_ones(void)
{
	uint32_t i;

	for (i = 0; i < 32; i++) {
		ones[i] = (struct cpuid_leaf){ i, 0, ~0u, ~0u, ~0u, ~0u };
		ones[32 + i] = (struct cpuid_leaf){ 0x80000000 + i, 0, ~0u, ~0u, ~0u, ~0u };
		ones[64 + i] = (struct cpuid_leaf){ 7, i + 1, ~0u, ~0u, ~0u, ~0u };
		ones[96 + i] = (struct cpuid_leaf){ 0xd, i + 1, ~0u, ~0u, ~0u, ~0u };
	}
	ones[0].eax = 31;
	ones[32].eax = 0x8000001f;
}

static struct x86_cpuid_cell ask(const struct model_board *board, unsigned vcpu, unsigned vcpus,
	uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_answers answers;
	struct x86_cpuid_cell cell;

	cpuid_answer(board, vcpu, vcpus, &answers);
	cell = cpuid_look_up(&answers, leaf, subleaf);
	cpuid_answers_free(&answers);
	return cell;
}

static void what_cannot_be_kept_is_hidden_on_any_processor(void **state)
{
	const struct x86_cpuid_cell one = ask(&every_feature, 0, 1, 1, 0);
	const struct x86_cpuid_cell seven = ask(&every_feature, 0, 1, 7, 0);
	const struct x86_cpuid_cell extended = ask(&every_feature, 0, 1, 0x80000001, 0);
	const struct x86_cpuid_cell svm = ask(&every_feature, 0, 1, 0x8000000a, 0);
	const struct x86_cpuid_cell xsave = ask(&every_feature, 0, 1, 0xd, 0);

	(void)state;
	assert_int_equal(one.ecx & (1u << 3 | 1u << 5 | 1u << 12 | 0xfu << 26), 0);
	assert_int_equal(one.edx & (1u << 7 | 1u << 12 | 1u << 14 | 1u << 16), 0);
	assert_int_equal(BIT(seven.ebx, 1) | BIT(seven.ebx, 5) | BIT(seven.ebx, 16), 0);
	assert_int_equal(BIT(seven.ecx, 3) | BIT(seven.ecx, 16) | BIT(seven.ecx, 22), 0);
	assert_int_equal(BIT(extended.ecx, 2), 0);
	assert_int_equal(BIT(extended.edx, 27) | BIT(extended.edx, 25), 0);
	assert_int_equal(svm.eax | svm.ebx | svm.ecx | svm.edx, 0);
	assert_int_equal(xsave.eax | xsave.ebx | xsave.ecx | xsave.edx, 0);
}

/* The rows that show anything, as masks; every other bit of an all-ones board must be zero. */
static uint32_t shown_mask(uint32_t leaf, uint32_t subleaf, enum cpuid_register reg)
{
	uint32_t mask = 0;
	size_t i;

	for (i = 0; i < cpuid_policies_count; i++)
		if (cpuid_policies[i].leaf == leaf && cpuid_policies[i].subleaf == subleaf &&
			cpuid_policies[i].reg == reg && cpuid_policies[i].verdict != CPUID_HIDE)
			mask |= cpuid_policies[i].mask;
	return mask;
}

static void a_bit_without_a_row_is_zero(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i < 64; i++) {
		const uint32_t leaf = i < 32 ? i : 0x80000000 + i - 32;
		struct x86_cpuid_cell cell;

		if (leaf == 0x80000000)
			continue; /* its EAX is computed from what is shown */
		cell = ask(&every_feature, 0, 1, leaf, 0);
		assert_int_equal(cell.eax & ~shown_mask(leaf, 0, CPUID_EAX), 0);
		assert_int_equal(cell.ebx & ~shown_mask(leaf, 0, CPUID_EBX), 0);
		assert_int_equal(cell.ecx & ~shown_mask(leaf, 0, CPUID_ECX), 0);
		assert_int_equal(cell.edx & ~shown_mask(leaf, 0, CPUID_EDX), 0);
	}
}

static void no_bit_is_decided_twice_and_each_has_a_reason(void **state)
{
	size_t i, j;

	(void)state;
	for (i = 0; i < cpuid_policies_count; i++) {
		const struct cpuid_policy *a = &cpuid_policies[i];

		assert_true(a->mask != 0);
		assert_true(strlen(a->what) > 0 && strlen(a->why) > 0);
		for (j = 0; j < i; j++) {
			const struct cpuid_policy *b = &cpuid_policies[j];

			if (a->leaf == b->leaf && a->subleaf == b->subleaf && a->reg == b->reg)
				assert_int_equal(a->mask & b->mask, 0);
		}
	}
}

static void what_mullion_presents_is_shown_on_any_board(void **state)
{
	struct model *model = sample_model();
	const struct x86_cpuid_cell one = ask(&model->board, 0, 1, 1, 0);

	(void)state;
	assert_true(BIT(one.ecx, 21) && BIT(one.ecx, 24) && BIT(one.ecx, 31));
	assert_true(BIT(one.edx, 9));
	assert_true(BIT(ask(&model->board, 0, 1, 0x80000007, 0).edx, 8));
	sample_model_free(model);
}

static void the_signature_names_mullion(void **state)
{
	struct model *model = sample_model();
	const struct x86_cpuid_cell base = ask(&model->board, 0, 1, MULLION_CPUID_BASE, 0);
	const uint32_t letters[] = { base.ebx, base.ecx, base.edx };

	(void)state;
	assert_int_equal(base.eax, MULLION_CPUID_VERSION);
	assert_memory_equal(letters, "MullionMulli", 12);
	assert_int_equal(
		ask(&model->board, 0, 1, MULLION_CPUID_VERSION, 0).eax, MULLION_ABI_VERSION);
	sample_model_free(model);
}

static void each_vcpu_sees_its_own_id_among_its_siblings(void **state)
{
	struct model *model = sample_model();
	const struct x86_cpuid_cell one = ask(&model->board, 2, 3, 1, 0);
	const struct x86_cpuid_cell topology = ask(&model->board, 2, 3, 0xb, 1);

	(void)state;
	assert_int_equal(one.ebx >> 24, 2);
	assert_int_equal(one.ebx >> 16 & 0xff, 3);
	assert_true(BIT(one.edx, 28));
	assert_false(BIT(ask(&model->board, 0, 1, 1, 0).edx, 28));
	assert_int_equal(topology.eax, 2);
	assert_int_equal(topology.ebx, 3);
	assert_int_equal(topology.edx, 2);
	assert_int_equal(ask(&model->board, 2, 3, 0xb, 9).edx, 2);
	assert_int_equal(ask(&model->board, 2, 3, 0x80000008, 0).ecx, 2 | 2 << 12);
	sample_model_free(model);
}

static void a_range_ends_at_the_last_leaf_that_says_anything(void **state)
{
	struct model *model = sample_model();

	(void)state;
	assert_int_equal(ask(&model->board, 0, 1, 0, 0).eax, 0xb);
	assert_int_equal(ask(&model->board, 0, 1, 0x80000000, 0).eax, 0x80000008);
	assert_int_equal(ask(&model->board, 0, 1, 0x40000005, 0).eax, 0);
	assert_int_equal(ask(&model->board, 0, 1, 0x12345678, 0).eax, 0);
	assert_int_equal(ask(&model->board, 0, 1, 0xc0000000, 0).eax, 0);
	sample_model_free(model);
}

/* Every feature shown that the board has must be demanded of the node. */
static void the_node_must_have_every_feature_shown(void **state)
{
	struct model *model = sample_model();
	struct x86_cpuid_need *needs;
	const size_t count = cpuid_needs(&model->board, true, &needs);
	uint32_t svm = 0, npt = 0, huge = 0, features = 0;
	size_t i;

	(void)state;
	for (i = 0; i < count; i++) {
		svm |= needs[i].leaf == 0x80000001 && needs[i].reg == CPUID_ECX ? needs[i].mask : 0;
		npt |= needs[i].leaf == 0x8000000a && needs[i].reg == CPUID_EDX ? needs[i].mask : 0;
		huge |= needs[i].leaf == 0x80000001 && needs[i].reg == CPUID_EDX ? needs[i].mask
										 : 0;
		features |= needs[i].leaf == 1 && needs[i].reg == CPUID_ECX ? needs[i].mask : 0;
		assert_true(strlen(needs[i].what) > 0);
	}
	assert_true(BIT(svm, 2) && BIT(npt, 0) && BIT(huge, 26) && BIT(huge, 20) && BIT(huge, 29));
	/* all of 1.ECX but what Mullion presents itself */
	assert_int_equal(
		features, ask(&model->board, 0, 1, 1, 0).ecx & ~(1u << 21 | 1u << 24 | 1u << 31));
	free(needs);
	sample_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_kept_is_hidden_on_any_processor),
		cmocka_unit_test(a_bit_without_a_row_is_zero),
		cmocka_unit_test(no_bit_is_decided_twice_and_each_has_a_reason),
		cmocka_unit_test(what_mullion_presents_is_shown_on_any_board),
		cmocka_unit_test(the_signature_names_mullion),
		cmocka_unit_test(each_vcpu_sees_its_own_id_among_its_siblings),
		cmocka_unit_test(a_range_ends_at_the_last_leaf_that_says_anything),
		cmocka_unit_test(the_node_must_have_every_feature_shown),
	};

	fill_ones();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
