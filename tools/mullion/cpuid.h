/*
 * What CPUID answers to a partition: the board's answers, bit by bit through a written policy.
 *
 * The invariant: a bit that no policy row names is not shown. Feature words start from zero, so a
 * new processor's feature stays hidden until a row says why it is safe. AMD APM 3, appendix E.
 */
#ifndef CPUID_H
#define CPUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <x86_tables.h>

#include "model.h"

enum cpuid_register { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

enum cpuid_verdict {
	CPUID_PASS,  /* as the board answers; what is shown becomes something the node must have */
	CPUID_COPY,  /* as the board answers; a description, not a feature: the node may differ */
	CPUID_HIDE,  /* zero */
	CPUID_SET,   /* `value`, whatever the board answers: Mullion presents it */
	CPUID_VCPU,  /* the vcpu's index */
	CPUID_VCPUS, /* how many vcpus the partition has */
	CPUID_LAST_VCPU, /* one less */
	CPUID_VCPU_BITS, /* bits of a vcpu index */
	CPUID_SMP,       /* 1 where there are several vcpus */
};

struct cpuid_policy {
	uint32_t leaf, subleaf;
	enum cpuid_register reg;
	uint32_t mask;
	enum cpuid_verdict verdict;
	uint32_t value;   /* of CPUID_SET, before it is shifted to the mask */
	const char *what; /* the bits, in the processor manual's words */
	const char *why;
};

extern const struct cpuid_policy cpuid_policies[];
extern const size_t cpuid_policies_count;

/* The answers for one vcpu. cells[0] is all zeros. */
struct cpuid_answers {
	struct x86_cpuid_entry entries[X86_CPUID_ENTRIES];
	struct x86_cpuid_cell *cells;
	size_t cells_count;
};

void cpuid_answer(const struct model_board *board, unsigned vcpu, unsigned vcpus,
	struct cpuid_answers *answers);
void cpuid_answers_free(struct cpuid_answers *answers);

/* The answer the kernel gives for (leaf, subleaf): how x86_tables.h says to look it up. */
struct x86_cpuid_cell cpuid_look_up(
	const struct cpuid_answers *answers, uint32_t leaf, uint32_t subleaf);

/* What the node must have. `what` is a constant or allocated string; returns the count. */
size_t cpuid_needs(const struct model_board *board, bool huge_pages, struct x86_cpuid_need **needs);

#endif
