/*
 * A run from its first event to its last: until every program is done, or something that must hold does not.
 */
#include "sim.h"

#define STANDSTILL   1000000u /* events of one instant */
#define FAULT_LEASES 60u      /* so many sessions long there are faults */

static void programs(struct sim *sim)
{
	const struct options *o = &sim->options;
	uint32_t p;

	for (p = 0; p < o->participants; p++)
		sim->programs[p] = (struct program){ .left = o->operations,
			.reader = p % o->sharers * 100 / o->sharers < o->reader_percent };
	for (p = 0; p < o->participants; p++)
		sim->programs[p].bound_ns = judge_bound_ns(sim, p);
	sim->active = o->participants;
}

/* Nobody can miss what is forgotten before anything was granted. */
static uint64_t first_fault_ns(struct sim *sim)
{
	if (sim->options.scenario != FORGETFUL)
		return 0;
	return draw_below(sim, sim->options.timing.session_guard_ns);
}

/*
 * When the programs begin: every server is elected and every participant joined. From the deadline on, when
 * faults are long over, nobody's operation may take longer than the patience.
 */
static void times(struct sim *sim)
{
	const struct options *o = &sim->options;
	const struct lock_timing *t = &o->timing;
	const uint64_t begin_ns = 2 * t->authority_guard_ns + t->session_guard_ns;
	uint64_t longest_ns = 0;
	uint32_t p;

	for (p = 0; p < o->participants; p++) {
		const uint64_t bound_ns = sim->programs[p].bound_ns;

		longest_ns = bound_ns > longest_ns ? bound_ns : longest_ns;
		sim->programs[p].act_ns = begin_ns;
		heap_put(&sim->heap, begin_ns, p, WHAT_PROGRAM);
	}
	sim->calm_ns = begin_ns + FAULT_LEASES * t->session_guard_ns;
	for (p = 0; p < FAULTS_AT_ONCE; p++)
		sim->faults[p] =
			(struct fault){ .node = NOBODY, .next_ns = begin_ns + first_fault_ns(sim) };
	sim->patience_ns =
		20 * t->session_guard_ns + 2 * (2 * longest_ns + 4 * o->hold_ns + 8 * o->delay_ns);
	sim->deadline_ns = sim->calm_ns + sim->patience_ns;
}

/* Operations are finite: where none starves, the run ends. */
static void judge_progress(struct sim *sim)
{
	uint32_t p;

	if (sim->now_ns <= sim->deadline_ns)
		return;
	sim->deadline_ns += sim->patience_ns;
	for (p = 0; p < sim->options.participants; p++) {
		if (sim->programs[p].phase != OVER &&
			sim->now_ns - sim->programs[p].asked_ns > sim->patience_ns)
			violate(sim, "participant %u starves: in phase %u since %llu ns", p,
				sim->programs[p].phase,
				(unsigned long long)(sim->now_ns - sim->programs[p].asked_ns));
	}
}

/* Each instant ends: whoever has something to do again and again without time passing never stops. */
static void advance(struct sim *sim, uint64_t at_ns)
{
	sim->instant_events = at_ns == sim->now_ns ? sim->instant_events + 1 : 0;
	sim->now_ns = at_ns;
	sim->results.events++;
	if (sim->instant_events == STANDSTILL)
		violate(sim, "time stands still: somebody always has something to do");
}

static void loop(struct sim *sim)
{
	struct event event;

	while (sim->active && !sim->violation[0] && heap_take(&sim->heap, &event)) {
		advance(sim, event.at_ns);
		fault_turn(sim);
		node_event(sim, &event);
		judge_progress(sim);
	}
}

void sim_run(struct sim *sim, const struct options *options)
{
	uint32_t n;

	*sim = (struct sim){ .options = *options,
		.random = (options->seed + 1) * 0xbf58476d1ce4e5b9ull | 1,
		.flight_free = NOBODY };
	deploy(sim);
	programs(sim);
	times(sim);
	for (n = 0; n < sim->tables.nodes; n++)
		node_turn(sim, n);
	loop(sim);
	if (!sim->violation[0])
		judge_end(sim);
	sim->results.end_ns = sim->now_ns;
}

void sim_free(struct sim *sim)
{
	deploy_free(sim);
	heap_free(&sim->heap);
}
