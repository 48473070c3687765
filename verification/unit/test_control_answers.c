/*
 * Answers: what they hold, that they go on over as many lines as they need, and that every line is
 * JSON of at most 1,024 bytes whatever stands in the pages.
 */
#include "unit.h"

#include <jansson.h>
#include <nettle/base64.h>

#include "fake_control.h"

#define LINES_MOST 64u

static struct control control;
static struct session session;
static char said[65536];
static json_t *lines[LINES_MOST];
static unsigned count;

static int begin(void **state)
{
	(void)state;
	fake_control(&control);
	session_begin(&session, &control, SESSION_KEYED);
	return 0;
}

static int end(void **state)
{
	(void)state;
	while (count != 0)
		json_decref(lines[--count]);
	return 0;
}

/* Asks; every line of the answer is parsed, and all but the last say that there is more. */
static void ask(const char *const rest)
{
	char line[LINE_BYTES];

	end(NULL);
	snprintf(line, sizeof(line), "{\"v\":1,\"id\":7,%s}\n", rest);
	fake_talk(&session, line, strlen(line), said, sizeof(said));
	for (const char *at = said; *at != '\0';) {
		const char *const stop = strchr(at, '\n');

		assert_true(stop - at < (ptrdiff_t)LINE_BYTES);
		lines[count] = json_loadb(at, (size_t)(stop - at), JSON_REJECT_DUPLICATES, NULL);
		if (lines[count] == NULL)
			fail_msg("not JSON: %s", at);
		if (!json_is_true(json_object_get(lines[count], "ok")))
			fail_msg("refused: %s", at);
		assert_true(
			json_is_true(json_object_get(lines[count], "more")) == (stop[1] != '\0'));
		count++;
		at = stop + 1;
	}
	assert_true(count != 0);
}

static json_t *result(const unsigned line)
{
	return json_object_get(lines[line], "result");
}

static json_int_t number(json_t *const object, const char *const key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static const char *text(json_t *const object, const char *const key)
{
	assert_true(json_is_string(json_object_get(object, key)));
	return json_string_value(json_object_get(object, key));
}

/* Element `at` of an array that goes on over the lines. */
static json_t *element(const char *const array, size_t at)
{
	for (unsigned i = 0; i < count; i++) {
		json_t *const part = json_object_get(result(i), array);

		if (at < json_array_size(part))
			return json_array_get(part, at);
		at -= json_array_size(part);
	}
	fail_msg("%s is too short", array);
	return NULL;
}

static size_t elements(const char *const array)
{
	size_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += json_array_size(json_object_get(result(i), array));
	return sum;
}

static void hello_names_the_node_and_its_clock(void **state)
{
	(void)state;
	control.auth.last_seq = 41;
	ask("\"cmd\":\"hello\"");
	assert_string_equal(text(result(0), "node"), "demo");
	assert_string_equal(text(result(0), "board"), "qemu-q35");
	assert_string_equal(text(result(0), "schedule"), "normal");
	assert_string_equal(text(result(0), "nonce"), "00000000000000000000000000000000");
	assert_int_equal(number(result(0), "epoch"), 1000);
	assert_int_equal(number(result(0), "now"), 123456789);
	assert_int_equal(number(result(0), "seq"), 41);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(result(0), "hz"), 0)),
		1000000000);
}

static void list_names_all_partitions_and_what_they_do(void **state)
{
	(void)state;
	fake_status[1].state = MULLION_STATE_STOPPED;
	fake_status[1].restarts = 3;
	ask("\"cmd\":\"list\"");
	assert_int_equal(elements("partitions"), FAKE_PARTITIONS);
	assert_string_equal(text(element("partitions", 1), "name"), "nav");
	assert_string_equal(text(element("partitions", 1), "state"), "stopped");
	assert_int_equal(number(element("partitions", 1), "restarts"), 3);
	assert_int_equal(number(element("partitions", 1), "vcpus"), 2);
}

