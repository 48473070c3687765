/*
 * A participant: its sessions, and what its locks have in common. Invariant: when a session is over by the
 * client's own clock, nothing of its group is held, in that very call.
 */
#include "client.h"

static uint32_t membership_of(const struct lock_client *const c, const uint32_t member)
{
	uint32_t i = 0;

	while (i + 1 < c->participant->members && member_of(c, i) != member)
		i++;
	return i;
}

static struct lock_own own_of_tables(
	const struct lock_client *const c, const uint32_t number, const uint32_t slot)
{
	const struct lock_sharer *const row = &c->tables->slot[slot];
	const uint32_t membership = membership_of(c, row->member);

	return (struct lock_own){
		.held = LOCK_NONE,
		.wanted = LOCK_NONE,
		.options = c->tables->lock[row->lock].options,
		.session = &c->storage.memberships[membership],
		.membership = membership,
		.number = number,
		.slot = slot,
		.group = (uint16_t)c->tables->lock[row->lock].group,
		.node = c->participant->node,
	};
}

void lock_client_init(struct lock_client *const c, const struct lock_tables *const tables,
	const uint32_t number, const struct lock_client_storage *const storage, const uint32_t life,
	const uint64_t now_ns)
{
	const struct lock_participant *const participant = &tables->participant[number];

	*c = (struct lock_client){
		.tables = tables,
		.participant = participant,
		.number = number,
		.owns = participant->owns,
		.node = participant->node,
		.speaks = true,
		.awaited = &lockd_client_nobody,
		.storage = *storage,
	};
	lock_links_init(storage->links, LOCK_CLIENT_LINKS(participant->owns, participant->members));
	for (uint32_t i = 0; i < participant->owns; i++)
		storage->owns[i] =
			own_of_tables(c, i, tables->own_slots[participant->first_own + i]);
	for (uint32_t i = 0; i < participant->members; i++) {
		storage->memberships[i] = (struct lock_membership){
			.state = LOCK_JOINING,
			.out = OUT_HELLO,
			.group = (uint16_t)member_row(c, i)->group,
			.node = group_row(c, i)->nodes[0],
			.incarnation = life,
			.sent_ns = now_ns,
		};
	}
}

/* The operation under way is to be sent, whether it was already or waited for its answer. */
void lockd_client_due(struct lock_client *const c, const uint32_t own)
{
	struct lock_own *const o = &c->storage.owns[own];

	c->awaited = &lockd_client_nobody;
	lockd_client_unqueue(c, o);
	lockd_client_begin(c, o);
}

void lockd_client_speak(struct lock_client *const c, const uint32_t membership, const uint8_t what)
{
	c->storage.memberships[membership].out |= what;
	c->speaks = true;
}

void lockd_client_follow(
	struct lock_client *const c, const uint32_t membership, const uint32_t place)
{
	struct lock_membership *const m = &c->storage.memberships[membership];

	c->awaited = &lockd_client_nobody;
	m->leader = (uint8_t)place;
	m->node = group_row(c, membership)->nodes[place];
}

static bool keeps_others_waiting(const uint8_t mode)
{
	return mode != LOCK_NONE && mode != LOCK_NL;
}

/*
 * The list of what the program holds or waits for. Requests go upwards, so that a new one belongs to its
 * end.
 */
void lockd_client_rank(struct lock_client *const c, const uint32_t own)
{
	const struct lock_own *const o = &c->storage.owns[own];
	const bool listed =
		c->top == own + 1 || !lock_links_empty(c->storage.links, rank_link(own));
	const bool waits = o->state == LOCK_WAITING && keeps_others_waiting(o->wanted);
	const bool holds = (o->marks & MARK_USED) && keeps_others_waiting(o->held);

	if (listed == (waits || holds))
		return;
	if (listed)
		lockd_client_step_down(c, own);
	else
		lockd_client_climb(c, own);
}

/*
 * The flag with which a value goes to the leader that does not know it yet. Its version is the token of this
 * moment, under which nothing is written any more: so no two values have the same version.
 */
uint8_t lockd_client_publish(struct lock_own *const o)
{
	if (!(o->marks & MARK_DIRTY))
		return 0;
	o->version = o->token;
	return LOCK_FLAG_VALUE;
}

void lockd_client_give_back(struct lock_client *const c, const uint32_t own)
{
	struct lock_own *const o = &c->storage.owns[own];

	lockd_client_give(c, o, lockd_client_publish(o), NO_ANSWER);
}

/* What was written under a lock that is lost, nobody may know: it vouches for nothing. */
static void lose(struct lock_client *const c, const uint32_t own)
{
	struct lock_own *const o = &c->storage.owns[own];
	const bool used = o->marks & MARK_USED;

	if (o->held == LOCK_PW || o->held == LOCK_EX)
		o->marks &= (uint8_t)~MARK_KNOWN;
	o->held = LOCK_NONE;
	o->marks &= (uint8_t) ~(MARK_USED | MARK_TOLD | MARK_DIRTY);
	if (used)
		lockd_client_tell(c, o, LOCK_EVENT_LOST);
	if (under_way(o))
		lockd_client_finish(c, o, LOCK_IDLE, LOCK_LOST);
	o->state = LOCK_IDLE;
	lockd_client_rank(c, own);
}

