/*
 * Numbers locks, slots and members, and computes what is promised of them. See lock_plan.h.
 */
#include "lock_plan.h"

#include <stdlib.h>
#include <string.h>

#include <mullion/lock_server.h>

#define GRH_BYTES 40u /* before every datagram received; IBTA 1.5, 11.4.1.2 */

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* ---- Locks and slots: by group, then rank; slots as in the source ---- */

/* qsort tells nothing but the elements: whose locks they number. */
static const struct model_lock *sorted_locks;

static int by_group_and_rank(const void *left, const void *right)
{
	const struct model_lock *a = &sorted_locks[*(const size_t *)left];
	const struct model_lock *b = &sorted_locks[*(const size_t *)right];

	if (a->group != b->group)
		return (a->group > b->group) - (a->group < b->group);
	return (a->rank > b->rank) - (a->rank < b->rank);
}

static void order_locks(struct lock_plan *plan, struct arena *arena)
{
	const struct model_locks *model = plan->model;

	plan->locks = (uint32_t)model->locks_count;
	plan->lock = arena_array(arena, plan->locks, sizeof(*plan->lock));
	plan->lock_model = arena_array(arena, plan->locks, sizeof(*plan->lock_model));
	for (size_t i = 0; i < plan->locks; i++) {
		plan->lock_model[i] = i;
		plan->slots += (uint32_t)model->locks[i].sharers_count;
	}
	sorted_locks = model->locks;
	if (plan->locks != 0)
		qsort(plan->lock_model, plan->locks, sizeof(size_t), by_group_and_rank);
	plan->slot = arena_array(arena, plan->slots, sizeof(*plan->slot));
	plan->slot_plan = arena_array(arena, plan->slots, sizeof(*plan->slot_plan));
}

static uint8_t options_of(const struct model_lock *lock)
{
	return (uint8_t)((lock->cached ? LOCK_CACHED : 0) | (lock->revoke ? LOCK_REVOKE : 0) |
			 (lock->notify ? LOCK_NOTIFY : 0));
}

static void number_lock(struct lock_plan *plan, uint32_t number, uint32_t *slots)
{
	const struct model_lock *model = &plan->model->locks[plan->lock_model[number]];
	struct lock_lock *lock = &plan->lock[number];
	struct lock_group *group = &plan->group[model->group];

	lock->group = (uint32_t)model->group;
	lock->rank = model->rank;
	lock->first_slot = *slots;
	lock->slots = (uint32_t)model->sharers_count;
	lock->discipline = model->discipline == MODEL_LOCK_PHASED ? LOCK_PHASE_FAIR : LOCK_BATCHED;
	lock->options = options_of(model);
	strncpy(lock->name, model->name, sizeof(lock->name) - 1);
	if (group->locks++ == 0) {
		group->first_lock = number;
		group->first_slot = *slots;
	}
	group->slots += lock->slots;
	for (uint32_t s = 0; s < lock->slots; s++, ++*slots) {
		plan->slot[*slots].lock = number;
		plan->slot[*slots].priority = (uint8_t)model->sharers[s].priority;
		plan->slot_plan[*slots] =
			(struct lock_plan_slot){ .lock = plan->lock_model[number], .sharer = s };
	}
}

static size_t participant_of(const struct lock_plan *plan, uint32_t slot)
{
	const struct lock_plan_slot *of = &plan->slot_plan[slot];

	return plan->model->locks[of->lock].sharers[of->sharer].participant;
}

/* ---- Members: participants that have a lock of a group, by group, then participant ---- */

/* The slots of each participant, in `list` from `first` on; by rising rank where `order` does. */
struct buckets {
	uint32_t *first; /* by participant, and one more */
	uint32_t *list;
};

static struct buckets sort_slots(
	const struct lock_plan *plan, struct arena *arena, const uint32_t *order)
{
	struct buckets b = { arena_array(arena, plan->participants + 2ul, sizeof(uint32_t)),
		arena_array(arena, plan->slots, sizeof(uint32_t)) };

	for (uint32_t s = 0; s < plan->slots; s++)
		b.first[participant_of(plan, s) + 2]++;
	for (uint32_t p = 0; p < plan->participants; p++)
		b.first[p + 2] += b.first[p + 1];
	for (uint32_t i = 0; i < plan->slots; i++) {
		const uint32_t slot = order ? order[i] : i;

		b.list[b.first[participant_of(plan, slot) + 1]++] = slot;
	}
	return b;
}

