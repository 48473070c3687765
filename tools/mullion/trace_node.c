/*
 * The trace rings of a running node, by the command `trace`. A ring goes on being written while it
 * is fetched: it is read up to where its head was at first, and what is overwritten before it could
 * be fetched counts as lost, with everything older. Windows, starts and the like are kept for longer by
 * control: those of before and after what was fetched are put where they belong.
 */
#include <errno.h>
#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define LINE_RECORDS 21u /* as many as a line of the protocol could hold */
/*
 * Of a ring that goes round, this much is fetched: its older half might be overwritten as fast as
 * it could be.
 */
#define BEHIND (MULLION_TRACE_RECORDS / 2)

static bool garbled(unsigned cpu)
{
	fprintf(stderr, "%s: the node's trace of CPU %u cannot be read: damaged on its way?\n",
		program_invocation_name, cpu);
	return false;
}

static bool take_records(struct jitter_ring *ring, const char *text)
{
	uint8_t data[BASE64_DECODE_LENGTH(WIRE_LINE_BYTES)];
	struct base64_decode_ctx context;
	const size_t record = sizeof(*ring->records);
	size_t bytes = sizeof(data);

	if (strlen(text) >= WIRE_LINE_BYTES)
		return garbled(ring->cpu);
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &bytes, data, strlen(text), text) ||
		!base64_decode_final(&context) || bytes % record || bytes / record > LINE_RECORDS)
		return garbled(ring->cpu);
	if (!bytes)
		return true;
	ring->records = jitter_array(ring->records, ring->count + bytes / record, record);
	memcpy(ring->records + ring->count, data, bytes);
	ring->count += bytes / record;
	return true;
}

/* Records overwritten on the way leave a hole: what is older than it counts as lost, too. */
static void skip_hole(struct jitter_ring *ring, const json_t *part)
{
	const uint64_t from = (uint64_t)session_number(part, "from");

	if (!json_object_get(part, "from") || from == ring->lost + ring->count)
		return;
	ring->count = 0;
	ring->lost = from;
}

/* One answer; the position to go on from, or -1 after an error message. */
static int64_t take_answer(
	struct session *session, struct jitter_ring *ring, int64_t from, bool marks, int64_t *head)
{
	json_t *answer = session_ask(session, "trace",
		json_pack("{s:i, s:I, s:b}", "cpu", (int)ring->cpu, "from", (json_int_t)from,
			"marks", marks));
	json_t *part;
	size_t i;

	if (!answer)
		return -1;
	if (*head < 0)
		*head = session_number(answer, "head");
	json_decref(answer);
	json_array_foreach(session->parts, i, part)
	{
		skip_hole(ring, part);
		if (!take_records(ring, session_text(part, "records")))
			return -1;
	}
	return (int64_t)(ring->lost + ring->count);
}

static int64_t skip_to(struct jitter_ring *ring, int64_t position)
{
	ring->count = 0;
	ring->lost = (uint64_t)position;
	return position;
}

static bool read_ring(struct session *session, struct jitter_ring *ring)
{
	int64_t from = 0, head = -1, next;
	bool skipped = false;

	do {
		next = take_answer(session, ring, from, false, &head);
		if (next < 0)
			return false;
		if (next <= from)
			break; /* there is no more */
		from = next;
		if (!skipped && ring->lost && head - next > (int64_t)BEHIND)
			from = skip_to(ring, head - (int64_t)BEHIND);
		skipped = true;
	} while (from < head);
	return true;
}

static void append(
	struct jitter_ring *ring, const struct jitter_ring *from, size_t first, size_t end)
{
	if (first >= end)
		return;
	ring->records =
		jitter_array(ring->records, ring->count + end - first, sizeof(*ring->records));
	memcpy(ring->records + ring->count, from->records + first,
		(end - first) * sizeof(*ring->records));
	ring->count += end - first;
}

/* Marks of the time between the ring's first record and its last are in the ring. */
static void merge(struct jitter_ring *ring, const struct jitter_ring *marks)
{
	struct jitter_ring all = { .cpu = ring->cpu, .lost = ring->lost };
	size_t before = 0, after;

	while (before < marks->count &&
		(!ring->count || marks->records[before].tsc < ring->records[0].tsc))
		before++;
	for (after = before; after < marks->count &&
			     marks->records[after].tsc <= ring->records[ring->count - 1].tsc;)
		after++;
	append(&all, marks, 0, before);
	append(&all, ring, 0, ring->count);
	append(&all, marks, after, marks->count);
	all.kept = before;
	free(ring->records);
	*ring = all;
}

