/*
 * A message of 64 bytes through the rdma service, `argument` times: a client posts it into its ring, the service sends
 * its frame and takes the acknowledgement in two turns, and the client polls the completion. The other side is another
 * adapter, and not in the measured functions (measured_...). Two clients, one of which says nothing; frames with a tag,
 * handed over: the card is not there. Prints the frames of one message.
 */
#include <ib/crc.h>

#include "rdma_talk.h"

#define MEASURED __attribute__((noipa)) static

#define BYTES   64u
#define STEP_US 1000u /* between messages, in which the client's bucket fills */

static struct world_client *client;
static uint8_t *memory;
static struct {
	uint8_t bytes[LANES_FRAME_BYTES];
	unsigned length; /* 0: none */
} sent, answer;
static uint8_t reply[LANES_FRAME_BYTES];
static unsigned frames;

/* ---- What is measured ---- */

MEASURED int measured_post(void)
{
	struct ibv_sge sge = { (uint64_t)(uintptr_t)memory, BYTES, client->up_mr->lkey };
	struct ibv_send_wr *bad, wr;

	wr.wr_id = BYTES;
	wr.next = NULL;
	wr.sg_list = &sge;
	wr.num_sge = 1;
	wr.opcode = IBV_WR_SEND;
	wr.send_flags = IBV_SEND_SIGNALED | IBV_SEND_INLINE;
	return rdma_post_send(client->qp, &wr, &bad);
}

MEASURED int measured_poll(struct ibv_wc *const wc)
{
	return rdma_poll_cq(client->cq, 1, wc);
}

/* As turn in partitions/rdma/rdma.c: one frame at most is there each time, and no request. */
MEASURED void measured_turn(void)
{
	bool more = true;

	if (answer.length != 0)
		roce_port_take(&world.port, world.now, answer.bytes, answer.length, reply);
	service_connections(&world.service, world.now);
	for (unsigned i = 0; i < WORLD_CLIENTS; i++)
		service_rings(&world.service, i);
	sent.length = lanes_next(&world.lanes, world.now, sent.bytes, &more);
}

/* ---- Around it ---- */

static void take(void)
{
	bool more;

	assert_int_not_equal(sent.length, 0);
	frames++;
	roce_port_take(&world.far_port, world.now, sent.bytes, sent.length, reply);
	answer.length = roce_port_next(
		&world.far_port, world.now, 0xffff, answer.bytes, sizeof(answer.bytes), &more);
	assert_int_not_equal(answer.length, 0);
	frames++;
}

static void cycle(const uint32_t seed)
{
	struct ibv_wc wc;

	frames = 0;
	world.now += STEP_US * (WORLD_TICKS / 1000000u);
	talk_fill(memory, BYTES, seed);
	talk_far_recv(client);
	answer.length = 0;
	assert_int_equal(measured_post(), 0);
	measured_turn();
	take();
	measured_turn();
	assert_int_equal(sent.length, 0);
	assert_int_equal(measured_poll(&wc), 1);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_memory_equal(world.far_memory, memory, BYTES);
	assert_int_equal(ibv_poll_cq(world.far_cq, 1, &wc), 1);
}

int main(const int count, char **const arguments)
{
	const uint64_t messages = count > 1 ? strtoull(arguments[1], NULL, 0) : 1;
	uint64_t room;

	ib_crc_fold(true);
	world_open();
	client = world_connect(0);
	world_run(10);
	memory = rdma_up_memory(&room);
	for (uint64_t i = 0; i < messages; i++)
		cycle((uint32_t)i);
	printf("\"frames\": %u", frames);
	world_close();
	return 0;
}
