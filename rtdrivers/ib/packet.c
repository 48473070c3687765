/*
 * Transport packets by their opcode: which headers follow, in which order, and whether a payload does.
 *
 * The headers' order on the wire is that of the bits in enum ib_layout. Specification: IBTA volume 1, 9.2,
 * 9.4; A17.9.3.
 */
#include <ib/bth.h>
#include <ib/packet.h>
#include <inet/octets.h>

#define FIRST    IB_IS_FIRST
#define LAST     IB_IS_LAST
#define ONLY     (IB_IS_FIRST | IB_IS_LAST)
#define SEND     (IB_IS_REQUEST | IB_IS_SEND | IB_HAS_PAYLOAD)
#define WRITE    (IB_IS_REQUEST | IB_IS_WRITE | IB_HAS_PAYLOAD)
#define RESPONSE (IB_IS_RESPONSE | IB_IS_READ | IB_HAS_PAYLOAD)
#define ATOMIC   (IB_IS_REQUEST | ONLY | IB_HAS_ATOMIC)

#define EXTENDED                                                                                   \
	(IB_HAS_DETH | IB_HAS_RETH | IB_HAS_AETH | IB_HAS_ATOMIC | IB_HAS_ATOMIC_ACK |             \
		IB_HAS_IMMEDIATE | IB_HAS_IETH)
#define OPCODES   256u
#define PADDED(n) (((n) + 3) & ~3u)

struct operation {
	uint16_t layout;
	uint8_t bytes; /* of the headers behind the BTH */
	const char *name;
};

/* By opcode; those that are not here are refused. */
static const struct operation operations[OPCODES] = {
	[IB_TRANSPORT_RC | IB_OP_SEND_FIRST] = { SEND | FIRST, 0, "rc send first" },
	[IB_TRANSPORT_RC | IB_OP_SEND_MIDDLE] = { SEND, 0, "rc send middle" },
	[IB_TRANSPORT_RC | IB_OP_SEND_LAST] = { SEND | LAST, 0, "rc send last" },
	[IB_TRANSPORT_RC | IB_OP_SEND_LAST_IMMEDIATE] = { SEND | LAST | IB_HAS_IMMEDIATE, 4,
		"rc send last immediate" },
	[IB_TRANSPORT_RC | IB_OP_SEND_ONLY] = { SEND | ONLY, 0, "rc send only" },
	[IB_TRANSPORT_RC | IB_OP_SEND_ONLY_IMMEDIATE] = { SEND | ONLY | IB_HAS_IMMEDIATE, 4,
		"rc send only immediate" },
	[IB_TRANSPORT_RC |
		IB_OP_WRITE_FIRST] = { WRITE | FIRST | IB_HAS_RETH, 16, "rc write first" },
	[IB_TRANSPORT_RC | IB_OP_WRITE_MIDDLE] = { WRITE, 0, "rc write middle" },
	[IB_TRANSPORT_RC | IB_OP_WRITE_LAST] = { WRITE | LAST, 0, "rc write last" },
	[IB_TRANSPORT_RC | IB_OP_WRITE_LAST_IMMEDIATE] = { WRITE | LAST | IB_HAS_IMMEDIATE, 4,
		"rc write last immediate" },
	[IB_TRANSPORT_RC | IB_OP_WRITE_ONLY] = { WRITE | ONLY | IB_HAS_RETH, 16, "rc write only" },
	[IB_TRANSPORT_RC |
		IB_OP_WRITE_ONLY_IMMEDIATE] = { WRITE | ONLY | IB_HAS_RETH | IB_HAS_IMMEDIATE, 20,
		"rc write only immediate" },
	[IB_TRANSPORT_RC | IB_OP_READ_REQUEST] = { IB_IS_REQUEST | IB_IS_READ | ONLY | IB_HAS_RETH,
		16, "rc read request" },
	[IB_TRANSPORT_RC | IB_OP_READ_RESPONSE_FIRST] = { RESPONSE | FIRST | IB_HAS_AETH, 4,
		"rc read response first" },
	[IB_TRANSPORT_RC | IB_OP_READ_RESPONSE_MIDDLE] = { RESPONSE, 0, "rc read response middle" },
	[IB_TRANSPORT_RC | IB_OP_READ_RESPONSE_LAST] = { RESPONSE | LAST | IB_HAS_AETH, 4,
		"rc read response last" },
	[IB_TRANSPORT_RC | IB_OP_READ_RESPONSE_ONLY] = { RESPONSE | ONLY | IB_HAS_AETH, 4,
		"rc read response only" },
	[IB_TRANSPORT_RC |
		IB_OP_ACKNOWLEDGE] = { IB_IS_RESPONSE | ONLY | IB_HAS_AETH, 4, "rc acknowledge" },
	[IB_TRANSPORT_RC | IB_OP_ATOMIC_ACKNOWLEDGE] = { IB_IS_RESPONSE | ONLY | IB_HAS_AETH |
								 IB_HAS_ATOMIC_ACK,
		12, "rc atomic acknowledge" },
	[IB_TRANSPORT_RC | IB_OP_COMPARE_SWAP] = { ATOMIC, 28, "rc compare swap" },
	[IB_TRANSPORT_RC | IB_OP_FETCH_ADD] = { ATOMIC, 28, "rc fetch add" },
	[IB_TRANSPORT_RC | IB_OP_SEND_LAST_INVALIDATE] = { SEND | LAST | IB_HAS_IETH, 4,
		"rc send last invalidate" },
	[IB_TRANSPORT_RC | IB_OP_SEND_ONLY_INVALIDATE] = { SEND | ONLY | IB_HAS_IETH, 4,
		"rc send only invalidate" },
	[IB_TRANSPORT_UC | IB_OP_SEND_FIRST] = { SEND | FIRST, 0, "uc send first" },
	[IB_TRANSPORT_UC | IB_OP_SEND_MIDDLE] = { SEND, 0, "uc send middle" },
	[IB_TRANSPORT_UC | IB_OP_SEND_LAST] = { SEND | LAST, 0, "uc send last" },
	[IB_TRANSPORT_UC | IB_OP_SEND_LAST_IMMEDIATE] = { SEND | LAST | IB_HAS_IMMEDIATE, 4,
		"uc send last immediate" },
	[IB_TRANSPORT_UC | IB_OP_SEND_ONLY] = { SEND | ONLY, 0, "uc send only" },
	[IB_TRANSPORT_UC | IB_OP_SEND_ONLY_IMMEDIATE] = { SEND | ONLY | IB_HAS_IMMEDIATE, 4,
		"uc send only immediate" },
	[IB_TRANSPORT_UC |
		IB_OP_WRITE_FIRST] = { WRITE | FIRST | IB_HAS_RETH, 16, "uc write first" },
	[IB_TRANSPORT_UC | IB_OP_WRITE_MIDDLE] = { WRITE, 0, "uc write middle" },
	[IB_TRANSPORT_UC | IB_OP_WRITE_LAST] = { WRITE | LAST, 0, "uc write last" },
	[IB_TRANSPORT_UC | IB_OP_WRITE_LAST_IMMEDIATE] = { WRITE | LAST | IB_HAS_IMMEDIATE, 4,
		"uc write last immediate" },
	[IB_TRANSPORT_UC | IB_OP_WRITE_ONLY] = { WRITE | ONLY | IB_HAS_RETH, 16, "uc write only" },
	[IB_TRANSPORT_UC |
		IB_OP_WRITE_ONLY_IMMEDIATE] = { WRITE | ONLY | IB_HAS_RETH | IB_HAS_IMMEDIATE, 20,
		"uc write only immediate" },
	[IB_TRANSPORT_UD | IB_OP_SEND_ONLY] = { SEND | ONLY | IB_HAS_DETH, 8, "ud send only" },
	[IB_TRANSPORT_UD |
		IB_OP_SEND_ONLY_IMMEDIATE] = { SEND | ONLY | IB_HAS_DETH | IB_HAS_IMMEDIATE, 12,
		"ud send only immediate" },
	[IB_OPCODE_CNP] = { IB_IS_CONGESTION | ONLY | IB_HAS_PAYLOAD, 0,
		"congestion notification" },
};

