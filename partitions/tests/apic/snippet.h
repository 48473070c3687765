/*
 * Running a few bytes of code with all general registers set, and seeing what they leave there.
 */
#ifndef TEST_SNIPPET_H
#define TEST_SNIPPET_H

#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, REGISTERS = 16 };

/* In: the registers the code starts with. Out: those it ended with. */
extern uint64_t snippet_in[REGISTERS], snippet_out[REGISTERS];

/* Jumps to `code`, which has to end with what snippet_finish appended. */
void snippet_run(const void *code);

#define SNIPPET_END_BYTES 14u

/* Appends the jump back; returns the bytes behind it. */
uint8_t *snippet_finish(uint8_t *code);

/* Registers with patterns of their own, and a stack in RSP. */
void snippet_prepare(uint64_t salt);

#endif
