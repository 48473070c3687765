/*
 * The journal at boot, with anything at all in its page: what is ours is printed and goes on, anything
 * else begins anew, and nothing is read or written beyond the page.
 */
#include "unit.h"

#include <sys/mman.h>

#include <mullion/core.h>

#define IMAGE 0x1122334455667788ull
#define PAGE  4096u
#define RUNS  5000u

uint64_t fake_now, fake_step;
uint32_t node_state;

static struct mullion_console ring;
static struct mullion_node node;
static const struct mullion_partition partitions[2] = { { .name = "pump" }, { .name = "valve" } };
static struct mullion_system settings;
/* journal.c sees the table as constant; its journal is allocated. */
extern const struct mullion_system mullion_system __attribute__((alias("settings")));

static struct mullion_journal *page; /* with pages on both sides that nobody may touch */
static char printed[1 << 18];
static size_t printed_bytes;

void arch_console_put(char c)
{
	assert_true(printed_bytes + 1 < sizeof(printed));
	assert_true(c == '\n' || (c >= ' ' && c <= '~'));
	printed[printed_bytes++] = c;
	printed[printed_bytes] = '\0';
}

void units_power_off(void)
{
}

void arch_power_off(bool ok)
{
	(void)ok;
	abort();
}

const char *health_event_name(unsigned event)
{
	return event < MULLION_EVENT_COUNT ? "some event" : "unknown event";
}

const char *health_action_name(unsigned action)
{
	return action < MULLION_ACTION_COUNT ? "some action" : "unknown action";
}

static uint64_t check_of(const struct mullion_journal *journal)
{
	return ~(journal->magic + journal->image + journal->boots);
}

static void make_ours(void)
{
	page->magic = MULLION_JOURNAL_MAGIC;
	page->image = IMAGE;
	page->check = check_of(page);
}

static int begin(void **state)
{
	(void)state;
	node_state = NODE_BOOTING;
	memset(&node, 0, sizeof(node));
	memset(page, 0, PAGE);
	printed_bytes = 0;
	printed[0] = '\0';
	fake_now = 500;
	fake_step = 0;
	return 0;
}

static unsigned lines(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < printed_bytes; i++)
		count += printed[i] == '\n';
	return count;
}

static void boot(void)
{
	printed_bytes = 0;
	printed[0] = '\0';
	journal_begin();
	assert_true(page->magic == MULLION_JOURNAL_MAGIC && page->image == IMAGE);
	assert_true(page->check == check_of(page));
	assert_true(node.boots == page->boots);
}

static void an_empty_page_begins_a_journal_in_silence(void **state)
{
	(void)state;
	boot();
	assert_int_equal(page->boots, 1);
	assert_int_equal(page->head, 0);
	assert_string_equal(printed, "");
}

static void what_was_noted_is_printed_at_the_next_boot_and_counted(void **state)
{
	(void)state;
	boot();
	journal_note(&partitions[1], 3, MULLION_EVENT_PORT, MULLION_ACTION_STOP, 0x60, 0x1234);
	journal_note(NULL, MULLION_NO_VCPU, MULLION_EVENT_DMA, MULLION_ACTION_LOG, 7, 8);
	assert_int_equal(page->entries[0].vcpu, 3);
	assert_int_equal(page->entries[0].partition, 1);
	assert_int_equal(page->entries[0].boot, 1);
	boot();
	assert_string_equal(printed,
		"before: this node was reset; boot 2 of this image\n"
		"before: valve: some event 0x60, rip 0x1234, at 500; some action\n"
		"before: (nobody): some event 0x7, rip 0x8, at 500; some action\n");
	assert_int_equal(page->boots, 2);
	assert_int_equal(page->head, 2);
}

static void only_the_last_boots_events_are_printed(void **state)
{
	(void)state;
	boot();
	journal_note(&partitions[0], 0, MULLION_EVENT_PORT, MULLION_ACTION_LOG, 1, 0);
	boot();
	journal_note(&partitions[0], 0, MULLION_EVENT_MSR, MULLION_ACTION_LOG, 2, 0);
	boot();
	assert_int_equal(lines(), 2);
	assert_non_null(strstr(printed, " 0x2, rip"));
	boot();
	assert_int_equal(lines(), 1);
}

