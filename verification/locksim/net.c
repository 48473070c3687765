/*
 * The network: datagrams that take their time, and may be lost, repeated, overtaken or cut off. Invariant:
 * in scenarios whose waits are judged, no message takes longer than the declared delay, and none is lost
 * more often than declared.
 */
#include "sim.h"

#include <err.h>
#include <stdlib.h>

#define FAULTS_LOST_PERCENT     2
#define FAULTS_REPEATED_PERCENT 3
#define LOSSY_PERCENT           25
#define LATE_PERMILLE           15
#define TWICE_LATE_PERMILLE     150
#define ECHO_SESSIONS           3u

static bool of_a_slot(const struct lock_message *m)
{
	return (m->kind >= LOCK_REQUEST && m->kind <= LOCK_CANCEL) ||
	       (m->kind >= LOCK_GRANT && m->kind <= LOCK_RELEASED);
}

/* Every message of an operation is lost so often at most, repetitions included. */
static bool loses(struct sim *sim, uint32_t from, const struct lock_message *m)
{
	uint8_t *lost;

	if (faulty(sim))
		return sim->options.losses && draw_below(sim, 100) < FAULTS_LOST_PERCENT;
	if (sim->options.scenario != LOSSY || !of_a_slot(m))
		return false;
	lost = &sim->streak[is_server(sim, from)][m->index];
	if (*lost >= sim->options.losses || draw_below(sim, 100) >= LOSSY_PERCENT)
		return false;
	(*lost)++;
	return true;
}

static uint32_t flight_new(struct sim *sim)
{
	const uint32_t flight = sim->flight_free;
	uint32_t i, room;

	if (flight != NOBODY) {
		sim->flight_free = sim->flights[flight].next;
		return flight;
	}
	room = sim->flight_room ? 2 * sim->flight_room : 1024;
	sim->flights = reallocarray(sim->flights, room, sizeof(*sim->flights));
	if (!sim->flights)
		err(2, "messages");
	for (i = sim->flight_room; i < room; i++)
		sim->flights[i].next = i + 1 < room ? i + 1 : NOBODY;
	sim->flight_free = sim->flight_room + 1;
	i = sim->flight_room;
	sim->flight_room = room;
	return i;
}

void net_free(struct sim *sim, uint32_t flight)
{
	sim->flights[flight].next = sim->flight_free;
	sim->flight_free = flight;
	sim->results.flying--;
}

static uint32_t late_permille(const struct sim *sim)
{
	if (sim->options.scenario == TWICE)
		return TWICE_LATE_PERMILLE;
	return sim->options.losses ? LATE_PERMILLE : 0;
}

/*
 * Now and then a message is late beyond all bounds: with losses, for then no wait is judged. Servers trust that
 * none of theirs is later than a repetition.
 */
static uint64_t way_ns(struct sim *sim, uint32_t from, uint32_t to)
{
	const uint64_t most_ns = sim->options.delay_ns;
	const struct lock_timing *t = &sim->options.timing;

	if (sim->options.scenario == ADVERSARIAL)
		return most_ns;
	if (faulty(sim) && draw_below(sim, 1000) < late_permille(sim))
		return draw_below(sim, is_server(sim, from) && is_server(sim, to)
					       ? t->retransmit_ns
					       : 2 * t->session_ns);
	return most_ns / 8 + draw_below(sim, most_ns - most_ns / 8 + 1);
}

static void fly(struct sim *sim, uint32_t from, const struct lock_envelope *e, uint64_t wait_ns)
{
	const uint64_t delay_ns = way_ns(sim, from, e->node);
	const uint32_t flight = flight_new(sim);

	sim->flights[flight] = (struct flight){ e->message, from, e->node, NOBODY };
	heap_put(&sim->heap, sim->now_ns + wait_ns + delay_ns, e->node, flight);
	if (++sim->results.flying > sim->results.most_flying)
		sim->results.most_flying = sim->results.flying;
}

void net_send(
	struct sim *sim, uint32_t from, const struct lock_envelope *envelope, uint64_t wait_ns)
{
	sim->results.messages++;
	if (of_a_slot(&envelope->message))
		sim->results.slot_messages++;
	if (fault_cuts(sim, from, envelope->node) || loses(sim, from, &envelope->message))
		return;
	fly(sim, from, envelope, wait_ns);
	if (sim->options.scenario == ECHO && !is_server(sim, from))
		fly(sim, from, envelope,
			wait_ns + ECHO_SESSIONS * sim->options.timing.session_guard_ns);
	if (faulty(sim) && draw_below(sim, 100) < FAULTS_REPEATED_PERCENT)
		fly(sim, from, envelope, wait_ns);
}
