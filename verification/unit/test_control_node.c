/*
 * The node's pages found in a list of regions: whose they are, also of channels that control is an end of,
 * and that nonsense in the list has no place.
 */
#include "unit.h"

#include "fake_control.h"

#define REGIONS_MOST 20u

static struct {
	struct mullion_info info;
	struct mullion_region regions[REGIONS_MOST];
} page;
static struct node node;
static struct mullion_sampling pose;
static struct mullion_queuing orders;
static struct mullion_queuing_reader orders_reader;

static void add(const uint16_t kind, const uint16_t index, const uint16_t peer,
	const uint16_t access, const void *const at, const char *const name)
{
	struct mullion_region *const region = &page.regions[page.info.regions_count++];

	assert_true(page.info.regions_count <= REGIONS_MOST);
	*region = (struct mullion_region){ .gpa = (uintptr_t)at,
		.kind = kind,
		.access = access,
		.index = index,
		.peer = peer,
		.message_bytes = 64,
		.depth = at == &pose ? 0 : 5 };
	strcpy(region->name, name);
}

static int begin(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	memset(&node, 0, sizeof(node));
	page.info.partition = 2;
	fake_page.cpus = 2;
	add(MULLION_REGION_NODE, 0, 0, MULLION_READ, &fake_page, "");
	add(MULLION_REGION_JOURNAL, 0, 0, MULLION_READ, &fake_journal, "");
	add(MULLION_REGION_LOG, 0, 0, MULLION_READ, &fake_log, "");
	add(MULLION_REGION_EXCHANGE, 0, 0, MULLION_READ | MULLION_WRITE, fake_exchange, "");
	add(MULLION_REGION_STATUS, 1, 0, MULLION_READ, &fake_status[1], "nav");
	return 0;
}

static void a_channel_of_others_is_seen_from_outside(void **state)
{
	(void)state;
	add(MULLION_REGION_CHANNEL, 0, 1, MULLION_READ, &pose, "pose");
	add(MULLION_REGION_CHANNEL, 3, 1, MULLION_READ, &orders, "orders");
	add(MULLION_REGION_CHANNEL_READER, 3, 4, MULLION_READ, &orders_reader, "orders");
	assert_true(node_find(&node, &page.info));
	assert_string_equal(node.channels[0].name, "pose");
	assert_ptr_equal(node.channels[0].sampling, &pose);
	assert_null(node.channels[0].queuing);
	assert_int_equal(node.channels[0].from, 1);
	assert_int_equal(node.channels[0].message_bytes, 64);
	assert_string_equal(node.channels[1].name, "");
	assert_ptr_equal(node.channels[3].queuing, &orders);
	assert_ptr_equal(node.channels[3].reader, &orders_reader);
	assert_int_equal(node.channels[3].to, 4);
	assert_int_equal(node.channels[3].depth, 5);
	assert_string_equal(node_name(&node, node.channels[0].from), "nav");
	assert_string_equal(node_name(&node, node.channels[3].to), "");
}

static void a_channel_of_its_own_has_it_as_an_end(void **state)
{
	(void)state;
	add(MULLION_REGION_QUEUING, 0, 1, MULLION_READ | MULLION_WRITE, &orders, "out");
	add(MULLION_REGION_QUEUING_READER, 0, 1, MULLION_READ, &orders_reader, "out");
	add(MULLION_REGION_QUEUING, 1, 1, MULLION_READ, &orders, "in");
	add(MULLION_REGION_QUEUING_READER, 1, 1, MULLION_READ | MULLION_WRITE, &orders_reader,
		"in");
	assert_true(node_find(&node, &page.info));
	assert_int_equal(node.channels[0].from, 2);
	assert_int_equal(node.channels[0].to, 1);
	assert_int_equal(node.channels[1].from, 1);
	assert_int_equal(node.channels[1].to, 2);
}

static void numbers_without_a_place_are_left_out(void **state)
{
	static const struct node_channel none;

	(void)state;
	add(MULLION_REGION_CHANNEL, NODE_CHANNELS, 1, MULLION_READ, &pose, "pose");
	add(MULLION_REGION_CHANNEL_READER, 65535, 1, MULLION_READ, &orders_reader, "x");
	add(MULLION_REGION_TRACE, NODE_TRACES, 0, MULLION_READ, &fake_trace, "");
	add(MULLION_REGION_STATUS, MULLION_NODE_PARTITIONS, 0, MULLION_READ, &fake_status[0], "x");
	assert_true(node_find(&node, &page.info));
	for (unsigned i = 0; i < NODE_CHANNELS; i++)
		assert_memory_equal(&node.channels[i], &none, sizeof(none));
	assert_int_equal(node.partitions_count, 2);
	assert_string_equal(node_name(&node, MULLION_NODE_PARTITIONS), "");
}

static void without_the_pages_of_control_there_is_no_node(void **state)
{
	(void)state;
	page.info.regions_count = 3;
	assert_false(node_find(&node, &page.info));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_channel_of_others_is_seen_from_outside, begin),
		cmocka_unit_test_setup(a_channel_of_its_own_has_it_as_an_end, begin),
		cmocka_unit_test_setup(numbers_without_a_place_are_left_out, begin),
		cmocka_unit_test_setup(without_the_pages_of_control_there_is_no_node, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