unsigned ib_opcode_layout(const uint8_t opcode)
{
	return operations[opcode].layout;
}

unsigned ib_opcode_extended_bytes(const uint8_t opcode)
{
	return operations[opcode].bytes;
}

const char *ib_opcode_name(const uint8_t opcode)
{
	return operations[opcode].layout != 0 ? operations[opcode].name : "reserved";
}

/* Apart: most packets have none of these, or an AETH. */
__attribute__((noinline)) static enum ib_refusal extended_decode(
	const unsigned layout, const uint8_t *at, struct ib_packet *const packet)
{
	if (layout & IB_HAS_DETH) {
		ib_deth_decode(at, &packet->deth);
		at += IB_DETH_BYTES;
	}
	if (layout & IB_HAS_RETH) {
		ib_reth_decode(at, &packet->reth);
		at += IB_RETH_BYTES;
	}
	if (layout & IB_HAS_AETH) {
		ib_aeth_decode(at, &packet->aeth);
		at += IB_AETH_BYTES;
	}
	if (layout & IB_HAS_ATOMIC)
		ib_atomic_decode(at, &packet->atomic);
	if (layout & IB_HAS_ATOMIC_ACK)
		packet->atomic_ack.original = octets_read64(at);
	if (layout & IB_HAS_IMMEDIATE)
		packet->immediate = octets_read32(at);
	if (layout & IB_HAS_IETH)
		packet->invalidate = octets_read32(at);
	return IB_ACCEPTED;
}

