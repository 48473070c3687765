/*
 * Asking and waiting. See session.h.
 */
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 100000u /* of one answer */
#define TRIES     3u      /* of a question that may be asked twice */

/* What happened to one request. */
struct outcome {
	json_t *result;
	char text[256]; /* the node's own words, when it refused */
	int64_t lines;  /* that came, in their order */
	bool torn;      /* one of them did not come */
	bool answered;  /* otherwise nothing more came */
	bool closed;
	bool repeated; /* the same line was sent again */
};

/* ---- Answers ---- */

static void append(json_t *result, const char *member, json_t *value)
{
	json_t *before = json_object_get(result, member);

	if (json_is_array(before) && json_is_array(value))
		json_array_extend(before, value);
	else
		json_object_set(result, member, value);
}

/* Arrays continue; what else is said is said once. */
static void merge(struct outcome *outcome, json_t *part)
{
	const char *member;
	json_t *value;

	if (!outcome->result)
		outcome->result = json_object();
	json_object_foreach(part, member, value) append(outcome->result, member, value);
}

static void refuse(struct session *session, struct outcome *outcome, const json_t *answer)
{
	const char *error = session_text(answer, "error");

	(void)snprintf(session->error, sizeof(session->error), "%s", *error ? error : "malformed");
	(void)snprintf(outcome->text, sizeof(outcome->text), "%s", session_text(answer, "text"));
	json_decref(outcome->result);
	outcome->result = NULL;
	outcome->answered = true;
}

/* What came of an answer is not the answer. */
static void lose(struct session *session, struct outcome *outcome)
{
	(void)snprintf(session->error, sizeof(session->error), SESSION_LOST);
	json_decref(outcome->result);
	outcome->result = NULL;
}

/* A network may lose a line, or bring it twice, or late. True: it was the last one. */
static bool take_part(struct session *session, struct outcome *outcome, const json_t *answer)
{
	const int64_t line = session_number(answer, "line");

	if (line < outcome->lines)
		return false;
	outcome->torn = outcome->torn || line > outcome->lines;
	outcome->lines = line + 1;
	merge(outcome, json_object_get(answer, "result"));
	json_array_append(session->parts, json_object_get(answer, "result"));
	outcome->answered = !json_is_true(json_object_get(answer, "more"));
	if (outcome->answered && outcome->torn)
		lose(session, outcome);
	return outcome->answered;
}

/* True when this line ends the answer to the request. */
static bool take_answer(struct session *session, struct outcome *outcome, const json_t *answer)
{
	const int64_t id = session_number(answer, "id");

	/* Id 0 answers what could not be parsed: before the first answer, what was on the line. */
	if (id != session->id &&
		(id || !session->hello || json_is_true(json_object_get(answer, "ok"))))
		return false;
	if (!json_is_true(json_object_get(answer, "ok"))) {
		refuse(session, outcome, answer);
		return true;
	}
	return take_part(session, outcome, answer);
}

/* What is no JSON, or not of this version, is somebody else's text. */
static bool take_line(struct session *session, struct outcome *outcome)
{
	json_t *line = json_loads(session->wire.reader.text, JSON_REJECT_DUPLICATES, NULL);
	bool done = false;

	if (session_number(line, "v") == SESSION_PROTOCOL) {
		if (json_object_get(line, "event") && session->notice)
			session->notice(session->context, line);
		else if (json_object_get(line, "id") && outcome)
			done = take_answer(session, outcome, line);
	}
	json_decref(line);
	return done;
}

static void wait_answer(struct session *session, struct outcome *outcome, unsigned wait_ms)
{
	int64_t deadline_ms = wire_now_ms() + wait_ms;
	size_t lines = 0;

	while (!outcome->answered && lines++ < LINES_MAX) {
		switch (wire_read(&session->wire, deadline_ms, -1)) {
		case WIRE_LINE:
			take_line(session, outcome);
			break;
		case WIRE_OTHER: /* a signal: who catches it decides */
			break;
		case WIRE_CLOSED:
			outcome->closed = true;
			return;
		default:
			return;
		}
	}
}

/* ---- Questions ---- */

