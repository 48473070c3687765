/*
 * From bytes to answers: lines, the order of the checks, errors and notices.
 *
 * Invariant: each step writes at most one line, and every line that came in gets exactly one answer,
 * whatever it holds. Specification: docs/control.md.
 */
#include <stddef.h>

#include "attachment.h"
#include "memory.h"
#include "session.h"

/* Members that every request may have, and those of each command. */
static const char always[] = "v id seq cmd mac";
static const struct {
	char name[12];
	char members[32];
} known[COMMANDS] = {
	[COMMAND_HELLO] = { "hello", "" },
	[COMMAND_LIST] = { "list", "" },
	[COMMAND_INFO] = { "info", "partition" },
	[COMMAND_CPUS] = { "cpus", "" },
	[COMMAND_CONSOLE] = { "console", "partition attach input" },
	[COMMAND_STOP] = { "stop", "partition" },
	[COMMAND_START] = { "start", "partition" },
	[COMMAND_RESTART] = { "restart", "partition cold" },
	[COMMAND_SCHEDULE] = { "schedule", "name" },
	[COMMAND_HEALTH] = { "health", "attach" },
	[COMMAND_LOG] = { "log", "from" },
	[COMMAND_JOURNAL] = { "journal", "from" },
	[COMMAND_COUNTERS] = { "counters", "" },
	[COMMAND_TRACE] = { "trace", "cpu from marks" },
	[COMMAND_DUMP] = { "dump", "partition page pages vcpu" },
	[COMMAND_LOAD] = { "load", "partition page part data zeros" },
	[COMMAND_VERSION] = { "version", "" },
	[COMMAND_SHUTDOWN] = { "shutdown", "reset" },
};

const char *refusal_word(const enum refusal refusal)
{
	static const char *const words[REFUSALS] = { "malformed", "oversized", "unauthenticated",
		"replayed", "unknown-command", "unknown-partition", "unknown-schedule",
		"bad-argument", "not-now", "not-possible" };

	return words[refusal];
}

const char *step_word(const uint32_t step)
{
	if (step < COMMANDS)
		return known[step].name;
	return step == STEP_TAKE ? "take" : "frame";
}

void answer_begin(struct writer *const out, const uint32_t id, const uint32_t line)
{
	write_begin(out);
	write_open(out, '{');
	write_member_number(out, "v", PROTOCOL_VERSION);
	write_member_number(out, "id", id);
	if (line != 0)
		write_member_number(out, "line", line);
	write_member_bool(out, "ok", true);
	write_key(out, "result");
	write_open(out, '{');
}

/* The byte kept for the newline is free. */
static void end_line(struct writer *const out)
{
	out->text[out->used++] = '\n';
}

void answer_end(struct writer *const out, const bool more)
{
	write_close(out, '}');
	if (more)
		write_member_bool(out, "more", true);
	write_close(out, '}');
	end_line(out);
}

static void write_advice(
	struct writer *const out, const char *const text, const char *const subject)
{
	write_key(out, "text");
	write_byte(out, '"');
	for (uint32_t i = 0; i < LINE_BYTES && text[i] != '\0'; i++) {
		if (text[i] != '%') {
			write_escaped(out, (uint8_t)text[i]);
			continue;
		}
		for (uint32_t k = 0; k < MULLION_NAME_BYTES && subject[k] != '\0'; k++)
			write_escaped(out, (uint8_t)subject[k]);
	}
	write_byte(out, '"');
}

void answer_refuse(struct control *const control, struct writer *const out, const uint32_t id,
	const enum refusal refusal, const char *const text, const char *const subject)
{
	control->refused[refusal]++;
	write_begin(out);
	write_open(out, '{');
	write_member_number(out, "v", PROTOCOL_VERSION);
	write_member_number(out, "id", id);
	write_member_bool(out, "ok", false);
	write_member_string(out, "error", refusal_word(refusal), MULLION_NAME_BYTES);
	write_advice(out, text, subject);
	write_close(out, '}');
	end_line(out);
}

void session_begin(
	struct session *const session, struct control *const control, const enum session_kind kind)
{
	session->control = control;
	session->kind = kind;
	session->peer = 0;
	session->holder = 0;
	session->held_until = 0;
	session->attached = 0;
	session->attached_health = false;
	session->job.command = COMMAND_NONE;
	session->used = 0;
	session->over = false;
}

