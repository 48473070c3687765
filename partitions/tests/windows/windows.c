/*
 * windows: follows its windows for n frames and compares each start and end the kernel publishes with
 * floor(epoch + (frame * frame-ns + offset-ns) * hz / 10^9), in 128-bit integers of its own: not one
 * tick of drift, whatever the frequency.
 *
 * Arguments: n=1000, frame-ns=N, and for each window, by vcpu and index in its CPU's list,
 * start.V.W=NS end.V.W=NS. plant=1 moves one expected start by a nanosecond: then the test must fail.
 * The partition has the role "control", to look into the kernel's log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/smp.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#define NS_PER_S       1000000000ull
#define MAX_WINDOWS    8u
#define MAX_VCPUS      3u
#define NO_SUCH        (~0ull)
#define TESTS_PER_VCPU 4u

__extension__ typedef unsigned __int128 uint128;

struct window {
	uint64_t start_ns, end_ns, served;
};

struct follower {
	unsigned vcpu;
	struct window windows[MAX_WINDOWS];
	uint64_t frames, inexact, early, skipped, unknown;
};

static struct follower followers[MAX_VCPUS];
static uint64_t frame_ns, frames_wanted;

static uint64_t expected(const uint64_t epoch, const uint64_t frame, const uint64_t offset_ns)
{
	const uint128 ns = (uint128)frame * frame_ns + offset_ns;

	return epoch +
	       (uint64_t)(ns * time_rate.numerator / ((uint128)time_rate.denominator * NS_PER_S));
}

static uint64_t number(const char *const kind, const unsigned vcpu, const unsigned window)
{
	char key[32];

	snprintf(key, sizeof(key), "%s.%u.%u", kind, vcpu, window);
	return args_number(key, NO_SUCH);
}

static void prepare(struct follower *const f, const unsigned vcpu)
{
	f->vcpu = vcpu;
	for (unsigned w = 0; w < MAX_WINDOWS; w++) {
		f->windows[w].start_ns = number("start", vcpu, w);
		f->windows[w].end_ns = number("end", vcpu, w);
	}
	if (args_is("plant", "1"))
		f->windows[0].start_ns++;
}

static void compare(struct follower *const f, const struct mullion_time *const t)
{
	struct window *const w = &f->windows[t->window];

	if (t->window >= MAX_WINDOWS || w->start_ns == NO_SUCH) {
		f->unknown++;
		return;
	}
	w->served++;
	f->inexact += t->window_start_tsc != expected(t->epoch_tsc, t->frame, w->start_ns);
	f->inexact += t->window_end_tsc != expected(t->epoch_tsc, t->frame, w->end_ns);
	f->early += tsc_read() < t->window_start_tsc;
}

/* A copy: the page stays as it is while this vcpu runs, and changes between two windows. */
static struct mullion_time copy_page(const volatile struct mullion_time *const page)
{
	struct mullion_time t;

	do {
		t = *page;
	} while (t.window_start_tsc != page->window_start_tsc);
	return t;
}

static void follow(void *const argument)
{
	struct follower *const f = argument;
	const volatile struct mullion_time *const page = time_page(f->vcpu);
	const uint64_t first = page->frame;
	uint64_t last = first;

	while (page->frame < first + frames_wanted) {
		const struct mullion_time t = copy_page(page);

		f->skipped += t.frame > last + 1;
		f->frames += t.frame != last;
		last = t.frame;
		compare(f, &t);
		partition_yield();
	}
}

static unsigned unserved(const struct follower *const f)
{
	unsigned count = 0;

	for (unsigned w = 0; w < MAX_WINDOWS; w++)
		count += f->windows[w].start_ns != NO_SUCH &&
			 f->windows[w].served + 1 < frames_wanted;
	return count;
}

static void judge(const struct follower *const f)
{
	printf("# vcpu %u\n", f->vcpu);
	tap_check(f->inexact == 0 && f->unknown == 0,
		"every_window_starts_and_ends_at_its_exact_tick",
		"%" PRIu64 " differ, %" PRIu64 " unknown", f->inexact, f->unknown);
	tap_check(f->early == 0, "no_window_starts_early", "%" PRIu64 " did", f->early);
	tap_check(f->skipped == 0 && f->frames + 1 >= frames_wanted, "no_frame_is_left_out",
		"%" PRIu64 " left out, %" PRIu64 " seen", f->skipped, f->frames);
	tap_check(unserved(f) == 0, "every_window_is_served_in_every_frame", "%u windows were not",
		unserved(f));
}

static bool log_is_quiet(void)
{
	static char text[MULLION_CONSOLE_DATA + 1];
	const struct mullion_region *const region = info_region_nth(MULLION_REGION_LOG, 0);
	const struct mullion_console *const log = region == NULL ? NULL : region_address(region);

	if (log == NULL)
		return false;
	memcpy(text, log->data, MULLION_CONSOLE_DATA);
	return strstr(text, "health") == NULL && strstr(text, "Mullion") != NULL;
}

int main(void)
{
	const unsigned vcpus = info_vcpus() < MAX_VCPUS ? info_vcpus() : MAX_VCPUS;

	frame_ns = args_number("frame-ns", 0);
	frames_wanted = args_number("n", 1000);
	tap_plan(vcpus * TESTS_PER_VCPU + 1);
	for (unsigned v = 0; v < vcpus; v++)
		prepare(&followers[v], v);
	smp_start_all();
	for (unsigned v = 1; v < vcpus; v++)
		smp_run(v, follow, &followers[v]);
	irq_disable();
	follow(&followers[0]);
	for (unsigned v = 1; v < vcpus; v++)
		smp_wait(v);
	for (unsigned v = 0; v < vcpus; v++)
		judge(&followers[v]);
	tap_check(
		log_is_quiet(), "no_window_overran_and_nobody_else_ran", "the log says otherwise");
	return tap_status();
}
