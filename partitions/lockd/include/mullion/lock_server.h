/*
 * The lock server of one group on one of its three nodes, as a pure state machine: it gets messages and the
 * time, and changes its state; messages to be sent are taken from it one by one. It allocates nothing, has no
 * clock and does no I/O. Invariants: the modes held at a lock are compatible; each slot waits in one queue at
 * most; at most one answer per slot and member is due, so nothing overflows; a server without authority
 * changes no lock and says nothing to clients.
 *
 * How to drive it, at any rate that keeps the declared delays:
 *
 *	for each message that came: lock_server_receive(server, from, message, bytes, now);
 *	while (lock_server_tick(server, now)) ;
 *	while (lock_server_send(server, now, &envelope)) transmit(&envelope);
 *
 * `now` is in nanoseconds, of a clock that never goes back and whose rate is within the declared drift.
 */
#ifndef MULLION_LOCK_SERVER_H
#define MULLION_LOCK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/lock_links.h>
#include <mullion/lock_message.h>
#include <mullion/lock_tables.h>

/* A server's phases. Only from LOCK_COLLECTING on does it lead; only in LOCK_SERVING does it grant. */
enum lock_phase {
	LOCK_FOLLOWING,
	LOCK_CAMPAIGNING,
	LOCK_COLLECTING, /* announcing the epoch and taking reports */
	LOCK_SWEEPING,   /* forgetting who did not report, a slot per tick */
	LOCK_BUILDING,   /* deciding values and granting, a lock per tick */
	LOCK_SERVING,
};

/*
 * What the leader knows of a slot. It begins as the messages about it do, so that this part is copied there as it
 * is; what is `kind`, `flags`, `epoch` and `incarnation` there is 0 here.
 */
struct lock_place {
	uint8_t kind;
	uint8_t held;   /* enum lock_mode */
	uint8_t wanted; /* LOCK_NONE: does not wait; so it is if a request is answered */
	uint8_t flags;
	uint16_t group; /* this, node and index as the tables say */
	uint16_t node;
	uint32_t index;
	uint32_t epoch;
	uint32_t incarnation;
	uint32_t sequence;            /* of the last operation */
	uint64_t token;               /* of the last grant */
	uint8_t answer;               /* enum lock_status of the operation `sequence` */
	uint8_t out;                  /* messages due, private */
	uint8_t marks;                /* private */
	uint8_t blocking;             /* the mode to tell in LOCK_BLOCKING */
	uint32_t lock;                /* as the tables say, counted from the group's first */
	struct lock_state *state;     /* of that lock */
	struct lock_session *session; /* of its member */
	uint64_t since_ns; /* held since, for the budget; or waiting since, for the order */
};

#define LOCK_PLACE_HEAD_BYTES 32u
_Static_assert(offsetof(struct lock_place, sequence) == offsetof(struct lock_message, sequence) &&
		       offsetof(struct lock_place, index) == offsetof(struct lock_message, index) &&
		       offsetof(struct lock_place, answer) == LOCK_PLACE_HEAD_BYTES &&
		       offsetof(struct lock_message, stamp) == LOCK_PLACE_HEAD_BYTES,
	"a place begins as its messages do");

/* For none in a field that names a slot apart from a ring. They are signed, so that proofs tell them from links. */
#define LOCK_NO_SLOT (-1)

/* What the leader knows of a lock. */
struct lock_state {
	uint32_t held[LOCK_MODES];       /* how many hold it in each mode */
	uint32_t converting[LOCK_MODES]; /* how many wait to convert to each mode */
	uint32_t waiting;                /* how many wait, for conversions or for the lock */
	uint32_t known;                  /* reports that knew the value */
	int32_t holder; /* the slot that came last of those above NL, or LOCK_NO_SLOT, private */
	uint8_t told;   /* modes for which holders were told that they block, as bits */
	uint8_t batch;  /* which of the two batches is served */
	uint8_t recent; /* the mode granted last: after readers, a writer goes first if it is phase-fair */
	uint8_t valid;    /* the value is valid */
	uint8_t vouched;  /* a reported holder saw the last value for certain */
	uint64_t version; /* the token under which the value was written */
	uint8_t value[LOCK_VALUE_BYTES];
};

/* A fresh session has asked for nothing: whoever it was made for holds nothing under it. */
enum lock_session_state { LOCK_ABSENT, LOCK_REPORTING, LOCK_FRESH, LOCK_LIVE, LOCK_ENDING };

/* What the leader knows of a member. */
struct lock_session {
	uint8_t state; /* enum lock_session_state */
	uint8_t out;   /* messages due, private */
	uint8_t revoked;
	uint16_t group; /* this and node, where it lives, as the tables say */
	uint16_t node;
	uint32_t epoch; /* as the leader's, once it knows the incarnation */
	uint32_t incarnation;
	uint32_t reported; /* while collecting: so many of the member's slots */
	uint32_t first;    /* of the slots before this one none is missing */
	uint32_t asked;    /* it was asked for those from this one on */
	uint32_t noticed;  /* `reported` when the leader looked last whether it stands still */
	uint64_t end_ns;   /* when the leader may think it over */
	uint64_t stamp;    /* the client's clock, to be returned */
};

_Static_assert(offsetof(struct lock_session, node) ==
			       offsetof(struct lock_session, group) + sizeof(uint16_t) &&
		       offsetof(struct lock_session, incarnation) ==
			       offsetof(struct lock_session, epoch) + sizeof(uint32_t),
	"group and node are one word, epoch and incarnation one, as in messages");

