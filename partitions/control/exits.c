/*
 * Counting exits. Invariant: each record is counted once or is among the unseen; what its writer has
 * reached again while it was read is not believed. Exit codes: AMD APM 2, appendix C.
 */
#include <stddef.h>

#include "exits.h"

#define BATCH 16u
/* Where to go on when the writer was faster: far enough ahead of what it overwrites next. */
#define BEHIND (MULLION_TRACE_RECORDS / 2u)

#define VMEXIT_INTR    0x60u
#define VMEXIT_NMI     0x61u
#define VMEXIT_VINTR   0x64u
#define VMEXIT_CPUID   0x72u
#define VMEXIT_HLT     0x78u
#define VMEXIT_IOIO    0x7bu
#define VMEXIT_MSR     0x7cu
#define VMEXIT_VMMCALL 0x81u
#define VMEXIT_NPF     0x400u

const char *exit_word(const enum exit_class class)
{
	static const char *const words[EXIT_CLASSES] = { "cpuid", "msr", "port", "memory",
		"hypercall", "interrupt", "halt", "nmi", "other" };

	return words[class];
}

enum exit_class exit_class(const uint32_t code)
{
	switch (code) {
	case VMEXIT_INTR:
	case VMEXIT_VINTR:
		return EXIT_INTERRUPT;
	case VMEXIT_NMI:
		return EXIT_NMI;
	case VMEXIT_CPUID:
		return EXIT_CPUID;
	case VMEXIT_HLT:
		return EXIT_HALT;
	case VMEXIT_IOIO:
		return EXIT_PORT;
	case VMEXIT_MSR:
		return EXIT_MSR;
	case VMEXIT_VMMCALL:
		return EXIT_HYPERCALL;
	case VMEXIT_NPF:
		return EXIT_MEMORY;
	default:
		return EXIT_OTHER;
	}
}

static uint64_t head_of(const struct mullion_trace *const trace)
{
	return __atomic_load_n(&trace->head, __ATOMIC_ACQUIRE);
}

static bool is_mark(const uint16_t kind)
{
	return kind == MULLION_TRACE_WINDOW ||
	       (kind >= MULLION_TRACE_START && kind <= MULLION_TRACE_SCHEDULE);
}

static void note(struct exits *const exits, struct exits_marks *const marks,
	const struct mullion_trace_record *const record)
{
	if (record->kind == MULLION_TRACE_EXIT && record->vcpu < MULLION_NODE_VCPUS)
		exits->counts[record->vcpu][exit_class(record->cause)]++;
	else if (is_mark(record->kind))
		marks->records[marks->head++ % EXITS_MARKS] = *record;
}

/* Of `records` from `from` on, how many of the first ones the writer may have reached again. */
static uint32_t overtaken(
	const struct mullion_trace *const trace, const uint64_t from, const uint32_t records)
{
	const uint64_t safe = from + MULLION_TRACE_RECORDS - 1;
	const uint64_t head = head_of(trace);

	if (head <= safe)
		return 0;
	return head - safe < records ? (uint32_t)(head - safe) : records;
}

static void take_batch(struct exits *const exits, const struct mullion_trace *const trace,
	const uint32_t cpu, const uint32_t records)
{
	struct mullion_trace_record copy[BATCH];
	uint64_t *const next = &exits->next[cpu];
	uint32_t lost;

	for (uint32_t i = 0; i < BATCH && i < records; i++)
		copy[i] = trace->records[(*next + i) % MULLION_TRACE_RECORDS];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	lost = overtaken(trace, *next, records);
	exits->unseen += lost;
	for (uint32_t i = lost; i < BATCH && i < records; i++)
		note(exits, &exits->marks[cpu], &copy[i]);
	*next += records;
}

static void skip_ahead(struct exits *const exits, uint64_t *const next, const uint64_t head)
{
	if (head - *next < MULLION_TRACE_RECORDS)
		return;
	exits->unseen += head - BEHIND - *next;
	*next = head - BEHIND;
}

/* True: there is more of it. */
static bool take(
	struct exits *const exits, const struct mullion_trace *const trace, const uint32_t cpu)
{
	const uint64_t head = head_of(trace);
	uint64_t *const next = &exits->next[cpu];

	skip_ahead(exits, next, head);
	for (uint32_t n = 0; n < EXITS_PASS_RECORDS / BATCH && *next < head; n++)
		take_batch(
			exits, trace, cpu, head - *next < BATCH ? (uint32_t)(head - *next) : BATCH);
	return *next < head;
}

/* The next CPU with records to be counted; NODE_TRACES: there is none from here on. */
static uint32_t find(const struct exits *const exits, const struct node *const node)
{
	uint32_t cpu = exits->cpu;

	while (cpu < NODE_TRACES &&
		(node->traces[cpu] == NULL || head_of(node->traces[cpu]) <= exits->next[cpu]))
		cpu++;
	return cpu;
}

bool exits_pass(struct exits *const exits, const struct node *const node)
{
	const uint32_t cpu = find(exits, node);

	if (cpu >= NODE_TRACES) {
		exits->cpu = 0;
		return false;
	}
	exits->cpu = take(exits, node->traces[cpu], cpu) ? cpu : cpu + 1;
	return true;
}
