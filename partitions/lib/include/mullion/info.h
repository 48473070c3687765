/*
 * The info page: what Mullion tells a partition about itself. Everywhere else there is none, and
 * every function below says so by returning NULL.
 */
#ifndef MULLION_INFO_H
#define MULLION_INFO_H

#include <mullion/abi.h>

/* The info page, or NULL when not under Mullion. Ends the partition if the page is not of this ABI.
 */
const struct mullion_info *info_get(void);

/* The partition's name, or the platform's ("native", "xen", "kvm"). */
const char *info_name(void);

/* Number of vcpus: from the info page, elsewhere the argument vcpus=N, at least 1. */
unsigned info_vcpus(void);

/* The first region of this kind with this index and at least this access, or NULL. */
const struct mullion_region *info_region(
	enum mullion_region_kind kind, unsigned index, unsigned access);

/* The nth (from 0) region of this kind, or NULL. */
const struct mullion_region *info_region_nth(enum mullion_region_kind kind, unsigned nth);

/* A channel's region by kind and name with at least this access, or NULL. */
const struct mullion_region *info_region_named(
	enum mullion_region_kind kind, const char *name, unsigned access);

static inline void *region_address(const struct mullion_region *const region)
{
	return (void *)(uintptr_t)region->gpa;
}

#endif