/*
 * Slots whose reports a new leader asks for at once, of all members together, but one of each at least. A message counts
 * as the slots that it tells of, but as LOCK_REPORT_COUNTS at most: of two nodes 64 full ones each are under way, which
 * a card of Mullion's nodes holds, however much they tell. However little, no more messages are under way than slots
 * were asked for, and no fewer slots are told of than were counted.
 */
#define LOCK_REPORTS_UNDER_WAY 384u
#define LOCK_REPORT_COUNTS     3u

/* How many of them one of so many members, at least one, may have under way. */
static inline uint32_t lock_reports_window(const uint32_t members)
{
	return members < LOCK_REPORTS_UNDER_WAY ? LOCK_REPORTS_UNDER_WAY / members : 1;
}

/* Of so many that are asked for, after how many who sends them tells the leader to ask on. */
static inline uint32_t lock_reports_half(const uint32_t asked)
{
	return (asked + 1) / 2;
}

/* How often it asks, at most, its members to go on, who report so many slots: when half of the window came. */
static inline uint32_t lock_reports_asked(const uint32_t members, const uint32_t slots)
{
	return members == 0 ? 0 : slots / lock_reports_half(lock_reports_window(members));
}

/* What a server needs for its group; LOCK_SERVER_LINKS(slots, members, locks) links. */
#define LOCK_ENDS 10u
#define LOCK_SERVER_LINKS(slots, members, locks)                                                   \
	(3u * (slots) + 2u * (members) + LOCK_ENDS * (locks) + 2u)

struct lock_storage {
	struct lock_link *links;
	struct lock_place *places;
	struct lock_state *locks;
	struct lock_session *sessions;
};

/* The voter's and the candidate's part. */
struct lock_voter {
	uint32_t voted;          /* the highest epoch voted in */
	uint32_t heard;          /* the highest epoch heard of */
	uint32_t before;         /* the same, but for its own campaign */
	uint64_t promise_end_ns; /* no vote for another before */
	uint8_t promised;        /* to which place in the group */
	bool memory;             /* no epoch that this node knew is forgotten */
	bool silent; /* since its start: until promise_end_ns it takes no message at all */
	uint8_t votes, memories;       /* in the campaign, as bits of places */
	uint64_t campaign_ns;          /* when to campaign, or to campaign or renew again */
	uint8_t out[LOCK_GROUP_NODES]; /* kind due to each place, 0: none */
	uint64_t out_stamp[LOCK_GROUP_NODES];
	uint64_t lease_end_ns[LOCK_GROUP_NODES]; /* authority that each place gave */
};

struct lock_server {
	const struct lock_tables *tables;
	const struct lock_group *group;
	uint32_t number; /* of the group */
	uint8_t place;   /* in the group: 0, 1, or 2 for the witness */
	uint16_t node;
	uint32_t first_slot, slots;      /* as the tables say */
	uint32_t first_lease, first_end; /* links, private */
	struct lock_storage storage;
	struct lock_voter voter;
	uint8_t phase; /* enum lock_phase */
	bool speaks; /* some of the voter's `out` may be due, or some of the outbox's ring, private */
	int32_t due; /* the slot that came last of those to be told, or LOCK_NO_SLOT, private */
	bool dirty;  /* the storage is not yet cleared, a slot, member and lock per tick */
	uint32_t cursor;
	uint32_t watched; /* the lock whose budget is looked at next */
	uint32_t ending;  /* the member whose slots are given up, or none */
	uint32_t ending_cursor;
	uint32_t complete; /* members that reported all */
	uint32_t epoch;
	uint64_t token;      /* the last that was given */
	uint64_t last_token; /* the last of this epoch */
	uint64_t authority_end_ns;
	uint64_t silent_end_ns; /* the end of collecting, if some are silent */
	uint64_t announce_ns;
	uint64_t overruns;    /* holds found over their budget */
	uint64_t revocations; /* sessions no longer renewed for that */
	uint64_t counts[LOCK_REASONS];
};

/*
 * Start the server of group `number` at `place` in it. The storage may hold anything; a witness needs none.
 * `epoch` is the highest epoch this node remembers, and `memory` whether that is all it ever knew: false
 * after a loss. For authority_guard_ns and
 * retransmit_ns, which is more than any message takes, it takes none. Constant cost.
 */
void lock_server_init(struct lock_server *server, const struct lock_tables *tables, uint32_t number,
	uint32_t place, const struct lock_storage *storage, uint32_t epoch, bool memory,
	uint64_t now_ns);

/*
 * Take a message of `bytes` bytes that came from node `from`. Returns what became of it, which is also
 * counted. Cost: constant, but that of lock_grant (at most the lock's slots) where it frees a lock, and, for
 * LOCK_REPORT, of one slot the waiters of its lock, of others LOCK_REPORT_OTHERS of them.
 */
enum lock_reason lock_server_receive(struct lock_server *server, uint16_t from,
	const struct lock_message *message, uint32_t bytes, uint64_t now_ns);

/*
 * Do one thing that is due: true if there was one. Cost as for lock_server_receive; a new leader does four slots or
 * locks at once, and is done after members + (slots + locks) / 4 + 5 calls that found work, besides those that wait for reports.
 */
bool lock_server_tick(struct lock_server *server, uint64_t now_ns);

/* The next message to be sent: true and in *envelope, or false. Constant cost. */
bool lock_server_send(struct lock_server *server, uint64_t now_ns, struct lock_envelope *envelope);

/* When lock_server_tick has something to do if no message comes before; now_ns if it has now. */
uint64_t lock_server_due_ns(const struct lock_server *server, uint64_t now_ns);

/* Whether it grants locks at this moment. */
bool lock_server_serves(const struct lock_server *server, uint64_t now_ns);

#endif
