/*
 * What `mullion jitter` knows: sample streams from any source, the traces that explain them, the
 * bounds they are judged by.
 *
 * Readers (jitter_ram.c, jitter_lines.c, jitter_linux.c, jitter_system.c) fill a report, the judge
 * (jitter_judge.c, jitter_trace.c) completes it, writers (jitter_text.c, jitter_json.c,
 * jitter_csv.c, jitter_plot.c, jitter_html.c) only read it. Values stay in ticks of their own clock
 * until printed.
 */
#ifndef JITTER_H
#define JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <mullion/abi.h>
#include <mullion/samples.h>

/* Ticks per second, exact. Both parts are non-zero. */
struct jitter_clock {
	uint64_t numerator, denominator;
};

/* How many samples had this value. */
struct jitter_bin {
	int64_t value;
	uint64_t count;
};

enum jitter_kind { JITTER_RAM, JITTER_LINES, JITTER_CYCLICTEST, JITTER_OSLAT };

/* The trace of one CPU, oldest record first. */
struct jitter_ring {
	unsigned cpu;
	uint64_t lost; /* records overwritten before the first one here */
	struct mullion_trace_record *records;
	size_t count;
	size_t kept; /* of the first ones: windows and the like of before, whose exits are lost */
};

/* A file that samples came from. */
struct jitter_source {
	enum jitter_kind kind;
	char *path;
	char *label; /* NULL: named after each stream's own source */
	char *facts; /* what the file says of its own conditions, or NULL */
	struct jitter_ring *rings;
	size_t rings_count;
};

enum jitter_verdict { JITTER_UNJUDGED, JITTER_PASS, JITTER_FAIL };

/*
 * One metric of one core of one system. `bins` covers every sample but the `below` smallest and the
 * `above` largest; `samples` are the last ones taken, oldest first, possibly none.
 */
struct jitter_stream {
	size_t source; /* index into jitter_report.sources */
	char *name;    /* metric: "gap", "delivery.spin" */
	char *origin;  /* partition, or system, as the stream itself says */
	char *system;  /* as printed: the label, with the origin where that says more */
	char *note;
	unsigned cpu;
	struct jitter_clock clock;
	bool complete;
	bool has_times; /* started, ended, max_tsc and the samples' time stamps mean something */
	bool has_average;
	double average;
	uint64_t n, observed;
	int64_t min, max;
	uint64_t started, ended, max_tsc;
	struct sample *samples;
	size_t samples_count;
	struct jitter_bin *bins;
	size_t bins_count;
	uint64_t below, above;

	/* by jitter_judge() */
	bool has_bound;
	uint64_t bound_ns;
	enum jitter_verdict verdict;
	char *cause; /* of the worst sample, in words; NULL where nothing can be said */
};

/* A limit on the magnitude of every sample, or (without one) the demand that the stream be there.
 */
struct jitter_bound {
	char *system; /* label, origin or printed name; NULL: any */
	char *stream; /* "delivery" covers "delivery.spin" and "delivery.halt" */
	bool has_limit;
	uint64_t ns;
	char *failure; /* by jitter_judge(): why it is broken, NULL if it is kept */
};

struct jitter_report {
	char *title;
	struct jitter_source *sources;
	size_t sources_count;
	struct jitter_stream *streams;
	size_t streams_count;
	struct jitter_bound *bounds;
	size_t bounds_count;
	char **conditions;
	size_t conditions_count;
	char *command;  /* this command line */
	json_t *system; /* build/x/system.json, or NULL */
	unsigned warnings;
};

/* ---- jitter_report.c: growing and releasing a report; out of memory ends the program ---- */

struct jitter_source *jitter_add_source(
	struct jitter_report *report, enum jitter_kind kind, const char *path, const char *label);
struct jitter_stream *jitter_add_stream(
	struct jitter_report *report, const char *name, const char *origin);
struct jitter_bound *jitter_add_bound(
	struct jitter_report *report, const char *system, const char *stream);
