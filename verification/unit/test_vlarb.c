/*
 * The arbiter between lanes against what the specification says of it, the bound on a lane's wait against
 * what a simulated port measures while all others are saturated, and token buckets.
 */
#include <errno.h>

#include <ib/bucket.h>
#include <ib/vlarb.h>

#include "unit.h"

#define ALL_LANES 0x7fffu

static uint64_t random_state = 1;

static uint32_t below(const uint32_t limit)
{
	return (uint32_t)((unit_random(&random_state) >> 16) % limit);
}

static struct vlarb_tables tables_of(
	const char *const high, const char *const low, const uint8_t limit)
{
	struct vlarb_tables tables = { .limit = limit };
	const char *const texts[] = { high, low };
	struct vlarb_table *const both[] = { &tables.high, &tables.low };

	for (unsigned i = 0; i < 2; i++)
		for (const char *at = texts[i]; *at != 0;) {
			unsigned vl, weight;
			int used;

			assert_int_equal(sscanf(at, "%u:%u%n", &vl, &weight, &used), 2);
			both[i]->entries[both[i]->count++] =
				(struct vlarb_entry){ (uint8_t)vl, (uint8_t)weight };
			at += used + (at[used] == ' ');
		}
	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		tables.vl_of_sl[sl] = (uint8_t)sl;
	return tables;
}

/* What is sent, a letter each packet, while these lanes always have packets of that length. */
static void expect(const char *const high, const char *const low, const uint8_t limit,
	const uint16_t waiting, const uint32_t bytes, const char *const lanes)
{
	const struct vlarb_tables tables = tables_of(high, low, limit);
	struct vlarb arbiter;
	char sent[64] = "";

	assert_int_equal(vlarb_open(&arbiter, &tables), 0);
	for (unsigned i = 0; i < strlen(lanes); i++) {
		const unsigned vl = vlarb_choose(&arbiter, waiting);

		sent[i] = vl == VLARB_NONE ? '-' : (char)('0' + vl);
		if (vl != VLARB_NONE)
			vlarb_sent(&arbiter, bytes);
	}
	assert_string_equal(sent, lanes);
}

static void an_entry_sends_while_anything_of_its_weight_is_left(void **state)
{
	(void)state;
	expect("1:2 2:1", "", 255, ALL_LANES, 64, "112112112");
	expect("1:2 2:1", "", 255, ALL_LANES, 65, "1212121");
	expect("1:3 2:1", "", 255, ALL_LANES, 128, "112112112");
	expect("1:1 2:1 1:1 3:1", "", 255, ALL_LANES, 64, "121312131213");
}

static void lanes_without_packets_and_weights_of_zero_are_skipped(void **state)
{
	(void)state;
	expect("1:1 2:1 3:1", "", 255, 1u << 1 | 1u << 3, 64, "131313");
	expect("1:1 2:0 3:1", "", 255, ALL_LANES, 64, "131313");
	expect("2:0", "", 255, ALL_LANES, 64, "---");
	expect("", "", 255, ALL_LANES, 64, "---");
	expect("1:1", "", 255, 1u << 4, 64, "---");
}

static void low_waits_for_high_up_to_the_limit(void **state)
{
	(void)state;
	expect("1:255", "4:1 5:1", 255, ALL_LANES, 1024, "11111111111111111111");
	expect("1:255", "4:1 5:1", 1, ALL_LANES, 1024, "111141111511114");
	expect("1:255", "4:1 5:1", 2, ALL_LANES, 4096, "114115114");
	expect("1:255", "4:1 5:1", 0, ALL_LANES, 64, "14151415");
	expect("1:255", "4:1 5:1", 255, 1u << 4 | 1u << 5, 64, "454545");
}

static void lane_15_is_before_all_and_costs_nobody_a_turn(void **state)
{
	const struct vlarb_tables tables = tables_of("1:2 2:2", "", 255);
	struct vlarb arbiter;
	static const unsigned expected[] = { 1, 15, 1, 15, 2, 15, 2, 15, 1 };

	(void)state;
	vlarb_open(&arbiter, &tables);
	for (unsigned i = 0; i < 9; i++) {
		assert_int_equal(
			vlarb_choose(&arbiter, (uint16_t)(ALL_LANES | (i % 2) << 15)), expected[i]);
		vlarb_sent(&arbiter, 64);
	}
}

