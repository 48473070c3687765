/*
 * The lock service's servers and clients in one process, and what must always hold between them.
 */
#include "lock_world.h"

#include "../../partitions/lockd/engine/server.h"

static const struct lock_timing timing = {
	.session_ns = 4000000,
	.authority_ns = 2000000,
	.survive_ns = 2000000,
	.heartbeat_ns = 500000,
	.retransmit_ns = 200000,
};

#define DRIFT_PPM 200u

static void fill_group(struct world *w, uint32_t g)
{
	struct lock_group *group = &w->group[g];

	for (uint16_t place = 0; place < LOCK_GROUP_NODES; place++)
		group->nodes[place] = (uint16_t)(g + place);
	group->locks = (w->locks + w->groups - 1 - g) / w->groups;
	group->slots = group->locks * w->participants;
	group->members = w->participants;
	group->first_lock = g ? w->group[g - 1].first_lock + w->group[g - 1].locks : 0;
	group->first_slot = group->first_lock * w->participants;
	group->first_member = g * w->participants;
	group->timing = timing;
	group->timing.session_guard_ns = lock_guard_ns(timing.session_ns, DRIFT_PPM);
	group->timing.authority_guard_ns = lock_guard_ns(timing.authority_ns, DRIFT_PPM);
	group->timing.survive_guard_ns = lock_guard_ns(timing.survive_ns, DRIFT_PPM);
}

/* Locks are numbered by group, and ranked by number; each participant's list is the locks' own order. */
static void fill_locks(struct world *w)
{
	for (uint32_t l = 0; l < w->locks; l++) {
		const uint32_t g = w->groups > 1 && l >= w->group[1].first_lock;

		w->lock[l] = (struct lock_lock){
			.group = g,
			.rank = l,
			.first_slot = l * w->participants,
			.slots = w->participants,
			.hold_budget_ns = 1000000000,
		};
		for (uint32_t p = 0; p < w->participants; p++) {
			w->slot[l * w->participants + p] = (struct lock_sharer){
				.lock = l, .member = g * w->participants + p, .own = l
			};
			w->own_slots[p * w->locks + l] = l * w->participants + p;
		}
	}
}

static void fill_members(struct world *w)
{
	uint32_t next = 0;

	for (uint32_t m = 0; m < w->groups * w->participants; m++) {
		const struct lock_group *group = &w->group[m / w->participants];

		w->member[m] = (struct lock_member){
			.participant = m % w->participants,
			.group = m / w->participants,
			.first = next,
			.slots = group->locks,
		};
		for (uint32_t i = 0; i < group->locks; i++)
			w->member_slots[next++] =
				(group->first_lock + i) * w->participants + m % w->participants;
		w->participant_members[(m % w->participants) * w->groups + m / w->participants] = m;
	}
	for (uint32_t p = 0; p < w->participants; p++)
		w->participant[p] = (struct lock_participant){
			.node = (uint16_t)(FIRST_CLIENT_NODE + p),
			.first_own = p * w->locks,
			.owns = w->locks,
			.first_member = p * w->groups,
			.members = w->groups,
		};
}

struct world *world_new(uint32_t groups, uint32_t locks, uint32_t participants)
{
	struct world *w = calloc(1, sizeof(*w));
	const uint32_t slots = locks * participants;

	w->groups = groups;
	w->locks = locks;
	w->participants = participants;
	w->lock = calloc(locks, sizeof(*w->lock));
	w->slot = calloc(slots, sizeof(*w->slot));
	w->member = calloc(groups * participants, sizeof(*w->member));
	w->participant = calloc(participants, sizeof(*w->participant));
	w->member_slots = calloc(slots, sizeof(uint32_t));
	w->own_slots = calloc(slots, sizeof(uint32_t));
	w->participant_members = calloc(groups * participants, sizeof(uint32_t));
	w->client = calloc(participants, sizeof(*w->client));
	w->fence = calloc(locks, sizeof(*w->fence));
	w->event = calloc(slots, sizeof(*w->event));
	for (uint32_t g = 0; g < groups; g++)
		fill_group(w, g);
	fill_locks(w);
	fill_members(w);
	w->delay_least_ns = 10000;
	w->delay_most_ns = 10000;
	w->random = 88172645463325252ull;
	w->now_ns = 1000000;
	w->tables = (struct lock_tables){
		.nodes = WORLD_NODES,
		.groups = groups,
		.locks = locks,
		.slots = slots,
		.members = groups * participants,
		.participants = participants,
		.group = w->group,
		.lock = w->lock,
		.slot = w->slot,
		.member = w->member,
		.participant = w->participant,
		.member_slots = w->member_slots,
		.own_slots = w->own_slots,
		.participant_members = w->participant_members,
	};
	return w;
}

