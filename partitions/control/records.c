/*
 * Answers out of rings: the kernel's log, the journal, trace records.
 *
 * Invariant: a record that its writer has reached again while it was read is not sent.
 */
#include <stddef.h>

#include "memory.h"
#include "session.h"

#define LOG_BYTES     600u
#define TRACE_RECORDS 16u  /* a line */
#define TRACE_MOST    256u /* an answer */
#define ENTRY_MOST    240u

static bool log_text(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	uint8_t copy[LOG_BYTES];
	uint64_t position = job->from, lost;
	const uint32_t bytes =
		node_read_ring(control->node.log, &position, copy, sizeof(copy), &lost);
	uint32_t sent = 0;

	write_member_number(out, "from", position - bytes);
	write_key(out, "text");
	write_byte(out, '"');
	/* Behind it, `to` and `head` with their numbers. */
	while (sent < bytes && write_room(out) > 96)
		write_escaped(out, copy[sent++]);
	write_byte(out, '"');
	write_member_number(out, "to", position - bytes + sent);
	write_member_number(out, "head", job->until);
	return false;
}

/* From the oldest that is still there; of a ring whose writer may be writing one more. */
static void clamp(struct job *const job, const uint64_t head, const uint64_t capacity)
{
	if (head > job->from && head - job->from > capacity)
		job->from = head - capacity;
}

static void journal_entry(const struct node *const node, struct writer *const out,
	const uint64_t at, const struct mullion_journal_entry *const entry)
{
	write_comma(out);
	write_open(out, '{');
	write_member_number(out, "at", at);
	write_member_number(out, "tsc", entry->tsc);
	write_member_string(
		out, "partition", node_name(node, entry->partition), MULLION_NAME_BYTES);
	write_member_number(out, "vcpu", entry->vcpu);
	write_member_string(out, "event", node_event_word(entry->event), KEY_BYTES);
	write_member_string(out, "action", node_action_word(entry->action), KEY_BYTES);
	write_member_number(out, "boot", entry->boot);
	write_member_number(out, "detail", entry->detail);
	write_member_number(out, "rip", entry->rip);
	write_close(out, '}');
}

static bool journal(const struct node *const node, struct job *const job, struct writer *const out)
{
	const struct mullion_journal *const ring = node->journal;

	if (job->line == 0)
		write_member_number(out, "head", job->until);
	write_key(out, "entries");
	write_open(out, '[');
	clamp(job, __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE), MULLION_JOURNAL_ENTRIES);
	for (; job->from < job->until && write_room(out) > ENTRY_MOST + 32; job->from++) {
		const struct mullion_journal_entry entry =
			ring->entries[job->from % MULLION_JOURNAL_ENTRIES];

		journal_entry(node, out, job->from, &entry);
	}
	write_close(out, ']');
	return job->from < job->until;
}

/* A CPU's trace ring, or what control kept of it. */
struct ring {
	const struct mullion_trace_record *records;
	uint64_t capacity;
	const uint64_t *head;
};

static struct ring ring_of(const struct control *const control, const struct job *const job)
{
	const struct mullion_trace *const trace = control->node.traces[job->at];
	const struct exits_marks *const marks = &control->exits.marks[job->at];

	if (job->marks)
		return (struct ring){ marks->records, EXITS_MARKS, &marks->head };
	return (struct ring){ trace->records, MULLION_TRACE_RECORDS, &trace->head };
}

/* Copies whole records, and says how many of the first ones the writer took back meanwhile. */
static uint32_t copy_records(const struct ring *const ring, const uint64_t from,
	const uint32_t count, struct mullion_trace_record *const copy)
{
	uint64_t head;

	for (uint32_t i = 0; i < count; i++)
		copy[i] = ring->records[(from + i) % ring->capacity];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	head = __atomic_load_n(ring->head, __ATOMIC_RELAXED);
	/* The record at head may be half written: it is where from + capacity was. */
	if (head < from + ring->capacity)
		return 0;
	head -= from + ring->capacity - 1;
	return head < count ? (uint32_t)head : count;
}

static bool trace_records(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	const struct ring ring = ring_of(control, job);
	struct mullion_trace_record copy[TRACE_RECORDS];
	uint32_t count, lost;

	clamp(job, __atomic_load_n(ring.head, __ATOMIC_ACQUIRE), ring.capacity - 1);
	count = job->until <= job->from                  ? 0
		: job->until - job->from < TRACE_RECORDS ? (uint32_t)(job->until - job->from)
							 : TRACE_RECORDS;
	lost = copy_records(&ring, job->from, count, copy);
	write_member_number(out, "from", job->from + lost);
	write_member_number(out, "head", job->until);
	write_key(out, "records");
	write_byte(out, '"');
	write_base64(out, (const uint8_t *)&copy[lost],
		(count - lost) * (uint32_t)sizeof(struct mullion_trace_record));
	write_byte(out, '"');
	job->from += count;
	return job->from < job->until && job->line + 1 < TRACE_MOST / TRACE_RECORDS;
}

bool answer_records(
	const struct control *const control, struct job *const job, struct writer *const out)
{
	switch (job->command) {
	case COMMAND_LOG:
		return log_text(control, job, out);
	case COMMAND_JOURNAL:
		return journal(&control->node, job, out);
	case COMMAND_TRACE:
		return trace_records(control, job, out);
	case COMMAND_LOAD:
		return memory_load(job, out);
	default:
		return memory_dump(&control->node, job, out);
	}
}