static const struct lock_lock *ranked_locks;
static const struct lock_sharer *ranked_slots;

static int by_rank(const void *left, const void *right)
{
	const uint32_t a = ranked_locks[ranked_slots[*(const uint32_t *)left].lock].rank;
	const uint32_t b = ranked_locks[ranked_slots[*(const uint32_t *)right].lock].rank;

	return (a > b) - (a < b);
}

/* Every participant's slots by rising rank. */
static void list_owns(struct lock_plan *plan, struct arena *arena)
{
	uint32_t *order = arena_array(arena, plan->slots, sizeof(*order));
	struct buckets b;

	for (uint32_t s = 0; s < plan->slots; s++)
		order[s] = s;
	ranked_locks = plan->lock;
	ranked_slots = plan->slot;
	if (plan->slots != 0)
		qsort(order, plan->slots, sizeof(*order), by_rank);
	b = sort_slots(plan, arena, order);
	plan->own_slots = b.list;
	for (uint32_t p = 0; p < plan->participants; p++) {
		plan->participant[p].first_own = b.first[p];
		plan->participant[p].owns = b.first[p + 1] - b.first[p];
		for (uint32_t i = b.first[p]; i < b.first[p + 1]; i++)
			plan->slot[b.list[i]].own = i - b.first[p];
	}
}

static uint32_t group_of(const struct lock_plan *plan, uint32_t slot)
{
	return plan->lock[plan->slot[slot].lock].group;
}

/* How many groups each participant has, and each group has participants. */
static void count_members(struct lock_plan *plan, const struct buckets *b)
{
	for (uint32_t p = 0; p < plan->participants; p++)
		for (uint32_t i = b->first[p]; i < b->first[p + 1]; i++)
			if (i == b->first[p] ||
				group_of(plan, b->list[i]) != group_of(plan, b->list[i - 1])) {
				plan->participant[p].members++;
				plan->group[group_of(plan, b->list[i])].members++;
				plan->members++;
			}
}

/* Begin the member of which this is the first slot. */
static uint32_t begin_member(
	struct lock_plan *plan, uint32_t participant, uint32_t slot, uint32_t *used)
{
	const uint32_t group = group_of(plan, slot);
	const uint32_t number = plan->group[group].first_member + used[group]++;
	struct lock_participant *p = &plan->participant[participant];

	plan->member[number].participant = participant;
	plan->member[number].group = group;
	plan->participant_members[p->first_member + p->members++] = number;
	return number;
}

static void fill_members(struct lock_plan *plan, const struct buckets *b, uint32_t *used)
{
	uint32_t number = 0;

	for (uint32_t p = 0; p < plan->participants; p++) {
		plan->participant[p].members = 0;
		for (uint32_t i = b->first[p]; i < b->first[p + 1]; i++) {
			if (i == b->first[p] ||
				group_of(plan, b->list[i]) != group_of(plan, b->list[i - 1])) {
				number = begin_member(plan, p, b->list[i], used);
				plan->member[number].first = i;
			}
			plan->member[number].slots++;
			plan->slot[b->list[i]].member = number;
		}
	}
}

/* Slots are by group already, so that those of a participant are by group, too. */
static void list_members(struct lock_plan *plan, struct arena *arena)
{
	const struct buckets b = sort_slots(plan, arena, NULL);
	uint32_t next = 0;

	count_members(plan, &b);
	plan->member_slots = b.list;
	plan->member = arena_array(arena, plan->members, sizeof(*plan->member));
	plan->participant_members = arena_array(arena, plan->members, sizeof(uint32_t));
	for (uint32_t g = 0; g < plan->groups; g++) {
		plan->group[g].first_member = next;
		next += plan->group[g].members;
	}
	next = 0;
	for (uint32_t p = 0; p < plan->participants; p++) {
		plan->participant[p].first_member = next;
		next += plan->participant[p].members;
	}
	fill_members(plan, &b, arena_array(arena, plan->groups, sizeof(uint32_t)));
}

/* ---- Groups: their clocks, their loads ---- */