/* Malloc'd memory full of nonsense: engines must not count on anything in it. */
static void *rubbish(size_t count, size_t size)
{
	void *memory = malloc(count * size);

	memset(memory, 0xa5, count * size);
	return memory;
}

static void start_server(struct world *w, uint32_t g, uint32_t place, uint32_t epoch, bool memory)
{
	const struct lock_group *group = &w->group[g];
	struct lock_storage storage = w->server[g][place].storage;

	if (place < LOCK_LEADERS && !storage.links)
		storage = (struct lock_storage){
			rubbish(LOCK_SERVER_LINKS(group->slots, group->members, group->locks),
				sizeof(struct lock_link)),
			rubbish(group->slots, sizeof(struct lock_place)),
			rubbish(group->locks, sizeof(struct lock_state)),
			rubbish(group->members, sizeof(struct lock_session)),
		};
	lock_server_init(&w->server[g][place], &w->tables, g, place, &storage, epoch, memory,
		world_clock(w, group->nodes[place]));
}

static void start_client(struct world *w, uint32_t p)
{
	struct lock_client_storage storage = w->client[p].storage;

	if (!storage.links)
		storage = (struct lock_client_storage){
			rubbish(LOCK_CLIENT_LINKS(w->locks, w->groups), sizeof(struct lock_link)),
			rubbish(w->locks, sizeof(struct lock_own)),
			rubbish(w->groups, sizeof(struct lock_membership)),
		};
	w->life += 1000;
	lock_client_init(&w->client[p], &w->tables, p, &storage, w->life,
		world_clock(w, FIRST_CLIENT_NODE + p));
}

void world_start(struct world *w)
{
	for (uint32_t g = 0; g < w->groups; g++) {
		for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++)
			start_server(w, g, place, 0, false);
	}
	for (uint32_t p = 0; p < w->participants; p++)
		start_client(w, p);
}

void world_free(struct world *w)
{
	for (uint32_t g = 0; g < w->groups; g++) {
		for (uint32_t place = 0; place < LOCK_LEADERS; place++) {
			free(w->server[g][place].storage.links);
			free(w->server[g][place].storage.places);
			free(w->server[g][place].storage.locks);
			free(w->server[g][place].storage.sessions);
		}
	}
	for (uint32_t p = 0; p < w->participants; p++) {
		free(w->client[p].storage.links);
		free(w->client[p].storage.owns);
		free(w->client[p].storage.memberships);
	}
	free(w->lock);
	free(w->slot);
	free(w->member);
	free(w->participant);
	free(w->member_slots);
	free(w->own_slots);
	free(w->participant_members);
	free(w->client);
	free(w->fence);
	free(w->event);
	free(w);
}

/* Each node's clock has an offset and a rate of its own. */
uint64_t world_clock(const struct world *w, uint32_t node)
{
	const int64_t skew = (int64_t)w->now_ns / 1000000 * w->drift_ppm[node];

	return w->now_ns + (uint64_t)skew + 1000000ull * node;
}

static void fly(struct world *w, uint16_t from, const struct lock_envelope *e)
{
	const uint64_t spread = w->delay_most_ns - w->delay_least_ns + 1;
	struct flight *f = &w->flights[w->flying];

	assert_true(w->flying < WORLD_FLIGHTS);
	assert_true(e->node < WORLD_NODES && e->message.kind < LOCK_KINDS);
	if (w->cut[from][e->node] || unit_random(&w->random) % 100 < w->loss_percent)
		return;
	f->at_ns = w->now_ns + w->delay_least_ns + unit_random(&w->random) % spread;
	if (w->straggle_ns != 0 && e->message.kind < LOCK_CANDIDATE &&
		unit_random(&w->random) % 100 == 0)
		f->at_ns += unit_random(&w->random) % w->straggle_ns;
	f->from = from;
	f->to = e->node;
	f->message = e->message;
	w->flying++;
	if (w->most_flying < w->flying)
		w->most_flying = w->flying;
}

void world_post(struct world *w, uint16_t from, const struct lock_envelope *e)
{
	w->sent[e->message.kind]++;
	fly(w, from, e);
	if (unit_random(&w->random) % 100 < w->repeat_percent)
		fly(w, from, e);
}

