/*
 * What a seed alone says: the shape of a deployment, its scenario and its times. Invariant: whatever it draws is
 * a deployment that the build would accept.
 */
#include "sim.h"

#define US 1000u
#define MS 1000000u

static uint64_t between(struct sim *sim, uint64_t least, uint64_t most)
{
	return least + draw_below(sim, most - least + 1);
}

static void shape(struct sim *sim, struct options *o)
{
	const uint32_t clusters = (uint32_t)between(sim, 1, 6);

	o->sharers = (uint32_t)between(sim, 2, 10);
	o->participants = o->sharers * clusters;
	o->locks = (uint32_t)between(sim, 1, 3);
	o->groups = (uint32_t)between(sim, 1, clusters < 3 ? clusters : 3);
	o->operations = (uint32_t)between(sim, 4, 16);
	o->discipline = draw_below(sim, 3) ? LOCK_BATCHED : LOCK_PHASE_FAIR;
	o->levels = draw_below(sim, 2) ? 1 : LOCK_PRIORITIES;
	o->reader_percent = o->discipline == LOCK_PHASE_FAIR ? (uint32_t)between(sim, 10, 90) : 0;
	o->delay_ns = between(sim, 1 * US, 20 * US);
	o->service_ns = between(sim, 100, 400);
	o->hold_ns = between(sim, 1 * US, 50 * US);
}

void options_from_seed(struct options *o, uint64_t seed)
{
	struct sim sim = { .random = seed * 0x9e3779b97f4a7c15ull | 1 };
	uint32_t i;

	for (i = 0; i < 8; i++)
		draw(&sim);
	*o = (struct options){ .seed = seed };
	shape(&sim, o);
	o->scenario = draw_below(&sim, 2) ? FAULTS : (enum scenario)draw_below(&sim, 3);
	o->drift_ppm = o->scenario >= FAULTS ? (uint32_t)draw_below(&sim, 3) * 10000 : 200;
	if (o->scenario == FAULTS && seed % 4 == 3)
		o->scenario = TWICE;
	if (o->scenario == FAULTS && seed % 16 == 1)
		o->scenario = FORGETFUL;
	if (o->scenario == FAULTS && seed % 16 == 9)
		o->scenario = ECHO;
	o->losses = o->scenario == LOSSY ? (uint32_t)between(&sim, 1, 2)
					 : (uint32_t)draw_below(&sim, 2);
	if (o->scenario >= FAULTS) {
		o->operations *= 20;
		o->lock_options = (uint8_t)(draw_below(&sim, 2) ? LOCK_CACHED : 0) |
				  (uint8_t)(draw_below(&sim, 2) ? LOCK_NOTIFY : 0);
	}
}

/* Short leases where they matter; where only waits do, nothing is repeated that was not lost. */
void options_time(struct options *o)
{
	const uint64_t load_ns = o->service_ns * o->participants;
	const uint64_t round_ns = 2 * o->delay_ns + 4 * load_ns + 10 * US;
	struct lock_timing *t = &o->timing;

	t->retransmit_ns = o->scenario <= ADVERSARIAL ? 1000 * MS + 100 * load_ns : 2 * round_ns;
	t->heartbeat_ns = 4 * t->retransmit_ns + 4 * load_ns;
	t->authority_ns = 4 * t->heartbeat_ns;
	t->survive_ns = t->authority_ns;
	t->session_ns = 2 * t->authority_ns;
	t->authority_guard_ns = lock_guard_ns(t->authority_ns, o->drift_ppm);
	t->survive_guard_ns = lock_guard_ns(t->survive_ns, o->drift_ppm);
	t->session_guard_ns = lock_guard_ns(t->session_ns, o->drift_ppm);
}

bool options_valid(const struct options *o)
{
	const uint64_t nodes = o->participants + (uint64_t)LOCK_GROUP_NODES * o->groups;

	return o->sharers >= 1 && o->participants >= o->sharers &&
	       o->participants % o->sharers == 0 && o->locks >= 1 && o->groups >= 1 &&
	       o->groups <= o->participants / o->sharers && nodes < UINT16_MAX && o->levels >= 1 &&
	       o->levels <= LOCK_PRIORITIES && o->hold_ns >= 1 && o->delay_ns >= 1 &&
	       o->drift_ppm < 500000 && o->reader_percent <= 100 && o->operations >= 1;
}
