/*
 * Random schedules over servers and clients in one process, with every fault the service promises to survive.
 * The world judges each step; here the values are judged, and that everything goes on when the faults end.
 * A failing seed is named: build/unit/test_lock_schedules SEED replays it alone, SEED LAST plays
 * all of them.
 */
#include "lock_world.h"

#define SEEDS       40u
#define LOCKS       4u
#define MOST        5u
#define ACTIVE_NS   40000000u
#define SETTLE_NS   60000000u
#define FAULT_STEPS 1200u

struct schedule {
	struct world *w;
	uint64_t random;
	uint64_t written[LOCKS]; /* the last value that a writer tried to leave */
	uint64_t next_value;
	uint64_t grants;
	struct fault {
		uint32_t ends;   /* in steps */
		uint32_t faulty; /* the node, or none */
		bool paused;
	} fault[2]; /* of a server, and of a client */
	bool calm;
};

#define NO_NODE UINT32_MAX

static uint32_t roll(struct schedule *s, uint32_t sides)
{
	return (uint32_t)(unit_random(&s->random) >> 33) % sides;
}

/* Lock 0 first come first served, 1 phase-fair, 2 cached, 3 cached with priorities. */
static struct world *make(struct schedule *s, uint32_t groups)
{
	struct world *w = world_new(groups, LOCKS, 3 + roll(s, MOST - 2));

	w->lock[1].discipline = LOCK_PHASE_FAIR;
	w->lock[2].options = LOCK_CACHED;
	w->lock[3].options = LOCK_CACHED | LOCK_NOTIFY;
	for (uint32_t i = 0; i < w->participants; i++)
		w->slot[3 * w->participants + i].priority = (uint8_t)(i % LOCK_PRIORITIES);
	for (uint32_t node = 0; node < WORLD_NODES; node++)
		w->drift_ppm[node] = (int64_t)roll(s, 401) - 200;
	w->random = s->random;
	world_start(w);
	return w;
}

/* A valid value is the last that anybody tried to leave. */
static void judge_value(struct schedule *s, uint32_t p, uint32_t lock)
{
	struct lock_event *event = &s->w->event[p * LOCKS + lock];
	const uint8_t mode = world_own(s->w, p, lock)->held;
	uint8_t value[LOCK_VALUE_BYTES];
	uint64_t seen;

	if (event->kind != LOCK_EVENT_DONE || event->status != LOCK_DONE)
		return;
	event->kind = 0;
	if (mode != LOCK_PR && mode != LOCK_PW && mode != LOCK_EX)
		return;
	if (!world_holds(s->w, p, lock, mode))
		return;
	s->grants++;
	if (!lock_client_value(&s->w->client[p], lock, value))
		return;
	memcpy(&seen, value, sizeof(seen));
	assert_int_equal(seen, s->written[lock]);
}

static void give_back(struct schedule *s, uint32_t p, uint32_t lock)
{
	const uint64_t now_ns = world_clock(s->w, FIRST_CLIENT_NODE + p);
	const uint8_t mode = world_own(s->w, p, lock)->held;
	const bool writes = mode == LOCK_PW || mode == LOCK_EX;
	uint8_t value[LOCK_VALUE_BYTES] = { 0 };

	if (!world_holds(s->w, p, lock, mode))
		return;
	if (!writes || roll(s, 2)) {
		lock_client_release(&s->w->client[p], lock, NULL, now_ns);
		return;
	}
	s->next_value++;
	memcpy(value, &s->next_value, sizeof(s->next_value));
	s->written[lock] = s->next_value;
	lock_client_release(&s->w->client[p], lock, value, now_ns);
}

static void act(struct schedule *s, uint32_t p)
{
	const uint32_t lock = roll(s, LOCKS);
	const struct lock_own *o = world_own(s->w, p, lock);
	const uint8_t flags = roll(s, 6) ? 0 : LOCK_FLAG_NOQUEUE;
	const enum lock_mode mode = (enum lock_mode)roll(s, LOCK_MODES);
	const uint64_t now_ns = world_clock(s->w, FIRST_CLIENT_NODE + p);

	if (o->state == LOCK_WAITING && roll(s, 20) == 0)
		lock_client_cancel(&s->w->client[p], lock, now_ns);
	else if (o->state == LOCK_IDLE && !s->calm)
		lock_client_request(&s->w->client[p], lock, mode, flags, NULL, now_ns);
	else if (o->state == LOCK_HOLDING && !s->calm && roll(s, 4) == 0)
		lock_client_request(&s->w->client[p], lock, mode, flags, NULL, now_ns);
	else if (o->state == LOCK_HOLDING)
		give_back(s, p, lock);
}

static void cut(struct world *w, uint32_t node, bool there, bool back)
{
	for (uint32_t other = 0; other < WORLD_NODES; other++) {
		w->cut[node][other] = there;
		w->cut[other][node] = back;
	}
}

