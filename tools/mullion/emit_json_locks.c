/*
 * The locks' part of system.json: what is promised, in nanoseconds.
 */
#include "emit_json.h"

#include "lock_plan.h"

static json_t *group_json(const struct lock_plan *plan, uint32_t g)
{
	const struct model_lock_group *model = &plan->model->groups[g];
	const struct lock_plan_group *group = &plan->group_plan[g];
	const uint16_t *n = plan->group[g].nodes;

	return json_pack("{s:s, s:[i,i,i], s:i, s:i, s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "name",
		model->name, "nodes", (int)n[0], (int)n[1], (int)n[2], "service_level",
		(int)model->service_level, "members", (int)plan->group[g].members, "failover_ns",
		number(group->failover_ns), "failover_messages", number(group->failover_messages),
		"messages", number(group->messages), "memory_bytes", number(group->memory_bytes),
		"losses", (int)model->losses, "crashes", (int)model->crashes, "failovers",
		(int)model->failovers);
}

static json_t *terms_json(const struct lock_wait *wait)
{
	const uint64_t *t = wait->term_ns;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "way",
		number(t[LOCK_TERM_PATH]), "queue", number(t[LOCK_TERM_QUEUE]), "holds",
		number(t[LOCK_TERM_HOLDS]), "handoffs", number(t[LOCK_TERM_HANDOFFS]), "losses",
		number(t[LOCK_TERM_LOSSES]), "crashes", number(t[LOCK_TERM_CRASHES]), "failover",
		number(t[LOCK_TERM_FAILOVER]), "traffic", number(t[LOCK_TERM_TRAFFIC]));
}

/* Of those of a lock with the same priority and part, who wait equally long. */
static json_t *sharer_json(const struct lock_plan *plan, uint32_t s)
{
	const struct lock_plan_slot *slot = &plan->slot_plan[s];
	const struct model_lock *lock = &plan->model->locks[slot->lock];
	const struct model_lock_sharer *sharer = &lock->sharers[slot->sharer];
	const struct model_lock_participant *who = &plan->model->participants[sharer->participant];
	const uint64_t deadline_ns = model_lock_deadline_ns(lock, sharer);

	return json_pack("{s:s, s:i, s:o}", "participant", who->name, "node",
		(int)plan->model->nodes[who->node].number, "deadline_ns",
		deadline_ns ? number(deadline_ns) : json_null());
}

static const struct model_lock_sharer *sharer_of(const struct lock_plan *plan, uint32_t s)
{
	const struct lock_plan_slot *slot = &plan->slot_plan[s];

	return &plan->model->locks[slot->lock].sharers[slot->sharer];
}

static bool are_alike(const struct model_lock_sharer *a, const struct model_lock_sharer *b)
{
	return a->priority == b->priority && a->reader == b->reader;
}

/* The wait of the sharer in slot `first` and of all who are like it. */
static json_t *wait_json(const struct lock_plan *plan, const struct lock_lock *lock, uint32_t first)
{
	const struct model_lock_sharer *sharer = sharer_of(plan, first);
	const struct lock_wait *wait = &plan->slot_plan[first].wait;
	json_t *who = json_array();
	uint32_t s;

	for (s = first; s < lock->first_slot + lock->slots; s++)
		if (are_alike(sharer_of(plan, s), sharer))
			json_array_append_new(who, sharer_json(plan, s));
	return json_pack("{s:i, s:b, s:o, s:o, s:o}", "priority", (int)sharer->priority, "reader",
		sharer->reader, "wait_ns", number(wait->total_ns), "terms_ns", terms_json(wait),
		"participants", who);
}

static bool is_first(const struct lock_plan *plan, const struct lock_lock *lock, uint32_t s)
{
	uint32_t before;

	for (before = lock->first_slot; before < s; before++)
		if (are_alike(sharer_of(plan, before), sharer_of(plan, s)))
			return false;
	return true;
}

static json_t *lock_json(const struct lock_plan *plan, uint32_t l)
{
	const struct model_lock *model = &plan->model->locks[plan->lock_model[l]];
	const struct lock_lock *lock = &plan->lock[l];
	json_t *waits = json_array();
	uint32_t s;

	for (s = lock->first_slot; s < lock->first_slot + lock->slots; s++)
		if (is_first(plan, lock, s))
			json_array_append_new(waits, wait_json(plan, lock, s));
	return json_pack("{s:s, s:s, s:o, s:o, s:b, s:o}", "name", model->name, "group",
		plan->model->groups[model->group].name, "rank", number(model->rank), "hold_ns",
		number(model->hold_ns), "revoke", model->revoke, "waits", waits);
}

json_t *locks_json(const struct plan *plan)
{
	const struct lock_plan *locks = plan->model->locks->plan;
	json_t *groups = json_array(), *list = json_array();
	uint32_t i;

	for (i = 0; i < locks->groups; i++)
		json_array_append_new(groups, group_json(locks, i));
	for (i = 0; i < locks->locks; i++)
		json_array_append_new(list, lock_json(locks, i));
	return json_pack("{s:i, s:i, s:o, s:o, s:o}", "this_node", (int)locks->model->this_node,
		"nodes", (int)locks->nodes, "table_bytes", number(locks->block_bytes), "groups",
		groups, "locks", list);
}
