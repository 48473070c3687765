/*
 * What the rdma service's clients and the other side say to each other in tests. See rdma_talk.h.
 */
#include "rdma_talk.h"

struct ibv_wc talk_wc;

void talk_fill(uint8_t *const to, const uint32_t bytes, const uint32_t seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(seed * 7u + i * 13u + (i >> 8));
}

int talk_post(struct world_client *const client, const enum ibv_wr_opcode opcode,
	const unsigned flags, const void *const at, const uint32_t bytes,
	const struct ibv_mr *const mr)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)at, bytes, mr->lkey };
	struct ibv_send_wr *bad, wr = { .wr_id = bytes,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = flags | IBV_SEND_SIGNALED };

	wr.wr.rdma.remote_addr = (uint64_t)(uintptr_t)world.far_memory;
	wr.wr.rdma.rkey = world.far_mr->rkey;
	return rdma_post_send(client->qp, &wr, &bad);
}

void talk_await(struct world_client *const client, const enum ibv_wc_status status)
{
	assert_true(world_poll(client, &talk_wc, PATIENCE_US));
	assert_string_equal(ibv_wc_status_str(talk_wc.status), ibv_wc_status_str(status));
}

void talk_far_recv(const struct world_client *const client)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)world.far_memory, WORLD_FAR,
		world.far_mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	assert_int_equal(ibv_post_recv(client->far, &wr, &bad), 0);
}

void talk_far_send(const struct world_client *const client, const enum ibv_wr_opcode opcode,
	const uint32_t bytes)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)world.far_memory, bytes, world.far_mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = opcode, .send_flags = IBV_SEND_SIGNALED
	};

	wr.wr.rdma.remote_addr = client->down_mr->iova + 4096;
	wr.wr.rdma.rkey = client->down_mr->rkey;
	assert_int_equal(ibv_post_send(client->far, &wr, &bad), 0);
}

uint64_t talk_refused(const unsigned client, const enum rdma_refusal why)
{
	return world.service.clients[client].refused[why];
}

/* One message out, as it was. */
void talk_send_one(struct world_client *const client, const uint32_t bytes, const uint32_t seed)
{
	uint64_t room;
	uint8_t *const up = rdma_up_memory(&room);

	talk_fill(up, bytes, seed);
	talk_far_recv(client);
	assert_int_equal(talk_post(client, IBV_WR_SEND, 0, up, bytes, client->up_mr), 0);
	talk_await(client, IBV_WC_SUCCESS);
	assert_int_equal(talk_wc.wr_id, bytes);
	assert_int_equal(talk_wc.sl, 0);
	assert_memory_equal(world.far_memory, up, bytes);
}
