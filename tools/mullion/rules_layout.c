/*
 * What only the layout can know, asked when nothing else is wrong: layout.c refuses in these names.
 *
 * The invariant: no function stands here, and no tier before the layout's runs them.
 */
#include "check.h"

const struct rule rules_layout[] = {
	{ "memory-shared", "Beside partitions and kernel there is room for all shared pages.",
		TIER_LAYOUT, NULL },
	{ "memory-pristine", "Beside all others there is room for the images to restart from.",
		TIER_LAYOUT, NULL },
	{ NULL, NULL, TIER_COUNT, NULL },
};
