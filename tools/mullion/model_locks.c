/*
 * The builder's part for locks, and the channels between participants and the lock partition of their node.
 */
#include "model_locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/lock_message.h>

#include "model_build.h"

#define SMALLEST_DEPTH 8u

/* Where a node of the source stands in one of the model's lists. */
struct entry {
	const struct source_node *node;
	size_t index;
};

struct lists {
	struct entry *participants, *groups; /* ascending by node */
};

static int by_node(const void *left, const void *right)
{
	const uintptr_t a = (uintptr_t)((const struct entry *)left)->node;
	const uintptr_t b = (uintptr_t)((const struct entry *)right)->node;

	return (a > b) - (a < b);
}

static int find(const struct entry *list, size_t count, const struct source_node *node)
{
	const struct entry key = { node, 0 };
	const struct entry *found =
		node == NULL ? NULL : bsearch(&key, list, count, sizeof(key), by_node);

	return found == NULL ? -1 : (int)found->index;
}

static const struct source_node *group_of(const struct builder *b, const char *name)
{
	return source_child(source_child(b->source->root, "locks"), name);
}

static const struct source_node *first_of(const struct source_node *group)
{
	return group == NULL ? NULL : group->children;
}

size_t locks_channels_most(const struct builder *b)
{
	size_t count = 0;

	for (const struct source_node *node = first_of(group_of(b, "nodes")); node != NULL;
		node = node->next)
		count += 2 * children_count(node);
	return count;
}

/* ---- Nodes and participants ---- */

static int partition_named(const struct model *model, const char *name)
{
	for (size_t p = 0; name != NULL && p < model->partitions_count; p++)
		if (strcmp(model->partitions[p].name, name) == 0)
			return (int)p;
	return -1;
}

static void build_participant(
	struct builder *b, const struct source_node *node, size_t of, struct lists *lists)
{
	struct model_locks *locks = b->model->locks;
	const size_t number = locks->participants_count++;
	struct model_lock_participant *participant = &locks->participants[number];

	participant->at = node->at;
	participant->name = node->name;
	participant->partition = string(node, "partition-name");
	if (participant->partition == NULL)
		participant->partition = node->name;
	participant->operations = quantity32(node, "operations");
	participant->node = of;
	participant->request = participant->answer = participant->index = -1;
	if (locks->nodes[of].number == locks->this_node)
		participant->index = partition_named(b->model, participant->partition);
	lists->participants[number] = (struct entry){ node, number };
}

static void build_node(struct builder *b, const struct source_node *source, struct lists *lists)
{
	struct model_locks *locks = b->model->locks;
	struct model_lock_node *node = &locks->nodes[locks->nodes_count];

	node->at = source->at;
	node->name = source->name;
	if (!read_unit(source->name, &node->number))
		node->number = UINT64_MAX;
	node->ipv4 = read_ipv4(string(source, "ipv4"));
	read_mac(string(source, "mac"), node->mac);
	node->qpn = quantity32(source, "qpn");
	node->domain = string(source, "failure-domain");
	node->lockd = string(source, "lockd");
	if (node->number == locks->this_node)
		locks->lockd = partition_named(b->model, node->lockd);
	for (const struct source_node *child = source->children; child != NULL; child = child->next)
		build_participant(b, child, locks->nodes_count, lists);
	locks->nodes_count++;
}

static void build_nodes(struct builder *b, struct lists *lists)
{
	const struct source_node *parent = group_of(b, "nodes");
	const size_t most = locks_channels_most(b) / 2;
	struct model_locks *locks = b->model->locks;

	locks->nodes = arena_array(b->arena, children_count(parent), sizeof(*locks->nodes));
	locks->participants = arena_array(b->arena, most, sizeof(*locks->participants));
	lists->participants = arena_array(b->arena, most, sizeof(struct entry));
	for (const struct source_node *node = first_of(parent); node != NULL; node = node->next)
		build_node(b, node, lists);
	if (most != 0)
		qsort(lists->participants, most, sizeof(struct entry), by_node);
}

/* ---- Groups ---- */

static void build_group(struct builder *b, const struct source_node *node, struct lists *lists)
{
	const struct source_property *nodes = source_property(node, "nodes");
	struct model_locks *locks = b->model->locks;
	struct model_lock_group *group = &locks->groups[locks->groups_count];

	*group = (struct model_lock_group){
		.at = node->at,
		.name = node->name,
		.nodes_count = source_cells(nodes),
		.session_ns = quantity(node, "session-ns"),
		.authority_ns = quantity(node, "authority-ns"),
		.survive_ns = quantity(node, "survive-ns"),
		.heartbeat_ns = quantity(node, "heartbeat-ns"),
		.retransmit_ns = quantity(node, "retransmit-ns"),
		.delay_ns = quantity(node, "delay-ns"),
		.service_ns = quantity(node, "service-ns"),
		.poll_ns = quantity(node, "poll-ns"),
		.losses = quantity32(node, "losses"),
		.crashes = quantity32(node, "crashes"),
		.failovers = quantity32(node, "failovers"),
		.service_level = quantity32(node, "service-level"),
	};
	for (size_t i = 0; i < 3 && i < group->nodes_count; i++)
		group->nodes[i] = source_cell(nodes, i);
	lists->groups[locks->groups_count] = (struct entry){ node, locks->groups_count };
	locks->groups_count++;
}

static void build_groups(struct builder *b, struct lists *lists)
{
	const struct source_node *parent = group_of(b, "groups");
	const size_t most = children_count(parent);
	struct model_locks *locks = b->model->locks;

	locks->groups = arena_array(b->arena, most, sizeof(*locks->groups));
	lists->groups = arena_array(b->arena, most, sizeof(struct entry));
	for (const struct source_node *node = first_of(parent); node != NULL; node = node->next)
		build_group(b, node, lists);
	if (most != 0)
		qsort(lists->groups, most, sizeof(struct entry), by_node);
}

