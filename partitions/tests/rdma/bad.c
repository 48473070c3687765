/*
 * The bad client: it asks for what it was not granted, sends as much as it can for flood-ns, and scribbles over its
 * rings. What was refused is to be refused, counted, and to have no other effect.
 */
#include <errno.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "client.h"

#define FLOOD_NS    150000000ull
#define FLOOD_BYTES 4000u
#define OTHER_SL    2u
#define OTHERS_PORT 7000u /* alpha's */
#define OWN_PORT    7010u
#define FAST        3u /* 10 Gbit/s */

static uint8_t foreign[64];

static uint64_t counted(const enum rdma_refusal why)
{
	uint64_t refused[RDMA_REFUSALS] = { 0 };

	rdma_counters(refused);
	return refused[why];
}

static bool refuses_lanes(void)
{
	struct ibv_ah_attr address = client_address();
	struct ibv_qp_init_attr init = {
		.send_cq = client.cq, .recv_cq = client.cq, .qp_type = IBV_QPT_RC
	};
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_INIT, .ah_attr = address };
	struct ibv_qp *const qp = ibv_create_qp(client.pd, &init);
	bool good = qp != NULL;

	address.sl = attr.ah_attr.sl = OTHER_SL;
	good = good && ibv_create_ah(client.pd, &address) == NULL;
	good = good && ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV) == EPERM;
	return good && ibv_destroy_qp(qp) == 0 && counted(RDMA_REFUSED_SL) == 2;
}

static bool refuses_rates(void)
{
	struct ibv_ah_attr address = client_address();

	address.static_rate = FAST;
	return ibv_create_ah(client.pd, &address) == NULL && counted(RDMA_REFUSED_RATE) == 1;
}

/* Its own, the rings, and behind what it shares: the next partition's, perhaps. */
static bool refuses_memory(void)
{
	uint64_t bytes;
	const uint8_t *const up = rdma_up_memory(&bytes);

	return ibv_reg_mr(client.pd, foreign, sizeof(foreign), 0) == NULL &&
	       ibv_reg_mr(client.pd, client.link.up, 64, 0) == NULL &&
	       ibv_reg_mr(client.pd, up + bytes - 63, 64, 0) == NULL &&
	       ibv_reg_mr(client.pd, client.link.down, 64, IBV_ACCESS_LOCAL_WRITE) == NULL &&
	       ibv_reg_mr(client.pd, up, 64, IBV_ACCESS_LOCAL_WRITE) == NULL &&
	       counted(RDMA_REFUSED_MEMORY) == 5;
}

static bool refuses_queue_pairs(void)
{
	struct ibv_qp_init_attr init = {
		.send_cq = client.cq, .recv_cq = client.cq, .qp_type = IBV_QPT_RC
	};
	struct ibv_qp *const third = ibv_create_qp(client.pd, &init);
	bool good = third != NULL && ibv_create_qp(client.pd, &init) == NULL;

	good = good && ibv_destroy_qp(third) == 0 && counted(RDMA_REFUSED_QUOTA) == 1;
	init.qp_type = IBV_QPT_GSI;
	return good && ibv_create_qp(client.pd, &init) == NULL && counted(RDMA_REFUSED_GSI) == 1;
}

static bool refuses_services(void)
{
	return rdma_listen(OTHERS_PORT) == EPERM && counted(RDMA_REFUSED_SERVICE) == 1 &&
	       rdma_listen(OWN_PORT) == 0;
}

/* All that the rings take, for a while. */
static bool flood(void)
{
	const uint64_t end = time_now_ns() + args_number("flood-ns", FLOOD_NS);
	uint64_t posted = 0, done = 0;
	struct ibv_wc wc;

	while (time_now_ns() < end || done < posted) {
		while (time_now_ns() < end &&
			client_post(IBV_WR_RDMA_WRITE, client.up, FLOOD_BYTES, client.up_mr, 0))
			posted++;
		while (ibv_poll_cq(client.cq, 1, &wc) == 1) {
			if (wc.status != IBV_WC_SUCCESS)
				return false;
			done++;
		}
		client_rest();
	}
	printf("# %u writes of %u bytes\n", (unsigned)done, FLOOD_BYTES);
	return done != 0;
}

/* A counter that cannot be, when the service has what was posted, more than it may send at once. */
static bool scribble(void)
{
	struct ibv_wc wc;
	bool flushed = false;

	for (unsigned i = 0; i < 4; i++)
		client_post(IBV_WR_RDMA_WRITE, client.up, FLOOD_BYTES, client.up_mr, 0);
	while (client.link.down->sends[client.qp->index] != client.link.up->sends[client.qp->index])
		client_rest();
	client.link.up->sends[client.qp->index] += 1000;
	while (!flushed && client_await(&wc))
		flushed = wc.status == IBV_WC_WR_FLUSH_ERR;
	return flushed && counted(RDMA_BROKEN) == 1;
}

int bad_client(void)
{
	bool good;

	tap_plan(10);
	tap_check(client_open(), "a_client_opens_to_misbehave", "it does not");
	tap_check(refuses_lanes(), "another_lane_is_refused_and_counted", "it is not");
	tap_check(refuses_rates(), "a_greater_rate_is_refused_and_counted", "it is not");
	tap_check(refuses_memory(), "foreign_memory_is_refused_and_counted", "it is not");
	tap_check(
		refuses_queue_pairs(), "more_queue_pairs_are_refused_and_counted", "they are not");
	tap_check(refuses_services(), "another_ones_service_is_refused_and_counted", "it is not");
	tap_check(client_echo(1) && client_echo(2), "and_all_that_harms_nothing", "it does");
	while (ibv_poll_cq(client.cq, 1, &(struct ibv_wc){ 0 }) == 1)
		;
	tap_check(flood(), "who_posts_all_it_can_is_served", "it is not");
	tap_check(scribble(), "who_scribbles_over_its_rings_loses_its_queue_pair", "it does not");
	good = client_open() && client_echo(3);
	tap_check(good && client_good_bye(), "and_may_begin_anew", "it may not");
	return tap_status();
}
