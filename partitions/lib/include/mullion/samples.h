/*
 * Sample streams: how a probe hands its measurements to the outside without a single exit.
 *
 * A stream is a page-aligned block in the probe's memory: a header with exact totals and a histogram,
 * then a ring of samples. The host finds it by its magic in the guest's RAM (`mullion jitter`), so
 * the same probe reports natively, under Mullion and under any other hypervisor.
 *
 * One writer. `n` is written last, after the sample it counts; `state` becomes COMPLETE when the
 * probe has finished the stream. Values are ticks of the TSC, signed: early is negative.
 */
#ifndef MULLION_SAMPLES_H
#define MULLION_SAMPLES_H

#include <stdint.h>

#define SAMPLES_MAGIC 0x31534c504d41534dull /* "MSAMPLS1" */
#define SAMPLES_VERSION 1u
#define SAMPLES_HEADER_BYTES 8192u
#define SAMPLES_NAME_BYTES 32u
#define SAMPLES_BINS 960u /* one tick each, from histogram_first */

enum samples_state { SAMPLES_EMPTY = 0, SAMPLES_RUNNING = 1, SAMPLES_COMPLETE = 2 };

struct sample {
	uint64_t tsc; /* when it was taken */
	int64_t value;
};

struct sample_stream {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;             /* SAMPLES_HEADER_BYTES: the ring follows */
	char name[SAMPLES_NAME_BYTES];     /* metric: "gap", "delivery.spin", "exit.cpuid", ... */
	char source[SAMPLES_NAME_BYTES];   /* partition name, or "native", "xen", "kvm" */
	char note[64];                     /* how it was measured, one sentence */
	uint32_t cpu;                      /* vcpu index within the source */
	uint32_t capacity;                 /* samples in the ring, a power of two */
	uint64_t tsc_hz_numerator;         /* ticks per second, exact */
	uint64_t tsc_hz_denominator;
	uint64_t started_tsc;
	uint64_t ended_tsc;
	uint64_t n;                        /* samples ever; sample k lies at ring[k % capacity] */
	uint64_t observed;                 /* gap streams: loop iterations, of which n were kept */
	int64_t sum;
	int64_t min;
	int64_t max;
	uint64_t max_tsc;                  /* time stamp of the first sample equal to max */
	int64_t histogram_first;           /* value of bin 0 */
	uint64_t underflow;                /* samples below bin 0 */
	uint64_t overflow;                 /* samples above the last bin */
	uint32_t state;                    /* enum samples_state */
	uint32_t reserved[3];
	uint64_t histogram[SAMPLES_BINS];
	uint8_t pad[SAMPLES_HEADER_BYTES - 272 - 8 * SAMPLES_BINS];
	struct sample ring[];
};

_Static_assert(sizeof(struct sample_stream) == SAMPLES_HEADER_BYTES, "stream header size");

#endif
