/*
 * Rules about the locks of a cluster: its nodes, its participants, the locks by name. Their groups are judged
 * in rules_lock_group.c, what is promised of them in rules_lock_bound.c.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/lock_image.h>

#include "check.h"
#include "model_locks.h"

#define PRIVILEGED_QKEY 0x80000000u /* IBTA 1.5, 10.2.5 */
#define LEAST_PREFIX    8u
#define MOST_PREFIX     30u

/* Lists of locations by a key, in which neighbours are compared. */
struct keyed {
	uint64_t key;
	size_t index; /* in the order of the source */
	struct location at;
	const char *name;
};

static int by_key(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;

	if (a->key != b->key)
		return (a->key > b->key) - (a->key < b->key);
	return (a->index > b->index) - (a->index < b->index);
}

static void each_twin(struct check *check, struct keyed *list, size_t count,
	void (*function)(
		struct check *check, const struct keyed *first, const struct keyed *second))
{
	if (count != 0)
		qsort(list, count, sizeof(*list), by_key);
	for (size_t i = 1; i < count; i++)
		if (list[i].key == list[i - 1].key)
			function(check, &list[i - 1], &list[i]);
}

static void each_node(struct check *check,
	void (*function)(struct check *check, const struct model_lock_node *node))
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->nodes_count; i++)
		function(check, &locks->nodes[i]);
}

static void each_lock(
	struct check *check, void (*function)(struct check *check, const struct model_lock *lock))
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->locks_count; i++)
		function(check, &locks->locks[i]);
}

/* ---- Nodes ---- */

static void number_twice(struct check *check, const struct keyed *first, const struct keyed *second)
{
	fault(check, second->at,
		say(check, "%s has the number of line %u once more", second->name, first->at.line),
		"number the nodes 0, 1, 2, ...");
}

static void node_number(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	const size_t count = locks == NULL ? 0 : locks->nodes_count;
	struct keyed *list = arena_array(check->arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++) {
		const struct model_lock_node *node = &locks->nodes[i];

		list[i] = (struct keyed){ node->number, i, node->at, node->name };
		if (node->number >= count || i >= LOCK_IMAGE_MOST_NODES)
			fault(check, node->at,
				say(check,
					"the cluster has %zu nodes, and `%s` is none of 0 to %zu",
					count, node->name, count - 1),
				say(check, "number them node@0 to node@%zu, up to %u", count - 1,
					LOCK_IMAGE_MOST_NODES - 1));
	}
	each_twin(check, list, count, number_twice);
}

static void this_node(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	if (locks != NULL && locks->nodes_count != 0 && locks->this_node >= locks->nodes_count)
		fault(check, place(check, locks->at, "this-node"),
			say(check, "this node would be number %" PRIu32 " of %zu", locks->this_node,
				locks->nodes_count),
			say(check, "choose 0 to %zu, or build with -D where it is a macro",
				locks->nodes_count - 1));
}

static bool is_zero(const uint8_t mac[6])
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static bool is_station(uint32_t ipv4)
{
	const unsigned class = ipv4 >> 24;

	return class != 0 && class != 127 && class < 224;
}

static void reached(struct check *check, const struct model_lock_node *node)
{
	if (!is_station(node->ipv4))
		fault(check, place(check, node->at, "ipv4"),
			say(check, "`ipv4` of %s is no address of a station", node->name),
			"write four numbers as in \"10.0.2.15\", below 224 and not 127");
	if (is_zero(node->mac) || node->mac[0] & 1)
		fault(check, place(check, node->at, "mac"),
			say(check, "`mac` of %s is no address of a station", node->name),
			"write six bytes as in \"52:54:00:77:00:01\", the first of them even");
}

static void address(struct check *check)
{
	each_node(check, reached);
}

static void address_shared(
	struct check *check, const struct keyed *first, const struct keyed *second)
{
	fault(check, second->at,
		say(check, "%s has the address of %s (line %u)", second->name, first->name,
			first->at.line),
		"give each node an address of its own");
}

static uint64_t mac_number(const uint8_t mac[6])
{
	uint64_t number = 0;

	for (size_t i = 0; i < 6; i++)
		number = number << 8 | mac[i];
	return number;
}

