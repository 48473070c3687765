/* What a description of locks becomes: numbers, bounds, and the block that partitions are given. */
#include <string.h>

#include <mullion/lock_image.h>

#include "lock_plan.h"
#include "unit.h"

#define NODE0 "verification/unit/fixtures/locks0.dts"
#define NODE1 "verification/unit/fixtures/locks1.dts"

enum { FRONT, BACK };          /* groups */
enum { COUNTER, MODE, TABLE }; /* locks, by group and rank */

static struct model *model;
static const struct lock_plan *plan;
static const struct lock_image *image;
static struct lock_tables tables;

/* Where a block lies on a node, pages begin; in an arena they do not. */
static const struct lock_image *open_block(
	const struct lock_plan *from, uint8_t place[8192], struct lock_tables *into)
{
	if (from->block_bytes > 8192)
		return NULL;
	memcpy(place, from->block, from->block_bytes);
	return lock_image_open(place, from->block_bytes, into);
}

static int load(void **state)
{
	static _Alignas(64) uint8_t place[8192];

	(void)state;
	model = model_load(NODE0, NULL);
	if (!model || !model->locks || !model->locks->plan)
		return 1;
	plan = model->locks->plan;
	image = open_block(plan, place, &tables);
	return image == NULL;
}

static int unload(void **state)
{
	(void)state;
	model_free(model);
	return 0;
}

static void the_block_opens_with_what_the_description_says(void **state)
{
	(void)state;
	assert_int_equal(image->node, 0);
	assert_int_equal(image->lockd, 0);
	assert_int_equal(image->q_key, 0x10cc);
	assert_int_equal(tables.nodes, 4);
	assert_int_equal(tables.groups, 2);
	assert_int_equal(tables.locks, 3);
	assert_int_equal(tables.slots, 11);
	assert_int_equal(tables.members, 8);
	assert_int_equal(tables.participants, 5);
	assert_int_equal(lock_image_nodes(image)[2].ipv4, 0x0a4d0003);
	assert_int_equal(lock_image_nodes(image)[2].mac[5], 3);
	assert_int_equal(lock_image_promises(image)[FRONT].service_level, 3);
}

static void locks_lie_by_group_and_rank(void **state)
{
	(void)state;
	assert_string_equal(tables.lock[COUNTER].name, "counter");
	assert_string_equal(tables.lock[MODE].name, "mode");
	assert_string_equal(tables.lock[TABLE].name, "table");
	assert_int_equal(tables.group[BACK].first_lock, MODE);
	assert_int_equal(tables.group[BACK].locks, 2);
	assert_int_equal(tables.lock[TABLE].discipline, LOCK_PHASE_FAIR);
	assert_int_equal(tables.lock[MODE].options, LOCK_CACHED | LOCK_NOTIFY);
	assert_int_equal(tables.lock[COUNTER].options, LOCK_REVOKE);
}

static void own_slots_rise_in_rank_and_are_found_from_slots(void **state)
{
	uint32_t p, i, owns = 0;

	(void)state;
	for (p = 0; p < tables.participants; p++) {
		const struct lock_participant *participant = &tables.participant[p];
		uint32_t rank = 0;

		for (i = 0; i < participant->owns; i++) {
			const uint32_t s = tables.own_slots[participant->first_own + i];

			assert_int_equal(tables.slot[s].own, i);
			assert_int_equal(tables.member[tables.slot[s].member].participant, p);
			assert_true(tables.lock[tables.slot[s].lock].rank > rank);
			rank = tables.lock[tables.slot[s].lock].rank;
		}
		owns += participant->owns;
	}
	assert_int_equal(owns, tables.slots);
}

static void members_lie_by_group_and_have_their_slots_ascending(void **state)
{
	uint32_t m, i;

	(void)state;
	for (m = 0; m < tables.members; m++) {
		const struct lock_member *member = &tables.member[m];
		const struct lock_group *group = &tables.group[member->group];

		assert_true(m - group->first_member < group->members);
		for (i = 0; i < member->slots; i++) {
			const uint32_t s = tables.member_slots[member->first + i];

			assert_int_equal(tables.slot[s].member, m);
			assert_true(!i || s > tables.member_slots[member->first + i - 1]);
		}
	}
}

