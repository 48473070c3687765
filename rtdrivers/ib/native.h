/*
 * A packet of an InfiniBand link: LRH, perhaps a GRH, the transport packet, ICRC. The VCRC, which every link
 * makes anew, is the port's and not seen here. Specification: IBTA volume 1, 5.2, 7.7, 7.8.1, 8.3.
 */
#ifndef RTDRIVERS_IB_NATIVE_H
#define RTDRIVERS_IB_NATIVE_H

#include <ib/packet.h>

#define NATIVE_BYTES_MOST (IB_LRH_BYTES + IB_GRH_BYTES + IB_PACKET_BYTES_MOST + IB_ICRC_BYTES)

/* lrh.words, grh.payload_bytes, and both next headers are computed by the encoder. */
struct native_packet {
	struct ib_lrh lrh;
	bool global; /* there is a GRH */
	struct ib_grh grh;
	struct ib_packet packet;
};

/* Decodes `bytes` from the LRH to the ICRC. The payload points into `data`. At most 23000 instructions. */
enum ib_refusal native_decode(const uint8_t *data, unsigned bytes, struct native_packet *native);

/*
 * Writes the packet with its ICRC; its length, or 0 where `room` is less or it cannot be sent. The payload
 * as with ib_packet_encode. At most 32000 instructions.
 */
unsigned native_encode(const struct native_packet *native, uint8_t *data, unsigned room);

#endif
