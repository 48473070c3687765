/*
 * Arbitration between virtual lanes, as a port of InfiniBand does it, for ports that are software: two
 * tables of lanes and weights, the limit of the high one, lane 15 before all; and how long a lane waits
 * at most.
 *
 * A packet that is being sent is not interrupted; weights count in units of 64 bytes, and a packet may
 * begin while anything of its entry's weight is left, so an entry oversends by one packet less a unit.
 * Specification: IBTA 1.4, 7.6.6, 7.6.9, 14.2.5.6, 14.2.5.8, 14.2.5.9.
 */
#ifndef RTDRIVERS_IB_VLARB_H
#define RTDRIVERS_IB_VLARB_H

#include <stdbool.h>
#include <stdint.h>

#define VLARB_ENTRIES     64u
#define VLARB_LANES       16u
#define VLARB_MANAGEMENT  15u /* the lane before all; as a map's entry: discard */
#define VLARB_NONE        16u
#define VLARB_UNIT_BYTES  64u
#define VLARB_LIMIT_BYTES 4096u
#define VLARB_UNLIMITED   255u
#define VLARB_NEVER       UINT64_MAX

struct vlarb_entry {
	uint8_t vl;     /* 0 to 14 */
	uint8_t weight; /* units; 0: skipped */
};

struct vlarb_table {
	struct vlarb_entry entries[VLARB_ENTRIES];
	unsigned count;
};

/* As PortInfo, VLArbitrationTable and SLtoVLMappingTable have it. */
struct vlarb_tables {
	struct vlarb_table high, low;
	uint8_t limit; /* of high before low has its chance: in 4096 bytes; 0: one packet; 255: none */
	uint8_t vl_of_sl[VLARB_LANES];
};

struct vlarb_turn {
	unsigned entry;
	int32_t left; /* bytes of its weight; 0 and less: used up */
};

struct vlarb {
	struct vlarb_tables tables;
	struct vlarb_turn high, low;
	int32_t high_left;  /* bytes until low has its chance */
	bool from_high;     /* where the packet being sent came from */
	bool is_management; /* or from lane 15 */
};

/* What the bound on a lane's wait has to know about packets, in bytes on the wire. */
struct vlarb_packets {
	uint32_t most;       /* of any lane */
	uint32_t least_high; /* of the other lanes of the high table; counts with limit 0 alone */
	uint32_t own;        /* of the lane that waits */
	uint64_t management; /* of lane 15, together, during one wait */
};

/* EINVAL: a lane beyond 14 in a table, more than VLARB_ENTRIES. At most 900 instructions. */
int vlarb_open(struct vlarb *arbiter, const struct vlarb_tables *tables);

/* Lanes (a bit each) of these SLs (a bit each), without those that are discarded. At most 230 instructions. */
uint16_t vlarb_lanes_of(const struct vlarb *arbiter, uint16_t sls);
/* SLs of a lane. At most 190 instructions. */
uint16_t vlarb_sls_of(const struct vlarb *arbiter, unsigned vl);

/*
 * Which of the lanes with a packet waiting (a bit each) sends next; VLARB_NONE: none of them is in a
 * table. vlarb_sent has to follow, with the packet's length. At most 2200 instructions.
 */
unsigned vlarb_choose(struct vlarb *arbiter, uint16_t waiting);

/* The packet chosen was of so many bytes, at most 65536. At most 20 instructions. */
void vlarb_sent(struct vlarb *arbiter, uint32_t bytes);

/*
 * The longest that the packet at the head of a lane of the high table waits, whatever the others do,
 * until its last byte is sent: in bytes sent meanwhile, so divided by the link's rate a time. VLARB_NEVER:
 * the lane is not in the high table. Holds while nothing but arbitration keeps the lane back.
 * At most 1900 instructions.
 */
uint64_t vlarb_wait_bytes(
	const struct vlarb_tables *tables, unsigned vl, const struct vlarb_packets *packets);

/*
 * What a saturated lane of the high table gets at least, of each `*of` bytes that the link sends, with
 * packets of `most` bytes at all lanes; 0: it is not in that table. At most 1200 instructions.
 */
uint64_t vlarb_share_bytes(const struct vlarb_tables *tables, unsigned vl,
	const struct vlarb_packets *packets, uint64_t *of);

#endif
