/*
 * What `mullion top` shows, as lines of text: for the screen, and for --once.
 */
#ifndef TOP_H
#define TOP_H

#include "counters.h"

#define TOP_WIDTH_MAX 240u
#define TOP_LINES_MAX                                                                              \
	(2 * COUNTERS_PARTITIONS * MULLION_STATUS_VCPUS + COUNTERS_CPUS + COUNTERS_PORTS + 8u)

enum top_table { TOP_PARTITIONS, TOP_EXITS, TOP_PORTS, TOP_TABLES };

enum top_order { TOP_AS_DESCRIBED, TOP_BY_USE, TOP_BY_EXITS };

struct top_page {
	unsigned width, height;        /* at least 40 x 8 */
	unsigned headings[TOP_TABLES]; /* the lines that head the tables; 0: there is none */
	unsigned lines;
	char (*text)[TOP_WIDTH_MAX + 1];
};

/* Lays the page out; what does not fit is counted in its last line. */
void top_draw(struct top_page *page, const struct counters_node *node,
	const struct counters *before, const struct counters *after, enum top_order order);

#endif
