/*
 * The ways of lock messages on a node, and whole nodes together over frames that are lost and repeated.
 */
#include "lock_net.h"

static struct net *net;

static int start(void **state)
{
	(void)state;
	net = net_new(4);
	return 0;
}

static int end(void **state)
{
	(void)state;
	net_free(net);
	return 0;
}

/* What participant `p` would send to node 0 of its slot at lock 1. */
static struct lock_message request_of(uint32_t p)
{
	return (struct lock_message){ .kind = LOCK_REQUEST,
		.group = 0,
		.node = 0,
		.index = net->world->own_slots[p * net->world->locks + 1],
		.held = LOCK_NONE,
		.wanted = LOCK_EX,
		.sequence = 1 };
}

static enum lock_route says(uint16_t node, uint32_t p, struct lock_message m)
{
	return lock_router_from_participant(
		&net->node[node].router, p, &m, LOCK_MESSAGE_BYTES, net->now_ns);
}

static enum lock_route hears(uint16_t node, uint16_t from, struct lock_message m)
{
	return lock_router_from_node(&net->node[node].router, from, &m, net->now_ns);
}

static void a_participant_speaks_to_the_server_here_or_over_the_wire(void **state)
{
	struct lock_message m = request_of(0);

	(void)state;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_SERVER);
	m.node = 1;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_NODE);
	assert_int_equal(net->node[0].wire.posted, 1);
	memcpy(&m, net->node[0].wire.out[0] + LOCK_WIRE_HEAD_BYTES, sizeof(m));
	assert_int_equal(m.node, 0);
}

static void a_participant_speaks_for_itself_alone(void **state)
{
	struct lock_message m = request_of(3);

	(void)state;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_INDEX);
	m.index = net->world->tables.slots;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_INDEX);
	m.kind = LOCK_HELLO;
	m.index = 3;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_INDEX);
	m.index = net->world->tables.members;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_INDEX);
	m.index = 0;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_SERVER);
}

static void a_participant_says_only_what_participants_say_to_leaders(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct lock_message m = request_of(0);
		const bool good = kind >= LOCK_HELLO && kind <= LOCK_REPORT;

		m.kind = (uint8_t)kind;
		m.index = kind == LOCK_HELLO || kind == LOCK_BEAT ? 0 : m.index;
		assert_int_equal(says(0, 0, m), good ? LOCK_ROUTE_SERVER : LOCK_ROUTE_BAD_KIND);
	}
	struct lock_message m = request_of(0);

	m.node = 2; /* the witness */
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_NODE);
	m.node = 0;
	m.group = 1;
	assert_int_equal(says(0, 0, m), LOCK_ROUTE_BAD_GROUP);
	m.group = 0;
	for (uint64_t bytes = 1; bytes < 160; bytes++)
		assert_int_equal(lock_router_from_participant(
					 &net->node[0].router, 0, &m, bytes, net->now_ns),
			bytes == LOCK_MESSAGE_BYTES ? LOCK_ROUTE_SERVER : LOCK_ROUTE_BAD_SIZE);
}

static void participants_keep_silent_until_a_former_life_is_over(void **state)
{
	const uint64_t quiet_ns = lock_router_quiet_ns(&net->world->tables);

	(void)state;
	assert_int_equal(quiet_ns, net->world->group[0].timing.session_guard_ns +
					   net->world->group[0].timing.retransmit_ns);
	net->node[0].router.quiet_end_ns = net->now_ns + 1;
	assert_int_equal(says(0, 0, request_of(0)), LOCK_ROUTE_QUIET);
	net->now_ns++;
	assert_int_equal(says(0, 0, request_of(0)), LOCK_ROUTE_SERVER);
}

static void a_node_is_heard_as_itself_and_as_what_it_may_say(void **state)
{
	struct lock_message m = request_of(1);

	(void)state;
	m.node = 1;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_SERVER);
	assert_int_equal(hears(0, 2, m), LOCK_ROUTE_BAD_NODE);
	m.node = 0;
	assert_int_equal(hears(0, 0, m), LOCK_ROUTE_BAD_NODE);
	m.node = 1;
	m.group = 1;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_BAD_GROUP);
	m.group = 0;
	m.kind = LOCK_KINDS;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_BAD_KIND);
	m.kind = 0;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_BAD_KIND);
}

static void an_answer_goes_to_the_slots_participant_if_a_leader_gives_it(void **state)
{
	struct lock_message m = request_of(3);

	(void)state;
	m.kind = LOCK_GRANT;
	m.node = 1;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_PARTICIPANT);
	assert_int_equal(net->answer[3].tail, 1);
	m.node = 2; /* the witness grants nothing */
	assert_int_equal(hears(0, 2, m), LOCK_ROUTE_BAD_NODE);
	m.node = 1;
	m.index = request_of(1).index; /* who lives on node 1 */
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_BAD_INDEX);
	m.index = UINT32_MAX;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_BAD_INDEX);
	assert_int_equal(net->answer[3].tail, 1);
}

static void who_takes_nothing_loses_messages_and_holds_up_nobody(void **state)
{
	struct lock_message m = request_of(3);

	(void)state;
	m.kind = LOCK_GRANT;
	m.node = 1;
	for (uint32_t i = 0; i < NET_QUEUE; i++)
		assert_int_equal(hears(0, 1, m), LOCK_ROUTE_PARTICIPANT);
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_FULL);
	m.index = request_of(0).index;
	assert_int_equal(hears(0, 1, m), LOCK_ROUTE_PARTICIPANT);
	assert_int_equal(net->node[0].router.routes[LOCK_ROUTE_FULL], 1);
}

