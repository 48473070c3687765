/*
 * The rdma service's clients connect, listen and are asked for: within their own ports, with their own P_Key, and
 * no longer than they live.
 */
#include <errno.h>

#include "rdma_talk.h"

static const struct rdma_parameters mine = { .responder_resources = 4,
	.initiator_depth = 4,
	.retry_count = 7,
	.rnr_retry_count = 7,
	.private_bytes = 5,
	.access = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
	.private_data = "near" };

static struct rdma_event heard;

static bool hears(const enum connection_event_kind kind)
{
	for (unsigned i = 0; i < PATIENCE_US; i++) {
		if (rdma_event(&heard))
			return heard.kind == kind;
		world_run(10);
	}
	return false;
}

/* A client that opens everything, with a queue pair in RESET. */
static struct world_client *unconnected(const unsigned number)
{
	struct world_client *const client = world_connect(number);
	struct ibv_qp_init_attr init = {
		.send_cq = client->cq, .recv_cq = client->cq, .qp_type = IBV_QPT_RC
	};

	assert_int_equal(rdma_destroy_qp(client->qp), 0);
	ibv_destroy_qp(client->far);
	client->qp = rdma_create_qp(client->pd, &init);
	client->far = world_far_qp(IBV_QPT_RC);
	return client;
}

static void a_client_connects_and_disconnects(void **state)
{
	struct world_client *client;
	unsigned connection;

	(void)state;
	world_open();
	client = unconnected(0);
	world.far_accepts = client->far;
	assert_int_equal(rdma_connect(client->qp, &world.far.gids[0], 7174, &mine, &connection), 0);
	assert_true(hears(CONNECTION_CONNECTED));
	assert_int_equal(heard.connection, connection);
	assert_string_equal((char *)heard.private_data, "far");
	assert_int_equal(client->far->attr.dest_qp_num, client->qp->qp_num);
	for (uint32_t i = 0; i < 10; i++)
		talk_send_one(client, 3000, i);
	assert_true(world.tags[0][2] != 0 && world.tags[1][2] == 0); /* of its lane */
	assert_int_equal(rdma_disconnect(connection), 0);
	assert_true(hears(CONNECTION_DISCONNECTED));
	assert_int_equal(world.far_event.kind, CONNECTION_DISCONNECTED);
	assert_false(rdma_event(&heard));
	assert_int_equal(rdma_disconnect(connection), EINVAL);
	assert_int_equal(talk_refused(0, RDMA_REFUSED_OBJECT), 1);
	world_close();
}

static void a_client_is_told_that_nobody_wants_it(void **state)
{
	struct world_client *client;
	unsigned connection;

	(void)state;
	world_open();
	client = unconnected(0);
	assert_int_equal(rdma_connect(client->qp, &world.far.gids[0], 7174, &mine, &connection), 0);
	assert_true(hears(CONNECTION_REJECTED));
	assert_int_equal(heard.reason, CM_REJECT_CONSUMER);
	assert_string_equal((char *)heard.private_data, "no");
	world_close();
}

/* The other side asks for that port, with the P_Key of that client. */
static struct connection *ask_for(
	struct ibv_qp *const far, const uint16_t port, const unsigned pkey)
{
	const struct connection_target target = { .gid = world.context.gids[0],
		.service_id = CONNECTION_TCP((uint64_t)port),
		.pkey_index = (uint16_t)(1 + pkey) };
	const struct connection_parameters own = { .responder_resources = 4,
		.initiator_depth = 4,
		.retry_count = 7,
		.rnr_retry_count = 7 };
	enum connection_error error;

	return connection_connect(world.far_connections, world.now, far, &target, &own, &error);
}

