/*
 * Fuzzing of the connection manager: datagrams of queue pair 1, right and wrong, into a table with connections of every
 * state, among which a program accepts, rejects, connects, disconnects and gives up.
 *
 * Properties, beside the sanitizers': a datagram changes one connection at most, and that one is new, over, or of the
 * datagram's sender; queue pairs of all others stay; it is counted once, and answered once at most; numbers of two
 * connections are never the same; who is neither asked nor answered gets through all its repetitions to an end.
 *
 * An input is a row of records: kind, whom it is about, what to repair, what the program does, then what the message
 * says, from which the repairs take what a stranger cannot know.
 */
#include <string.h>

#include <ib/connection.h>
#include <ib/engine.h>
#include <ib/gid.h>

#include "fuzz.h"

#define TABLE        4u
#define QPS          6u
#define RECORD       6u
#define BODY         64u /* bytes of a message that an input says; the others are 0 */
#define TICKS_US     10u
#define ENDS_MOST    2000u /* steps until all is over */
#define REPAIR_ID    0x01u /* the number of the connection it is about */
#define REPAIR_PEER  0x02u /* and the peer's */
#define REPAIR_FROM  0x04u /* and comes from its peer */
#define REPAIR_QP    0x08u
#define REPAIR_REQ   0x10u /* what a request has to say */
#define REPAIR_AGAIN 0x20u /* by the number that it asked with before */

static const struct time_rate rate = { TICKS_US * 1000000ull, 1 };
IBV_POOLS(pools, 1, 2, CONNECTION_SENDS, 2, 32, QPS + 1, 16, 16);
CONNECTIONS(table, TABLE);

static struct ibv_context context;
static struct ibv_pd *pd;
static struct ibv_cq *cq;
static struct ibv_qp *queue_pairs[QPS];
static struct connection before[TABLE];
static struct ibv_qp qps_before[QPS];
static uint64_t now, datagrams, events[CONNECTION_DATAGRAM_ANSWER + 1];
static const union ibv_gid own = { .raw = { 0xfd, [15] = 1 } };
static const union ibv_gid peers[2] = { { .raw = { 0xfd, [15] = 2 } },
	{ .raw = { 0xfd, [15] = 3 } } };

static void tell(void)
{
	fprintf(stderr, "datagrams: %llu", (unsigned long long)datagrams);
	for (unsigned i = 1; i <= CONNECTION_DATAGRAM_ANSWER; i++)
		fprintf(stderr, " %llu", (unsigned long long)events[i]);
	fputc('\n', stderr);
}

static void set_up(void)
{
	static const struct connection_range ranges[] = { { 1, 9 },
		{ CONNECTION_TCP(1), CONNECTION_TCP(9) } };
	static const struct connection_owner owner = { ranges, 2 };
	static uint32_t life;
	struct connections_setup setup = { .context = &context,
		.owners = &owner,
		.owner_count = 1,
		.response_timeout = 4,
		.retries = 3,
		.life = ++life };
	struct ibv_qp_init_attr init = { .qp_type = IBV_QPT_RC };

	if (now == 0)
		atexit(tell);
	now = 1;
	claim(ibv_open(&context, &pools, &rate) == 0, "an adapter opens");
	context.gids[0] = own;
	setup.pd = pd = ibv_alloc_pd(&context);
	init.send_cq = init.recv_cq = cq = ibv_create_cq(&context, 32, NULL);
	for (unsigned i = 0; i < QPS; i++) {
		init.qp_type = i == QPS - 1 ? IBV_QPT_UC : IBV_QPT_RC;
		queue_pairs[i] = ibv_create_qp(pd, &init);
	}
	claim(connections_open(&table, &setup) == CONNECTION_GOOD, "a table opens");
	claim(connection_listen(&table, 0, 1, 9) == CONNECTION_GOOD &&
			connection_listen(&table, 0, ranges[1].first, ranges[1].last) ==
				CONNECTION_GOOD,
		"and listens");
}

static bool is_in_use(const struct ibv_qp *const qp)
{
	for (unsigned i = 0; i < TABLE; i++)
		if (table.pool[i].state != CONNECTION_FREE && table.pool[i].qp == qp)
			return true;
	return false;
}