static void a_node_serves_the_groups_that_name_it(void **state)
{
	struct world *w = world_new(2, 2, 1); /* nodes 0 1 2, and 1 2 3 */

	(void)state;
	assert_int_equal(lock_router_groups(&w->tables, 0), 1);
	assert_int_equal(lock_router_groups(&w->tables, 1), 2);
	assert_int_equal(lock_router_groups(&w->tables, 3), 1);
	assert_int_equal(lock_router_groups(&w->tables, 4), 0);
	world_free(w);
}

/* Of four locks: two participants here with a session each, four elsewhere, two other servers. */
static void what_may_be_on_its_way_to_a_node_is_known(void **state)
{
	(void)state;
	for (uint16_t node = 0; node < 2; node++)
		assert_int_equal(lock_router_inbox(&net->world->tables, node),
			2 * (4 * 2 + 2) + 4 * (4 * 2 + 1) + 2);
	assert_int_equal(lock_router_inbox(&net->world->tables, 2), 2 * (4 * 2 + 2) + 2);
	assert_int_equal(lock_router_inbox(&net->world->tables, 3), 0);
}

static struct lock_own *own(uint32_t p, uint32_t lock)
{
	return &net->world->client[p].storage.owns[lock];
}

static void await(uint32_t p, uint32_t lock, uint8_t wanted)
{
	for (uint32_t i = 0; i < 4000 && own(p, lock)->state != wanted; i++)
		net_step(net);
	assert_int_equal(own(p, lock)->state, wanted);
}

/* Heartbeats aside, which are so rare that between two of them there is none. */
static void a_remote_lock_and_unlock_take_four_frames_and_a_local_one_none(void **state)
{
	uint64_t frames, least[2] = { UINT64_MAX, UINT64_MAX };
	uint16_t leader = 0;

	(void)state;
	net_join(net);
	while (!lock_server_serves(net->node[leader].servers, net->now_ns))
		leader++;
	for (uint32_t i = 0; i < 200; i++) {
		const uint32_t p = i % NET_NODES;
		uint64_t *const to = &least[p == leader];

		frames = net->frames;
		assert_int_equal(lock_client_request(
					 &net->world->client[p], 0, LOCK_EX, 0, NULL, net->now_ns),
			LOCK_PENDING);
		await(p, 0, LOCK_HOLDING);
		lock_client_release(&net->world->client[p], 0, NULL, net->now_ns);
		await(p, 0, LOCK_IDLE);
		if (net->frames - frames < *to)
			*to = net->frames - frames;
	}
	assert_int_equal(least[0], 4);
	assert_int_equal(least[1], 0);
}

/* Every participant counts in the lock's value, again and again. */
static uint32_t count_once(uint32_t p)
{
	struct lock_client *client = &net->world->client[p];
	struct lock_own *o = own(p, 2);
	uint8_t value[LOCK_VALUE_BYTES] = { 0 };
	uint32_t number;

	if (o->state == LOCK_IDLE)
		lock_client_request(client, 2, LOCK_EX, 0, NULL, net->now_ns);
	if (!lock_client_holds(client, 2, LOCK_EX, net->now_ns) || o->state != LOCK_HOLDING)
		return 0;
	lock_client_value(client, 2, value); /* zeros until somebody wrote */
	memcpy(&number, value, sizeof(number));
	number++;
	memcpy(value, &number, sizeof(number));
	return lock_client_release(client, 2, value, net->now_ns) == LOCK_PENDING ? number : 0;
}

static void nodes_count_together_whatever_the_wire_loses_and_repeats(void **state)
{
	uint32_t latest = 0, steps = 0;
	uint64_t token = 0;

	(void)state;
	net->loss_percent = 5;
	net->repeat_percent = 5;
	net_join(net);
	for (; latest < 2000 && steps < 2000000; steps++) {
		net_step(net);
		for (uint32_t p = 0; p < NET_PARTICIPANTS; p++) {
			const uint64_t mine = own(p, 2)->token;
			const uint32_t number = count_once(p);

			if (number == 0)
				continue;
			assert_int_equal(number, latest + 1);
			assert_true(mine > token);
			latest = number;
			token = mine;
		}
	}
	assert_int_equal(latest, 2000);
}

static void when_the_leaders_node_stops_the_others_go_on(void **state)
{
	uint16_t leader = 0;
	uint32_t granted = 0;

	(void)state;
	net_join(net);
	while (!lock_server_serves(net->node[leader].servers, net->now_ns))
		leader++;
	net->node[leader].paused = true;
	for (uint32_t i = 0; i < 4000; i++)
		net_step(net);
	for (uint32_t i = 0; i < 4000; i++) {
		net_step(net);
		for (uint32_t p = 0; p < NET_PARTICIPANTS; p++)
			granted += p % NET_NODES != leader && count_once(p) != 0;
	}
	assert_true(granted > 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_participant_speaks_to_the_server_here_or_over_the_wire),
		TEST(a_participant_speaks_for_itself_alone),
		TEST(a_participant_says_only_what_participants_say_to_leaders),
		TEST(participants_keep_silent_until_a_former_life_is_over),
		TEST(a_node_is_heard_as_itself_and_as_what_it_may_say),
		TEST(an_answer_goes_to_the_slots_participant_if_a_leader_gives_it),
		TEST(who_takes_nothing_loses_messages_and_holds_up_nobody),
		TEST(a_node_serves_the_groups_that_name_it),
		TEST(what_may_be_on_its_way_to_a_node_is_known),
		TEST(a_remote_lock_and_unlock_take_four_frames_and_a_local_one_none),
		TEST(nodes_count_together_whatever_the_wire_loses_and_repeats),
		TEST(when_the_leaders_node_stops_the_others_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
