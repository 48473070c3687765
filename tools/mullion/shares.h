/*
 * What a schedule gives each partition: its share of time and the longest it waits.
 *
 * All in integer nanoseconds of the description; a gap may wrap around the frame's end.
 */
#ifndef SHARES_H
#define SHARES_H

#include "model.h"

struct share {
	size_t windows;
	uint64_t time_ns;         /* per frame */
	uint64_t worst_gap_ns;    /* from the end of a window to the start of the next; 0: no gap */
	uint64_t worst_gap_at_ns; /* where in the frame the worst gap begins */
};

/* Of one partition on one CPU of a schedule. */
struct share share_of(
	const struct model_schedule *schedule, const struct model_cpu_schedule *cpu, int partition);

/* part/whole as a percentage, exact to the last digit printed, rounded half up: "33.333 %". */
char *share_percent(uint64_t part, uint64_t whole);

/* A duration as a person writes it, exactly: "2 ms", "2.5 ms", "1 us", "7 ns". */
char *share_duration(uint64_t ns);

#endif
