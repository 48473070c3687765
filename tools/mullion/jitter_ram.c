/*
 * Sample streams and trace rings in the RAM image of a machine (QEMU's memory-backend-file).
 *
 * The image is what a guest left behind, so nothing in it is trusted: a block is taken only if
 * every field of its header is possible and lies inside the file; anything else is skipped with a
 * warning. Layouts: partitions/lib/include/mullion/samples.h, core/include/mullion/abi.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jitter.h"

#define CAPACITY_MAX          (1u << 24)
#define CLOCK_PART_MAX        (1ull << 40) /* a terahertz; keeps jitter_stats.c within 128 bits */
#define CLOCK_DENOMINATOR_MAX (1ull << 31)

struct image {
	const char *path;
	const uint8_t *data;
	size_t bytes;
	int file;
};

static bool text_valid(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) && jitter_name_valid(text);
}

static bool note_valid(const char *text, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes && text[i]; i++) {
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return i < bytes;
}

static uint64_t histogram_total(const struct sample_stream *stream)
{
	uint64_t total = stream->underflow + stream->overflow;
	size_t i;

	for (i = 0; i < SAMPLES_BINS; i++)
		total += stream->histogram[i];
	return total;
}

static const char *shape_fault(const struct sample_stream *s, size_t room)
{
	if (s->version != SAMPLES_VERSION || s->header_bytes != SAMPLES_HEADER_BYTES)
		return "another version of the layout";
	if (!text_valid(s->name, sizeof(s->name)) || !text_valid(s->source, sizeof(s->source)))
		return "its name or source is not a name";
	if (!note_valid(s->note, sizeof(s->note)))
		return "its note is not text";
	if (!s->capacity || s->capacity > CAPACITY_MAX || s->capacity & (s->capacity - 1))
		return "its capacity is not a power of two";
	if (sizeof(*s) + s->capacity * sizeof(struct sample) > room)
		return "its ring ends outside the image";
	return NULL;
}

static const char *content_fault(const struct sample_stream *s)
{
	if (!s->tsc_hz_numerator || s->tsc_hz_numerator > CLOCK_PART_MAX ||
		!s->tsc_hz_denominator || s->tsc_hz_denominator > CLOCK_DENOMINATOR_MAX)
		return "its clock is impossible";
	if (s->state > SAMPLES_COMPLETE)
		return "its state is unknown";
	if (s->n && s->min > s->max)
		return "its minimum is above its maximum";
	/* A running probe may have counted the last sample in one place and not yet in the other.
	 */
	if (s->state == SAMPLES_COMPLETE && histogram_total(s) != s->n)
		return "its histogram does not add up to n";
	return NULL;
}

static void take_ring(struct jitter_stream *stream, const struct sample_stream *from)
{
	uint64_t first = from->n > from->capacity ? from->n - from->capacity : 0, k;

	stream->samples_count = (size_t)(from->n - first);
	stream->samples = jitter_array(NULL, stream->samples_count, sizeof(struct sample));
	for (k = first; k < from->n; k++)
		stream->samples[k - first] = from->ring[k & (from->capacity - 1u)];
}

static void take_histogram(struct jitter_stream *stream, const struct sample_stream *from)
{
	size_t i;

	stream->bins = jitter_array(NULL, SAMPLES_BINS, sizeof(*stream->bins));
	for (i = 0; i < SAMPLES_BINS; i++) {
		if (from->histogram[i])
			stream->bins[stream->bins_count++] =
				(struct jitter_bin){ from->histogram_first + (int64_t)i,
					from->histogram[i] };
	}
	stream->below = from->underflow;
	stream->above = from->overflow;
}

static void take_numbers(struct jitter_stream *stream, const struct sample_stream *from)
{
	stream->cpu = from->cpu;
	stream->clock = (struct jitter_clock){ from->tsc_hz_numerator, from->tsc_hz_denominator };
	stream->complete = from->state == SAMPLES_COMPLETE;
	stream->has_times = true;
	stream->has_average = from->n != 0;
	stream->average = from->n ? (double)from->sum / (double)from->n : 0;
	stream->n = from->n;
	stream->observed = from->observed;
	stream->min = from->min;
	stream->max = from->max;
	stream->started = from->started_tsc;
	stream->ended = from->ended_tsc;
	stream->max_tsc = from->max_tsc;
}

