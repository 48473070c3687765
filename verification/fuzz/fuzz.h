/*
 * What every fuzzer here has: libFuzzer's entries, claims, and the mutator's random numbers.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* A property that must hold: else it is named, and the fuzzer ends here, which gates recognise. */
static inline void claim(const bool holds, const char *const what)
{
	if (holds)
		return;
	fprintf(stderr, "claim: %s\n", what);
	abort();
}

static uint32_t random_state;

/* A mutation begins: what follows depends on libFuzzer's seed alone. */
static inline void random_begin(const unsigned seed)
{
	random_state = seed | 1;
}

/* 0 to below - 1. Xorshift: a state of 0 would stay 0. */
static inline uint32_t pick(const uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % below;
}

#endif
