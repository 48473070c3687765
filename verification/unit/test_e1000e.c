/*
 * The 82574's driver against a model of one: as it should be, slow, broken, and lying.
 */
#include "fake_82574.h"

#include <pci/registers.h>

#define DEPTH E1000E_DEPTH
#define GOOD  (RECEIVED_DONE | RECEIVED_LAST)

static struct e1000e card;
static uint8_t frame[E1000E_FRAME_BYTES + 1], pattern[E1000E_BUFFER_BYTES];

static bool starts(void)
{
	struct pci_function function;
	bool good;

	assert_true(pci_find(E1000E_VENDOR, PCI_ANY, 0, 0, 1, &function));
	good = e1000e_start(&card, &function);
	assert_int_equal(fake.stray, 0);
	assert_int_equal(fake.exposed, 0);
	assert_int_equal(good, !card.broken);
	return good;
}

static int begin(void **state)
{
	(void)state;
	fake_82574_begin(E1000E_82574L);
	memset(&card, 0x5a, sizeof(card));
	memset(frame, 0xee, sizeof(frame));
	for (unsigned i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + 1);
	return 0;
}

static int begin_started(void **state)
{
	begin(state);
	assert_true(starts());
	return 0;
}

static uint32_t reads(unsigned offset)
{
	return fake.model_read(offset);
}

/* ---- Opening ---- */

