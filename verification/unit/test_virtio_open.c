/*
 * Opening a network card: one as it should be, and each way in which one is not.
 */
#include "fake_virtio_net.h"

#include <pci/registers.h>
#include <virtio-net/queue.h>

static struct virtio_net net;

static int begin(void **state)
{
	(void)state;
	fake_virtio_net_begin();
	memset(&net, 0x5a, sizeof(net));
	return 0;
}

static bool opens(unsigned vector)
{
	const bool good = virtio_net_open(&net, 0, 1, vector);

	assert_int_equal(fake.stray, 0);
	assert_int_equal(fake.exposed, 0);
	assert_true(good || net.broken);
	return good;
}

static void a_card_is_started_with_all_receive_buffers_posted(void **state)
{
	(void)state;
	assert_true(opens(0));
	assert_false(net.broken);
	assert_memory_equal(net.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(fake.registers[DRIVER_STATUS], 15);
	assert_int_equal(net.receive.available.index, VIRTIO_NET_DEPTH);
	assert_int_equal(net.receive.outstanding, VIRTIO_NET_DEPTH);
	assert_int_equal(net.transmit.outstanding, 0);
	assert_int_equal(net.free_count, VIRTIO_NET_DEPTH);
	assert_int_equal(fake_config(PCI_COMMAND) & COMMAND_BUS_MASTER, COMMAND_BUS_MASTER);
	assert_int_equal(net.receive.available.flags, VIRTIO_AVAILABLE_NO_INTERRUPT);
	for (unsigned i = 0; i < VIRTIO_NET_DEPTH; i++) {
		assert_int_equal(net.receive.available.ring[i], i);
		assert_ptr_equal(net.receive.descriptors[i].address, net.receive.buffers[i]);
		assert_int_equal(net.receive.descriptors[i].bytes,
			VIRTIO_NET_HEADER_BYTES + VIRTIO_NET_FRAME_BYTES);
		assert_int_equal(net.receive.descriptors[i].flags, VIRTIO_DESCRIPTOR_WRITE);
		assert_int_equal(net.transmit.descriptors[i].flags, 0);
		assert_int_equal(net.transmit.buffers[i][0], 0);
	}
}

static void a_broken_card_can_be_opened_again(void **state)
{
	(void)state;
	assert_true(opens(0));
	net.broken = true;
	net.receive.used.index = 77;
	net.transmit.used.flags = 1;
	assert_true(opens(0));
	assert_false(net.broken);
	assert_int_equal(net.receive.used.index, 0);
	assert_int_equal(net.transmit.used.flags, 0);
	assert_int_equal(net.receive.outstanding, VIRTIO_NET_DEPTH);
}

static void received_frames_interrupt_where_asked_and_granted(void **state)
{
	(void)state;
	assert_true(opens(0x50));
	assert_int_equal(net.vector, 0x50);
	assert_int_equal(fake.table[0][ENTRY_DATA], 0x50);
	assert_int_equal(net.receive.available.flags, 0);
	assert_int_equal(net.transmit.available.flags, VIRTIO_AVAILABLE_NO_INTERRUPT);
	begin(state);
	fake.preset = true;
	assert_true(opens(0x50));
	assert_int_equal(net.vector, 0);
	assert_int_equal(net.receive.available.flags, VIRTIO_AVAILABLE_NO_INTERRUPT);
}

static void the_link_is_told_where_the_card_can_tell(void **state)
{
	(void)state;
	assert_true(opens(0));
	assert_true(virtio_net_has_link(&net));
	begin(state);
	fake.registers[FEATURES + 2] = 1; /* STATUS */
	assert_true(opens(0));
	assert_false(virtio_net_has_link(&net));
	fake.registers[DEVICE + 6] = 1;
	assert_true(virtio_net_has_link(&net));
	begin(state);
	fake.registers[FEATURES + 2] = 1;
	fake_config32(CAP_DEVICE + 12, 7); /* it says it can, and has no place for it */
	assert_true(opens(0));
	assert_true(virtio_net_has_link(&net));
}

static void a_missing_feature_is_refused(void **state)
{
	static const uint8_t offers[] = { 0, 1 << 5 | 1 << 0, 1 << 5 | 1 << 1, 1 << 1 | 1 << 0 };

	for (unsigned i = 0; i < sizeof(offers); i++) {
		begin(state);
		fake.registers[FEATURES] = offers[i];
		assert_false(opens(0));
		assert_int_equal(fake_config(PCI_COMMAND) & COMMAND_BUS_MASTER, 0);
		assert_int_equal(fake.registers[DRIVER_STATUS] & 4, 0);
	}
}

static void a_structure_that_its_bar_does_not_hold_is_not_touched(void **state)
{
	static const struct {
		unsigned at;
		uint32_t bar, offset, bytes;
	} lies[] = {
		{ CAP_COMMON, 4, FAKE_BAR_BYTES, 0x1000 },
		{ CAP_COMMON, 4, FAKE_BAR_BYTES - 0x37, 0x38 },
		{ CAP_COMMON, 4, 0xffffffc8, 0x38 },
		{ CAP_COMMON, 4, 0, 0xffffffff },
		{ CAP_COMMON, 4, 0, 0x37 },
		{ CAP_COMMON, 0, 0, 0x1000 },
		{ CAP_COMMON, 5, 0, 0x1000 },
		{ CAP_COMMON, 200, 0, 0x1000 },
		{ CAP_NOTIFY, 4, FAKE_BAR_BYTES - 1, 2 },
		{ CAP_NOTIFY, 4, NOTIFY, 1 },
		{ CAP_DEVICE, 4, FAKE_BAR_BYTES - 5, 6 },
		{ CAP_DEVICE, 4, DEVICE, 5 },
	};

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		begin(state);
		fake_config32(lies[i].at + 4, lies[i].bar);
		fake_config32(lies[i].at + 8, lies[i].offset);
		fake_config32(lies[i].at + 12, lies[i].bytes);
		assert_false(opens(0));
	}
}

