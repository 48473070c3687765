/*
 * Answers of a node that several commands ask for, and how they are printed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

struct node_clock session_clock(const struct session *session)
{
	const json_t *hz = json_object_get(session->hello, "hz");
	const json_int_t numerator = json_integer_value(json_array_get(hz, 0));
	const json_int_t denominator = json_integer_value(json_array_get(hz, 1));

	if (numerator <= 0 || denominator <= 0)
		return (struct node_clock){ 1000000000, 1 };
	return (struct node_clock){ (uint64_t)numerator, (uint64_t)denominator };
}

json_t *ctl_partition(const char *name)
{
	return json_pack("{s:s}", "partition", name);
}

int ctl_print_json(const json_t *result)
{
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
	return 0;
}

char *ctl_events(const json_t *events)
{
	char *text = NULL, *longer;
	const char *kind;
	json_t *count;

	json_object_foreach((json_t *)(uintptr_t)events, kind, count)
	{
		if (!session_value(count))
			continue;
		if (asprintf(&longer, "%s%s%s %" PRIu64, text ? text : "", text ? ", " : "", kind,
			    session_value(count)) < 0)
			abort(); /* out of memory */
		free(text);
		text = longer;
	}
	return text ? text : strdup("-");
}

/* An entry's position in the journal, "at"; the answer's last tells where to go on. */
static int64_t next_position(const json_t *entries)
{
	const size_t count = json_array_size(entries);

	return session_number(json_array_get(entries, count - 1), "at") + 1;
}

json_t *ctl_journal_entries(struct session *session)
{
	json_t *all = json_array(), *answer, *entries;
	int64_t from = 0, head = 1;

	while (from < head) {
		answer = session_ask(
			session, "journal", json_pack("{s:I}", "from", (json_int_t)from));
		entries = json_object_get(answer, "entries");
		if (!answer) {
			json_decref(all);
			return NULL;
		}
		head = json_array_size(entries) ? session_number(answer, "head") : 0;
		if (head && next_position(entries) <= from)
			head = 0; /* it does not get on: what there is, is here */
		from = head ? next_position(entries) : 0;
		json_array_extend(all, entries);
		json_decref(answer);
	}
	return all;
}