static void time_group(struct lock_plan *plan, uint32_t g)
{
	const struct model_lock_group *model = &plan->model->groups[g];
	const uint32_t drift = plan->model->drift_ppm;

	for (size_t i = 0; i < LOCK_GROUP_NODES; i++)
		plan->group[g].nodes[i] = (uint16_t)model->nodes[i];
	plan->group[g].timing = (struct lock_timing){
		.session_ns = model->session_ns,
		.session_guard_ns = lock_guard_ns(model->session_ns, drift),
		.authority_ns = model->authority_ns,
		.authority_guard_ns = lock_guard_ns(model->authority_ns, drift),
		.survive_ns = model->survive_ns,
		.survive_guard_ns = lock_guard_ns(model->survive_ns, drift),
		.heartbeat_ns = model->heartbeat_ns,
		.retransmit_ns = model->retransmit_ns,
	};
}

/* A participant has one operation per lock under way at most, or as few as it says. */
static uint32_t operations_of(const struct lock_plan *plan, uint32_t g)
{
	const struct lock_group *group = &plan->group[g];
	uint32_t count = 0;

	for (uint32_t m = group->first_member; m < group->first_member + group->members; m++) {
		const struct lock_member *member = &plan->member[m];
		const uint32_t said = plan->model->participants[member->participant].operations;

		count += said != 0 && said < member->slots ? said : member->slots;
	}
	return count;
}

/* Of the member that has the most to report. */
static uint32_t turns_of(const struct lock_plan *plan, const struct lock_group *group)
{
	uint32_t most = 0;

	for (uint32_t m = group->first_member; m < group->first_member + group->members; m++)
		if (plan->member[m].slots > most)
			most = plan->member[m].slots;
	return lock_reports_asked(group->members, most);
}

static struct lock_group_load own_load(const struct lock_plan *plan, uint32_t g)
{
	const struct model_lock_group *model = &plan->model->groups[g];
	const struct lock_group *group = &plan->group[g];

	return (struct lock_group_load){
		.delay_ns = model->delay_ns,
		.service_ns = model->service_ns,
		.retransmit_ns = model->retransmit_ns,
		.heartbeat_ns = model->heartbeat_ns,
		.session_ns = model->session_ns,
		.authority_ns = model->authority_ns,
		.survive_ns = model->survive_ns,
		.poll_ns = model->poll_ns,
		.drift_ppm = plan->model->drift_ppm,
		.nodes = group->members,
		.slots = group->slots,
		.asks = lock_reports_asked(group->members, group->slots),
		.turns = turns_of(plan, group),
		.outstanding = operations_of(plan, g),
		.losses = model->losses,
		.crashes = model->crashes,
		.failovers = model->failovers,
	};
}

/* A node may lead several groups at once: what it then serves. */
struct leader {
	uint32_t members, slots, asks, operations;
};

static void judge_leader(struct lock_group_load *load, const struct leader *leader)
{
	if (leader->slots > load->slots)
		load->slots = leader->slots;
	if (leader->asks > load->asks)
		load->asks = leader->asks;
	if (leader->operations > load->outstanding)
		load->outstanding = leader->operations;
	if (leader->members > load->nodes)
		load->nodes = leader->members;
}

static void load_groups(struct lock_plan *plan, struct arena *arena)
{
	struct leader *leaders = arena_array(arena, plan->nodes, sizeof(*leaders));

	for (uint32_t g = 0; g < plan->groups; g++)
		for (size_t i = 0; i < LOCK_LEADERS; i++) {
			struct leader *leader = &leaders[plan->group[g].nodes[i]];

			leader->members += plan->group[g].members;
			leader->slots += plan->group[g].slots;
			leader->asks +=
				lock_reports_asked(plan->group[g].members, plan->group[g].slots);
			leader->operations += operations_of(plan, g);
		}
	for (uint32_t g = 0; g < plan->groups; g++) {
		struct lock_plan_group *group = &plan->group_plan[g];

		group->own = group->load = own_load(plan, g);
		for (size_t i = 0; i < LOCK_LEADERS; i++)
			judge_leader(&group->load, &leaders[plan->group[g].nodes[i]]);
	}
}

/* ---- Promises ---- */

static const struct lock_sizes sizes = {
	.lock_bytes = sizeof(struct lock_state) + LOCK_ENDS * sizeof(struct lock_link),
	.slot_bytes = sizeof(struct lock_place) + 3 * sizeof(struct lock_link),
	.node_bytes = sizeof(struct lock_session) + 2 * sizeof(struct lock_link),
	.message_bytes = LOCK_MESSAGE_BYTES + GRH_BYTES,
};

