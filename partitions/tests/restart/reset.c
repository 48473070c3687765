/*
 * do=reset, in the role "control": asks for a reset until the node has booted often enough, then judges
 * what the journal kept of the boots before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/tap.h>

#include "restart.h"

#define CODE 0xb007ull

static const void *page(const enum mullion_region_kind kind)
{
	const struct mullion_region *const r = info_region_nth(kind, 0);

	if (r == NULL) {
		printf("Bail out! no such page\n");
		exit(1);
	}
	return region_address(r);
}

/* One reset for each boot but this one, and nothing else. */
static uint64_t count_strange(const struct mullion_journal *const journal, const uint64_t boots)
{
	uint64_t strange = journal->head != boots - 1;

	for (uint64_t k = 0; k < journal->head && k < MULLION_JOURNAL_ENTRIES; k++) {
		const struct mullion_journal_entry *const entry = &journal->entries[k];

		strange += entry->boot != k + 1 || entry->event != MULLION_EVENT_RAISED ||
			   entry->action != MULLION_ACTION_RESET || entry->detail != CODE + k;
	}
	return strange;
}

int role_reset(void)
{
	const struct mullion_node *const node = page(MULLION_REGION_NODE);
	const struct mullion_journal *const journal = page(MULLION_REGION_JOURNAL);
	const uint64_t wanted = args_number("boots", 3);
	const uint64_t boots = node->boots;

	if (boots < wanted) {
		printf("boot %" PRIu64 ": once more\n", boots);
		health_raise(CODE + boots - 1);
	}
	tap_plan(2);
	tap_check(boots == wanted && journal->boots == boots,
		"boots_are_counted_as_long_as_the_journal_survives", "%" PRIu64, boots);
	tap_check(count_strange(journal, boots) == 0, "the_journal_holds_what_ended_each_boot",
		"%" PRIu64 " entries", journal->head);
	return tap_status();
}
