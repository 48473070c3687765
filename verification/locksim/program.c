/*
 * What participants' programs do: ask, hold, write to what the lock guards, give back, and again. Invariant: a
 * program writes with the token it was granted, also when it was paused and its lock is long another's.
 */
#include "sim.h"

#include <string.h>

static struct lock_own *own_of(struct sim *sim, uint32_t p)
{
	return &sim->clients[p].storage.owns[sim->programs[p].lock];
}

static bool writes(uint8_t mode)
{
	return mode == LOCK_PW || mode == LOCK_EX;
}

static void act_in(struct sim *sim, uint32_t p, uint64_t span_ns)
{
	sim->programs[p].act_ns = clock_reaches(sim, p, clock_of(sim, p) + span_ns);
	heap_put(&sim->heap, sim->programs[p].act_ns, p, WHAT_PROGRAM);
}

static uint64_t hold_of(struct sim *sim)
{
	const uint64_t most_ns = sim->options.hold_ns;

	/* with faults, some hold for longer than a session may last without its leader */
	if (faulty(sim) && draw_below(sim, 64) == 0)
		return draw_below(sim, 2 * sim->options.timing.session_ns);
	/* the clock shows it by one nanosecond later at most */
	return sim->options.scenario == ADVERSARIAL ? most_ns - 1 : draw_below(sim, most_ns);
}

static void rest(struct sim *sim, uint32_t p)
{
	struct program *program = &sim->programs[p];

	program->phase = RESTING;
	if (program->left == 0) {
		program->phase = OVER;
		sim->active--;
		return;
	}
	act_in(sim, p, sim->options.scenario == ADVERSARIAL ? 0 : hold_of(sim));
}

static void use(struct sim *sim, uint32_t p)
{
	sim->programs[p].phase = USING;
	sim->programs[p].granted_token = own_of(sim, p)->token;
	sim->programs[p].writer = writes(own_of(sim, p)->held);
	act_in(sim, p, hold_of(sim));
}

static void granted(struct sim *sim, uint32_t p)
{
	sim->results.grants++;
	if (!sim->programs[p].converting)
		judge_wait(sim, p, sim->programs[p].lock);
	judge_grant(sim, p, sim->programs[p].lock);
	use(sim, p);
}

static enum lock_mode mode_of(struct sim *sim, struct program *program)
{
	if (faulty(sim))
		return (enum lock_mode)draw_below(sim, LOCK_MODES);
	program->reader = (sim->options.reader_percent > 0) && program->reader;
	return program->reader ? LOCK_PR : LOCK_EX;
}

static void forget_losses(struct sim *sim, uint32_t p)
{
	const uint32_t slot = sim->own_slots[p * sim->options.locks + sim->programs[p].lock];

	sim->streak[0][slot] = 0;
	sim->streak[1][slot] = 0;
}

static void ask(struct sim *sim, uint32_t p, enum lock_mode mode)
{
	struct program *program = &sim->programs[p];
	const bool faults = faulty(sim);
	const uint8_t flags = faults && draw_below(sim, 6) == 0 ? LOCK_FLAG_NOQUEUE : 0;
	enum lock_status status;

	forget_losses(sim, p);
	program->asked_ns = sim->now_ns;
	status = lock_client_request(
		&sim->clients[p], program->lock, mode, flags, NULL, clock_of(sim, p));
	if (status == LOCK_DONE) {
		granted(sim, p);
	} else if (status == LOCK_PENDING) {
		program->phase = ASKING;
		if (faults && draw_below(sim, 20) == 0)
			act_in(sim, p, hold_of(sim));
	} else {
		program->phase = RESTING;
		act_in(sim, p, sim->options.timing.retransmit_ns);
	}
}

/* It believes that it holds; the resource knows better. */
static void write_resource(struct sim *sim, uint32_t p)
{
	if (sim->programs[p].writer)
		judge_write(sim, p, sim->programs[p].lock, sim->programs[p].granted_token);
}

static void give(struct sim *sim, uint32_t p)
{
	struct program *program = &sim->programs[p];
	struct lock_own *own = own_of(sim, p);
	const uint64_t now_ns = clock_of(sim, p);
	uint8_t value[LOCK_VALUE_BYTES] = { 0 };
	const bool writer = writes(own->held) &&
			    lock_client_holds(&sim->clients[p], program->lock, own->held, now_ns);
	enum lock_status status;

	if (writer) {
		sim->value++;
		memcpy(value, &sim->value, sizeof(sim->value));
		sim->ledgers[p / sim->options.sharers * sim->options.locks + program->lock]
			.written = sim->value;
	}
	forget_losses(sim, p);
	program->phase = GIVING;
	status =
		lock_client_release(&sim->clients[p], program->lock, writer ? value : NULL, now_ns);
	if (status == LOCK_DONE)
		program->left -= program->left > 0;
	if (status != LOCK_PENDING)
		rest(sim, p);
}

static void end_use(struct sim *sim, uint32_t p)
{
	struct program *program = &sim->programs[p];

	write_resource(sim, p);
	if (program->zombie) {
		program->zombie = false;
		rest(sim, p);
	} else if (faulty(sim) && draw_below(sim, 4) == 0) {
		program->converting = true;
		ask(sim, p, (enum lock_mode)draw_below(sim, LOCK_MODES));
	} else {
		give(sim, p);
	}
}

void program_wake(struct sim *sim, uint32_t p)
{
	struct program *program = &sim->programs[p];

	if (sim->nodes[p].down || sim->now_ns < program->act_ns)
		return;
	switch (program->phase) {
	case RESTING:
		program->lock = (uint32_t)draw_below(sim, sim->options.locks);
		program->converting = false;
		ask(sim, p, mode_of(sim, program));
		break;
	case ASKING:
		lock_client_cancel(&sim->clients[p], program->lock, clock_of(sim, p));
		break;
	case USING:
		end_use(sim, p);
		break;
	case GIVING:
	case OVER:
		return;
	}
	node_turn(sim, p);
}

static void asked(struct sim *sim, uint32_t p, const struct lock_event *event)
{
	struct program *program = &sim->programs[p];
	const struct lock_own *own = own_of(sim, p);

	if (event->status == LOCK_DONE &&
		lock_client_holds(&sim->clients[p], program->lock, own->held, clock_of(sim, p))) {
		granted(sim, p);
		return;
	}
	if (own->state == LOCK_HOLDING && own->held != LOCK_NONE) {
		use(sim, p); /* a conversion was refused: what was held is held still */
		return;
	}
	if (event->status != LOCK_LOST && program->left > 0)
		program->left--;
	rest(sim, p);
}

void program_event(struct sim *sim, uint32_t p, const struct lock_event *event)
{
	struct program *program = &sim->programs[p];

	if (event->own != program->lock)
		return;
	if (event->kind == LOCK_EVENT_DONE && program->phase == ASKING) {
		asked(sim, p, event);
	} else if (event->kind == LOCK_EVENT_DONE && program->phase == GIVING) {
		program->left -= program->left > 0;
		sim->results.operations++;
		rest(sim, p);
	} else if (event->kind == LOCK_EVENT_LOST) {
		sim->results.lost++;
		/* who was paused writes first, then looks */
		program->zombie = program->phase == USING;
	}
}

void program_lost(struct sim *sim, uint32_t p)
{
	struct program *program = &sim->programs[p];

	program->zombie = false;
	if (program->phase == OVER)
		return;
	program->phase = RESTING;
	act_in(sim, p, sim->options.timing.retransmit_ns);
}
