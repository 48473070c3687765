/*
 * An instruction of the partition, found and decoded once, and everything that finding depended on.
 */
#ifndef MULLION_CODE_SITE_H
#define MULLION_CODE_SITE_H

#include <decode.h>

#define WALK_LEVELS 4u
#define CODE_SITES  16u

/* A walk of the guest's page tables: the entries that were read, and where it led (peek map). */
struct guest_walk {
	const uint64_t *entry[WALK_LEVELS];
	uint64_t value[WALK_LEVELS];
	unsigned levels;
	const uint8_t *at; /* NULL: no memory there */
};

struct code_site {
	uint64_t rip, cr0, cr3, efer;
	uint64_t base; /* of CS, and its attributes */
	uint32_t attributes;
	struct decoded_mov mov;
	uint64_t code[FETCH_BYTES / 8];
	struct guest_walk walk;
};

/* Sites are few and their addresses close together: spread them. */
static inline unsigned code_site_index(uint64_t rip)
{
	const uint64_t golden_ratio = 0x9e3779b97f4a7c15ull;

	return (unsigned)(rip * golden_ratio >> 60);
}

#endif
