/*
 * The short way against the long one: each step of two adapters, in whatever state and with whatever frame chance
 * makes, is done both ways from the same beginning, and leaves the same in every byte: adapter, queues, memory, port,
 * neighbours, and the frame sent.
 */
#include <inet/octets.h>

#include <ib/crc.h>
#include <ib/straight.h>

#include "long_port.h"
#include "verbs_pair.h"

#define STEPS    30000u
#define FRAME    2048u
#define FLYING   8u
#define MEMORY   4096u /* as much of each end's is used */
#define KNOWN    4u
#define US       PAIR_TICKS_US
#define FIRST    0xfffff8u
#define AT_CHECK (PLAIN_IP + 10)

/* What a step may change. */
struct state {
	struct pair_end end;
	struct roce_port port;
	struct neighbours table;
	struct neighbour slots[NEIGHBOURS_SLOTS(KNOWN)];
	uint8_t memory[MEMORY];
	uint8_t frame[FRAME];
	unsigned bytes;
	bool more;
};

static struct pair pair;
static struct roce_port ports[2];
static struct neighbour slots[2][NEIGHBOURS_SLOTS(KNOWN)];
static struct neighbours tables[2];
static struct {
	uint8_t bytes[FRAME];
	unsigned length; /* 0: free */
	unsigned to;
	uint64_t order;
} flying[FLYING];
static uint64_t launched;
static uint64_t seed;
static struct {
	unsigned sent, taken, acknowledged, long_sent, long_taken, refused;
} seen;
static const uint8_t macs[2][ROCE_MAC_BYTES] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

static uint32_t below(const uint32_t most)
{
	return (uint32_t)(unit_random(&seed) % most);
}

/* ---- The same step twice ---- */

static void keep(struct state *const state, const unsigned end)
{
	state->end = pair.ends[end];
	state->port = ports[end];
	state->table = tables[end];
	memcpy(state->slots, slots[end], sizeof(state->slots));
	memcpy(state->memory, pair.ends[end].memory, MEMORY);
}

static void restore(const struct state *const state, const unsigned end)
{
	pair.ends[end] = state->end;
	ports[end] = state->port;
	tables[end] = state->table;
	memcpy(slots[end], state->slots, sizeof(state->slots));
	memcpy(pair.ends[end].memory, state->memory, MEMORY);
}

static void same(const struct state *const one, const struct state *const other)
{
	assert_int_equal(one->bytes, other->bytes);
	assert_int_equal(one->more, other->more);
	assert_memory_equal(one->frame, other->frame, one->bytes);
	assert_memory_equal(&one->port, &other->port, sizeof(one->port));
	assert_memory_equal(&one->table, &other->table, sizeof(one->table));
	assert_memory_equal(one->slots, other->slots, sizeof(one->slots));
	assert_memory_equal(one->memory, other->memory, MEMORY);
	assert_memory_equal(one->end.qps, other->end.qps, sizeof(one->end.qps));
	assert_memory_equal(&one->end, &other->end, sizeof(one->end));
}

static void send_both_ways(const unsigned from, const unsigned room)
{
	static struct state before, one, other;
	const bool goes = straight_goes(&ports[from], pair.ends[from].qp, room);

	keep(&before, from);
	one.bytes = roce_port_packet(&ports[from], pair.now, 0xffff, one.frame, room, &one.more);
	keep(&one, from);
	restore(&before, from);
	other.bytes =
		long_port_packet(&ports[from], pair.now, 0xffff, other.frame, room, &other.more);
	keep(&other, from);
	same(&one, &other);
	seen.sent += other.bytes != 0 && goes;
	seen.long_sent += other.bytes != 0 && !goes;
	for (unsigned i = 0; i < FLYING && other.bytes != 0; i++)
		if (flying[i].length == 0) {
			memcpy(flying[i].bytes, other.frame, other.bytes);
			flying[i].length = other.bytes;
			flying[i].to = 1 - from;
			flying[i].order = launched++;
			break;
		}
}

static void take_both_ways(const unsigned to, const uint8_t *const frame, const unsigned bytes)
{
	static struct state before, one, other;
	struct straight straight;

	keep(&before, to);
	if (straight_comes(&ports[to], frame, bytes, &straight)) {
		seen.taken++;
		seen.acknowledged += straight.acknowledged != NULL;
	} else {
		seen.long_taken++;
	}
	one.bytes = roce_port_take(&ports[to], pair.now, frame, bytes, one.frame);
	keep(&one, to);
	restore(&before, to);
	other.bytes = long_port_take(&ports[to], pair.now, frame, bytes, other.frame);
	keep(&other, to);
	same(&one, &other);
	seen.refused += ports[to].refused[IB_ACCEPTED] == before.port.refused[IB_ACCEPTED];
}

