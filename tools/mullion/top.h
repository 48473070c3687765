/*
 * What `mullion top` shows, as lines of text: for the screen, and for --once.
 */
#ifndef TOP_H
#define TOP_H

#include "counters.h"

#define TOP_WIDTH_MAX 240u
#define TOP_LINES_MAX (COUNTERS_PARTITIONS * MULLION_STATUS_VCPUS + COUNTERS_CPUS + 8u)

enum top_order { TOP_AS_DESCRIBED, TOP_BY_USE, TOP_BY_EXITS };

struct top_page {
	unsigned width, height; /* at least 40 x 8 */
	unsigned heading;       /* the line that heads the table */
	unsigned lines;
	char (*text)[TOP_WIDTH_MAX + 1];
};

/* Lays the page out; what does not fit is counted in its last line. */
void top_draw(struct top_page *page, const struct counters_node *node,
	const struct counters *before, const struct counters *after, enum top_order order);

#endif
