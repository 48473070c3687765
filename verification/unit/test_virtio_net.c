/*
 * Frames through virtqueues, with the test as the device: one that is honest, and one that lies.
 */
#include "unit.h"

#include <virtio-net/queue.h>

#define HEADER VIRTIO_NET_HEADER_BYTES
#define DEPTH  VIRTIO_NET_DEPTH
#define NONE   0xffffu

static struct virtio_net net;
static uint16_t doorbells[2];
static uint16_t seen[2]; /* descriptors the device has taken */

static void post_all(struct virtio_queue *queue, unsigned number, bool write)
{
	queue->number = (uint16_t)number;
	queue->notify = &doorbells[number];
	for (uint16_t i = 0; i < DEPTH; i++)
		queue->descriptors[i].address = (uintptr_t)queue->buffers[i];
	for (uint16_t i = 0; write && i < DEPTH; i++)
		virtio_queue_post(queue, i);
}

static int begin(void **state)
{
	(void)state;
	memset(&net, 0, sizeof(net));
	memset(seen, 0, sizeof(seen));
	memset(doorbells, 0xff, sizeof(doorbells));
	post_all(&net.receive, 0, true);
	post_all(&net.transmit, 1, false);
	for (uint16_t i = 0; i < DEPTH; i++)
		net.free[i] = i;
	net.free_count = DEPTH;
	return 0;
}

/* ---- The device ---- */

/* The next descriptor offered, or NONE. */
static uint16_t fetch(struct virtio_queue *queue)
{
	if (queue->available.index == seen[queue->number])
		return NONE;
	return queue->available.ring[seen[queue->number]++ % DEPTH];
}

static void give_back(struct virtio_queue *queue, uint32_t id, uint32_t bytes)
{
	queue->used.ring[queue->used.index % DEPTH] =
		(struct virtio_used){ .id = id, .bytes = bytes };
	queue->used.index++;
}

/* Write a frame into the next buffer and return it. */
static void deliver(uint8_t seed, uint32_t bytes)
{
	const uint16_t id = fetch(&net.receive);

	assert_int_not_equal(id, NONE);
	for (uint32_t i = 0; i < bytes; i++)
		net.receive.buffers[id][HEADER + i] = (uint8_t)(seed + i);
	give_back(&net.receive, id, HEADER + bytes);
}

/* ---- Sending ---- */

static void a_frame_is_offered_with_its_header_and_the_device_told(void **state)
{
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];
	uint16_t id;

	(void)state;
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	for (unsigned bytes = VIRTIO_NET_FRAME_LEAST; bytes <= sizeof(frame); bytes += 125) {
		doorbells[1] = NONE;
		assert_true(virtio_net_send(&net, frame, bytes));
		assert_int_equal(doorbells[1], 1);
		id = fetch(&net.transmit);
		assert_int_equal(net.transmit.descriptors[id].bytes, HEADER + bytes);
		assert_memory_equal(net.transmit.buffers[id] + HEADER, frame, bytes);
		assert_int_equal(net.transmit.buffers[id][0], 0);
		give_back(&net.transmit, id, 0);
	}
}

static void a_device_that_wants_no_notice_gets_none(void **state)
{
	const uint8_t frame[64] = { 0 };

	(void)state;
	net.transmit.used.flags = VIRTIO_USED_NO_NOTIFY;
	assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	assert_int_equal(doorbells[1], NONE);
}

static void what_is_no_frame_is_not_sent(void **state)
{
	static const uint8_t frame[VIRTIO_NET_FRAME_BYTES + 1];

	(void)state;
	assert_false(virtio_net_send(&net, frame, 0));
	assert_false(virtio_net_send(&net, frame, VIRTIO_NET_FRAME_LEAST - 1));
	assert_false(virtio_net_send(&net, frame, VIRTIO_NET_FRAME_BYTES + 1));
	assert_false(virtio_net_send(&net, frame, UINT32_MAX));
	assert_int_equal(fetch(&net.transmit), NONE);
}

static void a_full_ring_takes_no_more_until_one_comes_back(void **state)
{
	const uint8_t frame[64] = { 0 };

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++)
		assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	assert_false(virtio_net_send(&net, frame, sizeof(frame)));
	assert_int_equal(net.sent, DEPTH);
	give_back(&net.transmit, fetch(&net.transmit), 0);
	assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	assert_false(virtio_net_send(&net, frame, sizeof(frame)));
}

