/*
 * Which lane sends, and how long one waits at most. See vlarb.h.
 *
 * Invariant: an entry is chosen only while something of its weight is left, and low is chosen only when
 * high has nothing or has used its limit. The bound is told from the tables alone and shares no code with
 * the arbiter.
 */
#include <ib/vlarb.h>

#include <errno.h>

static uint32_t in_units(const uint32_t bytes)
{
	return (bytes + VLARB_UNIT_BYTES - 1) / VLARB_UNIT_BYTES * VLARB_UNIT_BYTES;
}

static bool is_table(const struct vlarb_table *const table)
{
	if (table->count > VLARB_ENTRIES)
		return false;
	for (unsigned i = 0; i < table->count; i++)
		if (table->entries[i].vl >= VLARB_MANAGEMENT)
			return false;
	return true;
}

static int32_t limit_of(const struct vlarb *const arbiter)
{
	const int32_t bytes = (int32_t)(arbiter->tables.limit * VLARB_LIMIT_BYTES);

	return bytes != 0 ? bytes : 1; /* limit 0: used up by one packet */
}

int vlarb_open(struct vlarb *const arbiter, const struct vlarb_tables *const tables)
{
	if (!is_table(&tables->high) || !is_table(&tables->low))
		return EINVAL;
	*arbiter = (struct vlarb){ .tables = *tables };
	arbiter->high.entry = tables->high.count != 0 ? tables->high.count - 1 : 0;
	arbiter->low.entry = tables->low.count != 0 ? tables->low.count - 1 : 0;
	arbiter->high_left = limit_of(arbiter);
	return 0;
}

uint16_t vlarb_lanes_of(const struct vlarb *const arbiter, const uint16_t sls)
{
	unsigned lanes = 0;

	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		if ((sls & 1u << sl) && arbiter->tables.vl_of_sl[sl] < VLARB_MANAGEMENT)
			lanes |= 1u << arbiter->tables.vl_of_sl[sl];
	return (uint16_t)lanes;
}

uint16_t vlarb_sls_of(const struct vlarb *const arbiter, const unsigned vl)
{
	unsigned sls = 0;

	for (unsigned sl = 0; sl < VLARB_LANES; sl++)
		if (arbiter->tables.vl_of_sl[sl] == vl)
			sls |= 1u << sl;
	return (uint16_t)sls;
}

static bool has_packet(const struct vlarb_entry *const entry, const uint16_t waiting)
{
	return entry->weight != 0 && (waiting & 1u << entry->vl) != 0;
}

static bool is_waiting(const struct vlarb_table *const table, const uint16_t waiting)
{
	for (unsigned i = 0; i < table->count; i++)
		if (has_packet(&table->entries[i], waiting))
			return true;
	return false;
}

/* The entry whose turn it is keeps it, or the next one that has a packet gets it. Something waits. */
static unsigned take_turn(const struct vlarb_table *const table, struct vlarb_turn *const turn,
	const uint16_t waiting)
{
	const struct vlarb_entry *const entries = table->entries;

	if (turn->left > 0 && has_packet(&entries[turn->entry], waiting))
		return entries[turn->entry].vl;
	for (unsigned i = 0; i < table->count; i++) {
		turn->entry = turn->entry + 1 < table->count ? turn->entry + 1 : 0;
		if (has_packet(&entries[turn->entry], waiting))
			break;
	}
	turn->left = (int32_t)(entries[turn->entry].weight * VLARB_UNIT_BYTES);
	return entries[turn->entry].vl;
}

static unsigned choose_high(struct vlarb *const arbiter, const uint16_t waiting)
{
	if (arbiter->high_left <= 0)
		arbiter->high_left = limit_of(arbiter); /* low had its chance and nothing to send */
	arbiter->from_high = true;
	return take_turn(&arbiter->tables.high, &arbiter->high, waiting);
}

static unsigned choose_low(struct vlarb *const arbiter, const uint16_t waiting)
{
	arbiter->high_left = limit_of(arbiter);
	arbiter->from_high = false;
	return take_turn(&arbiter->tables.low, &arbiter->low, waiting);
}

