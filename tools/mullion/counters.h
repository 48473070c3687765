/*
 * What a node counts, taken at one time; the difference of two makes rates.
 */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <mullion/abi.h>

#include "node_time.h"

#define COUNTERS_PARTITIONS 64u
#define COUNTERS_CPUS       256u

#define COUNTERS_PORTS 64u

/* Exits by cause, in the order of the protocol. */
enum counters_cause {
	CAUSE_CPUID,
	CAUSE_MSR,
	CAUSE_PORT,
	CAUSE_MEMORY,
	CAUSE_HYPERCALL,
	CAUSE_INTERRUPT,
	CAUSE_HALT,
	CAUSE_NMI,
	CAUSE_OTHER,
	CAUSES
};

struct counters_partition {
	char name[MULLION_NAME_BYTES];
	char state[16];
	uint64_t restarts;
	uint64_t events[16]; /* by enum mullion_event */
	unsigned vcpus;
	struct mullion_vcpu_status vcpu[MULLION_STATUS_VCPUS];
	uint64_t exits[MULLION_STATUS_VCPUS][CAUSES];
};

struct counters_port {
	char name[MULLION_NAME_BYTES], from[MULLION_NAME_BYTES], to[MULLION_NAME_BYTES];
	uint64_t bytes;            /* of a message, at most */
	uint64_t depth;            /* 0: a sampling channel */
	uint64_t written;          /* messages ever written, or sent */
	uint64_t taken, overflows; /* of a queuing channel */
};

struct counters {
	uint64_t now;
	char schedule[MULLION_NAME_BYTES];
	size_t count;
	struct counters_partition partitions[COUNTERS_PARTITIONS];
	uint64_t unseen; /* trace records that were overwritten before their exits were counted */
	size_t ports_count;
	struct counters_port ports[COUNTERS_PORTS];
};

/* What the node says of its CPUs, once. */
struct counters_node {
	struct node_clock clock;
	uint64_t epoch;
	char name[MULLION_NAME_BYTES], board[MULLION_NAME_BYTES];
	size_t cpus;
	bool owned[COUNTERS_CPUS];
	json_t *where;  /* {"nav/0": 0} */
	json_t *system; /* the build's system.json, or NULL */
};

/* One vcpu, between two times. */
struct counters_rate {
	int cpu;        /* -1: not known */
	double used;    /* of that CPU's time, 0..1 */
	double window;  /* the same by the description; negative: it does not say */
	double windows; /* a second */
	double exits;   /* a second */
	double causes[CAUSES];
	uint64_t latest_ns; /* of all time */
};

/* A port, between two times: messages a second, and of a queue how many wait. */
struct counters_traffic {
	double messages, overflows; /* a second */
	uint64_t waiting;           /* at most depth */
};

/* "cpuid", "msr"... */
const char *counters_cause(enum counters_cause cause);

/* From an answer to `counters`; false if it is none. Names are cleaned for a terminal. */
bool counters_take(struct counters *counters, const json_t *answer);

/* From the answer to `cpus`. */
void counters_take_cpus(struct counters_node *node, const json_t *answer);

/* Of vcpu `vcpu` of partition `p` of `after`; zero rates where `before` does not know it. */
struct counters_rate counters_rate(const struct counters_node *node, const struct counters *before,
	const struct counters *after, size_t p, unsigned vcpu);

/* Of port `port` of `after`. */
struct counters_traffic counters_traffic(const struct counters_node *node,
	const struct counters *before, const struct counters *after, size_t port);

#endif
