/*
 * The partition's watchdog: count more often than watchdog-ns, or the health monitor hears of it.
 * Nothing exits. Without a watchdog in the description, or elsewhere than under Mullion, nothing
 * happens either.
 */
#ifndef MULLION_WATCHDOG_H
#define MULLION_WATCHDOG_H

#include <mullion/info.h>

/* The page, or NULL: ask once, and keep it. */
static inline struct mullion_watchdog *watchdog_get(void)
{
	const struct mullion_region *const region = info_region_nth(MULLION_REGION_WATCHDOG, 0);

	return region != NULL ? region_address(region) : NULL;
}

/* One writer: the vcpu that looks after the watchdog. */
static inline void watchdog_kick(struct mullion_watchdog *const watchdog)
{
	if (watchdog != NULL)
		__atomic_store_n(&watchdog->count, watchdog->count + 1, __ATOMIC_RELEASE);
}

#endif
