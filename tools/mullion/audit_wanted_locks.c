/*
 * Compares an image's lock tables with its description: every lock, participant, time and node as described,
 * and no more. How they are numbered is the compiler's choice, and judged by audit_locks.c.
 */
#include "audit_locks.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "model_locks.h"

struct wanted {
	struct audit *audit;
	const struct audit_locks *has;
	const struct model_locks *model;
};

static void complain(const struct wanted *wanted, const char *who, const char *how)
{
	audit_find(wanted->audit, "wanted-locks", "the lock tables %s %s", how, who);
}

/* ---- Head and nodes ---- */

static void compare_head(const struct wanted *wanted)
{
	const struct lock_image *image = wanted->has->image;
	const struct model_locks *model = wanted->model;

	if (image->node != model->this_node || (int)image->lockd != model->lockd)
		complain(wanted, "node or lock partition", "are for another");
	if (image->q_key != model->q_key || image->drift_ppm != model->drift_ppm ||
		image->prefix_bits != model->prefix_bits)
		complain(wanted, "key, drift or network", "say another");
}

static void compare_node(const struct wanted *wanted, const struct model_lock_node *model)
{
	const struct lock_image_node *node = &wanted->has->node[model->number];

	if (node->ipv4 != model->ipv4 || memcmp(node->mac, model->mac, 6) != 0 ||
		node->qpn != model->qpn ||
		strncmp(node->name, model->name, sizeof(node->name) - 1) != 0)
		complain(wanted, model->name, "have another address for");
}

static void compare_domains(const struct wanted *wanted)
{
	const struct model_locks *model = wanted->model;
	size_t i;

	for (i = 1; i < model->nodes_count; i++) {
		const struct model_lock_node *a = &model->nodes[i - 1], *b = &model->nodes[i];
		const bool same = wanted->has->node[a->number].failure_domain ==
				  wanted->has->node[b->number].failure_domain;

		if (same != (strcmp(a->domain, b->domain) == 0))
			complain(wanted, b->name, "have another failure domain for");
	}
}

/* ---- Groups ---- */

static void compare_group(const struct wanted *wanted, size_t g)
{
	const struct model_lock_group *model = &wanted->model->groups[g];
	const struct lock_group *group = &wanted->has->group[g];
	const struct lock_image_promise *promise = &wanted->has->promise[g];
	const struct lock_timing *t = &group->timing;

	if (group->nodes[0] != model->nodes[0] || group->nodes[1] != model->nodes[1] ||
		group->nodes[2] != model->nodes[2])
		complain(wanted, model->name, "have other nodes for");
	if (t->session_ns != model->session_ns || t->authority_ns != model->authority_ns ||
		t->survive_ns != model->survive_ns || t->heartbeat_ns != model->heartbeat_ns ||
		t->retransmit_ns != model->retransmit_ns)
		complain(wanted, model->name, "have other times for");
	if (promise->delay_ns != model->delay_ns || promise->service_ns != model->service_ns ||
		promise->poll_ns != model->poll_ns || promise->losses != model->losses ||
		promise->crashes != model->crashes || promise->failovers != model->failovers ||
		promise->service_level != model->service_level)
		complain(wanted, model->name, "have another lane, or other faults, for");
}

/* ---- Locks, found by their names ---- */

static int by_name(const void *a, const void *b)
{
	return strncmp((*(const struct lock_lock *const *)a)->name,
		(*(const struct lock_lock *const *)b)->name, LOCK_NAME_BYTES);
}

static const struct lock_lock **sort_locks(const struct audit_locks *has)
{
	const uint32_t count = has->count[LOCK_IMAGE_LOCKS];
	const struct lock_lock **list = allocate(count + 1ul, sizeof(struct lock_lock *));
	uint32_t i;

	for (i = 0; i < count; i++)
		list[i] = &has->lock[i];
	qsort(list, count, sizeof(struct lock_lock *), by_name);
	return list;
}

static const struct lock_lock *find(
	const struct audit_locks *has, const struct lock_lock **list, const char *name)
{
	struct lock_lock key = { 0 };
	const struct lock_lock *at = &key, **found;

	strncpy(key.name, name, sizeof(key.name) - 1);
	found = bsearch(
		&at, list, has->count[LOCK_IMAGE_LOCKS], sizeof(struct lock_lock *), by_name);
	return found ? *found : NULL;
}

/* Whoever holds it may do so for as long as described; none can wait less than one after another. */
static uint64_t least_wait_ns(const struct wanted *wanted, const struct model_lock *model)
{
	const struct model_lock_group *group = &wanted->model->groups[model->group];
	const bool turns = model->discipline == MODEL_LOCK_PHASED;

	return 2 * group->delay_ns + group->service_ns +
	       (turns ? 0 : (model->sharers_count - 1) * model->hold_ns);
}