bool session_is_open(const struct session *const session)
{
	return session->kind == SESSION_OPEN ||
	       (session->kind == SESSION_KEYED && !session->control->auth.keyed);
}

/* One of the words, which blanks separate. */
static bool is_among(const char *const word, const char *words)
{
	while (*words != '\0') {
		uint32_t i = 0;

		while (words[i] != '\0' && words[i] != ' ' && words[i] == word[i])
			i++;
		if ((words[i] == '\0' || words[i] == ' ') && word[i] == '\0')
			return true;
		while (words[i] != '\0' && words[i] != ' ')
			i++;
		words += words[i] == ' ' ? i + 1 : i;
	}
	return false;
}

static const char *foreign_member(const struct request *const request, const enum command command)
{
	for (uint32_t i = 0; i < REQUEST_MEMBERS && i < request->count; i++)
		if (!is_among(request->members[i].key, always) &&
			!is_among(request->members[i].key, known[command].members))
			return request->members[i].key;
	return NULL;
}

static enum command find_command(const struct member *const cmd)
{
	for (uint32_t c = 0; c < COMMANDS; c++)
		if (same_text(known[c].name, cmd->text, sizeof(known[c].name)))
			return (enum command)c;
	return COMMAND_NONE;
}

/* False, and refused: who asks has not proved that he may. */
static bool is_allowed(struct session *const session, const struct request *const request,
	const char *const line, const uint32_t bytes, const uint32_t id, struct writer *const out)
{
	struct control *const control = session->control;

	if (!control->auth.keyed) {
		answer_refuse(control, out, id, REFUSED_UNAUTHENTICATED,
			"this node has no key, and without one nobody commands by this line", "");
		return false;
	}
	switch (auth_check(&control->auth, request, line, bytes)) {
	case AUTH_UNAUTHENTICATED:
		answer_refuse(control, out, id, REFUSED_UNAUTHENTICATED,
			"this line needs seq and, as its last member, the right mac: hello has the "
			"nonce",
			"");
		return false;
	case AUTH_REPLAYED:
		answer_refuse(control, out, id, REFUSED_REPLAYED,
			"seq is not greater than one before it", "");
		return false;
	default:
		attachment_heard(session);
		return true;
	}
}

static void dispatch(struct session *const session, const struct request *const request,
	const char *const line, const uint32_t bytes, const uint32_t id, struct writer *const out)
{
	struct control *const control = session->control;
	const struct member *const cmd = request_member(request, "cmd");
	const enum command command = find_command(cmd);
	const char *foreign;

	if (!session_is_open(session) && command != COMMAND_HELLO &&
		!is_allowed(session, request, line, bytes, id, out))
		return;
	if (command == COMMAND_NONE) {
		answer_refuse(control, out, id, REFUSED_UNKNOWN_COMMAND,
			"there is no command %; docs/control.md lists them", cmd->text);
		return;
	}
	foreign = foreign_member(request, command);
	if (foreign != NULL) {
		answer_refuse(control, out, id, REFUSED_BAD_ARGUMENT,
			"this command has no member %", foreign);
		return;
	}
	command_begin(session, command, id, request, out);
}

static uint32_t take_id(const struct request *const request, bool *const bad)
{
	const struct member *const id = request_member(request, "id");

	*bad = id != NULL && (id->kind != VALUE_NUMBER || id->number > INT32_MAX);
	return id == NULL || *bad ? 0 : (uint32_t)id->number;
}

void session_line(struct session *const session, const char *const line, const uint32_t bytes,
	struct writer *const out)
{
	struct control *const control = session->control;
	struct request request;
	const char *const fault = request_parse(&request, line, bytes);
	const struct member *version, *cmd;
	bool bad_id;
	uint32_t id;

	if (fault != NULL) {
		answer_refuse(control, out, 0, REFUSED_MALFORMED, fault, "");
		return;
	}
	id = take_id(&request, &bad_id);
	version = request_member(&request, "v");
	cmd = request_member(&request, "cmd");
	if (bad_id)
		answer_refuse(control, out, 0, REFUSED_BAD_ARGUMENT, "id is 0 to 2147483647", "");
	else if (version == NULL || version->kind != VALUE_NUMBER ||
		 version->number != PROTOCOL_VERSION)
		answer_refuse(control, out, id, REFUSED_BAD_ARGUMENT,
			"this node speaks version 1: say \"v\":1", "");
	else if (cmd == NULL || cmd->kind != VALUE_TEXT)
		answer_refuse(control, out, id, REFUSED_BAD_ARGUMENT,
			"cmd is missing: say which command", "");
	else
		dispatch(session, &request, line, bytes, id, out);
}

