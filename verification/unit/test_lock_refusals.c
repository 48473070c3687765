/*
 * What is counted by its reason and changes nothing: messages of wrong sizes, kinds, groups, nodes, indexes,
 * fields, epochs, lives and numbers, and what no state allows. Then a great many messages of chance, each
 * byte of the state compared: `build/unit/test_lock_refusals 10000000` sends so many.
 */
#include "lock_world.h"

static uint64_t fuzzed = 200000;

static struct world *started(void)
{
	struct world *w = world_new(2, 4, 3);

	world_begun(w);
	world_run(w, 2000000);
	return w;
}

/* A request by participant 0 for lock 0, that would be granted. */
static struct lock_message good(const struct world *w)
{
	return (struct lock_message){
		.kind = LOCK_REQUEST,
		.held = LOCK_NONE,
		.wanted = LOCK_EX,
		.group = 0,
		.node = world_node_of(0),
		.index = 0,
		.epoch = w->client[0].storage.memberships[0].epoch,
		.incarnation = w->client[0].storage.memberships[0].incarnation,
		.sequence = 1,
	};
}

static enum lock_reason send(struct world *w, const struct lock_message *m)
{
	struct lock_server *s = world_leader(w, 0);

	return lock_server_receive(s, m->node, m, LOCK_MESSAGE_BYTES, world_clock(w, s->node));
}

static void expect(struct world *w, struct lock_message m, enum lock_reason reason)
{
	struct lock_server *s = world_leader(w, 0);
	const uint64_t before = s->counts[reason];

	assert_int_equal(send(w, &m), reason);
	assert_int_equal(s->counts[reason], before + 1);
	assert_int_equal(s->storage.places[0].held, LOCK_NONE);
	assert_int_equal(s->storage.locks[0].waiting, 0);
}

#define CHANGED(field, to) (m = good(w), m.field = (to), m)

static void a_servers_refusals_are_counted_by_reason(void **state)
{
	struct world *w = started();
	struct lock_server *s = world_leader(w, 0);
	struct lock_message m = good(w);

	(void)state;
	assert_int_equal(
		lock_server_receive(s, m.node, &m, 79, world_clock(w, s->node)), LOCK_BAD_SIZE);
	assert_int_equal(
		lock_server_receive(s, m.node, &m, 81, world_clock(w, s->node)), LOCK_BAD_SIZE);
	assert_int_equal(lock_server_receive(s, world_node_of(1), &m, LOCK_MESSAGE_BYTES,
				 world_clock(w, s->node)),
		LOCK_BAD_NODE);
	expect(w, CHANGED(kind, 0), LOCK_BAD_KIND);
	expect(w, CHANGED(kind, LOCK_GRANT), LOCK_BAD_KIND);
	expect(w, CHANGED(kind, LOCK_KINDS), LOCK_BAD_KIND);
	expect(w, CHANGED(group, 1), LOCK_BAD_GROUP);
	expect(w, CHANGED(node, world_node_of(1)), LOCK_BAD_NODE);
	expect(w, CHANGED(node, 60), LOCK_BAD_NODE);
	expect(w, CHANGED(index, 6), LOCK_BAD_INDEX); /* the other group's first */
	expect(w, CHANGED(index, UINT32_MAX), LOCK_BAD_INDEX);
	expect(w, CHANGED(held, 7), LOCK_BAD_FIELD);
	expect(w, CHANGED(wanted, 255), LOCK_BAD_FIELD);
	expect(w, CHANGED(flags, 0x80), LOCK_BAD_FIELD);
	expect(w, CHANGED(epoch, 1u << 24), LOCK_OLD_EPOCH);
	expect(w, (m = good(w), m.kind = LOCK_BEAT, m.epoch = 1u << 24, m), LOCK_BAD_FIELD);
	expect(w, CHANGED(sequence, 0), LOCK_BAD_FIELD);
	expect(w, CHANGED(epoch, m.epoch + 1), LOCK_OLD_EPOCH);
	expect(w, CHANGED(epoch, m.epoch - 1), LOCK_OLD_EPOCH);
	expect(w, CHANGED(incarnation, m.incarnation - 1), LOCK_OLD_INCARNATION);
	expect(w, CHANGED(wanted, LOCK_NONE), LOCK_IMPOSSIBLE);
	expect(w, CHANGED(held, LOCK_PR), LOCK_IMPOSSIBLE);
	expect(w, CHANGED(kind, LOCK_RELEASE), LOCK_IMPOSSIBLE);
	expect(w, CHANGED(kind, LOCK_REPORT), LOCK_TOO_LATE);
	m = good(w);
	assert_int_equal(send(w, &m), LOCK_TAKEN);
	assert_int_equal(s->storage.places[0].held, LOCK_EX);
	assert_int_equal(send(w, &m), LOCK_REPEATED);
	m.sequence = 3;
	m.kind = LOCK_RELEASE;
	m.token = s->storage.places[0].token - 1; /* of another grant */
	assert_int_equal(send(w, &m), LOCK_IMPOSSIBLE);
	assert_int_equal(s->storage.places[0].held, LOCK_EX);
	m.token++;
	assert_int_equal(send(w, &m), LOCK_TAKEN);
	m.sequence = 2;
	assert_int_equal(send(w, &m), LOCK_OLD_SEQUENCE);
	world_free(w);
}

