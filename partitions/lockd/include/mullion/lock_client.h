/*
 * A participant in the lock service, as a pure state machine beside lock_server.h: no allocation, no clock,
 * no I/O. Invariants: it holds a lock only while its session with the lock's group lives by its own clock;
 * locks are requested by rising rank; one operation per lock is under way at most.
 *
 * Locks are named by their number in the participant's own list (lock_participant.first_own on), which is by
 * rising rank. Driven as the server is:
 *
 *	for each message that came: lock_client_receive(client, from, message, bytes, now);
 *	while (lock_client_tick(client, now)) ;
 *	while (lock_client_send(client, now, &envelope)) transmit(&envelope);
 *	while (lock_client_event(client, &event)) tell the program;
 */
#ifndef MULLION_LOCK_CLIENT_H
#define MULLION_LOCK_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mullion/lock_links.h>
#include <mullion/lock_message.h>
#include <mullion/lock_tables.h>

enum lock_own_state { LOCK_IDLE, LOCK_WAITING, LOCK_HOLDING, LOCK_RELEASING };

/*
 * What a participant knows of one of its locks. It begins as the message of the operation under way does, so that
 * this part is copied there as it is.
 */
struct lock_own {
	uint8_t kind;   /* of the operation under way: enum lock_kind */
	uint8_t held;   /* enum lock_mode, also while WAITING for a conversion */
	uint8_t wanted; /* while WAITING */
	uint8_t flags;  /* of the operation under way: enum lock_flag */
	uint16_t group; /* this, node and slot as the tables say */
	uint16_t node;
	uint32_t slot;
	uint32_t epoch; /* this and the next as when it was sent last */
	uint32_t incarnation;
	uint32_t sequence;
	uint64_t token;                  /* of the last grant */
	uint8_t state;                   /* enum lock_own_state */
	uint8_t status;                  /* of the last operation: enum lock_status */
	uint8_t marks;                   /* private */
	uint8_t options;                 /* enum lock_option */
	uint32_t answer;                 /* how the answer that is awaited begins, private */
	struct lock_membership *session; /* with the lock's group */
	uint32_t membership;             /* and its number */
	uint32_t number;                 /* of this one */
	uint64_t since_ns;               /* when the request under way was made */
	uint64_t sent_ns;                /* when the operation under way was sent last */
	uint64_t version;                /* of the value */
	uint8_t value[LOCK_VALUE_BYTES];
	uint8_t events;  /* to be told, private */
	uint8_t blocked; /* the mode that what is held keeps another from */
	uint8_t due;     /* it is in the ring of those that are to be sent, private */
};

#define LOCK_HEAD_BYTES 32u
_Static_assert(
	offsetof(struct lock_own, slot) == offsetof(struct lock_message, index) &&
		offsetof(struct lock_own, epoch) == offsetof(struct lock_message, epoch) &&
		offsetof(struct lock_own, sequence) == offsetof(struct lock_message, sequence) &&
		offsetof(struct lock_own, state) == LOCK_HEAD_BYTES &&
		offsetof(struct lock_message, stamp) == LOCK_HEAD_BYTES,
	"an operation begins as its message does");

/*
 * Own locks in the order in which they came, private. The first one is apart; a ring of links has the others, so
 * that it is not touched where there is one alone.
 */
struct lock_turns {
	struct lock_own *first;
	uint32_t more;
};

enum lock_membership_state { LOCK_JOINING, LOCK_JOINED };

/* A participant's session with one group. */
struct lock_membership {
	uint8_t state;  /* enum lock_membership_state */
	uint8_t out;    /* messages due, private */
	uint8_t leader; /* whom it takes for the leader: a place in the group */
	bool answered;  /* the last HELLO or BEAT */
	uint16_t group;
	uint16_t node; /* the leader's */
	uint32_t epoch;
	uint32_t incarnation;
	uint64_t end_ns;  /* of the session; 0 while it is joining */
	uint64_t sent_ns; /* the last HELLO or BEAT */
	uint32_t report;  /* which of the member's slots is reported next */
	uint32_t left;    /* of what was asked for, counted as LOCK_REPORTS_UNDER_WAY is */
	uint32_t said; /* counted so, since the slot that the leader asked from, or since `mark` */
	uint32_t half; /* after so much it is told to ask on; UINT32_MAX: it asked for all */
	uint32_t mark; /* from this slot on; UINT32_MAX: not yet told */
	struct lock_turns waiting; /* for their answers, the one sent longest ago first */
};

_Static_assert(offsetof(struct lock_membership, node) ==
		       offsetof(struct lock_membership, group) + sizeof(uint16_t),
	"group and node are one word, as in messages");