static void service_levels_map_to_lanes_and_15_discards(void **state)
{
	struct vlarb_tables tables = tables_of("1:1", "", 255);
	struct vlarb arbiter;

	(void)state;
	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		tables.vl_of_sl[sl] = (uint8_t)(sl < 4 ? 1 : sl < 8 ? 2 : 15);
	assert_int_equal(vlarb_open(&arbiter, &tables), 0);
	assert_int_equal(vlarb_lanes_of(&arbiter, 0x0001), 1u << 1);
	assert_int_equal(vlarb_lanes_of(&arbiter, 0x0011), 1u << 1 | 1u << 2);
	assert_int_equal(vlarb_lanes_of(&arbiter, 0xff00), 0);
	assert_int_equal(vlarb_sls_of(&arbiter, 2), 0x00f0);
	tables.high.entries[0].vl = 15;
	assert_int_equal(vlarb_open(&arbiter, &tables), EINVAL);
	tables = tables_of("1:1", "", 255);
	tables.low.count = VLARB_ENTRIES + 1;
	assert_int_equal(vlarb_open(&arbiter, &tables), EINVAL);
}

/* ---- A port in which all other lanes are saturated ---- */

struct port {
	struct vlarb_tables tables;
	struct vlarb_packets packets;
	struct vlarb arbiter;
	unsigned vl;
	bool adversarial;
	bool managed; /* lane 15 has had its packet of this wait */
	uint16_t others;
};

/* Adversaries know how to oversend: full packets, and weights of whole ones and a unit. */
static uint32_t length(const struct port *const port, const unsigned vl)
{
	if (vl == VLARB_MANAGEMENT)
		return (uint32_t)port->packets.management;
	if (vl == port->vl)
		return port->packets.own;
	return port->adversarial ? port->packets.most : 64 + below(port->packets.most - 63);
}

static uint32_t send(struct port *const port, const bool own)
{
	const bool management = own && port->packets.management != 0 && !port->managed &&
				(port->adversarial || below(4) == 0);
	const unsigned waiting =
		port->others | (unsigned)own << port->vl | (unsigned)management << VLARB_MANAGEMENT;
	const unsigned vl = vlarb_choose(&port->arbiter, (uint16_t)waiting);
	const uint32_t bytes = length(port, vl);

	assert_int_not_equal(vl, VLARB_NONE);
	vlarb_sent(&port->arbiter, bytes);
	port->managed |= management;
	return own && vl == port->vl ? 0 : bytes;
}

/*
 * A packet of the lane comes one byte after another's began; until it has been sent. Adversaries have it
 * come when the lane's turn has just passed.
 */
static uint64_t wait_once(struct port *const port)
{
	const unsigned count = port->tables.high.count;
	const unsigned steps = port->adversarial ? below(2 * count + 2) : below(40);
	uint64_t waited;
	uint32_t bytes = 1;

	port->managed = false;
	if (port->others == 0)
		return port->packets.own;
	for (unsigned i = 0; i < steps; i++)
		send(port, false);
	waited = send(port, false) - 1;
	while (bytes != 0) {
		bytes = send(port, true);
		waited += bytes;
	}
	return waited + port->packets.own;
}

static void random_table(struct vlarb_table *const table, const unsigned first_lane,
	const unsigned lanes, const bool adversarial, const uint32_t most)
{
	const uint32_t units = most / VLARB_UNIT_BYTES;

	table->count = 1 + below(12);
	for (unsigned i = 0; i < table->count; i++) {
		const uint32_t whole = below(2) * units + 1;
		const uint32_t weight = adversarial ? (whole > 255 ? 1 : whole) : below(48);

		table->entries[i] = (struct vlarb_entry){ (uint8_t)(first_lane + below(lanes)),
			(uint8_t)weight };
	}
}

static void saturate(struct port *const port)
{
	const struct vlarb_table *const both[] = { &port->tables.high, &port->tables.low };

	port->others = 0;
	for (unsigned t = 0; t < 2; t++)
		for (unsigned i = 0; i < both[t]->count; i++)
			if (both[t]->entries[i].vl != port->vl && both[t]->entries[i].weight != 0)
				port->others |= (uint16_t)(1u << both[t]->entries[i].vl);
}

