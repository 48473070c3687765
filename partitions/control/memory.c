/*
 * The memory and registers of a stopped partition, a block at a time through the exchange page: told as
 * lines, and put back.
 *
 * Invariant: a step moves at most STEP_BLOCKS blocks; what it tells or puts back is one block, or a run
 * of zeros. A partition that somebody starts meanwhile ends the answer with an error.
 * Specification: docs/control.md; RFC 4648, section 4.
 */
#include <stddef.h>

#include "memory.h"

#define STEP_BLOCKS 16u
#define WORD_BYTES  8u
#define LOW_BLOCKS  (MULLION_HOLE_BASE / MULLION_PEEK_BYTES)
#define HIGH_BLOCK  (MULLION_HOLE_END / MULLION_PEEK_BYTES)

uint64_t memory_end(const struct node *const node, const uint16_t partition, const uint64_t block)
{
	const uint64_t blocks =
		node->page->of_partition[partition].memory_bytes / MULLION_PEEK_BYTES;

	if (block < LOW_BLOCKS)
		return blocks < LOW_BLOCKS ? blocks : LOW_BLOCKS;
	return blocks > LOW_BLOCKS ? HIGH_BLOCK + blocks - LOW_BLOCKS : 0;
}

/* ---- Telling ---- */

static bool exchange_is_zero(const struct node *const node)
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < MEMORY_WORDS; i++)
		any |= node->exchange[i];
	return any == 0;
}

static void member_data(
	const struct node *const node, const uint32_t bytes, struct writer *const out)
{
	uint64_t copy[MEMORY_WORDS];

	for (uint32_t i = 0; i < bytes / WORD_BYTES; i++)
		copy[i] = node->exchange[i];
	write_key(out, "data");
	write_byte(out, '"');
	write_base64(out, (const uint8_t *)copy, bytes);
	write_byte(out, '"');
}

static void member_place(struct writer *const out, const uint64_t block)
{
	write_member_number(out, "page", block / MEMORY_PARTS);
	write_member_number(out, "part", block % MEMORY_PARTS);
}

/* The block behind the zeros found so far, into the exchange page. */
static bool peek(struct job *const job)
{
	if (node_call(MULLION_HC_PEEK, job->partition, job->from + job->zeros) == MULLION_OK)
		return true;
	job->command = COMMAND_NONE;
	return false;
}

/* True: as many blocks as a step may look at are zero, and there are more. */
static bool dump_waits(const struct node *const node, struct job *const job)
{
	for (uint32_t i = 0; i < STEP_BLOCKS && job->from + job->zeros < job->until; i++) {
		if (!peek(job) || !exchange_is_zero(node))
			return false;
		job->zeros++;
	}
	return job->from + job->zeros < job->until;
}

static bool dump_vcpu(
	const struct node *const node, struct job *const job, struct writer *const out)
{
	if (!peek(job))
		return false;
	write_member_number(out, "vcpu", job->from - MULLION_PEEK_VCPU);
	member_data(node, sizeof(struct mullion_registers), out);
	return false;
}

bool memory_dump(const struct node *const node, struct job *const job, struct writer *const out)
{
	if (job->vcpu)
		return dump_vcpu(node, job, out);
	member_place(out, job->from);
	if (job->zeros != 0) {
		write_member_number(out, "zeros", job->zeros);
		job->from += job->zeros;
		job->zeros = 0;
	} else {
		/* dump_waits() left it in the exchange page. */
		member_data(node, MULLION_PEEK_BYTES, out);
		job->from++;
	}
	return job->from < job->until;
}

/* ---- Putting back ---- */

int64_t memory_put(const struct node *const node, const uint16_t partition, const uint64_t block,
	const uint64_t words[MEMORY_WORDS])
{
	for (uint32_t i = 0; i < MEMORY_WORDS; i++)
		node->exchange[i] = words[i];
	return node_call(MULLION_HC_POKE, partition, block);
}

static bool load_waits(const struct node *const node, struct job *const job)
{
	static const uint64_t zeros[MEMORY_WORDS];

	for (uint32_t i = 0; i < STEP_BLOCKS && job->from + job->zeros < job->until; i++) {
		if (memory_put(node, job->partition, job->from + job->zeros, zeros) != MULLION_OK) {
			job->command = COMMAND_NONE;
			return false;
		}
		job->zeros++;
	}
	return job->from + job->zeros < job->until;
}

bool memory_load(struct job *const job, struct writer *const out)
{
	member_place(out, job->from);
	write_member_number(out, "zeros", job->zeros);
	return false;
}

/* The value of a digit of base64; -1: it is none. */
static int sextet(const char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The three bytes of four digits; of the last four of a block, whose last is padding, two. */
static bool take_group(const char *const digits, uint8_t *const bytes, const bool last)
{
	const int a = sextet(digits[0]), b = sextet(digits[1]), c = sextet(digits[2]);
	const int d = last ? (digits[3] == '=' && (c & 3) == 0 ? 0 : -1) : sextet(digits[3]);

	if (a < 0 || b < 0 || c < 0 || d < 0)
		return false;
	bytes[0] = (uint8_t)(a << 2 | b >> 4);
	bytes[1] = (uint8_t)(b << 4 | c >> 2);
	if (!last)
		bytes[2] = (uint8_t)(c << 6 | d);
	return true;
}

bool memory_decode(const struct member *const data, uint64_t block[MEMORY_WORDS])
{
	uint8_t *const bytes = (uint8_t *)block;

	if (data->length != MEMORY_DIGITS)
		return false;
	for (uint32_t i = 0; i < MEMORY_DIGITS / 4; i++)
		if (!take_group(&data->text[4 * i], &bytes[3 * i], i + 1 == MEMORY_DIGITS / 4))
			return false;
	return true;
}

bool memory_waits(const struct node *const node, struct job *const job)
{
	if (job->command == COMMAND_DUMP && !job->vcpu)
		return dump_waits(node, job);
	return job->command == COMMAND_LOAD && load_waits(node, job);
}
