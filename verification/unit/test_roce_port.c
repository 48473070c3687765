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

/* ---- Asking ---- */

#define US          PAIR_TICKS_US
#define INTERVAL_US 1000u
#define INTERVAL_NS (INTERVAL_US * 1000u)
#define TRIES       3u

static void open_asking(void)
{
	open_ports();
	for (unsigned i = 0; i < 2; i++)
		roce_port_ask(&ports[i], TRIES, INTERVAL_NS, 10 * INTERVAL_NS);
}

static int post(void)
{
	return pair_send(&pair.ends[0], 2, IBV_WR_SEND, IBV_SEND_SIGNALED, 0, 14, 0, 0);
}

/* What both have to say, until there is nothing more; the frames that `loser` sends are lost. */
static void exchange(const unsigned loser)
{
	for (unsigned quiet = 0, from = 0; quiet < 2; from = 1 - from) {
		bool more;
		unsigned bytes =
			roce_port_next(&ports[from], pair.now, 0xffff, frame, FRAME, &more);

		quiet = bytes != 0 || more ? 0 : quiet + 1;
		if (bytes == 0 || from == loser)
			continue;
		bytes = roce_port_take(&ports[1 - from], pair.now, frame, bytes, reply);
		if (bytes != 0 && 1 - from != loser)
			assert_int_equal(
				roce_port_take(&ports[from], pair.now, reply, bytes, frame), 0);
	}
}

static void who_is_not_known_is_asked_for_and_then_sent_to(void **state)
{
	struct arp_packet question;
	struct ibv_wc wc;

	(void)state;
	open_asking();
	assert_int_equal(pair_recv(&pair.ends[1], 1, 0, 14), 0);
	assert_int_equal(post(), 0);
	assert_int_equal(next_frame(0), 0); /* it is found out that nobody knows */
	assert_int_equal(next_frame(0), ETHERNET_LEAST_BYTES);
	assert_true(arp_decode(frame + 14, ARP_BYTES, &question));
	assert_int_equal(question.operation, ARP_REQUEST);
	assert_int_equal(question.target, 0x0a090002);
	assert_int_equal(roce_port_take(&ports[1], pair.now, frame, 60, reply), 60);
	roce_port_take(&ports[0], pair.now, reply, 60, frame);
	exchange(2);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(ports[0].asking.asked, 1);
	assert_int_equal(ports[0].asking.told, 1);
	assert_memory_equal(neighbour_find(&tables[0], gid_of(1)->raw)->mac, macs[1], 6);
	pair_close(&pair);
}

static void who_never_answers_is_asked_so_often_and_then_the_request_fails(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_asking();
	assert_int_equal(post(), 0);
	for (unsigned us = 0; us < TRIES * INTERVAL_US; us += 10, pair.now += 10 * US) {
		exchange(0);
		assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 0);
		assert_int_equal(ports[0].asking.asked, 1 + us / INTERVAL_US);
	}
	exchange(0);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(ports[0].unknown, 1);
	assert_int_equal(ports[0].asking.silent, 1);
	pair_close(&pair);
}

static void reconnect(void)
{
	struct ibv_qp_attr attr = pair_attributes(&pair, 0, IBV_MTU_1024, 0);

	attr.ah_attr.grh.dgid = *gid_of(1);
	ibv_modify_qp(
		pair.ends[0].qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_RESET }, IBV_QP_STATE);
	assert_int_equal(pair_connect(pair.ends[0].qp, &attr), 0);
}

static void who_is_silent_is_left_alone_for_a_while(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_asking();
	assert_int_equal(post(), 0);
	for (unsigned i = 0; i <= TRIES; i++, pair.now += INTERVAL_US * US)
		exchange(0);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	reconnect();
	assert_int_equal(post(), 0);
	exchange(0);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(ports[0].asking.asked, TRIES);
	pair.now += 10 * INTERVAL_US * US;
	reconnect();
	assert_int_equal(post(), 0);
	exchange(2);
	assert_int_equal(ports[0].asking.asked, TRIES + 1);
	assert_int_equal(ports[0].asking.told, 1);
	pair_close(&pair);
}

