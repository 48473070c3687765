/*
 * The binding as a table: which nodes and properties a description may have, and of which type.
 *
 * docs/description.md says the same for people, config/bindings/ for dt-schema.
 */
#ifndef BINDING_H
#define BINDING_H

#include "source.h"

enum binding_type {
	TYPE_FLAG,       /* name; */
	TYPE_STRING,     /* "one" */
	TYPE_STRINGS,    /* "one", "two" */
	TYPE_CELL,       /* <1> */
	TYPE_CELLS,      /* <1 2 3> */
	TYPE_PAIRS,      /* <1 2>, ... */
	TYPE_FIRST_LAST, /* <first last> */
	TYPE_QUANTITY,   /* <1> or /bits/ 64 <1> */
	TYPE_FRACTION,   /* /bits/ 64 <numerator denominator> */
	TYPE_PORTS,      /* <base size> */
	TYPE_RANGE,      /* <0 base 0 size> */
	TYPE_RANGES,     /* <0 base 0 size>, ... */
	TYPE_CPUID,      /* <leaf subleaf eax ebx ecx edx>, ... */
	TYPE_CONFIG,     /* <16 to 64 doublewords> */
	TYPE_BARS,       /* <index 0 base 0 size>, ...; or nothing */
	TYPE_INTERRUPTS, /* <&function message cpu vector>, ... */
	TYPE_PARTITION,  /* <&partition> */
	TYPE_PARTITIONS, /* <&partition ...> */
	TYPE_SCHEDULE,   /* <&schedule> */
	TYPE_DEVICE,     /* <&device> */
	TYPE_GRANTS,     /* <&device &function ...> */
	TYPE_IOMMU,      /* <&iommu> */
	TYPE_FUNCTION,   /* <&function> */
	TYPE_LOCK_GROUP, /* <&group> */
	TYPE_SHARERS,    /* <&participant priority deadline>, ... */
	TYPE_COUNT
};

struct binding_property {
	const char *name;
	enum binding_type type;
	bool required;
};

struct binding_node {
	const char *name; /* exact, "window@" for any unit address, "" for any name */
	const char *noun; /* in the user's words: "a window" */
	bool required;
	const struct binding_property *properties; /* ended by a NULL name */
	const struct binding_node *children;       /* ended by a NULL noun; NULL: none */
};

extern const struct binding_node binding_root;

/* What a node is, or NULL where the binding has no such node. */
const struct binding_node *binding_of(const struct source_node *node);
const struct binding_property *binding_property(
	const struct binding_node *binding, const char *name);

/* Below `pci` a node is a bridge if it is called so, else a function. False for NULL. */
bool binding_is_bridge(const struct source_node *node);
bool binding_is_function(const struct source_node *node);

/* Below `locks`. False for NULL. */
bool binding_is_lock_group(const struct source_node *node);
bool binding_is_participant(const struct source_node *node);

#endif
