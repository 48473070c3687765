/*
 * A RoCEv2 port: whom it sends to, what it takes, and how lanes show in frames.
 */
#include <errno.h>

#include <ib/port.h>
#include <inet/arp.h>
#include <inet/ipv4.h>

#include "verbs_pair.h"

#define FRAME 2048u
#define MOST  1500u /* neighbours of each */

static struct pair pair;
static struct roce_port ports[2];
static struct neighbour slots[2][NEIGHBOURS_SLOTS(MOST)];
static struct neighbours tables[2];
static uint8_t frame[FRAME], reply[FRAME];
static const uint8_t macs[2][ROCE_MAC_BYTES] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

static union ibv_gid *gid_of(const unsigned end)
{
	return &pair.ends[end].context.gids[0];
}

static void open_ports(void)
{
	struct endpoint at = { .netmask = 0xffffff00, .port = 1 };

	pair_open(&pair, IBV_QPT_RC, IBV_MTU_1024, 0);
	for (unsigned i = 0; i < 2; i++) {
		at.address = 0x0a090001 + i;
		memset(slots[i], 0, sizeof(slots[i]));
		tables[i] =
			(struct neighbours){ slots[i], NEIGHBOURS_SLOTS(MOST) / NEIGHBOUR_WAYS, 0 };
		roce_port_open(&ports[i], &pair.ends[i].context, &tables[i], &at, macs[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		pair.ends[i].qp->attr.ah_attr.grh.dgid = *gid_of(1 - i);
}

static unsigned next_frame(const unsigned from)
{
	bool more;

	return roce_port_next(&ports[from], pair.now, 0xffff, frame, FRAME, &more);
}

static void a_message_goes_to_the_neighbour_and_its_answer_to_whom_it_came_from(void **state)
{
	struct ibv_wc wc;
	unsigned bytes;

	(void)state;
	open_ports();
	assert_int_equal(roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]), 0);
	memcpy(pair.ends[0].memory, "over the wire", 14);
	assert_int_equal(pair_recv(&pair.ends[1], 1, 0, 14), 0);
	assert_int_equal(
		pair_send(&pair.ends[0], 2, IBV_WR_SEND, IBV_SEND_SIGNALED, 0, 14, 0, 0), 0);
	bytes = next_frame(0);
	assert_int_not_equal(bytes, 0);
	assert_memory_equal(frame, macs[1], 6);
	assert_memory_equal(frame + 6, macs[0], 6);
	assert_int_equal(roce_port_take(&ports[1], pair.now, frame, bytes, reply), 0);
	assert_int_equal(ibv_poll_cq(pair.ends[1].recv_cq, 1, &wc), 1);
	assert_string_equal((char *)pair.ends[1].memory, "over the wire");
	bytes = next_frame(1); /* it was told by nobody but the first frame */
	assert_memory_equal(frame, macs[0], 6);
	roce_port_take(&ports[0], pair.now, frame, bytes, reply);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	pair_close(&pair);
}

static void nobody_else_takes_a_neighbours_place(void **state)
{
	(void)state;
	open_ports();
	assert_int_equal(roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]), 0);
	assert_int_equal(roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[0]), EEXIST);
	assert_memory_equal(neighbour_find(&tables[0], gid_of(1)->raw)->mac, macs[1], 6);
	pair_close(&pair);
}

static void what_goes_to_nobody_known_is_counted_and_retried_until_the_budget_ends(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_ports();
	assert_int_equal(pair_send(&pair.ends[0], 2, IBV_WR_SEND, 0, 0, 14, 0, 0), 0);
	for (unsigned i = 0; i < 100; i++, pair.now += 2000)
		assert_int_equal(next_frame(0), 0);
	assert_int_equal(ports[0].unknown, 8);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	pair_close(&pair);
}

static void frames_for_others_and_damaged_ones_are_counted_and_change_nothing(void **state)
{
	unsigned bytes;

	(void)state;
	open_ports();
	roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]);
	assert_int_equal(pair_send(&pair.ends[0], 2, IBV_WR_RDMA_WRITE, 0, 0, 64,
				 (uint64_t)(uintptr_t)pair.ends[1].memory, pair.ends[1].mr->rkey),
		0);
	memset(pair.ends[0].memory, 1, 64);
	bytes = next_frame(0);
	frame[bytes - 9] ^= 1;
	roce_port_take(&ports[1], pair.now, frame, bytes, reply);
	assert_int_equal(ports[1].refused[IB_REFUSED_ICRC], 1);
	frame[bytes - 9] ^= 1;
	gid_of(1)->raw[15]++;
	roce_port_take(&ports[1], pair.now, frame, bytes, reply);
	assert_int_equal(ports[1].elsewhere, 1);
	assert_int_equal(pair.ends[1].memory[0], 0);
	assert_int_equal(tables[1].count, 0);
	gid_of(1)->raw[15]--;
	roce_port_take(&ports[1], pair.now, frame, bytes, reply);
	assert_int_equal(pair.ends[1].memory[63], 1);
	pair_close(&pair);
}

static void lanes_show_as_priority_and_dscp(void **state)
{
	struct roce_frame decoded;
	unsigned bytes;

	(void)state;
	open_ports();
	roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]);
	ports[0].tagged = true;
	ports[0].vlan = 7;
	ports[0].pcp_of_sl[3] = 5;
	ports[0].dscp_of_sl[3] = 46;
	pair.ends[0].qp->attr.ah_attr.sl = 3;
	assert_int_equal(pair_send(&pair.ends[0], 2, IBV_WR_SEND, 0, 0, 8, 0, 0), 0);
	bytes = next_frame(0);
	assert_int_equal(roce_decode(frame, bytes, &decoded), IB_ACCEPTED);
	assert_true(decoded.path.tagged);
	assert_int_equal(decoded.path.tag, 5 << 13 | 7);
	assert_int_equal(decoded.path.traffic_class, 46 << 2);
	pair_close(&pair);
}

static void a_question_for_its_address_is_answered(void **state)
{
	static const uint8_t everybody[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const struct arp_packet question = { .operation = ARP_REQUEST,
		.sender_mac = { 2, 0, 0, 0, 0, 2 },
		.sender = 0x0a090002,
		.target = 0x0a090001 };
	struct arp_packet answer;
	unsigned bytes;

	(void)state;
	open_ports();
	memset(frame, 0, 60);
	memcpy(frame, everybody, 6);
	memcpy(frame + 6, macs[1], 6);
	frame[12] = 8;
	frame[13] = 6;
	arp_encode(&question, frame + 14);
	bytes = roce_port_take(&ports[0], pair.now, frame, 60, reply);
	assert_int_not_equal(bytes, 0);
	assert_memory_equal(reply, macs[1], 6);
	assert_true(arp_decode(reply + 14, bytes - 14, &answer));
	assert_int_equal(answer.sender, 0x0a090001);
	assert_memory_equal(answer.sender_mac, macs[0], 6);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_message_goes_to_the_neighbour_and_its_answer_to_whom_it_came_from),
		cmocka_unit_test(nobody_else_takes_a_neighbours_place),
		cmocka_unit_test(
			what_goes_to_nobody_known_is_counted_and_retried_until_the_budget_ends),
		cmocka_unit_test(frames_for_others_and_damaged_ones_are_counted_and_change_nothing),
		cmocka_unit_test(lanes_show_as_priority_and_dscp),
		cmocka_unit_test(a_question_for_its_address_is_answered),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("roce_port", tests, NULL, NULL);
}
