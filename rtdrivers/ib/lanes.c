/*
 * One turn: which owners may send, which lane it is, and who pays. See lanes.h.
 *
 * Invariant: before a frame is asked for, every queue pair is held whose owner could not pay for the longest
 * one.
 */
#include <ib/copy.h>
#include <ib/lanes.h>

#include <errno.h>

#define MANAGEMENT_BIT (1u << VLARB_MANAGEMENT)

int lanes_open(struct lanes *const lanes, struct roce_port *const port,
	const struct vlarb_tables *const tables, const struct time_rate *const rate,
	const uint64_t now_ticks, const uint64_t rate_bytes, const uint32_t burst_bytes)
{
	lanes->port = port;
	lanes->owner_count = 0;
	lanes->rate = *rate;
	lanes->first = lanes->count = 0;
	lanes->managed = lanes->lost = 0;
	for (unsigned vl = 0; vl < VLARB_LANES; vl++)
		lanes->bytes[vl] = 0;
	port->context->held = ~0ull;
	if (burst_bytes < LANES_FRAME_BYTES || vlarb_open(&lanes->arbiter, tables) != 0)
		return EINVAL;
	return bucket_open(&lanes->management, rate_bytes, burst_bytes, rate, now_ticks);
}

static bool sends(const struct vlarb_table *const table, const unsigned vl)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].vl == vl && table->entries[i].weight != 0)
			return true;
	return false;
}

int lanes_owner(struct lanes *const lanes, const uint8_t sl, const uint64_t rate_bytes,
	const uint32_t burst_bytes, const uint64_t now_ticks)
{
	const struct vlarb_tables *const tables = &lanes->arbiter.tables;
	struct lanes_owner *const owner = &lanes->owners[lanes->owner_count];

	if (lanes->owner_count == LANES_OWNERS)
		return ENOMEM;
	if (sl >= VLARB_LANES || burst_bytes < LANES_FRAME_BYTES)
		return EINVAL;
	if (!sends(&tables->high, tables->vl_of_sl[sl]) &&
		!sends(&tables->low, tables->vl_of_sl[sl]))
		return EINVAL;
	*owner = (struct lanes_owner){ .sl = sl };
	if (bucket_open(&owner->bucket, rate_bytes, burst_bytes, &lanes->rate, now_ticks) != 0)
		return EINVAL;
	lanes->owner_count++;
	return 0;
}

int lanes_give(struct lanes *const lanes, const unsigned owner, const struct ibv_qp *const qp)
{
	if (qp->attr.ah_attr.sl != lanes->owners[owner].sl)
		return EPERM;
	lanes->owners[owner].queue_pairs |= 1ull << qp->index;
	return 0;
}

void lanes_take_back(struct lanes *const lanes, const struct ibv_qp *const qp)
{
	for (unsigned i = 0; i < lanes->owner_count; i++)
		lanes->owners[i].queue_pairs &= ~(1ull << qp->index);
}

bool lanes_manage(struct lanes *const lanes, const uint8_t *const frame, const unsigned bytes)
{
	struct lanes_frame *const free =
		&lanes->waiting[(lanes->first + lanes->count) % LANES_MANAGEMENT];

	if (bytes == 0 || bytes > LANES_FRAME_BYTES || lanes->count == LANES_MANAGEMENT) {
		lanes->lost++;
		return false;
	}
	copy_bytes(free->data, frame, bytes);
	free->bytes = bytes;
	lanes->count++;
	return true;
}

/* Queue pairs whose owner could pay for the longest frame. */
static uint64_t solvent(struct lanes *const lanes, const uint64_t now_ticks)
{
	uint64_t queue_pairs = 0;

	for (unsigned i = 0; i < lanes->owner_count; i++)
		if (bucket_allows(&lanes->owners[i].bucket, now_ticks, LANES_FRAME_BYTES))
			queue_pairs |= lanes->owners[i].queue_pairs;
	return queue_pairs;
}

static void charge(struct lanes *const lanes, const uint64_t now_ticks, const unsigned bytes)
{
	const uint64_t sender = 1ull << lanes->port->context->sent;

	for (unsigned i = 0; i < lanes->owner_count; i++)
		if (lanes->owners[i].queue_pairs & sender) {
			bucket_take(&lanes->owners[i].bucket, now_ticks, bytes);
			lanes->owners[i].frames++;
			lanes->owners[i].bytes += bytes;
		}
}

static unsigned next_managed(
	struct lanes *const lanes, const uint64_t now_ticks, uint8_t *const frame)
{
	const struct lanes_frame *const oldest = &lanes->waiting[lanes->first];

	bucket_take(&lanes->management, now_ticks, oldest->bytes);
	copy_bytes(frame, oldest->data, oldest->bytes);
	lanes->first = (lanes->first + 1) % LANES_MANAGEMENT;
	lanes->count--;
	lanes->managed++;
	return oldest->bytes;
}

/* Lanes with something to send, a bit each. */
static uint16_t waiting(struct lanes *const lanes, const uint64_t now_ticks)
{
	uint16_t vls;

	lanes->port->context->held = ~solvent(lanes, now_ticks);
	vls = vlarb_lanes_of(&lanes->arbiter, ibv_backlog(lanes->port->context));
	if (lanes->count != 0 &&
		bucket_allows(&lanes->management, now_ticks, lanes->waiting[lanes->first].bytes))
		vls = (uint16_t)(vls | MANAGEMENT_BIT);
	return vls;
}

/* Questions for MACs are the port's own: lane 15. */
static void ask(struct lanes *const lanes, const uint64_t now_ticks, uint8_t *const frame)
{
	const unsigned bytes = lanes->count == LANES_MANAGEMENT
				       ? 0
				       : roce_port_question(lanes->port, now_ticks, frame);

	if (bytes != 0)
		lanes_manage(lanes, frame, bytes);
}

unsigned lanes_next(struct lanes *const lanes, const uint64_t now_ticks,
	uint8_t frame[const LANES_FRAME_BYTES], bool *const more)
{
	uint16_t vls;
	unsigned vl, bytes;
	bool again = false;

	ask(lanes, now_ticks, frame);
	vls = waiting(lanes, now_ticks);
	vl = vlarb_choose(&lanes->arbiter, vls);

	if (vl == VLARB_MANAGEMENT) {
		bytes = next_managed(lanes, now_ticks, frame);
	} else {
		/* Timers and ends are served with no lane, too. */
		bytes = roce_port_packet(lanes->port, now_ticks,
			vl == VLARB_NONE ? 0 : vlarb_sls_of(&lanes->arbiter, vl), frame,
			LANES_FRAME_BYTES, &again);
		if (bytes != 0)
			charge(lanes, now_ticks, bytes);
	}
	*more = again || vls != 0;
	if (vl == VLARB_NONE)
		return bytes;
	vlarb_sent(&lanes->arbiter, bytes);
	lanes->bytes[vl] += bytes;
	return bytes;
}