static void a_partition_without_a_status_page_is_not_listed(void **state)
{
	(void)state;
	control.node.partitions[1].status = NULL;
	ask("\"cmd\":\"list\"");
	assert_int_equal(elements("partitions"), FAKE_PARTITIONS - 1);
	assert_string_equal(text(element("partitions", 1), "name"), "watch");
}

static void info_tells_all_of_one_partition(void **state)
{
	(void)state;
	fake_status[1].reason = MULLION_EVENT_WATCHDOG << 8 | MULLION_ACTION_RESTART_COLD;
	fake_status[1].events[MULLION_EVENT_WATCHDOG] = 2;
	fake_status[1].since_tsc = 99;
	fake_status[1].vcpus[1] = (struct mullion_vcpu_status){ 5, 6, 7, 8 };
	ask("\"cmd\":\"info\",\"partition\":\"nav\"");
	assert_string_equal(text(result(0), "reason"), "watchdog");
	assert_string_equal(text(result(0), "action"), "restart-cold");
	assert_int_equal(number(result(0), "since"), 99);
	assert_int_equal(number(result(0), "memory"), 8 << 20);
	assert_int_equal(number(json_object_get(result(0), "events"), "watchdog"), 2);
	assert_int_equal(json_object_size(json_object_get(result(0), "events")), 1);
	assert_int_equal(elements("vcpus"), 2);
	assert_int_equal(number(element("vcpus", 0), "cpu"), 0);
	assert_int_equal(number(element("vcpus", 1), "cpu"), 1);
	assert_int_equal(number(element("vcpus", 1), "ran"), 8);
	fake_status[1].reason = MULLION_REASON_COMMAND;
	ask("\"cmd\":\"info\",\"partition\":\"nav\"");
	assert_string_equal(text(result(0), "reason"), "command");
	fake_status[1].reason = 0;
	ask("\"cmd\":\"info\",\"partition\":\"nav\"");
	assert_string_equal(text(result(0), "reason"), "none");
}

static void cpus_tells_who_is_where(void **state)
{
	(void)state;
	ask("\"cmd\":\"cpus\"");
	assert_int_equal(elements("cpus"), 2);
	assert_string_equal(text(element("cpus", 0), "mode"), "framed");
	assert_string_equal(text(element("cpus", 1), "mode"), "owned");
	assert_int_equal(json_array_size(json_object_get(element("cpus", 0), "vcpus")), 3);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(element("cpus", 1), "vcpus"), 0)),
		"nav/1");
}

static void a_cpu_with_many_vcpus_goes_on_in_the_next_line(void **state)
{
	(void)state;
	fake_page.vcpus = MULLION_NODE_VCPUS;
	fake_page.of_partition[2].vcpus = MULLION_NODE_VCPUS;
	fake_page.cpu_of_vcpu[2] = 0;
	ask("\"cmd\":\"cpus\"");
	assert_true(count > 2);
	for (size_t at = 0, vcpu = 0; at + 1 < elements("cpus"); at++) {
		json_t *const part = json_object_get(element("cpus", at), "vcpus");

		assert_int_equal(number(element("cpus", at), "cpu"), 0);
		vcpu += json_array_size(part);
		if (at + 2 == elements("cpus"))
			assert_int_equal(vcpu, MULLION_NODE_VCPUS);
	}
}

static void schedule_lists_them_and_says_which_is_next(void **state)
{
	(void)state;
	fake_page.next_schedule = 1;
	fake_page.next_frame = 77;
	ask("\"cmd\":\"schedule\"");
	assert_string_equal(text(result(0), "schedule"), "normal");
	assert_string_equal(text(result(0), "next"), "degraded");
	assert_int_equal(number(result(0), "frame"), 77);
	assert_int_equal(elements("schedules"), 2);
}

