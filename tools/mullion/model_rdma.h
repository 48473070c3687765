/*
 * RDMA services as the compiler sees them: one for each partition whose node has a node `rdma`. See model.h for
 * what a model keeps to; lists are in the order of the source.
 */
#ifndef MODEL_RDMA_H
#define MODEL_RDMA_H

#include "model.h"

struct model_rdma_pair {
	uint32_t first, second;
};

struct model_rdma_pairs {
	struct model_rdma_pair *list;
	size_t count;
};

struct model_rdma_lanes {
	struct location at;
	struct model_rdma_pairs high, low;             /* VL, weight in 64 bytes */
	struct model_rdma_pairs vl_of_sl;              /* else the VL of the same number */
	struct model_rdma_pairs pcp_of_sl, dscp_of_sl; /* else 0 */
	uint32_t limit, vlan;                          /* vlan 0: none */
};

struct model_rdma_neighbour {
	struct location at;
	const char *name;
	uint32_t ipv4;  /* 10.0.2.15 is 0x0a00020f; 0: not an address */
	uint8_t mac[6]; /* all 0: not an address */
};

struct model_rdma_client {
	struct location at;
	const char *name;
	int partition; /* -1: none */
	uint32_t service_level, p_key;
	uint64_t rate_bytes; /* a second */
	uint64_t burst_bytes;
	uint32_t queue_pairs, completion_queues, memory_regions, address_handles, depth;
	uint32_t first_port, last_port; /* 0: none */
	uint64_t up_bytes, down_bytes;  /* of memory for messages, each way */
	const char *up, *down;          /* names of the areas */
};

struct model_rdma {
	struct location at;
	size_t partition; /* that serves */
	uint32_t ipv4, prefix_bits;
	uint64_t link_bytes; /* a second; 0: not said */
	struct model_rdma_lanes lanes;
	struct model_rdma_neighbour *neighbours;
	size_t neighbours_count;
	struct model_rdma_client *clients;
	size_t clients_count;
};

/* The VL of an SL below 16, as the map of a description without errors has it. */
uint32_t model_rdma_vl(const struct model_rdma_lanes *lanes, uint32_t service_level);

/* Whether a lane has weight in the high table, or in any. */
bool model_rdma_is_high(const struct model_rdma_lanes *lanes, uint32_t vl);
bool model_rdma_sends(const struct model_rdma_lanes *lanes, uint32_t vl);

#endif
