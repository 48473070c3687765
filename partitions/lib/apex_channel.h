/*
 * What sampling and queuing ports ask of the description alike: a channel's end by name.
 */
#ifndef APEX_CHANNEL_H
#define APEX_CHANNEL_H

#include <stdbool.h>
#include <string.h>

#include <mullion/apex.h>
#include <mullion/info.h>

/* The channel's end of this name and direction, NULL if the description has none. */
const struct mullion_region *apex_channel(
	enum mullion_region_kind kind, const char *name, PORT_DIRECTION_TYPE direction);

static inline bool apex_is_named(const struct mullion_region *const region, const char *const name)
{
	return strncmp(region->name, name, sizeof(region->name)) == 0;
}

#endif