static void health_counts_events_and_refusals(void **state)
{
	(void)state;
	fake_talk(&session, "x\n", 2, said, sizeof(said));
	fake_status[2].events[MULLION_EVENT_PORT] = 9;
	ask("\"cmd\":\"health\"");
	assert_int_equal(number(json_object_get(result(0), "refused"), "malformed"), 1);
	assert_int_equal(elements("partitions"), FAKE_PARTITIONS);
	assert_int_equal(number(json_object_get(element("partitions", 2), "events"), "port"), 9);
}

static void numbers_beyond_63_bits_are_text(void **state)
{
	(void)state;
	fake_journal.head = 2;
	fake_journal.entries[0].detail = UINT64_C(1) << 63;
	fake_journal.entries[0].rip = UINT64_MAX - 15;
	fake_journal.entries[1].detail = INT64_MAX;
	ask("\"cmd\":\"journal\",\"from\":0");
	assert_string_equal(text(element("entries", 0), "detail"), "0x8000000000000000");
	assert_string_equal(text(element("entries", 0), "rip"), "0xfffffffffffffff0");
	assert_true(number(element("entries", 1), "detail") == INT64_MAX);
}

static void the_log_is_read_from_any_position_to_its_head(void **state)
{
	char all[2048] = "", again[4096] = "";
	json_int_t at = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		sprintf(&all[strlen(all)], "line \"%u\"\n", i);
	fake_print(&fake_log, all);
	do {
		char rest[64];

		snprintf(rest, sizeof(rest), "\"cmd\":\"log\",\"from\":%lld", at);
		ask(rest);
		assert_int_equal(number(result(0), "from"), at);
		strcat(again, text(result(0), "text"));
		at = number(result(0), "to");
	} while (at != number(result(0), "head"));
	assert_string_equal(all, again);
}

static void what_the_log_has_lost_is_skipped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		fake_print(&fake_log, "x");
	ask("\"cmd\":\"log\",\"from\":0");
	assert_int_equal(number(result(0), "from"), 5000 - MULLION_CONSOLE_DATA);
}

static void the_journal_is_told_from_its_oldest_entry(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++)
		fake_journal.entries[i % MULLION_JOURNAL_ENTRIES] =
			(struct mullion_journal_entry){ .tsc = i,
				.partition = i == 199 ? MULLION_NO_VCPU : 1,
				.event = 1,
				.detail = i };
	fake_journal.head = 200;
	ask("\"cmd\":\"journal\",\"from\":0");
	assert_int_equal(number(result(0), "head"), 200);
	assert_int_equal(elements("entries"), MULLION_JOURNAL_ENTRIES);
	for (unsigned i = 0; i < MULLION_JOURNAL_ENTRIES; i++) {
		assert_int_equal(
			number(element("entries", i), "at"), 200 - MULLION_JOURNAL_ENTRIES + i);
		assert_int_equal(
			number(element("entries", i), "detail"), 200 - MULLION_JOURNAL_ENTRIES + i);
	}
	assert_string_equal(text(element("entries", 0), "partition"), "nav");
	assert_string_equal(text(element("entries", MULLION_JOURNAL_ENTRIES - 1), "partition"), "");
}

static void counters_tell_every_number_exactly(void **state)
{
	(void)state;
	fake_page.of_partition[2].vcpus = MULLION_STATUS_VCPUS;
	for (unsigned e = 0; e < 16; e++)
		fake_status[2].events[e] = UINT64_MAX / 2;
	for (unsigned v = 0; v < MULLION_STATUS_VCPUS; v++)
		fake_status[2].vcpus[v] =
			(struct mullion_vcpu_status){ v, INT64_MAX, INT64_MAX, INT64_MAX };
	ask("\"cmd\":\"counters\"");
	assert_true(count > FAKE_PARTITIONS);
	assert_int_equal(number(result(0), "now"), 123456789);
	for (size_t at = 2, vcpu = 0; at < elements("partitions"); at++) {
		json_t *const p = element("partitions", at);
		json_t *const vcpus = json_object_get(p, "vcpus");

		assert_string_equal(text(p, "name"), "watch");
		assert_int_equal(number(p, "first"), vcpu);
		assert_int_equal(
			json_array_size(json_object_get(p, "events")), MULLION_EVENT_COUNT);
		assert_int_equal(
			json_integer_value(json_array_get(json_array_get(vcpus, 0), 0)), vcpu);
		vcpu += json_array_size(vcpus);
		if (at + 1 == elements("partitions"))
			assert_int_equal(vcpu, MULLION_STATUS_VCPUS);
	}
}