static void it_is_reset_and_started(void **state)
{
	(void)state;
	assert_true(starts());
	assert_int_equal(intel.resets, 1);
	assert_int_equal(intel.early, 0);
	assert_memory_equal(card.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(fake_config(PCI_COMMAND) & COMMAND_BUS_MASTER, COMMAND_BUS_MASTER);
	assert_int_equal(reads(CTRL), CTRL_LINK_UP);
	assert_int_equal(reads(IMC), UINT32_MAX);
	assert_int_equal(reads(RXCSUM), 0);
	assert_int_equal(reads(RCTL), RCTL_ENABLE | RCTL_GROUPS | RCTL_BROADCAST | RCTL_STRIP);
	assert_int_equal(
		reads(TCTL) & ~(1u << 28), TCTL_ENABLE | TCTL_PAD | TCTL_THRESHOLD | TCTL_DISTANCE);
	assert_int_equal(reads(RDT), DEPTH - 1);
	assert_int_equal(reads(TDT), 0);
	assert_true(e1000e_has_link(&card));
}

static void it_can_be_started_again(void **state)
{
	unsigned bytes;

	(void)state;
	assert_true(starts());
	for (unsigned i = 0; i < 5; i++)
		assert_true(e1000e_send(&card, pattern, 100));
	assert_true(fake_82574_deliver(pattern, 60, 60, GOOD, 0));
	assert_true(starts());
	assert_int_equal(intel.resets, 2);
	assert_null(fake_82574_fetch(&bytes));
	assert_int_equal(e1000e_receive(&card, frame), 0);
	assert_false(e1000e_reclaim(&card));
	assert_true(fake_82574_deliver(pattern, 60, 60, GOOD, 0));
	assert_int_equal(e1000e_receive(&card, frame), 60);
}

static void its_kin_is_driven_and_nothing_else(void **state)
{
	static const struct {
		uint16_t vendor, device;
		bool driven;
	} cards[] = { { 0x8086, 0x10d3, true }, { 0x8086, 0x10f6, true }, { 0x8086, 0x150c, true },
		{ 0x8086, 0x100e, false }, { 0x1af4, 0x10d3, false } };

	(void)state;
	for (unsigned i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
		const struct pci_function function = { .vendor = cards[i].vendor,
			.device = cards[i].device };

		assert_int_equal(e1000e_drives(&function), cards[i].driven);
	}
}

static void a_slow_device_is_waited_for_but_not_for_ever(void **state)
{
	unsigned *const sticks[] = { &intel.reset_sticks, &intel.load_sticks };

	for (unsigned i = 0; i < 2; i++) {
		begin(state);
		*sticks[i] = 1000;
		assert_true(starts());
		begin(state);
		*sticks[i] = UINT32_MAX;
		assert_false(starts());
		assert_int_equal(fake_config(PCI_COMMAND) & COMMAND_BUS_MASTER, 0);
	}
	begin(state);
	intel.master_sticks = UINT32_MAX; /* a reset helps */
	assert_true(starts());
}

static void a_device_that_is_not_there_is_not_started(void **state)
{
	(void)state;
	intel.unplugged = 1;
	assert_false(starts());
	assert_false(e1000e_has_link(&card));
	assert_false(e1000e_send(&card, pattern, 60));
	assert_int_equal(e1000e_receive(&card, frame), 0);
	assert_false(e1000e_reclaim(&card));
}

static void registers_that_do_not_fit_are_not_touched(void **state)
{
	(void)state;
	fake.bar_masks[0] = ~(FAKE_MODEL_BYTES / 2 - 1);
	assert_false(starts());
	assert_int_equal(intel.resets, 0);
	begin(state);
	fake_config32(PCI_BAR, 0xc001);
	assert_false(starts());
	assert_int_equal(intel.resets, 0);
}

/* What the model loads at its reset is not what the test would have it load: so by hand, through the hook. */
static uint32_t mac_low, mac_high;
static uint32_t (*honest)(unsigned offset);

static uint32_t other_mac(unsigned offset)
{
	if (offset == RAL0)
		return mac_low;
	return offset == RAH0 ? mac_high : honest(offset);
}

static void an_address_that_no_station_has_is_refused(void **state)
{
	static const uint32_t macs[][2] = { { 0x12005452, 0x5634 }, { 0, RAH0_VALID },
		{ 0x12005453, 0x5634 | RAH0_VALID }, { UINT32_MAX, UINT32_MAX } };

	for (unsigned i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		begin(state);
		honest = fake.model_read;
		fake.model_read = other_mac;
		mac_low = macs[i][0];
		mac_high = macs[i][1];
		assert_false(starts());
	}
	begin(state);
	fake.model_read = other_mac;
	mac_low = 0;
	mac_high = 0x100 | RAH0_VALID;
	assert_true(starts());
	assert_memory_equal(card.mac, "\0\0\0\0\0\1", 6);
}

static void the_link_is_what_the_card_says(void **state)
{
	(void)state;
	assert_true(starts());
	intel.registers[STATUS / 4] = 0;
	assert_false(e1000e_has_link(&card));
	intel.registers[STATUS / 4] = STATUS_LINK;
	assert_true(e1000e_has_link(&card));
}

/* ---- Sending ---- */

static void a_frame_is_offered_whole_and_the_device_told(void **state)
{
	unsigned bytes;

	(void)state;
	for (unsigned length = E1000E_FRAME_LEAST; length <= E1000E_FRAME_BYTES; length += 25) {
		const uint8_t *sent;

		memset(card.send_buffers, 0xee, sizeof(card.send_buffers));
		assert_true(e1000e_send(&card, pattern, length));
		sent = fake_82574_fetch(&bytes);
		assert_non_null(sent);
		assert_int_equal(bytes, length < 60 ? 60 : length);
		assert_memory_equal(sent, pattern, length);
		for (unsigned i = length; i < 60; i++)
			assert_int_equal(sent[i], 0);
		assert_null(fake_82574_fetch(&bytes));
		fake_82574_done();
	}
}

static void what_is_no_frame_is_not_sent(void **state)
{
	unsigned bytes;

	(void)state;
	assert_false(e1000e_send(&card, pattern, 0));
	assert_false(e1000e_send(&card, pattern, E1000E_FRAME_LEAST - 1));
	assert_false(e1000e_send(&card, pattern, E1000E_FRAME_BYTES + 1));
	assert_false(e1000e_send(&card, pattern, UINT32_MAX));
	assert_null(fake_82574_fetch(&bytes));
}

static void a_full_ring_takes_no_more_until_one_is_done(void **state)
{
	unsigned bytes;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < DEPTH - 1; i++) {
			pattern[0] = (uint8_t)i;
			assert_true(e1000e_send(&card, pattern, 60));
		}
		assert_false(e1000e_send(&card, pattern, 60));
		for (unsigned i = 0; i < DEPTH - 1; i++)
			assert_int_equal(*fake_82574_fetch(&bytes), i);
		assert_false(e1000e_send(&card, pattern, 60));
		fake_82574_done();
		assert_true(e1000e_send(&card, pattern, 60));
		assert_false(e1000e_send(&card, pattern, 60));
		fake_82574_fetch(&bytes);
		for (unsigned i = 0; i < DEPTH - 1; i++) {
			assert_false(e1000e_reclaim(&card));
			fake_82574_done();
			assert_true(e1000e_reclaim(&card));
		}
		assert_false(e1000e_reclaim(&card));
		assert_int_equal(card.outstanding, 0);
	}
	assert_int_equal(card.frames_sent, 300 * DEPTH);
}