static void descriptors_come_back_in_any_order(void **state)
{
	const uint8_t frame[64] = { 0 };
	uint16_t ids[DEPTH];

	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < DEPTH; i++)
			assert_true(virtio_net_send(&net, frame, sizeof(frame)));
		for (unsigned i = 0; i < DEPTH; i++)
			ids[i] = fetch(&net.transmit);
		for (unsigned i = 0; i < DEPTH; i++)
			give_back(&net.transmit, ids[(i * 29 + round) % DEPTH], 0);
		for (unsigned i = 0; i < DEPTH; i++)
			assert_true(virtio_net_reclaim(&net));
		assert_false(virtio_net_reclaim(&net));
	}
	assert_false(net.broken);
}

/* ---- Receiving ---- */

static void a_frame_is_copied_and_its_buffer_offered_again(void **state)
{
	uint8_t frame[VIRTIO_NET_FRAME_BYTES + 1];

	(void)state;
	assert_int_equal(virtio_net_receive(&net, frame), 0);
	for (unsigned bytes = VIRTIO_NET_FRAME_LEAST; bytes <= VIRTIO_NET_FRAME_BYTES; bytes++) {
		memset(frame, 0xee, sizeof(frame));
		deliver((uint8_t)bytes, bytes);
		assert_int_equal(virtio_net_receive(&net, frame), bytes);
		for (unsigned i = 0; i < bytes; i++)
			assert_int_equal(frame[i], (uint8_t)(bytes + i));
		assert_int_equal(frame[bytes], 0xee);
		assert_int_equal(net.receive.outstanding, DEPTH);
	}
	assert_int_equal(virtio_net_receive(&net, frame), 0);
}

static void indices_wrap_around(void **state)
{
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];

	(void)state;
	for (unsigned i = 0; i < 3 * 65536u; i++) {
		deliver((uint8_t)i, 60);
		assert_int_equal(virtio_net_receive(&net, frame), 60);
		assert_int_equal(frame[0], (uint8_t)i);
	}
	assert_int_equal(net.received, 3 * 65536u);
	assert_false(net.broken);
}

static void frames_are_taken_one_at_a_time_in_order(void **state)
{
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];

	(void)state;
	for (unsigned i = 0; i < DEPTH; i++)
		deliver((uint8_t)i, 60);
	for (unsigned i = 0; i < DEPTH; i++) {
		assert_int_equal(virtio_net_receive(&net, frame), 60);
		assert_int_equal(frame[0], (uint8_t)i);
	}
	assert_int_equal(virtio_net_receive(&net, frame), 0);
}

static void interrupts_are_on_only_where_there_is_a_vector(void **state)
{
	(void)state;
	virtio_net_interrupts(&net, true);
	assert_int_equal(net.receive.available.flags, VIRTIO_AVAILABLE_NO_INTERRUPT);
	net.vector = 0x50;
	virtio_net_interrupts(&net, true);
	assert_int_equal(net.receive.available.flags, 0);
	virtio_net_interrupts(&net, false);
	assert_int_equal(net.receive.available.flags, VIRTIO_AVAILABLE_NO_INTERRUPT);
}

/* ---- Lies ---- */

static void a_length_that_no_frame_has_is_refused_and_counted(void **state)
{
	static const uint32_t lies[] = { 0, HEADER, HEADER + VIRTIO_NET_FRAME_LEAST - 1,
		HEADER + VIRTIO_NET_FRAME_BYTES + 1, VIRTIO_NET_BUFFER_BYTES, 65536, 0x80000000u,
		UINT32_MAX };
	const unsigned count = sizeof(lies) / sizeof(*lies);
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];

	(void)state;
	memset(frame, 0xee, sizeof(frame));
	for (unsigned i = 0; i < count; i++) {
		give_back(&net.receive, fetch(&net.receive), lies[i]);
		assert_int_equal(virtio_net_receive(&net, frame), 0);
		assert_int_equal(net.refused, i + 1);
	}
	assert_int_equal(frame[0], 0xee);
	assert_int_equal(net.receive.outstanding, DEPTH);
	deliver(1, 60);
	assert_int_equal(virtio_net_receive(&net, frame), 60);
}

/* From now on it is left alone, however honest it is. */
static void assert_broken(void)
{
	uint8_t frame[VIRTIO_NET_FRAME_BYTES] = { 0 };
	const uint16_t posted[2] = { net.receive.posted, net.transmit.posted };

	assert_true(net.broken);
	give_back(&net.receive, 5, HEADER + 60);
	assert_int_equal(virtio_net_receive(&net, frame), 0);
	assert_false(virtio_net_reclaim(&net));
	assert_false(virtio_net_send(&net, frame, 60));
	assert_int_equal(net.receive.posted, posted[0]);
	assert_int_equal(net.transmit.posted, posted[1]);
}