static void take_stream(struct jitter_report *report, const struct image *image, size_t at)
{
	const struct sample_stream *from = (const void *)(image->data + at);
	const char *fault = sizeof(*from) > image->bytes - at
				    ? "it ends outside the image"
				    : shape_fault(from, image->bytes - at);
	struct jitter_stream *stream;

	if (!fault)
		fault = content_fault(from);
	if (fault) {
		jitter_warn(report, "%s: stream at %#zx skipped: %s", image->path, at, fault);
		return;
	}
	stream = jitter_add_stream(report, from->name, from->source);
	stream->note = jitter_copy(from->note);
	take_numbers(stream, from);
	take_ring(stream, from);
	if (from->n <= from->capacity)
		jitter_bins_of_samples(stream);
	else
		take_histogram(stream, from);
}

static const char *trace_fault(const struct mullion_trace *trace, size_t room)
{
	if (sizeof(*trace) > room)
		return "it ends outside the image";
	if (trace->capacity != MULLION_TRACE_RECORDS)
		return "its capacity is not the one of this version";
	if (trace->cpu > UINT16_MAX)
		return "its CPU number is impossible";
	return NULL;
}

static void take_trace(struct jitter_report *report, struct jitter_source *source,
	const struct image *image, size_t at)
{
	const struct mullion_trace *trace = (const void *)(image->data + at);
	const char *fault = trace_fault(trace, image->bytes - at);
	struct jitter_ring *ring;
	uint64_t k;

	if (fault) {
		jitter_warn(report, "%s: trace at %#zx skipped: %s", image->path, at, fault);
		return;
	}
	source->rings =
		jitter_array(source->rings, source->rings_count + 1, sizeof(*source->rings));
	ring = &source->rings[source->rings_count++];
	*ring = (struct jitter_ring){ .cpu = trace->cpu };
	ring->lost = trace->head > trace->capacity ? trace->head - trace->capacity : 0;
	ring->count = (size_t)(trace->head - ring->lost);
	ring->records = jitter_array(NULL, ring->count, sizeof(*ring->records));
	for (k = ring->lost; k < trace->head; k++)
		ring->records[k - ring->lost] = trace->records[k % trace->capacity];
}

static void scan(struct jitter_report *report, struct jitter_source *source,
	const struct image *image, size_t from, size_t to)
{
	size_t at;
	uint64_t magic;

	for (at = from; at + sizeof(magic) <= to; at += MULLION_PAGE_BYTES) {
		memcpy(&magic, image->data + at, sizeof(magic));
		if (magic == SAMPLES_MAGIC)
			take_stream(report, image, at);
		else if (magic == MULLION_TRACE_MAGIC)
			take_trace(report, source, image, at);
	}
}

/* RAM that was never written is a hole in the file: there is nothing to find in it. */
static void scan_data(
	struct jitter_report *report, struct jitter_source *source, const struct image *image)
{
	off_t end = 0, begin;

	while ((begin = lseek(image->file, end, SEEK_DATA)) >= 0) {
		end = lseek(image->file, begin, SEEK_HOLE);
		if (end <= begin)
			break;
		scan(report, source, image, (size_t)begin & ~(size_t)(MULLION_PAGE_BYTES - 1),
			(size_t)end < image->bytes ? (size_t)end : image->bytes);
	}
}

static int map(struct image *image, const char *path)
{
	struct stat status;
	void *data = MAP_FAILED;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file >= 0 && !fstat(file, &status) && status.st_size >= (off_t)MULLION_PAGE_BYTES)
		data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	if (data == MAP_FAILED) {
		fprintf(stderr, "%s: %s: cannot be read as a RAM image: %s\n",
			program_invocation_name, path,
			file < 0 ? strerror(errno) : "not a file of at least one page");
		if (file >= 0)
			close(file);
		return -1;
	}
	*image = (struct image){ path, data, (size_t)status.st_size, file };
	return 0;
}

int jitter_read_image(struct jitter_report *report, const char *path, const char *label)
{
	struct image image;

	if (map(&image, path))
		return -1;
	scan_data(report, jitter_add_source(report, JITTER_RAM, path, label), &image);
	munmap((void *)(uintptr_t)image.data, image.bytes);
	close(image.file);
	return 0;
}

int jitter_read_ram(struct jitter_report *report, const char *path, const char *label)
{
	size_t before = report->streams_count;

	if (jitter_read_image(report, path, label))
		return -1;
	if (report->streams_count == before)
		jitter_warn(report, "%s: no sample stream in this image: did the probe run?", path);
	return 0;
}
