/*
 * What lock servers and their clients say to each other: one message, one size, little-endian, fields at
 * their natural alignment, so that the structure is the wire on every machine Mullion runs on. Invariant:
 * a receiver takes nothing from a message that it did not compare with its constant tables first.
 */
#ifndef MULLION_LOCK_MESSAGE_H
#define MULLION_LOCK_MESSAGE_H

#include <stdint.h>

#define LOCK_VALUE_BYTES   32u
#define LOCK_MESSAGE_BYTES 80u

/* Modes of a lock, numbered as in libdlm; LOCK_NONE is no lock at all. */
enum lock_mode {
	LOCK_NL,
	LOCK_CR,
	LOCK_CW,
	LOCK_PR,
	LOCK_PW,
	LOCK_EX,
	LOCK_NONE,
};

#define LOCK_MODES 6u

enum lock_kind {
	/* From a client to the server that leads; `index` is the member for the first two, else the slot. */
	LOCK_HELLO = 1, /* let me in: `incarnation` chosen by the client, `stamp` its clock */
	LOCK_BEAT,      /* I live: `stamp` my clock */
	LOCK_REQUEST, /* from mode `held`, under `token`, to mode `wanted`, flags NOQUEUE, VALUE */
	LOCK_RELEASE, /* from mode `held`, under `token`, to none, flags VALUE */
	LOCK_CANCEL,  /* give up the request of this `sequence` */
	LOCK_REPORT,  /* after a new epoch: all that the client knows of this slot */

	/* From the leader to a client. */
	LOCK_WELCOME,  /* to HELLO: `stamp` returned, `span_ns` the session's length from it on */
	LOCK_BEAT_ACK, /* to BEAT: the same */
	LOCK_GRANT,    /* `held` granted under `token`; value, its version in `stamp` */
	LOCK_REFUSE,   /* `held` still held; why in `token`, an enum lock_status */
	LOCK_RELEASED, /* nothing is held */
	LOCK_BLOCKING, /* what is held keeps another from mode `wanted` */
	LOCK_NEW_EPOCH, /* the sender leads now: report your slots from number `sequence` on, `token` or more */

	/* Among the servers of a group; `index` is 0. */
	LOCK_CANDIDATE, /* vote for me in `epoch`, or, if you did, go on: `stamp` my clock */
	LOCK_VOTE,      /* yes: `stamp` returned */
	LOCK_DENY,      /* no: `epoch` the highest I know */

	LOCK_KINDS,
};

enum lock_flag {
	LOCK_FLAG_NOQUEUE = 1 << 0, /* REQUEST: now or not at all */
	LOCK_FLAG_VALUE =
		1 << 1, /* REQUEST, RELEASE: write the value; REPORT: the value is known */
	LOCK_FLAG_INVALID = 1 << 2, /* the value is not valid: its last writer died with it */
	LOCK_FLAG_WAITING = 1 << 3, /* REPORT: `wanted` is waited for, for `span_ns` already */
	LOCK_FLAG_MEMORY = 1 << 4,  /* CANDIDATE, VOTE: the sender has forgotten no epoch it knew */
	LOCK_FLAG_LEADS = 1 << 5,   /* CANDIDATE: the sender is elected already, and renews */
	LOCK_FLAG_OTHERS = 1 << 6,  /* REPORT: of those after it, too (mullion/lock_report.h) */
	LOCK_FLAG_ASK_ON = 1 << 0,  /* REPORT: half was said; ask on, after the last slot of it */
};

#define LOCK_FLAGS 0x7fu

/* Why a request was not granted. The API turns them into errno's numbers. */
enum lock_status {
	LOCK_DONE,
	LOCK_AGAIN,    /* NOQUEUE, and it would have waited (EAGAIN) */
	LOCK_DEADLOCK, /* out of rank, or two conversions that wait for each other (EDEADLK) */
	LOCK_CANCELED, /* (ECANCEL of libdlm) */
	LOCK_LOST,     /* the session ended: nothing is held any more (ESTALE) */
	LOCK_PENDING,  /* not yet decided (EINPROG of libdlm) */
	LOCK_BUSY,     /* one operation per lock at a time (EBUSY) */
	LOCK_WRONG,    /* no such lock, mode or state for it (EINVAL) */
	LOCK_STATUSES,
};

struct lock_message {
	uint8_t kind;         /*  0 enum lock_kind */
	uint8_t held;         /*  1 enum lock_mode */
	uint8_t wanted;       /*  2 enum lock_mode */
	uint8_t flags;        /*  3 enum lock_flag */
	uint16_t group;       /*  4 */
	uint16_t node;        /*  6 the sender */
	uint32_t index;       /*  8 slot or member, by kind */
	uint32_t epoch;       /* 12 */
	uint32_t incarnation; /* 16 the session's; a client chooses it anew whenever it joins */
	uint32_t sequence;    /* 20 of the operation on the slot */
	uint64_t token;       /* 24 epoch in the top 24 bits, a counter in the lower 40 */
	uint64_t stamp;       /* 32 a clock to be returned, or the version of the value */
	uint64_t span_ns;     /* 40 a lease's length, or how long a request waits */
	uint8_t value[LOCK_VALUE_BYTES]; /* 48 */
};

_Static_assert(sizeof(struct lock_message) == LOCK_MESSAGE_BYTES, "one size, no padding");

/* From one place to another one. */
/*@ requires \valid(to + (0 .. LOCK_VALUE_BYTES - 1));
    requires \valid_read(from + (0 .. LOCK_VALUE_BYTES - 1));
    assigns to[0 .. LOCK_VALUE_BYTES - 1];
*/
static inline void lock_value_copy(uint8_t *restrict const to, const uint8_t *restrict const from)
{
	__builtin_memcpy(to, from, LOCK_VALUE_BYTES);
}

/* Fields that follow each other, as one word: to be compared with the same fields elsewhere. */
static inline uint32_t lock_word32(const void *const at)
{
	uint32_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t lock_word64(const void *const at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

/* A message and the node it goes to. */
struct lock_envelope {
	uint16_t node;
	struct lock_message message;
};

/* What became of a message. Whatever is not LOCK_TAKEN or LOCK_REPEATED changed nothing but a counter. */
enum lock_reason {
	LOCK_TAKEN,
	LOCK_REPEATED,        /* known already: answered again, or nothing to answer */
	LOCK_BAD_SIZE,        /* not LOCK_MESSAGE_BYTES long */
	LOCK_BAD_KIND,        /* no such kind, or not one for this receiver */
	LOCK_BAD_GROUP,       /* no such group, or one not served or used here */
	LOCK_BAD_INDEX,       /* no such slot or member in that group */
	LOCK_BAD_NODE,        /* not the node that the tables name for it */
	LOCK_BAD_FIELD,       /* a mode, a flag, a status or a span out of range */
	LOCK_NO_AUTHORITY,    /* addressed to a leader, and this one does not lead now */
	LOCK_OLD_EPOCH,       /* of another epoch than this receiver's */
	LOCK_OLD_INCARNATION, /* of another life of the client */
	LOCK_OLD_SEQUENCE,    /* of an operation that is over */
	LOCK_TOO_EARLY,       /* the leader still collects reports: to be sent again */
	LOCK_TOO_LATE,        /* a report after the collection ended */
	LOCK_REVOKED,    /* a heartbeat of a session that held beyond its budget: not renewed */
	LOCK_QUIET,      /* the receiver started just now, and keeps silent at first */
	LOCK_IMPOSSIBLE, /* no state that keeps to the protocol sends this */
	LOCK_REASONS,
};

#endif