/* ---- Receiving ---- */

static void a_frame_is_copied_and_its_buffer_offered_again(void **state)
{
	(void)state;
	assert_int_equal(e1000e_receive(&card, frame), 0);
	for (unsigned bytes = E1000E_FRAME_LEAST; bytes <= E1000E_FRAME_BYTES; bytes++) {
		memset(frame, 0xee, sizeof(frame));
		assert_true(fake_82574_deliver(pattern, bytes, bytes, GOOD, 0));
		assert_int_equal(e1000e_receive(&card, frame), bytes);
		assert_memory_equal(frame, pattern, bytes);
		assert_int_equal(frame[bytes], 0xee);
	}
	assert_int_equal(e1000e_receive(&card, frame), 0);
	assert_int_equal(card.frames_received, E1000E_FRAME_BYTES - E1000E_FRAME_LEAST + 1);
}

static void a_full_ring_drops_nothing_and_keeps_order(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < DEPTH - 1; i++) {
			pattern[0] = (uint8_t)i;
			assert_true(fake_82574_deliver(pattern, 60, 60, GOOD, 0));
		}
		assert_false(fake_82574_deliver(pattern, 60, 60, GOOD, 0));
		for (unsigned i = 0; i < DEPTH - 1; i++) {
			assert_int_equal(e1000e_receive(&card, frame), 60);
			assert_int_equal(frame[0], i);
		}
		assert_int_equal(e1000e_receive(&card, frame), 0);
	}
}

/* ---- Lies ---- */

static void what_no_frame_can_be_is_refused_and_counted(void **state)
{
	static const struct {
		unsigned length;
		uint8_t status, errors;
	} lies[] = { { 0, GOOD, 0 }, { E1000E_FRAME_LEAST - 1, GOOD, 0 },
		{ E1000E_FRAME_BYTES + 1, GOOD, 0 }, { E1000E_BUFFER_BYTES + 1, GOOD, 0 },
		{ 0xffff, GOOD, 0 }, { 60, RECEIVED_DONE, 0 }, { 60, GOOD, 0x01 },
		{ 60, GOOD, 0x80 }, { 60, GOOD, 0x02 }, { 60, GOOD, 0x04 }, { 60, GOOD, 0x10 },
		{ 60, GOOD, 0xff } };
	const unsigned count = sizeof(lies) / sizeof(*lies);

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		assert_true(fake_82574_deliver(
			pattern, 60, lies[i].length, lies[i].status, lies[i].errors));
		assert_int_equal(e1000e_receive(&card, frame), 0);
		assert_int_equal(card.refused, i + 1);
		assert_int_equal(frame[0], 0xee);
	}
	assert_true(fake_82574_deliver(pattern, 60, 60, GOOD, 0));
	assert_int_equal(e1000e_receive(&card, frame), 60);
}

