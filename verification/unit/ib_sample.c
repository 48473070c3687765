/*
 * Samples of InfiniBand packets.
 */
#include "unit.h"

#include "ib_sample.h"

uint32_t crc_by_bits(uint32_t crc, const uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < 8 * bytes; i++) {
		const uint32_t in = (crc ^ (uint32_t)data[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (in ? 0xedb88320u : 0);
	}
	return crc;
}

bool is_spoken(unsigned opcode)
{
	return opcode <= 0x14 || opcode == 0x16 || opcode == 0x17 ||
	       (opcode >= 0x20 && opcode <= 0x2b) || opcode == 0x64 || opcode == 0x65 ||
	       opcode == 0x81;
}

uint8_t payload[IB_MTU_MOST + 8];

unsigned payload_most(uint8_t opcode)
{
	const unsigned layout = ib_opcode_layout(opcode);

	if (layout & IB_IS_CONGESTION)
		return IB_CNP_PAYLOAD_BYTES;
	return layout & IB_HAS_PAYLOAD ? IB_MTU_MOST : 0;
}

void packet_fill(struct ib_packet *packet, uint8_t opcode, unsigned bytes, uint64_t *seed)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)unit_random(seed);
	memset(packet, 0, sizeof(*packet));
	packet->bth = (struct ib_bth){ .opcode = opcode,
		.solicited = unit_random(seed) & 1,
		.migrated = true,
		.pkey = (uint16_t)unit_random(seed),
		.destination = (uint32_t)unit_random(seed) & IB_QPN_MASK,
		.acknowledge = unit_random(seed) & 1,
		.psn = (uint32_t)unit_random(seed) & IB_PSN_MASK };
	packet->deth.qkey = (uint32_t)unit_random(seed);
	packet->deth.source = (uint32_t)unit_random(seed) & IB_QPN_MASK;
	packet->reth = (struct ib_reth){ unit_random(seed), (uint32_t)unit_random(seed),
		(uint32_t)unit_random(seed) };
	packet->aeth.syndrome = (uint8_t)unit_random(seed);
	packet->aeth.msn = (uint32_t)unit_random(seed) & IB_PSN_MASK;
	packet->atomic = (struct ib_atomic){ unit_random(seed), (uint32_t)unit_random(seed),
		unit_random(seed), unit_random(seed) };
	packet->atomic_ack.original = unit_random(seed);
	packet->immediate = (uint32_t)unit_random(seed);
	packet->invalidate = (uint32_t)unit_random(seed);
	packet->payload = payload;
	packet->payload_bytes = bytes;
}

void compare_packets(const struct ib_packet *is, const struct ib_packet *was)
{
	const unsigned layout = ib_opcode_layout(was->bth.opcode);
	struct ib_bth bth = was->bth;
	uint8_t header[IB_BTH_BYTES], expected[IB_BTH_BYTES];

	bth.pad_bytes = -was->payload_bytes & 3;
	ib_bth_encode(&bth, expected);
	ib_bth_encode(&is->bth, header);
	assert_memory_equal(header, expected, sizeof(header));
	if (layout & IB_HAS_DETH)
		assert_memory_equal(&is->deth, &was->deth, sizeof(is->deth));
	if (layout & IB_HAS_RETH)
		assert_memory_equal(&is->reth, &was->reth, sizeof(is->reth));
	if (layout & IB_HAS_AETH)
		assert_true(
			is->aeth.syndrome == was->aeth.syndrome && is->aeth.msn == was->aeth.msn);
	if (layout & IB_HAS_ATOMIC)
		assert_true(is->atomic.address == was->atomic.address &&
			    is->atomic.rkey == was->atomic.rkey &&
			    is->atomic.swap_add == was->atomic.swap_add &&
			    is->atomic.compare == was->atomic.compare);
	if (layout & IB_HAS_ATOMIC_ACK)
		assert_int_equal(is->atomic_ack.original, was->atomic_ack.original);
	if (layout & IB_HAS_IMMEDIATE)
		assert_int_equal(is->immediate, was->immediate);
	if (layout & IB_HAS_IETH)
		assert_int_equal(is->invalidate, was->invalidate);
	assert_int_equal(is->payload_bytes, was->payload_bytes);
	assert_memory_equal(is->payload, was->payload, was->payload_bytes);
}