/* One that no connection has, in RESET; NULL: there is none. */
static struct ibv_qp *spare(const enum ibv_qp_type type)
{
	static const struct ibv_qp_attr reset = { .qp_state = IBV_QPS_RESET };

	for (unsigned i = 0; i < QPS; i++)
		if (queue_pairs[i]->qp_type == type && !is_in_use(queue_pairs[i])) {
			ibv_modify_qp(queue_pairs[i], &reset, IBV_QP_STATE);
			return queue_pairs[i];
		}
	return NULL;
}

static void judge_table(void)
{
	for (unsigned i = 0; i < TABLE; i++) {
		const struct connection *const c = &table.pool[i];

		claim(c->state <= CONNECTION_TIMEWAIT, "a state is one");
		if (c->state == CONNECTION_FREE)
			continue;
		claim(c->local_id % CONNECTIONS_MOST == i, "a number names its place");
		claim(c->retries <= table.setup.retries && c->patience <= table.setup.retries,
			"nothing is said more often than set up");
		claim(c->due == IBV_NEVER || c->due >= table.earliest,
			"no time ends before the earliest one");
		claim(c->state != CONNECTION_ESTABLISHED || c->qp->state == IBV_QPS_RTS ||
				c->qp->state == IBV_QPS_ERR,
			"who is connected has a queue pair in RTS");
	}
	claim(table.gsi->state == IBV_QPS_RTS, "queue pair 1 goes on");
}

static void remember(void)
{
	memcpy(before, table.pool, sizeof(before));
	for (unsigned i = 0; i < QPS; i++)
		qps_before[i] = *queue_pairs[i];
}

static bool is_of(const struct connection *const c, const union ibv_gid *const from)
{
	return gid_same(c->address.grh.dgid.raw, from->raw);
}

/* What a datagram from there may have changed. */
static void judge_change(const union ibv_gid *const from)
{
	unsigned changed = 0;

	for (unsigned i = 0; i < TABLE; i++) {
		const struct connection *const was = &before[i];

		if (memcmp(was, &table.pool[i], sizeof(*was)) == 0)
			continue;
		changed++;
		claim(was->state == CONNECTION_FREE || was->state == CONNECTION_TIMEWAIT ||
				is_of(was, from),
			"a stranger changes nothing");
	}
	claim(changed <= 1, "a datagram changes one connection");
	for (unsigned i = 0; i < QPS; i++) {
		bool may = false;

		for (unsigned c = 0; c < TABLE; c++)
			may |= before[c].state != CONNECTION_FREE &&
			       before[c].qp == queue_pairs[i] &&
			       memcmp(&before[c], &table.pool[c], sizeof(before[c])) != 0;
		claim(may || memcmp(&qps_before[i], queue_pairs[i], sizeof(qps_before[i])) == 0,
			"queue pairs of others stay");
	}
}

static uint64_t counted(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < CONNECTION_DROPS; i++)
		sum += table.received[i];
	return sum;
}

/* What the program does about it. */
static void react(const struct connection_event *const event, const uint8_t act)
{
	static const struct connection_parameters good = { .responder_resources = 4,
		.initiator_depth = 4,
		.retry_count = 3,
		.rnr_retry_count = 3,
		.access = IBV_ACCESS_REMOTE_READ };
	struct connection *const c = event->connection;
	struct ibv_qp *qp;

	claim((unsigned)event->kind <= CONNECTION_DATAGRAM_ANSWER, "an event is one");
	events[event->kind]++;
	if (event->kind == CONNECTION_EVENT_NONE)
		return;
	claim(c >= table.pool && c < table.pool + TABLE, "an event is of a connection");
	if (event->kind == CONNECTION_REQUEST && (act & 3) == 0) {
		connection_reject(c, now, CM_REJECT_CONSUMER, "no", 3);
	} else if (event->kind == CONNECTION_REQUEST && (act & 3) != 1) {
		qp = spare(c->transport == CM_TRANSPORT_UC ? IBV_QPT_UC : IBV_QPT_RC);
		if (qp != NULL)
			connection_accept(c, now, qp, &good);
	} else if (event->kind == CONNECTION_DATAGRAM_REQUEST && (act & 3) != 1) {
		connection_answer(c, now, act & 1, NULL, NULL, 0);
	}
}