static void the_oldest_entries_give_way(void **state)
{
	char words[64];

	(void)state;
	boot();
	for (uint64_t n = 0; n < 1000; n++)
		journal_note(&partitions[0], 0, MULLION_EVENT_RAISED, MULLION_ACTION_LOG, n, 0);
	boot();
	assert_int_equal(lines(), 1 + MULLION_JOURNAL_ENTRIES);
	snprintf(words, sizeof(words), " 0x%x, rip", 1000 - MULLION_JOURNAL_ENTRIES);
	assert_non_null(strstr(printed, words));
	snprintf(words, sizeof(words), " 0x%x, rip", 999 - MULLION_JOURNAL_ENTRIES);
	assert_null(strstr(printed, words));
}

static void another_image_or_a_damaged_head_begins_anew(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++)
		for (unsigned field = 0; field < 4; field++) {
			uint64_t *fields[4] = { &page->magic, &page->image, &page->boots,
				&page->check };

			begin(NULL);
			page->boots = 7;
			page->head = 99;
			make_ours();
			*fields[field] ^= 1ull << bit;
			boot();
			assert_string_equal(printed, "");
			assert_int_equal(page->boots, 1);
			assert_int_equal(page->head, 0);
		}
}

/* The head is no part of the check: it may be anything, with every entry of this boot. */
static void any_head_prints_the_page_at_most(void **state)
{
	static const uint64_t heads[] = { 0, 1, 125, 126, 127, 128, UINT32_MAX, 1ull << 32,
		1ull << 63, UINT64_MAX - 126, UINT64_MAX - 1, UINT64_MAX };

	(void)state;
	for (unsigned h = 0; h < sizeof(heads) / sizeof(*heads); h++) {
		begin(NULL);
		memset(page, 0xff, PAGE);
		page->boots = 0xffff;
		page->head = heads[h];
		make_ours();
		boot();
		assert_in_range(lines(), 1, 1 + MULLION_JOURNAL_ENTRIES);
		assert_int_equal(page->boots, 0x10000);
		for (unsigned n = 0; n < 300; n++)
			journal_note(
				&partitions[0], 0, MULLION_EVENT_PORT, MULLION_ACTION_LOG, n, 0);
	}
}

static void the_number_of_boots_may_wrap(void **state)
{
	(void)state;
	page->boots = UINT64_MAX;
	make_ours();
	boot();
	assert_int_equal(page->boots, 0);
	boot();
	assert_int_equal(page->boots, 1);
}

static void random_pages_never_crash_nor_print_beyond_bounds(void **state)
{
	uint64_t random = 77;
	uint64_t *words = (uint64_t *)page;

	(void)state;
	for (unsigned run = 0; run < RUNS; run++) {
		for (unsigned w = 0; w < PAGE / 8; w++)
			words[w] = unit_random(&random);
		if (run % 2)
			for (unsigned e = 0; e < MULLION_JOURNAL_ENTRIES; e++)
				page->entries[e].boot = (uint16_t)page->boots;
		if (run % 4)
			make_ours();
		boot();
		assert_in_range(lines(), 0, 1 + MULLION_JOURNAL_ENTRIES);
		journal_note(NULL, 0, MULLION_EVENT_DMA, MULLION_ACTION_LOG, run, 0);
	}
}

static int guard_page(void **state)
{
	uint8_t *map =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (map == MAP_FAILED || mprotect(map, PAGE, PROT_NONE) != 0 ||
		mprotect(map + 2 * PAGE, PAGE, PROT_NONE) != 0)
		return 1;
	page = (struct mullion_journal *)(void *)(map + PAGE);
	settings = (struct mullion_system){ .partitions = partitions,
		.partitions_count = 2,
		.log = &ring,
		.node = &node,
		.journal = page,
		.image_id = IMAGE };
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_page_begins_a_journal_in_silence),
		TEST(what_was_noted_is_printed_at_the_next_boot_and_counted),
		TEST(only_the_last_boots_events_are_printed),
		TEST(the_oldest_entries_give_way),
		TEST(another_image_or_a_damaged_head_begins_anew),
		TEST(any_head_prints_the_page_at_most),
		TEST(the_number_of_boots_may_wrap),
		TEST(random_pages_never_crash_nor_print_beyond_bounds),
	};

	_Static_assert(sizeof(struct mullion_journal) == PAGE, "a page");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("journal", tests, guard_page, NULL);
}