static void while_it_is_asked_no_time_runs_for_what_waits(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_asking();
	assert_int_equal(roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]), 0);
	assert_int_equal(pair_recv(&pair.ends[1], 1, 0, 14), 0);
	assert_int_equal(post(), 0);
	exchange(0); /* lost on its way; and then nobody knows the neighbour any more */
	memset(slots[0], 0, sizeof(slots[0]));
	assert_int_equal(pair_recv(&pair.ends[1], 2, 0, 14), 0);
	assert_int_equal(post(), 0);
	for (unsigned us = 0; us < 2 * INTERVAL_US; us += 10, pair.now += 10 * US)
		exchange(0);
	assert_int_equal(ports[0].asking.asked, 2);
	assert_int_equal(pair.ends[0].qp->retransmitted, 0);
	assert_int_equal(pair.ends[0].qp->requester.retries, 7);
	for (unsigned us = 0; us < 4 * INTERVAL_US; us += 10, pair.now += 10 * US)
		exchange(2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
		assert_int_equal(wc.status, IBV_WC_SUCCESS);
	}
	pair_close(&pair);
}

static void beyond_a_router_nobody_is_asked(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_asking();
	gid_from_ipv4(pair.ends[0].qp->attr.ah_attr.grh.dgid.raw, 0x0a0a0002);
	assert_int_equal(post(), 0);
	exchange(0);
	exchange(0);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_RETRY_EXC_ERR);
	assert_int_equal(ports[0].asking.asked, 0);
	assert_int_equal(ports[0].unknown, 1);
	pair_close(&pair);
}

static void a_port_may_be_told_not_to_ask(void **state)
{
	struct ibv_wc wc;

	(void)state;
	open_asking();
	roce_port_ask(&ports[0], 0, INTERVAL_NS, INTERVAL_NS);
	assert_int_equal(post(), 0);
	exchange(0);
	exchange(0);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(ports[0].asking.asked, 0);
	pair_close(&pair);
}

/* One more queue pair, whose peer has this address. */
static struct ibv_qp *towards(const enum ibv_qp_type type, const uint32_t address)
{
	struct pair_end *const end = &pair.ends[0];
	struct ibv_qp_init_attr init = {
		.send_cq = end->send_cq, .recv_cq = end->recv_cq, .qp_type = type
	};
	struct ibv_qp_attr attr = pair_attributes(&pair, 0, IBV_MTU_1024, 0);

	gid_from_ipv4(attr.ah_attr.grh.dgid.raw, address);
	end->qp = ibv_create_qp(end->pd, &init);
	assert_non_null(end->qp);
	assert_int_equal(pair_connect(end->qp, &attr), 0);
	return end->qp;
}

static void only_so_many_are_asked_for_at_once_but_all_in_the_end(void **state)
{
	(void)state;
	open_asking();
	for (unsigned i = 0; i < PORT_ASKING + 2; i++) {
		towards(IBV_QPT_UC, 0x0a090010 + i);
		assert_int_equal(post(), 0);
	}
	exchange(0);
	assert_int_equal(ports[0].asking.asked, PORT_ASKING);
	for (unsigned i = 0; i < TRIES; i++, exchange(0))
		pair.now += INTERVAL_US * US;
	assert_int_equal(ports[0].asking.silent, PORT_ASKING);
	assert_int_equal(ports[0].asking.asked, TRIES * PORT_ASKING + 2);
	assert_int_equal(ports[0].unknown, PORT_ASKING);
	for (unsigned i = 0; i < TRIES; i++, exchange(0))
		pair.now += INTERVAL_US * US;
	assert_int_equal(ports[0].unknown, PORT_ASKING + 2);
	assert_int_equal(roce_port_deadline(&ports[0]), ibv_deadline(&pair.ends[0].context));
	pair_close(&pair);
}

static void post_datagram(const uint32_t address)
{
	struct ibv_ah_attr attr = { .is_global = 1 };
	struct ibv_sge sge = pair_sge(&pair.ends[0], 0, 8);
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };

	gid_from_ipv4(attr.grh.dgid.raw, address);
	wr.wr.ud.ah = ibv_create_ah(pair.ends[0].pd, &attr);
	wr.wr.ud.remote_qpn = 77;
	assert_int_equal(ibv_post_send(pair.ends[0].qp, &wr, &bad), 0);
}