static void promise_group(struct lock_plan *plan, uint32_t g)
{
	struct lock_plan_group *group = &plan->group_plan[g];
	const struct model_lock_group *model = &plan->model->groups[g];

	group->failover_ns = lock_failover_bound_ns(&group->load);
	group->messages = lock_messages_bound(&group->own);
	group->failover_messages = lock_failover_messages_bound(&group->own);
	group->memory_bytes = lock_memory_bound_bytes(
		&group->own, plan->group[g].locks, plan->group[g].slots, &sizes);
	plan->promise[g] = (struct lock_image_promise){
		.failover_ns = group->failover_ns,
		.delay_ns = model->delay_ns,
		.service_ns = model->service_ns,
		.poll_ns = model->poll_ns,
		.losses = model->losses,
		.crashes = model->crashes,
		.failovers = model->failovers,
		.service_level = (uint8_t)model->service_level,
	};
}

uint64_t lock_plan_memory_bytes(const struct lock_plan *plan, uint32_t node)
{
	uint64_t bytes = LOCK_PLAN_PARTITION_BYTES;

	for (uint32_t g = 0; g < plan->groups; g++)
		for (size_t i = 0; i < LOCK_LEADERS; i++)
			if (plan->group[g].nodes[i] == node)
				bytes = plus(bytes, plan->group_plan[g].memory_bytes);
	return bytes;
}

/* A message lost, and answered after it was sent again. */
static uint64_t again_ns(const struct lock_group_load *load)
{
	return plus(lock_guard_ns(load->retransmit_ns, load->drift_ppm),
		plus(times(2, load->delay_ns), load->service_ns));
}

uint64_t lock_plan_budget_ns(const struct lock_plan_group *group, uint64_t hold_ns)
{
	const struct lock_group_load *load = &group->load;
	const uint64_t way =
		plus(times(2, load->delay_ns), times(load->outstanding + 2ull, load->service_ns));

	return plus(plus(lock_guard_ns(hold_ns, load->drift_ppm), way),
		times(2ull * load->losses, again_ns(load)));
}

/* A cached lock is called back from whoever keeps it: a notice to each, each of which may be lost. */
static uint64_t hold_of(const struct lock_plan_group *group, const struct model_lock *lock)
{
	const struct lock_group_load *load = &group->load;

	if (!lock->cached)
		return lock->hold_ns;
	return plus(plus(lock->hold_ns, load->delay_ns),
		plus(times(lock->sharers_count, load->service_ns),
			times(load->losses, again_ns(load))));
}

static uint32_t count_writers(const struct model_lock *lock)
{
	uint32_t count = 0;

	for (size_t i = 0; i < lock->sharers_count; i++)
		count += !lock->sharers[i].reader;
	return count;
}

static uint32_t not_below(const struct model_lock *lock, uint32_t priority)
{
	uint32_t count = 0;

	for (size_t i = 0; i < lock->sharers_count; i++)
		count += lock->sharers[i].priority <= priority;
	return count;
}

static struct lock_wait wait_of(const struct lock_plan_group *group, const struct model_lock *lock,
	const struct model_lock_sharer *sharer)
{
	const uint64_t hold_ns = hold_of(group, lock);
	struct lock_load load = { .order = LOCK_ORDER_FIFO,
		.participants = (uint32_t)lock->sharers_count,
		.hold_ns = hold_ns,
		.read_hold_ns = hold_ns };

	if (lock->discipline == MODEL_LOCK_BATCHED) {
		load.order = LOCK_ORDER_BATCHED;
		load.not_below = not_below(lock, sharer->priority);
	} else if (lock->discipline == MODEL_LOCK_PHASED) {
		load.order = LOCK_ORDER_PHASED;
		load.writers = count_writers(lock);
		load.reader = sharer->reader;
	}
	return lock_wait_bound(&group->load, &load);
}