static json_int_t nth(json_t *const array, const size_t at)
{
	return json_integer_value(json_array_get(array, at));
}

static void counters_tell_exits_by_cause_and_how_many_were_not_seen(void **state)
{
	(void)state;
	control.exits.unseen = 12;
	for (unsigned v = 0; v < MULLION_NODE_VCPUS; v++)
		for (unsigned c = 0; c < EXIT_CLASSES; c++)
			control.exits.counts[v][c] = 1000 * v + c;
	ask("\"cmd\":\"counters\"");
	assert_int_equal(number(result(0), "unseen"), 12);
	for (unsigned p = 0, vcpu = 0; p < FAKE_PARTITIONS; p++) {
		json_t *const rows = json_object_get(element("partitions", p), "vcpus");

		for (size_t v = 0; v < json_array_size(rows); v++, vcpu++) {
			json_t *const causes = json_array_get(json_array_get(rows, v), 4);

			assert_int_equal(json_array_size(causes), EXIT_CLASSES);
			assert_int_equal(nth(causes, EXIT_OTHER), 1000 * vcpu + EXIT_OTHER);
		}
	}
	ask("\"cmd\":\"info\",\"partition\":\"watch\"");
	assert_int_equal(number(json_object_get(element("vcpus", 0), "causes"), "hypercall"), 3004);
}

static struct mullion_sampling pose = { .begun = 8, .latest = 7 };
static struct mullion_queuing orders = { .head = 40, .overflows = 3 };
static struct mullion_queuing_reader orders_reader = { .tail = 38 };

static void counters_tell_the_traffic_of_every_channel(void **state)
{
	json_t *port;

	(void)state;
	for (unsigned i = 3; i < NODE_CHANNELS; i += 2) {
		control.node.channels[i] = (struct node_channel){ .name = "another-channel-of-many",
			.from = 1,
			.to = 2,
			.message_bytes = UINT32_MAX,
			.depth = UINT32_MAX,
			.queuing = &orders,
			.reader = &orders_reader };
	}
	control.node.channels[1] = (struct node_channel){
		.name = "pose", .from = 1, .message_bytes = 64, .sampling = &pose
	};
	ask("\"cmd\":\"counters\"");
	assert_int_equal(elements("partitions"), FAKE_PARTITIONS);
	assert_int_equal(elements("ports"), 1 + (NODE_CHANNELS - 2) / 2);
	port = element("ports", 0);
	assert_string_equal(text(port, "name"), "pose");
	assert_string_equal(text(port, "from"), "nav");
	assert_int_equal(number(port, "written"), 7);
	assert_null(json_object_get(port, "depth"));
	port = element("ports", elements("ports") - 1);
	assert_string_equal(text(port, "to"), "watch");
	assert_int_equal(number(port, "sent"), 40);
	assert_int_equal(number(port, "taken"), 38);
	assert_int_equal(number(port, "overflows"), 3);
	assert_int_equal(number(port, "depth"), UINT32_MAX);
	control.node.channels[1] = (struct node_channel){ .name = "" };
	control.node.channels[3].reader = NULL;
	ask("\"cmd\":\"counters\"");
	assert_null(json_object_get(element("ports", 0), "taken"));
}

/* The records of all lines, put together. */
static size_t records(struct mullion_trace_record *const to)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < count; i++) {
		const char *const data = text(result(i), "records");
		struct base64_decode_ctx base64;
		size_t part = 65536;

		base64_decode_init(&base64);
		assert_true(base64_decode_update(
			&base64, &part, (uint8_t *)to + bytes, strlen(data), data));
		assert_true(base64_decode_final(&base64));
		bytes += part;
	}
	return bytes / sizeof(*to);
}

