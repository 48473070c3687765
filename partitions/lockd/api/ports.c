/*
 * The transport of mullion/dlm.h over queuing channels. See dlm_ports.h. Invariant: what is sent is as long as a
 * message, and what is not is not received.
 */
#include <errno.h>

#include <mullion/dlm_ports.h>
#include <mullion/info.h>
#include <mullion/time.h>

/* Lives of a participant begin at least 65 us apart, and so do its sessions in the mean. */
#define LIFE_SHIFT 16u

uint64_t dlm_now_ns(const struct dlm_ports *const ports)
{
	const uint64_t tsc = tsc_read();

	return tsc > ports->epoch_tsc ? time_ns_from_ticks(tsc - ports->epoch_tsc) : 0;
}

static uint64_t now_ns(void *const context)
{
	return dlm_now_ns(context);
}

static bool receive(void *const context, uint16_t *const from, struct lock_message *const message,
	uint32_t *const bytes)
{
	struct dlm_ports *const ports = context;
	enum queuing_outcome outcome;
	bool overflowed;
	uint64_t length;

	outcome = queuing_receive(&ports->answer, (uint8_t *)message, &length, &overflowed);
	if (outcome == QUEUING_BROKEN)
		queuing_clear(&ports->answer);
	if (outcome != QUEUING_MESSAGE)
		return false;
	*from = message->node;
	*bytes = (uint32_t)length;
	return true;
}

static bool has_room(void *const context)
{
	const struct dlm_ports *const ports = context;

	return queuing_sent_waiting(&ports->request) < ports->request.depth;
}

static void send(void *const context, const struct lock_envelope *const envelope)
{
	struct dlm_ports *const ports = context;
	struct lock_message message = envelope->message;

	message.node = envelope->node;
	queuing_send(&ports->request, (const uint8_t *)&message, sizeof(message));
}

static const struct mullion_region *region(
	const enum mullion_region_kind kind, const char *const name, const unsigned access)
{
	return info_region_named(kind, name, access);
}

static bool open_request(struct dlm_ports *const ports, const char *const name)
{
	const struct mullion_region *const page =
		region(MULLION_REGION_QUEUING, name, MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const reader =
		region(MULLION_REGION_QUEUING_READER, name, MULLION_READ);

	return page != NULL && reader != NULL && page->message_bytes == LOCK_MESSAGE_BYTES &&
	       queuing_open_sender(&ports->request, region_address(page), page->bytes,
		       region_address(reader), page->message_bytes, page->depth);
}

static bool open_answer(struct dlm_ports *const ports, const char *const name)
{
	const struct mullion_region *const page =
		region(MULLION_REGION_QUEUING, name, MULLION_READ);
	const struct mullion_region *const reader =
		region(MULLION_REGION_QUEUING_READER, name, MULLION_READ | MULLION_WRITE);

	return page != NULL && reader != NULL && page->message_bytes == LOCK_MESSAGE_BYTES &&
	       queuing_open_receiver(&ports->answer, region_address(page), page->bytes,
		       region_address(reader), page->message_bytes, page->depth);
}

static bool open_ports(struct dlm_ports *const ports, const struct lock_image_local *const local)
{
	const volatile struct mullion_time *const page = time_page(0);

	ports->epoch_tsc = page != NULL ? page->epoch_tsc : 0;
	if (!open_request(ports, local->request) || !open_answer(ports, local->answer))
		return false;
	queuing_clear(&ports->answer); /* of a former life */
	return true;
}

static bool refuse(const int number)
{
	errno = number;
	return false;
}

/* Who this partition is, and its channels. */
static bool find(struct dlm_partition *const dlm)
{
	const struct mullion_info *const info = info_get();

	dlm->image = lock_image_find(&dlm->tables);
	if (dlm->image == NULL)
		return false;
	dlm->local = lock_image_local(dlm->image, info->partition);
	return dlm->local != NULL && open_ports(&dlm->ports, dlm->local);
}

bool dlm_open(struct dlm_partition *const dlm, const struct dlm_storage *const storage)
{
	const struct lock_participant *row;
	uint64_t start_ns;

	*dlm = (struct dlm_partition){ .transport = {
					       .context = &dlm->ports,
					       .now_ns = now_ns,
					       .receive = receive,
					       .send = send,
					       .has_room = has_room,
				       } };
	if (!find(dlm))
		return refuse(ENXIO);
	row = &dlm->tables.participant[dlm->local->participant];
	if (row->owns > storage->owns || row->members > storage->members)
		return refuse(ENOMEM);
	start_ns = dlm_now_ns(&dlm->ports);
	lock_client_init(&dlm->client, &dlm->tables, dlm->local->participant, &storage->client,
		(uint32_t)(start_ns >> LIFE_SHIFT), start_ns);
	dlm_space_init(&dlm->space, &dlm->client, &dlm->transport, storage->held);
	return true;
}

bool dlm_is_joined(const struct dlm_partition *const dlm)
{
	const uint64_t now = dlm_now_ns(&dlm->ports);

	for (uint32_t i = 0; i < dlm->client.participant->members; i++) {
		const struct lock_membership *const m = &dlm->client.storage.memberships[i];

		if (m->state != LOCK_JOINED || now >= m->end_ns)
			return false;
	}
	return true;
}
