/*
 * What an RDMA service is told: one constant block that the compiler makes of the description's `rdma` node
 * and places, read-only, where the service alone sees it. It holds the port's address, lanes, marks and
 * neighbours, and each client's grant.
 *
 * Invariant: nothing in it is an address, bytes that mean nothing are 0, and every grant can be used to the
 * full at the same time: the compiler's rules refuse what cannot, `mullion audit` proves it of the image.
 */
#ifndef RDMA_TABLE_H
#define RDMA_TABLE_H

#include <ib/vlarb.h>
#include <rdma/ring.h>

#define RDMA_TABLE_MAGIC 0x31414d44524c554dull /* "MULRDMA1" */
#define RDMA_CLIENTS     4u
#define RDMA_NEIGHBOURS  64u
#define RDMA_NAME_BYTES  24u /* as in struct mullion_region */

/* Bytes a second and at once, of frames: lane 15, and the connection manager on SL 0. */
#define RDMA_MANAGEMENT_RATE  100000u
#define RDMA_MANAGEMENT_BURST 6000u
#define RDMA_MANAGER_RATE     200000u
#define RDMA_MANAGER_BURST    8000u

/* Two queuing channels join a client with the service, CLIENT-ask and CLIENT-tell. */
#define RDMA_CHANNEL_BYTES 128u
#define RDMA_CHANNEL_DEPTH 2u

/* What the description grants a client. */
struct rdma_grant {
	char name[RDMA_NAME_BYTES]; /* of its partition */
	uint64_t rate_bytes;        /* a second */
	uint64_t up_bytes;          /* of memory for messages, behind the rings */
	uint64_t down_bytes;
	uint32_t burst_bytes;
	uint32_t qps, cqs, mrs, ahs; /* at most RDMA_QPS and so on; of PDs there are RDMA_PDS */
	uint32_t depth;              /* of each queue, at most RDMA_DEPTH */
	uint16_t pkey;
	uint16_t first_port, last_port; /* of RDMA_PS_TCP that it may listen on; 0: none */
	uint16_t partition;             /* as in the info page */
	uint8_t sl;
	uint8_t reserved[7];
};

struct rdma_neighbour {
	uint32_t ipv4;
	uint8_t mac[6];
	uint16_t reserved;
};

struct rdma_table {
	uint64_t magic;
	uint64_t link_bytes; /* a second, that the link carries at least; 0: not said */
	uint32_t ipv4;       /* 10.0.2.15 is 0x0a00020f */
	uint32_t netmask;
	uint32_t clients, neighbours;
	uint16_t vlan;
	uint8_t tagged; /* 1: every frame has a tag, of this VLAN or of 0 */
	uint8_t bus;    /* of the card */
	uint8_t reserved[4];
	uint8_t pcp_of_sl[VLARB_LANES], dscp_of_sl[VLARB_LANES];
	struct vlarb_tables lanes;
	uint32_t reserved_too;
	struct rdma_grant client[RDMA_CLIENTS];
	struct rdma_neighbour neighbour[RDMA_NEIGHBOURS];
};

_Static_assert(sizeof(struct rdma_grant) == 88, "no padding");
_Static_assert(sizeof(struct vlarb_tables) == 284, "17 bytes of it are behind the tables");
_Static_assert(sizeof(struct rdma_table) % 8 == 0, "no padding");

#endif
