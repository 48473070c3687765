/*
 * Sampling channels. Invariant: the slot of the message named by `latest` is not written to, and
 * a reader's addresses come from its own numbers and a masked index, never from a bare shared word.
 *
 * The scheme: slots in turn, with the counts of messages begun and complete around each write: a
 * sequence lock whose reader has the time of slots - 1 further messages. Specification: ARINC 653
 * P1, 2.3.5 (sampling mode); docs/ports.md has the argument, verification/models the proof.
 */
#include <stddef.h>

#include <mullion/port.h>
#include <mullion/sampling.h>

/* The largest power of two that fits, 0 if that is less than two. */
/*@ requires 1 <= message_bytes <= MULLION_CHANNEL_MESSAGE_MOST;
    assigns \nothing;
    ensures \result != 0 ==> is_mask(\result - 1) && \result <= MULLION_SAMPLING_SLOTS_MOST &&
      64 + \result * slot_bytes(message_bytes) <= page_bytes;
*/
static uint64_t count_slots(const uint64_t page_bytes, const uint64_t message_bytes)
{
	const uint64_t slot_bytes = MULLION_SAMPLING_SLOT_BYTES(message_bytes);
	uint64_t slots = MULLION_SAMPLING_SLOTS_MOST;

	if (page_bytes < MULLION_CHANNEL_HEADER_BYTES + 2 * slot_bytes)
		return 0;
	/*@ loop invariant 2 <= slots <= MULLION_SAMPLING_SLOTS_MOST && is_mask(slots - 1);
	    loop assigns slots;
	    loop variant slots;
	*/
	while (slots * slot_bytes > page_bytes - MULLION_CHANNEL_HEADER_BYTES)
		slots /= 2;
	return slots;
}

/*@ assigns \nothing;
    ensures \result != 0 <==> 1 <= message_bytes <= MULLION_CHANNEL_MESSAGE_MOST;
*/
static bool size_is_good(const uint64_t message_bytes)
{
	return message_bytes >= 1 && message_bytes <= MULLION_CHANNEL_MESSAGE_MOST;
}

bool sampling_open_writer(struct sampling_writer *const port, void *const page,
	const uint64_t page_bytes, const uint64_t message_bytes)
{
	const uint64_t slots =
		size_is_good(message_bytes) ? count_slots(page_bytes, message_bytes) : 0;

	if (slots == 0)
		return false;
	port->page = page;
	port->slots = (uint64_t *)page + MULLION_CHANNEL_HEADER_BYTES / PORT_WORD_BYTES;
	port->message_bytes = message_bytes;
	port->slot_words = MULLION_SAMPLING_SLOT_BYTES(message_bytes) / PORT_WORD_BYTES;
	port->mask = slots - 1;
	port->latest = port_load(&port->page->latest);
	return true;
}

bool sampling_open_reader(struct sampling_reader *const port, const void *const page,
	const uint64_t page_bytes, const uint64_t message_bytes, const uint64_t refresh_ticks,
	const struct mullion_status *const writer)
{
	static const struct mullion_status runs_for_ever = { .state = MULLION_STATE_RUNNING };
	const uint64_t slots =
		size_is_good(message_bytes) ? count_slots(page_bytes, message_bytes) : 0;

	if (slots == 0)
		return false;
	port->page = page;
	port->slots = (const uint64_t *)page + MULLION_CHANNEL_HEADER_BYTES / PORT_WORD_BYTES;
	port->message_bytes = message_bytes;
	port->slot_words = MULLION_SAMPLING_SLOT_BYTES(message_bytes) / PORT_WORD_BYTES;
	port->mask = slots - 1;
	port->refresh_ticks = refresh_ticks;
	port->retries = 0;
	port->writer = writer != NULL ? writer : &runs_for_ever;
	return true;
}

enum sampling_outcome sampling_read_again(struct sampling_reader *const port,
	uint8_t *const message, struct sampling_message *const about)
{
	port->retries++;
	/*@ loop invariant 1 <= i <= SAMPLING_ATTEMPTS;
	    loop assigns i, port->retries, message[0 .. port->message_bytes - 1], *about;
	    loop variant SAMPLING_ATTEMPTS - i;
	*/
	for (unsigned i = 1; i < SAMPLING_ATTEMPTS; i++) {
		if (sampling_attempt(port, message, about, port_load_acquire(&port->page->latest)))
			return SAMPLING_MESSAGE;
		port->retries++;
	}
	/*@ loop invariant 0 <= i <= port->message_bytes;
	    loop invariant \forall integer k; 0 <= k < i ==> message[k] == 0;
	    loop assigns i, message[0 .. port->message_bytes - 1];
	    loop variant port->message_bytes - i;
	*/
	for (uint64_t i = 0; i < port->message_bytes; i++)
		message[i] = 0;
	return SAMPLING_OVERTAKEN;
}
