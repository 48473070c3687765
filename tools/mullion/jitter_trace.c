/*
 * Why the worst sample was the worst: the trace records its CPU wrote while it was being measured.
 *
 * A sample's time stamp is its end, so it was measured in [tsc - value, tsc] (early, negative
 * samples: [tsc, tsc - value]). Nothing is guessed: a ring that has overwritten that stretch says
 * so. Exit codes: AMD APM 2, appendix C. MSR numbers: AMD APM 2, 16.11, and Intel SDM 4.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"

#define KINDS_MAX 4u

struct word {
	uint32_t code;
	const char *text;
};

enum svm_exit { VMEXIT_IOIO = 0x7b, VMEXIT_MSR = 0x7c, VMEXIT_NPF = 0x400 };

static const struct word exits[] = {
	{ 0x60, "external interrupt" },
	{ 0x61, "NMI" },
	{ 0x62, "SMI" },
	{ 0x63, "INIT" },
	{ 0x64, "interrupt window" },
	{ 0x6d, "RDPMC" },
	{ 0x6e, "RDTSC" },
	{ 0x70, "POPF" },
	{ 0x72, "CPUID" },
	{ 0x73, "RSM" },
	{ 0x74, "IRET" },
	{ 0x75, "software interrupt" },
	{ 0x76, "INVD" },
	{ 0x77, "PAUSE" },
	{ 0x78, "HLT" },
	{ 0x79, "INVLPG" },
	{ 0x7a, "INVLPGA" },
	{ 0x7b, "I/O port" },
	{ 0x7c, "MSR" },
	{ 0x7d, "task switch" },
	{ 0x7f, "triple fault" },
	{ 0x80, "VMRUN" },
	{ 0x81, "VMMCALL" },
	{ 0x82, "VMLOAD" },
	{ 0x83, "VMSAVE" },
	{ 0x84, "STGI" },
	{ 0x85, "CLGI" },
	{ 0x86, "SKINIT" },
	{ 0x87, "RDTSCP" },
	{ 0x88, "ICEBP" },
	{ 0x89, "WBINVD" },
	{ 0x8a, "MONITOR" },
	{ 0x8b, "MWAIT" },
	{ 0x8d, "XSETBV" },
	{ 0x400, "nested page fault" },
};

static const struct word msrs[] = {
	{ 0x10, "TSC" },
	{ 0x1b, "APIC base" },
	{ 0x6e0, "TSC deadline" },
	{ 0x802, "APIC id" },
	{ 0x808, "task priority" },
	{ 0x80b, "EOI" },
	{ 0x80d, "logical destination" },
	{ 0x80f, "spurious vector" },
	{ 0x830, "interrupt command" },
	{ 0x832, "timer LVT" },
	{ 0x838, "timer initial count" },
	{ 0x839, "timer current count" },
	{ 0x83e, "timer divide" },
	{ 0x83f, "self IPI" },
	{ 0xc0000080, "EFER" },
};

static const struct word apic_registers[] = {
	{ 0x20, "id" },
	{ 0x80, "task priority" },
	{ 0xb0, "EOI" },
	{ 0xf0, "spurious vector" },
	{ 0x300, "interrupt command" },
	{ 0x310, "interrupt command" },
	{ 0x320, "timer LVT" },
	{ 0x380, "timer" },
	{ 0x390, "timer current count" },
	{ 0x3e0, "timer divide" },
};

static const char *const events[MULLION_EVENT_COUNT] = { "memory violation", "port violation",
	"MSR violation", "forbidden instruction", "triple fault", "window overrun", "raised event",
	"exit of the partition", "DMA violation", "watchdog expired", "machine check" };
static const char *const actions[MULLION_ACTION_COUNT] = { "logged", "#GP injected",
	"partition stopped", "node shut down", "warm restart", "cold restart",
	"schedule switched", "node reset" };

static const char *find(const struct word *words, size_t count, uint64_t code)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (words[i].code == code)
			return words[i].text;
	}
	return NULL;
}
#define FIND(words, code) find(words, sizeof(words) / sizeof((words)[0]), code)

static char *nested_fault_words(uint64_t address)
{
	const char *name = FIND(apic_registers, address & 0xfffu);

	if (address >> 12 == 0xfee00u)
		return jitter_printf(
			"NPF at %#" PRIx64 " (xAPIC %s)", address, name ? name : "page");
	return jitter_printf("NPF at %#" PRIx64, address);
}

static char *exit_words(uint32_t code, uint64_t detail)
{
	const char *name = FIND(exits, code), *msr = FIND(msrs, detail);

	if (code == VMEXIT_MSR && msr)
		return jitter_printf("MSR %#" PRIx64 " (%s)", detail, msr);
	if (code == VMEXIT_MSR)
		return jitter_printf("MSR %#" PRIx64, detail);
	if (code == VMEXIT_IOIO)
		return jitter_printf("I/O port %#" PRIx64, detail);
	if (code == VMEXIT_NPF)
		return nested_fault_words(detail);
	if (name)
		return jitter_copy(name);
	if (code < 0x20)
		return jitter_printf("access to CR%u", (unsigned)(code & 15u));
	if (code < 0x40)
		return jitter_printf("access to DR%u", (unsigned)(code & 15u));
	if (code < 0x60)
		return jitter_printf("exception %u", (unsigned)(code - 0x40u));
	return jitter_printf("exit %#x", (unsigned)code);
}

static char *health_words(uint32_t cause, uint64_t detail)
{
	uint32_t event = cause >> 8, action = cause & 0xffu;

	return jitter_printf("%s (%#" PRIx64 "), %s",
		event < MULLION_EVENT_COUNT ? events[event] : "unknown event", detail,
		action < MULLION_ACTION_COUNT ? actions[action] : "unknown action");
}

static char *owner_words(const struct jitter_report *report, const char *what, unsigned vcpu)
{
	const char *name = jitter_system_vcpu_partition(report, vcpu);

	if (vcpu == MULLION_NO_VCPU)
		return jitter_copy(what);
	return name ? jitter_printf("%s of %s", what, name)
		    : jitter_printf("%s of vcpu %u", what, vcpu);
}

static char *kind_words(const struct mullion_trace_record *record)
{
	switch (record->kind) {
	case MULLION_TRACE_EXIT:
		return exit_words(record->cause, record->a);
	case MULLION_TRACE_WINDOW:
		return jitter_printf("window %u", (unsigned)record->cause);
	case MULLION_TRACE_IDLE:
		return jitter_copy("idle");
	case MULLION_TRACE_HEALTH:
		return health_words(record->cause, record->a);
	case MULLION_TRACE_INJECT:
		return jitter_printf("interrupt %u injected", (unsigned)record->cause);
	case MULLION_TRACE_START:
		return jitter_copy("start");
	case MULLION_TRACE_STOP:
		return jitter_copy("stop");
	default:
		return jitter_printf("trace record of kind %u", (unsigned)record->kind);
	}
}

char *jitter_record_words(
	const struct jitter_report *report, const struct mullion_trace_record *record)
{
	char *what = kind_words(record), *text = owner_words(report, what, record->vcpu);

	free(what);
	return text;
}

static const struct jitter_ring *find_ring(
	const struct jitter_report *report, const struct jitter_stream *stream)
{
	const struct jitter_source *source = &report->sources[stream->source];
	int cpu = jitter_system_cpu(report, stream->origin, stream->cpu);
	size_t i;

	for (i = 0; cpu >= 0 && i < source->rings_count; i++) {
		if (source->rings[i].cpu == (unsigned)cpu)
			return &source->rings[i];
	}
	return NULL;
}

/* "CPUID of nav, 3 times; window 1 of hog". */
struct summary {
	char *words[KINDS_MAX];
	unsigned times[KINDS_MAX];
	unsigned kinds, others;
};

