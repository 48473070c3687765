/*
 * Synthetic RAM images for the jitter tests: pages that look like what a probe and a kernel leave
 * behind, each field under the test's control. A file lives in its own temporary directory.
 */
#ifndef JITTER_FIXTURE_H
#define JITTER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "jitter.h"

#define FIXTURE_BYTES    (256u * 4096u)
#define FIXTURE_CAPACITY 16u

struct fixture {
	char directory[32];
	char path[64];
	uint8_t *ram;
	size_t used;
	struct jitter_report report;
};

static inline int fixture_begin(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->directory, P_tmpdir "/jitter-XXXXXX");
	if (!mkdtemp(fixture->directory))
		return -1;
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/ram", fixture->directory);
	fixture->ram = calloc(1, FIXTURE_BYTES);
	fixture->used = 4096;
	*state = fixture;
	return 0;
}

static inline char *fixture_path(const struct fixture *fixture, const char *name)
{
	return jitter_printf("%s/%s", fixture->directory, name);
}

static inline int fixture_end(void **state)
{
	struct fixture *fixture = *state;
	char *command = jitter_printf("rm -rf %s", fixture->directory);
	int status = system(command);

	free(command);
	jitter_free(&fixture->report);
	free(fixture->ram);
	free(fixture);
	return status;
}

static inline struct sample_stream *fixture_stream(
	struct fixture *fixture, const char *name, const char *source)
{
	struct sample_stream *stream = (void *)(fixture->ram + fixture->used);

	fixture->used += SAMPLES_HEADER_BYTES + 4096;
	stream->magic = SAMPLES_MAGIC;
	stream->version = SAMPLES_VERSION;
	stream->header_bytes = SAMPLES_HEADER_BYTES;
	strcpy(stream->name, name);
	strcpy(stream->source, source);
	stream->capacity = FIXTURE_CAPACITY;
	stream->tsc_hz_numerator = 1000000000;
	stream->tsc_hz_denominator = 1;
	stream->started_tsc = 1000;
	stream->state = SAMPLES_COMPLETE;
	return stream;
}

static inline void fixture_sample(struct sample_stream *stream, int64_t value)
{
	uint64_t tsc = 1000 + 100 * (stream->n + 1) + (uint64_t)(value > 0 ? value : 0);

	stream->ring[stream->n % stream->capacity] = (struct sample){ tsc, value };
	if (!stream->n || value < stream->min)
		stream->min = value;
	if (!stream->n || value > stream->max) {
		stream->max = value;
		stream->max_tsc = tsc;
	}
	if (value < stream->histogram_first)
		stream->underflow++;
	else if (value - stream->histogram_first >= (int64_t)SAMPLES_BINS)
		stream->overflow++;
	else
		stream->histogram[value - stream->histogram_first]++;
	stream->sum += value;
	stream->ended_tsc = tsc;
	stream->n++;
}

static inline struct mullion_trace *fixture_trace(struct fixture *fixture, uint32_t cpu)
{
	struct mullion_trace *trace = (void *)(fixture->ram + fixture->used);

	fixture->used += sizeof(*trace);
	trace->magic = MULLION_TRACE_MAGIC;
	trace->cpu = cpu;
	trace->capacity = MULLION_TRACE_RECORDS;
	return trace;
}

static inline void fixture_record(struct mullion_trace *trace, uint64_t tsc, uint16_t kind,
	uint16_t vcpu, uint32_t cause, uint64_t a)
{
	trace->records[trace->head++ % MULLION_TRACE_RECORDS] =
		(struct mullion_trace_record){ tsc, kind, vcpu, cause, a, 0 };
}

static inline void fixture_write(const struct fixture *fixture, size_t bytes)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(fixture->ram, 1, bytes, file), bytes);
	assert_int_equal(fclose(file), 0);
}

static inline void fixture_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Writes and reads the image. */
static inline struct jitter_report *fixture_read(struct fixture *fixture)
{
	fixture_write(fixture, FIXTURE_BYTES);
	assert_int_equal(jitter_read_ram(&fixture->report, fixture->path, NULL), 0);
	jitter_settle(&fixture->report);
	return &fixture->report;
}

/* The exit code of `mullion jitter ARGUMENTS`, run in a child because argp exits on its own. */
static inline int fixture_run(const char *const *arguments)
{
	char *copy[24] = { NULL };
	int count = 0, status;
	pid_t child;

	copy[count++] = jitter_copy("mullion jitter");
	for (; *arguments; arguments++)
		copy[count++] = jitter_copy(*arguments);
	fflush(NULL);
	child = fork();
	if (!child) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(99);
		exit(jitter_main(count, copy));
	}
	while (count)
		free(copy[--count]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
#define FIXTURE_RUN(...) fixture_run((const char *const[]){ __VA_ARGS__, NULL })

static inline char *fixture_slurp(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 4u << 20);

	assert_non_null(file);
	text[fread(text, 1, (4u << 20) - 1, file)] = '\0';
	fclose(file);
	return text;
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

#endif