/* ---- Locks ---- */

static int discipline_of(const struct source_node *node)
{
	return is_string(node, "discipline", "fifo")         ? MODEL_LOCK_FIFO
	       : is_string(node, "discipline", "batched")    ? MODEL_LOCK_BATCHED
	       : is_string(node, "discipline", "phase-fair") ? MODEL_LOCK_PHASED
							     : 0;
}

static void build_sharers(struct builder *b, struct model_lock *lock, const struct lists *lists,
	const struct source_node *node, bool readers)
{
	const char *name = readers ? "readers" : "writers";
	const struct source_property *rows = source_property(node, name);

	for (size_t i = 0; i + 3 <= source_cells(rows); i += 3) {
		const int participant = find(lists->participants,
			b->model->locks->participants_count, target(b, node, name, i));

		if (participant < 0)
			continue;
		lock->sharers[lock->sharers_count++] = (struct model_lock_sharer){
			.participant = (size_t)participant,
			.priority = source_cell(rows, i + 1),
			.deadline_ns = source_cell(rows, i + 2),
			.reader = readers,
		};
	}
}

static void build_lock(struct builder *b, const struct source_node *node, const struct lists *lists)
{
	struct model_locks *locks = b->model->locks;
	struct model_lock *lock = &locks->locks[locks->locks_count++];
	const size_t cells = source_cells(source_property(node, "writers")) +
			     source_cells(source_property(node, "readers"));

	*lock = (struct model_lock){
		.at = node->at,
		.name = node->name,
		.group = find(lists->groups, locks->groups_count, target(b, node, "group", 0)),
		.rank = quantity32(node, "rank"),
		.hold_ns = quantity(node, "hold-ns"),
		.deadline_ns = quantity(node, "deadline-ns"),
		.discipline = discipline_of(node),
		.cached = source_property(node, "cached") != NULL,
		.revoke = source_property(node, "revoke") != NULL,
		.notify = source_property(node, "notify") != NULL,
		.sharers = arena_array(b->arena, cells / 3, sizeof(*lock->sharers)),
	};
	build_sharers(b, lock, lists, node, false);
	build_sharers(b, lock, lists, node, true);
}

static void build_names(struct builder *b, const struct lists *lists)
{
	const struct source_node *parent = group_of(b, "names");
	struct model_locks *locks = b->model->locks;

	locks->locks = arena_array(b->arena, children_count(parent), sizeof(*locks->locks));
	for (const struct source_node *node = first_of(parent); node != NULL; node = node->next)
		build_lock(b, node, lists);
}

/* ---- Channels ---- */

/* Own locks of a participant, and groups of which it has one. */
static void count_owns(struct builder *b, size_t participant, uint32_t *owns, uint32_t *members)
{
	const struct model_locks *locks = b->model->locks;
	bool *seen = arena_array(b->arena, locks->groups_count + 1, sizeof(*seen));

	*owns = *members = 0;
	for (size_t l = 0; l < locks->locks_count; l++)
		for (size_t s = 0; s < locks->locks[l].sharers_count; s++) {
			const size_t group = (size_t)(locks->locks[l].group + 1);

			if (locks->locks[l].sharers[s].participant != participant)
				continue;
			*owns += 1;
			*members += !seen[group];
			seen[group] = true;
		}
}

/* An answer per own lock, a notice of each, and what each group says: never more at once. */
static uint32_t depth_of(struct builder *b, size_t participant)
{
	uint32_t owns, members, depth = SMALLEST_DEPTH;

	count_owns(b, participant, &owns, &members);
	while (depth < (uint64_t)owns + 2 * (uint64_t)members + 4 &&
		depth < MULLION_CHANNEL_DEPTH_MOST)
		depth *= 2;
	return depth;
}

static const char *channel_name(struct builder *b, const char *prefix, size_t number)
{
	char *name = arena_alloc(b->arena, 40);

	snprintf(name, 40, "%s-%zu", prefix, number);
	return name;
}

static int lock_channel(struct builder *b, const struct model_lock_participant *participant,
	const char *prefix, size_t number, int from, int to)
{
	return make_channel(b,
		(struct model_channel){ .at = participant->at,
			.name = channel_name(b, prefix, number),
			.from = from,
			.message_bytes = LOCK_MESSAGE_BYTES,
			.depth = depth_of(b, number) },
		to);
}

static void build_ports(struct builder *b)
{
	struct model_locks *locks = b->model->locks;

	for (size_t p = 0; locks->lockd >= 0 && p < locks->participants_count; p++) {
		struct model_lock_participant *participant = &locks->participants[p];

		if (participant->index < 0 || participant->index == locks->lockd)
			continue;
		participant->request = lock_channel(
			b, participant, "lock-request", p, participant->index, locks->lockd);
		participant->answer = lock_channel(
			b, participant, "lock-answer", p, locks->lockd, participant->index);
	}
}

void build_locks(struct builder *b)
{
	const struct source_node *node = source_child(b->source->root, "locks");
	struct lists lists = { NULL, NULL };

	if (node == NULL)
		return;
	b->model->locks = arena_alloc(b->arena, sizeof(*b->model->locks));
	*b->model->locks = (struct model_locks){
		.at = node->at,
		.this_node = quantity32(node, "this-node"),
		.q_key = quantity32(node, "q-key"),
		.prefix_bits = quantity32(node, "prefix-bits"),
		.drift_ppm = quantity32(node, "drift-ppm"),
		.lockd = -1,
	};
	build_nodes(b, &lists);
	build_groups(b, &lists);
	build_names(b, &lists);
	build_ports(b);
}
