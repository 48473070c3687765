/*
 * Exits by cause: what control counts for every vcpu while it reads the kernel's trace rings; and the
 * records that are rarer than exits and are kept for longer.
 */
#ifndef CONTROL_EXITS_H
#define CONTROL_EXITS_H

#include "node.h"

#define EXITS_PASS_RECORDS 256u

enum exit_class {
	EXIT_CPUID,
	EXIT_MSR,
	EXIT_PORT,
	EXIT_MEMORY, /* a nested page fault */
	EXIT_HYPERCALL,
	EXIT_INTERRUPT, /* the timer's and devices', and a window for one */
	EXIT_HALT,
	EXIT_NMI,
	EXIT_OTHER,
	EXIT_CLASSES
};

/* Starts of windows and vcpus, stops, restarts, switches of the schedule: the last of one CPU. */
#define EXITS_MARKS 128u
struct exits_marks {
	uint64_t head; /* ever kept; mark k lies at records[k % EXITS_MARKS] */
	struct mullion_trace_record records[EXITS_MARKS];
};

struct exits {
	uint32_t cpu;               /* where the next pass begins to look */
	uint64_t next[NODE_TRACES]; /* the next record of each CPU */
	uint64_t unseen;            /* records that were overwritten before */
	uint64_t counts[MULLION_NODE_VCPUS][EXIT_CLASSES];
	struct exits_marks marks[NODE_TRACES];
};

const char *exit_word(enum exit_class class);

/* The class of an architecture's exit code. */
enum exit_class exit_class(uint32_t code);

/* At most EXITS_PASS_RECORDS records of one CPU. False: all CPUs were looked at, and nothing is left. */
bool exits_pass(struct exits *exits, const struct node *node);

#endif