static void a_trace_is_told_to_the_bit(void **state)
{
	struct mullion_trace_record got[300];

	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		fake_trace.records[i] =
			(struct mullion_trace_record){ .tsc = i, .a = ~i, .b = i * 77 };
	fake_trace.head = 300;
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":0");
	assert_int_equal(count, 16);
	assert_int_equal(records(got), 256);
	assert_memory_equal(got, fake_trace.records, 256 * sizeof(*got));
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":256");
	assert_int_equal(records(got), 44);
	assert_memory_equal(got, &fake_trace.records[256], 44 * sizeof(*got));
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":300");
	assert_int_equal(records(got), 0);
	assert_int_equal(number(result(0), "head"), 300);
}

static void what_control_kept_of_a_trace_is_told_beside_it(void **state)
{
	struct exits_marks *const marks = &control.exits.marks[0];
	struct mullion_trace_record got[EXITS_MARKS];

	(void)state;
	for (uint64_t i = 0; i < EXITS_MARKS; i++)
		marks->records[i] = (struct mullion_trace_record){ .tsc = i, .b = i * 77 };
	marks->head = EXITS_MARKS + 3;
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":0,\"marks\":true");
	assert_int_equal(number(result(0), "from"), 4);
	assert_int_equal(number(result(0), "head"), EXITS_MARKS + 3);
	assert_int_equal(records(got), EXITS_MARKS - 1);
	assert_memory_equal(&got[0], &marks->records[4], sizeof(*got));
	assert_memory_equal(&got[EXITS_MARKS - 2], &marks->records[2], sizeof(*got));
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":0,\"marks\":false");
	assert_int_equal(records(got), 0);
}

static void records_that_were_overwritten_are_not_told(void **state)
{
	struct mullion_trace_record got[256];

	(void)state;
	fake_trace.head = 3 * MULLION_TRACE_RECORDS + 5;
	ask("\"cmd\":\"trace\",\"cpu\":0,\"from\":0");
	/* One less than its capacity: the oldest may be in the writer's hands. */
	assert_int_equal(number(result(0), "from"), 2 * MULLION_TRACE_RECORDS + 6);
	assert_int_equal(records(got), 256);
}

static void a_page_is_dumped_in_eight_parts(void **state)
{
	(void)state;
	memset(fake_memory, 0xff, sizeof(fake_memory));
	fake_memory[3 * 8][63] = UINT64_C(1) << 56;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":3");
	assert_int_equal(count, 8);
	assert_int_equal(fake_last.number, MULLION_HC_PEEK);
	assert_int_equal(fake_last.second, 3 * 8 + 7);
	assert_int_equal(number(result(7), "page"), 3);
	assert_int_equal(number(result(7), "part"), 7);
	assert_int_equal(strlen(text(result(0), "data")), 684);
	assert_string_equal(text(result(0), "data") + 680, "AAE=");
}

static void a_run_of_zeros_is_one_line_of_many_steps(void **state)
{
	static const char line[] =
		"{\"v\":1,\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":2,\"pages\":256}\n";
	struct writer out;
	unsigned steps = 0, calls;

	(void)state;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":2,\"pages\":256");
	assert_int_equal(count, 1);
	assert_int_equal(number(result(0), "page"), 2);
	assert_int_equal(number(result(0), "part"), 0);
	assert_int_equal(number(result(0), "zeros"), 2048);
	session_take(&session, line, sizeof(line) - 1, &out);
	for (calls = fake_calls; session_busy(&session); calls = fake_calls) {
		session_go_on(&session, &out);
		assert_true(fake_calls - calls <= 16);
		assert_true((out.used != 0) == !session_busy(&session));
		steps++;
	}
	assert_int_equal(steps, 2048 / 16);
}