#define LOCK_CLIENT_LINKS(owns, members) (4u * (owns) + (members) + 3u)

struct lock_client_storage {
	struct lock_link *links;             /* LOCK_CLIENT_LINKS(owns, members) */
	struct lock_own *owns;               /* one per own lock */
	struct lock_membership *memberships; /* one per member */
};

struct lock_client {
	const struct lock_tables *tables;
	const struct lock_participant *participant;
	uint32_t number; /* of the participant */
	uint32_t owns;   /* these two as the tables say */
	uint16_t node;
	bool speaks;  /* messages of memberships, or of more than one operation, are due, private */
	uint32_t top; /* the highest in rank that is held or asked for, its number + 1; 0: none */
	const struct lock_own *awaited; /* alone waits for an answer in its session, private */
	struct lock_turns due;          /* to be sent */
	struct lock_turns events;       /* to be told */
	struct lock_client_storage storage;
	uint64_t counts[LOCK_REASONS];
};

enum lock_event_kind {
	LOCK_EVENT_DONE = 1,     /* the operation is over: `status` */
	LOCK_EVENT_BLOCKING = 2, /* what is held keeps another from mode `mode` */
	LOCK_EVENT_LOST = 4,     /* the session ended: what was held is not any more */
};

struct lock_event {
	uint32_t own;
	enum lock_event_kind kind;
	enum lock_status status;
	enum lock_mode mode;
};

/*
 * Start participant `number`, which holds nothing and joins all its groups. `life` must differ from that of
 * all its earlier starts by more than the sessions it began in them (a clock's or a counter's upper bits).
 * Cost: its locks and members.
 */
void lock_client_init(struct lock_client *client, const struct lock_tables *tables, uint32_t number,
	const struct lock_client_storage *storage, uint32_t life, uint64_t now_ns);

/*
 * Ask for lock `own` in `mode`, or to convert it to that if it is held. flags: LOCK_FLAG_NOQUEUE;
 * LOCK_FLAG_VALUE with a conversion down from PW or EX: `value` is written. A conversion down is in force at
 * once; while one between PR and CW waits, only CR is held. Returns LOCK_PENDING: an event will follow; LOCK_DONE: granted without a message (cached);
 * LOCK_DEADLOCK: a lock of the same or a higher rank is held or waited for; LOCK_BUSY: an operation is under
 * way; LOCK_LOST: no session at this moment; LOCK_WRONG. Cost: the participant's locks.
 */
enum lock_status lock_client_request(struct lock_client *client, uint32_t own, enum lock_mode mode,
	uint8_t flags, const uint8_t value[LOCK_VALUE_BYTES], uint64_t now_ns);

/* Give it back; `value`, if not null, is written when it was held in PW or EX. Returns as above. */
enum lock_status lock_client_release(struct lock_client *client, uint32_t own,
	const uint8_t value[LOCK_VALUE_BYTES], uint64_t now_ns);

/*
 * Give up the request under way: it ends as LOCK_CANCELED, or as granted if that was sooner. LOCK_WRONG: there
 * is none, or it is a conversion down, which is in force already.
 */
enum lock_status lock_client_cancel(struct lock_client *client, uint32_t own, uint64_t now_ns);

/* Whether it is held at this moment in a mode of at least that strength. The token is in storage.owns. */
bool lock_client_holds(
	const struct lock_client *client, uint32_t own, enum lock_mode mode, uint64_t now_ns);

/* The value as of the last grant or write: whether it is valid. Else its last writer may have died with it. */
bool lock_client_value(
	const struct lock_client *client, uint32_t own, uint8_t value[LOCK_VALUE_BYTES]);

/* Take a message. Cost: constant, but for LOCK_NEW_EPOCH: the participant's members. */
enum lock_reason lock_client_receive(struct lock_client *client, uint16_t from,
	const struct lock_message *message, uint32_t bytes, uint64_t now_ns);

/* Do what is due: true if there was something. Cost: members, and the locks of those that are lost. */
bool lock_client_tick(struct lock_client *client, uint64_t now_ns);

/* The next message to be sent, if any. Cost: members. */
bool lock_client_send(struct lock_client *client, uint64_t now_ns, struct lock_envelope *envelope);

/* The next event, if any; of several of one kind at a lock, the last. Constant cost. */
bool lock_client_event(struct lock_client *client, struct lock_event *event);

/* When lock_client_tick has something to do if no message comes before. Cost: members. */
uint64_t lock_client_due_ns(const struct lock_client *client, uint64_t now_ns);

#endif
