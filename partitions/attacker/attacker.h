/*
 * An act: something a partition may not do, and what becomes of it where separation holds. Tables of
 * them, one file per kind; attacker.c carries them out.
 */
#ifndef ATTACKER_H
#define ATTACKER_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/catch.h>
#include <mullion/irq.h>

#define VECTOR_DB 1
#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_PF 14

#define PAGE_BYTES    4096ull
#define ACT_NAME      96u
#define COUNT_OF(set) (sizeof(set) / sizeof(*(set)))

struct act {
	const char *name; /* reads as a sentence */
	void (*attempt)(const struct act *act);
	uint64_t target, operand; /* what the attempt is about */
	int vector;               /* the exception it ends in, or CATCH_NONE: it returns */
	uint64_t error, ignored;  /* with a vector: the error code, and its bits that may differ */
	uint64_t result;          /* without: what the attempt told act_saw() last, 0 if nothing */
	const char *emulator; /* why QEMU lets it return, telling `emulated`; NULL: it does not */
	uint64_t emulated;
};

#define FAULTS(v)       .vector = (v)
#define RETURNS(answer) .vector = CATCH_NONE, .result = (answer)

/* Carries one act out and reports it; while the acts are being counted, counts it. */
void act_perform(const struct act *act);
void act_perform_all(const struct act *acts, unsigned count);

/* What the attempt learned or counted. */
void act_saw(uint64_t result);

/* A name that lasts until the next act's. */
const char *act_name(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Guest-physical memory, whatever it is, at an address of ours: one page, then the next one. */
void *window_open(uint64_t gpa);

/* Interrupts on for a little while, then off again. */
void interrupts_take(uint64_t ticks);

void acts_memory(void);
void acts_addresses(void);
void acts_ports(void);
void acts_msrs(void);
void acts_instructions(void);
void acts_controls(void);
void acts_apic(void);
void acts_hypercalls(void);
void acts_cpuid(void);
void acts_storms(void);

/* Of a partition that owns a device; without it there are none. */
void acts_config(void);
void acts_registers(void);
void acts_messages(void);
void acts_dma(void);

/* The last act of a partition: does not come back. False: there is none of that name. */
bool act_fatal(const char *name);

#endif
