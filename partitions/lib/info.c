/*
 * The info page and its regions. Invariant: never touched unless CPUID says Mullion, and refused
 * when its magic or version is not the one this SDK was built for.
 */
#include <string.h>

#include <mullion/args.h>
#include <mullion/info.h>
#include <mullion/platform.h>

const struct mullion_info *info_get(void)
{
	const struct mullion_info *const info =
		(const struct mullion_info *)(uintptr_t)MULLION_INFO_GPA;

	if (platform.kind != PLATFORM_MULLION)
		return NULL;
	if (info->magic != MULLION_INFO_MAGIC || info->abi_version != MULLION_ABI_VERSION)
		platform_exit(1); /* there is no console to say so without a valid page */
	return info;
}

const char *info_name(void)
{
	const struct mullion_info *const info = info_get();

	return info != NULL ? info->name : platform_name();
}

unsigned info_vcpus(void)
{
	const struct mullion_info *const info = info_get();
	const uint64_t given = args_number("vcpus", 1);

	if (info != NULL)
		return info->vcpus;
	return given >= 1 && given <= 255 ? (unsigned)given : 1;
}

const struct mullion_region *info_region(
	const enum mullion_region_kind kind, const unsigned index, const unsigned access)
{
	const struct mullion_info *const info = info_get();

	for (unsigned i = 0; info != NULL && i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		if (r->kind == kind && r->index == index && (r->access & access) == access)
			return r;
	}
	return NULL;
}

const struct mullion_region *info_region_nth(const enum mullion_region_kind kind, unsigned nth)
{
	const struct mullion_info *const info = info_get();

	for (unsigned i = 0; info != NULL && i < info->regions_count; i++)
		if (info->regions[i].kind == kind && nth-- == 0)
			return &info->regions[i];
	return NULL;
}

const struct mullion_region *info_region_named(
	const enum mullion_region_kind kind, const char *const name, const unsigned access)
{
	const struct mullion_info *const info = info_get();

	for (unsigned i = 0; info != NULL && i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		if (r->kind == kind && (r->access & access) == access &&
			strncmp(r->name, name, sizeof(r->name)) == 0)
			return r;
	}
	return NULL;
}