static void random_port(struct port *const port, const bool adversarial)
{
	static const uint32_t mosts[] = { 320, 576, 1088, 2112, 4160 };
	static const uint8_t limits[] = { 0, 1, 2, 4, 16, 255 };

	memset(port, 0, sizeof(*port));
	port->adversarial = adversarial;
	port->packets.most = mosts[below(5)];
	port->packets.least_high = adversarial ? port->packets.most : 64;
	port->packets.own = 64 + below(port->packets.most - 63);
	port->packets.management = below(2) * 320;
	port->tables.limit = limits[below(6)];
	random_table(&port->tables.high, 0, 6, adversarial, port->packets.most);
	random_table(&port->tables.low, 6, 8, adversarial, port->packets.most);
	port->vl = port->tables.high.entries[below(port->tables.high.count)].vl;
	saturate(port);
	assert_int_equal(vlarb_open(&port->arbiter, &port->tables), 0);
}

/* The longest wait of many, as a share of the bound, in thousandths. */
static unsigned measure(struct port *const port, const unsigned waits)
{
	const uint64_t bound = vlarb_wait_bytes(&port->tables, port->vl, &port->packets);
	uint64_t longest = 0;

	if (bound == VLARB_NEVER)
		return 500; /* every entry of the lane has weight 0 */
	for (unsigned i = 0; i < waits; i++) {
		const uint64_t waited = wait_once(port);

		longest = waited > longest ? waited : longest;
	}
	assert_true(longest <= bound);
	return (unsigned)(longest * 1000 / bound);
}

static void no_lane_waits_longer_than_the_bound_in_1000_random_tables(void **state)
{
	struct port port;
	unsigned largest = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned share;

		random_port(&port, false);
		share = measure(&port, 200);
		largest = share > largest ? share : largest;
	}
	printf("# waits of random tables: 1000, longest %u of 1000\n", largest);
	assert_in_range(largest, 500, 1000);
}

static void adversaries_make_it_wait_at_least_half_of_it(void **state)
{
	struct port port;
	unsigned least = 1000;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned share;

		random_port(&port, true);
		share = measure(&port, 400);
		assert_in_range(share, 500, 1000);
		least = share < least ? share : least;
	}
	printf("# waits of adversarial tables: 1000, shortest longest %u of 1000\n", least);
}

static void the_bound_is_the_formula(void **state)
{
	struct vlarb_tables tables = tables_of("1:4 2:18 3:1 1:4 2:1", "4:1", 255);
	const struct vlarb_packets packets = { 1088, 1088, 500, 320 };

	(void)state;
	/* Of lane 1: 64 * 17 + 1088 and 1088 between its turns, and 1088 after the second. */
	assert_int_equal(vlarb_wait_bytes(&tables, 1, &packets), 2176 + 1088 + 1088 + 320 + 500);
	tables.limit = 0;
	assert_int_equal(
		vlarb_wait_bytes(&tables, 1, &packets), 3264 + 4 * 1088 + 1088 + 320 + 500);
	tables.limit = 1;
	assert_int_equal(vlarb_wait_bytes(&tables, 1, &packets), 3264 + 1088 + 1088 + 320 + 500);
	assert_true(vlarb_wait_bytes(&tables, 4, &packets) == VLARB_NEVER);
}

static void a_saturated_lane_gets_the_share_it_is_promised(void **state)
{
	struct port port;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint64_t of, own, got = 0, all = 0;

		random_port(&port, i % 2 == 0);
		port.packets.management = 0;
		own = vlarb_share_bytes(&port.tables, port.vl, &port.packets, &of);
		while (all < 200 * of && own != 0) {
			const uint32_t others = send(&port, true);

			got += others == 0 ? port.packets.own : 0;
			all += others == 0 ? port.packets.own : others;
		}
		assert_true(got * of >= (all - 2 * of) * own || own == 0 || all == 0 ||
			    port.packets.own % VLARB_UNIT_BYTES != 0);
	}
}

/* ---- Token buckets ---- */

