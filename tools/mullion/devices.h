/*
 * What the IOMMUs and the owners of PCI functions are given: who passes a unit and with which
 * tables, which message interrupts which CPU, what configuration space shows.
 *
 * The invariant: a requester passes only if a function with that id is owned, and then with its
 * owner's tables; a message arrives only if it is granted, and then as the one vector at the one
 * CPU. Everything else is blocked. Intel VT-d 3.3, chapter 9; AMD I/O virtualization 3.05, 2.2.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "config_space.h"
#include "layout.h"

/* A word of a table: a number, plus the address of an object of system.c if there is one. */
struct devices_word {
	uint64_t value;
	const char *object;
};

/* What lets one requester through. VT-d: a context entry of two words, AMD-Vi: four. */
struct devices_entry {
	unsigned requester;
	struct devices_word words[4];
};

/* An interrupt remapping table. */
struct devices_remapping {
	const char *name;     /* the object in system.c */
	size_t count;         /* of entries, a power of two */
	size_t used;          /* of them, the first ones */
	uint64_t (*words)[2]; /* AMD-Vi: 32 bits of the first */
};

struct devices_unit {
	struct devices_entry *entries; /* ascending by requester */
	size_t entries_count;
	bool buses[256];     /* VT-d: has a context table, for it has functions */
	unsigned requesters; /* AMD-Vi: covered by its device table */
	struct devices_remapping
		*tables; /* VT-d: one; AMD-Vi: one for each requester with messages */
	size_t tables_count;
};

struct devices_function {
	struct x86_config_register registers[CONFIG_SPACE_REGISTERS]; /* with an owner */
	struct x86_message *messages; /* as many as the hardware has; NULL: none is granted */
	unsigned *handles;            /* of granted messages: their entries */
	const char *entry;            /* the object in system.c that lets it through */
};

struct devices {
	struct devices_unit *units; /* as in the model */
	size_t units_count;
	struct devices_function *functions; /* as in the layout */
	size_t functions_count;
	unsigned keeper; /* of faults: index into layout.cpus */
	bool interrupts; /* units interrupt the keeper; else it polls */
};

void devices_build(const struct layout *layout, struct devices *devices);
void devices_free(struct devices *devices);

/* The words that let the requester of an owned function through. */
const struct devices_word *devices_pass(
	const struct devices *devices, const struct model_function *function);

/* The interrupt that layout function `f` is granted for message `message`, or NULL. */
const struct model_interrupt *devices_interrupt(
	const struct layout *layout, size_t f, unsigned message);

#endif
