/*
 * The table of neighbours: as many as it was declared for have room, whatever their addresses look like.
 */
#include <ib/gid.h>
#include <ib/neighbour.h>

#include "unit.h"

#define MANY 1500u

NEIGHBOURS(many, MANY);
NEIGHBOURS(few, 1);

static void empty(struct neighbours *const table)
{
	memset(table->slots, 0, sizeof(table->slots[0]) * table->buckets * NEIGHBOUR_WAYS);
	table->count = 0;
}

static void write_mac(uint8_t *const mac, const uint32_t number)
{
	mac[0] = 2;
	mac[1] = 0;
	octets_write32(mac + 2, number);
}

/* Ways in which networks number their nodes. */
static void write_gid(uint8_t *const gid, const unsigned way, const uint32_t number)
{
	uint64_t random = 0x1234567 + number;

	memset(gid, 0, IB_GID_BYTES);
	if (way < 3) {
		static const uint32_t strides[] = { 1, 256, 4 };

		gid_from_ipv4(gid, 0x0a000001 + number * strides[way]);
	} else if (way == 3) { /* link-local, of the MAC */
		octets_write64(gid, 0xfe80000000000000ull);
		octets_write64(gid + 8, 0x005054fffe000000ull + number);
	} else if (way == 4) { /* one prefix each */
		octets_write64(gid, 0xfd00000000000000ull + ((uint64_t)number << 16));
		gid[15] = 1;
	} else {
		octets_write64(gid, unit_random(&random));
		octets_write64(gid + 8, unit_random(&random));
	}
}

#define WAYS 6u

static void as_many_as_declared_have_room_and_are_found(void **state)
{
	uint8_t gid[IB_GID_BYTES], mac[NEIGHBOUR_MAC_BYTES];

	(void)state;
	for (unsigned way = 0; way < WAYS; way++) {
		empty(&many);
		for (uint32_t i = 0; i < MANY; i++) {
			write_gid(gid, way, i);
			write_mac(mac, i);
			assert_null(neighbour_find(&many, gid));
			assert_non_null(neighbour_put(&many, gid, mac, NEIGHBOUR_STATIC));
		}
		assert_int_equal(many.count, MANY);
		for (uint32_t i = 0; i < MANY; i++) {
			write_gid(gid, way, i);
			write_mac(mac, i);
			assert_memory_equal(neighbour_find(&many, gid)->mac, mac, sizeof(mac));
		}
	}
}

static void a_neighbour_said_again_is_one_neighbour(void **state)
{
	uint8_t gid[IB_GID_BYTES], mac[NEIGHBOUR_MAC_BYTES];

	(void)state;
	empty(&many);
	write_gid(gid, 0, 1);
	for (uint32_t i = 0; i < 20; i++) {
		write_mac(mac, i);
		assert_non_null(neighbour_put(&many, gid, mac, NEIGHBOUR_HEARD));
	}
	assert_int_equal(many.count, 1);
	assert_memory_equal(neighbour_find(&many, gid)->mac, mac, sizeof(mac));
}

/* Sixteen slots, in two buckets, which everybody has. */
static unsigned fill(const enum neighbour_kind kind)
{
	uint8_t gid[IB_GID_BYTES], mac[NEIGHBOUR_MAC_BYTES] = { 2 };
	unsigned placed = 0;

	empty(&few);
	for (uint32_t i = 0; i < 64; i++) {
		write_gid(gid, 0, i);
		placed += neighbour_put(&few, gid, mac, kind) != NULL;
	}
	return placed;
}

static void the_table_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(few.buckets, 2);
	assert_in_range(fill(NEIGHBOUR_STATIC), 8, 16);
	assert_int_equal(few.count, fill(NEIGHBOUR_STATIC));
}

static void what_the_program_says_takes_the_place_of_what_was_heard_and_not_the_other_way(
	void **state)
{
	uint8_t gid[IB_GID_BYTES], mac[NEIGHBOUR_MAC_BYTES] = { 2, 0, 0, 0, 0, 9 };
	unsigned placed = fill(NEIGHBOUR_HEARD);

	(void)state;
	for (uint32_t i = 100; i < 100 + placed / 2; i++) {
		write_gid(gid, 0, i);
		assert_null(neighbour_put(&few, gid, mac, NEIGHBOUR_HEARD));
		assert_non_null(neighbour_put(&few, gid, mac, NEIGHBOUR_STATIC));
		assert_memory_equal(neighbour_find(&few, gid)->mac, mac, sizeof(mac));
	}
	assert_int_equal(few.count, placed);
	for (uint32_t i = 0; i < 64; i++) {
		write_gid(gid, 0, i);
		neighbour_put(&few, gid, mac, NEIGHBOUR_HEARD);
	}
	for (uint32_t i = 100; i < 100 + placed / 2; i++) {
		write_gid(gid, 0, i);
		assert_int_equal(neighbour_find(&few, gid)->kind, NEIGHBOUR_STATIC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_as_declared_have_room_and_are_found),
		cmocka_unit_test(a_neighbour_said_again_is_one_neighbour),
		cmocka_unit_test(the_table_has_an_end),
		cmocka_unit_test(
			what_the_program_says_takes_the_place_of_what_was_heard_and_not_the_other_way),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
