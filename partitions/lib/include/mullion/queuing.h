/*
 * Queuing channels over their shared pages: a ring with one sender and one receiver, each
 * wait-free, in order, nothing lost and nothing twice. Layout: struct mullion_queuing in
 * mullion/abi.h.
 *
 * Each end keeps its own counter and only shows it to the other, whose counter it believes as far
 * as the difference lies within the depth. A hostile receiver can keep its own queue full; a
 * hostile sender can deliver nonsense of a permitted length: neither can do more.
 */
#ifndef MULLION_QUEUING_H
#define MULLION_QUEUING_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/abi.h>
#include <mullion/port.h>

struct queuing_sender {
	struct mullion_queuing *page;
	const struct mullion_queuing_reader *reader;
	uint64_t *slots;
	uint64_t message_bytes; /* the longest message */
	uint64_t slot_words;
	uint64_t depth;
	uint64_t head;
	uint64_t overflows;
};

struct queuing_receiver {
	const struct mullion_queuing *page;
	struct mullion_queuing_reader *reader;
	const uint64_t *slots;
	uint64_t message_bytes;
	uint64_t slot_words;
	uint64_t depth;
	uint64_t tail;
	uint64_t overflows; /* of which the caller knows */
	uint64_t broken;    /* counters or lengths that no honest sender writes */
};

enum queuing_outcome {
	QUEUING_MESSAGE = 0,
	QUEUING_EMPTY = 1,
	QUEUING_BROKEN = 2, /* the sender's counter or the message's length cannot be */
};

/*@ predicate ring_holds(integer depth, integer slot_words, integer message_bytes) =
      is_mask(depth - 1) && depth <= 256 &&
      1 <= message_bytes <= MULLION_CHANNEL_MESSAGE_MOST &&
      8 + message_bytes <= 8 * slot_words <= 4040;
    predicate good_sender(struct queuing_sender *p) =
      \valid(p) && \valid(p->page) && \valid_read(p->reader) &&
      ring_holds(p->depth, p->slot_words, p->message_bytes) &&
      \valid(p->slots + (0 .. (p->depth - 1) * p->slot_words + p->slot_words - 1)) &&
      \separated(p, p->page, p->reader,
        p->slots + (0 .. (p->depth - 1) * p->slot_words + p->slot_words - 1));
    predicate good_receiver(struct queuing_receiver *p) =
      \valid(p) && \valid_read(p->page) && \valid(p->reader) &&
      ring_holds(p->depth, p->slot_words, p->message_bytes) &&
      \valid_read(p->slots + (0 .. (p->depth - 1) * p->slot_words + p->slot_words - 1)) &&
      \separated(p, p->page, p->reader,
        p->slots + (0 .. (p->depth - 1) * p->slot_words + p->slot_words - 1));
*/

/*
 * Both refuse, with false, pages that are too small, a depth that is no power of two in 2 ... 256,
 * and sizes out of 1 ... MULLION_CHANNEL_MESSAGE_MOST. They go on where this end stood before a
 * restart: its counter lies in its own page.
 */
bool queuing_open_sender(struct queuing_sender *port, void *page, uint64_t page_bytes,
	const void *reader_page, uint64_t message_bytes, uint64_t depth);
bool queuing_open_receiver(struct queuing_receiver *port, const void *page, uint64_t page_bytes,
	void *reader_page, uint64_t message_bytes, uint64_t depth);

/* Drop what waits; also the way back after QUEUING_BROKEN. */
/*@ requires good_receiver(port);
    assigns port->tail, port->reader->tail;
    ensures port->reader->tail == port->tail;
*/
void queuing_clear(struct queuing_receiver *port);

/* Messages waiting, at most the depth. */
/*@ requires good_sender(port);
    assigns \nothing;
    ensures \result <= port->depth;
*/
uint64_t queuing_sent_waiting(const struct queuing_sender *port);
/*@ requires good_receiver(port);
    assigns \nothing;
    ensures \result <= port->depth;
*/
uint64_t queuing_waiting(const struct queuing_receiver *port);

/* Words of a slot. */
#define QUEUING_SLOT_LENGTH  0u
#define QUEUING_SLOT_MESSAGE 1u

