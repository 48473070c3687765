/*
 * A transport packet: from the first byte of the BTH to the last of the padding. What follows the BTH is
 * told by its opcode alone, from one table.
 *
 * Invariant: ib_packet_decode accepts what ib_packet_encode can make, reserved bits and the padding's
 * contents apart, and nothing else. Specification: IBTA volume 1, 9.2 (table of opcodes), 9.4; A17.9.3
 * for the congestion notification.
 */
#ifndef RTDRIVERS_IB_PACKET_H
#define RTDRIVERS_IB_PACKET_H

#include <ib/headers.h>

/* Opcodes: the transport in the upper three bits, the operation below. */
enum ib_transport {
	IB_TRANSPORT_RC = 0x00,
	IB_TRANSPORT_UC = 0x20,
	IB_TRANSPORT_RD = 0x40,
	IB_TRANSPORT_UD = 0x60,
	IB_TRANSPORT_CNP = 0x80,
	IB_TRANSPORT_XRC = 0xa0,
	IB_TRANSPORT_MASK = 0xe0
};

enum ib_operation {
	IB_OP_SEND_FIRST = 0x00,
	IB_OP_SEND_MIDDLE = 0x01,
	IB_OP_SEND_LAST = 0x02,
	IB_OP_SEND_LAST_IMMEDIATE = 0x03,
	IB_OP_SEND_ONLY = 0x04,
	IB_OP_SEND_ONLY_IMMEDIATE = 0x05,
	IB_OP_WRITE_FIRST = 0x06,
	IB_OP_WRITE_MIDDLE = 0x07,
	IB_OP_WRITE_LAST = 0x08,
	IB_OP_WRITE_LAST_IMMEDIATE = 0x09,
	IB_OP_WRITE_ONLY = 0x0a,
	IB_OP_WRITE_ONLY_IMMEDIATE = 0x0b,
	IB_OP_READ_REQUEST = 0x0c,
	IB_OP_READ_RESPONSE_FIRST = 0x0d,
	IB_OP_READ_RESPONSE_MIDDLE = 0x0e,
	IB_OP_READ_RESPONSE_LAST = 0x0f,
	IB_OP_READ_RESPONSE_ONLY = 0x10,
	IB_OP_ACKNOWLEDGE = 0x11,
	IB_OP_ATOMIC_ACKNOWLEDGE = 0x12,
	IB_OP_COMPARE_SWAP = 0x13,
	IB_OP_FETCH_ADD = 0x14,
	IB_OP_SEND_LAST_INVALIDATE = 0x16,
	IB_OP_SEND_ONLY_INVALIDATE = 0x17,
	IB_OP_MASK = 0x1f
};

#define IB_OPCODE_CNP 0x81u

/* What an opcode means; ib_opcode_layout. 0: refused. */
enum ib_layout {
	IB_HAS_DETH = 1u << 0,
	IB_HAS_RETH = 1u << 1,
	IB_HAS_AETH = 1u << 2,
	IB_HAS_ATOMIC = 1u << 3,
	IB_HAS_ATOMIC_ACK = 1u << 4,
	IB_HAS_IMMEDIATE = 1u << 5,
	IB_HAS_IETH = 1u << 6,
	IB_HAS_PAYLOAD = 1u << 7,
	IB_IS_REQUEST = 1u << 8,
	IB_IS_RESPONSE = 1u << 9,
	IB_IS_FIRST = 1u << 10, /* of its message; an only packet is first and last */
	IB_IS_LAST = 1u << 11,
	IB_IS_SEND = 1u << 12,
	IB_IS_WRITE = 1u << 13,
	IB_IS_READ = 1u << 14, /* its request or a response */
	IB_IS_CONGESTION = 1u << 15
};

#define IB_EXTENDED_BYTES_MOST 28u /* of the headers behind the BTH */
#define IB_CNP_PAYLOAD_BYTES   16u /* reserved, zero */
#define IB_PACKET_BYTES_MOST   (IB_BTH_BYTES + IB_EXTENDED_BYTES_MOST + IB_MTU_MOST)

/* Members that the opcode does not have are not written by the decoder and not read by the encoder. */
struct ib_packet {
	struct ib_bth bth; /* pad_bytes: the encoder computes it from payload_bytes */
	struct ib_deth deth;
	struct ib_reth reth;
	struct ib_aeth aeth;
	struct ib_atomic atomic;
	struct ib_atomic_ack atomic_ack;
	uint32_t immediate;
	uint32_t invalidate; /* IETH: an rkey */
	const uint8_t *payload;
	unsigned payload_bytes; /* without padding */
};

/* Bits of enum ib_layout of an opcode; 0: reserved, or RD or XRC. At most 20 instructions. */
unsigned ib_opcode_layout(uint8_t opcode);

/* Bytes of the headers behind the BTH; 0 also for a refused opcode. At most 30 instructions. */
unsigned ib_opcode_extended_bytes(uint8_t opcode);

/* "rc send only", ...; "reserved" for refused ones. At most 30 instructions. */
const char *ib_opcode_name(uint8_t opcode);

/*
 * Decodes BTH to padding, `bytes` in all. packet->payload points into `data`. On refusal, *packet is
 * undefined. At most 250 instructions.
 */
enum ib_refusal ib_packet_decode(const uint8_t *data, unsigned bytes, struct ib_packet *packet);

/* Bytes from the BTH to the payload's first; 0 for a refused opcode. At most 30 instructions. */
unsigned ib_packet_payload_offset(const struct ib_packet *packet);

/* Bytes from the BTH to the last of the padding; 0: the packet cannot be sent. At most 40 instructions. */
unsigned ib_packet_bytes(const struct ib_packet *packet);

/* The same, and from the BTH to the payload's first byte. At most 40 instructions. */
unsigned ib_packet_measure(const struct ib_packet *packet, unsigned *payload_offset);

/*
 * Writes the packet, whose ib_packet_bytes() are not 0 and fit. The payload as with ib_packet_encode. At most
 * 9000 instructions.
 */
void ib_packet_write(const struct ib_packet *packet, uint8_t *data);

/*
 * Writes the packet, ib_packet_bytes() long; its length, or 0 where `room` is less or it cannot be sent
 * (refused opcode, payload that the opcode does not have or beyond IB_MTU_MOST). A payload that stands
 * already where it goes, ib_packet_payload_offset() into `data`, is left there; elsewhere it is copied and
 * must not overlap. At most 9000 instructions.
 */
unsigned ib_packet_encode(const struct ib_packet *packet, uint8_t *data, unsigned room);

#endif