static void runs_and_blocks_follow_one_another(void **state)
{
	(void)state;
	fake_memory[20][7] = 1;
	fake_memory[21][63] = 1;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":1,\"pages\":3");
	assert_int_equal(count, 4);
	assert_int_equal(number(result(0), "zeros"), 12);
	assert_int_equal(number(result(1), "page"), 2);
	assert_int_equal(number(result(1), "part"), 4);
	assert_int_equal(strlen(text(result(2), "data")), 684);
	assert_int_equal(number(result(3), "part"), 6);
	assert_int_equal(number(result(3), "zeros"), 10);
}

static void a_dump_ends_with_the_memory_and_at_its_hole(void **state)
{
	(void)state;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":2047,\"pages\":7");
	assert_int_equal(number(result(0), "zeros"), 8);
	fake_page.of_partition[1].memory_bytes = MULLION_HOLE_BASE + 8192;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":983039,\"pages\":7");
	assert_int_equal(number(result(0), "zeros"), 8);
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":1048576,\"pages\":7");
	assert_int_equal(number(result(0), "zeros"), 16);
}

static void put_block(const unsigned page, const unsigned part, const uint8_t *const data)
{
	char rest[1024];
	const int front = snprintf(rest, sizeof(rest),
		"\"cmd\":\"load\",\"partition\":\"nav\",\"page\":%u,\"part\":%u,\"data\":\"", page,
		part);

	base64_encode_raw(rest + front, MULLION_PEEK_BYTES, data);
	strcat(rest, "\"");
	memset(rest + front + 684, 0, sizeof(rest) - (size_t)front - 684);
	strcat(rest, "\"");
	ask(rest);
}

static void what_was_dumped_is_loaded_to_the_bit(void **state)
{
	uint8_t data[MULLION_PEEK_BYTES];
	uint64_t random = 5;

	(void)state;
	for (unsigned turn = 0; turn < 20; turn++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)unit_random(&random);
		put_block(turn, turn % 8, data);
		assert_int_equal(number(result(0), "page"), turn);
		assert_int_equal(number(result(0), "part"), turn % 8);
		assert_int_equal(fake_last.number, MULLION_HC_POKE);
		assert_int_equal(fake_last.first, 1);
		assert_memory_equal(fake_memory[turn * 8 + turn % 8], data, sizeof(data));
	}
}

static void zeros_are_loaded_in_bounded_steps_and_nowhere_else(void **state)
{
	(void)state;
	memset(fake_memory, 0x5a, sizeof(fake_memory));
	ask("\"cmd\":\"load\",\"partition\":\"nav\",\"page\":1,\"part\":3,\"zeros\":100");
	assert_int_equal(count, 1);
	assert_int_equal(number(result(0), "zeros"), 100);
	for (unsigned b = 0; b < FAKE_BLOCKS; b++)
		assert_int_equal(fake_memory[b][b % 64] == 0, b >= 11 && b < 111);
}

static void registers_are_dumped_in_one(void **state)
{
	(void)state;
	fake_exchange[0] = 0x4d;
	ask("\"cmd\":\"dump\",\"partition\":\"nav\",\"vcpu\":1");
	assert_int_equal(count, 1);
	assert_true(fake_last.second == MULLION_PEEK_VCPU + 1);
	assert_int_equal(
		strlen(text(result(0), "data")), (sizeof(struct mullion_registers) + 2) / 3 * 4);
	assert_memory_equal(text(result(0), "data"), "TQAA", 4);
}

static void a_dump_ends_when_somebody_starts_the_partition(void **state)
{
	static const char line[] =
		"{\"v\":1,\"id\":7,\"cmd\":\"dump\",\"partition\":\"nav\",\"page\":0}\n";
	struct writer out;

	(void)state;
	fake_memory[0][0] = 1;
	assert_int_equal(session_take(&session, line, sizeof(line) - 1, &out), sizeof(line) - 1);
	session_go_on(&session, &out);
	assert_true(session_busy(&session));
	fake_result = MULLION_EAGAIN;
	session_go_on(&session, &out);
	assert_false(session_busy(&session));
	out.text[out.used] = '\0';
	assert_non_null(strstr(out.text, "\"id\":7,\"ok\":false,\"error\":\"not-now\""));
}

