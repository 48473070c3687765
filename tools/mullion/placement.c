/*
 * First fit over a list of free ranges. See placement.h for the invariant.
 */
#include "placement.h"

#include <stdlib.h>

#include "allocate.h"

static uint64_t end_of(struct range range)
{
	return range.base + range.bytes;
}

static int by_base(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->base > y->base) - (x->base < y->base);
}

static void append(struct placement *placement, uint64_t base, uint64_t end)
{
	if (base >= end)
		return;
	placement->free =
		allocate_more(placement->free, placement->count + 1, sizeof(*placement->free));
	placement->free[placement->count++] = (struct range){ base, end - base };
}

void placement_init(struct placement *placement, const struct range *ram, size_t count)
{
	size_t i;

	*placement = (struct placement){ 0 };
	for (i = 0; i < count; i++)
		append(placement, ram[i].base, end_of(ram[i]));
	if (placement->count)
		qsort(placement->free, placement->count, sizeof(*placement->free), by_base);
}

void placement_free(struct placement *placement)
{
	free(placement->free);
	*placement = (struct placement){ 0 };
}

void placement_exclude(struct placement *placement, struct range range)
{
	struct placement rest = { 0 };
	size_t i;

	for (i = 0; i < placement->count; i++) {
		const struct range hole = placement->free[i];
		const uint64_t low = range.base < end_of(hole) ? range.base : end_of(hole);
		const uint64_t high = end_of(range) > hole.base ? end_of(range) : hole.base;

		append(&rest, hole.base, low);
		append(&rest, high, end_of(hole));
	}
	placement_free(placement);
	*placement = rest;
}

bool placement_take(struct placement *placement, struct range range)
{
	size_t i;

	for (i = 0; i < placement->count; i++)
		if (range.base >= placement->free[i].base &&
			range.base <= end_of(placement->free[i]) &&
			range.bytes <= end_of(placement->free[i]) - range.base) {
			placement_exclude(placement, range);
			return true;
		}
	return false;
}

bool placement_find(struct placement *placement, uint64_t bytes, uint64_t alignment, uint64_t *base)
{
	size_t i;

	for (i = 0; i < placement->count; i++) {
		*base = (placement->free[i].base + alignment - 1) & ~(alignment - 1);
		if (placement_take(placement, (struct range){ *base, bytes }))
			return true;
	}
	return false;
}