/* ---- What happens ---- */

static void open_world(const unsigned with_folding)
{
	struct endpoint at = { .netmask = 0xffffff00, .port = 1 };

	pair_open(&pair, IBV_QPT_RC, IBV_MTU_256, FIRST);
	ib_crc_fold(with_folding != 0);
	memset(flying, 0, sizeof(flying));
	for (unsigned i = 0; i < 2; i++) {
		at.address = 0x0a090001 + i;
		memset(slots[i], 0, sizeof(slots[i]));
		tables[i] = (struct neighbours){ slots[i], NEIGHBOURS_SLOTS(KNOWN) / NEIGHBOUR_WAYS,
			0 };
		roce_port_open(&ports[i], &pair.ends[i].context, &tables[i], &at, macs[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		pair.ends[i].qp->attr.ah_attr.grh.dgid = pair.ends[1 - i].context.gids[0];
		roce_port_neighbour(&ports[i], pair.ends[1 - i].context.gids[0].raw, macs[1 - i]);
	}
}

/* Both begin anew when one of them has failed. */
static void reconnect(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ibv_qp *const qp = pair.ends[i].qp;
		struct ibv_qp_attr attr = pair_attributes(&pair, i, IBV_MTU_256, FIRST);

		attr.ah_attr.grh.dgid = pair.ends[1 - i].context.gids[0];
		attr.ah_attr.sl = (uint8_t)below(8);
		attr.ah_attr.grh.hop_limit = (uint8_t)below(3);
		ibv_modify_qp(qp, &(struct ibv_qp_attr){ .qp_state = IBV_QPS_RESET }, IBV_QP_STATE);
		assert_int_equal(pair_connect(qp, &attr), 0);
	}
	memset(flying, 0, sizeof(flying));
}

/* Mostly what is meant to go the short way, and few at once, so that one acknowledgement completes all of them. */
static void post(const unsigned from)
{
	struct pair_end *const end = &pair.ends[from];
	const enum ibv_wr_opcode opcode =
		below(32) != 0 ? IBV_WR_SEND : (enum ibv_wr_opcode)below(IBV_WR_OPCODES);
	const bool atomic = opcode >= IBV_WR_ATOMIC_CMP_AND_SWP;
	const bool within = opcode < IBV_WR_RDMA_READ && below(8) != 0;
	const unsigned flags =
		(within ? IBV_SEND_INLINE : 0) | (below(4) != 0 ? IBV_SEND_SIGNALED : 0) |
		(below(8) == 0 ? IBV_SEND_FENCE : 0) | (below(8) == 0 ? IBV_SEND_SOLICITED : 0);
	const uint32_t bytes = atomic ? 8 : below(within ? IBV_INLINE_MOST + 1 : 700);

	if (end->qp->requester.tail - end->qp->requester.head > below(4))
		return;
	pair_send(end, below(1000), opcode, flags, below(256), bytes,
		(uint64_t)(uintptr_t)pair.ends[1 - from].memory + 8 * below(64),
		pair.ends[1 - from].mr->rkey);
}

/* As a router or a liar would: changed, and its sums made right again. */
static void forge(uint8_t *const frame, const unsigned bytes)
{
	static const uint8_t opcodes[] = { 0x11, 0x04, 0x12, 0x24, 0x64, 0x81, 0x0d };
	const unsigned at = PLAIN_PACKET + below(20), where = below(8);

	if (where == 0)
		frame[PLAIN_PACKET] = opcodes[below(sizeof(opcodes))];
	else if (where == 1)
		octets_write16(frame + PLAIN_PACKET + 10, (uint16_t)below(0x10000));
	else if (where == 2)
		frame[PLAIN_IP + below(20)] ^= (uint8_t)(1u << below(8));
	else
		frame[at] ^= (uint8_t)(1u << below(8));
	octets_write16(frame + AT_CHECK, 0);
	octets_write16(frame + AT_CHECK,
		(uint16_t)~__builtin_bswap16((uint16_t)plain_fold(
			(uint64_t)plain_load32(frame + PLAIN_IP) +
			plain_load32(frame + PLAIN_IP + 4) + plain_load32(frame + PLAIN_IP + 8) +
			plain_load32(frame + PLAIN_IP + 12) +
			plain_load32(frame + PLAIN_IP + 16))));
	if (frame[PLAIN_IP] >> 4 == 4)
		roce_seal(frame + PLAIN_IP, bytes - PLAIN_IP - IB_ICRC_BYTES);
}

/* Lost, as it is, again, damaged, cut short, longer, or forged. */
static void arrive(const unsigned i)
{
	static uint8_t frame[FRAME];
	unsigned bytes = flying[i].length;
	const unsigned fate = below(64);

	if (bytes == 0)
		return;
	memcpy(frame, flying[i].bytes, bytes);
	if (fate != 0)
		flying[i].length = 0;
	if (fate == 1)
		return;
	if (fate == 2)
		frame[below(bytes)] ^= (uint8_t)(1u << below(8));
	if (fate == 3)
		bytes -= below(bytes);
	if (fate == 4)
		bytes += below(40);
	if (fate >= 5 && fate <= 8)
		forge(frame, bytes);
	take_both_ways(flying[i].to, frame, bytes);
}

/* Seldom one that overtakes. */
static unsigned oldest(void)
{
	unsigned found = below(FLYING);

	for (unsigned i = 0; i < FLYING && below(32) != 0; i++)
		if (flying[i].length != 0 &&
			(flying[found].length == 0 || flying[i].order < flying[found].order))
			found = i;
	return found;
}

/* What the program may change at any time. */
static void disturb(const unsigned end)
{
	struct roce_port *const port = &ports[end];
	struct ibv_qp *const qp = pair.ends[end].qp;

	switch (below(10)) {
	case 0:
		port->tagged = below(3) == 0;
		break;
	case 1:
		port->dscp_of_sl[below(8)] = (uint8_t)below(64);
		break;
	case 2:
		ibv_set_pkey(&pair.ends[end].context, 0, below(4) != 0 ? 0xffff : 0x7fff);
		break;
	case 3:
		port->recent = NULL;
		break;
	case 4:
		slots[end][below(NEIGHBOURS_SLOTS(KNOWN))].mac[5] ^= 1;
		break;
	case 5:
		qp->attr.ah_attr.grh.hop_limit = (uint8_t)below(3);
		break;
	case 6:
		ports[end].context->gids[0].raw[15] ^= below(8) == 0;
		break;
	case 7:
		pair.now += below(4000) * US;
		break;
	case 8:
		pair.ends[end].context.held = below(8) == 0;
		break;
	default:
		qp->requester.rnr_retries = (uint8_t)below(8);
		break;
	}
}

/* As it was at first. */
static void calm(const unsigned end)
{
	ports[end].tagged = false;
	ports[end].context->held = 0;
	ibv_set_pkey(ports[end].context, 0, IB_PKEY_DEFAULT);
	gid_from_ipv4(ports[end].context->gids[0].raw, 0x0a090001 + end);
}

static void drain(const unsigned end)
{
	struct ibv_wc wc[16];

	ibv_poll_cq(pair.ends[end].send_cq, 16, wc);
	ibv_poll_cq(pair.ends[end].recv_cq, 16, wc);
}

static void step(void)
{
	const unsigned end = below(2), what = below(64);

	pair.now += below(3);
	if (what < 7)
		post(end);
	else if (what < 14)
		pair_recv(
			&pair.ends[end], below(1000), 1024 + below(256), below(64) != 0 ? 700 : 40);
	else if (what < 38)
		send_both_ways(end, below(16) != 0 ? FRAME : below(FRAME));
	else if (what < 60)
		arrive(oldest());
	else if (what < 62)
		drain(end);
	else if (what < 63)
		calm(end);
	else if (below(4) == 0)
		disturb(end);
	if (pair.ends[end].qp->state != IBV_QPS_RTS || below(200) == 0)
		reconnect();
}

static void both_ways_leave_the_same(const unsigned with_folding)
{
	seed = 0x5eed + with_folding;
	memset(&seen, 0, sizeof(seen));
	open_world(with_folding);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	print_message("# short: %u sent, %u taken, %u of them completing; long: %u sent, %u taken; "
		      "%u refused\n",
		seen.sent, seen.taken, seen.acknowledged, seen.long_sent, seen.long_taken,
		seen.refused);
	assert_true(seen.sent > STEPS / 40 && seen.taken > STEPS / 40);
	assert_true(seen.acknowledged > STEPS / 400 && seen.long_sent > STEPS / 400);
	assert_true(seen.long_taken > STEPS / 400 && seen.refused > STEPS / 400);
	pair_close(&pair);
}

static void both_ways_leave_the_same_by_tables(void **state)
{
	(void)state;
	both_ways_leave_the_same(0);
}

static void both_ways_leave_the_same_by_multiplication(void **state)
{
	(void)state;
	both_ways_leave_the_same(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_leave_the_same_by_tables),
		cmocka_unit_test(both_ways_leave_the_same_by_multiplication),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("straight", tests, NULL, NULL);
}
