/* What a description of RDMA services becomes: their tables, the channels of their clients, and waits. */
#include <string.h>

#include "rdma_block.h"
#include "unit.h"

#define DESCRIPTION "verification/unit/fixtures/rdma.dts"

#define FRAME     1514u
#define UNITS(n)  (((n) + 63u) / 64u * 64u)
#define LINK_RATE 21300000u

static struct model *model;
static struct rdma_table table, second;

static int load(void **state)
{
	(void)state;
	model = model_load(DESCRIPTION, NULL);
	if (!model || model->rdma_count != 2)
		return 1;
	rdma_block(&table, model, &model->rdma[0]);
	rdma_block(&second, model, &model->rdma[1]);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	model_free(model);
	return 0;
}

static void the_table_says_what_the_port_is(void **state)
{
	(void)state;
	assert_int_equal(table.magic, RDMA_TABLE_MAGIC);
	assert_memory_equal(&table, "MULRDMA1", 8);
	assert_int_equal(table.ipv4, 0x0a090001);
	assert_int_equal(table.netmask, 0xffffff00);
	assert_int_equal(table.link_bytes, LINK_RATE);
	assert_int_equal(table.vlan, 7);
	assert_int_equal(table.tagged, 1);
	assert_int_equal(table.neighbours, 2);
	assert_int_equal(table.neighbour[1].ipv4, 0x0a0900fe);
	assert_int_equal(table.neighbour[1].mac[5], 0xfe);
	assert_int_equal(second.netmask, 0xffff0000);
	assert_int_equal(second.link_bytes, 0);
	assert_int_equal(second.tagged, 0);
}

static void lanes_and_marks_are_by_service_level(void **state)
{
	(void)state;
	assert_int_equal(table.lanes.high.count, 2);
	assert_int_equal(table.lanes.high.entries[1].vl, 3);
	assert_int_equal(table.lanes.high.entries[1].weight, 8);
	assert_int_equal(table.lanes.low.count, 2);
	assert_int_equal(table.lanes.limit, 16);
	assert_int_equal(table.lanes.vl_of_sl[4], 3);
	assert_int_equal(table.lanes.vl_of_sl[5], 5);
	assert_int_equal(table.pcp_of_sl[2], 5);
	assert_int_equal(table.pcp_of_sl[3], 0);
	assert_int_equal(table.dscp_of_sl[5], 10);
	assert_int_equal(second.lanes.high.count, 0);
	assert_int_equal(second.lanes.limit, VLARB_UNLIMITED);
}

static void a_grant_is_what_was_described_and_the_rest_is_nothing(void **state)
{
	const struct rdma_grant *grant = &table.client[0];
	static const struct rdma_grant none[2];

	(void)state;
	assert_int_equal(table.clients, 2);
	assert_string_equal(grant->name, "nav");
	assert_int_equal(grant->partition, 2);
	assert_int_equal(grant->sl, 2);
	assert_int_equal(grant->pkey, 0x8001);
	assert_int_equal(grant->rate_bytes, 20000000);
	assert_int_equal(grant->burst_bytes, 65536);
	assert_int_equal(grant->mrs, 4);
	assert_int_equal(grant->ahs, 1);
	assert_int_equal(grant->last_port, 7009);
	assert_int_equal(grant->up_bytes, 65536);
	assert_int_equal(table.client[1].down_bytes, 8192);
	assert_int_equal(table.client[1].ahs, 0);
	assert_int_equal(second.client[0].last_port, 0);
	assert_memory_equal(&table.client[2], none, sizeof(none));
}

static const struct model_channel *channel(const char *name)
{
	for (size_t i = 0; i < model->channels_count; i++)
		if (strcmp(model->channels[i].name, name) == 0)
			return &model->channels[i];
	return NULL;
}

static void each_client_is_joined_with_its_service(void **state)
{
	const struct model_channel *ask = channel("log-ask"), *tell = channel("log-tell");

	(void)state;
	assert_int_equal(model->channels_count, 1 + 2 * 3);
	assert_true(ask && ask->made && ask->from == 4 && ask->to[0] == 1);
	assert_true(tell && tell->made && tell->from == 1 && tell->to[0] == 4);
	assert_int_equal(ask->message_bytes, RDMA_CHANNEL_BYTES);
	assert_int_equal(tell->depth, RDMA_CHANNEL_DEPTH);
	assert_string_equal(model->rdma[0].clients[1].down, "probe-down");
}

/* docs/rdma.md: gap + low * most + most + management + own. */
static void a_wait_is_the_formulas(void **state)
{
	const uint64_t bytes =
		64 * 7 + UNITS(FRAME) + 1 * FRAME + FRAME + RDMA_MANAGEMENT_BURST + FRAME;
	const struct rdma_wait wait = rdma_wait(&table, &table.client[0]);

	(void)state;
	assert_int_equal(wait.bytes, bytes);
	/* What the link carries meanwhile is these bytes, and what management adds in that time. */
	assert_true(wait.ns * LINK_RATE >= bytes * 1000000000ull + wait.ns * RDMA_MANAGEMENT_RATE);
	assert_true((wait.ns - 1) * LINK_RATE <
		    bytes * 1000000000ull + (wait.ns - 1) * RDMA_MANAGEMENT_RATE);
}

static void without_a_link_or_high_lane_nothing_is_promised(void **state)
{
	struct rdma_table other = table;
	struct rdma_wait wait;

	(void)state;
	assert_int_equal(rdma_wait(&table, &table.client[1]).bytes, RDMA_WAIT_NEVER);
	assert_int_equal(rdma_wait(&table, &table.client[1]).ns, 0);
	other.link_bytes = 0;
	wait = rdma_wait(&other, &other.client[0]);
	assert_true(wait.bytes != RDMA_WAIT_NEVER && wait.ns == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_says_what_the_port_is),
		cmocka_unit_test(lanes_and_marks_are_by_service_level),
		cmocka_unit_test(a_grant_is_what_was_described_and_the_rest_is_nothing),
		cmocka_unit_test(each_client_is_joined_with_its_service),
		cmocka_unit_test(a_wait_is_the_formulas),
		cmocka_unit_test(without_a_link_or_high_lane_nothing_is_promised),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rdma_block", tests, load, unload);
}
