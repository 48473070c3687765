/*
 * When a window really starts, seen from inside: yielding, and spinning across the boundary.
 *
 * Invariant: the reference is the time page's window_start_tsc, which is exact; so the first and
 * the last sample of a run tell whether frames drift.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/platform.h>
#include <mullion/time.h>

#include "jitter.h"

static void note_drift(struct jitter_result *const result, const int64_t first, const int64_t last,
	const uint64_t first_frame, const uint64_t last_frame)
{
	snprintf(result->extra, sizeof(result->extra), ",\"drift\":%" PRId64 ",\"frames\":%" PRIu64,
		last - first, last_frame - first_frame + 1);
}

void measure_phase(struct jitter *const jitter)
{
	const uint64_t n = jitter_samples("phase");
	const volatile struct mullion_time *const page = time_page(jitter->vcpu);
	struct jitter_result *const result =
		jitter_result(jitter, "phase", "first RDTSC after YIELD - window start", n);
	int64_t first = 0, value = 0;
	uint64_t first_frame = 0;

	if (result == NULL)
		return;
	stream_histogram_from(result->stream, -64);
	stream_begin(result->stream);
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t tsc = platform.intel ? yield_vmcall() : yield_vmmcall();

		value = (int64_t)(tsc - page->window_start_tsc);
		stream_record(result->stream, tsc, value);
		if (i == 0) {
			first = value;
			first_frame = page->frame;
		}
	}
	stream_end(result->stream);
	note_drift(result, first, value, first_frame, page->frame);
}

void measure_phase_spin(struct jitter *const jitter)
{
	const uint64_t n = jitter_samples("phase.spin");
	const volatile struct mullion_time *const page = time_page(jitter->vcpu);
	struct jitter_result *const result = jitter_result(
		jitter, "phase.spin", "spinning into the window, 4 instructions a pass", n);
	int64_t first = 0, value = 0;
	uint64_t first_frame = 0;

	if (result == NULL)
		return;
	stream_histogram_from(result->stream, -64);
	stream_begin(result->stream);
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t tsc = spin_window(&page->window_start_tsc);

		value = (int64_t)(tsc - page->window_start_tsc);
		stream_record(result->stream, tsc, value);
		if (i == 0) {
			first = value;
			first_frame = page->frame;
		}
	}
	stream_end(result->stream);
	note_drift(result, first, value, first_frame, page->frame);
}
