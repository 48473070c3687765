/*
 * Queuing channels, opened and emptied. Invariant: an end's index is its own counter modulo the
 * depth, and what it takes from the other is only a difference that it compared with the depth.
 *
 * Specification: ARINC 653 P1, 2.3.5 (queuing mode): first in, first out; nothing is overwritten.
 */
#include <stddef.h>

#include <mullion/port.h>
#include <mullion/queuing.h>

#define DEPTH_LEAST 2u
#define DEPTH_MOST  256u

/*@ assigns \nothing; */
static bool shape_is_good(
	const uint64_t page_bytes, const uint64_t message_bytes, const uint64_t depth)
{
	return message_bytes >= 1 && message_bytes <= MULLION_CHANNEL_MESSAGE_MOST &&
	       depth >= DEPTH_LEAST && depth <= DEPTH_MOST && (depth & (depth - 1)) == 0 &&
	       page_bytes >= MULLION_QUEUING_BYTES(message_bytes, depth);
}

bool queuing_open_sender(struct queuing_sender *const port, void *const page,
	const uint64_t page_bytes, const void *const reader_page, const uint64_t message_bytes,
	const uint64_t depth)
{
	if (!shape_is_good(page_bytes, message_bytes, depth))
		return false;
	port->page = page;
	port->reader = reader_page;
	port->slots = (uint64_t *)page + MULLION_CHANNEL_HEADER_BYTES / PORT_WORD_BYTES;
	port->message_bytes = message_bytes;
	port->slot_words = MULLION_QUEUING_SLOT_BYTES(message_bytes) / PORT_WORD_BYTES;
	port->depth = depth;
	port->head = port_load(&port->page->head);
	port->overflows = port_load(&port->page->overflows);
	return true;
}

bool queuing_open_receiver(struct queuing_receiver *const port, const void *const page,
	const uint64_t page_bytes, void *const reader_page, const uint64_t message_bytes,
	const uint64_t depth)
{
	if (!shape_is_good(page_bytes, message_bytes, depth))
		return false;
	port->page = page;
	port->reader = reader_page;
	port->slots = (const uint64_t *)page + MULLION_CHANNEL_HEADER_BYTES / PORT_WORD_BYTES;
	port->message_bytes = message_bytes;
	port->slot_words = MULLION_QUEUING_SLOT_BYTES(message_bytes) / PORT_WORD_BYTES;
	port->depth = depth;
	port->tail = port_load(&port->reader->tail);
	port->overflows = port_load(&port->page->overflows);
	port->broken = 0;
	return true;
}

void queuing_clear(struct queuing_receiver *const port)
{
	port->tail = port_load_acquire(&port->page->head);
	port_store_release(&port->reader->tail, port->tail);
}

/*@ assigns \nothing;
    ensures \result <= depth;
*/
static uint64_t within(const uint64_t waiting, const uint64_t depth)
{
	return waiting <= depth ? waiting : depth;
}

uint64_t queuing_sent_waiting(const struct queuing_sender *const port)
{
	return within(port->head - port_load(&port->reader->tail), port->depth);
}

uint64_t queuing_waiting(const struct queuing_receiver *const port)
{
	return within(port_load(&port->page->head) - port->tail, port->depth);
}