static void a_server_without_authority_refuses_all_clients(void **state)
{
	struct world *w = started();
	struct lock_server *other = &w->server[0][1];
	const struct lock_message m = good(w);

	(void)state;
	assert_int_equal(lock_server_receive(other, m.node, &m, LOCK_MESSAGE_BYTES,
				 world_clock(w, other->node)),
		LOCK_NO_AUTHORITY);
	world_crash(w, 0);
	assert_int_equal(lock_server_receive(&w->server[0][0], m.node, &m, LOCK_MESSAGE_BYTES,
				 world_clock(w, 0) + w->group[0].timing.authority_ns),
		LOCK_NO_AUTHORITY);
	world_free(w);
}

static void a_server_is_quiet_after_its_start(void **state)
{
	struct world *w = started();
	const struct lock_message m = good(w);

	(void)state;
	world_crash(w, 0);
	world_revive(w, 0, false);
	assert_int_equal(lock_server_receive(&w->server[0][0], m.node, &m, LOCK_MESSAGE_BYTES,
				 world_clock(w, 0)),
		LOCK_QUIET);
	world_free(w);
}

static void the_witness_and_strangers_are_no_candidates(void **state)
{
	struct world *w = started();
	struct lock_message m = { .kind = LOCK_CANDIDATE, .node = 2, .epoch = 100 };

	(void)state;
	assert_int_equal(send(w, &m), LOCK_BAD_NODE);
	m.node = 3;
	assert_int_equal(send(w, &m), LOCK_BAD_NODE);
	m.node = world_leader(w, 0)->node;
	assert_int_equal(send(w, &m), LOCK_BAD_NODE);
	world_free(w);
}

static enum lock_reason tell(struct world *w, const struct lock_message *m)
{
	return lock_client_receive(
		&w->client[0], m->node, m, LOCK_MESSAGE_BYTES, world_clock(w, world_node_of(0)));
}

static void a_clients_refusals_are_counted_by_reason(void **state)
{
	struct world *w = started();
	struct lock_message m, grant = good(w);

	(void)state;
	world_ask(w, 0, 0, LOCK_EX);
	grant.kind = LOCK_GRANT;
	grant.held = LOCK_EX;
	grant.wanted = LOCK_NONE;
	grant.node = world_leader(w, 0)->node;
	grant.token = (uint64_t)grant.epoch << 40 | 1000;
#define REFUSED(field, to, why) (m = grant, m.field = (to), assert_int_equal(tell(w, &m), why))
	REFUSED(kind, LOCK_REQUEST, LOCK_BAD_KIND);
	REFUSED(node, 2, LOCK_BAD_NODE); /* the witness */
	REFUSED(node, world_node_of(1), LOCK_BAD_NODE);
	REFUSED(group, 1, LOCK_BAD_GROUP);
	REFUSED(index, 1, LOCK_BAD_INDEX); /* another's slot */
	REFUSED(index, 1000, LOCK_BAD_INDEX);
	REFUSED(held, 9, LOCK_BAD_FIELD);
	REFUSED(epoch, grant.epoch + 1, LOCK_OLD_EPOCH);
	REFUSED(incarnation, grant.incarnation + 1, LOCK_OLD_INCARNATION);
	REFUSED(sequence, 2, LOCK_OLD_SEQUENCE);
	REFUSED(held, LOCK_PR, LOCK_IMPOSSIBLE);
	REFUSED(token, 1000, LOCK_IMPOSSIBLE); /* of no epoch */
	assert_int_equal(lock_client_receive(&w->client[0], grant.node, &grant, 80 - 1,
				 world_clock(w, world_node_of(0))),
		LOCK_BAD_SIZE);
	assert_int_equal(world_own(w, 0, 0)->state, LOCK_WAITING);
	assert_int_equal(tell(w, &grant), LOCK_TAKEN);
	assert_true(world_holds(w, 0, 0, LOCK_EX));
	assert_int_equal(tell(w, &grant), LOCK_OLD_SEQUENCE);
	world_free(w);
}