static void a_missing_structure_is_refused(void **state)
{
	static const unsigned at[] = { CAP_COMMON, CAP_NOTIFY, CAP_DEVICE };

	for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++) {
		begin(state);
		fake.config[at[i] + 3] = 5;
		assert_false(opens(0));
	}
	begin(state);
	fake.config[CAP_COMMON + 1] = CAP_COMMON; /* a chain without end */
	assert_false(opens(0));
}

static void the_first_structure_of_a_type_is_the_one(void **state)
{
	(void)state;
	fake_virtio_structure(CAP_MSIX, 0, 1, 0x1000, 0x1000);
	assert_true(opens(0));
	assert_int_equal(fake.registers[DRIVER_STATUS], 15);
}

static void a_queue_is_notified_within_its_structure_or_the_card_refused(void **state)
{
	(void)state;
	fake.registers[OFFSET] = 3;
	assert_true(opens(0));
	assert_ptr_equal(net.receive.notify, (void *)(uintptr_t)(FAKE_HIGH + NOTIFY + 12));
	begin(state);
	memset(fake.registers + OFFSET, 0xff, 2);
	fake_config32(CAP_NOTIFY + 16, UINT32_MAX);
	assert_false(opens(0));
	begin(state);
	fake.registers[OFFSET] = 1;
	fake_config32(CAP_NOTIFY + 16, 0xfff);
	assert_false(opens(0));
}

static void queues_too_few_or_too_short_are_refused(void **state)
{
	(void)state;
	fake.registers[QUEUES] = 1;
	assert_false(opens(0));
	begin(state);
	fake.registers[SIZE] = VIRTIO_NET_DEPTH / 2;
	fake.registers[SIZE + 1] = 0;
	assert_false(opens(0));
}

static void a_reset_is_waited_for_but_not_for_ever(void **state)
{
	(void)state;
	fake.status_sticks = 1000;
	assert_true(opens(0));
	begin(state);
	fake.status_sticks = UINT32_MAX;
	assert_false(opens(0));
}

static void a_card_that_is_not_there_is_not_opened(void **state)
{
	(void)state;
	assert_false(virtio_net_open(&net, 1, 1, 0));
	assert_false(virtio_net_open(&net, 0, 0, 0));
	assert_true(net.broken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_card_is_started_with_all_receive_buffers_posted, begin),
		cmocka_unit_test_setup(a_broken_card_can_be_opened_again, begin),
		cmocka_unit_test_setup(received_frames_interrupt_where_asked_and_granted, begin),
		cmocka_unit_test_setup(the_link_is_told_where_the_card_can_tell, begin),
		cmocka_unit_test_setup(a_missing_feature_is_refused, begin),
		cmocka_unit_test_setup(
			a_structure_that_its_bar_does_not_hold_is_not_touched, begin),
		cmocka_unit_test_setup(a_missing_structure_is_refused, begin),
		cmocka_unit_test_setup(the_first_structure_of_a_type_is_the_one, begin),
		cmocka_unit_test_setup(
			a_queue_is_notified_within_its_structure_or_the_card_refused, begin),
		cmocka_unit_test_setup(queues_too_few_or_too_short_are_refused, begin),
		cmocka_unit_test_setup(a_reset_is_waited_for_but_not_for_ever, begin),
		cmocka_unit_test_setup(a_card_that_is_not_there_is_not_opened, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
