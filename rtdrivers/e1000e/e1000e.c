/*
 * Frames through rings of legacy descriptors. Descriptor i has buffer i, for ever.
 *
 * Invariant: a descriptor is written whole before the tail that offers it, and of what the device
 * wrote only "done", the length and the errors of the descriptor whose turn it is are looked at,
 * once. Specification: 82574 datasheet, 7.1, 7.2.
 */
#include <mullion/mmio.h>

#include <e1000e/e1000e.h>
#include <e1000e/registers.h>
#include <ib/copy.h>

#define WIRE_LEAST 60u

static void tell(const struct e1000e *const card, const unsigned tail, const uint16_t index)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	mmio_write32(card->registers + tail, index);
}

bool e1000e_reclaim(struct e1000e *const card)
{
	const unsigned oldest = (card->put + E1000E_DEPTH - card->outstanding) % E1000E_DEPTH;

	if (card->broken || card->outstanding == 0 ||
		!(__atomic_load_n(&card->sent[oldest].status, __ATOMIC_ACQUIRE) & SENT_DONE))
		return false;
	card->outstanding--;
	return true;
}

bool e1000e_send(struct e1000e *const card, const void *const frame, const unsigned bytes)
{
	uint16_t index;
	uint8_t *buffer;

	if (bytes < E1000E_FRAME_LEAST || bytes > E1000E_FRAME_BYTES)
		return false;
	e1000e_reclaim(card);
	if (card->broken || card->outstanding == E1000E_DEPTH - 1)
		return false;
	index = card->put;
	buffer = card->send_buffers[index];
	if (bytes < WIRE_LEAST)
		__builtin_memset(buffer, 0, WIRE_LEAST);
	copy_bytes(buffer, frame, bytes);
	card->sent[index] = (struct e1000e_sent){ .address = (uintptr_t)buffer,
		.bytes = (uint16_t)(bytes < WIRE_LEAST ? WIRE_LEAST : bytes),
		.command = SEND_LAST | SEND_CHECKSUM | SEND_REPORT };
	card->put = (index + 1) % E1000E_DEPTH;
	card->outstanding++;
	card->frames_sent++;
	tell(card, TDT, card->put);
	return true;
}

static bool is_frame(const uint8_t status, const uint8_t errors, const unsigned bytes)
{
	return status & RECEIVED_LAST && !(errors & RECEIVED_BAD) && bytes >= E1000E_FRAME_LEAST &&
	       bytes <= E1000E_FRAME_BYTES;
}

/* The descriptor just taken is the one that stays empty, until the next one is taken. */
static void offer(struct e1000e *const card, const uint16_t index)
{
	card->received[index] =
		(struct e1000e_received){ .address = (uintptr_t)card->receive_buffers[index] };
	card->take = (index + 1) % E1000E_DEPTH;
	tell(card, RDT, index);
}

/* What is there to be taken: its length, or 0 and counted. */
static unsigned take(
	struct e1000e *const card, const uint8_t status, uint8_t frame[const E1000E_FRAME_BYTES])
{
	const volatile struct e1000e_received *const received = &card->received[card->take];
	const unsigned bytes = received->bytes; /* read once: the device may write it again */

	if (!is_frame(status, received->errors, bytes)) {
		card->refused++;
		return 0;
	}
	copy_bytes(frame, card->receive_buffers[card->take], bytes);
	card->frames_received++;
	return bytes;
}

unsigned e1000e_receive(struct e1000e *const card, uint8_t frame[const E1000E_FRAME_BYTES])
{
	unsigned bytes;
	uint8_t status;

	if (card->broken)
		return 0;
	status = __atomic_load_n(&card->received[card->take].status, __ATOMIC_ACQUIRE);
	if (!(status & RECEIVED_DONE))
		return 0;
	bytes = take(card, status, frame);
	offer(card, card->take);
	return bytes;
}

bool e1000e_has_link(const struct e1000e *const card)
{
	return !card->broken && mmio_read32(card->registers + STATUS) & STATUS_LINK;
}
