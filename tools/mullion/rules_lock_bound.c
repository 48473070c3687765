/*
 * Rules about what is promised of locks: bounds and deadlines, memory. They are asked last, and only of a description without a fault: what does not fit together has no bound.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "lock_plan.h"

#define MOST_BLOCK_BYTES (16ull << 20)

/* The plan, made when it is asked for first; NULL: there is nothing to be planned. */
static const struct lock_plan *plan_of(struct check *check)
{
	struct model_locks *locks = check->model->locks;

	if (locks == NULL || check->report->count != 0)
		return NULL;
	if (locks->plan == NULL)
		locks->plan = lock_plan_build(check->model, check->arena);
	return locks->plan;
}

static const struct model_lock *lock_of(const struct lock_plan *plan, uint32_t slot)
{
	return &plan->model->locks[plan->slot_plan[slot].lock];
}

static const char *participant_of(const struct lock_plan *plan, uint32_t slot)
{
	const struct model_lock_sharer *sharer =
		&lock_of(plan, slot)->sharers[plan->slot_plan[slot].sharer];

	return plan->model->participants[sharer->participant].name;
}

static bool is_bounded(const struct lock_plan *plan, uint32_t slot)
{
	return plan->slot_plan[slot].wait.total_ns != LOCK_UNBOUNDED;
}

/* Once per group: what keeps one lock's master busy keeps that of all. */
static void bounded(struct check *check)
{
	const struct lock_plan *plan = plan_of(check);
	int said = -1;

	for (uint32_t s = 0; plan != NULL && s < plan->slots; s++) {
		const struct model_lock *lock = lock_of(plan, s);
		const struct model_lock_group *group = &plan->model->groups[lock->group];

		if (is_bounded(plan, s) || lock->group == said)
			continue;
		said = lock->group;
		fault(check, place(check, group->at, "service-ns"),
			say(check,
				"the wait for %s has no bound: heartbeats and repeated messages "
				"may "
				"keep the master of %s busy for ever",
				lock->name, group->name),
			"shorten service-ns, lengthen retransmit-ns and heartbeat-ns, or spread "
			"the "
			"locks over more groups");
	}
}

/* A figure to be read, never shown smaller than it is. */
static const char *say_about(struct check *check, uint64_t ns)
{
	const uint64_t us = ns / 1000 + (ns % 1000 != 0);

	return ns < 1000000 ? say_ns(check, ns)
			    : say(check, "%" PRIu64 ".%03" PRIu64 " ms", us / 1000, us % 1000);
}

static void short_of(struct check *check, const struct model_lock_group *group,
	const char *property, uint64_t span_ns, uint64_t least_ns)
{
	if (span_ns >= least_ns)
		return;
	fault(check, place(check, group->at, property),
		say(check,
			"sessions of %s may be over up to %s before a new leader has "
			"their reports: `%s` is %s, and a failover needs %s",
			group->name, say_about(check, least_ns - span_ns), property,
			say_ns(check, span_ns), say_about(check, least_ns)),
		say(check,
			"lengthen it to %" PRIu64 " ms, shorten heartbeat-ns and retransmit-ns, or "
			"promise the bounds with failovers = <0>",
			least_ns / 1000000 + (least_ns % 1000000 != 0)));
}

/* Who lives keeps through a failover what it holds, where one is reckoned with. */
static void reports(struct check *check)
{
	const struct lock_plan *plan = plan_of(check);

	for (uint32_t g = 0; plan != NULL && g < plan->groups; g++) {
		const struct model_lock_group *group = &plan->model->groups[g];
		const struct lock_group_load *load = &plan->group_plan[g].load;

		if (group->failovers == 0)
			continue;
		short_of(
			check, group, "survive-ns", group->survive_ns, lock_survive_least_ns(load));
		short_of(
			check, group, "session-ns", group->session_ns, lock_session_least_ns(load));
	}
}

/* What to change, by what breaks a deadline. */
static const char *const cures[LOCK_TERMS] = {
	[LOCK_TERM_PATH] = "shorten delay-ns, or allow for it in the deadline",
	[LOCK_TERM_QUEUE] = "spread the locks over more groups, or shorten service-ns",
	[LOCK_TERM_HOLDS] = "shorten hold-ns, or let fewer participants share the lock",
	[LOCK_TERM_HANDOFFS] = "let fewer participants share the lock, or shorten delay-ns",
	[LOCK_TERM_LOSSES] = "shorten retransmit-ns, or promise the bound with fewer losses",
	[LOCK_TERM_CRASHES] = "shorten session-ns, or promise the bound with fewer crashes",
	[LOCK_TERM_FAILOVER] =
		"shorten authority-ns and survive-ns, or promise the bound with failovers = <0>",
	[LOCK_TERM_TRAFFIC] = "lengthen heartbeat-ns and retransmit-ns, or shorten service-ns",
};