static void a_client_listens_where_it_may_and_nowhere_else(void **state)
{
	struct world_client *client;

	(void)state;
	world_open();
	client = unconnected(1);
	assert_int_equal(rdma_listen(7000), EPERM); /* another one's */
	assert_int_equal(rdma_listen(7020), EPERM);
	assert_int_equal(rdma_unlisten(7010), EPERM);
	assert_int_equal(talk_refused(1, RDMA_REFUSED_SERVICE), 3);
	assert_int_equal(rdma_listen(7012), 0);
	assert_int_equal(rdma_listen(7012), EADDRINUSE);
	for (uint16_t port = 7013; port < 7016; port++)
		assert_int_equal(rdma_listen(port), 0);
	assert_int_equal(rdma_listen(7016), ENOMEM);
	assert_int_equal(rdma_unlisten(7013), 0);
	assert_non_null(ask_for(client->far, 7012, 1));
	assert_true(hears(CONNECTION_REQUEST));
	assert_int_equal(rdma_accept(heard.connection, client->qp, &mine), 0);
	assert_true(hears(CONNECTION_CONNECTED));
	assert_int_equal(world.far_event.kind, CONNECTION_CONNECTED);
	for (uint32_t i = 0; i < 10; i++)
		talk_send_one(client, 3000, i);
	world_close();
}

static void who_asks_with_another_partitions_key_or_is_not_wanted_is_rejected(void **state)
{
	struct world_client *client;

	(void)state;
	world_open();
	client = unconnected(1);
	assert_int_equal(rdma_listen(7012), 0);
	assert_non_null(ask_for(client->far, 7012, 0));
	world_run(1000);
	assert_int_equal(world.far_event.kind, CONNECTION_REJECTED);
	assert_false(rdma_event(&heard));
	ibv_destroy_qp(client->far);
	client->far = world_far_qp(IBV_QPT_RC);
	world.far_event.kind = CONNECTION_EVENT_NONE;
	assert_non_null(ask_for(client->far, 7012, 1));
	assert_true(hears(CONNECTION_REQUEST));
	assert_int_equal(rdma_accept(heard.connection + 1, client->qp, &mine), EINVAL);
	assert_int_equal(rdma_reject(heard.connection, &mine), 0);
	world_run(1000);
	assert_int_equal(world.far_event.kind, CONNECTION_REJECTED);
	assert_int_equal(rdma_accept(heard.connection, client->qp, &mine), EINVAL);
	world_close();
}

/* The one that is found first by a request's P_Key is the other client's. */
static void clients_that_share_a_partitions_key_are_both_reached(void **state)
{
	struct world_client *client;

	(void)state;
	world_open();
	assert_int_equal(ibv_set_pkey(&world.context, 1, world_grant(1)->pkey), 0);
	client = unconnected(1);
	assert_int_equal(rdma_listen(7012), 0);
	assert_non_null(ask_for(client->far, 7012, 1));
	assert_true(hears(CONNECTION_REQUEST));
	assert_int_equal(rdma_accept(heard.connection, client->qp, &mine), 0);
	assert_true(hears(CONNECTION_CONNECTED));
	for (uint32_t i = 0; i < 10; i++)
		talk_send_one(client, 3000, i);
	world_close();
}

static void connections_end_with_their_client_and_their_queue_pair(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 2; how++) {
		struct world_client *client;
		unsigned connection;

		world_open();
		client = unconnected(0);
		world.far_accepts = client->far;
		assert_int_equal(rdma_listen(7001), 0);
		assert_int_equal(
			rdma_connect(client->qp, &world.far.gids[0], 7174, &mine, &connection), 0);
		assert_true(hears(CONNECTION_CONNECTED));
		if (how == 0)
			assert_int_equal(rdma_destroy_qp(client->qp), 0);
		else
			client = unconnected(0); /* begins anew */
		world_run(1000);
		assert_int_equal(world.far_event.kind, CONNECTION_DISCONNECTED);
		assert_false(rdma_event(&heard));
		assert_int_equal(rdma_listen(7001), how == 0 ? EADDRINUSE : 0);
		world_close();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_connects_and_disconnects),
		cmocka_unit_test(a_client_is_told_that_nobody_wants_it),
		cmocka_unit_test(a_client_listens_where_it_may_and_nowhere_else),
		cmocka_unit_test(who_asks_with_another_partitions_key_or_is_not_wanted_is_rejected),
		cmocka_unit_test(clients_that_share_a_partitions_key_are_both_reached),
		cmocka_unit_test(connections_end_with_their_client_and_their_queue_pair),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rdma_connect", tests, NULL, NULL);
}
