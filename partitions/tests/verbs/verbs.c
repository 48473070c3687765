/*
 * verbs: between two partitions with do=ping and do=echo (peer.c); else messages between two adapters of one partition, by RoCEv2 frames that are handed over in memory and
 * by a local link, compared to the byte; and what they cost each side.
 *
 * Natively under QEMU's -icount shift=0 a tick is an instruction. Lines "instructions NAME: ..." tell the
 * dearest of so many: a message of 64 bytes from ibv_post_send to its completion in hand, without the card;
 * of a local link, a message posted, and taken.
 */
#include <string.h>

#include <mullion/args.h>
#include <mullion/meter.h>
#include <mullion/tap.h>

#include <ib/crc.h>

#include "ends.h"
#include "peer.h"

#define MESSAGES 200u
#define LARGE    40000u

static struct meter post_send = { .name = "post_send_64B" }, receive = { .name = "receive_64B" },
		    local_send = { .name = "local_send_64B" },
		    local_receive = { .name = "local_receive_64B" },
		    local_complete = { .name = "local_complete_64B" };

static uint64_t now(void)
{
	static uint64_t ticks;

	return ++ticks;
}

static void fill(struct end *const end, const uint32_t bytes, const uint32_t seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		end->memory[i] = (uint8_t)(seed * 7u + i * 13u + (i >> 8));
}

static bool same(const uint32_t bytes)
{
	return memcmp(ends[0].memory, ends[1].memory, bytes) == 0;
}

/* One message of 64 bytes, the acknowledgement on its way back counted with its sender. */
static bool send_frames(void)
{
	static struct frame frame, acknowledgement;
	bool good = end_recv(&ends[1], 64);

	meter_begin(&post_send);
	good = end_send(&ends[0], IBV_WR_SEND, IBV_SEND_SIGNALED | IBV_SEND_INLINE, 64) && good;
	good = end_transmit(&ends[0], now(), &frame) && good;
	post_send.start -= tsc_read();
	meter_begin(&receive);
	good = end_receive(&ends[1], now(), &frame) && good;
	good = end_transmit(&ends[1], now(), &acknowledgement) && good;
	good = end_completed(ends[1].recv_cq) && good;
	meter_end(&receive);
	post_send.start += tsc_read();
	good = end_receive(&ends[0], now(), &acknowledgement) && good;
	good = end_completed(ends[0].send_cq) && good;
	meter_end(&post_send);
	return good;
}

static bool send_local(void)
{
	bool good = end_recv(&ends[1], 64);

	meter_begin(&local_send);
	good = end_send(&ends[0], IBV_WR_SEND, IBV_SEND_SIGNALED | IBV_SEND_INLINE, 64) && good;
	meter_end(&local_send);
	meter_begin(&local_receive);
	ibv_local_poll(&ends[1].link, now());
	good = end_completed(ends[1].recv_cq) && good;
	meter_end(&local_receive);
	meter_begin(&local_complete);
	ibv_local_poll(&ends[0].link, now());
	good = end_completed(ends[0].send_cq) && good;
	meter_end(&local_complete);
	return good;
}

static bool many(bool (*const once)(void))
{
	bool good = true;

	for (uint32_t i = 0; i < MESSAGES && good; i++) {
		fill(&ends[0], 64, i);
		good = once() && same(64);
	}
	return good;
}

static void exchange_frames(void)
{
	static struct frame frame;

	for (unsigned i = 0; i < 2; i++)
		while (end_transmit(&ends[i], now(), &frame))
			end_receive(&ends[1 - i], now(), &frame);
}

static void exchange_local(void)
{
	ibv_local_poll(&ends[0].link, now());
	ibv_local_poll(&ends[1].link, now());
}

/* Large messages both ways, by every operation that moves data. */
static bool large(void (*const exchange)(void))
{
	bool good = true;

	for (enum ibv_wr_opcode opcode = IBV_WR_RDMA_WRITE; opcode <= IBV_WR_RDMA_READ && good;
		opcode++) {
		const bool receives = opcode != IBV_WR_RDMA_WRITE && opcode != IBV_WR_RDMA_READ;

		fill(&ends[0], LARGE, opcode);
		fill(&ends[1], LARGE, opcode + 100u);
		good = !receives || end_recv(&ends[1], LARGE);
		good = good && end_send(&ends[0], opcode, IBV_SEND_SIGNALED, LARGE);
		for (unsigned i = 0; i < 100; i++)
			exchange();
		good = good && end_completed(ends[0].send_cq) && same(LARGE);
		good = good && (!receives || end_completed(ends[1].recv_cq));
	}
	return good;
}

int main(void)
{
	ib_crc_fold(true);
	if (args_is("do", "ping"))
		return peer_ping();
	if (args_is("do", "echo"))
		return peer_echo();
	tap_plan(6);
	tap_check(ends_open(false), "two_ends_are_connected_by_frames", "they are not");
	tap_check(many(send_frames), "small_messages_arrive_in_frames", "they do not");
	tap_check(large(exchange_frames), "large_messages_arrive_in_frames", "they do not");
	tap_check(ends_open(true), "two_ends_are_connected_locally", "they are not");
	exchange_local();
	exchange_local();
	tap_check(many(send_local), "small_messages_arrive_locally", "they do not");
	tap_check(large(exchange_local), "large_messages_arrive_locally", "they do not");
	meter_print(&post_send);
	meter_print(&receive);
	meter_print(&local_send);
	meter_print(&local_receive);
	meter_print(&local_complete);
	return tap_status();
}
