/*
 * The good client: what it sends comes back, for as long as the bad one misbehaves. Arguments: n=200 messages.
 */
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/tap.h>
#include <mullion/time.h>

#include "client.h"

#define WRITTEN_AT 8192u

static bool write_and_read(const uint32_t n)
{
	struct ibv_wc wc;
	const uint32_t bytes = wire_bytes(n);

	wire_fill(client.up, n, bytes);
	return client_post(IBV_WR_RDMA_WRITE, client.up, bytes, client.up_mr, WRITTEN_AT) &&
	       client_await(&wc) && wc.status == IBV_WC_SUCCESS &&
	       client_post(IBV_WR_RDMA_READ, client.down + WRITTEN_AT, bytes, client.down_mr,
		       WRITTEN_AT) &&
	       client_await(&wc) && wc.status == IBV_WC_SUCCESS &&
	       wire_is_filled(client.down + WRITTEN_AT, n, bytes);
}

/* The one before the completion of what was sent is left in the queue. */
static bool drain(void)
{
	const uint64_t end = time_now_ns() + 2000000;
	struct ibv_wc wc;

	while (time_now_ns() < end) {
		if (ibv_poll_cq(client.cq, 1, &wc) == 1 && wc.status != IBV_WC_SUCCESS)
			return false;
		client_rest();
	}
	return true;
}

int good_client(void)
{
	const uint32_t count = (uint32_t)args_number("n", 200);
	uint64_t refused[RDMA_REFUSALS] = { 0 }, sum = 0;
	uint32_t n = 0;
	bool good;

	tap_plan(6);
	tap_check(client_open(), "a_client_meets_the_far_end_by_datagrams", "it does not");
	while (n < count && client_echo(n))
		n++;
	tap_check(n == count, "every_message_comes_back_as_it_was", "%u of %u do", (unsigned)n,
		(unsigned)count);
	good = drain();
	for (n = 0; n < 20 && good; n++)
		good = write_and_read(n);
	tap_check(good, "what_is_written_there_is_read_there", "not at %u", (unsigned)n);
	good = client_reconnect();
	for (n = 0; n < 20 && good; n++)
		good = client_echo(n);
	tap_check(good, "connected_by_the_managers_it_goes_on", "not at %u", (unsigned)n);
	good = rdma_counters(refused);
	for (unsigned i = 0; i < RDMA_REFUSALS; i++)
		sum += refused[i];
	tap_check(good && sum == 0, "nothing_is_refused_to_an_honest_client", "%u are",
		(unsigned)sum);
	tap_check(client_good_bye(), "and_it_says_good_bye", "it does not");
	return tap_status();
}