static void address_twice(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	const size_t count = locks == NULL ? 0 : locks->nodes_count;
	struct keyed *list = arena_array(check->arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = (struct keyed){ locks->nodes[i].ipv4, i, locks->nodes[i].at,
			locks->nodes[i].name };
	each_twin(check, list, count, address_shared);
	for (size_t i = 0; i < count; i++)
		list[i] = (struct keyed){ mac_number(locks->nodes[i].mac), i, locks->nodes[i].at,
			locks->nodes[i].name };
	each_twin(check, list, count, address_shared);
}

static void network(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	uint32_t shift;

	if (locks == NULL)
		return;
	if (locks->prefix_bits < LEAST_PREFIX || locks->prefix_bits > MOST_PREFIX) {
		fault(check, place(check, locks->at, "prefix-bits"),
			say(check, "a network of %" PRIu32 " bits has no room for stations",
				locks->prefix_bits),
			say(check, "choose %u to %u", LEAST_PREFIX, MOST_PREFIX));
		return;
	}
	shift = 32 - locks->prefix_bits;
	for (size_t i = 1; i < locks->nodes_count; i++)
		if (is_station(locks->nodes[i].ipv4) && is_station(locks->nodes[0].ipv4) &&
			locks->nodes[i].ipv4 >> shift != locks->nodes[0].ipv4 >> shift)
			fault(check, place(check, locks->nodes[i].at, "ipv4"),
				say(check, "%s is in another network than %s, of %" PRIu32 " bits",
					locks->nodes[i].name, locks->nodes[0].name,
					locks->prefix_bits),
				"give it an address in that network: lock messages are not routed");
}

static void queue_pair(struct check *check, const struct model_lock_node *node)
{
	if (node->qpn != LOCK_IMAGE_QPN)
		fault(check, place(check, node->at, "qpn"),
			say(check, "%s would use queue pair %" PRIu32, node->name, node->qpn),
			say(check, "write %u: lockd's is the first that its adapter makes",
				LOCK_IMAGE_QPN));
}

static void qpn(struct check *check)
{
	each_node(check, queue_pair);
}

static void q_key(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	if (locks != NULL && (locks->q_key == 0 || locks->q_key >= PRIVILEGED_QKEY))
		fault(check, place(check, locks->at, "q-key"),
			say(check, "%#" PRIx32 " cannot be the key of datagrams", locks->q_key),
			say(check, "choose 1 to %#x: above are keys that only management uses",
				PRIVILEGED_QKEY - 1));
}

/* ---- Partitions of this node ---- */

/* NULL: none of that number, about which another rule has spoken. */
static const struct model_lock_node *own_node(const struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->nodes_count; i++)
		if (locks->nodes[i].number == locks->this_node)
			return &locks->nodes[i];
	return NULL;
}

static void lockd(struct check *check)
{
	const struct model_lock_node *node = own_node(check);

	if (node != NULL && node->lockd != NULL && check->model->locks->lockd < 0)
		fault(check, place(check, node->at, "lockd"),
			say(check, "this node, %s, has no partition `%s`", node->name, node->lockd),
			"name the partition that serves and carries locks there");
}

static void lockd_cpu(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	const struct model_partition *partition;

	if (locks == NULL || locks->lockd < 0)
		return;
	partition = &check->model->partitions[locks->lockd];
	if (!written(check, partition->at, "cpus"))
		fault(check, partition->at,
			say(check,
				"%s serves locks and has no CPU of its own: between its windows "
				"nobody would",
				partition->name),
			"give it one, cpus = <N>, which is owned");
}

static void card(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	const struct model_partition *partition;

	if (locks == NULL || locks->lockd < 0)
		return;
	partition = &check->model->partitions[locks->lockd];
	for (size_t i = 0; i < partition->functions_count; i++)
		if (check->model->functions[partition->functions[i]].config[2] >> 24 ==
			CLASS_NETWORK)
			return;
	fault(check, place(check, partition->at, "devices"),
		say(check, "%s serves locks and has no network card to carry them",
			partition->name),
		"grant it one: devices = <&net0>");
}

static void here(struct check *check, const struct model_lock_participant *participant)
{
	const struct model_locks *locks = check->model->locks;

	if (locks->nodes[participant->node].number != locks->this_node)
		return;
	if (participant->index < 0)
		fault(check, participant->at,
			say(check, "this node has no partition `%s`", participant->partition),
			"describe it, or say which it is: partition-name = \"...\"");
	else if (participant->index == locks->lockd)
		fault(check, participant->at,
			say(check, "%s serves the locks of this node, and cannot ask for any",
				participant->partition),
			"let another partition take part");
}

static void participant(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->participants_count; i++)
		here(check, &locks->participants[i]);
}

/* Those of one node stand together. */
static void participant_twice(struct check *check)
{
	const struct model_locks *locks = check->model->locks;

	for (size_t i = 0; locks != NULL && i < locks->participants_count; i++)
		for (size_t k = i;
			k-- > 0 && locks->participants[k].node == locks->participants[i].node;)
			if (strcmp(locks->participants[k].partition,
				    locks->participants[i].partition) == 0)
				fault(check, locks->participants[i].at,
					say(check, "the partition %s takes part in line %u already",
						locks->participants[i].partition,
						locks->participants[k].at.line),
					"leave one of them: a partition is one participant");
}

/* ---- Locks ---- */

static bool good_name(const char *name)
{
	if (!isalpha((unsigned char)*name) || strlen(name) >= LOCK_NAME_BYTES)
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && strchr("-_.+", *name) == NULL)
			return false;
	return true;
}

static void named(struct check *check, const struct model_lock *lock)
{
	if (!good_name(lock->name))
		fault(check, lock->at, say(check, "`%s` cannot be the name of a lock", lock->name),
			say(check,
				"begin with a letter, use letters, digits, `-`, `_`, `.` and `+`, "
				"%u characters at most",
				LOCK_NAME_BYTES - 1));
}

static void name(struct check *check)
{
	each_lock(check, named);
}

