/*
 * Packets of InfiniBand links. The ICRC takes as ones what switches and routers may change: the LRH's
 * virtual lane (with a GRH: the whole LRH), the GRH's traffic class, flow label and hop limit, and the
 * first byte of the BTH's second word. Specification: IBTA volume 1, 7.8.1.
 */
#include <ib/crc.h>
#include <ib/native.h>
#include <inet/octets.h>

#define HEADERS_BYTES (IB_LRH_BYTES + IB_GRH_BYTES + IB_BTH_BYTES)

static unsigned headers_bytes(const struct native_packet *const native)
{
	return IB_LRH_BYTES + (native->global ? IB_GRH_BYTES : 0);
}

static uint32_t icrc(const uint8_t *const data, const unsigned bytes, const unsigned headers)
{
	uint8_t masked[HEADERS_BYTES];
	const unsigned copied = headers + IB_BTH_BYTES;

	for (unsigned i = 0; i < copied / 4; i++)
		__builtin_memcpy(masked + 4 * i, data + 4 * i, 4);
	masked[0] |= 0xf0;
	if (headers > IB_LRH_BYTES) {
		octets_write64(masked, ~0ull);
		octets_write32(
			masked + IB_LRH_BYTES, octets_read32(data + IB_LRH_BYTES) | 0x0fffffff);
		masked[IB_LRH_BYTES + 7] = 0xff;
	}
	masked[headers + 4] = 0xff;
	return ~ib_crc_update(
		ib_crc_update_short(IB_CRC_START, masked, copied), data + copied, bytes - copied);
}

static enum ib_refusal lrh_judge(const struct ib_lrh *const lrh, const unsigned bytes)
{
	if (lrh->version != 0 || (lrh->next != IB_NEXT_BTH && lrh->next != IB_NEXT_GRH))
		return IB_REFUSED_LRH;
	if (lrh->words * 4u != bytes)
		return IB_REFUSED_LRH_LENGTH;
	return IB_ACCEPTED;
}

static enum ib_refusal grh_judge(const struct ib_grh *const grh, const unsigned bytes)
{
	const bool fits = grh->payload_bytes == bytes - IB_LRH_BYTES - IB_GRH_BYTES;

	return grh->version == IB_GRH_VERSION && grh->next == IB_GRH_NEXT && fits ? IB_ACCEPTED
										  : IB_REFUSED_GRH;
}

static enum ib_refusal headers_decode(
	const uint8_t *const data, const unsigned bytes, struct native_packet *const native)
{
	enum ib_refusal refusal;

	if (bytes < IB_LRH_BYTES + IB_BTH_BYTES + IB_ICRC_BYTES)
		return IB_REFUSED_SHORT;
	if (bytes > NATIVE_BYTES_MOST)
		return IB_REFUSED_LONG;
	ib_lrh_decode(data, &native->lrh);
	native->global = native->lrh.next == IB_NEXT_GRH;
	refusal = lrh_judge(&native->lrh, bytes);
	if (refusal != IB_ACCEPTED || !native->global)
		return refusal;
	if (bytes < HEADERS_BYTES + IB_ICRC_BYTES)
		return IB_REFUSED_SHORT;
	ib_grh_decode(data + IB_LRH_BYTES, &native->grh);
	return grh_judge(&native->grh, bytes);
}

enum ib_refusal native_decode(
	const uint8_t *const data, const unsigned bytes, struct native_packet *const native)
{
	enum ib_refusal refusal = headers_decode(data, bytes, native);
	const unsigned end = bytes - IB_ICRC_BYTES;
	unsigned headers;

	if (refusal != IB_ACCEPTED)
		return refusal;
	headers = headers_bytes(native);
	refusal = ib_packet_decode(data + headers, end - headers, &native->packet);
	if (refusal == IB_ACCEPTED &&
		icrc(data, end, headers) != __builtin_bswap32(octets_read32(data + end)))
		refusal = IB_REFUSED_ICRC;
	return refusal;
}

static void headers_encode(
	const struct native_packet *const native, uint8_t *const data, const unsigned bytes)
{
	struct ib_lrh lrh = native->lrh;
	struct ib_grh grh = native->grh;

	lrh.version = 0;
	lrh.next = native->global ? IB_NEXT_GRH : IB_NEXT_BTH;
	lrh.words = (uint16_t)(bytes / 4);
	ib_lrh_encode(&lrh, data);
	if (!native->global)
		return;
	grh.version = IB_GRH_VERSION;
	grh.next = IB_GRH_NEXT;
	grh.payload_bytes = (uint16_t)(bytes - IB_LRH_BYTES - IB_GRH_BYTES);
	ib_grh_encode(&grh, data + IB_LRH_BYTES);
}

unsigned native_encode(
	const struct native_packet *const native, uint8_t *const data, const unsigned room)
{
	const unsigned headers = headers_bytes(native);
	const unsigned packet = ib_packet_bytes(&native->packet);
	const unsigned end = headers + packet;

	if (packet == 0 || end + IB_ICRC_BYTES > room)
		return 0;
	headers_encode(native, data, end + IB_ICRC_BYTES);
	ib_packet_encode(&native->packet, data + headers, packet);
	octets_write32(data + end, __builtin_bswap32(icrc(data, end, headers)));
	return end + IB_ICRC_BYTES;
}