unsigned vlarb_choose(struct vlarb *const arbiter, const uint16_t waiting)
{
	const bool high = is_waiting(&arbiter->tables.high, waiting);
	const bool low = is_waiting(&arbiter->tables.low, waiting);

	arbiter->is_management = (waiting & 1u << VLARB_MANAGEMENT) != 0;
	if (arbiter->is_management)
		return VLARB_MANAGEMENT;
	if (high && !(low && arbiter->high_left <= 0))
		return choose_high(arbiter, waiting);
	return low ? choose_low(arbiter, waiting) : VLARB_NONE;
}

void vlarb_sent(struct vlarb *const arbiter, const uint32_t bytes)
{
	const int32_t spent = (int32_t)in_units(bytes);

	if (arbiter->is_management)
		return;
	if (!arbiter->from_high) {
		arbiter->low.left -= spent;
		return;
	}
	arbiter->high.left -= spent;
	if (arbiter->tables.limit != VLARB_UNLIMITED)
		arbiter->high_left -= spent;
}

/* ---- The bound ---- */

/* The most that one turn of an entry sends. */
static uint64_t turn_bytes(const struct vlarb_entry *const entry, const uint32_t most)
{
	return entry->weight == 0
		       ? 0
		       : (uint64_t)VLARB_UNIT_BYTES * (entry->weight - 1u) + in_units(most);
}

static bool is_own(const struct vlarb_entry *const entry, const unsigned vl)
{
	return entry->vl == vl && entry->weight != 0;
}

/* The first entry of the lane; the count: there is none. */
static unsigned first_of(const struct vlarb_table *const table, const unsigned vl)
{
	unsigned i = 0;

	while (i < table->count && !is_own(&table->entries[i], vl))
		i++;
	return i;
}

/* The most that all others send between two turns of the lane: around the table from its first entry. */
static uint64_t gap_bytes(const struct vlarb_table *const table, const unsigned vl,
	const unsigned first, const uint32_t most)
{
	uint64_t gap = 0, longest = 0;

	for (unsigned i = 1; i <= table->count; i++) {
		const struct vlarb_entry *const entry = &table->entries[(first + i) % table->count];

		gap = is_own(entry, vl) ? 0 : gap + turn_bytes(entry, most);
		longest = gap > longest ? gap : longest;
	}
	return longest;
}

/*
 * Packets of the low table that come between so many bytes of the high one: one at once, and from one to
 * the next high sends at least its limit.
 */
static uint64_t low_packets(const struct vlarb_tables *const tables, const uint64_t high_bytes,
	const struct vlarb_packets *const packets)
{
	const uint64_t portion = tables->limit == 0 ? in_units(packets->least_high)
						    : tables->limit * VLARB_LIMIT_BYTES;

	if (tables->limit == VLARB_UNLIMITED || tables->low.count == 0)
		return 0;
	return high_bytes / portion + 1;
}

uint64_t vlarb_wait_bytes(const struct vlarb_tables *const tables, const unsigned vl,
	const struct vlarb_packets *const packets)
{
	const unsigned first = first_of(&tables->high, vl);
	uint64_t gap;

	if (first == tables->high.count || packets->least_high == 0)
		return VLARB_NEVER;
	gap = gap_bytes(&tables->high, vl, first, packets->most);
	return gap + low_packets(tables, gap, packets) * packets->most + packets->most +
	       packets->management + packets->own;
}

uint64_t vlarb_share_bytes(const struct vlarb_tables *const tables, const unsigned vl,
	const struct vlarb_packets *const packets, uint64_t *const of)
{
	uint64_t own = 0, all = 0;

	for (unsigned i = 0; i < tables->high.count; i++) {
		const struct vlarb_entry *const entry = &tables->high.entries[i];

		own += is_own(entry, vl) ? (uint64_t)entry->weight * VLARB_UNIT_BYTES : 0;
		all += turn_bytes(entry, packets->most);
	}
	*of = all + low_packets(tables, all, packets) * packets->most;
	return own;
}
