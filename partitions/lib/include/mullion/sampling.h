/*
 * Sampling channels over their shared page: one writer, any number of readers that it knows nothing
 * of, each wait-free. Layout and protocol: struct mullion_sampling in mullion/abi.h.
 *
 * A write is a fixed number of steps. A read makes at most SAMPLING_ATTEMPTS copies: one fails only
 * if the writer began slots - 1 further messages while it was made, so that a reader whose window
 * ends amidst a read succeeds with its second. What lies in the page is never believed: whatever
 * the peer writes, a read stays inside the page and inside its number of attempts.
 */
#ifndef MULLION_SAMPLING_H
#define MULLION_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/abi.h>
#include <mullion/port.h>

#define SAMPLING_ATTEMPTS 3u

struct sampling_writer {
	struct mullion_sampling *page;
	uint64_t *slots;
	uint64_t message_bytes; /* the longest message */
	uint64_t slot_words;
	uint64_t mask;   /* slots - 1 */
	uint64_t latest; /* our own count; the page's is for the readers */
};

struct sampling_reader {
	const struct mullion_sampling *page;
	const uint64_t *slots;
	uint64_t message_bytes;
	uint64_t slot_words;
	uint64_t mask;
	uint64_t refresh_ticks; /* a message is valid until it is older than this */
	uint64_t retries;       /* copies that the writer was faster than, or that it spoiled */
	const struct mullion_status *writer; /* whether the writing partition runs, and since when */
};

enum sampling_outcome {
	SAMPLING_MESSAGE = 0,
	SAMPLING_EMPTY = 1,     /* nothing was ever written */
	SAMPLING_OVERTAKEN = 2, /* no attempt was whole: the writer is too fast, or hostile */
};

/* What came with a message. */
struct sampling_message {
	uint64_t number; /* counted from 1 by the writer */
	uint64_t written_tsc;
	uint64_t length;
};

/*@ predicate slots_hold(integer mask, integer slot_words, integer message_bytes) =
      is_mask(mask) && mask < MULLION_SAMPLING_SLOTS_MOST &&
      1 <= message_bytes <= MULLION_CHANNEL_MESSAGE_MOST &&
      16 + message_bytes <= 8 * slot_words <= 4096;
    predicate good_writer(struct sampling_writer *p) =
      \valid(p) && \valid(p->page) && slots_hold(p->mask, p->slot_words, p->message_bytes) &&
      \valid(p->slots + (0 .. p->mask * p->slot_words + p->slot_words - 1)) &&
      \separated(p, p->page, p->slots + (0 .. p->mask * p->slot_words + p->slot_words - 1));
    predicate good_reader(struct sampling_reader *p) =
      \valid(p) && \valid_read(p->page) && slots_hold(p->mask, p->slot_words, p->message_bytes) &&
      \valid_read(p->slots + (0 .. p->mask * p->slot_words + p->slot_words - 1)) &&
      \separated(p, p->page, p->slots + (0 .. p->mask * p->slot_words + p->slot_words - 1));
    predicate apart(struct sampling_reader *p, uint8_t *m, struct sampling_message *a) =
      \valid(m + (0 .. p->message_bytes - 1)) && \valid(a) &&
      \separated(m + (0 .. p->message_bytes - 1), a, p, p->page,
        p->slots + (0 .. p->mask * p->slot_words + p->slot_words - 1));
*/

/*
 * Both refuse, with false, a page that holds less than two slots for messages of this size, and
 * sizes out of 1 ... MULLION_CHANNEL_MESSAGE_MOST. writer: the status page of the partition that
 * writes, or NULL where nobody stops partitions.
 */
bool sampling_open_writer(
	struct sampling_writer *port, void *page, uint64_t page_bytes, uint64_t message_bytes);
bool sampling_open_reader(struct sampling_reader *port, const void *page, uint64_t page_bytes,
	uint64_t message_bytes, uint64_t refresh_ticks, const struct mullion_status *writer);

/* Words of a slot: struct mullion_sampling_slot. */
#define SAMPLING_SLOT_WRITTEN 0u
#define SAMPLING_SLOT_LENGTH  1u
#define SAMPLING_SLOT_MESSAGE 2u