/* Length 1 ... message_bytes; false, and nothing done, if there is no room. One caller. */
/*@ requires good_sender(port) && 1 <= length <= port->message_bytes;
    requires \valid_read(message + (0 .. length - 1));
    requires \separated(message + (0 .. length - 1), port, port->page, port->reader,
      port->slots + (0 .. (port->depth - 1) * port->slot_words + port->slot_words - 1));
    assigns port->head, port->page->head,
      port->slots[(port->head & (port->depth - 1)) * port->slot_words ..
        (port->head & (port->depth - 1)) * port->slot_words + port->slot_words - 1];
    ensures \result != 0 ==> port->head == (uint64_t)(\old(port->head) + 1) &&
      port->page->head == port->head;
    ensures \result == 0 ==> port->head == \old(port->head) &&
      port->page->head == \old(port->page->head);
*/
static inline bool queuing_send(
	struct queuing_sender *const port, const uint8_t *const message, const uint64_t length)
{
	const uint64_t tail = port_load_acquire(&port->reader->tail);
	const uint64_t index = port_index(port->head, port->depth - 1);
	uint64_t *const slot = port->slots + index * port->slot_words;

	/*@ assert 0 <= index * port->slot_words <= (port->depth - 1) * port->slot_words; */
	if (port->head - tail >= port->depth)
		return false;
	port_store(slot + QUEUING_SLOT_LENGTH, length);
	port_copy_in(slot + QUEUING_SLOT_MESSAGE, message, length);
	port->head++;
	port_store_release(&port->page->head, port->head);
	return true;
}

/* Tell the receiver that a message was given up because there was no room. */
/*@ requires good_sender(port);
    assigns port->overflows, port->page->overflows;
    ensures port->page->overflows == port->overflows;
*/
static inline void queuing_overflow(struct queuing_sender *const port)
{
	port->overflows++;
	port_store(&port->page->overflows, port->overflows);
}

/*@ requires good_receiver(port);
    assigns port->tail, port->reader->tail;
    ensures port->tail == (uint64_t)(\old(port->tail) + 1);
    ensures port->reader->tail == port->tail;
*/
static inline void queuing_take(struct queuing_receiver *const port)
{
	port->tail++;
	port_store_release(&port->reader->tail, port->tail);
}

/*@ requires good_receiver(port);
    assigns port->overflows;
    ensures \result == 0 <==> port->overflows == \old(port->overflows);
*/
static inline bool queuing_note_overflow(struct queuing_receiver *const port)
{
	const uint64_t overflows = port_load(&port->page->overflows);
	const bool more = overflows != port->overflows;

	port->overflows = overflows;
	return more;
}

/*
 * The oldest message into `message`, which has room for message_bytes. *overflowed: messages were
 * given up since the last one was received. One caller at a time. QUEUING_BROKEN takes a message of
 * an impossible length out of the queue; an impossible counter it leaves for queuing_clear.
 */
/*@ requires good_receiver(port) && \valid(length) && \valid(overflowed);
    requires \valid(message + (0 .. port->message_bytes - 1));
    requires \separated(message + (0 .. port->message_bytes - 1), length, overflowed, port,
      port->page, port->reader,
      port->slots + (0 .. (port->depth - 1) * port->slot_words + port->slot_words - 1));
    assigns message[0 .. port->message_bytes - 1], *length, *overflowed, port->tail,
      port->overflows, port->broken, port->reader->tail;
    ensures \result == QUEUING_MESSAGE ==> 1 <= *length <= port->message_bytes &&
      port->tail == (uint64_t)(\old(port->tail) + 1);
    ensures \result == QUEUING_EMPTY ==> port->tail == \old(port->tail);
    ensures port->tail == \old(port->tail) ||
      (port->tail == (uint64_t)(\old(port->tail) + 1) && port->reader->tail == port->tail);
*/
static inline enum queuing_outcome queuing_receive(struct queuing_receiver *const port,
	uint8_t *const message, uint64_t *const length, bool *const overflowed)
{
	const uint64_t head = port_load_acquire(&port->page->head);
	const uint64_t index = port_index(port->tail, port->depth - 1);
	const uint64_t *const slot = port->slots + index * port->slot_words;

	/*@ assert 0 <= index * port->slot_words <= (port->depth - 1) * port->slot_words; */
	if (head == port->tail)
		return QUEUING_EMPTY;
	if (head - port->tail > port->depth) {
		port->broken++;
		return QUEUING_BROKEN;
	}
	*length = port_load(slot + QUEUING_SLOT_LENGTH);
	if (*length == 0 || *length > port->message_bytes) {
		port->broken++;
		queuing_take(port);
		return QUEUING_BROKEN;
	}
	port_copy_out(message, slot + QUEUING_SLOT_MESSAGE, *length);
	*overflowed = queuing_note_overflow(port);
	queuing_take(port);
	return QUEUING_MESSAGE;
}

#endif
