/*
 * The bounds of the lock service. See lock_bound.h for the invariant.
 *
 * Between two holders the release and the next grant travel, and the master works on the release, on one
 * request of this lock that came before it, and on what other locks' participants have under way. A phase of
 * readers has the same, and each further reader's grant, release and next request.
 */
#include "lock_bound.h"

#define MILLION       1000000u
#define TRAFFIC_STEPS 1024u /* of the fixed point; one that is not reached by then counts as none */

static uint64_t plus(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? LOCK_UNBOUNDED : a + b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? LOCK_UNBOUNDED : product;
}

/* True time that passes, at most, while a clock that is `ppm` wrong counts `ns`; 1/(1 - x) by 128 bits. */
static uint64_t drifted(uint64_t ns, uint32_t ppm)
{
	__extension__ unsigned __int128 wide = (unsigned __int128)ns * MILLION;

	wide = (wide + (MILLION - ppm - 1)) / (MILLION - ppm);
	return wide > UINT64_MAX ? LOCK_UNBOUNDED : (uint64_t)wide;
}

bool lock_load_valid(const struct lock_group_load *group, const struct lock_load *load)
{
	if (!load->participants || load->participants > group->outstanding)
		return false;
	if (load->order == LOCK_ORDER_PHASED &&
		(load->reader ? load->writers >= load->participants
			      : !load->writers || load->writers > load->participants))
		return false;
	if (load->order == LOCK_ORDER_BATCHED &&
		(!load->not_below || load->not_below > load->participants))
		return false;
	return group->drift_ppm < MILLION;
}

/* What is served before a request, at most. */
struct before {
	uint32_t writers;       /* exclusive holds, one after another */
	uint32_t reader_phases; /* phases in which readers share */
	uint32_t readers;       /* in one such phase, the one that waits left out */
};

static struct before before(const struct lock_load *load)
{
	const uint32_t others = load->participants - 1;
	const uint32_t readers = load->participants - load->writers;

	switch (load->order) {
	case LOCK_ORDER_BATCHED:
		/* the rest of a batch that was begun, then those of the own batch that come first */
		return (struct before){ .writers = others + load->not_below - 1 };
	case LOCK_ORDER_PHASED:
		if (load->reader)
			return (struct before){ load->writers != 0, load->writers != 0,
				readers - 1 };
		return (struct before){ load->writers - 1, readers ? load->writers : 0, readers };
	case LOCK_ORDER_FIFO:
		break;
	}
	return (struct before){ .writers = others };
}

static uint64_t holds(
	const struct lock_group_load *group, const struct lock_load *load, struct before first)
{
	return plus(times(first.writers, drifted(load->hold_ns, group->drift_ppm)),
		times(first.reader_phases, drifted(load->read_hold_ns, group->drift_ppm)));
}

/* Messages the master works on between two phases, each once, and those that a phase of readers adds. */
static uint64_t handoffs(
	const struct lock_group_load *group, const struct lock_load *load, struct before first)
{
	const uint64_t foreign = group->outstanding - load->participants;
	const uint64_t phases = (uint64_t)first.writers + first.reader_phases;
	const uint64_t shared = (uint64_t)first.reader_phases + load->reader;

	return plus(times(phases,
			    plus(times(2, group->delay_ns), times(foreign + 2, group->service_ns))),
		times(shared * 3, times(first.readers, group->service_ns)));
}

/* A grant may be lost, then the release that follows it; so with those before, so with the own request. */
static uint64_t losses(const struct lock_group_load *group, struct before first)
{
	const uint64_t exchanges = (uint64_t)first.writers + first.reader_phases + 1;
	const uint64_t round = plus(times(2, group->delay_ns), group->service_ns);
	const uint64_t each =
		times(2, plus(drifted(group->retransmit_ns, group->drift_ppm), round));

	return times(group->losses, times(exchanges, each));
}

/* A lease is granted by one clock and kept by another: twice the drift. */
static uint64_t lease_over(const struct lock_group_load *group, uint64_t lease_ns)
{
	return drifted(drifted(lease_ns, group->drift_ppm), group->drift_ppm);
}

static uint64_t crashes(const struct lock_group_load *group)
{
	return times(group->crashes, plus(lease_over(group, group->session_ns),
					     plus(times(2, group->delay_ns), group->poll_ns)));
}

/* Messages that come again and again, in a span: they hold up the master for as long as it works on them. */
static uint64_t traffic_within(const struct lock_group_load *group, uint64_t span_ns)
{
	uint64_t work = 0;

	if (group->retransmit_ns)
		work = times(span_ns / group->retransmit_ns, group->outstanding);
	if (group->heartbeat_ns)
		work = plus(work, times(span_ns / group->heartbeat_ns + 1, group->nodes));
	return times(work, group->service_ns);
}

/* The least span that holds `base` and its own traffic. */
static uint64_t with_traffic(const struct lock_group_load *group, uint64_t base)
{
	uint64_t span = base, next;
	unsigned i;

	for (i = 0; i < TRAFFIC_STEPS; i++, span = next) {
		next = plus(base, traffic_within(group, span));
		if (next == span || next == LOCK_UNBOUNDED)
			return next;
	}
	return LOCK_UNBOUNDED;
}