/* Those of one lock with the same priority and part wait equally long: computed once. */
static void promise_lock(struct lock_plan *plan, uint32_t number)
{
	const struct model_lock *model = &plan->model->locks[plan->lock_model[number]];
	const struct lock_plan_group *group = &plan->group_plan[model->group];
	struct lock_wait known[LOCK_PRIORITIES][2];
	bool is_known[LOCK_PRIORITIES][2] = { { false } };
	struct lock_lock *lock = &plan->lock[number];

	lock->hold_budget_ns = lock_plan_budget_ns(group, model->hold_ns);
	for (uint32_t i = 0; i < lock->slots; i++) {
		const struct model_lock_sharer *sharer = &model->sharers[i];
		const uint32_t p = sharer->priority % LOCK_PRIORITIES;

		if (!is_known[p][sharer->reader])
			known[p][sharer->reader] = wait_of(group, model, sharer);
		is_known[p][sharer->reader] = true;
		plan->slot_plan[lock->first_slot + i].wait = known[p][sharer->reader];
		plan->slot[lock->first_slot + i].wait_bound_ns = known[p][sharer->reader].total_ns;
	}
}

/* ---- Nodes and locals ---- */

static void list_nodes(struct lock_plan *plan, struct arena *arena)
{
	const struct model_locks *model = plan->model;

	plan->node = arena_array(arena, plan->nodes, sizeof(*plan->node));
	plan->node_model = arena_array(arena, plan->nodes, sizeof(*plan->node_model));
	for (size_t i = 0; i < model->nodes_count; i++) {
		const struct model_lock_node *from = &model->nodes[i];
		struct lock_image_node *node = &plan->node[from->number];
		size_t domain = 0;

		while (strcmp(model->nodes[domain].domain, from->domain) != 0)
			domain++;
		plan->node_model[from->number] = i;
		node->ipv4 = from->ipv4;
		node->qpn = from->qpn;
		node->failure_domain = (uint16_t)domain;
		memcpy(node->mac, from->mac, sizeof(node->mac));
		strncpy(node->name, from->name, sizeof(node->name) - 1);
	}
}

static void list_participants(struct lock_plan *plan, struct arena *arena)
{
	const struct model_locks *model = plan->model;

	plan->participant = arena_array(arena, plan->participants, sizeof(*plan->participant));
	for (size_t i = 0; i < plan->participants; i++)
		plan->participant[i].node =
			(uint16_t)model->nodes[model->participants[i].node].number;
}

static void list_locals(struct lock_plan *plan, const struct model *model, struct arena *arena)
{
	const struct model_locks *locks = plan->model;

	plan->local = arena_array(arena, plan->participants, sizeof(*plan->local));
	for (size_t i = 0; i < plan->participants; i++) {
		const struct model_lock_participant *from = &locks->participants[i];
		struct lock_image_local *local = &plan->local[plan->locals];

		if (from->request < 0)
			continue;
		local->participant = (uint32_t)i;
		local->partition = (uint16_t)from->index;
		local->depth = (uint16_t)model->channels[from->request].depth;
		strncpy(local->name, from->partition, sizeof(local->name) - 1);
		strncpy(local->request, model->channels[from->request].name,
			sizeof(local->request) - 1);
		strncpy(local->answer, model->channels[from->answer].name,
			sizeof(local->answer) - 1);
		plan->locals++;
	}
}

struct lock_plan *lock_plan_build(const struct model *model, struct arena *arena)
{
	struct lock_plan *plan = arena_alloc(arena, sizeof(*plan));
	uint32_t slots = 0;

	plan->model = model->locks;
	plan->nodes = (uint32_t)model->locks->nodes_count;
	plan->groups = (uint32_t)model->locks->groups_count;
	plan->participants = (uint32_t)model->locks->participants_count;
	plan->group = arena_array(arena, plan->groups, sizeof(*plan->group));
	plan->group_plan = arena_array(arena, plan->groups, sizeof(*plan->group_plan));
	plan->promise = arena_array(arena, plan->groups, sizeof(*plan->promise));
	list_nodes(plan, arena);
	list_participants(plan, arena);
	order_locks(plan, arena);
	for (uint32_t l = 0; l < plan->locks; l++)
		number_lock(plan, l, &slots);
	list_owns(plan, arena);
	list_members(plan, arena);
	for (uint32_t g = 0; g < plan->groups; g++)
		time_group(plan, g);
	load_groups(plan, arena);
	for (uint32_t g = 0; g < plan->groups; g++)
		promise_group(plan, g);
	for (uint32_t l = 0; l < plan->locks; l++)
		promise_lock(plan, l);
	list_locals(plan, model, arena);
	lock_block_build(plan, arena);
	return plan;
}
