/*
 * A port that several owners share: the arbiter between lanes (ib/vlarb.h) and a token bucket for each owner
 * (ib/bucket.h) in front of a RoCEv2 port, so that lanes and shares are real although the card has none.
 *
 * An owner has queue pairs, one SL and one bucket. Invariants: a queue pair without an owner sends nothing; no
 * frame leaves without its bytes being taken from its owner's bucket, so in any time t an owner sends at most
 * burst + rate * t bytes, acknowledgements and responses included; lane 15 is before all, for what the station
 * answers, has a bucket of its own, no queue but LANES_MANAGEMENT frames, and loses what does not fit.
 * Specification: IBTA 1.4, 7.6; shaping is in front of it.
 */
#ifndef RTDRIVERS_IB_LANES_H
#define RTDRIVERS_IB_LANES_H

#include <ib/bucket.h>
#include <ib/port.h>
#include <ib/vlarb.h>

#define LANES_OWNERS      8u
#define LANES_MANAGEMENT  4u /* frames of lane 15 that wait */
#define LANES_FRAME_BYTES ETHERNET_MOST_BYTES

struct lanes_owner {
	struct bucket bucket;
	uint64_t queue_pairs;   /* a bit each */
	uint64_t frames, bytes; /* sent */
	uint8_t sl;
};

struct lanes_frame {
	unsigned bytes;
	uint8_t data[LANES_FRAME_BYTES];
};

struct lanes {
	struct roce_port *port;
	struct vlarb arbiter;
	struct lanes_owner owners[LANES_OWNERS];
	unsigned owner_count;
	struct time_rate rate;
	struct bucket management;
	struct lanes_frame waiting[LANES_MANAGEMENT]; /* of lane 15 */
	unsigned first, count;
	uint64_t managed, lost;      /* frames of lane 15, sent and given up */
	uint64_t bytes[VLARB_LANES]; /* sent, of each lane */
};

/*
 * In front of the port, without owners. Lane 15 may send so many bytes a second and at once. EINVAL: tables
 * that vlarb_open refuses, numbers that bucket_open refuses, or a burst below LANES_FRAME_BYTES. At most 1200 instructions.
 */
int lanes_open(struct lanes *lanes, struct roce_port *port, const struct vlarb_tables *tables,
	const struct time_rate *rate, uint64_t now_ticks, uint64_t rate_bytes,
	uint32_t burst_bytes);

/*
 * One more owner, whose number is how many there were: of this SL, with this share. ENOMEM: there are
 * LANES_OWNERS; EINVAL: its SL is on no lane that ever sends, the bucket refuses, or the burst is below
 * LANES_FRAME_BYTES, with which a frame might never leave. At most 1200 instructions.
 */
int lanes_owner(struct lanes *lanes, uint8_t sl, uint64_t rate_bytes, uint32_t burst_bytes,
	uint64_t now_ticks);

/* The queue pair is this owner's from now on. EPERM: it is of another SL. At most 20 instructions. */
int lanes_give(struct lanes *lanes, unsigned owner, const struct ibv_qp *qp);

/* It is nobody's, before it is destroyed. At most 50 instructions. */
void lanes_take_back(struct lanes *lanes, const struct ibv_qp *qp);

/*
 * A frame for lane 15, copied: what roce_port_take answered. False: there is no room, or it is none; counted
 * as lost. At most 1100 instructions.
 */
bool lanes_manage(struct lanes *lanes, const uint8_t *frame, unsigned bytes);

/*
 * The next frame to be sent, of the lane whose turn it is, of an owner whose bucket has a whole frame's bytes;
 * its bytes. 0: there is none now, or its lane had none after all. *more: to be asked again at once. One lane a
 * call. At most 165000 instructions.
 */
unsigned lanes_next(
	struct lanes *lanes, uint64_t now_ticks, uint8_t frame[LANES_FRAME_BYTES], bool *more);

#endif
