/*
 * The engine of the lock service against its model: two clients, two that may lead and a witness,
 * the engine's own code, play random schedules with loss, repetition, delay, pauses, cuts and
 * crashes, within the model's shape, until the leader changes for the second time. What can be seen
 * is compared after every call. Invariant: each change that the engine makes is a path of the
 * model, on which no client is seen as anything but what it was or becomes.
 *
 * usage: lock_conform CHANGES LIVES OPERATIONS SEEDS: the model's changes, and its shape; exit 1:
 * they differ, or less than half of the kinds of changes of the model's clients were seen.
 */
#include "lock_world.h"

#include "../../partitions/lockd/engine/server.h"
#include "lock_observe.h"

#define STEPS       6000u
#define PATH_STATES 4096u
#define CLIENT_BITS 6u
#define CLIENT_MASK 0x3fu
#define KNOWS_BIT   0x20u
#define LIVES_BIT   0x10u
#define STAGE_SHIFT 12u
#define ACTS_SHIFT  15u

enum { PRIMARY, STANDBY, WITNESS };

/* The model's changes, sorted by where they begin. */
static uint64_t *model;
static size_t model_changes;

static uint32_t most_lives, most_operations;

struct run {
	struct world *w;
	uint64_t seed, random, changes;
	uint32_t epoch; /* of the first leader */
	uint32_t seen;
	uint32_t lives[2], asked[2];
	bool lived[2], gone[2], over, was_asked;
	uint32_t paused_until[WORLD_NODES], cut_until;
	uint32_t cut_node;
};

static uint32_t roll(struct run *const r, const uint32_t sides)
{
	return (uint32_t)(unit_random(&r->random) >> 33) % sides;
}

static uint32_t seen_mode(const uint8_t mode)
{
	return mode == LOCK_EX ? 2 : mode == LOCK_PR ? 1 : 0;
}

static struct observed_client see_client(struct run *const r, const uint32_t c)
{
	const struct lock_membership *const m = &r->w->client[c].storage.memberships[0];
	const struct lock_own *const o = world_own(r->w, c, 0);
	const uint64_t now_ns = world_clock(r->w, FIRST_CLIENT_NODE + c);
	struct observed_client seen = { .knows = m->epoch > r->epoch };

	if (r->gone[c] || m->state != LOCK_JOINED || lock_rule_session_over(now_ns, m->end_ns))
		return seen;
	seen.lives = 1;
	seen.mode = o->state == LOCK_RELEASING ? 0 : seen_mode(o->held);
	if (o->state == LOCK_WAITING)
		seen.state = seen.mode ? 3 : 1;
	else if (o->state == LOCK_HOLDING)
		seen.state = 2;
	return seen;
}

static struct observed_master see_master(struct run *const r, const uint32_t place)
{
	const struct lock_server *const s = &r->w->server[0][place];
	struct observed_master seen = { 0 };

	if ((place == PRIMARY && r->w->down[s->node] && r->paused_until[s->node] == 0) ||
		!lock_server_serves(s, world_clock(r->w, s->node)))
		return seen;
	seen.acts = 1;
	for (uint32_t c = 0; c < 2; c++) {
		seen.held[c] = seen_mode(s->storage.places[c].held);
		seen.wanted[c] = seen_mode(s->storage.places[c].wanted);
	}
	return seen;
}

static uint32_t see_stage(struct run *const r)
{
	const struct lock_server *const s = &r->w->server[0][STANDBY];
	uint32_t voted = 0;

	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++) {
		const struct lock_voter *const v = &r->w->server[0][place].voter;

		voted |= place != STANDBY && v->voted > r->epoch && v->promised == STANDBY;
	}
	r->was_asked |= s->phase == LOCK_CAMPAIGNING;
	if (lock_server_serves(s, world_clock(r->w, s->node)))
		return NOW_SERVES;
	return leads(s) ? WAS_ELECTED : voted ? VOTED_FOR : r->was_asked ? ASKED_FOR : NOT_ASKED;
}

static uint32_t see(struct run *const r)
{
	const struct observed o = {
		{ see_client(r, 0), see_client(r, 1) },
		{ see_master(r, PRIMARY), see_master(r, STANDBY) },
		see_stage(r),
	};

	return observe_pack(&o);
}

static bool has(const uint32_t *const states, const uint32_t count, const uint32_t state)
{
	for (uint32_t i = 0; i < count; i++) {
		if (states[i] == state)
			return true;
	}
	return false;
}

