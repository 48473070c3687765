/*
 * What can be seen of the lock service from outside: of the model (lock.pml, included into Spin's
 * verifier with OBSERVE) and of the engine (lock_conform.c), packed alike. Timers, messages under
 * way and numbers are not seen. Invariant: both sides pack with the same function, so that a
 * difference is one of behaviour.
 */
#ifndef LOCK_OBSERVE_H
#define LOCK_OBSERVE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum observed_stage { NOT_ASKED, ASKED_FOR, VOTED_FOR, WAS_ELECTED, NOW_SERVES };

struct observed_client {
	uint32_t state; /* 0: idle, 1: waits, 2: holds, 3: holds and converts */
	uint32_t mode;  /* held: 0: none, 1: PR, 2: EX */
	uint32_t lives; /* its session */
	uint32_t knows; /* the second epoch */
};

struct observed_master {
	uint32_t acts; /* grants now; what follows is 0 if not */
	uint32_t held[2];
	uint32_t wanted[2];
};

struct observed {
	struct observed_client client[2];
	struct observed_master master[2];
	uint32_t stage;
};

static inline uint32_t observe_pack_client(const struct observed_client *const c)
{
	return c->state | c->mode << 2 | c->lives << 4 | c->knows << 5;
}

static inline uint32_t observe_pack_master(const struct observed_master *const m)
{
	return m->acts ? m->held[0] | m->held[1] << 2 | m->wanted[0] << 4 | m->wanted[1] << 6 : 0;
}

/*
 * From the lowest bit: clients 0 and 1, 6 bits each; who stands by, 3; whether the first leader
 * acts, 1; both masters, 8 each.
 */
static inline uint32_t observe_pack(const struct observed *const o)
{
	return observe_pack_client(&o->client[0]) | observe_pack_client(&o->client[1]) << 6 |
	       o->stage << 12 | o->master[0].acts << 15 | observe_pack_master(&o->master[0]) << 16 |
	       observe_pack_master(&o->master[1]) << 24;
}

/* A set of changes, open addressing; what it began with is a change from 0. */
#define OBSERVE_MOST (1u << 23)

static uint64_t *observe_set;
static uint32_t observe_count;

static inline int observe_add(const uint32_t from, const uint32_t to)
{
	const uint64_t change = (uint64_t)from << 32 | to;
	uint32_t at = (uint32_t)((change * 0x9e3779b97f4a7c15ull) >> 41);

	if (!observe_set)
		observe_set = (uint64_t *)calloc(OBSERVE_MOST, sizeof(*observe_set));
	while (observe_set[at] != 0 && observe_set[at] != change)
		at = (at + 1) % OBSERVE_MOST;
	if (observe_set[at] == change)
		return 0;
	observe_set[at] = change;
	observe_count++;
	if (observe_count > OBSERVE_MOST / 2) {
		fprintf(stderr, "more changes than the set has room for: raise OBSERVE_MOST\n");
		exit(2);
	}
	return 1;
}

#ifdef OBSERVE
static void observe_print(void)
{
	FILE *const f = fopen("changes", "w");

	for (uint32_t i = 0; f && i < OBSERVE_MOST; i++) {
		if (observe_set[i] != 0)
			fprintf(f, "%x %x\n", (uint32_t)(observe_set[i] >> 32),
				(uint32_t)observe_set[i]);
	}
	if (!f || fclose(f) != 0)
		exit(2);
}

static inline int observe_change(const int before, const struct observed o)
{
	const uint32_t after = observe_pack(&o);

	if (!observe_set)
		atexit(observe_print);
	if ((uint32_t)before != after)
		observe_add((uint32_t)before, after);
	return (int)after;
}

#define OBSERVE_CLIENT(c)                                                                          \
	{                                                                                          \
		now.st[c], now.mode[c], now.lease[c] > 0, now.epoch[c]                             \
	}
#define OBSERVE_MASTER(m, does)                                                                    \
	{                                                                                          \
		does, { now.at[m].held[0], now.at[m].held[1] },                                    \
		{                                                                                  \
			now.at[m].want[0], now.at[m].want[1]                                       \
		}                                                                                  \
	}
#define OBSERVE_MODEL                                                                              \
	((struct observed){ { OBSERVE_CLIENT(0), OBSERVE_CLIENT(1) },                              \
		{ OBSERVE_MASTER(0, now.alive && now.authority > 0),                               \
			OBSERVE_MASTER(1, now.serving) },                                          \
		now.serving   ? NOW_SERVES                                                         \
		: now.elected ? WAS_ELECTED                                                        \
		: now.voted   ? VOTED_FOR                                                          \
		: now.asked   ? ASKED_FOR                                                          \
			      : NOT_ASKED })
#endif

#endif