static void a_descriptor_that_does_not_exist_breaks_it(void **state)
{
	static const uint32_t lies[] = { DEPTH, 0xffff, 65536, 65541, 0x80000000u, UINT32_MAX };
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		begin(state);
		give_back(&net.receive, lies[i], HEADER + 60);
		assert_int_equal(virtio_net_receive(&net, frame), 0);
		assert_broken();
	}
}

static void a_descriptor_returned_twice_breaks_it(void **state)
{
	const uint8_t frame[64] = { 0 };
	uint16_t id;

	(void)state;
	assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	id = fetch(&net.transmit);
	give_back(&net.transmit, id, 0);
	give_back(&net.transmit, id, 0);
	assert_true(virtio_net_reclaim(&net));
	assert_false(virtio_net_reclaim(&net));
	assert_broken();
}

static void a_descriptor_it_was_never_given_breaks_it(void **state)
{
	const uint8_t frame[64] = { 0 };

	(void)state;
	assert_true(virtio_net_send(&net, frame, sizeof(frame)));
	give_back(&net.transmit, (fetch(&net.transmit) + 1) % DEPTH, 0);
	assert_false(virtio_net_reclaim(&net));
	assert_int_equal(net.free_count, DEPTH - 1);
	assert_broken();
}

static void an_index_beyond_what_it_has_breaks_it(void **state)
{
	static const uint16_t lies[] = { DEPTH + 1, 0x8000, 0xffff };
	uint8_t frame[VIRTIO_NET_FRAME_BYTES];

	for (unsigned i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		begin(state);
		net.receive.used.index = lies[i];
		assert_int_equal(virtio_net_receive(&net, frame), 0);
		assert_broken();
	}
	begin(state);
	net.transmit.used.index = 1;
	assert_false(virtio_net_reclaim(&net));
	assert_broken();
}

/* Whatever is in the used rings: nothing outside the buffers is touched (the sanitizers look). */
static void random_lies_do_no_harm(void **state)
{
	uint64_t random = 42;
	uint8_t frame[VIRTIO_NET_FRAME_BYTES] = { 0 };
	unsigned broken = 0;

	for (unsigned round = 0; round < 20000; round++) {
		if (net.broken || round == 0)
			begin(state);
		for (unsigned i = 0; i < 4; i++) {
			struct virtio_used *used =
				&net.receive.used.ring[unit_random(&random) % DEPTH];

			used->id = (uint32_t)(unit_random(&random) % (DEPTH + 4));
			used->bytes = (uint32_t)unit_random(&random) >> unit_random(&random) % 32;
		}
		net.receive.used.index += (uint16_t)(unit_random(&random) % 3);
		net.transmit.used.index += unit_random(&random) % 64 == 0;
		virtio_net_receive(&net, frame);
		virtio_net_send(&net, frame, 60);
		broken += net.broken;
	}
	assert_in_range(broken, 100, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			a_frame_is_offered_with_its_header_and_the_device_told, begin),
		cmocka_unit_test_setup(a_device_that_wants_no_notice_gets_none, begin),
		cmocka_unit_test_setup(what_is_no_frame_is_not_sent, begin),
		cmocka_unit_test_setup(a_full_ring_takes_no_more_until_one_comes_back, begin),
		cmocka_unit_test_setup(descriptors_come_back_in_any_order, begin),
		cmocka_unit_test_setup(a_frame_is_copied_and_its_buffer_offered_again, begin),
		cmocka_unit_test_setup(indices_wrap_around, begin),
		cmocka_unit_test_setup(frames_are_taken_one_at_a_time_in_order, begin),
		cmocka_unit_test_setup(interrupts_are_on_only_where_there_is_a_vector, begin),
		cmocka_unit_test_setup(a_length_that_no_frame_has_is_refused_and_counted, begin),
		cmocka_unit_test_setup(a_descriptor_that_does_not_exist_breaks_it, begin),
		cmocka_unit_test_setup(a_descriptor_returned_twice_breaks_it, begin),
		cmocka_unit_test_setup(a_descriptor_it_was_never_given_breaks_it, begin),
		cmocka_unit_test_setup(an_index_beyond_what_it_has_breaks_it, begin),
		cmocka_unit_test_setup(random_lies_do_no_harm, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
