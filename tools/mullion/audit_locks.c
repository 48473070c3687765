/*
 * What an image tells its lock service: the block of mullion/lock_image.h, read once more by its own words.
 *
 * The invariant that is proved: it lies in constants that no partition can write, the lock partition and the
 * participants see the same one, every index in it is in range and every list is ordered as lock_tables.h
 * says, so that engines need not check it; and leases are guarded against the declared drift.
 */
#include "audit.h"

#include <stdlib.h>
#include <string.h>

#include <mullion/lock_image.h>
#include <mullion/lock_message.h>

#include "allocate.h"
#include "audit_locks.h"

/* ---- The block ---- */

static const uint32_t element_bytes[LOCK_IMAGE_ARRAYS] = { sizeof(struct lock_group),
	sizeof(struct lock_lock), sizeof(struct lock_sharer), sizeof(struct lock_member),
	sizeof(struct lock_participant), 4, 4, 4, sizeof(struct lock_image_node),
	sizeof(struct lock_image_promise), sizeof(struct lock_image_local) };

static const struct mullion_region *region_of(const struct audit_partition *partition)
{
	uint32_t i;

	for (i = 0; partition->info && i < partition->info->regions_count; i++)
		if (partition->info->regions[i].kind == MULLION_REGION_LOCKS)
			return &partition->info->regions[i];
	return NULL;
}

static void wrong(struct audit *audit, const char *what)
{
	audit_find(audit, "lock-image", "the lock tables %s", what);
}

static bool check_parts(struct audit *audit, const struct lock_image *image, uint64_t bytes)
{
	uint64_t end = sizeof(*image);
	unsigned i;

	if (image->magic != LOCK_IMAGE_MAGIC || image->bytes > bytes || image->bytes < end) {
		wrong(audit, "do not begin with a head that fits their pages");
		return false;
	}
	for (i = 0; i < LOCK_IMAGE_ARRAYS; i++) {
		const struct lock_image_part *part = &image->part[i];

		if (part->bytes != element_bytes[i] || part->offset % LOCK_IMAGE_ALIGNMENT ||
			part->offset < end || part->offset > image->bytes ||
			(uint64_t)part->count * part->bytes > image->bytes - part->offset) {
			wrong(audit,
				format("have an array, number %u, that does not lie in them", i));
			return false;
		}
		end = part->offset + (uint64_t)part->count * part->bytes;
	}
	return true;
}

/* The bytes, if they come from the file and lie in constants; NULL after a finding. */
static const void *bytes_of(struct audit *audit, uint64_t physical, uint64_t bytes, uint64_t *room)
{
	const struct audit_segment *segment = audit_image_segment(&audit->image, physical);
	const uint64_t rest = segment ? segment->base + segment->file_bytes - physical : 0;
	const uint64_t filled = rest < bytes ? rest : bytes;

	if (!segment || filled < sizeof(struct lock_image) || segment->flags & 3) {
		wrong(audit, "do not lie in constants of the image");
		return NULL;
	}
	*room = filled;
	return audit_image_at(&audit->image, physical, filled);
}

static void take(struct audit_locks *locks, const struct lock_image *image)
{
	const void *at[LOCK_IMAGE_ARRAYS];
	unsigned i;

	for (i = 0; i < LOCK_IMAGE_ARRAYS; i++) {
		at[i] = (const uint8_t *)image + image->part[i].offset;
		locks->count[i] = image->part[i].count;
	}
	locks->image = image;
	locks->group = at[LOCK_IMAGE_GROUPS];
	locks->lock = at[LOCK_IMAGE_LOCKS];
	locks->slot = at[LOCK_IMAGE_SLOTS];
	locks->member = at[LOCK_IMAGE_MEMBERS];
	locks->participant = at[LOCK_IMAGE_PARTICIPANTS];
	locks->member_slots = at[LOCK_IMAGE_MEMBER_SLOTS];
	locks->own_slots = at[LOCK_IMAGE_OWN_SLOTS];
	locks->participant_members = at[LOCK_IMAGE_PARTICIPANT_MEMBERS];
	locks->node = at[LOCK_IMAGE_NODES];
	locks->promise = at[LOCK_IMAGE_PROMISES];
	locks->local = at[LOCK_IMAGE_LOCALS];
}

/* ---- The digest of what all nodes have in common: FNV-1a of 64 bits ---- */