/* A crash, a pause, or a cut in one or both directions: of one server at a time, and of one client. */
static void begin_fault(struct schedule *s, uint32_t which, uint32_t step)
{
	struct world *w = s->w;
	struct fault *f = &s->fault[which];
	const uint32_t servers = LOCK_GROUP_NODES + w->groups - 1;
	const uint32_t kind = roll(s, 4);

	f->faulty = which == 0 ? roll(s, servers) : FIRST_CLIENT_NODE + roll(s, w->participants);
	f->ends = step + 1 + roll(s, FAULT_STEPS);
	f->paused = kind == 1;
	if (kind <= 1)
		world_crash(w, f->faulty);
	else
		cut(w, f->faulty, true, kind == 2);
}

static void end_fault(struct schedule *s, uint32_t which)
{
	struct world *w = s->w;
	struct fault *f = &s->fault[which];
	const struct fault *other = &s->fault[1 - which];

	if (w->down[f->faulty] && f->paused)
		w->down[f->faulty] = false;
	else if (w->down[f->faulty])
		world_revive(w, f->faulty, false);
	cut(w, f->faulty, false, false);
	f->faulty = NO_NODE;
	if (other->faulty != NO_NODE && !w->down[other->faulty])
		cut(w, other->faulty, true, false);
}

/* A server that forgot must have learned before another one may fail. */
static void disturb(struct schedule *s, uint32_t which, uint32_t step)
{
	struct fault *f = &s->fault[which];

	if (f->faulty != NO_NODE && step >= f->ends) {
		end_fault(s, which);
		f->ends = step + (which == 0 ? 3 * FAULT_STEPS / 2 : 0);
	} else if (f->faulty == NO_NODE && !s->calm && step > f->ends && roll(s, 300) == 0) {
		begin_fault(s, which, step);
	}
}

static void turn(struct schedule *s, uint32_t step)
{
	struct world *w = s->w;

	disturb(s, 0, step);
	disturb(s, 1, step);
	world_step(w);
	for (uint32_t p = 0; p < w->participants; p++) {
		for (uint32_t lock = 0; lock < LOCKS; lock++)
			judge_value(s, p, lock);
		if (!w->down[FIRST_CLIENT_NODE + p] && roll(s, 8) == 0)
			act(s, p);
	}
}

static bool at_rest(struct schedule *s)
{
	for (uint32_t p = 0; p < s->w->participants; p++) {
		for (uint32_t lock = 0; lock < LOCKS; lock++) {
			const struct lock_own *o = world_own(s->w, p, lock);

			if (o->state == LOCK_WAITING || o->state == LOCK_RELEASING)
				return false;
		}
	}
	return true;
}

/* When the faults are over and all give back what they have, nobody waits, and everybody gets everything. */
static void goes_on(struct schedule *s, uint32_t step)
{
	struct world *w = s->w;

	s->calm = true;
	w->loss_percent = 0;
	w->repeat_percent = 0;
	w->straggle_ns = 0;
	for (uint32_t which = 0; which < 2; which++) {
		if (s->fault[which].faulty != NO_NODE)
			end_fault(s, which);
	}
	for (uint32_t i = 0; i < SETTLE_NS / WORLD_STEP_NS; i++)
		turn(s, step + i);
	assert_true(at_rest(s));
	for (uint32_t p = 0; p < w->participants; p++) {
		for (uint32_t lock = 0; lock < LOCKS; lock++)
			world_take(w, p, lock, LOCK_EX);
		for (uint32_t lock = 0; lock < LOCKS; lock++)
			assert_true(world_release(w, p, lock) <= LOCK_PENDING);
	}
}

static uint64_t play(uint64_t seed)
{
	struct schedule s = {
		.random = seed * 0x9e3779b97f4a7c15ull + 1,
		.fault = { { 2000, NO_NODE, false }, { 2000, NO_NODE, false } },
	};
	uint32_t step = 0;

	s.w = make(&s, 1 + (uint32_t)seed % 2);
	s.w->loss_percent = roll(&s, 3) * 3;
	s.w->repeat_percent = roll(&s, 3) * 5;
	s.w->delay_most_ns += roll(&s, 2) * 80000;
	s.w->straggle_ns = roll(&s, 2) * 6000000;
	for (; step < ACTIVE_NS / WORLD_STEP_NS; step++)
		turn(&s, step);
	goes_on(&s, step);
	world_free(s.w);
	return s.grants;
}

static uint64_t first_seed = 1, last_seed = SEEDS;

static void no_schedule_breaks_an_invariant_or_stops_the_service(void **state)
{
	uint64_t grants = 0;

	(void)state;
	for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
		print_message("# seed %llu\n", (unsigned long long)seed);
		grants += play(seed);
	}
	assert_true(grants > 20 * (last_seed - first_seed + 1));
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_schedule_breaks_an_invariant_or_stops_the_service),
	};

	if (count > 1)
		first_seed = last_seed = strtoull(arguments[1], NULL, 0);
	if (count > 2)
		last_seed = strtoull(arguments[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