bool world_fetch(struct world *w, uint32_t p, struct flight *f)
{
	if (w->inbox_count[p] == 0)
		return false;
	*f = w->inbox[p][0];
	w->inbox_count[p]--;
	memmove(&w->inbox[p][0], &w->inbox[p][1], w->inbox_count[p] * sizeof(*f));
	return true;
}

static void arrive(struct world *w, const struct flight *f)
{
	const uint64_t now_ns = world_clock(w, f->to);

	if (w->down[f->to])
		return;
	if (f->to >= FIRST_CLIENT_NODE && w->apart[f->to - FIRST_CLIENT_NODE]) {
		const uint32_t p = f->to - FIRST_CLIENT_NODE;

		assert_true(w->inbox_count[p] < 64);
		w->inbox[p][w->inbox_count[p]++] = *f;
		return;
	}
	if (f->to >= FIRST_CLIENT_NODE) {
		lock_client_receive(&w->client[f->to - FIRST_CLIENT_NODE], f->from, &f->message,
			LOCK_MESSAGE_BYTES, now_ns);
		return;
	}
	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
		if (w->group[f->message.group].nodes[place] == f->to)
			lock_server_receive(&w->server[f->message.group][place], f->from,
				&f->message, LOCK_MESSAGE_BYTES, now_ns);
	}
}

static void arrivals(struct world *w)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->flying; i++) {
		const struct flight f = w->flights[i];

		if (f.at_ns <= w->now_ns)
			arrive(w, &f);
		else
			w->flights[kept++] = f;
	}
	w->flying = kept;
}

static void turn_server(struct world *w, struct lock_server *s)
{
	const uint64_t now_ns = world_clock(w, s->node);
	struct lock_envelope e;
	uint32_t calls = 0;

	if (w->down[s->node])
		return;
	while (lock_server_tick(s, now_ns))
		assert_true(calls++ < 100000);
	assert_true(lock_server_due_ns(s, now_ns) >= now_ns);
	while (lock_server_send(s, now_ns, &e))
		world_post(w, s->node, &e);
}

/* A token is used when it is got: no writer's is below one that was used for writing before. */
static void note_event(struct world *w, uint32_t p, const struct lock_event *event)
{
	const struct lock_own *o = &w->client[p].storage.owns[event->own];
	const bool writes = o->held == LOCK_PW || o->held == LOCK_EX;

	w->events++;
	w->event[p * w->locks + event->own] = *event;
	if (event->kind != LOCK_EVENT_DONE || event->status != LOCK_DONE || !writes ||
		!world_holds(w, p, event->own, o->held))
		return;
	assert_true(lock_rule_fence(w->fence[event->own], o->token));
	w->fence[event->own] = o->token;
}

static void turn_client(struct world *w, uint32_t p)
{
	struct lock_client *c = &w->client[p];
	const uint16_t node = (uint16_t)(FIRST_CLIENT_NODE + p);
	const uint64_t now_ns = world_clock(w, node);
	struct lock_envelope e;
	struct lock_event event;
	uint32_t calls = 0;

	if (w->down[node] || w->apart[p])
		return;
	while (lock_client_tick(c, now_ns))
		assert_true(calls++ < 100000);
	assert_true(lock_client_due_ns(c, now_ns) >= now_ns);
	while (lock_client_send(c, now_ns, &e))
		world_post(w, node, &e);
	while (lock_client_event(c, &event))
		note_event(w, p, &event);
}

static uint8_t held_now(struct world *w, uint32_t p, uint32_t lock)
{
	uint8_t mode = LOCK_EX;

	if (!world_holds(w, p, lock, LOCK_NL))
		return LOCK_NONE;
	while (!world_holds(w, p, lock, mode))
		mode--;
	return mode;
}

/* Whoever is down holds still: its program may be in the middle of something, until its clock says no. */
static void judge_holders(struct world *w, uint32_t lock)
{
	uint32_t held[LOCK_MODES] = { 0 };

	for (uint32_t p = 0; p < w->participants; p++) {
		const uint8_t mode = held_now(w, p, lock);

		if (mode == LOCK_NONE)
			continue;
		if (!lock_holders_admit(held, mode))
			fail_msg("lock %u: participant %u holds mode %u against another", lock, p,
				mode);
		held[mode]++;
	}
}

