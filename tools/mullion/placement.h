/*
 * Free physical memory, handed out deterministically: the lowest place that fits.
 *
 * The invariant: what has been taken is never handed out again.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

struct placement {
	struct range *free; /* ascending, disjoint */
	size_t count;
};

void placement_init(struct placement *placement, const struct range *ram, size_t count);
void placement_free(struct placement *placement);

/* Takes exactly this range. False, and nothing taken, unless all of it is free. */
bool placement_take(struct placement *placement, struct range range);

/* Removes whatever of the range is free: memory that is not to be used. */
void placement_exclude(struct placement *placement, struct range range);

/* Takes the lowest `bytes` at a multiple of `alignment`, a power of two. */
bool placement_find(
	struct placement *placement, uint64_t bytes, uint64_t alignment, uint64_t *base);

#endif
