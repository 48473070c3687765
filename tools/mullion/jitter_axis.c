/*
 * Range, scale and tics of the axes, in words a reader expects: "100 ns", "2 µs", "1 in 1,000".
 *
 * Invariant: low < high even for a stream whose samples are all equal, and every sample lies
 * inside.
 */
#include <math.h>
#include <string.h>

#include "jitter_axis.h"

#define WIDE_RATIO        50.0  /* largest spread that a linear axis still shows */
#define WIDE_LEAST        500.0 /* ns: below this a linear axis always does */
#define FLAT_MARGIN       5.0   /* ns to either side of a flat stream */
#define MICROSECONDS_FROM 2e4   /* ns: from here on a linear axis counts in microseconds */

/* The farthest maximum against the nearest: what a linear axis would squeeze into its corner. */
static bool far_apart(const struct jitter_stream *const *streams, size_t count)
{
	double least = INFINITY, most = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		double max = fabs(jitter_ns(streams[i]->clock, (double)streams[i]->max));

		least = fmin(least, max);
		most = fmax(most, max);
	}
	return most > WIDE_LEAST && most > WIDE_RATIO * fmax(least, 1);
}

void jitter_axis_fit(
	struct jitter_axis *axis, const struct jitter_stream *const *streams, size_t count)
{
	double low = INFINITY, high = -INFINITY, margin;
	size_t i;

	for (i = 0; i < count; i++) {
		low = fmin(low, jitter_ns(streams[i]->clock, (double)streams[i]->min));
		high = fmax(high, jitter_ns(streams[i]->clock, (double)streams[i]->max));
	}
	axis->wide = far_apart(streams, count);
	if (low > 0 && low < high / 2)
		low = 0;
	margin = axis->wide ? 0 : fmax(FLAT_MARGIN, 0.04 * (high - low));
	axis->low = low < 0 ? low * 1.05 - margin : fmax(low - margin, 0);
	axis->high = axis->wide ? high * 1.6 : high + margin;
}

double jitter_axis_place(const struct jitter_axis *axis, double ns)
{
	return axis->wide ? asinh(ns) : ns;
}

double jitter_axis_span(const struct jitter_axis *axis)
{
	return jitter_axis_place(axis, axis->high) - jitter_axis_place(axis, axis->low);
}

static bool in_microseconds(const struct jitter_axis *axis)
{
	return !axis->wide && axis->high >= MICROSECONDS_FROM;
}

const char *jitter_axis_title(const struct jitter_axis *axis)
{
	if (axis->wide)
		return "latency (logarithmic)";
	return in_microseconds(axis) ? "latency in µs" : "latency in ns";
}

static void print_duration(FILE *out, double ns)
{
	double size = fabs(ns);

	if (size >= 1e9)
		fprintf(out, "'%g s'", ns / 1e9);
	else if (size >= 1e6)
		fprintf(out, "'%g ms'", ns / 1e6);
	else if (size >= 1e3)
		fprintf(out, "'%g µs'", ns / 1e3);
	else
		fprintf(out, "'%g%s'", ns, ns == 0 ? "" : " ns");
}

static void print_decades(const struct jitter_axis *axis, char letter, FILE *out)
{
	double tic;
	const char *comma = "";

	fprintf(out, "set %ctics (", letter);
	for (tic = -1e12; tic < -0.5; tic /= 10) {
		if (tic < axis->low)
			continue;
		fputs(comma, out);
		print_duration(out, tic);
		fprintf(out, " %g", tic);
		comma = ", ";
	}
	fprintf(out, "%s'0' 0", comma);
	for (tic = 1; tic <= axis->high; tic *= 10) {
		fputs(", ", out);
		print_duration(out, tic);
		fprintf(out, " %g", tic);
	}
	fputs(") nomirror\n", out);
}

/* A step of 1, 2 or 5 times a power of ten that cuts the axis into five to ten parts. */
static double even_step(double span)
{
	double step = pow(10, floor(log10(span / 5)));

	if (span / step > 25)
		return step * 5;
	return span / step > 10 ? step * 2 : step;
}

static void print_even(const struct jitter_axis *axis, char letter, FILE *out)
{
	double unit = in_microseconds(axis) ? 1e3 : 1, step = even_step(axis->high - axis->low);
	double tic;
	const char *comma = "";

	step = fmax(step, 1);
	fprintf(out, "set %ctics (", letter);
	for (tic = ceil(axis->low / step) * step; tic <= axis->high; tic += step) {
		fprintf(out, "%s'%g' %.9g", comma, tic / unit, tic);
		comma = ", ";
	}
	fputs(") nomirror\n", out);
}

void jitter_axis_print(const struct jitter_axis *axis, char letter, FILE *out)
{
	fprintf(out, "set %crange [%.9g:%.9g]\n", letter, axis->low, axis->high);
	if (axis->wide) {
		fprintf(out, "set nonlinear %c via asinh(%c) inverse sinh(%c)\n", letter, letter,
			letter);
		print_decades(axis, letter, out);
	} else {
		print_even(axis, letter, out);
	}
}

void jitter_axis_counts(FILE *out, uint64_t n)
{
	char label[JITTER_NUMBER_BYTES];
	uint64_t tic, power = 1;

	fputs("set ytics (", out);
	/* Six labels at most: every power of ten, or every second, or third. */
	while (pow(10, (double)power * 6) < (double)n)
		power++;
	for (tic = 1; tic <= n && tic <= UINT64_MAX / 1000; tic *= (uint64_t)pow(10, (double)power))
		fprintf(out, "%s'%s' %.9g", tic == 1 ? "" : ", ", jitter_format_count(label, tic),
			(double)tic);
	fputs(") nomirror\n", out);
}

void jitter_axis_shares(FILE *out, uint64_t n)
{
	char label[JITTER_NUMBER_BYTES];
	uint64_t tic, power = 1;

	fputs("set ytics ('all' 1", out);
	while (pow(10, (double)power * 6) < (double)n)
		power++;
	for (tic = (uint64_t)pow(10, (double)power); tic <= n && tic <= UINT64_MAX / 1000;
		tic *= (uint64_t)pow(10, (double)power))
		fprintf(out, ", '1 in %s' %.9g", jitter_format_count(label, tic), 1 / (double)tic);
	fputs(") nomirror\n", out);
}

const char *jitter_axis_subject(const char *family)
{
	static const struct {
		const char *family, *words;
	} subjects[] = {
		{ "gap", "longest holes in a busy loop" },
		{ "delivery", "timer interrupt after its absolute deadline" },
		{ "phase", "start of a window after its due time" },
		{ "exit", "cost of leaving the guest" },
		{ "oneshot_xapic", "one-shot timer, arming included, xAPIC page" },
		{ "oneshot_x2apic", "one-shot timer, arming included, x2APIC registers" },
		{ "vtimer", "timer interrupt inside a window after its deadline" },
	};
	size_t i;

	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		if (!strcmp(family, subjects[i].family))
			return subjects[i].words;
	}
	return family;
}