/* Each client is what it was, or what it becomes, or that and of the new epoch already. */
static bool between(const uint32_t from, const uint32_t to, const uint32_t state)
{
	for (uint32_t c = 0; c < 2; c++) {
		const uint32_t was = from >> CLIENT_BITS * c & CLIENT_MASK;
		const uint32_t is = to >> CLIENT_BITS * c & CLIENT_MASK;
		const uint32_t now = state >> CLIENT_BITS * c & CLIENT_MASK;

		if (now != was && now != is && now != (was | (is & KNOWS_BIT)))
			return false;
	}
	return true;
}

static size_t first_from(const uint32_t state)
{
	size_t low = 0, high = model_changes;

	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (model[middle] >> 32 < state)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool model_makes(const uint32_t from, const uint32_t to)
{
	static uint32_t reached[PATH_STATES];
	uint32_t count = 1;

	reached[0] = from;
	for (uint32_t i = 0; i < count; i++) {
		for (size_t k = first_from(reached[i]);
			k < model_changes && model[k] >> 32 == reached[i]; k++) {
			const uint32_t next = (uint32_t)model[k];

			if (next == to)
				return true;
			if (between(from, to, next) && !has(reached, count, next) &&
				count < PATH_STATES)
				reached[count++] = next;
		}
	}
	return false;
}

static void say_state(const uint32_t o)
{
	static const char *const states[] = { "idle", "waits", "holds", "converts" };
	static const char *const modes[] = { "-", "PR", "EX", "?" };
	static const char *const stages[] = { "not asked", "asked", "voted for", "elected",
		"serves" };

	for (uint32_t c = 0; c < 2; c++) {
		const uint32_t seen = o >> CLIENT_BITS * c & CLIENT_MASK;

		printf("client %u %s %s%s%s; ", c, states[seen & 3], modes[seen >> 2 & 3],
			seen & LIVES_BIT ? "" : " no session",
			seen & KNOWS_BIT ? " new epoch" : "");
	}
	printf("standby %s, primary %s", stages[o >> STAGE_SHIFT & 7],
		o >> ACTS_SHIFT & 1 ? "acts" : "does not act");
	for (uint32_t m = 0; m < 2; m++) {
		const uint32_t at = o >> (16 + 8 * m);

		printf("; %s: %s %s wanted %s %s", m ? "standby" : "primary", modes[at & 3],
			modes[at >> 2 & 3], modes[at >> 4 & 3], modes[at >> 6 & 3]);
	}
	printf("\n");
}

static uint32_t differences;

/* A client whose session ended begins its next life, unless that was its last one. */
static void note_lives(struct run *const r)
{
	for (uint32_t c = 0; c < 2; c++) {
		const bool lives = see_client(r, c).lives;

		if (r->lived[c] && !lives) {
			r->lives[c]++;
			r->asked[c] = 0;
			r->gone[c] = r->lives[c] >= most_lives;
			r->w->down[FIRST_CLIENT_NODE + c] |= r->gone[c];
		}
		r->lived[c] = lives;
	}
}

/* The model ends before the first leader leads again, and before the second one's end. */
static bool beyond_model(const struct run *const r)
{
	const struct lock_server *const p = &r->w->server[0][PRIMARY];
	const uint32_t stage = r->seen >> STAGE_SHIFT & 7;

	return (leads(p) && p->epoch != r->epoch) ||
	       (stage >= WAS_ELECTED && !leads(&r->w->server[0][STANDBY]));
}

static void compare(struct run *const r, const char *const what)
{
	uint32_t seen, stage;

	if (r->over)
		return;
	note_lives(r);
	seen = see(r);
	stage = seen >> STAGE_SHIFT & 7;
	r->over = beyond_model(r) || stage < (r->seen >> STAGE_SHIFT & 7);
	if (r->over || seen == r->seen)
		return;
	r->changes++;
	if (observe_add(r->seen, seen) && !model_makes(r->seen, seen) && differences++ < 8) {
		printf("# seed %llu: the engine does what the model does not: %s\n# from ",
			(unsigned long long)r->seed, what);
		say_state(r->seen);
		printf("# to   ");
		say_state(seen);
	}
	r->seen = seen;
}

static void deliver(struct run *const r, const struct flight *const f)
{
	struct world *const w = r->w;
	const uint64_t now_ns = world_clock(w, f->to);

	if (w->down[f->to])
		return;
	if (f->to >= FIRST_CLIENT_NODE)
		lock_client_receive(&w->client[f->to - FIRST_CLIENT_NODE], f->from, &f->message,
			LOCK_MESSAGE_BYTES, now_ns);
	else
		lock_server_receive(
			&w->server[0][f->to], f->from, &f->message, LOCK_MESSAGE_BYTES, now_ns);
	compare(r, "a message comes");
}

static void arrivals(struct run *const r)
{
	struct world *const w = r->w;

	for (uint32_t i = 0; i < w->flying;) {
		const struct flight f = w->flights[i];

		if (f.at_ns > w->now_ns) {
			i++;
			continue;
		}
		w->flights[i] = w->flights[--w->flying];
		deliver(r, &f);
	}
}

static void turn_server(struct run *const r, struct lock_server *const s)
{
	const uint64_t now_ns = world_clock(r->w, s->node);
	struct lock_envelope e;

	if (r->w->down[s->node])
		return;
	while (lock_server_tick(s, now_ns))
		compare(r, "server ticks");
	while (lock_server_send(s, now_ns, &e))
		world_post(r->w, s->node, &e);
}

static void turn_client(struct run *const r, const uint32_t c)
{
	const uint16_t node = (uint16_t)(FIRST_CLIENT_NODE + c);
	const uint64_t now_ns = world_clock(r->w, node);
	struct lock_envelope e;
	struct lock_event event;

	if (r->w->down[node])
		return;
	while (lock_client_tick(&r->w->client[c], now_ns))
		compare(r, "client ticks");
	while (lock_client_send(&r->w->client[c], now_ns, &e))
		world_post(r->w, node, &e);
	while (lock_client_event(&r->w->client[c], &event))
		;
}

/* What the model's clients do: ask, convert up and down, give back. */
static void act(struct run *const r, const uint32_t c)
{
	const struct observed_client seen = see_client(r, c);

	if (!seen.lives || r->w->down[FIRST_CLIENT_NODE + c] || roll(r, 20) != 0)
		return;
	if (seen.state == 2 && (roll(r, 2) || r->asked[c] == most_operations))
		world_release(r->w, c, 0);
	else if (seen.state == 2 &&
		 world_ask(r->w, c, 0, seen.mode == 1 ? LOCK_EX : LOCK_PR) == LOCK_PENDING)
		r->asked[c]++;
	else if (seen.state == 0 && r->asked[c] < most_operations &&
		 world_ask(r->w, c, 0, roll(r, 2) ? LOCK_EX : LOCK_PR) == LOCK_PENDING)
		r->asked[c]++;
	compare(r, "program asks");
}

static void crash_client(struct run *const r, const uint32_t c)
{
	if (r->lives[c] + 1 >= most_lives)
		return;
	r->lives[c]++;
	r->asked[c] = 0;
	r->lived[c] = false;
	world_revive(r->w, FIRST_CLIENT_NODE + c, false);
	compare(r, "client crashes");
}

static void pause_node(struct run *const r, const uint32_t node, const uint32_t step)
{
	if (r->w->down[node])
		return;
	r->w->down[node] = true;
	r->paused_until[node] = step + 1 + roll(r, 1500);
}

static void resume(struct run *const r, const uint32_t step)
{
	for (uint32_t node = 0; node < WORLD_NODES; node++) {
		if (r->paused_until[node] == 0 || r->paused_until[node] > step)
			continue;
		r->paused_until[node] = 0;
		r->w->down[node] = node >= FIRST_CLIENT_NODE && r->gone[node - FIRST_CLIENT_NODE];
	}
	if (r->cut_until == step)
		world_isolate(r->w, r->cut_node, false);
}

static void disturb(struct run *const r, const uint32_t step)
{
	static const uint8_t nodes[] = { PRIMARY, PRIMARY, STANDBY, WITNESS, FIRST_CLIENT_NODE,
		FIRST_CLIENT_NODE + 1 };
	const uint32_t node = nodes[roll(r, sizeof(nodes))];

	resume(r, step);
	switch (roll(r, 1200)) {
	case 0:
		r->w->down[PRIMARY] = true; /* for good */
		r->paused_until[PRIMARY] = 0;
		break;
	case 1:
		pause_node(r, node, step);
		break;
	case 2:
		if (r->cut_until <= step) {
			r->cut_node = node;
			r->cut_until = step + 1 + roll(r, 1500);
			world_isolate(r->w, node, true);
		}
		break;
	case 3:
		crash_client(r, roll(r, 2));
		break;
	default:
		break;
	}
	compare(r, "a fault");
}

static void step(struct run *const r)
{
	struct world *const w = r->w;

	w->now_ns += WORLD_STEP_NS;
	compare(r, "time passes");
	arrivals(r);
	for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++)
		turn_server(r, &w->server[0][place]);
	for (uint32_t c = 0; c < 2; c++) {
		turn_client(r, c);
		act(r, c);
	}
}