static void rank_twice(struct check *check, const struct keyed *first, const struct keyed *second)
{
	fault(check, place(check, second->at, "rank"),
		say(check, "%s and %s (line %u) have the rank %" PRIu64, second->name, first->name,
			first->at.line, second->key),
		"give each lock a rank of its own, in the order in which locks are taken");
}

static void rank(struct check *check)
{
	const struct model_locks *locks = check->model->locks;
	const size_t count = locks == NULL ? 0 : locks->locks_count;
	struct keyed *list = arena_array(check->arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = (struct keyed){ locks->locks[i].rank, i, locks->locks[i].at,
			locks->locks[i].name };
	each_twin(check, list, count, rank_twice);
}

static void disciplined(struct check *check, const struct model_lock *lock)
{
	if (lock->discipline == 0)
		fault(check, place(check, lock->at, "discipline"),
			say(check, "the lock %s has a discipline that does not exist", lock->name),
			"write \"fifo\", \"batched\" or \"phase-fair\"");
}

static void discipline(struct check *check)
{
	each_lock(check, disciplined);
}

static void urgent(struct check *check, const struct model_lock *lock)
{
	for (size_t i = 0; i < lock->sharers_count; i++) {
		const struct model_lock_sharer *s = &lock->sharers[i];
		const char *row = s->reader ? "readers" : "writers";

		if (s->priority >= LOCK_PRIORITIES)
			fault(check, place(check, lock->at, row),
				say(check, "a participant of %s has the priority %" PRIu32,
					lock->name, s->priority),
				say(check, "choose 0, the most urgent, to %u",
					LOCK_PRIORITIES - 1));
		else if (s->priority != 0 && lock->discipline != MODEL_LOCK_BATCHED)
			fault(check, place(check, lock->at, row),
				say(check,
					"a participant of %s has the priority %" PRIu32
					", and its order knows none",
					lock->name, s->priority),
				"write 0, or discipline = \"batched\"");
	}
}

static void priority(struct check *check)
{
	each_lock(check, urgent);
}

static void shared(struct check *check, const struct model_lock *lock)
{
	if (lock->sharers_count == 0)
		fault(check, lock->at, say(check, "nobody may take the lock %s", lock->name),
			"say who: writers = <&participant 0 0>, ...; or remove it");
}

static void sharers(struct check *check)
{
	each_lock(check, shared);
}

static void twice(struct check *check, const struct model_lock *lock)
{
	const struct model_locks *locks = check->model->locks;
	bool *seen = calloc(locks->participants_count + 1, sizeof(*seen));

	for (size_t i = 0; seen != NULL && i < lock->sharers_count; i++) {
		const struct model_lock_sharer *s = &lock->sharers[i];

		if (seen[s->participant])
			fault(check, place(check, lock->at, s->reader ? "readers" : "writers"),
				say(check, "the lock %s names %s twice", lock->name,
					locks->participants[s->participant].name),
				"name it once, as a writer if it ever writes");
		seen[s->participant] = true;
	}
	free(seen);
}

static void sharer_twice(struct check *check)
{
	each_lock(check, twice);
}

const struct rule rules_lock[] = {
	{ "lock-node-number",
		"The nodes of a cluster are numbered from 0 to 2,047 at most, without gaps.",
		TIER_MEANING, node_number },
	{ "lock-this-node", "`this-node` is the number of a node of the cluster.", TIER_MEANING,
		this_node },
	{ "lock-address", "A node of a cluster has an IPv4 address and a MAC.", TIER_MEANING,
		address },
	{ "lock-address-twice", "No two nodes of a cluster have the same address.", TIER_MEANING,
		address_twice },
	{ "lock-network", "All nodes of a cluster are in one network.", TIER_MEANING, network },
	{ "lock-qpn", "Locks use queue pair 256, the first that an adapter makes.", TIER_MEANING,
		qpn },
	{ "lock-q-key", "The key of lock messages is one that a program may use.", TIER_MEANING,
		q_key },
	{ "lock-lockd", "The lock partition of this node is one of its partitions.", TIER_MEANING,
		lockd },
	{ "lock-lockd-cpu", "The lock partition owns its CPU.", TIER_MEANING, lockd_cpu },
	{ "lock-card", "The lock partition has a network card.", TIER_MEANING, card },
	{ "lock-participant",
		"A participant of this node is one of its partitions, and not the lock partition.",
		TIER_MEANING, participant },
	{ "lock-participant-twice", "A partition is one participant.", TIER_MEANING,
		participant_twice },
	{ "lock-name", "A lock's name begins with a letter and has 63 characters at most.",
		TIER_MEANING, name },
	{ "lock-rank", "No two locks have the same rank.", TIER_MEANING, rank },
	{ "lock-discipline", "A lock's discipline is fifo, batched or phase-fair.", TIER_MEANING,
		discipline },
	{ "lock-priority", "A priority is 0 to 3, and not 0 in batched locks only.", TIER_MEANING,
		priority },
	{ "lock-sharers", "A lock has a participant.", TIER_MEANING, sharers },
	{ "lock-sharer-twice", "A lock names a participant once.", TIER_MEANING, sharer_twice },
	{ NULL, NULL, TIER_COUNT, NULL },
};
