/*
 * Bringing text together. Invariant: the work of one pass is bounded (CONSOLES_PASS_BYTES per ring),
 * whatever the writers do; a writer that is faster loses its oldest text, and the line says so; text
 * nobody has room for stays in its ring. Layout: mullion/abi.h, the text ring.
 */
#include <stddef.h>

#include "consoles.h"
#include "transport.h"

#define TEXT_BYTES   240u
#define PREFIX_BYTES (NAME_BYTES + 5u)
#define LINE_MOST    (TEXT_BYTES + PREFIX_BYTES)
#define READERS      (MULLION_NODE_PARTITIONS + 1u)
#define NOTICE_BYTES 150u /* escaped, they fit a line of the protocol */

struct reader {
	const struct mullion_console *ring;
	const char *name;
	uint16_t partition; /* NO_PARTITION: the kernel's log, which nobody attaches to */
	uint64_t position;
	uint32_t used;
	char line[TEXT_BYTES];
};

static struct reader readers[READERS];
static unsigned readers_count;

static void add(
	const struct mullion_console *const ring, const char *const name, const uint16_t partition)
{
	struct reader *const r = &readers[readers_count];

	if (ring == NULL || readers_count == READERS)
		return;
	r->ring = ring;
	r->name = name[0] != '\0' ? name : "?";
	r->partition = partition;
	readers_count++;
}

void consoles_open(const struct node *const node)
{
	add(node->log, "mullion", NO_PARTITION);
	for (uint16_t p = 0; p < MULLION_NODE_PARTITIONS; p++)
		add(node->partitions[p].console, node->partitions[p].name, p);
}

unsigned consoles_count(void)
{
	return readers_count;
}

/* Room for it was asked for: the rest of a pass never sends more than that. */
static void flush_line(struct reader *const r)
{
	uint32_t name_bytes = 0;

	while (name_bytes < NAME_BYTES && r->name[name_bytes] != '\0')
		name_bytes++;
	people_send("[", 1);
	people_send(r->name, name_bytes);
	people_send("] ", 2);
	people_send(r->line, r->used);
	people_send("\r\n", 2);
	r->used = 0;
}

static void take(struct reader *const r, const char c)
{
	if (c == '\r')
		return;
	if (c == '\n') {
		flush_line(r);
		return;
	}
	r->line[r->used++] = c >= ' ' || c == '\t' ? c : '?';
	if (r->used == TEXT_BYTES)
		flush_line(r);
}

static void note_loss(struct reader *const r, const uint64_t lost)
{
	struct writer text;

	if (r->used != 0)
		flush_line(r);
	write_begin(&text);
	write_byte(&text, '(');
	write_number(&text, lost);
	write_raw(&text, " bytes lost)");
	for (uint32_t i = 0; i < text.used; i++)
		take(r, text.text[i]);
	flush_line(r);
}

/* Bytes that fit even if each of them ends a line; with what may have to be said before. */
static uint32_t people_bytes(void)
{
	const uint32_t room = people_room(), fixed = 3u * LINE_MOST;
	const uint32_t bytes = room > fixed ? (room - fixed) / PREFIX_BYTES : 0;

	return bytes < CONSOLES_PASS_BYTES ? bytes : CONSOLES_PASS_BYTES;
}

static bool to_people(struct reader *const r)
{
	uint8_t copy[CONSOLES_PASS_BYTES];
	const uint32_t room = people_bytes();
	uint64_t lost;
	uint32_t bytes;

	if (room == 0)
		return false;
	bytes = node_read_ring(r->ring, &r->position, copy, room, &lost);
	if (lost != 0)
		note_loss(r, lost);
	for (uint32_t i = 0; i < bytes; i++)
		take(r, (char)copy[i]);
	return bytes != 0 || lost != 0;
}

static bool is_attached(const struct session *const session, const struct reader *const r)
{
	return r->partition < MULLION_NODE_PARTITIONS && (session->attached >> r->partition & 1u);
}

/* All who are attached get the same; the slowest of them decides. */
static bool to_attached(
	struct reader *const r, struct session *const sessions, const unsigned count)
{
	static struct writer notice;
	uint8_t copy[NOTICE_BYTES];
	uint64_t lost;
	uint32_t bytes;

	for (unsigned s = 0; s < count; s++)
		if (is_attached(&sessions[s], r) && transport_room(s) < LINE_BYTES)
			return false;
	if (r->used != 0 && people_room() < LINE_MOST)
		return false;
	if (r->used != 0)
		flush_line(r);
	bytes = node_read_ring(r->ring, &r->position, copy, sizeof(copy), &lost);
	for (unsigned s = 0; bytes != 0 && s < count; s++) {
		if (!is_attached(&sessions[s], r))
			continue;
		session_notice_console(
			&sessions[s], r->partition, (const char *)copy, bytes, &notice);
		transport_notice(s, notice.text, notice.used);
	}
	return bytes != 0;
}

static bool pass(struct reader *const r, struct session *const sessions, const unsigned count)
{
	for (unsigned s = 0; s < count; s++)
		if (is_attached(&sessions[s], r))
			return to_attached(r, sessions, count);
	return to_people(r);
}

bool consoles_pass(struct session *const sessions, const unsigned count)
{
	bool busy = false;

	for (unsigned i = 0; i < readers_count; i++)
		busy = pass(&readers[i], sessions, count) || busy;
	return busy;
}
