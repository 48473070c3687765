/*
 * Emits what gcc's counters counted, as .gcda records, from inside a freestanding program.
 *
 * Compiled with -fprofile-arcs -ftest-coverage -fprofile-info-section=.gcov_info, every object
 * leaves one pointer to its struct gcov_info between __gcov_info_start and __gcov_info_end;
 * coverage_emit() walks them and hands bytes to coverage_put(). Nothing here is counted, nothing is
 * changed, no memory is needed, so it may run as the last act of a kernel.
 *
 * Stream: per object "SGCV", u32 name length, u32 data length, name, data; at the end "SGCE",
 * u32 number of objects. Data is a .gcda file of gcc 12: gcc/gcov-io.h, lengths in bytes.
 */
#include <stdint.h>

#include "gcov_emit.h"

#if __GNUC__ != 12
#error "the layout of struct gcov_info is that of gcc 12; look at gcc/libgcov.h before raising this"
#endif

#define UNCOUNTED __attribute__((no_profile_instrument_function))

enum { COUNTERS = 8 }; /* gcc/gcov-counter.def; the first counts arcs */
enum gcov_tag { GCOV_DATA_MAGIC = 0x67636461, TAG_FUNCTION = 0x01000000, TAG_COUNTER = 0x01a10000 };

struct counters {
	uint32_t count;
	const int64_t *values;
};

struct function {
	const struct info *key; /* the object whose copy of an inline function was linked */
	uint32_t ident, lineno_checksum, cfg_checksum;
	struct counters counters[]; /* one per kind of counter the object uses */
};

struct info {
	uint32_t version;
	const struct info *next;
	uint32_t stamp, checksum;
	const char *name;
	void (*merge[COUNTERS])(int64_t *, uint32_t); /* null: this kind is not used */
	uint32_t functions_count;
	const struct function *const *functions;
};

extern const struct info *const __gcov_info_start[], *const __gcov_info_end[];

/* Objects refer to it; only a hosted libgcov would call it. */
void __gcov_merge_add(int64_t *values, uint32_t count);
UNCOUNTED void __gcov_merge_add(int64_t *values, uint32_t count)
{
	(void)values;
	(void)count;
}

/* Either counts bytes or puts them, so that a length can precede its data without a buffer. */
struct sink {
	uint32_t bytes;
	uint32_t putting;
};

UNCOUNTED static void put_word(struct sink *sink, uint32_t word)
{
	sink->bytes += (uint32_t)sizeof(word);
	if (sink->putting)
		coverage_put(&word, sizeof(word));
}

UNCOUNTED static uint32_t all_zero(const struct counters *counters)
{
	uint32_t i;

	for (i = 0; i < counters->count; i++) {
		if (__atomic_load_n(&counters->values[i], __ATOMIC_RELAXED))
			return 0;
	}
	return 1;
}

UNCOUNTED static void put_values(struct sink *sink, const struct counters *counters)
{
	uint32_t i;

	for (i = 0; i < counters->count; i++) {
		uint64_t value = (uint64_t)__atomic_load_n(&counters->values[i], __ATOMIC_RELAXED);

		put_word(sink, (uint32_t)value);
		put_word(sink, (uint32_t)(value >> 32));
	}
}

/* A negative length stands for that many bytes of zeros. */
UNCOUNTED static void put_counters(
	struct sink *sink, uint32_t kind, const struct counters *counters)
{
	uint32_t bytes = counters->count * (uint32_t)sizeof(int64_t), zero = all_zero(counters);

	put_word(sink, TAG_COUNTER + (kind << 17));
	put_word(sink, zero ? -bytes : bytes);
	if (!zero)
		put_values(sink, counters);
}

UNCOUNTED static void put_function(
	struct sink *sink, const struct info *info, const struct function *function)
{
	const struct counters *counters;
	uint32_t kind;

	put_word(sink, TAG_FUNCTION);
	if (!function || function->key != info) {
		put_word(sink, 0);
		return;
	}
	put_word(sink, 3 * (uint32_t)sizeof(uint32_t));
	put_word(sink, function->ident);
	put_word(sink, function->lineno_checksum);
	put_word(sink, function->cfg_checksum);
	counters = function->counters;
	for (kind = 0; kind < COUNTERS; kind++) {
		if (info->merge[kind])
			put_counters(sink, kind, counters++);
	}
}

UNCOUNTED static void put_object(struct sink *sink, const struct info *info)
{
	uint32_t i;

	put_word(sink, GCOV_DATA_MAGIC);
	put_word(sink, info->version);
	put_word(sink, info->stamp);
	put_word(sink, info->checksum);
	for (i = 0; i < info->functions_count; i++)
		put_function(sink, info, info->functions[i]);
	put_word(sink, 0);
}

UNCOUNTED static uint32_t length_of(const char *text)
{
	uint32_t length = 0;

	while (text[length])
		length++;
	return length;
}

UNCOUNTED static void emit(const struct info *info)
{
	struct sink measure = { 0, 0 }, put = { 0, 1 };
	uint32_t name_bytes = length_of(info->name);

	put_object(&measure, info);
	coverage_put("SGCV", 4);
	coverage_put(&name_bytes, sizeof(name_bytes));
	coverage_put(&measure.bytes, sizeof(measure.bytes));
	coverage_put(info->name, name_bytes);
	put_object(&put, info);
}

UNCOUNTED void coverage_emit(void)
{
	const struct info *const *info;
	uint32_t objects = 0;

	for (info = __gcov_info_start; info < __gcov_info_end; info++, objects++)
		emit(*info);
	coverage_put("SGCE", 4);
	coverage_put(&objects, sizeof(objects));
}
