/*
 * Channels of a client. See rdma/link.h. Invariant: one request is under way at a time, and an answer that is
 * not to it is dropped.
 */
#include <stdio.h>

#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/queuing.h>
#include <mullion/time.h>

#define RDMA_WITHOUT_NAMES
#include <rdma/link.h>

#define NAME_BYTES  40u
#define PATIENCE_NS 2000000000ull

static struct queuing_sender asks;
static struct queuing_receiver tells;

static const struct mullion_region *pages(const char *const what, const unsigned access)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s-%s", info_name(), what);
	return info_region_named(MULLION_REGION_QUEUING, name, access);
}

static void *reader_of(const struct mullion_region *const region, const unsigned access)
{
	const struct mullion_region *const reader =
		info_region(MULLION_REGION_QUEUING_READER, region->index, access);

	return reader != NULL ? region_address(reader) : NULL;
}

static bool open_ports(
	const struct mullion_region *const ask, const struct mullion_region *const tell)
{
	return ask->message_bytes == sizeof(struct rdma_ask) &&
	       tell->message_bytes == sizeof(struct rdma_tell) &&
	       queuing_open_sender(&asks, region_address(ask), ask->bytes,
		       reader_of(ask, MULLION_READ), ask->message_bytes, ask->depth) &&
	       queuing_open_receiver(&tells, region_address(tell), tell->bytes,
		       reader_of(tell, MULLION_READ | MULLION_WRITE), tell->message_bytes,
		       tell->depth);
}

bool rdma_link_find(struct rdma_link *const link)
{
	const struct mullion_region *const ask = pages("ask", MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const tell = pages("tell", MULLION_READ);
	const struct mullion_region *const up = pages("up", MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const down = pages("down", MULLION_READ);

	if (ask == NULL || tell == NULL || up == NULL || down == NULL || !open_ports(ask, tell))
		return false;
	*link = (struct rdma_link){ region_address(up), region_address(down), up->bytes,
		down->bytes };
	return true;
}

bool rdma_exchange(const struct rdma_ask *const ask, struct rdma_tell *const tell)
{
	const uint64_t end = time_now_ns() + PATIENCE_NS;
	uint64_t length;
	bool overflowed;

	if (!queuing_send(&asks, (const uint8_t *)ask, sizeof(*ask)))
		return false;
	while (time_now_ns() < end) {
		const enum queuing_outcome outcome =
			queuing_receive(&tells, (uint8_t *)tell, &length, &overflowed);

		if (outcome == QUEUING_MESSAGE && tell->number == ask->number)
			return true;
		if (outcome == QUEUING_BROKEN)
			queuing_clear(&tells);
		if (outcome == QUEUING_EMPTY && time_is_framed(0))
			partition_yield();
	}
	return false;
}