/* The slot of a participant at a lock, in the order of the description. */
static void compare_sharer(const struct wanted *wanted, const struct lock_lock *lock,
	const struct model_lock *model, uint32_t s)
{
	const struct lock_sharer *slot = &wanted->has->slot[lock->first_slot + s];
	const struct model_lock_sharer *sharer = &model->sharers[s];
	const uint64_t deadline_ns = model_lock_deadline_ns(model, sharer);

	if (wanted->has->member[slot->member].participant != sharer->participant ||
		slot->priority != sharer->priority)
		complain(wanted, model->name, "have other participants or priorities at");
	if (slot->wait_bound_ns < least_wait_ns(wanted, model))
		complain(wanted, model->name, "promise what cannot be at");
	if (deadline_ns && slot->wait_bound_ns > deadline_ns)
		complain(wanted, model->name, "promise less than the deadline of");
}

static void compare_lock(
	const struct wanted *wanted, const struct lock_lock *lock, const struct model_lock *model)
{
	const unsigned options = (model->cached ? LOCK_CACHED : 0u) |
				 (model->revoke ? LOCK_REVOKE : 0u) |
				 (model->notify ? LOCK_NOTIFY : 0u);
	uint32_t s;

	if ((int)lock->group != model->group || lock->rank != model->rank ||
		lock->options != options || lock->hold_budget_ns < model->hold_ns ||
		(lock->discipline == LOCK_PHASE_FAIR) != (model->discipline == MODEL_LOCK_PHASED))
		complain(wanted, model->name,
			"have another group, rank, budget, discipline or option for");
	if (lock->slots != model->sharers_count) {
		complain(wanted, model->name, "have more participants, or fewer, at");
		return;
	}
	for (s = 0; s < lock->slots; s++)
		compare_sharer(wanted, lock, model, s);
}

static void compare_locks(const struct wanted *wanted)
{
	const struct lock_lock **list = sort_locks(wanted->has);
	size_t i;

	for (i = 0; i < wanted->model->locks_count; i++) {
		const struct model_lock *model = &wanted->model->locks[i];
		const struct lock_lock *lock = find(wanted->has, list, model->name);

		if (lock)
			compare_lock(wanted, lock, model);
		else
			complain(wanted, model->name, "lack");
	}
	free(list);
}

/* ---- Participants ---- */

static bool is_local(const struct audit_locks *has, size_t participant, int partition)
{
	uint32_t i;

	for (i = 0; i < has->count[LOCK_IMAGE_LOCALS]; i++)
		if (has->local[i].participant == participant &&
			has->local[i].partition == partition)
			return true;
	return false;
}

static uint32_t compare_participant(const struct wanted *wanted, size_t p)
{
	const struct model_lock_participant *model = &wanted->model->participants[p];

	if (wanted->has->participant[p].node != wanted->model->nodes[model->node].number)
		complain(wanted, model->name, "have another node for");
	if (model->index < 0)
		return 0;
	if (!is_local(wanted->has, p, model->index))
		complain(wanted, model->name, "lack, among those of this node,");
	return 1;
}

static void compare_participants(const struct wanted *wanted)
{
	uint32_t locals = 0;
	size_t p;

	for (p = 0; p < wanted->model->participants_count; p++)
		locals += compare_participant(wanted, p);
	if (locals != wanted->has->count[LOCK_IMAGE_LOCALS])
		complain(wanted, "this node", "have more participants on");
}

void audit_wanted_locks(struct audit *audit, const struct model *model)
{
	struct audit_locks has;
	const struct wanted wanted = { audit, &has, model->locks };
	size_t i;

	/* Only what is sound is compared; what is not was said. */
	if (!model->locks || audit->report.count || !audit_locks_open(audit, &has))
		return;
	if (has.count[LOCK_IMAGE_NODES] != model->locks->nodes_count ||
		has.count[LOCK_IMAGE_GROUPS] != model->locks->groups_count ||
		has.count[LOCK_IMAGE_LOCKS] != model->locks->locks_count ||
		has.count[LOCK_IMAGE_PARTICIPANTS] != model->locks->participants_count) {
		complain(&wanted, "cluster", "are those of another");
		return;
	}
	compare_head(&wanted);
	for (i = 0; i < model->locks->nodes_count; i++)
		compare_node(&wanted, &model->locks->nodes[i]);
	compare_domains(&wanted);
	for (i = 0; i < model->locks->groups_count; i++)
		compare_group(&wanted, i);
	compare_locks(&wanted);
	compare_participants(&wanted);
}
