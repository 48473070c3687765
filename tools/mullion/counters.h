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

struct counters_partition {
	char name[MULLION_NAME_BYTES];
	char state[16];
	uint64_t restarts;
	uint64_t events[16]; /* by enum mullion_event */
	unsigned vcpus;
	struct mullion_vcpu_status vcpu[MULLION_STATUS_VCPUS];
};

struct counters {
	uint64_t now;
	char schedule[MULLION_NAME_BYTES];
	size_t count;
	struct counters_partition partitions[COUNTERS_PARTITIONS];
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
	int cpu;            /* -1: not known */
	double used;        /* of that CPU's time, 0..1 */
	double window;      /* the same by the description; negative: it does not say */
	double windows;     /* a second */
	double exits;       /* a second */
	uint64_t latest_ns; /* of all time */
};

/* From an answer to `counters`; false if it is none. Names are cleaned for a terminal. */
bool counters_take(struct counters *counters, const json_t *answer);

/* From the answer to `cpus`. */
void counters_take_cpus(struct counters_node *node, const json_t *answer);

/* Of vcpu `vcpu` of partition `p` of `after`; zero rates where `before` does not know it. */
struct counters_rate counters_rate(const struct counters_node *node, const struct counters *before,
	const struct counters *after, size_t p, unsigned vcpu);

#endif