static void a_new_leader_asks_for_no_reports_of_slots_that_are_not_there(void **state)
{
	struct world *w = started();
	const struct lock_server *s = world_leader(w, 0);
	const struct lock_membership *session = &w->client[0].storage.memberships[0];
	struct lock_message m = good(w);

	(void)state;
	m.kind = LOCK_NEW_EPOCH;
	m.node = s->node;
	m.index = 0;
	m.epoch = session->epoch + 1;
	m.sequence = 0;
	m.token = w->member[0].slots + 1;
	assert_int_equal(tell(w, &m), LOCK_BAD_FIELD);
	m.token = (1ull << 32) + 1;
	assert_int_equal(tell(w, &m), LOCK_BAD_FIELD);
	m.token = 1;
	m.sequence = 2;
	assert_int_equal(tell(w, &m), LOCK_BAD_FIELD);
	assert_int_equal(session->epoch, s->epoch);
	m.sequence = 0;
	assert_int_equal(tell(w, &m), LOCK_TAKEN);
	assert_int_equal(session->epoch, s->epoch + 1);
	world_free(w);
}

static void a_welcome_from_the_past_lets_nobody_in(void **state)
{
	struct world *w = started();
	const struct lock_server *s = world_leader(w, 0);
	struct lock_message m = good(w);

	(void)state;
	world_crash(w, world_node_of(0));
	world_revive(w, world_node_of(0), false);
	m.kind = LOCK_WELCOME;
	m.node = s->node;
	m.epoch = s->epoch;
	m.incarnation = w->client[0].storage.memberships[0].incarnation;
	m.stamp = world_clock(w, world_node_of(0)) - w->group[0].timing.session_ns;
	m.span_ns = w->group[0].timing.session_ns;
	assert_int_equal(tell(w, &m), LOCK_TOO_LATE);
	m.stamp = world_clock(w, world_node_of(0)) + 1;
	assert_int_equal(tell(w, &m), LOCK_TOO_LATE);
	m.span_ns++;
	assert_int_equal(tell(w, &m), LOCK_BAD_FIELD);
	world_free(w);
}

/* Each field is right, nearly right, or anything; right the more often, the greater `ease`. */
static void disturb(struct lock_message *m, uint64_t ease, uint64_t *random)
{
	const uint64_t bits = unit_random(random);

#define MAYBE(field, n, sane)                                                                      \
	do {                                                                                       \
		if (unit_random(random) % (24 * ease) == 0)                                        \
			m->field = (__typeof__(m->field))(bits >> (n));                            \
		else if (unit_random(random) % (5 * ease) == 0)                                    \
			m->field = (__typeof__(m->field))((bits >> (n)) % (sane));                 \
	} while (0)
	MAYBE(kind, 1, LOCK_KINDS);
	MAYBE(held, 2, 7);
	MAYBE(wanted, 3, 7);
	MAYBE(flags, 4, 128);
	MAYBE(group, 5, 2);
	MAYBE(node, 6, 14);
	MAYBE(index, 7, 12);
	MAYBE(epoch, 8, 3);
	MAYBE(incarnation, 9, 4000);
	MAYBE(sequence, 10, 50);
	MAYBE(token, 11, 9);
	MAYBE(stamp, 12, 100000000);
	MAYBE(span_ns, 13, 5000000);
}

static struct lock_message chance(struct world *w, uint64_t *random)
{
	struct lock_message m = good(w);

	disturb(&m, 1, random);
	return m;
}

struct image {
	struct lock_server server;
	struct lock_place places[6];
	struct lock_state locks[2];
	struct lock_session sessions[3];
	struct lock_link links[LOCK_SERVER_LINKS(6, 3, 2)];
	struct lock_own owns[4];
	struct lock_membership memberships[2];
};

static void photograph(const struct lock_server *s, const struct lock_client *c, struct image *i)
{
	memset(i, 0, sizeof(*i));
	i->server = *s;
	memset(i->server.counts, 0, sizeof(i->server.counts));
	memcpy(i->places, s->storage.places, sizeof(i->places));
	memcpy(i->locks, s->storage.locks, sizeof(i->locks));
	memcpy(i->sessions, s->storage.sessions, sizeof(i->sessions));
	memcpy(i->links, s->storage.links, sizeof(i->links));
	memcpy(i->owns, c->storage.owns, sizeof(i->owns));
	memcpy(i->memberships, c->storage.memberships, sizeof(i->memberships));
}