static uint64_t digest(uint64_t hash, const void *data, uint64_t bytes)
{
	const uint8_t *at = data, *end = at + bytes;

	for (; at < end; at++)
		hash = (hash ^ *at) * 1099511628211ull;
	return hash;
}

static void check_digest(struct audit *audit, const struct lock_image *image)
{
	uint64_t hash = digest(14695981039346656037ull, &image->q_key, 4);
	unsigned i;

	hash = digest(hash, &image->drift_ppm, 4);
	hash = digest(hash, &image->prefix_bits, 4);
	for (i = 0; i < LOCK_IMAGE_LOCALS; i++)
		hash = digest(hash, (const uint8_t *)image + image->part[i].offset,
			(uint64_t)image->part[i].count * image->part[i].bytes);
	if (hash != image->cluster)
		audit_find(audit, "lock-digest",
			"the lock tables were changed: their digest is %016llx, and they say "
			"%016llx",
			(unsigned long long)hash, (unsigned long long)image->cluster);
}

/* Nothing hides where nothing is meant to be: between the arrays, and behind them. */
static void check_rest(struct audit *audit, const struct lock_image *image, uint64_t filled)
{
	const uint8_t *at = (const uint8_t *)image;
	uint64_t next = sizeof(*image), i;
	unsigned part;
	bool clean = !(image->reserved[0] | image->reserved[1] | image->reserved[2]);

	for (part = 0; part <= LOCK_IMAGE_ARRAYS; part++) {
		const struct lock_image_part *of = &image->part[part];
		const uint64_t end = part < LOCK_IMAGE_ARRAYS ? of->offset : filled;

		for (i = next; i < end; i++)
			clean &= !at[i];
		next = part < LOCK_IMAGE_ARRAYS ? of->offset + (uint64_t)of->count * of->bytes
						: filled;
	}
	if (!clean)
		wrong(audit, "have something where nothing is meant to be");
}

static bool check_counts(struct audit *audit, const struct audit_locks *l)
{
	const uint32_t *n = l->count;

	if (n[LOCK_IMAGE_MEMBER_SLOTS] == n[LOCK_IMAGE_SLOTS] &&
		n[LOCK_IMAGE_OWN_SLOTS] == n[LOCK_IMAGE_SLOTS] &&
		n[LOCK_IMAGE_PARTICIPANT_MEMBERS] == n[LOCK_IMAGE_MEMBERS] &&
		n[LOCK_IMAGE_PROMISES] == n[LOCK_IMAGE_GROUPS] &&
		l->image->node < n[LOCK_IMAGE_NODES] && n[LOCK_IMAGE_NODES] < UINT16_MAX)
		return true;
	wrong(audit, "have lists whose lengths contradict each other");
	return false;
}

bool audit_locks_open(struct audit *audit, struct audit_locks *locks)
{
	unsigned p;

	*locks = (struct audit_locks){ 0 };
	for (p = 0; p < audit->system->partitions_count; p++) {
		const struct audit_partition *partition = &audit->partitions[p];
		const struct mullion_region *region = region_of(partition);
		const struct lock_image *image;

		if (!region)
			continue;
		image = bytes_of(audit, audit_physical(&partition->stage2, region->gpa),
			region->bytes, &locks->filled);
		if (!image || !check_parts(audit, image, locks->filled))
			return false;
		take(locks, image);
		return check_counts(audit, locks);
	}
	return false;
}

uint64_t audit_locks_bytes(const struct audit *audit, unsigned p)
{
	const struct mullion_region *region = region_of(&audit->partitions[p]);
	const struct lock_image *image =
		region ? audit_image_at(&audit->image,
				 audit_physical(&audit->partitions[p].stage2, region->gpa),
				 sizeof(*image))
		       : NULL;

	return image ? (image->bytes + AUDIT_PAGE - 1) & ~(AUDIT_PAGE - 1) : 0;
}

/* ---- Ranges of lists: one after another, and together all of them ---- */

struct ranges {
	const char *what;
	uint32_t next, end;
	bool good;
};

static void follow(struct ranges *ranges, uint32_t first, uint32_t count)
{
	if (first != ranges->next || count > ranges->end - ranges->next)
		ranges->good = false;
	else
		ranges->next += count;
}