/* The program, on its own. */
static void act_freely(const uint8_t act, const unsigned who)
{
	struct connection *const c = &table.pool[who];
	struct connection_target target = { .gid = peers[act & 1],
		.service_id = act & 8 ? 5 : CONNECTION_TCP(5) };
	const struct connection_parameters parameters = { .responder_resources = 1,
		.retry_count = 1 };
	enum connection_error error;
	struct ibv_qp *qp;

	switch (act >> 4) {
	case 1:
	case 2:
		qp = spare(IBV_QPT_RC);
		if (qp != NULL)
			connection_connect(&table, now, qp, &target, &parameters, &error);
		break;
	case 3:
		connection_disconnect(c, now);
		break;
	case 4:
		connection_abandon(c, now);
		break;
	case 5:
		connection_ask(&table, now, &target, NULL, 0, &error);
		break;
	case 6:
		now += 1000 * TICKS_US;
		break;
	default:
		break;
	}
}

static void transmit(void)
{
	static uint8_t payload[IB_MTU_MOST];
	struct ibv_departure departure;

	for (unsigned i = 0; i < 2 * CONNECTION_SENDS; i++) {
		struct cm_message message;

		if (!ibv_next(&context, now, 0xffff, &departure))
			return;
		if (departure.packet.bth.destination != IB_QPN_GSI)
			continue;
		ibv_gather(&departure, payload);
		claim(departure.packet.payload_bytes == MAD_BYTES &&
				cm_decode(payload, MAD_BYTES, &message) == IB_ACCEPTED,
			"what is said can be understood");
	}
}

static void poll_all(const uint8_t act)
{
	struct connection_event event;

	for (unsigned i = 0; i < 4 * TABLE && connections_poll(&table, now, &event); i++)
		react(&event, act);
	transmit();
	judge_table();
}

static void receive(
	const struct cm_message *const message, const union ibv_gid *const from, const uint8_t act)
{
	uint8_t grh[IBV_GRH_BYTES] = { 0x60 }, data[MAD_BYTES];
	const struct ibv_arrival arrival = { .grh = grh, .source = *from };
	const struct ib_packet packet = {
		.bth = { .opcode = IB_TRANSPORT_UD | IB_OP_SEND_ONLY,
			.pkey = IB_PKEY_DEFAULT,
			.destination = IB_QPN_GSI },
		.deth = { IB_QKEY_GSI, IB_QPN_GSI },
		.payload = data,
		.payload_bytes = MAD_BYTES,
	};
	struct connection_event event;
	const uint64_t sum = counted(), sent = table.sent + table.lost;

	if (!cm_encode(message, data))
		return;
	gid_copy(grh + 8, from->raw);
	gid_copy(grh + 24, own.raw);
	claim(ibv_receive(&context, now, &arrival, &packet) == IBV_DROP_NONE,
		"a datagram is taken");
	remember();
	claim(connections_poll(&table, now, &event), "and looked at");
	datagrams++;
	claim(counted() == sum + 1, "it is counted once");
	claim(table.sent + table.lost <= sent + 1, "it is answered once at most");
	judge_change(from);
	react(&event, act);
}

/* What a stranger cannot know. The numbers are at the same place in all messages but REQ and SIDR. */
static void repair(struct cm_message *const m, const uint8_t what, const unsigned who)
{
	const struct connection *const c = &table.pool[who];
	const uint16_t kind = m->header.attribute;

	if (kind == CM_REQ) {
		if (what & REPAIR_REQ) {
			m->req.service_id =
				m->req.service_id % 10 | (what & REPAIR_QP ? CONNECTION_TCP(0) : 0);
			m->req.transport &= 1;
			m->req.pkey = IB_PKEY_DEFAULT;
			m->req.mtu = 1 + m->req.mtu % 3;
			gid_copy(m->req.primary.local_gid, peers[what & REPAIR_PEER ? 1 : 0].raw);
			gid_copy(m->req.primary.remote_gid, own.raw);
		}
		if (what & REPAIR_AGAIN)
			m->req.local_id = c->remote_id;
		return;
	}
	if (kind == CM_SIDR_REQ || kind == CM_SIDR_REP) {
		m->sidr_req.request_id =
			what & REPAIR_ID ? c->local_id : m->sidr_req.request_id % 4;
		if (kind == CM_SIDR_REQ)
			m->sidr_req.service_id %= 12;
		return;
	}
	if (what & REPAIR_ID)
		m->rtu.remote_id = c->local_id;
	if (what & REPAIR_PEER && c->remote_id != 0)
		m->rtu.local_id = c->remote_id;
	if (kind == CM_DREQ && what & REPAIR_QP)
		m->dreq.remote_qpn = c->qp_num;
	if (kind == CM_REP && what & REPAIR_QP)
		m->rep.responder_resources %= 20;
}

