/*
 * The avionics names: every return code, found in the order of the specification, over a fake info page
 * that gives both ends of two channels to one program.
 */
#include "unit.h"

#include <mullion/apex.h>
#include <mullion/info.h>
#include <mullion/queuing.h>
#include <mullion/time.h>

#define REFRESH_NS 1000000000ll
#define SIZE       64
#define DEPTH      4

static uint64_t sampling_page[512], queuing_page[512], reader_page[512];
static struct mullion_region regions[] = {
	{ .kind = MULLION_REGION_SAMPLING, .access = 3, .index = 0, .name = "out" },
	{ .kind = MULLION_REGION_SAMPLING, .access = 1, .index = 0, .name = "in" },
	{ .kind = MULLION_REGION_QUEUING, .access = 3, .index = 1, .name = "send" },
	{ .kind = MULLION_REGION_QUEUING_READER, .access = 1, .index = 1, .name = "send" },
	{ .kind = MULLION_REGION_QUEUING, .access = 1, .index = 2, .name = "receive" },
	{ .kind = MULLION_REGION_QUEUING_READER, .access = 3, .index = 2, .name = "receive" },
	{ .kind = MULLION_REGION_SAMPLING, .access = 3, .index = 3, .name = "small" },
	{ .kind = MULLION_REGION_CHANNEL, .access = 1, .index = 4, .name = "seen" },
	{ .kind = MULLION_REGION_CHANNEL, .access = 1, .index = 5, .name = "seen queue" },
	{ .kind = MULLION_REGION_CHANNEL_READER, .access = 1, .index = 5, .name = "seen queue" },
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

static SAMPLING_PORT_ID_TYPE out, in;
static QUEUING_PORT_ID_TYPE to, from;
static RETURN_CODE_TYPE code;
static uint8_t message[SIZE], copy[SIZE];
static MESSAGE_SIZE_TYPE length;
static VALIDITY_TYPE validity;

uint64_t time_ticks_from_ns(uint64_t ns)
{
	return ns; /* of a processor of at most some GHz: a second is long enough here */
}

const struct mullion_region *info_region_named(
	enum mullion_region_kind kind, const char *name, unsigned access)
{
	for (unsigned i = 0; i < REGIONS; i++)
		if (regions[i].kind == kind && (regions[i].access & access) == access &&
			strncmp(regions[i].name, name, sizeof(regions[i].name)) == 0)
			return &regions[i];
	return NULL;
}

const struct mullion_region *info_region(
	enum mullion_region_kind kind, unsigned index, unsigned access)
{
	for (unsigned i = 0; i < REGIONS; i++)
		if (regions[i].kind == kind && regions[i].index == index &&
			(regions[i].access & access) == access)
			return &regions[i];
	return NULL;
}

static void create_sampling(const char *name, MESSAGE_SIZE_TYPE size, PORT_DIRECTION_TYPE direction,
	SYSTEM_TIME_TYPE refresh, SAMPLING_PORT_ID_TYPE *id)
{
	NAME_TYPE padded = { 0 };

	memcpy(padded, name, strlen(name));
	CREATE_SAMPLING_PORT(padded, size, direction, refresh, id, &code);
}

static void create_queuing(const char *name, MESSAGE_SIZE_TYPE size, MESSAGE_RANGE_TYPE depth,
	PORT_DIRECTION_TYPE direction, QUEUING_PORT_ID_TYPE *id)
{
	NAME_TYPE padded = { 0 };

	memcpy(padded, name, strlen(name));
	CREATE_QUEUING_PORT(padded, size, depth, direction, FIFO, id, &code);
}

static void point(unsigned i, void *page, uint64_t bytes)
{
	regions[i].gpa = (uintptr_t)page;
	regions[i].bytes = bytes;
	regions[i].message_bytes = SIZE;
	regions[i].depth = DEPTH;
	regions[i].refresh_ns = REFRESH_NS;
}

static int create_ports(void **state)
{
	(void)state;
	point(0, sampling_page, 4096);
	point(1, sampling_page, 4096);
	point(2, queuing_page, 4096);
	point(3, reader_page, 4096);
	point(4, queuing_page, 4096);
	point(5, reader_page, 4096);
	point(6, sampling_page, 64);
	point(7, sampling_page, 4096);
	point(8, queuing_page, 4096);
	point(9, reader_page, 4096);
	create_sampling("out", SIZE, SOURCE, REFRESH_NS, &out);
	if (code != NO_ERROR)
		return -1;
	create_sampling("in", SIZE, DESTINATION, REFRESH_NS, &in);
	if (code != NO_ERROR)
		return -1;
	create_queuing("send", SIZE, DEPTH, SOURCE, &to);
	if (code != NO_ERROR)
		return -1;
	create_queuing("receive", SIZE, DEPTH, DESTINATION, &from);
	return code == NO_ERROR ? 0 : -1;
}

static void a_sampling_port_is_created_as_described_or_not(void **state)
{
	SAMPLING_PORT_ID_TYPE id = 77;

	(void)state;
	create_sampling("nowhere", SIZE, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("out", SIZE, DESTINATION, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("in", SIZE, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("out", SIZE + 1, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("out", -1, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("out", SIZE, SOURCE, REFRESH_NS - 1, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("out", SIZE, SOURCE, -1, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("small", SIZE, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	assert_int_equal(id, 0);
	create_sampling("out", SIZE, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, NO_ACTION);
	assert_int_equal(id, out);
}

static void a_channel_that_is_only_looked_at_is_no_port(void **state)
{
	SAMPLING_PORT_ID_TYPE id = 77;

	(void)state;
	create_sampling("seen", SIZE, DESTINATION, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_sampling("seen", SIZE, SOURCE, REFRESH_NS, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("seen queue", SIZE, DEPTH, DESTINATION, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("seen queue", SIZE, DEPTH, SOURCE, &id);
	assert_int_equal(code, INVALID_CONFIG);
	assert_int_equal(id, 77);
}

static void a_name_without_an_end_is_no_name(void **state)
{
	NAME_TYPE name;

	(void)state;
	memset(name, 'x', sizeof(name));
	CREATE_SAMPLING_PORT(name, SIZE, SOURCE, REFRESH_NS, &out, &code);
	assert_int_equal(code, INVALID_CONFIG);
	CREATE_QUEUING_PORT(name, SIZE, DEPTH, SOURCE, FIFO, &to, &code);
	assert_int_equal(code, INVALID_CONFIG);
}

static void sampling_ports_are_found_by_name(void **state)
{
	SAMPLING_PORT_ID_TYPE id;

	(void)state;
	GET_SAMPLING_PORT_ID("in", &id, &code);
	assert_int_equal(code, NO_ERROR);
	assert_int_equal(id, in);
	GET_SAMPLING_PORT_ID("nowhere", &id, &code);
	assert_int_equal(code, INVALID_CONFIG);
}

static void an_empty_sampling_port_gives_no_action(void **state)
{
	(void)state;
	READ_SAMPLING_MESSAGE(in, copy, &length, &validity, &code);
	assert_int_equal(code, NO_ACTION);
	assert_int_equal(validity, INVALID);
	assert_int_equal(length, 0);
}

static void writes_are_refused_in_order_of_the_errors(void **state)
{
	(void)state;
	WRITE_SAMPLING_MESSAGE(0, message, SIZE, &code);
	assert_int_equal(code, INVALID_PARAM);
	WRITE_SAMPLING_MESSAGE(-1, message, SIZE, &code);
	assert_int_equal(code, INVALID_PARAM);
	WRITE_SAMPLING_MESSAGE(3, message, SIZE, &code);
	assert_int_equal(code, INVALID_PARAM);
	WRITE_SAMPLING_MESSAGE(out, message, 0, &code);
	assert_int_equal(code, INVALID_PARAM);
	WRITE_SAMPLING_MESSAGE(out, message, -1, &code);
	assert_int_equal(code, INVALID_PARAM);
	WRITE_SAMPLING_MESSAGE(in, message, SIZE, &code);
	assert_int_equal(code, INVALID_MODE);
	WRITE_SAMPLING_MESSAGE(out, message, SIZE + 1, &code);
	assert_int_equal(code, INVALID_CONFIG);
}

static void reads_are_refused_in_order_of_the_errors(void **state)
{
	(void)state;
	READ_SAMPLING_MESSAGE(99, copy, &length, &validity, &code);
	assert_int_equal(code, INVALID_PARAM);
	READ_SAMPLING_MESSAGE(out, copy, &length, &validity, &code);
	assert_int_equal(code, INVALID_MODE);
	assert_int_equal(validity, INVALID);
}

static void what_is_written_is_read_and_valid(void **state)
{
	SAMPLING_PORT_STATUS_TYPE status;

	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		message[i] = (uint8_t)(i + 1);
	WRITE_SAMPLING_MESSAGE(out, message, 33, &code);
	assert_int_equal(code, NO_ERROR);
	READ_SAMPLING_MESSAGE(in, copy, &length, &validity, &code);
	assert_int_equal(code, NO_ERROR);
	assert_int_equal(validity, VALID);
	assert_int_equal(length, 33);
	assert_memory_equal(message, copy, 33);
	assert_int_equal(copy[33], 0);
	GET_SAMPLING_PORT_STATUS(in, &status, &code);
	assert_int_equal(code, NO_ERROR);
	assert_int_equal(status.LAST_MSG_VALIDITY, VALID);
	assert_int_equal(status.PORT_DIRECTION, DESTINATION);
	assert_int_equal(status.MAX_MESSAGE_SIZE, SIZE);
	assert_true(status.REFRESH_PERIOD == REFRESH_NS);
	GET_SAMPLING_PORT_STATUS(out, &status, &code);
	assert_int_equal(status.PORT_DIRECTION, SOURCE);
	GET_SAMPLING_PORT_STATUS(0, &status, &code);
	assert_int_equal(code, INVALID_PARAM);
}

static void an_old_message_is_read_and_not_valid(void **state)
{
	struct mullion_sampling *page = (void *)sampling_page;
	SAMPLING_PORT_STATUS_TYPE status;

	(void)state;
	WRITE_SAMPLING_MESSAGE(out, message, SIZE, &code);
	sampling_page[8 + (page->latest % 16) * 16] -= 100ull * REFRESH_NS;
	READ_SAMPLING_MESSAGE(in, copy, &length, &validity, &code);
	assert_int_equal(code, NO_ERROR);
	assert_int_equal(validity, INVALID);
	assert_int_equal(length, SIZE);
	GET_SAMPLING_PORT_STATUS(in, &status, &code);
	assert_int_equal(status.LAST_MSG_VALIDITY, INVALID);
}

static void a_queuing_port_is_created_as_described_or_not(void **state)
{
	QUEUING_PORT_ID_TYPE id = 77;

	(void)state;
	create_queuing("out", SIZE, DEPTH, SOURCE, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("send", SIZE, DEPTH, DESTINATION, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("send", SIZE - 1, DEPTH, SOURCE, &id);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("send", SIZE, DEPTH * 2, SOURCE, &id);
	assert_int_equal(code, INVALID_CONFIG);
	CREATE_QUEUING_PORT("send", SIZE, DEPTH, SOURCE, (QUEUING_DISCIPLINE_TYPE)2, &id, &code);
	assert_int_equal(code, INVALID_CONFIG);
	create_queuing("receive", SIZE, DEPTH, DESTINATION, &id);
	assert_int_equal(code, NO_ACTION);
	assert_int_equal(id, from);
	GET_QUEUING_PORT_ID("send", &id, &code);
	assert_int_equal(code, NO_ERROR);
	assert_int_equal(id, to);
	GET_QUEUING_PORT_ID("nowhere", &id, &code);
	assert_int_equal(code, INVALID_CONFIG);
}

static void sends_are_refused_in_order_of_the_errors(void **state)
{
	(void)state;
	SEND_QUEUING_MESSAGE(9, message, SIZE, 0, &code);
	assert_int_equal(code, INVALID_PARAM);
	SEND_QUEUING_MESSAGE(to, message, SIZE, -2, &code);
	assert_int_equal(code, INVALID_PARAM);
	SEND_QUEUING_MESSAGE(to, message, SIZE, INT64_MAX, &code);
	assert_int_equal(code, INVALID_PARAM);
	SEND_QUEUING_MESSAGE(to, message, 0, 0, &code);
	assert_int_equal(code, INVALID_PARAM);
	SEND_QUEUING_MESSAGE(from, message, SIZE, 0, &code);
	assert_int_equal(code, INVALID_MODE);
	SEND_QUEUING_MESSAGE(to, message, SIZE + 1, 0, &code);
	assert_int_equal(code, INVALID_CONFIG);
}

static void receives_are_refused_in_order_of_the_errors(void **state)
{
	(void)state;
	RECEIVE_QUEUING_MESSAGE(9, 0, copy, &length, &code);
	assert_int_equal(code, INVALID_PARAM);
	RECEIVE_QUEUING_MESSAGE(from, INT64_MIN, copy, &length, &code);
	assert_int_equal(code, INVALID_PARAM);
	RECEIVE_QUEUING_MESSAGE(to, 0, copy, &length, &code);
	assert_int_equal(code, INVALID_MODE);
	RECEIVE_QUEUING_MESSAGE(from, 0, copy, &length, &code);
	assert_int_equal(code, NOT_AVAILABLE);
	assert_int_equal(length, 0);
	RECEIVE_QUEUING_MESSAGE(from, 1000, copy, &length, &code);
	assert_int_equal(code, TIMED_OUT);
}

static void a_full_queue_and_its_overflow_are_told(void **state)
{
	QUEUING_PORT_STATUS_TYPE status;

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++) {
		message[0] = (uint8_t)i;
		SEND_QUEUING_MESSAGE(to, message, SIZE, 0, &code);
		assert_int_equal(code, NO_ERROR);
	}
	SEND_QUEUING_MESSAGE(to, message, SIZE, 0, &code);
	assert_int_equal(code, NOT_AVAILABLE);
	SEND_QUEUING_MESSAGE(to, message, SIZE, 1000, &code);
	assert_int_equal(code, TIMED_OUT);
	GET_QUEUING_PORT_STATUS(from, &status, &code);
	assert_int_equal(status.NB_MESSAGE, DEPTH);
	assert_int_equal(status.MAX_NB_MESSAGE, DEPTH);
	assert_int_equal(status.PORT_DIRECTION, DESTINATION);
	for (unsigned i = 0; i < DEPTH; i++) {
		RECEIVE_QUEUING_MESSAGE(from, 0, copy, &length, &code);
		assert_int_equal(code, i == 0 ? INVALID_CONFIG : NO_ERROR);
		assert_int_equal(length, SIZE);
		assert_int_equal(copy[0], i);
	}
	GET_QUEUING_PORT_STATUS(to, &status, &code);
	assert_int_equal(status.NB_MESSAGE, 0);
	assert_int_equal(status.PORT_DIRECTION, SOURCE);
	GET_QUEUING_PORT_STATUS(9, &status, &code);
	assert_int_equal(code, INVALID_PARAM);
}

static void a_queue_is_cleared_by_its_receiver_only(void **state)
{
	(void)state;
	SEND_QUEUING_MESSAGE(to, message, SIZE, INFINITE_TIME_VALUE, &code);
	assert_int_equal(code, NO_ERROR);
	CLEAR_QUEUING_PORT(9, &code);
	assert_int_equal(code, INVALID_PARAM);
	CLEAR_QUEUING_PORT(to, &code);
	assert_int_equal(code, INVALID_MODE);
	CLEAR_QUEUING_PORT(from, &code);
	assert_int_equal(code, NO_ERROR);
	RECEIVE_QUEUING_MESSAGE(from, 0, copy, &length, &code);
	assert_int_equal(code, NOT_AVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sampling_port_is_created_as_described_or_not),
		cmocka_unit_test(a_channel_that_is_only_looked_at_is_no_port),
		cmocka_unit_test(a_name_without_an_end_is_no_name),
		cmocka_unit_test(sampling_ports_are_found_by_name),
		cmocka_unit_test(an_empty_sampling_port_gives_no_action),
		cmocka_unit_test(writes_are_refused_in_order_of_the_errors),
		cmocka_unit_test(reads_are_refused_in_order_of_the_errors),
		cmocka_unit_test(what_is_written_is_read_and_valid),
		cmocka_unit_test(an_old_message_is_read_and_not_valid),
		cmocka_unit_test(a_queuing_port_is_created_as_described_or_not),
		cmocka_unit_test(sends_are_refused_in_order_of_the_errors),
		cmocka_unit_test(receives_are_refused_in_order_of_the_errors),
		cmocka_unit_test(a_full_queue_and_its_overflow_are_told),
		cmocka_unit_test(a_queue_is_cleared_by_its_receiver_only),
	};

	return cmocka_run_group_tests(tests, create_ports, NULL);
}