struct lock_wait lock_wait_bound(const struct lock_group_load *group, const struct lock_load *load)
{
	const struct before first = before(load);
	struct lock_wait wait = {
		.term_ns = {
			[LOCK_TERM_PATH] = plus(times(2, group->delay_ns), group->service_ns),
			[LOCK_TERM_QUEUE] = times(group->outstanding, group->service_ns),
			[LOCK_TERM_HOLDS] = holds(group, load, first),
			[LOCK_TERM_HANDOFFS] = handoffs(group, load, first),
			[LOCK_TERM_LOSSES] = losses(group, first),
			[LOCK_TERM_CRASHES] = crashes(group),
			[LOCK_TERM_FAILOVER] = times(group->failovers, lock_failover_bound_ns(group)),
		},
	};
	uint64_t base = 0;
	int term;

	for (term = 0; term < LOCK_TERMS; term++)
		base = plus(base, wait.term_ns[term]);
	wait.total_ns = with_traffic(group, base);
	wait.term_ns[LOCK_TERM_TRAFFIC] =
		wait.total_ns == LOCK_UNBOUNDED ? LOCK_UNBOUNDED : wait.total_ns - base;
	return wait;
}

enum lock_term lock_wait_longest(const struct lock_wait *wait)
{
	int longest = 0, term;

	for (term = 1; term < LOCK_TERMS; term++)
		if (wait->term_ns[term] > wait->term_ns[longest])
			longest = term;
	return (enum lock_term)longest;
}

const char *lock_term_name(enum lock_term term)
{
	static const char *const names[LOCK_TERMS] = {
		[LOCK_TERM_PATH] = "the way of its own request and grant",
		[LOCK_TERM_QUEUE] = "the messages before it at the master",
		[LOCK_TERM_HOLDS] = "the holds of those served before",
		[LOCK_TERM_HANDOFFS] = "the messages between one holder and the next",
		[LOCK_TERM_LOSSES] = "the messages lost and sent again",
		[LOCK_TERM_CRASHES] = "the leases of holders that die",
		[LOCK_TERM_FAILOVER] = "the failover of its master",
		[LOCK_TERM_TRAFFIC] = "the heartbeats and repeated messages",
	};

	return names[term];
}

/*
 * The voters' promise ends, the other leader waits its turn and asks for votes, twice at most; then it announces
 * itself to all, and works on what they report at once.
 */
static uint64_t first_reports(const struct lock_group_load *group)
{
	const uint64_t repeat = drifted(group->retransmit_ns, group->drift_ppm);
	const uint64_t rounds =
		plus(times(5, group->delay_ns), times(2 + 4 * (uint64_t)group->losses, repeat));
	const uint64_t messages = 2 * ((uint64_t)group->nodes + group->slots) + group->asks + 6;

	return plus(plus(lease_over(group, group->authority_ns), rounds),
		plus(times(messages, group->service_ns), times(3, group->poll_ns)));
}

/* The sessions of the silent are waited for: that ends however many turns it takes to ask for all reports. */
uint64_t lock_failover_bound_ns(const struct lock_group_load *group)
{
	return plus(first_reports(group), lease_over(group, group->survive_ns));
}

/* The reports that are asked for later, turn by turn, and the heartbeat behind the last one. */
static uint64_t prolonged(const struct lock_group_load *group)
{
	const uint64_t exchange = plus(times(2, group->delay_ns),
		times(group->losses, drifted(group->retransmit_ns, group->drift_ppm)));

	return plus(first_reports(group), times((uint64_t)group->turns + 1, exchange));
}

/* A lease is as old as that when its giver dies: it was to be renewed after the span, and was not any more. */
static uint64_t age(const struct lock_group_load *group, uint64_t span_ns)
{
	return plus(plus(drifted(span_ns, group->drift_ppm), group->poll_ns),
		plus(times(2, group->delay_ns), group->service_ns));
}

static uint64_t session_age(const struct lock_group_load *group)
{
	return age(group, plus(group->heartbeat_ns, times(group->losses, group->retransmit_ns)));
}

uint64_t lock_session_least_ns(const struct lock_group_load *group)
{
	return drifted(plus(session_age(group), prolonged(group)), group->drift_ppm);
}

/* What is left of the authority by which the session was last prolonged goes by first, by a fast clock. */
uint64_t lock_survive_least_ns(const struct lock_group_load *group)
{
	const uint64_t authority_age =
		age(group, times((uint64_t)group->losses + 1, group->heartbeat_ns));
	const uint64_t all = plus(plus(session_age(group), authority_age), prolonged(group));
	const uint64_t fast = drifted(group->authority_ns, group->drift_ppm) - group->authority_ns;

	if (all == LOCK_UNBOUNDED || fast >= group->authority_ns)
		return LOCK_UNBOUNDED;
	return drifted(all - (group->authority_ns - fast), group->drift_ppm);
}

uint64_t lock_messages_bound(const struct lock_group_load *group)
{
	return 4 * (1 + (uint64_t)group->losses);
}

uint64_t lock_failover_messages_bound(const struct lock_group_load *group)
{
	return 2 * (uint64_t)group->nodes + group->slots + group->asks + 6;
}

uint64_t lock_memory_bound_bytes(const struct lock_group_load *group, uint32_t locks,
	uint64_t slots, const struct lock_sizes *sizes)
{
	const uint64_t ring = (uint64_t)group->outstanding + group->nodes;
	const uint64_t tables =
		plus(times(locks, sizes->lock_bytes), times(slots, sizes->slot_bytes));

	return plus(plus(tables, times(group->nodes, sizes->node_bytes)),
		times(ring, sizes->message_bytes));
}