static void bombard(struct world *w, struct lock_server *s)
{
	static struct image before, after;
	uint64_t random = 12345, refused = 0, taken = 0;

	for (uint64_t i = 0; i < fuzzed; i++) {
		const struct lock_message m = chance(w, &random);
		const uint32_t bytes = unit_random(&random) % 50 ? LOCK_MESSAGE_BYTES : 64;
		const bool server = unit_random(&random) % 2;
		enum lock_reason reason;

		photograph(s, &w->client[0], &before);
		if (server)
			reason = lock_server_receive(s, m.node, &m, bytes, world_clock(w, s->node));
		else
			reason = lock_client_receive(
				&w->client[0], m.node, &m, bytes, world_clock(w, world_node_of(0)));
		assert_true(reason < LOCK_REASONS);
		photograph(s, &w->client[0], &after);
		if (reason != LOCK_TAKEN && reason != LOCK_REPEATED) {
			assert_memory_equal(&before, &after, sizeof(before));
			refused++;
		} else {
			taken++;
		}
	}
	assert_true(refused > fuzzed / 2 && taken > fuzzed / 20000);
	world_free(w);
}

static void no_message_of_chance_changes_a_serving_leader_unless_it_is_taken(void **state)
{
	struct world *w = started();

	(void)state;
	bombard(w, world_leader(w, 0));
}

/* One participant is silent, so that the new leader goes on collecting. */
static void no_message_of_chance_changes_a_collecting_leader_unless_it_is_taken(void **state)
{
	struct world *w = started();
	struct lock_server *s = &w->server[0][1];

	(void)state;
	world_crash(w, 0);
	world_crash(w, world_node_of(0));
	while (s->phase != LOCK_COLLECTING)
		world_step(w);
	w->client[0].storage.memberships[0].epoch = s->epoch;
	bombard(w, s);
}

struct portrait {
	struct lock_client client;
	struct lock_own owns[4];
	struct lock_membership memberships[2];
	struct lock_link links[LOCK_CLIENT_LINKS(4, 2)];
};

static void portray(const struct lock_client *c, struct portrait *p)
{
	memcpy(&p->client, c, sizeof(*c));
	memset(p->client.counts, 0, sizeof(p->client.counts));
	memcpy(p->owns, c->storage.owns, sizeof(p->owns));
	memcpy(p->memberships, c->storage.memberships, sizeof(p->memberships));
	memcpy(p->links, c->storage.links, sizeof(p->links));
}

static void restore(const struct portrait *p, struct lock_client *c)
{
	memcpy(c, &p->client, sizeof(*c));
	memcpy(c->storage.owns, p->owns, sizeof(p->owns));
	memcpy(c->storage.memberships, p->memberships, sizeof(p->memberships));
	memcpy(c->storage.links, p->links, sizeof(p->links));
}

/* What the leader of one of the client's locks may well say now. */
static struct lock_message answer(const struct lock_client *c, uint64_t now_ns, uint64_t *random)
{
	const struct lock_own *o = &c->storage.owns[unit_random(random) % c->owns];
	const struct lock_membership *s = &c->storage.memberships[o->membership];
	const uint8_t kind = (uint8_t)(LOCK_WELCOME + unit_random(random) % 7);
	const bool of_slot = kind >= LOCK_GRANT && kind <= LOCK_BLOCKING;

	return (struct lock_message){
		.kind = kind,
		.held = kind == LOCK_GRANT ? o->wanted : o->held,
		.wanted = kind == LOCK_BLOCKING ? LOCK_EX : LOCK_NONE,
		.group = s->group,
		.node = s->node,
		.index = of_slot ? o->slot
				 : c->tables->participant_members[c->participant->first_member +
								  o->membership],
		.epoch = s->epoch + (kind == LOCK_NEW_EPOCH),
		.incarnation = s->incarnation,
		.sequence = kind == LOCK_NEW_EPOCH ? 0 : o->sequence,
		.token = kind == LOCK_REFUSE      ? LOCK_AGAIN
			 : kind == LOCK_NEW_EPOCH ? 1
						  : (uint64_t)s->epoch << 40 | 1000,
		.stamp = now_ns - 1000,
		.span_ns = c->tables->group[s->group].timing.session_ns,
	};
}