static bool is_whole(struct audit *audit, const struct ranges *ranges)
{
	if (ranges->good && ranges->next == ranges->end)
		return true;
	wrong(audit, format("have %s that do not lie one behind another", ranges->what));
	return false;
}

static bool check_ranges(struct audit *audit, const struct audit_locks *l)
{
	const uint32_t *n = l->count;
	struct ranges locks = { "the groups' locks", 0, n[LOCK_IMAGE_LOCKS], true };
	struct ranges slots = { "the groups' slots", 0, n[LOCK_IMAGE_SLOTS], true };
	struct ranges members = { "the groups' members", 0, n[LOCK_IMAGE_MEMBERS], true };
	struct ranges of_locks = { "the locks' slots", 0, n[LOCK_IMAGE_SLOTS], true };
	struct ranges owns = { "the participants' slots", 0, n[LOCK_IMAGE_SLOTS], true };
	struct ranges joins = { "the participants' members", 0, n[LOCK_IMAGE_MEMBERS], true };
	uint32_t i;

	for (i = 0; i < n[LOCK_IMAGE_GROUPS]; i++) {
		/* One without locks has no place among the others. */
		if (!l->group[i].locks && !l->group[i].slots && !l->group[i].members)
			continue;
		follow(&locks, l->group[i].first_lock, l->group[i].locks);
		follow(&slots, l->group[i].first_slot, l->group[i].slots);
		follow(&members, l->group[i].first_member, l->group[i].members);
	}
	for (i = 0; i < n[LOCK_IMAGE_LOCKS]; i++)
		follow(&of_locks, l->lock[i].first_slot, l->lock[i].slots);
	for (i = 0; i < n[LOCK_IMAGE_PARTICIPANTS]; i++) {
		follow(&owns, l->participant[i].first_own, l->participant[i].owns);
		follow(&joins, l->participant[i].first_member, l->participant[i].members);
	}
	return is_whole(audit, &locks) & is_whole(audit, &slots) & is_whole(audit, &members) &
	       is_whole(audit, &of_locks) & is_whole(audit, &owns) & is_whole(audit, &joins);
}

/* Every number of a list once, all of them below its length. */
static bool is_permutation(const uint32_t *list, uint32_t count)
{
	bool *seen = allocate(count + 1ul, sizeof(*seen));
	uint32_t i;

	for (i = 0; i < count && list[i] < count && !seen[list[i]]; i++)
		seen[list[i]] = true;
	free(seen);
	return i == count;
}

static bool check_lists(struct audit *audit, const struct audit_locks *l)
{
	const uint32_t *n = l->count;

	if (is_permutation(l->member_slots, n[LOCK_IMAGE_SLOTS]) &&
		is_permutation(l->own_slots, n[LOCK_IMAGE_SLOTS]) &&
		is_permutation(l->participant_members, n[LOCK_IMAGE_MEMBERS]))
		return true;
	wrong(audit, "have a list that does not name each of its slots or members once");
	return false;
}

/* ---- What refers to what ---- */

static void check_slot(struct audit *audit, const struct audit_locks *l, uint32_t s)
{
	const struct lock_sharer *slot = &l->slot[s];
	const struct lock_member *member;
	const struct lock_participant *participant;
	const struct lock_lock *lock;

	if (slot->lock >= l->count[LOCK_IMAGE_LOCKS] ||
		slot->member >= l->count[LOCK_IMAGE_MEMBERS]) {
		wrong(audit, format("have a slot, %u, of no lock or no member", s));
		return;
	}
	lock = &l->lock[slot->lock];
	member = &l->member[slot->member];
	if (s - lock->first_slot >= lock->slots || member->group != lock->group ||
		member->participant >= l->count[LOCK_IMAGE_PARTICIPANTS]) {
		wrong(audit,
			format("have a slot, %u, that its lock or its member does not know", s));
		return;
	}
	participant = &l->participant[member->participant];
	if (slot->own >= participant->owns || l->own_slots[participant->first_own + slot->own] != s)
		wrong(audit, format("have a slot, %u, that its participant does not know", s));
	if (slot->priority >= LOCK_PRIORITIES)
		wrong(audit, format("have a slot, %u, of priority %u", s, slot->priority));
	if (!slot->wait_bound_ns || slot->wait_bound_ns == UINT64_MAX)
		wrong(audit, format("have a slot, %u, whose wait has no bound", s));
}

