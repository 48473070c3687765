/*
 * Rules about lock groups: their three nodes, their lane, and times that fit together.
 */
#include <inttypes.h>
#include <string.h>

#include <mullion/lock_image.h>

#include "check.h"
#include "model_locks.h"

#define MOST_DRIFT_PPM 100000u /* a tenth: no oscillator is so wrong */
#define LEAST_LANE     1u
#define MOST_FAULTS    16u

static void each_group(struct check *check,
	void (*function)(struct check *check, const struct model_lock_group *group))
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->groups_count; i++)
		function(check, &locks->groups[i]);
}

static const struct model_lock_node *node_of(const struct model_locks *locks, uint32_t number)
{
	for (size_t i = 0; i < locks->nodes_count; i++)
		if (locks->nodes[i].number == number)
			return &locks->nodes[i];
	return NULL;
}

static bool are_three(const struct model_locks *locks, const struct model_lock_group *group)
{
	const uint32_t *n = group->nodes;

	return group->nodes_count == LOCK_GROUP_NODES && n[0] != n[1] && n[1] != n[2] &&
	       n[0] != n[2] && node_of(locks, n[0]) && node_of(locks, n[1]) && node_of(locks, n[2]);
}

static void served(struct check *check, const struct model_lock_group *group)
{
	if (!are_three(check->model->locks, group))
		fault(check, place(check, group->at, "nodes"),
			say(check, "the group %s is not served by three nodes of the cluster",
				group->name),
			"name three different ones, nodes = <0 1 2>: the primary, the standby, the "
			"witness");
}

static void group_nodes(struct check *check)
{
	each_group(check, served);
}

static void apart(struct check *check, const struct model_lock_group *group)
{
	const struct model_locks *locks = check->model->locks;

	if (!are_three(locks, group))
		return;
	for (size_t i = 0; i < LOCK_GROUP_NODES; i++)
		for (size_t k = 0; k < i; k++) {
			const struct model_lock_node *a = node_of(locks, group->nodes[k]);
			const struct model_lock_node *b = node_of(locks, group->nodes[i]);

			if (a->domain == NULL || b->domain == NULL ||
				strcmp(a->domain, b->domain) != 0)
				continue;
			fault(check, place(check, group->at, "nodes"),
				say(check, "%s and %s of the group %s fail together, with %s",
					a->name, b->name, group->name, a->domain),
				"choose nodes of three failure domains");
		}
}

static void group_domains(struct check *check)
{
	each_group(check, apart);
}

static void lane(struct check *check, const struct model_lock_group *group)
{
	if (group->service_level < LEAST_LANE || group->service_level > LOCK_IMAGE_MOST_LEVEL)
		fault(check, place(check, group->at, "service-level"),
			say(check, "the group %s would talk on service level %" PRIu32, group->name,
				group->service_level),
			say(check,
				"reserve one from %u to %u: 0 is everybody's, 15 is "
				"management's",
				LEAST_LANE, LOCK_IMAGE_MOST_LEVEL));
}

/* A lock partition carries all with one queue pair. */
static void group_lane(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	each_group(check, lane);
	for (size_t i = 1; locks != NULL && i < locks->groups_count; i++)
		if (locks->groups[i].service_level != locks->groups[0].service_level)
			fault(check, place(check, locks->groups[i].at, "service-level"),
				say(check, "%s and %s talk on different service levels",
					locks->groups[0].name, locks->groups[i].name),
				"choose one for all groups: a lock partition has one queue pair");
}

static void drift(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	if (locks != NULL && locks->drift_ppm > MOST_DRIFT_PPM)
		fault(check, place(check, locks->at, "drift-ppm"),
			say(check, "clocks that are wrong by %" PRIu32 " in a million are none",
				locks->drift_ppm),
			say(check, "choose at most %u; quartz stays below 200", MOST_DRIFT_PPM));
}

