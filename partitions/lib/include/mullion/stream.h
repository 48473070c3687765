/*
 * Recording into a sample stream (mullion/samples.h): exact totals, a histogram with one bin per
 * tick, and the ring. One writer per stream; nothing here exits to a hypervisor.
 */
#ifndef MULLION_STREAM_H
#define MULLION_STREAM_H

#include <stdbool.h>

#include <mullion/samples.h>

/* A page-aligned stream for at least `samples` samples; NULL when the memory does not suffice. */
struct sample_stream *stream_create(
	const char *name, const char *note, unsigned vcpu, uint64_t samples);

/* Bin 0 of the histogram; before the first sample. */
void stream_histogram_from(struct sample_stream *stream, int64_t first);
void stream_begin(struct sample_stream *stream);
void stream_record(struct sample_stream *stream, uint64_t tsc, int64_t value);
void stream_end(struct sample_stream *stream);

/*
 * The stream as one JSON object on one line of the console (docs/jitter.md): totals, then `extra`
 * (further members, each with a leading comma), then with `all` the histogram and the samples held.
 */
void stream_print(const struct sample_stream *stream, const char *extra, bool all);

#endif
