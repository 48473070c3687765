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

/* A region "OWN NAME-what"; NULL: there is none, or with other rights. */
static const struct mullion_region *pages(
	const enum mullion_region_kind kind, const char *const what, const unsigned access)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s-%s", info_name(), what);
	return info_region_named(kind, name, access);
}

static bool open_asks(void)
{
	const struct mullion_region *const writer =
		pages(MULLION_REGION_QUEUING, "ask", MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const reader =
		pages(MULLION_REGION_QUEUING_READER, "ask", MULLION_READ);

	return writer != NULL && reader != NULL &&
	       writer->message_bytes == sizeof(struct rdma_ask) &&
	       queuing_open_sender(&asks, region_address(writer), writer->bytes,
		       region_address(reader), writer->message_bytes, writer->depth);
}

static bool open_tells(void)
{
	const struct mullion_region *const writer =
		pages(MULLION_REGION_QUEUING, "tell", MULLION_READ);
	const struct mullion_region *const reader =
		pages(MULLION_REGION_QUEUING_READER, "tell", MULLION_READ | MULLION_WRITE);

	return writer != NULL && reader != NULL &&
	       writer->message_bytes == sizeof(struct rdma_tell) &&
	       queuing_open_receiver(&tells, region_address(writer), writer->bytes,
		       region_address(reader), writer->message_bytes, writer->depth);
}

bool rdma_link_find(struct rdma_link *const link)
{
	const struct mullion_region *const up =
		pages(MULLION_REGION_AREA, "up", MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const down = pages(MULLION_REGION_AREA, "down", MULLION_READ);

	if (up == NULL || down == NULL || !open_asks() || !open_tells())
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