static void step(const uint8_t *const record, const unsigned body_bytes)
{
	const unsigned who = record[1] % TABLE;
	const uint8_t what = record[2];
	const struct connection *const c = &table.pool[who];
	const union ibv_gid *from = &peers[what & REPAIR_PEER ? 1 : 0];
	union ibv_gid its;
	uint8_t data[MAD_BYTES] = { 0 };
	struct cm_message message;

	act_freely(record[3], who);
	memcpy(data + MAD_HEADER_BYTES, record + RECORD, body_bytes);
	memset(&message, 0, sizeof(message));
	cm_header(&message.header, (enum cm_attribute)(CM_REQ + record[0] % 9), record[4]);
	mad_header_encode(&message.header, data);
	if (cm_decode(data, MAD_BYTES, &message) != IB_ACCEPTED)
		return;
	if (what & REPAIR_FROM && c->state != CONNECTION_FREE) {
		its = c->address.grh.dgid;
		from = &its;
		if (message.header.attribute == CM_REQ)
			gid_copy(message.req.primary.local_gid, its.raw);
	}
	repair(&message, what, who);
	receive(&message, from, record[3]);
	now += record[5];
	poll_all(record[3]);
}

/* Nobody says anything any more: what does not wait for the program comes to its end. */
static void end_all(void)
{
	unsigned steps = 0;

	for (unsigned i = 0; i < TABLE; i++)
		if (table.pool[i].due == IBV_NEVER)
			connection_abandon(&table.pool[i], now);
	while (connections_deadline(&table) != IBV_NEVER && steps++ < ENDS_MOST) {
		if (connections_deadline(&table) > now)
			now = connections_deadline(&table);
		poll_all(1);
		for (unsigned i = 0; i < TABLE; i++)
			if (table.pool[i].state != CONNECTION_FREE &&
				table.pool[i].due == IBV_NEVER)
				connection_abandon(&table.pool[i], now);
	}
	for (unsigned i = 0; i < TABLE; i++)
		claim(table.pool[i].state == CONNECTION_FREE, "everything ends");
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	size_t at = 0;

	set_up();
	while (at + RECORD <= size) {
		const size_t left = size - at - RECORD;
		const unsigned bytes = (unsigned)(left < BODY ? left : BODY);

		step(data + at, bytes);
		at += RECORD + bytes;
	}
	end_all();
	return 0;
}

/* ---- The mutator ---- */

/* Messages in an order that leads somewhere, more often than not. */
static size_t append(uint8_t *const data, const size_t size, const size_t most)
{
	static const uint8_t kinds[] = { 0, 0, 2, 3, 3, 4, 4, 5, 6, 1, 7, 8, 8 };

	if (size + RECORD + BODY > most)
		return size;
	data[size] = kinds[pick(sizeof(kinds))];
	data[size + 1] = (uint8_t)pick(TABLE);
	data[size + 2] = (uint8_t)(pick(8) == 0 ? pick(256) : (0x1f | pick(2) << 5));
	data[size + 3] = (uint8_t)(pick(256));
	data[size + 4] = (uint8_t)pick(256);
	data[size + 5] = (uint8_t)(pick(4) == 0 ? pick(256) : 1);
	for (unsigned i = 0; i < BODY; i++)
		data[size + RECORD + i] = (uint8_t)(pick(3) == 0 ? pick(256) : pick(4));
	return size + RECORD + BODY;
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, size_t size, const size_t most, const unsigned seed)
{
	random_begin(seed);
	if (pick(4) == 0)
		return LLVMFuzzerMutate(data, size, most);
	for (unsigned i = 1 + pick(4); i != 0; i--)
		size = append(data, size, most);
	if (size > RECORD && pick(3) == 0)
		data[pick((unsigned)size)] ^= (uint8_t)(1u << pick(8));
	return size == 0 ? LLVMFuzzerMutate(data, size, most) : size;
}
