/* Counters of a node that may say anything, and the rates that two of them make. */
#include "unit.h"

#include <string.h>

#include "counters.h"

static struct counters before, after;
static struct counters_node node;

static bool take(struct counters *counters, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	bool good;

	assert_non_null(answer);
	good = counters_take(counters, answer);
	json_decref(answer);
	return good;
}

static int make_node(void **state)
{
	json_t *cpus =
		json_loads("{\"cpus\":[{\"cpu\":0,\"mode\":\"framed\",\"vcpus\":[\"nav/0\"]},"
			   "{\"cpu\":1,\"mode\":\"owned\",\"vcpus\":[\"nav/1\"]},"
			   "{\"cpu\":100000,\"mode\":\"owned\",\"vcpus\":[\"x/0\"]}]}",
			0, NULL);

	(void)state;
	node = (struct counters_node){ .clock = { 1000000000, 1 },
		.where = json_object(),
		.system = json_loads("{\"schedules\":[{\"name\":\"normal\",\"major_frame_ns\":1000,"
				     "\"cpus\":[{\"cpu\":0,\"shares\":[{\"partition\":\"nav\","
				     "\"time_ns\":250}]}]}]}",
			0, NULL) };
	counters_take_cpus(&node, cpus);
	json_decref(cpus);
	return 0;
}

static int free_node(void **state)
{
	(void)state;
	json_decref(node.where);
	json_decref(node.system);
	return 0;
}

#define AT(now, vcpus)                                                                             \
	"{\"now\":" now ",\"schedule\":\"normal\",\"partitions\":[{\"name\":\"nav\",\"state\":"    \
	"\"running\",\"restarts\":1,\"first\":0,\"events\":[3],\"vcpus\":" vcpus "}]}"

static void rates_are_differences_over_the_nodes_time(void **state)
{
	struct counters_rate rate;

	(void)state;
	assert_true(take(&before, AT("1000000000", "[[10,5,700,1000000,[10,0,0]]]")));
	assert_true(take(&after, AT("3000000000", "[[110,25,900,501000000,[50,0,60]]]")));
	rate = counters_rate(&node, &before, &after, 0, 0);
	assert_int_equal(rate.cpu, 0);
	assert_true(rate.used == 0.25 && rate.window == 0.25);
	assert_true(rate.exits == 50 && rate.windows == 10);
	assert_true(rate.causes[CAUSE_CPUID] == 20 && rate.causes[CAUSE_PORT] == 30);
	assert_int_equal(rate.latest_ns, 900);
	assert_int_equal(after.partitions[0].events[0], 3);
	assert_true(take(&after, AT("3000000000", "[[\"0xfffffffffffffffe\",25,900,501000000]]")));
	assert_true(after.partitions[0].vcpu[0].exits == UINT64_MAX - 1);
}

static void a_partition_in_pieces_is_one(void **state)
{
	(void)state;
	assert_true(take(&after,
		"{\"now\":5,\"partitions\":[{\"name\":\"nav\",\"first\":0,\"vcpus\":"
		"[[1,2,3,4]]},{\"name\":\"nav\",\"first\":1,\"vcpus\":[[5,6,7,8]]}]}"));
	assert_int_equal(after.count, 1);
	assert_int_equal(after.partitions[0].vcpus, 2);
	assert_int_equal(after.partitions[0].vcpu[1].ran, 8);
}

static void an_owned_cpu_is_its_partitions_while_that_runs(void **state)
{
	struct counters_rate rate;

	(void)state;
	assert_true(take(&before, AT("1000", "[[0,0,0,0],[0,1,0,0]]")));
	assert_true(take(&after, AT("2000", "[[0,0,0,0],[0,1,0,0]]")));
	rate = counters_rate(&node, &before, &after, 0, 1);
	assert_true(rate.used == 1 && rate.window == 1);
	strcpy(after.partitions[0].state, "stopped");
	assert_true(counters_rate(&node, &before, &after, 0, 1).used == 0);
}

static void counters_that_go_back_or_are_new_make_no_rate(void **state)
{
	(void)state;
	assert_true(take(&before, AT("1000", "[[10,10,0,900]]")));
	assert_true(take(&after, AT("2000", "[[0,0,0,0]]")));
	assert_true(counters_rate(&node, &before, &after, 0, 0).used == 0);
	before.count = 0;
	assert_true(counters_rate(&node, &before, &after, 0, 0).exits == 0);
	assert_true(counters_rate(&node, &after, &after, 0, 0).windows == 0);
}

#define PORTS(now, pose, sent, taken)                                                              \
	"{\"now\":" now ",\"partitions\":[],\"unseen\":7,\"ports\":[{\"name\":\"pose\",\"from\":"  \
	"\"nav\",\"bytes\":64,\"written\":" pose "},{\"name\":\"orders\",\"from\":\"nav\",\"to\":" \
	"\"hog\",\"bytes\":8,\"depth\":4,\"sent\":" sent ",\"taken\":" taken ",\"overflows\":6}]}"

static void ports_have_rates_and_queues_a_filling(void **state)
{
	struct counters_traffic traffic;

	(void)state;
	assert_true(take(&before, PORTS("1000000000", "5", "3", "1")));
	assert_true(take(&after, PORTS("3000000000", "105", "7", "5")));
	assert_int_equal(after.unseen, 7);
	assert_int_equal(after.ports_count, 2);
	assert_int_equal(after.ports[0].depth, 0);
	traffic = counters_traffic(&node, &before, &after, 0);
	assert_true(traffic.messages == 50 && traffic.waiting == 0);
	traffic = counters_traffic(&node, &before, &after, 1);
	assert_true(traffic.messages == 2 && traffic.waiting == 2 && traffic.overflows == 0);
	/* Whatever its ends say. */
	assert_true(take(&after, PORTS("3000000000", "105", "700", "5")));
	assert_int_equal(counters_traffic(&node, &before, &after, 1).waiting, 4);
	assert_true(take(&after, PORTS("3000000000", "1", "2", "5")));
	traffic = counters_traffic(&node, &before, &after, 1);
	assert_true(traffic.messages == 0 && traffic.waiting == 0);
	before.ports_count = 0;
	assert_true(counters_traffic(&node, &before, &after, 0).messages == 0);
}

static void nonsense_is_bounded(void **state)
{
	(void)state;
	assert_false(take(&after, "{\"now\":0,\"partitions\":[]}"));
	assert_false(take(&after, "{\"now\":5,\"partitions\":7}"));
	assert_true(
		take(&after, "{\"now\":5,\"partitions\":[7,null,{\"name\":[],\"first\":-1,"
			     "\"vcpus\":[[1,2,3,4],[\"x\"]],\"events\":{}},{\"name\":\"b\\u0007\","
			     "\"first\":15,\"vcpus\":[[1,-2,3,4],[5,6,7,8]]}]}"));
	assert_int_equal(after.count, 2);
	assert_string_equal(after.partitions[1].name, "b?");
	assert_int_equal(after.partitions[1].vcpus, 16);
	assert_int_equal(after.partitions[1].vcpu[15].entered, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_differences_over_the_nodes_time),
		cmocka_unit_test(a_partition_in_pieces_is_one),
		cmocka_unit_test(an_owned_cpu_is_its_partitions_while_that_runs),
		cmocka_unit_test(counters_that_go_back_or_are_new_make_no_rate),
		cmocka_unit_test(ports_have_rates_and_queues_a_filling),
		cmocka_unit_test(nonsense_is_bounded),
	};

	return cmocka_run_group_tests(tests, make_node, free_node);
}