/* The model begins where the first leader serves, and both clients have their sessions. */
static bool begin(struct run *const r)
{
	world_until_serving(r->w, 0);
	world_until_joined(r->w);
	if (world_leader(r->w, 0) != &r->w->server[0][PRIMARY])
		return false;
	r->epoch = r->w->server[0][PRIMARY].epoch;
	r->lived[0] = r->lived[1] = true;
	r->seen = see(r);
	r->w->loss_percent = roll(r, 4) * 8;
	r->w->repeat_percent = roll(r, 3) * 15;
	r->w->delay_most_ns += roll(r, 2) * 80000;
	r->w->straggle_ns = roll(r, 2) * 6000000;
	return true;
}

static uint64_t play(const uint64_t seed)
{
	struct run r = { .seed = seed, .random = seed * 0x9e3779b97f4a7c15ull + 1 };

	r.w = world_new(1, 1, 2);
	for (uint32_t node = 0; node < WORLD_NODES; node++)
		r.w->drift_ppm[node] = (int64_t)roll(&r, 401) - 200;
	r.w->random = r.random;
	world_start(r.w);
	r.over = !begin(&r);
	for (uint32_t i = 0; i < STEPS && !r.over; i++) {
		disturb(&r, i);
		step(&r);
	}
	world_free(r.w);
	return r.changes;
}

