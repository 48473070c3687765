/*
 * The store's client: a counter outside the nodes, which adds one for whoever shows a token greater than all that it
 * saw. One datagram asks, one answers; what is lost is asked again under its token, and done once.
 *
 * Fields are little-endian. `held` says what the lock service says of the lock at the moment of asking: 0 if it is
 * not held any more, for the store's log; the store believes tokens alone.
 */
#ifndef COUNTER_STORE_H
#define COUNTER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#define STORE_MAGIC 0x524f5453u /* "STOR" */
#define STORE_PORT  7174u

enum store_verdict { STORE_ACCEPTED = 1, STORE_REFUSED = 2 };

struct store_request {
	uint32_t magic;
	uint32_t participant;
	uint64_t serial; /* of a participant's addition: begins anew when it starts again */
	uint64_t token;  /* no other addition has it */
	uint64_t held;
};

struct store_answer {
	uint32_t magic;
	uint32_t verdict;
	uint64_t token;
	uint64_t value; /* of the counter, after it */
};

/* The store is at `address` and has this MAC; this partition is at `at`, as 10.78.0.1/24:7174. False: no card. */
bool store_open(const char *at, const char *store);

void store_ask(const struct store_request *request);

/* An answer that came, if any. Cost: one frame. */
bool store_answered(struct store_answer *answer);

#endif