static void count_words(struct summary *summary, char *words)
{
	unsigned i;

	for (i = 0; i < summary->kinds; i++) {
		if (!strcmp(summary->words[i], words)) {
			summary->times[i]++;
			free(words);
			return;
		}
	}
	if (summary->kinds == KINDS_MAX) {
		summary->others++;
		free(words);
		return;
	}
	summary->words[summary->kinds] = words;
	summary->times[summary->kinds++] = 1;
}

static char *summary_text(struct summary *summary)
{
	char *text = NULL, *longer;
	unsigned i;

	for (i = 0; i < summary->kinds; i++) {
		longer = jitter_printf(
			"%s%s%s", text ? text : "", text ? "; " : "", summary->words[i]);
		free(text);
		free(summary->words[i]);
		text = longer;
		if (summary->times[i] > 1) {
			longer = jitter_printf("%s, %u times", text, summary->times[i]);
			free(text);
			text = longer;
		}
	}
	if (summary->others) {
		longer = jitter_printf("%s; %u more", text, summary->others);
		free(text);
		text = longer;
	}
	return text;
}

static char *records_words(const struct jitter_report *report, const struct jitter_ring *ring,
	uint64_t from, uint64_t to)
{
	struct summary summary = { 0 };
	size_t i;

	for (i = 0; i < ring->count; i++) {
		const struct mullion_trace_record *record = &ring->records[i];

		if (record->tsc >= from && record->tsc <= to)
			count_words(&summary, jitter_record_words(report, record));
	}
	return summary_text(&summary);
}