static int by_start(const void *const a, const void *const b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static bool read_model(const char *const path)
{
	FILE *const f = fopen(path, "r");
	uint32_t from, to;

	model = calloc(OBSERVE_MOST, sizeof(*model));
	while (f && model && model_changes < OBSERVE_MOST && fscanf(f, "%x %x", &from, &to) == 2)
		model[model_changes++] = (uint64_t)from << 32 | to;
	if (f)
		fclose(f);
	if (model)
		qsort(model, model_changes, sizeof(*model), by_start);
	return model_changes > 0;
}

/* What one client is seen to do while the standby is not yet elected, is, or serves. */
#define ALONE_BITS (CLIENT_BITS + 2u)

static uint32_t alone(const uint32_t state, const uint32_t c)
{
	const uint32_t stage = state >> STAGE_SHIFT & 7;
	const uint32_t part = stage == NOW_SERVES ? 2 : stage == WAS_ELECTED ? 1 : 0;

	return (state >> CLIENT_BITS * c & CLIENT_MASK) | part << CLIENT_BITS;
}

static void mark(uint8_t *const table, const uint64_t change)
{
	for (uint32_t c = 0; c < 2 && change >> 32 != 0; c++)
		table[alone((uint32_t)(change >> 32), c) << ALONE_BITS |
			alone((uint32_t)change, c)] = 1;
}

/* How much of what the model does the engine was seen to do. */
static void cover(uint32_t *const seen, uint32_t *const all)
{
	static uint8_t of_model[1u << 2 * ALONE_BITS], of_engine[1u << 2 * ALONE_BITS];

	for (size_t i = 0; i < model_changes; i++)
		mark(of_model, model[i]);
	for (uint32_t i = 0; i < OBSERVE_MOST; i++)
		mark(of_engine, observe_set[i]);
	for (uint32_t i = 0; i < 1u << 2 * ALONE_BITS; i++) {
		if (!of_model[i] || i >> ALONE_BITS == (i & ((1u << ALONE_BITS) - 1)))
			continue;
		*all += 1;
		*seen += of_engine[i];
	}
}

int main(const int count, char **const arguments)
{
	uint64_t changes = 0, seeds;
	uint32_t seen = 0, all = 0;

	if (count != 5) {
		fprintf(stderr, "usage: lock_conform CHANGES LIVES OPERATIONS SEEDS\n");
		return 2;
	}
	if (!read_model(arguments[1])) {
		fprintf(stderr, "%s: no changes of the model in it\n", arguments[1]);
		return 2;
	}
	most_lives = (uint32_t)strtoul(arguments[2], NULL, 10);
	most_operations = (uint32_t)strtoul(arguments[3], NULL, 10);
	seeds = strtoull(arguments[4], NULL, 10);
	for (uint64_t seed = 1; seed <= seeds; seed++)
		changes += play(seed);
	cover(&seen, &all);
	printf("%llu changes, %u different, %u not the model's; %u of %u kinds of the model's "
	       "seen\n",
		(unsigned long long)changes, observe_count, differences, seen, all);
	return differences != 0 || 2 * seen < all;
}