static void a_bucket_lets_pass_at_most_burst_and_rate(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		const uint64_t rate = 1 + below(2000000000);
		const uint32_t burst = 64 + below(100000);
		const struct time_rate ticks = { 1000000 + below(3000000000u), 1 + below(1000) };
		uint64_t now = below(1000000), begin = now, passed = 0;
		struct bucket bucket;

		assert_int_equal(bucket_open(&bucket, rate, burst, &ticks, now), 0);
		for (unsigned n = 0; n < 500; n++) {
			const uint32_t bytes = 1 + below(burst);
			__uint128_t most;

			if (n % 20 == 0) { /* another stretch of time, after one without a byte */
				now += bucket.filling / 2 +
				       unit_random(&random_state) % bucket.filling;
				begin = now;
				passed = 0;
			}
			if (below(2) == 0)
				now += unit_random(&random_state) % (bucket.filling / 8 + 1);
			else if (bucket_when(&bucket, now, bytes) > now)
				now = bucket_when(&bucket, now, bytes) - 1;
			if (bucket_take(&bucket, now, bytes))
				passed += bytes;
			most = (__uint128_t)rate * (now - begin) * ticks.denominator /
				       ticks.numerator +
			       burst;
			assert_true(passed <= most);
		}
	}
}

static void and_never_less_than_the_rate_where_that_is_asked_for(void **state)
{
	const uint64_t rate = 123456789;
	const struct time_rate ticks = { 7199999963u, 3 };
	uint64_t now = 5, passed = 0;
	struct bucket bucket;

	(void)state;
	assert_int_equal(bucket_open(&bucket, rate, 3000, &ticks, now), 0);
	while (passed < 1000000) {
		const uint64_t when = bucket_when(&bucket, now, 1500);

		assert_true(when == now || !bucket_allows(&bucket, when - 1, 1500));
		now = when;
		assert_true(bucket_take(&bucket, now, 1500));
		passed += 1500;
	}
	assert_true((__uint128_t)(now - 5) * rate * ticks.denominator <=
		    (__uint128_t)(passed - 3000 + 1) * ticks.numerator);
}

static void buckets_that_cannot_be_are_refused(void **state)
{
	static const struct time_rate none = { 0, 1 }, slow = { 1, 1 }, fast = { 1000, 1 };
	static const struct time_rate wrong[] = { { BUCKET_NUMERATOR_MOST + 1, 1 }, { 1, 0 },
		{ 1, BUCKET_DENOMINATOR_MOST + 1 } };
	struct bucket bucket;

	(void)state;
	assert_int_equal(bucket_open(&bucket, 0, 1, &slow, 0), EINVAL);
	assert_int_equal(bucket_open(&bucket, 1, 0, &slow, 0), EINVAL);
	assert_int_equal(bucket_open(&bucket, 1, 1, &none, 0), EINVAL);
	assert_int_equal(bucket_open(&bucket, BUCKET_RATE_MOST + 1, 1, &slow, 0), EINVAL);
	assert_int_equal(bucket_open(&bucket, 1, BUCKET_BURST_MOST + 1, &slow, 0), EINVAL);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bucket_open(&bucket, 1, 1, &wrong[i], 0), EINVAL);
	assert_int_equal(bucket_open(&bucket, 1, 100, &fast, 7), 0);
	assert_true(bucket_when(&bucket, 7, 101) == BUCKET_NEVER);
	assert_true(bucket_when(&bucket, 7, UINT32_MAX) == BUCKET_NEVER);
	assert_false(bucket_take(&bucket, 7, 101));
	assert_true(bucket_take(&bucket, 3, 100));
	assert_false(bucket_take(&bucket, 3, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_sends_while_anything_of_its_weight_is_left),
		cmocka_unit_test(lanes_without_packets_and_weights_of_zero_are_skipped),
		cmocka_unit_test(low_waits_for_high_up_to_the_limit),
		cmocka_unit_test(lane_15_is_before_all_and_costs_nobody_a_turn),
		cmocka_unit_test(service_levels_map_to_lanes_and_15_discards),
		cmocka_unit_test(no_lane_waits_longer_than_the_bound_in_1000_random_tables),
		cmocka_unit_test(adversaries_make_it_wait_at_least_half_of_it),
		cmocka_unit_test(the_bound_is_the_formula),
		cmocka_unit_test(a_saturated_lane_gets_the_share_it_is_promised),
		cmocka_unit_test(a_bucket_lets_pass_at_most_burst_and_rate),
		cmocka_unit_test(and_never_less_than_the_rate_where_that_is_asked_for),
		cmocka_unit_test(buckets_that_cannot_be_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vlarb", tests, NULL, NULL);
}