static void participants_join_their_groups_in_rising_order(void **state)
{
	uint32_t p, i;

	(void)state;
	for (p = 0; p < tables.participants; p++)
		for (i = 0; i < tables.participant[p].members; i++) {
			const uint32_t *m =
				&tables.participant_members[tables.participant[p].first_member + i];

			assert_int_equal(tables.member[*m].participant, p);
			assert_true(!i || tables.member[*m].group > tables.member[m[-1]].group);
		}
	assert_int_equal(tables.participant[0].members, 2);
}

static void this_nodes_participants_have_two_channels(void **state)
{
	const struct lock_image_local *local = lock_image_local(image, 2);

	(void)state;
	assert_int_equal(image->part[LOCK_IMAGE_LOCALS].count, 2);
	assert_non_null(local);
	assert_int_equal(local->participant, 1);
	assert_string_equal(local->name, "probe");
	assert_string_equal(local->request, "lock-request-1");
	assert_string_equal(local->answer, "lock-answer-1");
	assert_null(lock_image_local(image, 0));
	assert_int_equal(model->channels_count, 5);
	assert_int_equal(model->channels[3].from, 2);
	assert_int_equal(model->channels[3].to[0], 0);
	assert_int_equal(model->channels[3].message_bytes, 80);
	assert_int_equal(model->channels[3].depth, local->depth);
}

static void leases_are_guarded_against_twice_the_drift(void **state)
{
	const struct lock_timing *t = &tables.group[FRONT].timing;

	(void)state;
	assert_int_equal(t->session_ns, 400000000);
	assert_int_equal(t->session_guard_ns, lock_guard_ns(400000000, 200));
	assert_int_equal(t->authority_guard_ns, lock_guard_ns(200000000, 200));
	assert_int_equal(t->survive_guard_ns, lock_guard_ns(300000000, 200));
}

/* Node 1 may lead both groups, so each of them waits for the messages of all 11 slots. */
static void a_group_waits_for_all_that_its_busier_leader_serves(void **state)
{
	(void)state;
	assert_int_equal(plan->group_plan[FRONT].own.outstanding, 3);
	assert_int_equal(plan->group_plan[FRONT].load.outstanding, 11);
	assert_int_equal(plan->group_plan[BACK].load.slots, 11);
	assert_int_equal(plan->group_plan[BACK].load.nodes, 8);
	assert_int_equal(plan->slot_plan[0].wait.term_ns[LOCK_TERM_QUEUE], 11 * 1000);
}

static void waits_are_those_of_the_library_of_bounds(void **state)
{
	const struct lock_group_load *load = &plan->group_plan[FRONT].load;
	const struct lock_load fifo = { .order = LOCK_ORDER_FIFO,
		.participants = 3,
		.hold_ns = 2000000,
		.read_hold_ns = 2000000 };
	const struct lock_load reader = { .order = LOCK_ORDER_PHASED,
		.participants = 5,
		.writers = 1,
		.reader = true,
		.hold_ns = 500000,
		.read_hold_ns = 500000 };
	uint32_t s = tables.lock[COUNTER].first_slot;

	(void)state;
	assert_int_equal(tables.slot[s].wait_bound_ns, lock_wait_bound(load, &fifo).total_ns);
	s = tables.lock[TABLE].first_slot + 1;
	load = &plan->group_plan[BACK].load;
	assert_int_equal(tables.slot[s].wait_bound_ns, lock_wait_bound(load, &reader).total_ns);
}

/* Called back by a notice to each of three, after the hold: 100 us on the way, 3 us of work. */
static void a_cached_lock_is_held_longer_by_its_being_called_back(void **state)
{
	const struct lock_load batched = { .order = LOCK_ORDER_BATCHED,
		.participants = 3,
		.not_below = 1,
		.hold_ns = 200000 + 100000 + 3000,
		.read_hold_ns = 200000 + 100000 + 3000 };
	const uint32_t s = tables.lock[MODE].first_slot;

	(void)state;
	assert_int_equal(tables.slot[s].wait_bound_ns,
		lock_wait_bound(&plan->group_plan[BACK].load, &batched).total_ns);
	assert_true(tables.slot[s + 2].wait_bound_ns > tables.slot[s].wait_bound_ns);
}

/* 2 ms by a slow clock, the way there and back, 13 messages, and a grant and a release lost once. */
static void a_leader_lets_a_holder_have_its_hold_and_the_messages_around_it(void **state)
{
	const uint64_t again = lock_guard_ns(10000000, 200) + 2 * 100000 + 1000;

	(void)state;
	assert_int_equal(tables.lock[COUNTER].hold_budget_ns,
		lock_guard_ns(2000000, 200) + 2 * 100000 + 13 * 1000 + 2 * again);
}