static const struct model_lock_sharer *sharer_of(const struct lock_plan *plan, uint32_t slot)
{
	return &lock_of(plan, slot)->sharers[plan->slot_plan[slot].sharer];
}

static bool is_missed(const struct lock_plan *plan, uint32_t slot)
{
	const uint64_t deadline_ns =
		model_lock_deadline_ns(lock_of(plan, slot), sharer_of(plan, slot));

	return deadline_ns != 0 && is_bounded(plan, slot) &&
	       plan->slot_plan[slot].wait.total_ns > deadline_ns;
}

/* Those of one lock that wait equally long, and have the same deadline, are spoken of together. */
static bool are_alike(const struct lock_plan *plan, uint32_t a, uint32_t b)
{
	return plan->slot_plan[a].wait.total_ns == plan->slot_plan[b].wait.total_ns &&
	       sharer_of(plan, a)->deadline_ns == sharer_of(plan, b)->deadline_ns &&
	       sharer_of(plan, a)->reader == sharer_of(plan, b)->reader;
}

static const char *who_misses(struct check *check, const struct lock_plan *plan,
	const struct lock_lock *lock, uint32_t slot)
{
	uint32_t others = 0;

	for (uint32_t s = slot + 1; s < lock->first_slot + lock->slots; s++)
		others += are_alike(plan, s, slot);
	return others == 0 ? say(check, "%s waits", participant_of(plan, slot))
			   : say(check, "%s and %" PRIu32 " more wait", participant_of(plan, slot),
				     others);
}

static void miss(struct check *check, const struct lock_plan *plan, const struct lock_lock *row,
	uint32_t slot)
{
	const struct model_lock *lock = lock_of(plan, slot);
	const struct model_lock_sharer *sharer = sharer_of(plan, slot);
	const struct lock_wait *wait = &plan->slot_plan[slot].wait;
	const enum lock_term term = lock_wait_longest(wait);
	const char *property = sharer->deadline_ns == 0 ? "deadline-ns"
			       : sharer->reader         ? "readers"
							: "writers";

	fault(check, place(check, lock->at, property),
		say(check, "%s for %s up to %s, and the deadline is %s: %s of it are for %s",
			who_misses(check, plan, row, slot), lock->name,
			say_about(check, wait->total_ns),
			say_ns(check, model_lock_deadline_ns(lock, sharer)),
			say_about(check, wait->term_ns[term]), lock_term_name(term)),
		say(check, "%s", cures[term]));
}

static bool is_said(const struct lock_plan *plan, const struct lock_lock *row, uint32_t slot)
{
	for (uint32_t s = row->first_slot; s < slot; s++)
		if (are_alike(plan, s, slot))
			return true;
	return false;
}

static void deadline(struct check *check)
{
	const struct lock_plan *plan = plan_of(check);

	for (uint32_t s = 0; plan != NULL && s < plan->slots; s++) {
		const struct lock_lock *row = &plan->lock[plan->slot[s].lock];

		if (is_missed(plan, s) && !is_said(plan, row, s))
			miss(check, plan, row, s);
	}
}

static void tables(struct check *check, const struct lock_plan *plan)
{
	if (plan->block_bytes > MOST_BLOCK_BYTES)
		fault(check, plan->model->at,
			say(check,
				"the tables of %" PRIu32 " locks with %" PRIu32
				" participants take %" PRIu64 " bytes, more than %s",
				plan->locks, plan->slots, plan->block_bytes,
				say_bytes(check, MOST_BLOCK_BYTES)),
			"describe fewer locks, or fewer participants of each");
}

static void memory(struct check *check)
{
	const struct lock_plan *plan = plan_of(check);
	const struct model_partition *lockd;
	uint64_t needed;

	if (plan == NULL || plan->model->lockd < 0)
		return;
	tables(check, plan);
	lockd = &check->model->partitions[plan->model->lockd];
	needed = lock_plan_memory_bytes(plan, plan->model->this_node);
	if (needed > lockd->memory_bytes)
		fault(check, place(check, lockd->at, "memory"),
			say(check,
				"%s has %s, and needs %" PRIu64
				" bytes for itself and the groups it may lead",
				lockd->name, say_bytes(check, lockd->memory_bytes), needed),
			say(check, "give it %" PRIu64 " MiB", (needed + (1u << 20) - 1) >> 20));
}

const struct rule rules_lock_bound[] = {
	{ "lock-bounded", "Every wait for a lock has a bound.", TIER_MEANING, bounded },
	{ "lock-reports",
		"Who lives keeps its session until a new leader has its reports, "
		"where a failover is reckoned with.",
		TIER_MEANING, reports },
	{ "lock-deadline", "No participant waits longer for a lock than its deadline.",
		TIER_MEANING, deadline },
	{ "lock-memory",
		"The lock partition has memory for the groups that it may lead, and 16 MiB hold "
		"the tables.",
		TIER_MEANING, memory },
	{ NULL, NULL, TIER_COUNT, NULL },
};
