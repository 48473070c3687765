/*
 * The choice between drivers of network cards: each card by its own, and none for what is no card.
 */
#include "fake_82574.h"
#include "fake_virtio_net.h"

#include <net/card.h>
#include <pci/registers.h>
#include <virtio-net/queue.h>

static struct card card;
static uint8_t frame[CARD_FRAME_BYTES];

static int begin(void **state)
{
	(void)state;
	memset(&card, 0x5a, sizeof(card));
	return 0;
}

static void an_82574_is_driven_as_one(void **state)
{
	unsigned bytes;

	(void)state;
	fake_82574_begin(E1000E_82574L);
	assert_true(card_open(&card, 0, 1, 0x50));
	assert_int_equal(card.kind, CARD_E1000E);
	assert_string_equal(card_name(&card), "e1000e");
	assert_int_equal(card.vector, 0);
	assert_memory_equal(card.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_false(card_is_broken(&card));
	assert_true(card_has_link(&card));
	intel.registers[STATUS / 4] = 0;
	assert_false(card_has_link(&card));
	assert_true(card_send(&card, "a frame of fourteen or more", 20));
	assert_memory_equal(fake_82574_fetch(&bytes), "a frame of fourteen", 19);
	assert_int_equal(card_outstanding(&card), 1);
	fake_82574_done();
	assert_true(card_reclaim(&card));
	assert_int_equal(card_outstanding(&card), 0);
	assert_true(fake_82574_deliver((const uint8_t *)"another frame, just as long", 20, 20,
		RECEIVED_DONE | RECEIVED_LAST, 0));
	assert_int_equal(card_receive(&card, frame), 20);
	assert_memory_equal(frame, "another frame, just ", 20);
	assert_int_equal(card_receive(&card, frame), 0);
	assert_true(fake_82574_deliver(frame, 20, 5000, RECEIVED_DONE | RECEIVED_LAST, 0));
	assert_int_equal(card_receive(&card, frame), 0);
	assert_int_equal(card_refused(&card), 1);
}

static void a_virtio_card_is_driven_as_one(void **state)
{
	struct virtio_net *const net = &card.driver.virtio_net;

	(void)state;
	fake_virtio_net_begin();
	assert_true(card_open(&card, 0, 1, 0x50));
	assert_int_equal(card.kind, CARD_VIRTIO_NET);
	assert_string_equal(card_name(&card), "virtio-net");
	assert_int_equal(card.vector, 0x50);
	assert_memory_equal(card.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_true(card_has_link(&card));
	assert_true(card_send(&card, "a frame of fourteen or more", 20));
	assert_int_equal(card_outstanding(&card), 1);
	net->transmit.used.ring[0].id = net->transmit.available.ring[0];
	net->transmit.used.index = 1;
	assert_true(card_reclaim(&card));
	assert_int_equal(card_outstanding(&card), 0);
	memset(net->receive.buffers[0] + VIRTIO_NET_HEADER_BYTES, 0x77, 20);
	net->receive.used.ring[0].id = 0;
	net->receive.used.ring[0].bytes = VIRTIO_NET_HEADER_BYTES + 20;
	net->receive.used.index = 1;
	assert_int_equal(card_receive(&card, frame), 20);
	assert_int_equal(frame[19], 0x77);
	net->receive.used.ring[1].id = VIRTIO_NET_DEPTH;
	net->receive.used.index = 2;
	assert_int_equal(card_receive(&card, frame), 0);
	assert_true(card_is_broken(&card));
}

static void a_function_is_chosen_by_its_ids_too(void **state)
{
	struct pci_function function;

	(void)state;
	fake_82574_begin(E1000E_82574L);
	assert_true(pci_find(E1000E_VENDOR, E1000E_82574L, 0, 0, 1, &function));
	assert_true(card_start(&card, &function, 0));
	assert_int_equal(card.kind, CARD_E1000E);
}

/* A card that is not open takes nothing, gives nothing and touches nothing. */
static void assert_closed(void)
{
	assert_int_equal(card.kind, CARD_NONE);
	assert_string_equal(card_name(&card), "none");
	assert_true(card_is_broken(&card));
	assert_false(card_send(&card, frame, 60));
	assert_int_equal(card_receive(&card, frame), 0);
	assert_false(card_reclaim(&card));
	assert_int_equal(card_outstanding(&card), 0);
	assert_false(card_has_link(&card));
	assert_int_equal(card_refused(&card), 0);
	assert_int_equal(fake.stray, 0);
}

static void what_nobody_drives_is_not_opened(void **state)
{
	static const uint16_t strangers[][2] = { { 0x8086, 0x100e }, { 0x10ec, 0x8168 },
		{ VIRTIO_VENDOR, 0x1000 }, { VIRTIO_VENDOR, 0x1042 },
		{ 0x8086, VIRTIO_NET_DEVICE } };

	for (unsigned i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
		begin(state);
		fake_begin(strangers[i][0], strangers[i][1]);
		assert_false(card_open(&card, 0, 1, 0));
		assert_closed();
	}
	fake_82574_begin(0x100e); /* it would work, as far as this model goes */
	assert_false(card_open(&card, 0, 1, 0));
	assert_closed();
}

static void what_does_not_start_is_not_open(void **state)
{
	fake_82574_begin(E1000E_82574L);
	intel.unplugged = 1;
	assert_false(card_open(&card, 0, 1, 0));
	assert_closed();
	begin(state);
	fake_virtio_net_begin();
	fake.registers[FEATURES] = 0;
	assert_false(card_open(&card, 0, 1, 0));
	assert_closed();
	begin(state);
	fake_virtio_net_begin();
	assert_false(card_open(&card, 1, 1, 0));
	assert_closed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_82574_is_driven_as_one, begin),
		cmocka_unit_test_setup(a_virtio_card_is_driven_as_one, begin),
		cmocka_unit_test_setup(a_function_is_chosen_by_its_ids_too, begin),
		cmocka_unit_test_setup(what_nobody_drives_is_not_opened, begin),
		cmocka_unit_test_setup(what_does_not_start_is_not_open, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