void jitter_add_condition(struct jitter_report *report, const char *text);
/* Orders streams by metric and system, drops all but the fullest of equal ones, names systems. */
void jitter_settle(struct jitter_report *report);
void jitter_free(struct jitter_report *report);
void *jitter_array(void *array, size_t count, size_t bytes);
char *jitter_copy(const char *text);
char *jitter_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void jitter_warn(struct jitter_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A name that may be printed anywhere: 1 .. 63 of the letters, digits and -_./ */
bool jitter_name_valid(const char *text);

/* ---- Readers: 0, or -1 after a message on stderr when the file itself cannot be used ---- */

int jitter_read_image(struct jitter_report *report, const char *path, const char *label);
/* The same, with a warning where no probe left anything. */
int jitter_read_ram(struct jitter_report *report, const char *path, const char *label);
int jitter_read_lines(struct jitter_report *report, const char *path, const char *label);
int jitter_read_cyclictest(struct jitter_report *report, const char *path, const char *label);
int jitter_read_oslat(struct jitter_report *report, const char *path, const char *label);
int jitter_read_system(struct jitter_report *report, const char *path);

/* ---- jitter_stats.c ---- */

/* Nearest rank: the smallest value that at least numerator/denominator of all samples do not
 * exceed. */
bool jitter_percentile(const struct jitter_stream *stream, uint64_t numerator, uint64_t denominator,
	int64_t *value);
/* Sorted bins of a list of samples. */
void jitter_bins_of_samples(struct jitter_stream *stream);
/* Sign of (ticks of this clock) - ns, exact. */
int jitter_compare_ns(struct jitter_clock clock, int64_t ticks, int64_t ns);
double jitter_ns(struct jitter_clock clock, double ticks);
/* "1,234.5": exact nanoseconds, at most three decimals. Returns buffer. */
#define JITTER_NUMBER_BYTES 40u
char *jitter_format_ns(char *buffer, struct jitter_clock clock, int64_t ticks);
char *jitter_format_count(char *buffer, uint64_t count);
double jitter_duration_s(const struct jitter_stream *stream);
bool jitter_has_ns(struct jitter_clock clock, int64_t ticks, int64_t *ns); /* exact only */

struct jitter_percentile_name {
	const char *name, *key;
	uint64_t numerator, denominator;
};
#define JITTER_PERCENTILES 4u
extern const struct jitter_percentile_name jitter_percentiles[JITTER_PERCENTILES];

/* ---- jitter_judge.c, jitter_trace.c ---- */

/* Applies bounds and names causes. Returns how many bounds are broken. */
unsigned jitter_judge(struct jitter_report *report);
bool jitter_bound_covers(const struct jitter_bound *bound, const struct jitter_report *report,
	const struct jitter_stream *stream);
/* What happened on the stream's CPU while its worst sample was measured; the caller frees it. */
char *jitter_cause(const struct jitter_report *report, const struct jitter_stream *stream);
/* Whether the trace holds the time in which it was measured. */
bool jitter_sample_held(const struct jitter_report *report, const struct jitter_stream *stream,
	const struct sample *sample);
/* The same of any sample, or of a later one of the same value. */
char *jitter_sample_cause(const struct jitter_report *report, const struct jitter_stream *stream,
	const struct sample *sample);
char *jitter_record_words(
	const struct jitter_report *report, const struct mullion_trace_record *record);
/* The one line that ends every report; the caller frees it. */
char *jitter_verdict_line(const struct jitter_report *report);

/* ---- jitter_system.c: questions to the description, -1 or NULL where it does not say ---- */

int jitter_system_cpu(const struct jitter_report *report, const char *partition, unsigned vcpu);
const char *jitter_system_vcpu_partition(const struct jitter_report *report, unsigned vcpu);

/* ---- Writers ---- */

/* What every report says of how it was measured; count of lines, each to be freed. */
size_t jitter_condition_lines(const struct jitter_report *report, char ***lines);
void jitter_write_text(const struct jitter_report *report, FILE *out, bool colour);
/* jitter_matrix.c: every metric's maximum, one column per system; nothing for a single system. */
void jitter_write_matrix(const struct jitter_report *report, FILE *out);
void jitter_write_matrix_html(const struct jitter_report *report, FILE *out);
int jitter_write_json(const struct jitter_report *report, FILE *out);
int jitter_write_csv(const struct jitter_report *report, FILE *out);
int jitter_write_svg(const struct jitter_report *report, const char *figure, FILE *out);
int jitter_write_html(const struct jitter_report *report, FILE *out);

/* ---- jitter_plot.c: figures drawn by gnuplot ---- */

enum jitter_figure { JITTER_HISTOGRAM, JITTER_TAIL, JITTER_SCOPE, JITTER_OVERVIEW };
/* streams: those to draw, in order. An SVG document in memory, or NULL after a message. */
char *jitter_plot(enum jitter_figure figure, const struct jitter_report *report,
	const struct jitter_stream *const *streams, size_t count, const char *id);
/* All streams of a family ("delivery"), worst last so that it is drawn on top; count of them. */
size_t jitter_family(const struct jitter_report *report, const char *family,
	const struct jitter_stream ***streams);
/* The family a reader looks at first. */
char *jitter_headline(const struct jitter_report *report);
/* The part of a metric's name before its first dot; the caller frees it. */
char *jitter_family_name(const char *name);
/* Colours a figure may hold, and what the page calls them. */
#define JITTER_COLOURS 8u
extern const char *const jitter_palette[JITTER_COLOURS];
extern const char jitter_ink[], jitter_muted[], jitter_grid[], jitter_surface[], jitter_alarm[];

int jitter_main(int argc, char **argv);

#endif
