/*
 * What a rule sees: the tree as written, the model made of it, and the means to object.
 *
 * Rules run in tiers. An error found in one tier taints the node or property it lies in; later
 * tiers say nothing about tainted things, so one mistake gives one error.
 */
#ifndef CHECK_H
#define CHECK_H

#include "model.h"
#include "report.h"
#include "source.h"

enum check_tier {
	TIER_LANGUAGE, /* what cpp and dtc refuse; nothing else can be said then */
	TIER_SHAPE,    /* nodes, properties, types, references */
	TIER_MEANING,  /* the model */
	TIER_LAYOUT,   /* asked by layout.c, not by rules */
	TIER_COUNT
};

struct rule;

struct check {
	struct arena *arena;
	struct source *source;
	struct model *model;
	struct report *report;
	const struct rule *rule; /* the one being asked */
	const char *const *images;
};

struct rule {
	const char *name;
	const char *sentence;
	enum check_tier tier;
	void (*function)(struct check *check);
};

/* One list per file, ended by a rule without a name. */
extern const struct rule rules_source[];
extern const struct rule rules_shape[];
extern const struct rule rules_names[];
extern const struct rule rules_board[];
extern const struct rule rules_cpu[];
extern const struct rule rules_partition[];
extern const struct rule rules_memory[];
extern const struct rule rules_image[];
extern const struct rule rules_layout[];
extern const struct rule rules_schedule[];
extern const struct rule rules_channel[];
extern const struct rule rules_health[];
extern const struct rule rules_watchdog[];
extern const struct rule rules_gap[];
extern const struct rule rules_pci[];
extern const struct rule rules_config[];
extern const struct rule rules_isolation[];
extern const struct rule rules_function[];
extern const struct rule rules_rdma[];
extern const struct rule rules_rdma_client[];
extern const struct rule rules_lock[];
extern const struct rule rules_lock_group[];
extern const struct rule rules_lock_bound[]; /* after all others of its tier */

/* All lists, ended by NULL. */
extern const struct rule *const rules[];

/* Ask every rule of a tier. */
void check_tier(struct check *check, enum check_tier tier);

/* A sentence that lives as long as the check. */
const char *say(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A duration or size as a person writes it: "2 ms", "8 MiB", "1500 ns". */
const char *say_ns(struct check *check, uint64_t ns);
const char *say_bytes(struct check *check, uint64_t bytes);

/* Addresses: "[0x1000, 0x2000)"; a PCI function's number: "00:05.0". */
const char *say_range(struct check *check, struct range range);
const char *say_bdf(struct check *check, uint16_t bdf);

/*
 * Object, in the name of the rule being asked. `repair` is a clause in the imperative. Nothing is
 * said where the place is tainted by an earlier tier.
 */
void fault(struct check *check, struct location at, const char *sentence, const char *repair);
void fault_node(
	struct check *check, struct source_node *node, const char *sentence, const char *repair);
void fault_property(struct check *check, struct source_node *node, const char *name,
	const char *sentence, const char *repair);

/* The node that stands at a place, or NULL. */
struct source_node *node_at(const struct check *check, struct location at);

/* Where a property of the thing at `at` stands; the thing itself where it has no such property. */
struct location place(const struct check *check, struct location at, const char *property);
bool written(const struct check *check, struct location at, const char *property);

/* Whether something below the path, or at it, is already known to be wrong. */
bool tainted(const struct check *check, const char *path);

/* Whether two ranges have a byte in common; and the end of one, saturating. */
bool ranges_overlap(struct range a, struct range b);
uint64_t range_end(struct range range);

#endif