/* A line that is complete, without its newline. An empty one is nothing. */
static void whole_line(struct session *const session, const char *const line, uint32_t bytes,
	struct writer *const out)
{
	if (bytes >= LINE_BYTES) {
		answer_refuse(session->control, out, 0, REFUSED_OVERSIZED,
			"a line has at most 1024 bytes, its newline included", "");
		return;
	}
	if (bytes != 0 && line[bytes - 1] == '\r')
		bytes--;
	if (bytes != 0)
		session_line(session, line, bytes, out);
}

/* The line in the buffer has ended. */
static void finish_line(struct session *const session, struct writer *const out)
{
	const uint32_t bytes = session->over ? LINE_BYTES : session->used;

	session->used = 0;
	session->over = false;
	whole_line(session, session->line, bytes, out);
}

void session_datagram(struct session *const session, const uint64_t peer, const char *const bytes,
	const uint32_t count, struct writer *const out)
{
	out->used = 0;
	session->peer = peer;
	whole_line(session, bytes, count != 0 && bytes[count - 1] == '\n' ? count - 1 : count, out);
}

uint32_t session_take(struct session *const session, const char *const bytes, const uint32_t count,
	struct writer *const out)
{
	out->used = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (bytes[i] == '\n') {
			finish_line(session, out);
			return i + 1;
		}
		if (session->used == LINE_BYTES - 1)
			session->over = true;
		else
			session->line[session->used++] = bytes[i];
	}
	return count;
}

bool session_busy(const struct session *const session)
{
	return session->job.command != COMMAND_NONE;
}

void session_go_on(struct session *const session, struct writer *const out)
{
	struct job *const job = &session->job;
	bool more;

	out->used = 0;
	if (memory_waits(&session->control->node, job))
		return;
	answer_begin(out, job->id, job->line);
	more = session_busy(session) && answer_line(session, job, out);
	if (!session_busy(session)) {
		answer_refuse(session->control, out, job->id, REFUSED_NOT_NOW,
			"% is not stopped any more",
			session->control->node.partitions[job->partition].name);
		return;
	}
	answer_end(out, more);
	job->line++;
	if (!more)
		job->command = COMMAND_NONE;
}

static void notice_begin(
	struct writer *const out, const char *const event, const char *const partition)
{
	write_begin(out);
	write_open(out, '{');
	write_member_number(out, "v", PROTOCOL_VERSION);
	write_member_string(out, "event", event, KEY_BYTES);
	write_member_string(out, "partition", partition, NAME_BYTES);
}

void session_notice_console(struct session *const session, const uint16_t partition,
	const char *const text, const uint32_t bytes, struct writer *const out)
{
	notice_begin(out, "console", session->control->node.partitions[partition].name);
	write_key(out, "text");
	write_byte(out, '"');
	for (uint32_t i = 0; i < bytes && write_room(out) > WRITE_ESCAPED_MOST + 2; i++)
		write_escaped(out, (uint8_t)text[i]);
	write_byte(out, '"');
	write_close(out, '}');
	end_line(out);
}

void session_notice_health(struct session *const session, struct writer *const out)
{
	const struct node *const node = &session->control->node;
	const uint64_t head = __atomic_load_n(&node->journal->head, __ATOMIC_ACQUIRE);
	struct mullion_journal_entry entry;

	out->used = 0;
	if (!session->attached_health || head <= session->journal_seen)
		return;
	if (head - session->journal_seen > MULLION_JOURNAL_ENTRIES)
		session->journal_seen = head - MULLION_JOURNAL_ENTRIES;
	entry = node->journal->entries[session->journal_seen % MULLION_JOURNAL_ENTRIES];
	session->journal_seen++;
	notice_begin(out, "health",
		entry.partition < node->partitions_count ? node->partitions[entry.partition].name
							 : "");
	write_member_string(out, "what", node_event_word(entry.event), KEY_BYTES);
	write_member_string(out, "action", node_action_word(entry.action), KEY_BYTES);
	write_member_number(out, "detail", entry.detail);
	write_close(out, '}');
	end_line(out);
}