__attribute__((noinline)) static void extended_encode(
	const unsigned layout, const struct ib_packet *const packet, uint8_t *at)
{
	if (layout & IB_HAS_DETH) {
		ib_deth_encode(&packet->deth, at);
		at += IB_DETH_BYTES;
	}
	if (layout & IB_HAS_RETH) {
		ib_reth_encode(&packet->reth, at);
		at += IB_RETH_BYTES;
	}
	if (layout & IB_HAS_AETH) {
		ib_aeth_encode(&packet->aeth, at);
		at += IB_AETH_BYTES;
	}
	if (layout & IB_HAS_ATOMIC)
		ib_atomic_encode(&packet->atomic, at);
	if (layout & IB_HAS_ATOMIC_ACK)
		octets_write64(at, packet->atomic_ack.original);
	if (layout & IB_HAS_IMMEDIATE)
		octets_write32(at, packet->immediate);
	if (layout & IB_HAS_IETH)
		octets_write32(at, packet->invalidate);
}

static bool payload_fits(const unsigned layout, const unsigned bytes)
{
	if (layout & IB_IS_CONGESTION)
		return bytes == IB_CNP_PAYLOAD_BYTES;
	return bytes == 0 || (layout & IB_HAS_PAYLOAD && bytes <= IB_MTU_MOST);
}

enum ib_refusal ib_packet_decode(
	const uint8_t *const data, const unsigned bytes, struct ib_packet *const packet)
{
	const struct operation *operation;
	unsigned headers;

	if (bytes < IB_BTH_BYTES)
		return IB_REFUSED_SHORT;
	bth_read(data, &packet->bth);
	if (packet->bth.version != 0)
		return IB_REFUSED_BTH_VERSION;
	operation = &operations[packet->bth.opcode];
	if (operation->layout == 0)
		return IB_REFUSED_OPCODE;
	headers = IB_BTH_BYTES + operation->bytes;
	if (bytes < headers)
		return IB_REFUSED_SHORT;
	if (bytes % 4 != 0 || packet->bth.pad_bytes > bytes - headers)
		return IB_REFUSED_PADDING;
	packet->payload = data + headers;
	packet->payload_bytes = bytes - headers - packet->bth.pad_bytes;
	if (!payload_fits(operation->layout, packet->payload_bytes))
		return IB_REFUSED_PAYLOAD;
	if ((operation->layout & EXTENDED) == 0)
		return IB_ACCEPTED;
	if ((operation->layout & EXTENDED) != IB_HAS_AETH)
		return extended_decode(operation->layout, data + IB_BTH_BYTES, packet);
	packet->aeth.syndrome = data[IB_BTH_BYTES];
	packet->aeth.msn = octets_read32(data + IB_BTH_BYTES) & BTH_NUMBER;
	return IB_ACCEPTED;
}

unsigned ib_packet_payload_offset(const struct ib_packet *const packet)
{
	const struct operation *const operation = &operations[packet->bth.opcode];

	return operation->layout != 0 ? IB_BTH_BYTES + operation->bytes : 0;
}

unsigned ib_packet_measure(const struct ib_packet *const packet, unsigned *const payload_offset)
{
	const struct operation *const operation = &operations[packet->bth.opcode];

	*payload_offset = IB_BTH_BYTES + operation->bytes;
	if (operation->layout == 0 || !payload_fits(operation->layout, packet->payload_bytes))
		return 0;
	return *payload_offset + PADDED(packet->payload_bytes);
}

unsigned ib_packet_bytes(const struct ib_packet *const packet)
{
	unsigned payload_offset;

	return ib_packet_measure(packet, &payload_offset);
}

static void payload_copy(uint8_t *const to, const uint8_t *const from, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes / 8; i++)
		__builtin_memcpy(to + 8 * i, from + 8 * i, 8);
	for (unsigned i = bytes / 8 * 8; i < bytes; i++)
		to[i] = from[i];
}

static void padding_clear(uint8_t *const to, const unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = 0;
}

void ib_packet_write(const struct ib_packet *const packet, uint8_t *const data)
{
	const struct operation *const operation = &operations[packet->bth.opcode];
	uint8_t *const payload = data + IB_BTH_BYTES + operation->bytes;
	const unsigned pad_bytes = -packet->payload_bytes & 3;

	bth_write(&packet->bth, pad_bytes, 0, data);
	if ((operation->layout & EXTENDED) == IB_HAS_AETH)
		octets_write32(data + IB_BTH_BYTES,
			(uint32_t)packet->aeth.syndrome << 24 | (packet->aeth.msn & BTH_NUMBER));
	else if ((operation->layout & EXTENDED) != 0)
		extended_encode(operation->layout, packet, data + IB_BTH_BYTES);
	if (packet->payload != payload)
		payload_copy(payload, packet->payload, packet->payload_bytes);
	padding_clear(payload + packet->payload_bytes, pad_bytes);
}

unsigned ib_packet_encode(
	const struct ib_packet *const packet, uint8_t *const data, const unsigned room)
{
	const unsigned bytes = ib_packet_bytes(packet);

	if (bytes == 0 || bytes > room)
		return 0;
	ib_packet_write(packet, data);
	return bytes;
}
