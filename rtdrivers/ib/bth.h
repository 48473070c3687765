/*
 * A BTH to and from its bytes, inline: it is in every packet. Nothing is judged here. Specification: IBTA 1.4, 9.2.
 */
#ifndef RTDRIVERS_IB_BTH_H
#define RTDRIVERS_IB_BTH_H

#include <ib/headers.h>
#include <inet/octets.h>

#define BTH_NUMBER 0xffffffu /* a queue pair's or a packet's */

static inline void bth_read(const uint8_t *const bytes, struct ib_bth *const bth)
{
	const uint32_t first = octets_read32(bytes), second = octets_read32(bytes + 4);
	const uint32_t third = octets_read32(bytes + 8);

	bth->opcode = (uint8_t)(first >> 24);
	bth->solicited = (first & 1u << 23) != 0;
	bth->migrated = (first & 1u << 22) != 0;
	bth->pad_bytes = first >> 20 & 3;
	bth->version = first >> 16 & 15;
	bth->pkey = (uint16_t)first;
	bth->forward_congested = (second & 1u << 31) != 0;
	bth->backward_congested = (second & 1u << 30) != 0;
	bth->destination = second & BTH_NUMBER;
	bth->acknowledge = (third & 1u << 31) != 0;
	bth->psn = third & BTH_NUMBER;
}

/* With this padding and version, whatever the members say. */
static inline void bth_write(const struct ib_bth *const bth, const uint32_t pad_bytes,
	const uint32_t version, uint8_t *const bytes)
{
	octets_write32(bytes, (uint32_t)bth->opcode << 24 | (uint32_t)bth->solicited << 23 |
				      (uint32_t)bth->migrated << 22 | (pad_bytes & 3) << 20 |
				      (version & 15) << 16 | bth->pkey);
	octets_write32(bytes + 4, (uint32_t)bth->forward_congested << 31 |
					  (uint32_t)bth->backward_congested << 30 |
					  (bth->destination & BTH_NUMBER));
	octets_write32(bytes + 8, (uint32_t)bth->acknowledge << 31 | (bth->psn & BTH_NUMBER));
}

#endif
