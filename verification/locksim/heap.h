/*
 * The events that are still to come, in a binary heap. Invariant: events come out by time, and those of one
 * time in the order in which they were put in, so that a run is the same wherever it runs.
 */
#ifndef LOCKSIM_HEAP_H
#define LOCKSIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
	uint64_t at_ns;
	uint64_t order;
	uint32_t node;
	uint32_t what; /* whatever the owner says */
};

struct heap {
	struct event *events;
	size_t count, room;
	uint64_t order;
};

/* O(log n). Exits if there is no memory. */
void heap_put(struct heap *heap, uint64_t at_ns, uint32_t node, uint32_t what);

/* The next event: false if there is none. O(log n). */
bool heap_take(struct heap *heap, struct event *event);

void heap_free(struct heap *heap);

#endif