static COLD void leave(struct lock_client *const c, const uint32_t membership)
{
	struct lock_membership *const m = &c->storage.memberships[membership];
	const struct lock_member *const row = member_row(c, membership);

	c->awaited = &lockd_client_nobody;
	m->state = LOCK_JOINING;
	m->end_ns = 0;
	m->incarnation++;
	m->out = OUT_HELLO;
	c->speaks = true;
	m->answered = false;
	for (uint32_t i = 0; i < row->slots; i++)
		lose(c, c->tables->slot[c->tables->member_slots[row->first + i]].own);
}

bool lockd_client_settle(
	struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	const struct lock_membership *const m = &c->storage.memberships[membership];

	if (m->state != LOCK_JOINED || !lock_rule_session_over(now_ns, m->end_ns))
		return false;
	leave(c, membership);
	return true;
}

static uint64_t beat_due_ns(const struct lock_client *const c, const uint32_t membership)
{
	const struct lock_membership *const m = &c->storage.memberships[membership];
	const struct lock_timing *const t = &group_row(c, membership)->timing;
	const bool at_ease = m->state == LOCK_JOINED && m->answered;

	return m->sent_ns + (at_ease ? t->heartbeat_ns : t->retransmit_ns);
}

/* A heartbeat, or, from one possible leader to the other, a wish to join. */
static bool beat(struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	struct lock_membership *const m = &c->storage.memberships[membership];
	const uint8_t what = m->state == LOCK_JOINED ? OUT_BEAT : OUT_HELLO;

	if ((m->out & what) || now_ns < beat_due_ns(c, membership))
		return false;
	lockd_client_speak(c, membership, what);
	if (what == OUT_HELLO)
		lockd_client_follow(c, membership, (m->leader + 1u) % LOCK_LEADERS);
	return true;
}

/* The operation that waits for its answer for the longest time. */
static bool repeat(struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	const struct lock_own *const o = c->storage.memberships[membership].waiting.first;
	const uint64_t wait_ns = group_row(c, membership)->timing.retransmit_ns;

	if (!o || now_ns < o->sent_ns + wait_ns)
		return false;
	lockd_client_due(c, o->number);
	return true;
}

static bool tick(struct lock_client *const c, const uint32_t membership, const uint64_t now_ns)
{
	if (lockd_client_settle(c, membership, now_ns) || beat(c, membership, now_ns))
		return true;
	return c->storage.memberships[membership].state == LOCK_JOINED &&
	       repeat(c, membership, now_ns);
}

bool lock_client_tick(struct lock_client *const c, const uint64_t now_ns)
{
	bool any = false;

	for (uint32_t i = 0; i < c->participant->members; i++)
		any = tick(c, i, now_ns) || any;
	return any;
}

static uint64_t earlier(const uint64_t a, const uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t membership_due_ns(const struct lock_client *const c, const uint32_t membership)
{
	const struct lock_membership *const m = &c->storage.memberships[membership];
	const struct lock_own *const o = m->waiting.first;
	uint64_t due_ns = m->out ? UINT64_MAX : beat_due_ns(c, membership);

	if (m->state == LOCK_JOINED)
		due_ns = earlier(due_ns, m->end_ns);
	if (o)
		due_ns = earlier(
			due_ns, o->sent_ns + group_row(c, membership)->timing.retransmit_ns);
	return due_ns;
}

uint64_t lock_client_due_ns(const struct lock_client *const c, const uint64_t now_ns)
{
	uint64_t due_ns = UINT64_MAX;

	for (uint32_t i = 0; i < c->participant->members; i++)
		due_ns = earlier(due_ns, membership_due_ns(c, i));
	return due_ns > now_ns ? due_ns : now_ns;
}

/* Of several kinds, the one with the lowest number. */
static COLD bool event_of_several(struct lock_client *const c, struct lock_event *const event)
{
	struct lock_own *const o = c->events.first;

	if (!o)
		return false;
	const uint8_t more = o->events & EVENT_MORE;
	const uint8_t all = o->events ^ more;
	const uint8_t rest = (uint8_t)(all & (all - 1u));
	const uint8_t lowest = all ^ rest;

	o->events = rest ? rest | more : 0;
	if (rest == 0)
		lockd_client_next_event(c);
	event->own = o->number;
	event->kind = (enum lock_event_kind)lowest;
	event->status = (enum lock_status)o->status;
	event->mode = (enum lock_mode)(lowest == LOCK_EVENT_BLOCKING ? o->blocked : o->held);
	return true;
}

bool lock_client_event(struct lock_client *const c, struct lock_event *const event)
{
	struct lock_own *const o = c->events.first;

	if (!o || o->events != LOCK_EVENT_DONE)
		return event_of_several(c, event);
	o->events = 0;
	c->events.first = NULL;
	event->own = o->number;
	event->kind = LOCK_EVENT_DONE;
	event->status = (enum lock_status)o->status;
	event->mode = (enum lock_mode)o->held;
	return true;
}
