/*
 * Walks a page-table tree as the processor does, apart from how paging.c builds it.
 */
#ifndef WALK_H
#define WALK_H

#include "paging.h"

struct walk {
	bool present;
	uint64_t page;                   /* size of the page it ended in */
	uint64_t address;                /* physical, or offset into the object */
	uint64_t flags;                  /* of the leaf, without PAT-position bits */
	bool writable, user, executable; /* all levels taken together */
	const char *object;
};

struct walk walk(const struct paging *paging, uint64_t virtual);

#endif