static bool may_repeat(const char *command)
{
	static const char *const changing[] = { "stop", "start", "restart", "schedule", "shutdown",
		"console" };
	size_t i;

	for (i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		if (!strcmp(command, changing[i]))
			return false;
	return true;
}

static bool is_damaged(const struct session *session)
{
	return !strcmp(session->error, "malformed") || !strcmp(session->error, SESSION_LOST);
}

/* Sends a line and waits; and again, up to `sends` times, while the answer does not come. */
static void send_line(struct session *session, const char *line, unsigned sends, unsigned wait_ms,
	struct outcome *outcome)
{
	while (sends-- && !outcome->answered && !outcome->closed) {
		if (wire_send(&session->wire, line))
			wait_answer(session, outcome, wait_ms);
		else
			outcome->closed = true;
		outcome->repeated = outcome->repeated || (sends && !outcome->answered);
	}
}

/* A new request each time: its answer cannot be taken for an earlier one's. */
static void ask_once(struct session *session, const char *command, const json_t *arguments,
	unsigned sends, unsigned wait_ms, struct outcome *outcome)
{
	char *line;

	*outcome = (struct outcome){ 0 };
	session->error[0] = '\0';
	json_decref(session->parts);
	session->parts = json_array();
	session->id = session->id % 0x7ffffffe + 1;
	line = session_line(session, command, arguments);
	send_line(session, line, sends, wait_ms, outcome);
	free(line);
	if (!outcome->answered) {
		json_decref(outcome->result);
		outcome->result = NULL;
	}
}

/*
 * Datagrams get lost, and lines get damaged by what shares them. What changes nothing is asked anew;
 * the rest is sent again as the same line, under the same number, which a node obeys once.
 */
static void ask(struct session *session, const char *command, const json_t *arguments,
	struct outcome *outcome)
{
	const bool anew = may_repeat(command);
	const bool lossy = session->wire.datagrams && (anew || session->signs);
	const unsigned wait_ms = lossy ? session->timeout_ms / TRIES + 1 : session->timeout_ms;
	unsigned tries = anew ? TRIES : 1;

	do {
		ask_once(session, command, arguments, lossy && !anew ? TRIES : 1, wait_ms, outcome);
		if (outcome->closed || (outcome->answered && !is_damaged(session)))
			return;
	} while (--tries && (lossy || outcome->answered));
}

json_t *session_try(struct session *session, const char *command, json_t *arguments)
{
	struct outcome outcome;

	ask(session, command, arguments, &outcome);
	json_decref(arguments);
	return outcome.result;
}

/* The same line twice: the node heard the first, or, before it, a later one of somebody else. */
static bool is_doubtful(const struct session *session, const struct outcome *outcome)
{
	return outcome->repeated && !outcome->result &&
	       (!outcome->answered || !strcmp(session->error, "replayed"));
}

static void explain_doubt(const char *command)
{
	fprintf(stderr,
		"%s: %s: its answer was lost on the way: whether it was done, list and info "
		"tell\n",
		program_invocation_name, command);
}

static void explain_silence(const struct session *session, const struct outcome *outcome)
{
	if (outcome->closed)
		fprintf(stderr,
			"%s: %s: the node closed the line: it has ended, or another program "
			"holds it\n",
			program_invocation_name, session->wire.address);
	else
		fprintf(stderr,
			"%s: %s: no answer within %u.%03u s: is control in the schedule, does it "
			"own this line, and does no other program hold it? --timeout allows more\n",
			program_invocation_name, session->wire.address, session->timeout_ms / 1000,
			session->timeout_ms % 1000);
}

json_t *session_ask(struct session *session, const char *command, json_t *arguments)
{
	struct outcome outcome;
	char error[sizeof(session->error)];

	ask(session, command, arguments, &outcome);
	if (!outcome.answered)
		explain_silence(session, &outcome);
	if (is_doubtful(session, &outcome)) {
		explain_doubt(command);
	} else if (!outcome.answered) {
		session->error[0] = '\0';
	} else if (!outcome.result) {
		memcpy(error, session->error, sizeof(error));
		session_explain(session, command, arguments, error, outcome.text);
		memcpy(session->error, error, sizeof(error));
	}
	json_decref(arguments);
	return outcome.result;
}

enum wire_result session_listen(struct session *session, int64_t deadline_ms, int also)
{
	const enum wire_result result = wire_read(&session->wire, deadline_ms, also);

	if (result == WIRE_LINE)
		take_line(session, NULL);
	return result;
}

/* ---- Hello ---- */

static bool believe_hello(struct session *session, const struct session_options *options)
{
	const bool demanded = json_is_true(json_object_get(session->hello, "authenticated"));

	if (demanded && !options->key) {
		fprintf(stderr,
			"%s: this node obeys only who has its key; --key names a file with it\n",
			program_invocation_name);
		return false;
	}
	if (demanded && !session_from_hex(session_text(session->hello, "nonce"), session->nonce,
				SESSION_NONCE_BYTES)) {
		fprintf(stderr,
			"%s: %s: what answers there sent no nonce: it is no node of this "
			"protocol\n",
			program_invocation_name, options->address);
		return false;
	}
	session->signs = demanded;
	session->seq = session_number(session->hello, "seq");
	return true;
}

bool session_open(struct session *session, const struct session_options *options)
{
	json_t *hello;

	*session = (struct session){ .timeout_ms = options->timeout_ms, .wire.file = -1 };
	signal(SIGPIPE, SIG_IGN);
	if (options->key && !session_read_key(options->key, session->key))
		return false;
	if (!wire_open(&session->wire, options->address))
		return false;
	/* Half a line that somebody left there ends here. */
	if (!session->wire.datagrams && !wire_send(&session->wire, ""))
		return false;
	hello = session_ask(session, "hello", NULL);
	session->hello = hello;
	return hello && believe_hello(session, options);
}

void session_close(struct session *session)
{
	json_decref(session->hello);
	json_decref(session->parts);
	session->hello = session->parts = NULL;
	explicit_bzero(session->key, sizeof(session->key));
	wire_close(&session->wire);
}
