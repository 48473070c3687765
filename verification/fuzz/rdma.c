/*
 * A client of the rdma service that writes whatever it likes: requests of every kind with fields that are nearly right or
 * not at all, slots of its rings, and their counters. An input is a list of acts.
 *
 * What is claimed after each: its queue pairs and address handles have its SL and P_Key, its memory regions lie in what it
 * shares, and to be written only in `down`; nothing of the honest client has changed. And in the end the
 * honest client's message arrives. A claim that does not hold prints "claim:" and aborts.
 */
#include "../unit/rdma_world.h"
#include "fuzz.h"

#define BAD      0u
#define GOOD     1u
#define RUN_MOST 40u
#define PATIENCE 400000u
#define MESSAGE  500u

struct input {
	const uint8_t *at;
	size_t left;
};

static struct client honest;
static uint64_t honest_queue_pairs;

/* ---- What comes ---- */

static uint8_t byte(struct input *const input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

static void bytes_to(struct input *const input, void *const to, const size_t bytes)
{
	const size_t there = input->left < bytes ? input->left : bytes;

	memset(to, 0, bytes);
	memcpy(to, input->at, there);
	input->at += there;
	input->left -= there;
}

/* Something near an end of a range, or anything. */
static uint64_t near(struct input *const input, const uint64_t begin, const uint64_t end)
{
	const uint8_t choice = byte(input);
	uint64_t any;

	if (choice % 4 == 3) {
		bytes_to(input, &any, sizeof(any));
		return any;
	}
	return (choice & 4 ? begin : end) + (uint64_t)(int64_t)(int8_t)byte(input);
}

/* ---- Acts ---- */

static void mend_mr(struct input *const input, struct rdma_ask *const ask)
{
	ask->mr.area = byte(input) % 4;
	ask->mr.offset = near(input,
		ask->mr.area == RDMA_UP ? sizeof(struct rdma_up) : sizeof(struct rdma_down),
		ask->mr.area == RDMA_UP ? WORLD_UP : WORLD_DOWN);
	ask->mr.length = near(input, 0, 4096);
	ask->mr.iova = ask->mr.offset;
	ask->mr.access = byte(input) % 16;
}

static void mend_modify(struct input *const input, struct rdma_ask *const ask)
{
	ask->modify.attr.qp_state = (enum ibv_qp_state)(byte(input) % 8);
	ask->modify.mask |= IBV_QP_STATE;
	if (byte(input) % 2 == 0)
		ask->modify.mask = 0x1fffff;
	ask->modify.attr.ah_attr.sl = byte(input) % 8;
	ask->modify.attr.ah_attr.static_rate = byte(input) % 3;
	ask->modify.attr.ah_attr.is_global = 1;
	ask->modify.attr.pkey_index = byte(input) % 3;
}

static void act_ask(struct input *const input)
{
	struct rdma_ask ask = { .kind = byte(input) % (RDMA_KINDS + 1u) };
	struct rdma_tell tell;

	ask.object = byte(input) % 4 != 0 ? byte(input) % 3 : byte(input) % 20;
	bytes_to(input, ask.words, byte(input) % sizeof(ask.words));
	if (ask.kind == RDMA_MODIFY_QP) {
		mend_modify(input, &ask);
	} else if (ask.kind == RDMA_CREATE_AH) {
		ask.ah = world_address(byte(input) % 8);
		ask.ah.static_rate = byte(input) % 2;
	} else if (ask.kind == RDMA_CREATE_QP) {
		ask.qp.type = byte(input) % 6;
		ask.qp.send_cq = byte(input) % 10;
		ask.qp.recv_cq = ask.qp.send_cq;
	} else if (ask.kind == RDMA_LISTEN || ask.kind == RDMA_CONNECT) {
		ask.connect.port = 6995u + byte(input) % 30;
		ask.connect.gid = world.far.gids[0];
	}
	world_ask(BAD, &ask, &tell);
}

static void act_register(struct input *const input)
{
	struct rdma_ask ask = { .kind = RDMA_REG_MR, .object = byte(input) % 3 };
	struct rdma_tell tell;

	mend_mr(input, &ask);
	world_ask(BAD, &ask, &tell);
}

static void mend_sge(struct input *const input, struct ibv_sge *const sge)
{
	const struct world_client *const client = &world.clients[BAD];
	const struct ibv_mr *const mr = byte(input) % 2 ? client->up_mr : client->down_mr;

	sge->lkey = mr->lkey;
	sge->addr = near(input, mr->iova, mr->iova + mr->length);
	sge->length = byte(input) * 8u;
}

static void act_send(struct input *const input)
{
	struct rdma_up *const up = world.clients[BAD].up;
	const unsigned qp = byte(input) % 2;
	struct rdma_send *const slot = &up->send[qp][up->sends[qp] % RDMA_DEPTH];

	bytes_to(input, slot, byte(input) % sizeof(*slot));
	slot->opcode = byte(input) % 9;
	slot->sges = byte(input) % 72;
	slot->ah = byte(input) % 10;
	slot->remote_addr = (uint64_t)(uintptr_t)world.far_memory + byte(input);
	slot->rkey = byte(input) % 4 ? world.far_mr->rkey : slot->rkey;
	if (!(slot->flags & IBV_SEND_INLINE)) {
		slot->sges %= 6;
		for (unsigned i = 0; i < slot->sges && i < IBV_SGE_MOST; i++)
			mend_sge(input, &slot->sge[i]);
	}
	up->sends[qp]++;
}

static void act_recv(struct input *const input)
{
	struct rdma_up *const up = world.clients[BAD].up;
	const unsigned qp = byte(input) % 2;
	struct rdma_recv *const slot = &up->recv[qp][up->recvs[qp] % RDMA_DEPTH];

	bytes_to(input, slot, byte(input) % sizeof(*slot));
	slot->sges = byte(input) % 6;
	for (unsigned i = 0; i < IBV_SGE_MOST; i++)
		mend_sge(input, &slot->sge[i]);
	up->recvs[qp]++;
}

static void act_counter(struct input *const input)
{
	struct rdma_up *const up = world.clients[BAD].up;
	uint32_t *const counters[] = { up->sends, up->recvs, up->completions };

	counters[byte(input) % 3][byte(input) % RDMA_QPS] += (uint32_t)near(input, 0, RDMA_DEPTH);
}

static void act(struct input *const input)
{
	switch (byte(input) % 8) {
	case 0:
		act_ask(input);
		break;
	case 1:
		act_register(input);
		break;
	case 2:
	case 3:
		act_send(input);
		break;
	case 4:
		act_recv(input);
		break;
	case 5:
		act_counter(input);
		break;
	default:
		world_run(byte(input) % RUN_MOST);
		break;
	}
}

/* ---- What must hold ---- */

static void claim_lanes(const struct client *const client)
{
	for (unsigned i = 0; i < RDMA_QPS; i++) {
		const struct ibv_qp *const qp = client->qps[i].qp;

		if (qp == NULL)
			continue;
		claim(qp->attr.ah_attr.sl == client->grant->sl, "a queue pair has its client's SL");
		claim(qp->state == IBV_QPS_RESET || qp->attr.pkey_index == client->pkey_index ||
				qp->state == IBV_QPS_ERR,
			"a queue pair has its client's P_Key");
	}
	for (unsigned i = 0; i < RDMA_AHS; i++)
		claim(client->ahs[i] == NULL || client->ahs[i]->attr.sl == client->grant->sl,
			"an address handle has its client's SL");
}

static void claim_memory(const struct client *const client)
{
	const uint8_t *const up = (const uint8_t *)(client->shared.up + 1);
	const uint8_t *const down = (const uint8_t *)(client->shared.down + 1);
	const uint64_t room = WORLD_UP - sizeof(struct rdma_up);

	for (unsigned i = 0; i < RDMA_MRS; i++) {
		const struct ibv_mr *const mr = client->mrs[i];
		const uint8_t *const at = mr != NULL ? mr->addr : down;
		const uint64_t length = mr != NULL ? mr->length : 0;
		const bool above = at >= down && length <= room && at <= down + room - length;
		const bool below = at >= up && length <= room && at <= up + room - length;

		claim(above || below, "registered memory is shared");
		claim(above || (mr->access & ~IBV_ACCESS_REMOTE_READ) == 0,
			"what can only be read is registered to be read");
	}
}

static void claim_all(void)
{
	const struct client *const client = &world.service.clients[BAD];

	claim_lanes(client);
	claim_memory(client);
	claim(memcmp(&honest, &world.service.clients[GOOD], sizeof(honest)) == 0,
		"the honest client's objects are as they were");
	claim(world.lanes.owners[world.service.clients[GOOD].owner].queue_pairs ==
			honest_queue_pairs,
		"its queue pairs are its own");
	claim(world.tags[0][5] == 0 && world.tags[1][2] == 0 && world.tags[1][5] == 0,
		"nobody sends in the honest client's lane, or in none");
}

/* ---- The world, and the honest client's message ---- */

static void open_bad(void)
{
	struct world_client *const client = world_connect(BAD);
	struct ibv_qp_init_attr init = {
		.send_cq = client->cq, .recv_cq = client->cq, .qp_type = IBV_QPT_UD
	};
	struct ibv_ah_attr address = world_address((uint8_t)rdma_grant.sl);
	struct ibv_qp *const datagrams = rdma_create_qp(client->pd, &init);

	claim(datagrams != NULL && world_ready(datagrams, 0, &address) == 0 &&
			rdma_create_ah(client->pd, &address) != NULL,
		"the world opens");
}

static void send_honestly(void)
{
	struct world_client *const client = world_be(GOOD);
	struct ibv_sge to = { (uint64_t)(uintptr_t)world.far_memory, MESSAGE, world.far_mr->lkey };
	struct ibv_recv_wr *bad_recv, recv = { .sg_list = &to, .num_sge = 1 };
	uint64_t room;
	uint8_t *const up = rdma_up_memory(&room);
	struct ibv_sge from = { (uint64_t)(uintptr_t)up, MESSAGE, client->up_mr->lkey };
	struct ibv_send_wr *bad, wr = { .sg_list = &from,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED };
	struct ibv_wc wc;

	memset(up, 0x5a, MESSAGE);
	claim(ibv_post_recv(client->far, &recv, &bad_recv) == 0 &&
			rdma_post_send(client->qp, &wr, &bad) == 0 &&
			world_poll(client, &wc, PATIENCE) && wc.status == IBV_WC_SUCCESS,
		"the honest client's message arrives");
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t bytes)
{
	struct input input = { data, bytes };

	world_open();
	world_connect(GOOD);
	open_bad();
	honest = world.service.clients[GOOD];
	honest_queue_pairs = world.lanes.owners[honest.owner].queue_pairs;
	while (input.left != 0) {
		act(&input);
		claim_all();
	}
	world_run(RUN_MOST);
	claim_all();
	send_honestly();
	world_close();
	return 0;
}