/* Its slots are its own, ascending. */
static void check_member(struct audit *audit, const struct audit_locks *l, uint32_t m)
{
	const struct lock_member *member = &l->member[m];
	uint32_t i;

	if (member->group >= l->count[LOCK_IMAGE_GROUPS] ||
		m - l->group[member->group].first_member >= l->group[member->group].members ||
		!member->slots || member->first > l->count[LOCK_IMAGE_SLOTS] ||
		member->slots > l->count[LOCK_IMAGE_SLOTS] - member->first) {
		wrong(audit, format("have a member, %u, that its group does not know", m));
		return;
	}
	for (i = 0; i < member->slots; i++) {
		const uint32_t *slots = &l->member_slots[member->first];

		if (l->slot[slots[i]].member != m || (i && slots[i] <= slots[i - 1])) {
			wrong(audit, format("have a member, %u, whose slots are not its own, "
					    "ascending",
					     m));
			return;
		}
	}
}

static void check_participant(struct audit *audit, const struct audit_locks *l, uint32_t p)
{
	const struct lock_participant *participant = &l->participant[p];
	const uint32_t *slots = &l->own_slots[participant->first_own];
	const uint32_t *members = &l->participant_members[participant->first_member];
	uint32_t i;

	if (participant->node >= l->count[LOCK_IMAGE_NODES])
		wrong(audit, format("have a participant, %u, on no node", p));
	for (i = 1; i < participant->owns; i++)
		if (l->lock[l->slot[slots[i]].lock].rank <=
			l->lock[l->slot[slots[i - 1]].lock].rank)
			wrong(audit, format("have a participant, %u, whose locks are not by "
					    "rising rank",
					     p));
	for (i = 0; i < participant->members; i++)
		if (l->member[members[i]].participant != p ||
			(i && l->member[members[i]].group <= l->member[members[i - 1]].group))
			wrong(audit, format("have a participant, %u, whose members are not its "
					    "own, by rising group",
					     p));
}

/* ---- Locks, by the group and the rank ---- */

static int by_rank(const void *a, const void *b)
{
	const uint32_t x = (*(const struct lock_lock *const *)a)->rank;
	const uint32_t y = (*(const struct lock_lock *const *)b)->rank;

	return (x > y) - (x < y);
}

static void check_ranks(struct audit *audit, const struct audit_locks *l)
{
	const uint32_t count = l->count[LOCK_IMAGE_LOCKS];
	const struct lock_lock **list = allocate(count + 1ul, sizeof(struct lock_lock *));
	uint32_t i;

	for (i = 0; i < count; i++)
		list[i] = &l->lock[i];
	qsort(list, count, sizeof(struct lock_lock *), by_rank);
	for (i = 1; i < count; i++)
		if (list[i]->rank == list[i - 1]->rank)
			wrong(audit, format("give %s and %s the same rank",
					     audit_image_text(list[i]->name, LOCK_NAME_BYTES),
					     audit_image_text(list[i - 1]->name, LOCK_NAME_BYTES)));
	free(list);
}

static void check_lock(struct audit *audit, const struct audit_locks *l, uint32_t number)
{
	const struct lock_lock *lock = &l->lock[number];

	if (lock->group >= l->count[LOCK_IMAGE_GROUPS] ||
		number - l->group[lock->group].first_lock >= l->group[lock->group].locks)
		wrong(audit, format("have a lock, %u, that its group does not know", number));
	else if (lock->slots &&
		 lock->first_slot - l->group[lock->group].first_slot >= l->group[lock->group].slots)
		wrong(audit,
			format("have a lock, %u, whose slots its group does not know", number));
	if (lock->discipline > LOCK_PHASE_FAIR ||
		lock->options & ~(LOCK_CACHED | LOCK_REVOKE | LOCK_NOTIFY))
		wrong(audit, format("have a lock, %u, with a discipline or option that does not "
				    "exist",
				     number));
	if (!lock->slots || !lock->hold_budget_ns)
		wrong(audit, format("have a lock, %u, that nobody shares or may hold", number));
	if (!lock->name[0] || !memchr(lock->name, 0, sizeof(lock->name)))
		wrong(audit, format("have a lock, %u, without a name that ends", number));
}

/* ---- Groups: a lease given is longer than the same lease taken, by twice the drift ---- */