static void faults_of(struct check *check, const struct model_lock_group *group)
{
	if (group->failovers > 1)
		fault(check, place(check, group->at, "failovers"),
			say(check, "%" PRIu32 " leaders of %s would fail during one wait",
				group->failovers, group->name),
			"write 0 or 1: of three nodes a group survives the loss of one");
	if (group->losses > MOST_FAULTS)
		fault(check, place(check, group->at, "losses"),
			say(check, "a message of %s would be lost %" PRIu32 " times in a row",
				group->name, group->losses),
			say(check, "write at most %u, and mend the network", MOST_FAULTS));
}

static void group_faults(struct check *check)
{
	each_group(check, faults_of);
}

static void outlives(struct check *check, const struct model_lock_group *group)
{
	if (group->survive_ns > group->session_ns)
		fault(check, place(check, group->at, "survive-ns"),
			say(check, "sessions of %s would survive their leader for %s, and last %s",
				group->name, say_ns(check, group->survive_ns),
				say_ns(check, group->session_ns)),
			say(check, "shorten survive-ns to %s at most, or lengthen session-ns",
				say_ns(check, group->session_ns)));
}

static void survive(struct check *check)
{
	each_group(check, outlives);
}

static void repeats(struct check *check, const struct model_lock_group *group)
{
	const uint64_t round_ns = 2 * group->delay_ns + group->service_ns;

	if (group->retransmit_ns <= round_ns)
		fault(check, place(check, group->at, "retransmit-ns"),
			say(check,
				"an answer in %s takes up to %s, and after %s it is asked for "
				"again",
				group->name, say_ns(check, round_ns),
				say_ns(check, group->retransmit_ns)),
			say(check, "write more than %s, which is twice delay-ns and service-ns",
				say_ns(check, round_ns)));
}

static void retransmit(struct check *check)
{
	each_group(check, repeats);
}

static void renewed(struct check *check, const struct model_lock_group *group, const char *property,
	uint64_t lease_ns, uint64_t renewal_ns)
{
	const uint64_t needed_ns = lock_guard_ns(renewal_ns, check->model->locks->drift_ppm) +
				   group->poll_ns + 2 * group->delay_ns + group->service_ns;

	if (lease_ns > needed_ns)
		return;
	fault(check, place(check, group->at, property),
		say(check,
			"`%s` of %s, %s, ends before it is renewed, which takes up to %s with "
			"%" PRIu32 " losses",
			property, group->name, say_ns(check, lease_ns), say_ns(check, needed_ns),
			group->losses),
		"lengthen it, or shorten heartbeat-ns");
}

/* A heartbeat that is not answered is repeated after retransmit_ns, the leader's renewal with the next one. */
static void leases(struct check *check, const struct model_lock_group *group)
{
	if (check->model->locks->drift_ppm > MOST_DRIFT_PPM || group->losses > MOST_FAULTS)
		return;
	renewed(check, group, "session-ns", group->session_ns,
		group->heartbeat_ns + group->losses * group->retransmit_ns);
	renewed(check, group, "authority-ns", group->authority_ns,
		(group->losses + 1ull) * group->heartbeat_ns);
}

static void lease(struct check *check)
{
	each_group(check, leases);
}

const struct rule rules_lock_group[] = {
	{ "lock-group-nodes", "A lock group is served by three different nodes.", TIER_MEANING,
		group_nodes },
	{ "lock-group-domains", "The nodes of a lock group fail independently.", TIER_MEANING,
		group_domains },
	{ "lock-group-lane", "Lock messages have one service level, which is reserved for them.",
		TIER_MEANING, group_lane },
	{ "lock-group-faults", "A bound covers 16 losses in a row and one failover at most.",
		TIER_MEANING, group_faults },
	{ "lock-drift", "Clocks are wrong by a tenth at most.", TIER_MEANING, drift },
	{ "lock-survive", "A session does not survive its leader longer than it lasts.",
		TIER_MEANING, survive },
	{ "lock-retransmit", "A message is repeated when its answer is overdue, and not before.",
		TIER_MEANING, retransmit },
	{ "lock-lease", "Leases last until they are renewed, the declared losses included.",
		TIER_MEANING, lease },
	{ NULL, NULL, TIER_COUNT, NULL },
};
