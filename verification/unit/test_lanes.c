/*
 * A port that several owners share: whose frame is next, who pays for it, and what is never sent.
 */
#include <errno.h>

#include <ib/lanes.h>

#include "verbs_pair.h"

#define OWNERS 3u
#define TICKS  1000000u /* a second */
#define RATE   200000u
#define BURST  4000u
#define BYTES  900u
#define PLENTY 100000000u
#define FAST   1000000000ull

static const struct time_rate clock_rate = { TICKS, 1 };
static struct pair pair;
NEIGHBOURS(known, 1);
static struct roce_port port;
static struct lanes lanes;
static struct ibv_qp *qps[OWNERS];
static uint8_t frame[LANES_FRAME_BYTES];
static uint64_t now;

static const uint8_t sls[OWNERS] = { 2, 5, 5 };
static const uint8_t macs[2][ROCE_MAC_BYTES] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

/* SL 2 on the high lane 1; SL 5 on lane 4, low; all others nowhere. */
static struct vlarb_tables tables_of_two(void)
{
	struct vlarb_tables tables = { .limit = VLARB_UNLIMITED };

	memset(tables.vl_of_sl, VLARB_MANAGEMENT, sizeof(tables.vl_of_sl));
	tables.vl_of_sl[2] = 1;
	tables.vl_of_sl[5] = 4;
	tables.high.entries[tables.high.count++] = (struct vlarb_entry){ 1, 32 };
	tables.low.entries[tables.low.count++] = (struct vlarb_entry){ 4, 32 };
	return tables;
}

static struct ibv_qp *create(const uint8_t sl, const uint8_t dgid[const IB_GID_BYTES])
{
	struct pair_end *const end = &pair.ends[0];
	struct ibv_qp_init_attr init = {
		.send_cq = end->send_cq, .recv_cq = end->recv_cq, .qp_type = IBV_QPT_UC
	};
	struct ibv_qp_attr attr = pair_attributes(&pair, 0, IBV_MTU_1024, 0);
	struct ibv_qp *const qp = ibv_create_qp(end->pd, &init);

	assert_non_null(qp);
	attr.ah_attr.sl = sl;
	memcpy(attr.ah_attr.grh.dgid.raw, dgid, IB_GID_BYTES);
	assert_int_equal(pair_connect(qp, &attr), 0);
	return qp;
}

static void begin(const uint64_t rate, const uint32_t burst)
{
	const struct vlarb_tables tables = tables_of_two();
	const struct endpoint at = { .address = 0x0a090001, .netmask = 0xffffff00, .port = 1 };
	uint8_t dgid[IB_GID_BYTES];

	now = 1000;
	pair_open(&pair, IBV_QPT_UC, IBV_MTU_1024, 0);
	memset(known_slots, 0, sizeof(known_slots));
	roce_port_open(&port, &pair.ends[0].context, &known, &at, macs[0]);
	gid_from_ipv4(dgid, 0x0a090002);
	assert_int_equal(roce_port_neighbour(&port, dgid, macs[1]), 0);
	assert_int_equal(
		lanes_open(&lanes, &port, &tables, &clock_rate, now, RATE, LANES_FRAME_BYTES), 0);
	for (unsigned i = 0; i < OWNERS; i++) {
		qps[i] = create(sls[i], dgid);
		assert_int_equal(lanes_owner(&lanes, sls[i], i == 1 ? rate : FAST,
					 i == 1 ? burst : PLENTY / 10, now),
			0);
		assert_int_equal(lanes_give(&lanes, i, qps[i]), 0);
	}
}

static void post(const unsigned owner)
{
	const struct pair_end *const end = &pair.ends[0];
	struct ibv_sge sge = { (uint64_t)(uintptr_t)end->memory, BYTES, end->mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };

	assert_int_equal(ibv_post_send(qps[owner], &wr, &bad), 0);
}

/* The next frame's bytes, whatever number of turns it takes. */
static unsigned next(void)
{
	unsigned bytes = 0;
	bool more = true;

	for (unsigned i = 0; i < 64 && more && bytes == 0; i++)
		bytes = lanes_next(&lanes, now, frame, &more);
	return bytes;
}

/* Whose: by the packet's source port, which tells the queue pair. */
static unsigned owner_of_frame(void)
{
	struct roce_frame roce;

	assert_int_equal(roce_decode(frame, sizeof(frame), &roce), IB_ACCEPTED);
	for (unsigned i = 0; i < OWNERS; i++)
		if (roce.path.source_port == (ROCE_SOURCE_PORT | (qps[i]->qp_num & 0x3fff)))
			return i;
	return OWNERS;
}

static void who_has_no_owner_sends_nothing(void **state)
{
	(void)state;
	begin(FAST, PLENTY / 10);
	post(0);
	lanes_take_back(&lanes, qps[0]);
	assert_int_equal(next(), 0);
	assert_int_equal(lanes_give(&lanes, 1, qps[0]), EPERM); /* of another SL */
	assert_int_equal(lanes_give(&lanes, 0, qps[0]), 0);
	assert_int_not_equal(next(), 0);
	assert_int_equal(lanes.owners[0].frames, 1);
	assert_int_equal(lanes.owners[0].bytes, lanes.bytes[1]);
	pair_close(&pair);
}

