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
	bool answered;  /* otherwise nothing more came */
	bool closed;
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
	merge(outcome, json_object_get(answer, "result"));
	json_array_append(session->parts, json_object_get(answer, "result"));
	outcome->answered = !json_is_true(json_object_get(answer, "more"));
	return outcome->answered;
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

static void ask_once(struct session *session, const char *command, const json_t *arguments,
	unsigned wait_ms, struct outcome *outcome)
{
	char *line;

	*outcome = (struct outcome){ 0 };
	json_decref(session->parts);
	session->parts = json_array();
	session->id = session->id % 0x7ffffffe + 1;
	line = session_line(session, command, arguments);
	if (wire_send(&session->wire, line))
		wait_answer(session, outcome, wait_ms);
	else
		outcome->closed = true;
	free(line);
	if (!outcome->answered) {
		json_decref(outcome->result);
		outcome->result = NULL;
	}
}

/* Datagrams get lost, and lines get damaged by what shares them. */
static void ask(struct session *session, const char *command, const json_t *arguments,
	struct outcome *outcome)
{
	const bool lossy = session->wire.datagrams && may_repeat(command);
	unsigned tries = lossy || may_repeat(command) ? TRIES : 1;

	do {
		session->error[0] = '\0';
		ask_once(session, command, arguments,
			lossy ? session->timeout_ms / TRIES + 1 : session->timeout_ms, outcome);
		if (outcome->closed || (outcome->answered && strcmp(session->error, "malformed")))
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
	if (!outcome.answered) {
		explain_silence(session, &outcome);
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
