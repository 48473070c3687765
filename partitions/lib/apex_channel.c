/*
 * See apex_channel.h. Invariant: a name that does not end within a region's room is no channel's.
 */
#include "apex_channel.h"

#include <stddef.h>

const struct mullion_region *apex_channel(const enum mullion_region_kind kind,
	const char *const name, const PORT_DIRECTION_TYPE direction)
{
	const struct mullion_region *const region = info_region_named(kind, name, MULLION_READ);

	if (region == NULL || strnlen(name, sizeof(region->name)) == sizeof(region->name) ||
		((region->access & MULLION_WRITE) != 0) != (direction == SOURCE))
		return NULL;
	return region;
}
