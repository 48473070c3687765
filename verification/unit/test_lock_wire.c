/*
 * Lock messages between nodes: what arrives, and what does not.
 */
#include <inet/octets.h>

#include "lock_net.h"

static struct net_image blocks[2];
static struct lock_wire wires[2];
static uint8_t frame[NET_FRAME], reply[NET_FRAME];
static uint16_t from;

static const char *open_wire(uint16_t node)
{
	return lock_wire_open(&wires[node], &blocks[node].image, blocks[node].nodes[node].mac,
		NET_SL, &rate_nanoseconds);
}

static int open_both(void **state)
{
	(void)state;
	for (uint16_t node = 0; node < 2; node++) {
		net_image(&blocks[node], node, 2);
		assert_null(open_wire(node));
	}
	return 0;
}

static struct lock_message numbered(uint32_t number)
{
	struct lock_message m = { .kind = LOCK_REQUEST, .node = 0, .sequence = number };

	for (uint32_t i = 0; i < LOCK_VALUE_BYTES; i++)
		m.value[i] = (uint8_t)(number + i);
	return m;
}

/* Its bytes, 0 if there is none. */
static unsigned next_frame(uint16_t node)
{
	const uint8_t *next = lock_wire_next(&wires[node]);

	if (next)
		memcpy(frame, next, LOCK_WIRE_FRAME_BYTES);
	return next ? LOCK_WIRE_FRAME_BYTES : 0;
}

/* What node 0's adapter sends to node 1 if a program posts so many bytes, with this number as key. */
static unsigned posted(const void *bytes, uint32_t count, uint32_t q_key)
{
	struct ibv_sge sge = { (uintptr_t)wires[0].in, count, wires[0].in_mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };
	struct ibv_ah_attr attr = { .is_global = 1, .sl = NET_SL };
	unsigned made;
	bool more;

	memcpy(wires[0].in, bytes, count);
	gid_from_ipv4(attr.grh.dgid.raw, blocks[0].nodes[1].ipv4);
	wr.wr.ud.ah = ibv_create_ah(wires[0].qp->pd, &attr);
	wr.wr.ud.remote_qpn = LOCK_WIRE_QPN;
	wr.wr.ud.remote_qkey = q_key;
	assert_int_equal(ibv_post_send(wires[0].qp, &wr, &bad), 0);
	made = roce_port_next(&wires[0].port, 0, 0xffff, frame, sizeof(frame), &more);
	assert_int_equal(ibv_destroy_ah(wr.wr.ud.ah), 0);
	return made;
}

/* The frame of message `number`, from node 0 to node 1. */
static unsigned frame_of(uint32_t number)
{
	const struct lock_message m = numbered(number);

	assert_true(lock_wire_send(&wires[0], 1, &m));
	return next_frame(0);
}

static const struct lock_message *arrives(unsigned bytes)
{
	assert_int_equal(lock_wire_take(&wires[1], 0, frame, bytes, reply), 0);
	return lock_wire_receive(&wires[1], &from);
}

static void a_message_arrives_as_it_was_sent_with_its_sender(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const struct lock_message m = numbered(i);
		const struct lock_message *got = arrives(frame_of(i));

		assert_non_null(got);
		assert_memory_equal(got, &m, sizeof(m));
		assert_int_equal(from, 0);
	}
	assert_int_equal(wires[1].counts[LOCK_WIRE_TAKEN], 1000);
	assert_null(lock_wire_receive(&wires[1], &from));
}

static void messages_are_sent_in_order_as_many_as_there_is_room_for(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < LOCK_WIRE_SENDS; i++) {
		const struct lock_message m = numbered(i);

		assert_true(lock_wire_has_room(&wires[0]));
		assert_true(lock_wire_send(&wires[0], 1, &m));
	}
	const struct lock_message more = numbered(99);

	assert_false(lock_wire_has_room(&wires[0]));
	assert_false(lock_wire_send(&wires[0], 1, &more));
	assert_int_equal(wires[0].full, 1);
	for (uint32_t i = 0; i < LOCK_WIRE_SENDS; i++)
		assert_int_equal(arrives(next_frame(0))->sequence, i);
	assert_int_equal(next_frame(0), 0);
	assert_true(lock_wire_send(&wires[0], 1, &more));
}

static void there_is_no_way_to_oneself_or_to_a_node_that_is_none(void **state)
{
	const struct lock_message m = numbered(1);

	(void)state;
	assert_false(lock_wire_send(&wires[0], 0, &m));
	assert_false(lock_wire_send(&wires[0], 2, &m));
	assert_int_equal(next_frame(0), 0);
}