static void datagrams_to_the_silent_are_lost_and_others_go(void **state)
{
	(void)state;
	open_asking();
	towards(IBV_QPT_UD, 0x0a090002);
	assert_int_equal(roce_port_neighbour(&ports[0], gid_of(1)->raw, macs[1]), 0);
	post_datagram(0x0a090007);
	post_datagram(0x0a090002);
	for (unsigned i = 0; i <= TRIES; i++, pair.now += INTERVAL_US * US)
		exchange(2);
	assert_int_equal(ports[0].unknown, 1);
	assert_int_equal(pair.ends[1].context.dropped[IBV_DROP_QP], 1);
	assert_int_equal(pair.ends[0].qp->state, IBV_QPS_RTS);
	pair_close(&pair);
}

/* ---- IPv6 ---- */

static void meet_by(const unsigned index)
{
	struct ibv_wc wc;

	for (unsigned i = 0; i < 2; i++) {
		struct ibv_global_route *const route = &pair.ends[i].qp->attr.ah_attr.grh;

		assert_int_equal(
			ibv_query_gid(&pair.ends[1 - i].context, 1, (int)index, &route->dgid), 0);
		route->sgid_index = (uint8_t)index;
	}
	memcpy(pair.ends[0].memory, "over the wire", 14);
	assert_int_equal(pair_recv(&pair.ends[1], 1, 100, 14), 0);
	assert_int_equal(post(), 0);
	exchange(2);
	assert_int_equal(ibv_poll_cq(pair.ends[0].send_cq, 1, &wc), 1);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_string_equal((char *)pair.ends[1].memory + 100, "over the wire");
}

static void messages_go_by_ipv6_link_local_and_static_and_ask_for_whom_they_go_to(void **state)
{
	uint8_t address[IB_GID_BYTES] = { 0xfd, 1, 2, 3 };

	(void)state;
	open_asking();
	for (unsigned i = 0; i < 2; i++) {
		address[15] = (uint8_t)(i + 1);
		assert_int_equal(roce_port_ipv6(&ports[i], address, 64), 0);
	}
	meet_by(1);
	assert_int_equal(ports[0].asking.asked, 1);
	meet_by(2);
	assert_int_equal(ports[0].asking.asked, 2);
	assert_int_equal(ports[1].station6.counts[STATION6_SOLICITED], 2);
	assert_int_equal(ports[0].station6.counts[STATION6_ADVERTISED], 2);
	meet_by(0);
	pair_close(&pair);
}

static void an_ipv6_address_that_cannot_be_is_refused(void **state)
{
	static const uint8_t group[IB_GID_BYTES] = { 0xff, 2, [15] = 1 };
	static const uint8_t good[IB_GID_BYTES] = { 0xfd, [15] = 1 };

	(void)state;
	open_ports();
	assert_int_equal(roce_port_ipv6(&ports[0], group, 64), EINVAL);
	assert_int_equal(roce_port_ipv6(&ports[0], good, 0), EINVAL);
	assert_int_equal(roce_port_ipv6(&ports[0], good, 129), EINVAL);
	assert_int_equal(roce_port_ipv6(&ports[0], good, 128), 0);
	assert_int_equal(roce_port_ipv6(&ports[0], good, 64), 0);
	assert_int_equal(roce_port_ipv6(&ports[0], good, 64), ENOMEM);
	pair_close(&pair);
}

/* ---- What comes ---- */

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
		cmocka_unit_test(who_is_not_known_is_asked_for_and_then_sent_to),
		cmocka_unit_test(who_never_answers_is_asked_so_often_and_then_the_request_fails),
		cmocka_unit_test(who_is_silent_is_left_alone_for_a_while),
		cmocka_unit_test(while_it_is_asked_no_time_runs_for_what_waits),
		cmocka_unit_test(beyond_a_router_nobody_is_asked),
		cmocka_unit_test(a_port_may_be_told_not_to_ask),
		cmocka_unit_test(only_so_many_are_asked_for_at_once_but_all_in_the_end),
		cmocka_unit_test(datagrams_to_the_silent_are_lost_and_others_go),
		cmocka_unit_test(
			messages_go_by_ipv6_link_local_and_static_and_ask_for_whom_they_go_to),
		cmocka_unit_test(an_ipv6_address_that_cannot_be_is_refused),
		cmocka_unit_test(frames_for_others_and_damaged_ones_are_counted_and_change_nothing),
		cmocka_unit_test(lanes_show_as_priority_and_dscp),
		cmocka_unit_test(a_question_for_its_address_is_answered),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("roce_port", tests, NULL, NULL);
}
