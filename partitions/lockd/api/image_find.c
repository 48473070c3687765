/*
 * Where a partition finds the lock service's block: a region of its info page. See mullion/lock_image.h.
 */
#include <stddef.h>

#include <mullion/info.h>
#include <mullion/lock_image.h>

const struct lock_image *lock_image_find(struct lock_tables *const tables)
{
	const struct mullion_region *const region = info_region_nth(MULLION_REGION_LOCKS, 0);

	return region ? lock_image_open(region_address(region), region->bytes, tables) : NULL;
}
