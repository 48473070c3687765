/*
 * What the test's ends tell each other by datagrams, and what their messages look like.
 */
#ifndef RDMA_TEST_WIRE_H
#define RDMA_TEST_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_QKEY 0x4d554c4cu
#define WIRE_FIRST_QPN                                                                             \
	0x100u /* of the far end's datagrams with client 0; the next one is client 1's */
#define WIRE_MESSAGE    3000u /* the longest */
#define WIRE_FAR_MEMORY 0x10000u
#define WIRE_PORT       7174u /* the far end's, for connections */
#define WIRE_PSN        0xfffff0u

/* What each client was granted, for the far end; the deployment says it to the service. */
#define WIRE_CLIENTS 2u
#define WIRE_PKEYS                                                                                 \
	{                                                                                          \
		0x8001, 0x8002                                                                     \
	}

struct greeting {
	uint32_t qpn; /* 0: good bye */
	uint32_t rkey;
	uint64_t address;
};

uint32_t wire_bytes(uint32_t n);
void wire_fill(uint8_t *to, uint32_t n, uint32_t bytes);
bool wire_is_filled(const uint8_t *from, uint32_t n, uint32_t bytes);

/* The partition's exit status. */
int far_end(void);
int good_client(void);
int bad_client(void);
int linux_client(void);

#endif
