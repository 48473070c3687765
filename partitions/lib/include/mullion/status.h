/*
 * What the kernel says of the partitions at the other ends of this one's channels: whether they run.
 * Reading it exits never, and is one load.
 */
#ifndef MULLION_STATUS_H
#define MULLION_STATUS_H

#include <stdbool.h>

#include <mullion/info.h>

/* The status page of a partition, by its number (a channel region's `peer`), or NULL: ask once. */
static inline const struct mullion_status *status_get(const unsigned partition)
{
	const struct mullion_region *const region =
		info_region(MULLION_REGION_STATUS, partition, MULLION_READ);

	return region != NULL ? region_address(region) : NULL;
}

static inline enum mullion_state status_state(const struct mullion_status *const status)
{
	return (enum mullion_state)__atomic_load_n(&status->state, __ATOMIC_ACQUIRE);
}

/* True without a page, too: where nobody stops partitions, they run. */
static inline bool status_runs(const struct mullion_status *const status)
{
	return status == NULL || status_state(status) == MULLION_STATE_RUNNING;
}

#endif
