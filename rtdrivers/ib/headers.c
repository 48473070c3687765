/*
 * Headers of InfiniBand packets to and from their bytes. Nothing is judged here, and nothing fails.
 * Specification: IBTA volume 1, 7.7, 8.3, 9.2 to 9.5.
 */
#include <ib/bth.h>
#include <ib/gid.h>
#include <ib/headers.h>
#include <inet/octets.h>

#define LOW_24    0xffffffu
#define LOW_20    0xfffffu
#define LRH_WORDS 0x7ffu

void ib_lrh_decode(const uint8_t bytes[const IB_LRH_BYTES], struct ib_lrh *const lrh)
{
	lrh->vl = bytes[0] >> 4;
	lrh->version = bytes[0] & 0xf;
	lrh->sl = bytes[1] >> 4;
	lrh->next = bytes[1] & 0x3;
	lrh->destination = octets_read16(bytes + 2);
	lrh->words = octets_read16(bytes + 4) & LRH_WORDS;
	lrh->source = octets_read16(bytes + 6);
}

void ib_lrh_encode(const struct ib_lrh *const lrh, uint8_t bytes[const IB_LRH_BYTES])
{
	bytes[0] = (uint8_t)(lrh->vl << 4 | (lrh->version & 0xf));
	bytes[1] = (uint8_t)(lrh->sl << 4 | (lrh->next & 0x3));
	octets_write16(bytes + 2, lrh->destination);
	octets_write16(bytes + 4, lrh->words & LRH_WORDS);
	octets_write16(bytes + 6, lrh->source);
}

void ib_grh_decode(const uint8_t bytes[const IB_GRH_BYTES], struct ib_grh *const grh)
{
	const uint32_t first = octets_read32(bytes);

	grh->version = (uint8_t)(first >> 28);
	grh->traffic_class = (uint8_t)(first >> 20);
	grh->flow_label = first & LOW_20;
	grh->payload_bytes = octets_read16(bytes + 4);
	grh->next = bytes[6];
	grh->hop_limit = bytes[7];
	gid_copy(grh->source, bytes + 8);
	gid_copy(grh->destination, bytes + 24);
}

void ib_grh_encode(const struct ib_grh *const grh, uint8_t bytes[const IB_GRH_BYTES])
{
	octets_write32(bytes, (uint32_t)grh->version << 28 | (uint32_t)grh->traffic_class << 20 |
				      (grh->flow_label & LOW_20));
	octets_write16(bytes + 4, grh->payload_bytes);
	bytes[6] = grh->next;
	bytes[7] = grh->hop_limit;
	gid_copy(bytes + 8, grh->source);
	gid_copy(bytes + 24, grh->destination);
}

void ib_bth_decode(const uint8_t bytes[const IB_BTH_BYTES], struct ib_bth *const bth)
{
	bth_read(bytes, bth);
}

void ib_bth_encode(const struct ib_bth *const bth, uint8_t bytes[const IB_BTH_BYTES])
{
	bth_write(bth, bth->pad_bytes, bth->version, bytes);
}

void ib_deth_decode(const uint8_t bytes[const IB_DETH_BYTES], struct ib_deth *const deth)
{
	deth->qkey = octets_read32(bytes);
	deth->source = octets_read32(bytes + 4) & LOW_24;
}

void ib_deth_encode(const struct ib_deth *const deth, uint8_t bytes[const IB_DETH_BYTES])
{
	octets_write32(bytes, deth->qkey);
	octets_write32(bytes + 4, deth->source & LOW_24);
}

void ib_reth_decode(const uint8_t bytes[const IB_RETH_BYTES], struct ib_reth *const reth)
{
	reth->address = octets_read64(bytes);
	reth->rkey = octets_read32(bytes + 8);
	reth->bytes = octets_read32(bytes + 12);
}

void ib_reth_encode(const struct ib_reth *const reth, uint8_t bytes[const IB_RETH_BYTES])
{
	octets_write64(bytes, reth->address);
	octets_write32(bytes + 8, reth->rkey);
	octets_write32(bytes + 12, reth->bytes);
}

void ib_aeth_decode(const uint8_t bytes[const IB_AETH_BYTES], struct ib_aeth *const aeth)
{
	aeth->syndrome = bytes[0];
	aeth->msn = octets_read32(bytes) & LOW_24;
}

void ib_aeth_encode(const struct ib_aeth *const aeth, uint8_t bytes[const IB_AETH_BYTES])
{
	octets_write32(bytes, (uint32_t)aeth->syndrome << 24 | (aeth->msn & LOW_24));
}

void ib_atomic_decode(const uint8_t bytes[const IB_ATOMIC_BYTES], struct ib_atomic *const atomic)
{
	atomic->address = octets_read64(bytes);
	atomic->rkey = octets_read32(bytes + 8);
	atomic->swap_add = octets_read64(bytes + 12);
	atomic->compare = octets_read64(bytes + 20);
}

void ib_atomic_encode(const struct ib_atomic *const atomic, uint8_t bytes[const IB_ATOMIC_BYTES])
{
	octets_write64(bytes, atomic->address);
	octets_write32(bytes + 8, atomic->rkey);
	octets_write64(bytes + 12, atomic->swap_add);
	octets_write64(bytes + 20, atomic->compare);
}