static void memory_counts_the_groups_that_a_node_may_lead(void **state)
{
	const uint64_t front = plan->group_plan[FRONT].memory_bytes;
	const uint64_t back = plan->group_plan[BACK].memory_bytes;

	(void)state;
	assert_int_equal(lock_plan_memory_bytes(plan, 0), LOCK_PLAN_PARTITION_BYTES + front);
	assert_int_equal(lock_plan_memory_bytes(plan, 1), LOCK_PLAN_PARTITION_BYTES + front + back);
	assert_int_equal(lock_plan_memory_bytes(plan, 3), LOCK_PLAN_PARTITION_BYTES);
}

static void nodes_of_one_cluster_differ_in_themselves_alone(void **state)
{
	static _Alignas(64) uint8_t place[8192];
	struct model *other = model_load(NODE1, NULL);
	const struct lock_image *theirs;
	struct lock_tables same;
	unsigned i;

	(void)state;
	assert_non_null(other);
	theirs = open_block(other->locks->plan, place, &same);
	assert_non_null(theirs);
	assert_int_equal(theirs->node, 1);
	assert_true(theirs->cluster == image->cluster);
	for (i = 0; i < LOCK_IMAGE_LOCALS; i++) {
		assert_int_equal(theirs->part[i].offset, image->part[i].offset);
		assert_memory_equal((const uint8_t *)theirs + theirs->part[i].offset,
			(const uint8_t *)image + image->part[i].offset,
			image->part[i].count * image->part[i].bytes);
	}
	assert_string_equal(lock_image_local(theirs, 1)->request, "lock-request-2");
	model_free(other);
}

static void a_block_that_was_damaged_does_not_open(void **state)
{
	static _Alignas(64) uint8_t copy[8192];
	struct lock_image *head = (struct lock_image *)(void *)copy;
	const uint64_t bytes = plan->block_bytes;
	struct lock_tables none;
	unsigned i;

	(void)state;
	assert_true(bytes <= sizeof(copy));
	memcpy(copy, plan->block, bytes);
	assert_non_null(lock_image_open(copy, bytes, &none));
	assert_null(lock_image_open(copy, bytes - 1, &none));
	assert_null(lock_image_open(copy, sizeof(*head) - 1, &none));
	assert_null(lock_image_open(NULL, bytes, &none));
	assert_null(lock_image_open(copy + 8, bytes, &none));
	for (i = 0; i < LOCK_IMAGE_ARRAYS; i++) {
		head->part[i].bytes++;
		assert_null(lock_image_open(copy, bytes, &none));
		head->part[i].bytes--;
		head->part[i].count += 1u << 20;
		assert_null(lock_image_open(copy, bytes, &none));
		head->part[i].count -= 1u << 20;
		head->part[i].offset = UINT64_MAX - 63;
		assert_null(lock_image_open(copy, bytes, &none));
		head->part[i].offset = image->part[i].offset;
	}
	head->node = 4;
	assert_null(lock_image_open(copy, bytes, &none));
	head->node = 0;
	head->magic++;
	assert_null(lock_image_open(copy, bytes, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_opens_with_what_the_description_says),
		cmocka_unit_test(locks_lie_by_group_and_rank),
		cmocka_unit_test(own_slots_rise_in_rank_and_are_found_from_slots),
		cmocka_unit_test(members_lie_by_group_and_have_their_slots_ascending),
		cmocka_unit_test(participants_join_their_groups_in_rising_order),
		cmocka_unit_test(this_nodes_participants_have_two_channels),
		cmocka_unit_test(leases_are_guarded_against_twice_the_drift),
		cmocka_unit_test(a_group_waits_for_all_that_its_busier_leader_serves),
		cmocka_unit_test(waits_are_those_of_the_library_of_bounds),
		cmocka_unit_test(a_cached_lock_is_held_longer_by_its_being_called_back),
		cmocka_unit_test(a_leader_lets_a_holder_have_its_hold_and_the_messages_around_it),
		cmocka_unit_test(memory_counts_the_groups_that_a_node_may_lead),
		cmocka_unit_test(nodes_of_one_cluster_differ_in_themselves_alone),
		cmocka_unit_test(a_block_that_was_damaged_does_not_open),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