static void judge_links(const struct world *w, const struct lock_server *s)
{
	const struct lock_group *g = s->group;
	const uint32_t count = LOCK_SERVER_LINKS(g->slots, g->members, g->locks);
	const struct lock_link *const links = s->storage.links;
	bool whole = true;

	(void)w;
	for (uint32_t i = 0; i < count; i++)
		whole &= links[i].next < count && links[i].prev < count &&
			 links[links[i].next].prev == i;
	assert_true(whole);
}

/* Whoever is to be told is in the ring, unless it came last and is apart; all others are in none. */
static void judge_outbox(const struct lock_server *s)
{
	bool right = s->speaks || lock_links_empty(s->storage.links, OUT_END);

	for (uint32_t slot = 0; slot < s->group->slots; slot++) {
		const bool queued = !lock_links_empty(s->storage.links, place_out_link(slot));

		right &=
			(s->storage.places[slot].out != 0) == (s->due == (int32_t)slot || queued) &&
			!(s->due == (int32_t)slot && queued);
	}
	assert_true(right);
}

/* And so it is with who holds above NL. */
static void judge_holder(const struct lock_server *s, const struct lock_state *l, uint32_t slot)
{
	const uint8_t held = s->storage.places[slot].held;
	const bool listed = !lock_links_empty(s->storage.links, hold_link(slot));

	assert_int_equal(
		held != LOCK_NONE && held != LOCK_NL, l->holder == (int32_t)slot || listed);
	assert_false(l->holder == (int32_t)slot && listed);
}

/* What the leader counts is what its slots say. */
static void judge_lock(const struct world *w, const struct lock_server *s, uint32_t lock)
{
	const struct lock_state *l = &s->storage.locks[lock];
	uint32_t held[LOCK_MODES] = { 0 }, waiting = 0;

	for (uint32_t i = 0; i < w->participants; i++) {
		const struct lock_place *p = &s->storage.places[lock * w->participants + i];

		if (p->held != LOCK_NONE) {
			assert_true(lock_holders_admit(held, p->held));
			held[p->held]++;
		}
		waiting += p->wanted != LOCK_NONE;
		judge_holder(s, l, lock * w->participants + i);
		assert_int_equal(p->wanted != LOCK_NONE,
			!lock_links_empty(s->storage.links, wait_link(lock * w->participants + i)));
	}
	assert_memory_equal(held, l->held, sizeof(held));
	assert_int_equal(waiting, l->waiting);
}

static void judge_leaders(struct world *w, uint32_t g)
{
	uint32_t leaders = 0;

	for (uint32_t place = 0; place < LOCK_LEADERS; place++) {
		const struct lock_server *s = &w->server[g][place];

		if (s->dirty || !lock_server_serves(s, world_clock(w, s->node)))
			continue;
		leaders += !w->down[s->node];
		judge_links(w, s);
		judge_outbox(s);
		for (uint32_t l = 0; l < w->group[g].locks; l++)
			judge_lock(w, s, l);
	}
	assert_true(leaders <= 1);
}

void world_step(struct world *w)
{
	w->now_ns += WORLD_STEP_NS;
	arrivals(w);
	for (uint32_t g = 0; g < w->groups; g++) {
		for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++)
			turn_server(w, &w->server[g][place]);
	}
	for (uint32_t p = 0; p < w->participants; p++)
		turn_client(w, p);
	for (uint32_t l = 0; l < w->locks; l++)
		judge_holders(w, l);
	for (uint32_t g = 0; g < w->groups; g++)
		judge_leaders(w, g);
}

void world_run(struct world *w, uint64_t duration_ns)
{
	const uint64_t end_ns = w->now_ns + duration_ns;

	while (w->now_ns < end_ns)
		world_step(w);
}

struct lock_server *world_leader(struct world *w, uint32_t g)
{
	for (uint32_t place = 0; place < LOCK_LEADERS; place++) {
		struct lock_server *s = &w->server[g][place];

		if (!w->down[s->node] && lock_server_serves(s, world_clock(w, s->node)))
			return s;
	}
	return NULL;
}

#define UNTIL(w, condition)                                                                        \
	do {                                                                                       \
		for (uint32_t i_ = 0; i_ < 20000 && !(condition); i_++)                            \
			world_step(w);                                                             \
		assert_true(condition);                                                            \
	} while (0)

void world_until_serving(struct world *w, uint32_t g)
{
	UNTIL(w, world_leader(w, g));
}