/* Length 1 ... message_bytes. One caller at a time. */
/*@ requires good_writer(port) && 1 <= length <= port->message_bytes;
    requires \valid_read(message + (0 .. length - 1));
    requires \separated(message + (0 .. length - 1), port, port->page,
      port->slots + (0 .. port->mask * port->slot_words + port->slot_words - 1));
    assigns port->latest, port->page->begun, port->page->latest,
      port->slots[((uint64_t)(port->latest + 1) & port->mask) * port->slot_words ..
        ((uint64_t)(port->latest + 1) & port->mask) * port->slot_words + port->slot_words - 1];
    ensures port->latest == (uint64_t)(\old(port->latest) + 1);
    ensures port->page->begun == port->latest && port->page->latest == port->latest;
*/
static inline void sampling_write(struct sampling_writer *const port, const uint8_t *const message,
	const uint64_t length, const uint64_t now_tsc)
{
	const uint64_t number = port->latest + 1;
	const uint64_t index = port_index(number, port->mask);
	uint64_t *const slot = port->slots + index * port->slot_words;

	/*@ assert 0 <= index * port->slot_words <= port->mask * port->slot_words; */
	port_store(&port->page->begun, number);
	port_fence_writes();
	port_store(slot + SAMPLING_SLOT_WRITTEN, now_tsc);
	port_store(slot + SAMPLING_SLOT_LENGTH, length);
	port_copy_in(slot + SAMPLING_SLOT_MESSAGE, message, length);
	port_store_release(&port->page->latest, number);
	port->latest = number;
}

/* One copy of message `number`; false if it is not certainly whole. */
/*@ requires good_reader(port) && apart(port, message, about);
    assigns message[0 .. port->message_bytes - 1], *about;
    ensures \result ==> 1 <= about->length <= port->message_bytes && about->number == number;
*/
static inline bool sampling_attempt(const struct sampling_reader *const port,
	uint8_t *const message, struct sampling_message *const about, const uint64_t number)
{
	const uint64_t index = port_index(number, port->mask);
	const uint64_t *const slot = port->slots + index * port->slot_words;

	/*@ assert 0 <= index * port->slot_words <= port->mask * port->slot_words; */
	about->number = number;
	about->written_tsc = port_load(slot + SAMPLING_SLOT_WRITTEN);
	about->length = port_load(slot + SAMPLING_SLOT_LENGTH);
	if (about->length == 0 || about->length > port->message_bytes)
		return false;
	port_copy_out(message, slot + SAMPLING_SLOT_MESSAGE, about->length);
	port_fence_reads();
	return port_load(&port->page->begun) - number <= port->mask;
}

/* What sampling_read does when its first attempt has failed. */
/*@ requires good_reader(port) && apart(port, message, about);
    assigns message[0 .. port->message_bytes - 1], *about, port->retries;
    ensures \result == SAMPLING_MESSAGE || \result == SAMPLING_OVERTAKEN;
    ensures \result == SAMPLING_MESSAGE ==> 1 <= about->length <= port->message_bytes;
    ensures \result == SAMPLING_OVERTAKEN ==>
      \forall integer i; 0 <= i < port->message_bytes ==> message[i] == 0;
*/
enum sampling_outcome sampling_read_again(
	struct sampling_reader *port, uint8_t *message, struct sampling_message *about);

/*
 * The last complete message into `message`, which has room for message_bytes. On
 * SAMPLING_OVERTAKEN it holds zeros; on SAMPLING_EMPTY it is left alone.
 */
/*@ requires good_reader(port) && apart(port, message, about);
    assigns message[0 .. port->message_bytes - 1], *about, port->retries;
    ensures \result == SAMPLING_MESSAGE ==> 1 <= about->length <= port->message_bytes;
    ensures \result == SAMPLING_OVERTAKEN ==>
      \forall integer i; 0 <= i < port->message_bytes ==> message[i] == 0;
*/
static inline enum sampling_outcome sampling_read(struct sampling_reader *const port,
	uint8_t *const message, struct sampling_message *const about)
{
	const uint64_t number = port_load_acquire(&port->page->latest);

	if (number == 0)
		return SAMPLING_EMPTY;
	if (sampling_attempt(port, message, about, number))
		return SAMPLING_MESSAGE;
	return sampling_read_again(port, message, about);
}

/* Whether a message is not too old at a time taken after it was read. One from the future is. */
/*@ requires \valid_read(port) && \valid_read(about);
    assigns \nothing;
    ensures \result != 0 <==> about->written_tsc <= now_tsc &&
      now_tsc <= about->written_tsc + port->refresh_ticks;
*/
static inline bool sampling_is_fresh(const struct sampling_reader *const port,
	const struct sampling_message *const about, const uint64_t now_tsc)
{
	return about->written_tsc <= now_tsc && now_tsc - about->written_tsc <= port->refresh_ticks;
}

/*
 * Whether it is valid then: fresh, and of the present life of its writer, which goes on. Who writes is
 * not asked: the kernel says it.
 */
/*@ requires \valid_read(port) && \valid_read(about) && \valid_read(port->writer);
    assigns \nothing;
    ensures \result != 0 ==> about->written_tsc <= now_tsc &&
      now_tsc <= about->written_tsc + port->refresh_ticks;
*/
static inline bool sampling_is_valid(const struct sampling_reader *const port,
	const struct sampling_message *const about, const uint64_t now_tsc)
{
	return port_state(&port->writer->state) == MULLION_STATE_RUNNING &&
	       port_load(&port->writer->since_tsc) <= about->written_tsc &&
	       sampling_is_fresh(port, about, now_tsc);
}

#endif
