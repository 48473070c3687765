/*
 * The report as CSV (RFC 4180): one row per sample, or one per histogram bin where the samples are
 * no longer there. Names are letters, digits and -_./ only, so nothing needs quoting.
 */
#include <inttypes.h>

#include "jitter.h"

static void write_place(FILE *out, const struct jitter_stream *stream)
{
	fprintf(out, "%s,%s,%u,", stream->system, stream->name, stream->cpu);
}

static void write_ns(FILE *out, const struct jitter_stream *stream, int64_t ticks)
{
	int64_t ns;

	if (jitter_has_ns(stream->clock, ticks, &ns))
		fprintf(out, "%" PRId64, ns);
	else
		fprintf(out, "%.3f", jitter_ns(stream->clock, (double)ticks));
}

static void write_samples(FILE *out, const struct jitter_stream *stream)
{
	uint64_t number = stream->n - stream->samples_count;
	size_t i;

	for (i = 0; i < stream->samples_count; i++) {
		write_place(out, stream);
		fprintf(out, "sample,%" PRIu64 ",%" PRIu64 ",%" PRId64 ",", number + i,
			stream->samples[i].tsc, stream->samples[i].value);
		write_ns(out, stream, stream->samples[i].value);
		fputs(",1\n", out);
	}
}

static void write_bins(FILE *out, const struct jitter_stream *stream)
{
	size_t i;

	for (i = 0; i < stream->bins_count; i++) {
		write_place(out, stream);
		fprintf(out, "bin,%zu,,%" PRId64 ",", i, stream->bins[i].value);
		write_ns(out, stream, stream->bins[i].value);
		fprintf(out, ",%" PRIu64 "\n", stream->bins[i].count);
	}
}

int jitter_write_csv(const struct jitter_report *report, FILE *out)
{
	size_t i;

	fputs("system,stream,cpu,row,number,tsc,ticks,ns,count\n", out);
	for (i = 0; i < report->streams_count; i++) {
		const struct jitter_stream *stream = &report->streams[i];

		if (stream->samples_count == stream->n)
			write_samples(out, stream);
		else
			write_bins(out, stream);
	}
	return 0;
}