__extension__ typedef unsigned __int128 wide;

static bool is_guard(uint64_t span_ns, uint64_t guard_ns, uint32_t ppm)
{
	const wide least = (wide)span_ns * (1000000 + ppm);

	return (wide)guard_ns * (1000000 - ppm) >= least &&
	       (wide)(guard_ns - 1) * (1000000 - ppm) < least;
}

static const char *timing_trouble(const struct lock_timing *t, uint32_t ppm)
{
	if (ppm >= 1000000)
		return "are kept by clocks that need not run";
	if (!t->session_ns || !t->authority_ns || !t->survive_ns || !t->heartbeat_ns ||
		!t->retransmit_ns)
		return "contain a time that is 0";
	if (!is_guard(t->session_ns, t->session_guard_ns, ppm) ||
		!is_guard(t->authority_ns, t->authority_guard_ns, ppm) ||
		!is_guard(t->survive_ns, t->survive_guard_ns, ppm))
		return "contain a guard that the drift does not ask for";
	if (t->survive_ns > t->session_ns || t->survive_guard_ns > t->session_guard_ns)
		return "let a session survive its leader longer than it lasts";
	return NULL;
}

static void check_group(struct audit *audit, const struct audit_locks *l, uint32_t g)
{
	const struct lock_group *group = &l->group[g];
	const uint16_t *n = group->nodes;
	const uint32_t nodes = l->count[LOCK_IMAGE_NODES];
	const char *trouble = timing_trouble(&group->timing, l->image->drift_ppm);

	if (trouble)
		audit_find(audit, "lock-timing", "the times of lock group %u %s", g, trouble);
	if (n[0] >= nodes || n[1] >= nodes || n[2] >= nodes) {
		wrong(audit, format("have a group, %u, on a node that does not exist", g));
		return;
	}
	if (l->node[n[0]].failure_domain == l->node[n[1]].failure_domain ||
		l->node[n[1]].failure_domain == l->node[n[2]].failure_domain ||
		l->node[n[0]].failure_domain == l->node[n[2]].failure_domain)
		audit_find(audit, "lock-domains",
			"two nodes that serve lock group %u are the same, or fail together", g);
	if (l->promise[g].service_level < 1 || l->promise[g].service_level > 7)
		audit_find(audit, "lock-lane",
			"lock group %u talks on service level %u, which is not "
			"reserved for it",
			g, l->promise[g].service_level);
	if (group->timing.retransmit_ns <= 2 * l->promise[g].delay_ns)
		audit_find(audit, "lock-timing",
			"lock group %u repeats messages whose answers are still on their way", g);
}

/* ---- Where the nodes are ---- */

static int by_ipv4(const void *a, const void *b)
{
	const uint32_t x = (*(const struct lock_image_node *const *)a)->ipv4;
	const uint32_t y = (*(const struct lock_image_node *const *)b)->ipv4;

	return (x > y) - (x < y);
}

static void check_nodes(struct audit *audit, const struct audit_locks *l)
{
	const uint32_t count = l->count[LOCK_IMAGE_NODES];
	const struct lock_image_node **list = allocate(count + 1ul, sizeof(*list));
	uint32_t i;

	for (i = 0; i < count; i++) {
		list[i] = &l->node[i];
		if (!l->node[i].ipv4 || l->node[i].mac[0] & 1 || l->node[i].qpn < 2 ||
			l->node[i].qpn > 0xfffffe)
			wrong(audit, format("have a node, %u, that cannot be reached", i));
	}
	qsort(list, count, sizeof(*list), by_ipv4);
	for (i = 1; i < count; i++)
		if (list[i]->ipv4 == list[i - 1]->ipv4)
			wrong(audit, format("give %s and %s the same address",
					     audit_image_text(list[i]->name, LOCK_IMAGE_NAME_BYTES),
					     audit_image_text(
						     list[i - 1]->name, LOCK_IMAGE_NAME_BYTES)));
	free(list);
}

/* ---- This node's participants and their channels, by their info pages ---- */

