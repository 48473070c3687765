/*
 * The latency axis that all figures of a family share.
 *
 * It is linear in nanoseconds or microseconds; where the systems on it lie far apart it follows
 * asinh, which is linear around zero, logarithmic further out, and at home with negative values.
 */
#ifndef JITTER_AXIS_H
#define JITTER_AXIS_H

#include "jitter.h"

struct jitter_axis {
	double low, high; /* ns */
	bool wide;        /* asinh */
};

void jitter_axis_fit(
	struct jitter_axis *axis, const struct jitter_stream *const *streams, size_t count);
/* Where a value lies along the axis, in the axis' own measure; and how long it is in that measure.
 */
double jitter_axis_place(const struct jitter_axis *axis, double ns);
double jitter_axis_span(const struct jitter_axis *axis);
/* gnuplot commands for axis `letter`: range, scale, tics. */
void jitter_axis_print(const struct jitter_axis *axis, char letter, FILE *out);
const char *jitter_axis_title(const struct jitter_axis *axis);
/* Tics of the two logarithmic y axes: 1, 10, 100, ... and all, 1 in 10, 1 in 100, ... */
void jitter_axis_counts(FILE *out, uint64_t n);
void jitter_axis_shares(FILE *out, uint64_t n);
/* What a family of streams measures, in words. */
const char *jitter_axis_subject(const char *family);

#endif
