/* Page-table trees map what they were asked to, with the largest pages, and nothing else. */
#include "unit.h"

#include <x86_tables.h>

#include "walk.h"

#define TABLE (X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_USER)

static bool map(
	struct paging *paging, uint64_t virtual, uint64_t physical, uint64_t bytes, uint64_t flags)
{
	return paging_map(
		paging, &(struct paging_mapping){ virtual, physical, bytes, flags, NULL });
}

static void the_largest_page_that_fits_is_used(void **state)
{
	struct paging paging;

	(void)state;
	paging_init(&paging, TABLE, PAGING_1G);
	assert_true(map(&paging, 0, PAGING_1G, 2 * PAGING_1G + PAGING_2M + PAGING_4K, TABLE));
	assert_int_equal(walk(&paging, 0).page, PAGING_1G);
	assert_int_equal(walk(&paging, PAGING_1G + 5).page, PAGING_1G);
	assert_int_equal(walk(&paging, PAGING_1G + 5).address, 2 * PAGING_1G + 5);
	assert_int_equal(walk(&paging, 2 * PAGING_1G).page, PAGING_2M);
	assert_int_equal(walk(&paging, 2 * PAGING_1G + PAGING_2M).page, PAGING_4K);
	assert_false(walk(&paging, 2 * PAGING_1G + PAGING_2M + PAGING_4K).present);
	assert_int_equal(paging.count, 4);
	paging_free(&paging);
}

static void pages_are_no_larger_than_allowed(void **state)
{
	struct paging paging;

	(void)state;
	paging_init(&paging, TABLE, PAGING_2M);
	assert_true(map(&paging, 0, 0, PAGING_1G, TABLE));
	assert_int_equal(walk(&paging, 12345).page, PAGING_2M);
	paging_free(&paging);
	paging_init(&paging, TABLE, PAGING_4K);
	assert_true(map(&paging, 0, 0, PAGING_2M, TABLE));
	assert_int_equal(walk(&paging, 12345).page, PAGING_4K);
	paging_free(&paging);
}

static void misaligned_addresses_take_smaller_pages(void **state)
{
	struct paging paging;

	(void)state;
	paging_init(&paging, TABLE, PAGING_1G);
	assert_true(map(&paging, 0, PAGING_4K, PAGING_2M, TABLE));
	assert_int_equal(walk(&paging, 0).page, PAGING_4K);
	assert_int_equal(walk(&paging, PAGING_2M - 1).address, PAGING_2M + PAGING_4K - 1);
	paging_free(&paging);
}

static void nothing_is_mapped_twice(void **state)
{
	struct paging paging;

	(void)state;
	paging_init(&paging, TABLE, PAGING_1G);
	assert_true(map(&paging, PAGING_2M, 0, PAGING_2M, TABLE));
	assert_false(map(&paging, PAGING_2M, 0, PAGING_4K, TABLE));
	assert_false(map(&paging, 0, 0, PAGING_1G, TABLE));
	assert_true(map(&paging, 2 * PAGING_2M, 0, PAGING_4K, TABLE));
	assert_false(map(&paging, 2 * PAGING_2M, 0, PAGING_2M, TABLE));
	paging_free(&paging);
}

static void what_is_not_a_page_is_refused(void **state)
{
	struct paging paging;

	(void)state;
	paging_init(&paging, TABLE, PAGING_1G);
	assert_false(map(&paging, 1, 0, PAGING_4K, TABLE));
	assert_false(map(&paging, 0, 8, PAGING_4K, TABLE));
	assert_false(map(&paging, 0, 0, 100, TABLE));
	paging_free(&paging);
}

static void objects_are_mapped_by_4_kib_pages_from_their_start(void **state)
{
	struct paging paging;
	const struct paging_mapping mapping = { PAGING_2M, 0, 2 * PAGING_2M, X86_PTE_PRESENT,
		"traces[0]" };

	(void)state;
	paging_init(&paging, TABLE, PAGING_1G);
	assert_true(paging_map(&paging, &mapping));
	assert_int_equal(walk(&paging, PAGING_2M).page, PAGING_4K);
	assert_string_equal(walk(&paging, PAGING_2M + 3 * PAGING_4K).object, "traces[0]");
	assert_int_equal(walk(&paging, PAGING_2M + 3 * PAGING_4K).address, 3 * PAGING_4K);
	paging_free(&paging);
}

/* A page of the reference: what page number maps where; 0: nothing. */
#define PAGES 4096u

static void check_against(const struct paging *paging, const uint64_t reference[PAGES])
{
	uint64_t page;

	for (page = 0; page < PAGES; page++) {
		const struct walk found = walk(paging, page * PAGING_4K + 7);

		assert_int_equal(found.present, reference[page] != 0);
		if (found.present)
			assert_int_equal(found.address, reference[page] * PAGING_4K + 7);
	}
}

/* One random mapping into both; whether the tree accepts it must agree with the reference. */
static void map_at_random(struct paging *paging, uint64_t reference[PAGES], uint64_t *random)
{
	const bool large = unit_random(random) % 2;
	const uint64_t grain = large ? 512 : 1;
	const uint64_t first = unit_random(random) % PAGES / grain * grain;
	const uint64_t physical = (unit_random(random) % 100000 + 1) * grain;
	uint64_t count = (unit_random(random) % 3 + 1) * grain, i;
	bool free = true;

	if (first + count > PAGES)
		count = PAGES - first;
	for (i = 0; i < count; i++)
		free &= !reference[first + i];
	if (!free)
		return;
	assert_true(map(paging, first * PAGING_4K, physical * PAGING_4K, count * PAGING_4K, TABLE));
	for (i = 0; i < count; i++)
		reference[first + i] = physical + i;
}

static void random_mappings_walk_to_what_was_mapped(void **state)
{
	uint64_t random = 3;
	unsigned round, i;

	(void)state;
	for (round = 0; round < 100; round++) {
		uint64_t reference[PAGES] = { 0 };
		struct paging paging;

		paging_init(&paging, TABLE, PAGING_1G);
		for (i = 0; i < 12; i++)
			map_at_random(&paging, reference, &random);
		check_against(&paging, reference);
		paging_free(&paging);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_page_that_fits_is_used),
		cmocka_unit_test(pages_are_no_larger_than_allowed),
		cmocka_unit_test(misaligned_addresses_take_smaller_pages),
		cmocka_unit_test(nothing_is_mapped_twice),
		cmocka_unit_test(what_is_not_a_page_is_refused),
		cmocka_unit_test(objects_are_mapped_by_4_kib_pages_from_their_start),
		cmocka_unit_test(random_mappings_walk_to_what_was_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