static void the_lane_shows_in_tag_and_class(void **state)
{
	const unsigned bytes = frame_of(1);

	(void)state;
	assert_int_equal(bytes, 14 + 4 + 20 + 8 + 12 + 8 + LOCK_MESSAGE_BYTES + 4);
	assert_int_equal(octets_read16(frame + 12), 0x8100);
	assert_int_equal(frame[14] >> 5, NET_SL);
	assert_int_equal(frame[18 + 1] >> 2, NET_SL << 3);
}

static void a_node_that_is_none_is_not_heard(void **state)
{
	struct lock_message m = numbered(1);

	(void)state;
	m.node = 2;
	assert_true(lock_wire_send(&wires[0], 1, &m));
	assert_null(arrives(next_frame(0)));
	m.node = 1; /* nor is oneself */
	assert_true(lock_wire_send(&wires[0], 1, &m));
	assert_null(arrives(next_frame(0)));
	assert_int_equal(wires[1].counts[LOCK_WIRE_BAD_NODE], 2);
	assert_int_equal(wires[1].counts[LOCK_WIRE_TAKEN], 0);
}

/* Another card of the network, with another address, says that it is node 0. */
static void who_comes_from_another_address_is_not_heard(void **state)
{
	(void)state;
	blocks[0].nodes[0].ipv4 = 0x0a4d0042;
	assert_null(open_wire(0));
	assert_null(arrives(frame_of(1)));
	assert_int_equal(wires[1].counts[LOCK_WIRE_BAD_SOURCE], 1);
}

static void another_q_key_is_not_heard(void **state)
{
	(void)state;
	blocks[0].image.q_key++;
	assert_null(open_wire(0));
	assert_null(arrives(frame_of(1)));
	assert_int_equal(wires[1].context.dropped[IBV_DROP_QKEY], 1);
}

/* A queue pair of another program on node 0. */
static void another_queue_pair_is_not_heard(void **state)
{
	const struct lock_message m = numbered(1);

	(void)state;
	wires[0].qp->qp_num = LOCK_WIRE_QPN + 1;
	assert_null(arrives(posted(&m, sizeof(m), NET_Q_KEY)));
	assert_int_equal(wires[1].counts[LOCK_WIRE_BAD_SOURCE], 1);
}

static void other_sizes_are_not_heard(void **state)
{
	static const uint8_t zeros[4 * LOCK_MESSAGE_BYTES];

	(void)state;
	for (uint32_t bytes = 0; bytes <= sizeof(zeros); bytes++) {
		const unsigned made = posted(zeros, bytes, NET_Q_KEY);

		assert_true((arrives(made) != NULL) == (bytes == LOCK_MESSAGE_BYTES));
	}
	assert_int_equal(wires[1].counts[LOCK_WIRE_BAD_SIZE], LOCK_MESSAGE_BYTES);
	assert_int_equal(wires[1].context.dropped[IBV_DROP_TOO_LONG], 3 * LOCK_MESSAGE_BYTES);
	assert_non_null(arrives(frame_of(7)));
}

static void a_frame_is_the_one_that_the_verbs_make(void **state)
{
	uint8_t theirs[LOCK_WIRE_FRAME_BYTES];

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		const struct lock_message m = numbered(i);

		wires[0].posted = wires[0].gone = wires[0].qp->requester.post_psn;
		assert_int_equal(posted(&m, sizeof(m), NET_Q_KEY), LOCK_WIRE_FRAME_BYTES);
		memcpy(theirs, frame, sizeof(theirs));
		frame_of(i);
		assert_memory_equal(frame, theirs, sizeof(theirs));
	}
}

/* Time to live, and the checksum with it: the ICRC is the same, the headers are not. */
static void what_a_router_changed_arrives_through_the_verbs(void **state)
{
	const unsigned bytes = frame_of(3);
	uint32_t sum;

	(void)state;
	frame[LOCK_WIRE_IP_AT + 8]--;
	sum = octets_read16(frame + LOCK_WIRE_IP_AT + 10) + 0x100u;
	octets_write16(frame + LOCK_WIRE_IP_AT + 10, (uint16_t)(sum + (sum >> 16)));
	assert_int_equal(arrives(bytes)->sequence, 3);
	assert_int_equal(wires[1].port.refused[IB_ACCEPTED], 1);
	assert_int_equal(arrives(frame_of(4))->sequence, 4);
	assert_int_equal(wires[1].port.refused[IB_ACCEPTED], 1);
}