/* Whatever is taken is undone, so that the next message finds the same. Returns the reasons seen, a bit each. */
static uint32_t besiege(struct lock_client *c, uint64_t now_ns)
{
	static struct portrait before, after;
	uint64_t random = 54321, taken = 0;
	uint32_t seen = 0;

	portray(c, &before);
	for (uint64_t i = 0; i < fuzzed; i++) {
		struct lock_message m = answer(c, now_ns, &random);
		const uint32_t bytes = unit_random(&random) % 50 ? LOCK_MESSAGE_BYTES : 64;
		enum lock_reason reason;

		disturb(&m, 4, &random);
		reason = lock_client_receive(c, m.node, &m, bytes, now_ns);
		assert_true(reason < LOCK_REASONS);
		assert_int_equal(c->counts[reason], 1);
		portray(c, &after);
		if (reason != LOCK_TAKEN && reason != LOCK_REPEATED)
			assert_memory_equal(&before, &after, sizeof(before));
		taken += reason == LOCK_TAKEN;
		seen |= 1u << reason;
		restore(&before, c);
	}
	assert_true(taken > fuzzed / 50 && fuzzed - taken > fuzzed / 4);
	return seen;
}

#define SEEN(reason) (1u << LOCK_##reason)

/* It holds one lock, waits for a conversion of the next and for the third, and gives the last one back. */
static void no_message_of_chance_changes_a_participant_unless_it_is_taken(void **state)
{
	struct world *w = started();
	const uint32_t all = SEEN(TAKEN) | SEEN(REPEATED) | SEEN(BAD_SIZE) | SEEN(BAD_KIND) |
			     SEEN(BAD_GROUP) | SEEN(BAD_INDEX) | SEEN(BAD_NODE) | SEEN(BAD_FIELD) |
			     SEEN(OLD_EPOCH) | SEEN(OLD_INCARNATION) | SEEN(OLD_SEQUENCE) |
			     SEEN(IMPOSSIBLE);

	(void)state;
	world_take(w, 1, 1, LOCK_PR);
	world_take(w, 1, 2, LOCK_EX);
	world_take(w, 0, 0, LOCK_EX);
	world_take(w, 0, 1, LOCK_PR);
	world_ask(w, 0, 1, LOCK_EX);
	world_ask(w, 0, 2, LOCK_PW);
	world_take(w, 0, 3, LOCK_CR);
	world_release(w, 0, 3);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(world_own(w, 0, i)->state, i == 0   ? LOCK_HOLDING
							    : i == 3 ? LOCK_RELEASING
								     : LOCK_WAITING);
	memset(w->client[0].counts, 0, sizeof(w->client[0].counts));
	assert_int_equal(besiege(&w->client[0], world_clock(w, world_node_of(0))), all);
	world_free(w);
}

static void no_message_of_chance_changes_one_that_joins_unless_it_is_taken(void **state)
{
	struct world *w = started();
	const uint32_t some = SEEN(TAKEN) | SEEN(TOO_LATE) | SEEN(OLD_EPOCH) |
			      SEEN(OLD_INCARNATION) | SEEN(BAD_FIELD);

	(void)state;
	world_crash(w, world_node_of(0));
	world_revive(w, world_node_of(0), false);
	assert_int_equal(besiege(&w->client[0], world_clock(w, world_node_of(0))) & some, some);
	world_free(w);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_servers_refusals_are_counted_by_reason),
		cmocka_unit_test(a_server_without_authority_refuses_all_clients),
		cmocka_unit_test(a_server_is_quiet_after_its_start),
		cmocka_unit_test(the_witness_and_strangers_are_no_candidates),
		cmocka_unit_test(a_clients_refusals_are_counted_by_reason),
		cmocka_unit_test(a_new_leader_asks_for_no_reports_of_slots_that_are_not_there),
		cmocka_unit_test(a_welcome_from_the_past_lets_nobody_in),
		cmocka_unit_test(no_message_of_chance_changes_a_serving_leader_unless_it_is_taken),
		cmocka_unit_test(
			no_message_of_chance_changes_a_collecting_leader_unless_it_is_taken),
		cmocka_unit_test(no_message_of_chance_changes_a_participant_unless_it_is_taken),
		cmocka_unit_test(no_message_of_chance_changes_one_that_joins_unless_it_is_taken),
	};

	if (count > 1)
		fuzzed = strtoull(arguments[1], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