static void the_high_lane_goes_first(void **state)
{
	(void)state;
	begin(FAST, PLENTY / 10);
	for (unsigned i = 0; i < 4; i++)
		post(2);
	assert_int_not_equal(next(), 0);
	assert_int_equal(owner_of_frame(), 2);
	post(0);
	assert_int_not_equal(next(), 0);
	assert_int_equal(owner_of_frame(), 0);
	assert_int_not_equal(next(), 0);
	assert_int_equal(owner_of_frame(), 2);
	pair_close(&pair);
}

static void an_owner_sends_at_most_its_share_and_holds_nobody_else(void **state)
{
	uint64_t sent[OWNERS] = { 0 }, begun;

	(void)state;
	begin(RATE, BURST);
	begun = now;
	for (unsigned turn = 0; turn < 20000; turn++) {
		unsigned bytes;

		for (unsigned i = 1; i < OWNERS; i++)
			if (qps[i]->requester.tail - qps[i]->requester.head < 4)
				post(i);
		now += 50;
		bytes = next();
		if (bytes != 0)
			sent[owner_of_frame()] += bytes;
		assert_true(sent[1] <= BURST + RATE * (now - begun) / TICKS);
	}
	assert_true(sent[1] + 2 * LANES_FRAME_BYTES >= RATE * (now - begun) / TICKS);
	assert_true(sent[2] > 10 * sent[1]);
	assert_int_equal(sent[1], lanes.owners[1].bytes);
	assert_int_equal(sent[1] + sent[2], lanes.bytes[4]);
	pair_close(&pair);
}

static void lane_15_is_before_all_pays_and_loses_what_does_not_fit(void **state)
{
	static const uint8_t arp[600] = { 0xff };
	bool more;

	(void)state;
	begin(FAST, PLENTY / 10);
	post(0);
	for (unsigned i = 0; i < LANES_MANAGEMENT; i++)
		assert_true(lanes_manage(&lanes, arp, sizeof(arp)));
	assert_false(lanes_manage(&lanes, arp, sizeof(arp)));
	assert_false(lanes_manage(&lanes, arp, LANES_FRAME_BYTES + 1));
	assert_false(lanes_manage(&lanes, arp, 0));
	assert_int_equal(lanes.lost, 3);
	assert_int_equal(lanes_next(&lanes, now, frame, &more), sizeof(arp));
	assert_int_equal(lanes_next(&lanes, now, frame, &more), sizeof(arp));
	/* Its bucket is empty now: the others go on. */
	assert_int_not_equal(next(), sizeof(arp));
	assert_int_equal(owner_of_frame(), 0);
	assert_int_equal(next(), 0);
	now += TICKS;
	assert_int_equal(next(), sizeof(arp));
	assert_int_equal(lanes.managed, 3);
	pair_close(&pair);
}

static void frames_are_marked_with_their_lane(void **state)
{
	struct roce_frame roce;

	(void)state;
	begin(FAST, PLENTY / 10);
	port.tagged = true;
	port.pcp_of_sl[2] = 6;
	port.dscp_of_sl[2] = 46;
	port.pcp_of_sl[5] = 1;
	port.dscp_of_sl[5] = 10;
	post(0);
	post(1);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_not_equal(next(), 0);
		assert_int_equal(roce_decode(frame, sizeof(frame), &roce), IB_ACCEPTED);
		assert_int_equal(owner_of_frame(), i);
		assert_int_equal(roce.path.tag >> 13, i == 0 ? 6 : 1);
		assert_int_equal(roce.path.traffic_class >> 2, i == 0 ? 46 : 10);
	}
	pair_close(&pair);
}

static void shares_that_cannot_be_are_refused(void **state)
{
	struct vlarb_tables tables = tables_of_two();

	(void)state;
	begin(FAST, PLENTY / 10);
	assert_int_equal(lanes_owner(&lanes, 3, RATE, BURST, now), EINVAL); /* on no lane */
	assert_int_equal(lanes_owner(&lanes, 16, RATE, BURST, now), EINVAL);
	assert_int_equal(lanes_owner(&lanes, 2, 0, BURST, now), EINVAL);
	assert_int_equal(lanes_owner(&lanes, 2, RATE, LANES_FRAME_BYTES - 1, now), EINVAL);
	assert_int_equal(lanes.owner_count, OWNERS);
	for (unsigned i = OWNERS; i < LANES_OWNERS; i++)
		assert_int_equal(lanes_owner(&lanes, 2, RATE, BURST, now), 0);
	assert_int_equal(lanes_owner(&lanes, 2, RATE, BURST, now), ENOMEM);
	tables.low.entries[0].weight = 0;
	assert_int_equal(lanes_open(&lanes, &port, &tables, &clock_rate, now, RATE, BURST), 0);
	assert_int_equal(
		lanes_owner(&lanes, 5, RATE, BURST, now), EINVAL); /* a lane without weight */
	assert_int_equal(lanes_open(&lanes, &port, &tables, &clock_rate, now, RATE, 100), EINVAL);
	tables.low.entries[0].vl = VLARB_MANAGEMENT;
	assert_int_equal(lanes_open(&lanes, &port, &tables, &clock_rate, now, RATE, BURST), EINVAL);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_no_owner_sends_nothing),
		cmocka_unit_test(the_high_lane_goes_first),
		cmocka_unit_test(an_owner_sends_at_most_its_share_and_holds_nobody_else),
		cmocka_unit_test(lane_15_is_before_all_pays_and_loses_what_does_not_fit),
		cmocka_unit_test(frames_are_marked_with_their_lane),
		cmocka_unit_test(shares_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