/* The stretch of time in which a sample was measured. */
struct stretch {
	uint64_t from, to;
};

static struct stretch stretch_of(uint64_t tsc, int64_t value)
{
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	if (value < 0)
		return (struct stretch){ tsc, tsc + size };
	return (struct stretch){ size > tsc ? 0 : tsc - size, tsc };
}

static bool still_held(const struct jitter_ring *ring, struct stretch stretch)
{
	return !ring->lost || (ring->count && ring->records[0].tsc <= stretch.from);
}

static char *stretch_words(
	const struct jitter_report *report, const struct jitter_ring *ring, struct stretch stretch)
{
	char *words = records_words(report, ring, stretch.from, stretch.to);

	return words ? words : jitter_copy("no exit, no window: the emulator's or the guest's own");
}

/* The last sample as bad as the worst, if the trace still holds its time. */
static char *later_cause(const struct jitter_report *report, const struct jitter_ring *ring,
	const struct jitter_stream *stream)
{
	size_t i = stream->samples_count;
	char *words, *text;

	while (i-- > 0) {
		struct stretch stretch =
			stretch_of(stream->samples[i].tsc, stream->samples[i].value);

		if (stream->samples[i].value != stream->max)
			continue;
		if (!still_held(ring, stretch))
			break;
		words = stretch_words(report, ring, stretch);
		text = jitter_printf("%s (a later sample of the same value)", words);
		free(words);
		return text;
	}
	return jitter_copy(stream->min == stream->max ? "no outlier, all samples are equal"
						      : "older than what the trace still holds");
}

char *jitter_cause(const struct jitter_report *report, const struct jitter_stream *stream)
{
	const struct jitter_source *source = &report->sources[stream->source];
	const struct jitter_ring *ring;

	if (!stream->n || !stream->has_times)
		return NULL;
	if (source->kind != JITTER_RAM || !source->rings_count)
		return jitter_copy("this system has no trace");
	ring = find_ring(report, stream);
	if (!ring)
		return jitter_copy(report->system
					   ? "not known: no trace of its CPU"
					   : "not known: --system tells which CPU it ran on");
	if (still_held(ring, stretch_of(stream->max_tsc, stream->max)))
		return stretch_words(report, ring, stretch_of(stream->max_tsc, stream->max));
	return later_cause(report, ring, stream);
}