static bool has_end(const struct audit *audit, unsigned p, const char *name, unsigned peer,
	unsigned access, uint32_t depth)
{
	const struct mullion_info *info = audit->partitions[p].info;
	uint32_t i;

	for (i = 0; info && i < info->regions_count; i++) {
		const struct mullion_region *region = &info->regions[i];

		if (region->kind == MULLION_REGION_QUEUING && region->access == access &&
			region->peer == peer && region->message_bytes == LOCK_MESSAGE_BYTES &&
			region->depth == depth &&
			!strncmp(region->name, name, LOCK_IMAGE_CHANNEL_BYTES))
			return true;
	}
	return false;
}

/* Text, and zeros to its end. */
static bool is_text(const char *text, size_t bytes)
{
	const size_t length = strnlen(text, bytes);
	size_t i;

	for (i = length; i < bytes && !text[i]; i++)
		;
	return length && length < bytes && i == bytes;
}

static void check_local(struct audit *audit, const struct audit_locks *l, uint32_t number)
{
	const struct lock_image_local *local = &l->local[number];
	const unsigned lockd = l->image->lockd, both = MULLION_READ | MULLION_WRITE;
	const unsigned p = local->partition;

	if (local->participant >= l->count[LOCK_IMAGE_PARTICIPANTS] ||
		l->participant[local->participant].node != l->image->node ||
		p >= audit->system->partitions_count || p == lockd ||
		(number && local->participant <= local[-1].participant) ||
		strncmp(local->name, audit->partitions[p].name, LOCK_IMAGE_NAME_BYTES) != 0 ||
		!is_text(local->name, sizeof(local->name)) ||
		!is_text(local->request, sizeof(local->request)) ||
		!is_text(local->answer, sizeof(local->answer))) {
		wrong(audit, format("have a participant of this node, %u, that is none", number));
		return;
	}
	if (!region_of(&audit->partitions[p]))
		audit_find(audit, "lock-told",
			"%s takes part in locks, and does not see their tables",
			audit->partitions[p].name);
	if (!has_end(audit, p, local->request, lockd, both, local->depth) ||
		!has_end(audit, p, local->answer, lockd, MULLION_READ, local->depth) ||
		!has_end(audit, lockd, local->request, p, MULLION_READ, local->depth) ||
		!has_end(audit, lockd, local->answer, p, both, local->depth))
		audit_find(audit, "lock-channels",
			"%s takes part in locks, and is not joined with %s by the two channels "
			"that "
			"the lock tables name",
			audit->partitions[p].name, audit->partitions[lockd].name);
}

static bool is_local(const struct audit_locks *l, unsigned p)
{
	uint32_t i;

	for (i = 0; i < l->count[LOCK_IMAGE_LOCALS]; i++)
		if (l->local[i].partition == p)
			return true;
	return false;
}

static void check_here(struct audit *audit, const struct audit_locks *l)
{
	uint32_t i;
	unsigned p;

	if (l->image->lockd >= audit->system->partitions_count) {
		wrong(audit, "name a lock partition that does not exist");
		return;
	}
	for (i = 0; i < l->count[LOCK_IMAGE_LOCALS]; i++)
		check_local(audit, l, i);
	for (p = 0; p < audit->system->partitions_count; p++)
		if (region_of(&audit->partitions[p]) && p != l->image->lockd && !is_local(l, p))
			audit_find(audit, "lock-told",
				"%s sees the lock tables, and takes no part in locks",
				audit->partitions[p].name);
}

void audit_locks(struct audit *audit)
{
	struct audit_locks locks;
	const uint32_t *n = locks.count;
	uint32_t i;

	if (!audit_locks_open(audit, &locks) ||
		!(check_ranges(audit, &locks) & check_lists(audit, &locks)))
		return;
	check_digest(audit, locks.image);
	check_rest(audit, locks.image, locks.filled);
	for (i = 0; i < n[LOCK_IMAGE_SLOTS]; i++)
		check_slot(audit, &locks, i);
	for (i = 0; i < n[LOCK_IMAGE_MEMBERS]; i++)
		check_member(audit, &locks, i);
	for (i = 0; i < n[LOCK_IMAGE_LOCKS]; i++)
		check_lock(audit, &locks, i);
	for (i = 0; i < n[LOCK_IMAGE_GROUPS]; i++)
		check_group(audit, &locks, i);
	check_ranks(audit, &locks);
	check_nodes(audit, &locks);
	check_here(audit, &locks);
	for (i = 0; audit->report.count == 0 && i < n[LOCK_IMAGE_PARTICIPANTS]; i++)
		check_participant(audit, &locks, i);
}
