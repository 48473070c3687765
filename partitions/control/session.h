/*
 * One line of the protocol's transport: bytes in, at most one line out for each step; what it has
 * attached to; the answer that is under way.
 */
#ifndef CONTROL_SESSION_H
#define CONTROL_SESSION_H

#include "auth.h"
#include "datagrams.h"
#include "exits.h"
#include "node.h"
#include "writer.h"

#define PROTOCOL_VERSION 1u

/* What a step was, beside one of the answer to a command: taking what came in, and of a network also what
 * was no request. */
#define STEP_TAKE  COMMAND_NONE
#define STEP_FRAME (COMMAND_NONE + 1u)
#define STEPS      (COMMAND_NONE + 2u)

enum refusal {
	REFUSED_MALFORMED,
	REFUSED_OVERSIZED,
	REFUSED_UNAUTHENTICATED,
	REFUSED_REPLAYED,
	REFUSED_UNKNOWN_COMMAND,
	REFUSED_UNKNOWN_PARTITION,
	REFUSED_UNKNOWN_SCHEDULE,
	REFUSED_BAD_ARGUMENT,
	REFUSED_NOT_NOW,
	REFUSED_NOT_POSSIBLE,
	REFUSALS
};

const char *refusal_word(enum refusal refusal);
const char *step_word(uint32_t step);

enum command {
	COMMAND_HELLO,
	COMMAND_LIST,
	COMMAND_INFO,
	COMMAND_CPUS,
	COMMAND_CONSOLE,
	COMMAND_STOP,
	COMMAND_START,
	COMMAND_RESTART,
	COMMAND_SCHEDULE,
	COMMAND_HEALTH,
	COMMAND_LOG,
	COMMAND_JOURNAL,
	COMMAND_COUNTERS,
	COMMAND_TRACE,
	COMMAND_DUMP,
	COMMAND_LOAD,
	COMMAND_VERSION,
	COMMAND_SHUTDOWN,
	COMMANDS,
	COMMAND_NONE = COMMANDS
};

enum ending { ENDING_NOT, ENDING_POWER_OFF, ENDING_RESET };

/* What all sessions share. */
struct control {
	struct node node;
	struct auth auth;
	struct exits exits;
	uint64_t refused[REFUSALS];
	uint64_t longest[STEPS];           /* ticks of a step */
	enum ending ending;                /* carried out when the answer is on its way */
	const struct datagrams *datagrams; /* NULL: there is no network */
};

/* The answer under way: which, for whom, and how far it is. */
struct job {
	enum command command; /* COMMAND_NONE: none */
	uint32_t id;
	uint16_t partition;
	uint32_t line;        /* lines sent */
	uint32_t at, within;  /* the next element, and what is next in it */
	uint64_t from, until; /* positions in a ring; blocks of a dump or load */
	uint32_t zeros;       /* blocks from `from` on, found or made zero */
	bool vcpu;            /* of a dump: registers */
	bool marks;           /* of a trace: what control kept of it */
};

/* What a session's line is. */
enum session_kind {
	SESSION_KEYED,   /* a mac is needed if the node has a key */
	SESSION_OPEN,    /* none is */
	SESSION_DATAGRAM /* one always is, and who speaks changes: docs/control.md, By UDP */
};

struct session {
	struct control *control;
	enum session_kind kind;
	uint64_t peer; /* who speaks: address << 16 | port; 0 where there is only one */
	uint64_t holder, held_until; /* who attached, and how long that lasts (attachment.c) */
	uint32_t attached;           /* consoles, a bit for each partition */
	bool attached_health;
	uint64_t journal_seen; /* entries it was told of, or that were before it attached */
	struct job job;
	uint32_t used; /* of `line` */
	bool over;     /* what comes until the next newline is dropped */
	char line[LINE_BYTES];
};

void session_begin(struct session *session, struct control *control, enum session_kind kind);

/*
 * Takes bytes up to the end of one line, and no more; answers if it ended. Returns how many it took. `out` has
 * a line, newline included, if out->used is not 0. Call only while !session_busy.
 */
uint32_t session_take(
	struct session *session, const char *bytes, uint32_t count, struct writer *out);

/* The same for a datagram of `peer`, which is one line, with its newline or without. */
void session_datagram(struct session *session, uint64_t peer, const char *bytes, uint32_t count,
	struct writer *out);

/* An answer is under way: session_go_on writes its next line, or leaves out->used 0 and gets on with it. */
bool session_busy(const struct session *session);
void session_go_on(struct session *session, struct writer *out);

/* The next notice this session asked for, if there is one: out->used is 0 otherwise. */
void session_notice_health(struct session *session, struct writer *out);
void session_notice_console(struct session *session, uint16_t partition, const char *text,
	uint32_t bytes, struct writer *out);

/* ---- Between its parts ---- */

/* A complete line without its newline; answers it, or begins to. (session.c) */
void session_line(struct session *session, const char *line, uint32_t bytes, struct writer *out);

/* Whether a request needs a mac. (session.c) */
bool session_is_open(const struct session *session);

/* Begin and end of an answer's line, the first being 0; `more`: another follows. (session.c) */
void answer_begin(struct writer *out, uint32_t id, uint32_t line);
void answer_end(struct writer *out, bool more);

/* The answer is an error; the % in `text` stands for `subject`. Counted. (session.c) */
void answer_refuse(struct control *control, struct writer *out, uint32_t id, enum refusal refusal,
	const char *text, const char *subject);

/* Check the arguments of a command and carry it out, or begin its answer. (commands.c) */
void command_begin(struct session *session, enum command command, uint32_t id,
	const struct request *request, struct writer *out);

/* The next line of an answer. True: another follows. (answers.c, records.c) */
bool answer_line(struct session *session, struct job *job, struct writer *out);
bool answer_records(const struct control *control, struct job *job, struct writer *out);

#endif