static void addresses_in_descriptors_are_the_drivers(void **state)
{
	unsigned bytes;

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++) {
		card.received[(i + 1) % DEPTH].address = 0xdeadbeef;
		card.sent[i].address = 0xdeadbeef;
		card.sent[i].status = SENT_DONE;
	}
	card.received[0].address = (uintptr_t)card.receive_buffers[0];
	for (unsigned i = 0; i < DEPTH - 1; i++) {
		card.received[i].status = GOOD;
		card.received[i].bytes = 60;
		assert_int_equal(e1000e_receive(&card, frame), 60);
		assert_ptr_equal(card.received[i].address, card.receive_buffers[i]);
		assert_int_equal(card.received[i].status, 0);
		assert_true(e1000e_send(&card, pattern, 60));
		assert_ptr_equal(fake_82574_fetch(&bytes), card.send_buffers[i]);
	}
}

static void what_was_never_sent_is_not_done(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DEPTH; i++)
		card.sent[i].status = 0xff;
	assert_false(e1000e_reclaim(&card));
	assert_int_equal(card.outstanding, 0);
	assert_true(e1000e_send(&card, pattern, 60));
	assert_false(e1000e_reclaim(&card));
	assert_int_equal(card.outstanding, 1);
}

/* Whatever is in the rings: nothing outside the buffers is touched (the sanitizers look). */
static void random_lies_do_no_harm(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (unsigned round = 0; round < 150000; round++) {
		const unsigned slot = (unsigned)(unit_random(&random) % DEPTH);
		const uint64_t noise[2] = { unit_random(&random), unit_random(&random) };

		if (unit_random(&random) % 2)
			memcpy(&card.sent[slot], noise, sizeof(noise));
		else
			memcpy(&card.received[slot], noise, sizeof(noise));
		if (unit_random(&random) % 2) { /* near to what is right */
			card.received[slot].bytes %= E1000E_FRAME_BYTES + 100;
			card.received[slot].errors = 0;
		}
		e1000e_receive(&card, frame);
		e1000e_send(&card, frame, (unsigned)(noise[0] % 1600));
		e1000e_reclaim(&card);
		assert_in_range(card.outstanding, 0, DEPTH - 1);
		assert_in_range(reads(RDT), 0, DEPTH - 1);
		assert_in_range(reads(TDT), 0, DEPTH - 1);
	}
	assert_in_range(card.refused, 100, 150000);
	assert_in_range(card.frames_received, 100, 150000);
	assert_in_range(card.frames_sent, 100, 150000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_reset_and_started, begin),
		cmocka_unit_test_setup(it_can_be_started_again, begin),
		cmocka_unit_test_setup(its_kin_is_driven_and_nothing_else, begin),
		cmocka_unit_test_setup(a_slow_device_is_waited_for_but_not_for_ever, begin),
		cmocka_unit_test_setup(a_device_that_is_not_there_is_not_started, begin),
		cmocka_unit_test_setup(registers_that_do_not_fit_are_not_touched, begin),
		cmocka_unit_test_setup(an_address_that_no_station_has_is_refused, begin),
		cmocka_unit_test_setup(the_link_is_what_the_card_says, begin),
		cmocka_unit_test_setup(a_frame_is_offered_whole_and_the_device_told, begin_started),
		cmocka_unit_test_setup(what_is_no_frame_is_not_sent, begin_started),
		cmocka_unit_test_setup(a_full_ring_takes_no_more_until_one_is_done, begin_started),
		cmocka_unit_test_setup(
			a_frame_is_copied_and_its_buffer_offered_again, begin_started),
		cmocka_unit_test_setup(a_full_ring_drops_nothing_and_keeps_order, begin_started),
		cmocka_unit_test_setup(what_no_frame_can_be_is_refused_and_counted, begin_started),
		cmocka_unit_test_setup(addresses_in_descriptors_are_the_drivers, begin_started),
		cmocka_unit_test_setup(what_was_never_sent_is_not_done, begin_started),
		cmocka_unit_test_setup(random_lies_do_no_harm, begin_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