/* Pages as a hostile or broken kernel would leave them: bounded, and still JSON. */
static void whatever_stands_in_the_pages_answers_are_lines(void **state)
{
	static const char *const asks[] = { "\"cmd\":\"hello\"", "\"cmd\":\"list\"",
		"\"cmd\":\"info\",\"partition\":\"watch\"", "\"cmd\":\"cpus\"",
		"\"cmd\":\"schedule\"", "\"cmd\":\"health\"", "\"cmd\":\"counters\"",
		"\"cmd\":\"journal\",\"from\":0", "\"cmd\":\"log\",\"from\":0",
		"\"cmd\":\"trace\",\"cpu\":0,\"from\":0", "\"cmd\":\"version\"" };
	uint64_t random = 3;

	(void)state;
	for (unsigned turn = 0; turn < 50; turn++) {
		struct {
			void *page;
			size_t bytes;
		} const pages[] = { { &fake_page, sizeof(fake_page) },
			{ fake_status, sizeof(fake_status) },
			{ &fake_journal, sizeof(fake_journal) }, { &fake_log, sizeof(fake_log) },
			{ &fake_trace, sizeof(fake_trace) } };

		for (size_t p = 0; p < sizeof(pages) / sizeof(*pages); p++)
			for (size_t b = 0; b < pages[p].bytes; b += 8) {
				const uint64_t word = turn == 0 ? UINT64_MAX : unit_random(&random);

				memcpy((uint8_t *)pages[p].page + b, &word, 8);
			}
		for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++) {
			char line[128];

			snprintf(line, sizeof(line), "{\"v\":1,%s}\n", asks[i]);
			assert_true(fake_talk(&session, line, strlen(line), said, sizeof(said)) <=
				    LINES_MOST * 2);
			for (const char *at = said; *at != '\0'; at = strchr(at, '\n') + 1) {
				const size_t bytes = (size_t)(strchr(at, '\n') - at);
				json_t *const read = json_loadb(at, bytes, 0, NULL);

				assert_true(bytes < LINE_BYTES);
				if (read == NULL)
					fail_msg("not JSON: %s", at);
				json_decref(read);
			}
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_names_the_node_and_its_clock),
		TEST(list_names_all_partitions_and_what_they_do),
		TEST(a_partition_without_a_status_page_is_not_listed),
		TEST(info_tells_all_of_one_partition),
		TEST(cpus_tells_who_is_where),
		TEST(a_cpu_with_many_vcpus_goes_on_in_the_next_line),
		TEST(schedule_lists_them_and_says_which_is_next),
		TEST(health_counts_events_and_refusals),
		TEST(numbers_beyond_63_bits_are_text),
		TEST(the_log_is_read_from_any_position_to_its_head),
		TEST(what_the_log_has_lost_is_skipped),
		TEST(the_journal_is_told_from_its_oldest_entry),
		TEST(counters_tell_every_number_exactly),
		TEST(counters_tell_exits_by_cause_and_how_many_were_not_seen),
		TEST(counters_tell_the_traffic_of_every_channel),
		TEST(a_trace_is_told_to_the_bit),
		TEST(what_control_kept_of_a_trace_is_told_beside_it),
		TEST(records_that_were_overwritten_are_not_told),
		TEST(a_page_is_dumped_in_eight_parts),
		TEST(a_run_of_zeros_is_one_line_of_many_steps),
		TEST(runs_and_blocks_follow_one_another),
		TEST(a_dump_ends_with_the_memory_and_at_its_hole),
		TEST(what_was_dumped_is_loaded_to_the_bit),
		TEST(zeros_are_loaded_in_bounded_steps_and_nowhere_else),
		TEST(registers_are_dumped_in_one),
		TEST(a_dump_ends_when_somebody_starts_the_partition),
		TEST(whatever_stands_in_the_pages_answers_are_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