static bool joined(const struct world *w)
{
	for (uint32_t p = 0; p < w->participants; p++) {
		for (uint32_t g = 0; g < w->groups; g++) {
			if (!w->down[FIRST_CLIENT_NODE + p] &&
				w->client[p].storage.memberships[g].state != LOCK_JOINED)
				return false;
		}
	}
	return true;
}

void world_until_joined(struct world *w)
{
	UNTIL(w, joined(w));
}

void world_until(struct world *w, uint32_t p, uint32_t lock, enum lock_own_state state)
{
	UNTIL(w, world_own(w, p, lock)->state == state);
}

void world_crash(struct world *w, uint32_t node)
{
	w->down[node] = true;
}

void world_revive(struct world *w, uint32_t node, bool memory)
{
	w->down[node] = false;
	if (node >= FIRST_CLIENT_NODE)
		start_client(w, node - FIRST_CLIENT_NODE);
	for (uint32_t g = 0; g < w->groups; g++) {
		for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
			if (w->group[g].nodes[place] == node)
				start_server(w, g, place,
					memory ? w->server[g][place].voter.voted : 0, memory);
		}
	}
}

struct world *world_begun(struct world *w)
{
	world_start(w);
	for (uint32_t g = 0; g < w->groups; g++)
		world_until_serving(w, g);
	world_until_joined(w);
	return w;
}

uint16_t world_node_of(uint32_t client)
{
	return (uint16_t)(FIRST_CLIENT_NODE + client);
}

uint64_t world_clock_of(const struct world *w, uint32_t client)
{
	return world_clock(w, world_node_of(client));
}

struct lock_own *world_own(struct world *w, uint32_t p, uint32_t lock)
{
	return &w->client[p].storage.owns[lock];
}

enum lock_status world_ask(struct world *w, uint32_t p, uint32_t lock, enum lock_mode mode)
{
	return lock_client_request(
		&w->client[p], lock, mode, 0, NULL, world_clock(w, FIRST_CLIENT_NODE + p));
}

enum lock_status world_release(struct world *w, uint32_t p, uint32_t lock)
{
	return lock_client_release(
		&w->client[p], lock, NULL, world_clock(w, FIRST_CLIENT_NODE + p));
}

bool world_holds(struct world *w, uint32_t p, uint32_t lock, enum lock_mode mode)
{
	return lock_client_holds(&w->client[p], lock, mode, world_clock(w, FIRST_CLIENT_NODE + p));
}

void world_take(struct world *w, uint32_t p, uint32_t lock, enum lock_mode mode)
{
	const enum lock_status status = world_ask(w, p, lock, mode);

	assert_true(status == LOCK_PENDING || status == LOCK_DONE);
	UNTIL(w, world_holds(w, p, lock, mode) && world_own(w, p, lock)->state == LOCK_HOLDING);
}

void world_give(struct world *w, uint32_t p, uint32_t lock)
{
	assert_int_equal(world_release(w, p, lock), LOCK_PENDING);
	world_until(w, p, lock, LOCK_IDLE);
}

void world_isolate(struct world *w, uint32_t node, bool cut)
{
	for (uint32_t other = 0; other < WORLD_NODES; other++) {
		w->cut[node][other] = cut;
		w->cut[other][node] = cut;
	}
}

struct lock_message world_report_of(const struct world *w, uint32_t p, uint32_t lock)
{
	const struct lock_client *c = &w->client[p];

	return (struct lock_message){
		.kind = LOCK_REPORT,
		.held = LOCK_EX,
		.wanted = LOCK_NONE,
		.node = (uint16_t)(FIRST_CLIENT_NODE + p),
		.index = lock * w->participants + p,
		.epoch = c->storage.memberships[0].epoch,
		.incarnation = c->storage.memberships[0].incarnation,
		.sequence = c->storage.owns[lock].sequence + 1,
		.token = 1,
	};
}

void world_queue_up(struct world *w, uint32_t client, uint32_t lock, enum lock_mode mode)
{
	assert_int_equal(world_ask(w, client, lock, mode), LOCK_PENDING);
	world_run(w, 100000);
}

bool world_sees(struct world *w, uint32_t client, uint32_t lock, uint8_t byte)
{
	uint8_t value[LOCK_VALUE_BYTES], expected[LOCK_VALUE_BYTES];

	memset(expected, byte, sizeof(expected));
	return lock_client_value(&w->client[client], lock, value) &&
	       memcmp(value, expected, sizeof(value)) == 0;
}
