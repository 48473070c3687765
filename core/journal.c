/*
 * The journal of health events, in a page that is no part of the image: what a reset of the node leaves
 * alone, the next boot reads.
 *
 * Invariant: nothing in the page is believed beyond its own bounds: it may hold anything at boot.
 */
#include <mullion/core.h>

static uint64_t check_of(const struct mullion_journal *journal)
{
	return ~(journal->magic + journal->image + journal->boots);
}

static bool ours(const struct mullion_journal *journal)
{
	return journal->magic == MULLION_JOURNAL_MAGIC &&
	       journal->image == mullion_system.image_id && journal->check == check_of(journal);
}

static void print_entry(const struct mullion_journal_entry *entry)
{
	const char *name = entry->partition < mullion_system.partitions_count
				   ? mullion_system.partitions[entry->partition].name
				   : "(nobody)";

	console_print("before: %s: %s %x, rip %x, at %u; %s\n", name,
		health_event_name(entry->event), entry->detail, entry->rip, entry->tsc,
		health_action_name(entry->action));
}

static void print_last_boot(const struct mullion_journal *journal)
{
	uint64_t first = journal->head > MULLION_JOURNAL_ENTRIES
				 ? journal->head - MULLION_JOURNAL_ENTRIES
				 : 0;

	console_print("before: this node was reset; boot %u of this image\n", journal->boots + 1);
	for (uint64_t k = first; k < journal->head; k++) {
		const struct mullion_journal_entry *entry =
			&journal->entries[k % MULLION_JOURNAL_ENTRIES];

		if (entry->boot == (uint16_t)journal->boots)
			print_entry(entry);
	}
}

/* Memory that nobody has used since it was switched on: the journal's page stands for all of it. */
static bool is_fresh(const struct mullion_journal *journal)
{
	const uint64_t *words = (const void *)journal;

	for (unsigned i = 0; i < sizeof(*journal) / sizeof(*words); i++)
		if (words[i] != 0)
			return false;
	return true;
}

bool journal_begin(void)
{
	struct mullion_journal *journal = mullion_system.journal;
	bool fresh = is_fresh(journal);

	if (ours(journal)) {
		print_last_boot(journal);
	} else {
		journal->magic = MULLION_JOURNAL_MAGIC;
		journal->image = mullion_system.image_id;
		journal->boots = 0;
		journal->head = 0;
	}
	journal->boots++;
	journal->check = check_of(journal);
	mullion_system.node->boots = journal->boots;
	return fresh;
}

void journal_note(const struct mullion_partition *partition, uint16_t vcpu,
	enum mullion_event event, enum mullion_action action, uint64_t detail, uint64_t rip)
{
	struct mullion_journal *journal = mullion_system.journal;
	uint64_t k = __atomic_fetch_add(&journal->head, 1, __ATOMIC_RELAXED);

	journal->entries[k % MULLION_JOURNAL_ENTRIES] = (struct mullion_journal_entry){
		.tsc = arch_now(),
		.partition = partition == NULL ? MULLION_NO_VCPU
					       : (uint16_t)(partition - mullion_system.partitions),
		.vcpu = vcpu,
		.event = (uint8_t)event,
		.action = (uint8_t)action,
		.boot = (uint16_t)journal->boots,
		.detail = detail,
		.rip = rip,
	};
}