/* What routers may change, and the sender's MAC, tell nothing: with it the message is the same or none. */
static void a_flipped_bit_changes_no_message(void **state)
{
	const struct lock_message m = numbered(5);
	const unsigned bytes = frame_of(5);
	unsigned heard = 0;

	(void)state;
	for (unsigned bit = 0; bit < 8 * bytes; bit++) {
		const struct lock_message *got;

		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
		got = arrives(bytes);
		if (got)
			assert_memory_equal(got, &m, sizeof(m));
		heard += got != NULL;
		frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(heard < 8 * 22); /* MACs, tag, type of service, time to live, flags */
	assert_non_null(arrives(bytes));
}

static void frames_of_chance_are_counted_and_nothing_else(void **state)
{
	uint64_t random = 4711, refused = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		const unsigned bytes = (unsigned)(unit_random(&random) % 200);

		for (unsigned b = 0; b < bytes; b++)
			frame[b] = (uint8_t)unit_random(&random);
		lock_wire_take(&wires[1], 0, frame, bytes, reply);
		assert_null(lock_wire_receive(&wires[1], &from));
	}
	for (unsigned i = 0; i < IB_REFUSALS; i++)
		refused += i == IB_ACCEPTED ? 0 : wires[1].port.refused[i];
	assert_int_equal(refused, 100000);
	assert_non_null(arrives(frame_of(1)));
}

static void what_is_not_fetched_is_lost_and_the_rest_arrives(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		lock_wire_take(&wires[1], 0, frame, frame_of(i), reply);
	assert_int_equal(lock_wire_receive(&wires[1], &from)->sequence, 2);
	assert_null(lock_wire_receive(&wires[1], &from));
	for (uint32_t i = 0; i < LOCK_WIRE_INBOX + 3; i++) {
		struct lock_message m = numbered(i);

		m.node = 9; /* through the verbs, to be refused */
		lock_wire_take(&wires[1], 0, frame, posted(&m, sizeof(m), NET_Q_KEY), reply);
	}
	for (uint32_t i = 0; i < LOCK_WIRE_INBOX; i++)
		assert_null(lock_wire_receive(&wires[1], &from));
	assert_int_equal(wires[1].counts[LOCK_WIRE_BAD_NODE], LOCK_WIRE_INBOX);
	assert_int_equal(wires[1].context.dropped[IBV_DROP_RECEIVE], 3);
	assert_int_equal(arrives(frame_of(9))->sequence, 9);
}

static void each_of_the_most_nodes_is_reached(void **state)
{
	(void)state;
	net_image(&blocks[0], 0, LOCK_WIRE_NODES);
	assert_null(open_wire(0));
	for (uint16_t node = 1; node < LOCK_WIRE_NODES; node++) {
		const struct lock_message m = numbered(node);
		const struct lock_image_node *row = &blocks[0].nodes[node];

		assert_true(lock_wire_send(&wires[0], node, &m));
		assert_int_equal(next_frame(0), LOCK_WIRE_FRAME_BYTES);
		assert_memory_equal(frame, row->mac, sizeof(row->mac));
		assert_int_equal(octets_read32(frame + LOCK_WIRE_IP_AT + 16), row->ipv4);
	}
}

static void what_cannot_work_is_said_at_once(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	(void)state;
	assert_non_null(
		lock_wire_open(&wires[0], &blocks[0].image, mac, NET_SL, &rate_nanoseconds));
	assert_non_null(lock_wire_open(
		&wires[0], &blocks[0].image, blocks[0].nodes[0].mac, 8, &rate_nanoseconds));
	blocks[0].nodes[1].qpn++;
	assert_non_null(open_wire(0));
	net_image(&blocks[0], 0, LOCK_WIRE_NODES + 1);
	assert_non_null(open_wire(0));
	net_image(&blocks[0], 0, LOCK_WIRE_NODES);
	assert_null(open_wire(0));
}

#define TEST(name) cmocka_unit_test_setup(name, open_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_arrives_as_it_was_sent_with_its_sender),
		TEST(messages_are_sent_in_order_as_many_as_there_is_room_for),
		TEST(there_is_no_way_to_oneself_or_to_a_node_that_is_none),
		TEST(the_lane_shows_in_tag_and_class),
		TEST(a_node_that_is_none_is_not_heard),
		TEST(who_comes_from_another_address_is_not_heard),
		TEST(another_q_key_is_not_heard),
		TEST(another_queue_pair_is_not_heard),
		TEST(other_sizes_are_not_heard),
		TEST(a_frame_is_the_one_that_the_verbs_make),
		TEST(what_a_router_changed_arrives_through_the_verbs),
		TEST(a_flipped_bit_changes_no_message),
		TEST(frames_of_chance_are_counted_and_nothing_else),
		TEST(what_is_not_fetched_is_lost_and_the_rest_arrives),
		TEST(each_of_the_most_nodes_is_reached),
		TEST(what_cannot_work_is_said_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
