/*
 * A colour for each partition, the same in every picture of a deployment.
 */
#ifndef PALETTE_H
#define PALETTE_H

#include <stddef.h>

struct palette_colour {
	const char *fill, *text; /* and what is written on it */
};

static inline const struct palette_colour *palette_of(size_t partition)
{
	static const struct palette_colour palette[] = {
		{ "#3f6fb0", "#fff" },
		{ "#e08a2c", "#1d1d1d" },
		{ "#4d9a5b", "#fff" },
		{ "#c8504f", "#fff" },
		{ "#8466ae", "#fff" },
		{ "#3fa7a3", "#1d1d1d" },
		{ "#e3c04a", "#1d1d1d" },
		{ "#946b4e", "#fff" },
		{ "#d77fb0", "#1d1d1d" },
		{ "#6d7f8f", "#fff" },
		{ "#9cc06a", "#1d1d1d" },
		{ "#34507a", "#fff" },
	};

	return &palette[partition % (sizeof(palette) / sizeof(palette[0]))];
}

#endif