static bool read_marks(struct session *session, struct jitter_ring *ring)
{
	struct jitter_ring marks = { .cpu = ring->cpu };
	int64_t head = -1;
	const bool good = take_answer(session, &marks, 0, true, &head) >= 0;

	if (good)
		merge(ring, &marks);
	free(marks.records);
	return good;
}

/* ---- What runs where, as the node says it ---- */

static unsigned cpu_of(const json_t *cpus, const char *partition, unsigned vcpu)
{
	char *wanted = jitter_printf("%s/%u", partition, vcpu);
	unsigned found = 0;
	json_t *cpu, *name;
	size_t i, k;

	json_array_foreach(cpus, i, cpu) json_array_foreach(json_object_get(cpu, "vcpus"), k, name)
	{
		if (json_is_string(name) && !strcmp(json_string_value(name), wanted))
			found = (unsigned)session_number(cpu, "cpu");
	}
	free(wanted);
	return found;
}

/* Vcpus are numbered through the system, partition by partition. */
static json_t *vcpus_of(const json_t *partitions, const json_t *cpus)
{
	json_t *vcpus = json_array(), *partition;
	size_t i;

	json_array_foreach(partitions, i, partition)
	{
		const char *name = session_text(partition, "name");
		const unsigned count = (unsigned)session_number(partition, "vcpus") & 0xffu;
		unsigned v;

		for (v = 0; v < count; v++)
			json_array_append_new(
				vcpus, json_pack("{s:s, s:i, s:i}", "partition", name, "index",
					       (int)v, "cpu", (int)cpu_of(cpus, name, v)));
	}
	return vcpus;
}

static json_t *describe(struct session *session, const json_t *cpus)
{
	json_t *list = session_ask(session, "list", NULL), *system = NULL;
	json_t *partitions = json_object_get(list, "partitions");

	if (list)
		system = json_pack("{s:s, s:s, s:O, s:o, s:O}", "name",
			session_text(session->hello, "node"), "board",
			session_text(session->hello, "board"), "partitions", partitions, "vcpus",
			vcpus_of(partitions, cpus), "cpus", cpus);
	json_decref(list);
	return system;
}

/* A CPU with many vcpus is named more than once. */
static bool has_ring(const struct jitter_source *source, unsigned cpu)
{
	size_t i;

	for (i = 0; i < source->rings_count; i++)
		if (source->rings[i].cpu == cpu)
			return true;
	return false;
}

static bool read_rings(struct session *session, struct jitter_report *report, const json_t *cpus)
{
	struct jitter_source *source =
		jitter_add_source(report, JITTER_RAM, session->wire.address, NULL);
	json_t *cpu;
	size_t i;

	json_array_foreach(cpus, i, cpu)
	{
		if (has_ring(source, (unsigned)session_number(cpu, "cpu")))
			continue;
		source->rings = jitter_array(
			source->rings, source->rings_count + 1, sizeof(*source->rings));
		source->rings[source->rings_count] =
			(struct jitter_ring){ .cpu = (unsigned)session_number(cpu, "cpu") };
		source->rings_count++;
		if (!read_ring(session, &source->rings[source->rings_count - 1]) ||
			!read_marks(session, &source->rings[source->rings_count - 1]))
			return false;
	}
	return true;
}

/* While a switch is under way, since when the present schedule is in force is not said. */
static bool ask_schedule(
	struct session *session, const struct jitter_report *report, struct trace_hint *hint)
{
	json_t *answer = session_ask(session, "schedule", NULL), *schedule;
	const char *name = session_text(answer, "schedule");
	size_t i;

	*hint = (struct trace_hint){ 0 };
	json_array_foreach(json_object_get(report->system, "schedules"), i, schedule)
	{
		if (strcmp(session_text(schedule, "name"), name) ||
			strcmp(session_text(answer, "next"), name))
			continue;
		*hint = (struct trace_hint){ true, i, (uint64_t)session_number(answer, "frame") };
	}
	json_decref(answer);
	return answer != NULL;
}

bool trace_read_node(struct session *session, struct jitter_report *report, struct trace_hint *hint)
{
	json_t *answer = session_ask(session, "cpus", NULL);
	const json_t *cpus = json_object_get(answer, "cpus");
	bool good = answer && read_rings(session, report, cpus);

	if (good && !report->system) {
		report->system = describe(session, cpus);
		good = report->system != NULL;
	}
	good = good && ask_schedule(session, report, hint);
	json_decref(answer);
	return good;
}
