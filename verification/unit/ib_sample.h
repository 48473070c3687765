/*
 * Samples of InfiniBand packets, and the CRC a bit at a time.
 */
#ifndef IB_SAMPLE_H
#define IB_SAMPLE_H

#include <ib/packet.h>

uint32_t crc_by_bits(uint32_t crc, const uint8_t *data, size_t bytes);

/* Is it an opcode that the library knows? From the specification's table. */
bool is_spoken(unsigned opcode);

/* The longest payload that the opcode may have. */
unsigned payload_most(uint8_t opcode);

/* What packet_fill leaves as the payload. */
extern uint8_t payload[IB_MTU_MOST + 8];

/* Every member random within its width. */
void packet_fill(struct ib_packet *packet, uint8_t opcode, unsigned bytes, uint64_t *seed);

/* Asserts that what the opcode has is the same in both. */
void compare_packets(const struct ib_packet *is, const struct ib_packet *was);

#endif
