/*
 * mullion ctl console: a partition's console here. ^] detaches; a script may use it, too.
 *
 * The invariant: however it ends, the terminal is as it was.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"

#define DETACH      0x1d /* ^] */
#define INPUT_BYTES 128u
#define RENEW_MS    20000

struct console {
	struct session *session;
	const char *partition;
	struct termios before;
	bool is_terminal, takes_input, ended;
	int64_t renew_ms; /* when it is attached to again; 0: once is enough */
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void catch_signals(void)
{
	const struct sigaction action = { .sa_handler = interrupt };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Keys one by one, unseen; what is printed still begins its lines on the left. */
static void take_terminal(struct console *console)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &console->before))
		return;
	console->is_terminal = true;
	raw = console->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fprintf(stderr, "console of %s; ^] detaches\n", console->partition);
}

static void give_terminal(struct console *console)
{
	if (!console->is_terminal)
		return;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &console->before);
	fputs("\ndetached\n", stderr);
}

static void print_notice(void *context, const json_t *notice)
{
	const struct console *console = context;

	if (strcmp(session_text(notice, "event"), "console") ||
		strcmp(session_text(notice, "partition"), console->partition))
		return;
	fputs(session_text(notice, "text"), stdout);
	fflush(stdout);
}

/* Bytes as JSON has them: those above 127 are no text of the protocol. */
static void send_input(struct console *console, char *bytes, size_t count)
{
	json_t *answer, *arguments;
	size_t i;

	for (i = 0; i < count; i++)
		if ((unsigned char)bytes[i] > 0x7e || !bytes[i])
			bytes[i] = '?';
	bytes[count] = '\0';
	arguments = ctl_partition(console->partition);
	json_object_set_new(arguments, "input", json_string(bytes));
	answer = session_try(console->session, "console", arguments);
	if (!answer && console->takes_input) {
		console->takes_input = false;
		if (!strcmp(console->session->error, "not-possible"))
			fprintf(stderr, "%s: %s takes no input; what is typed is dropped\n",
				program_invocation_name, console->partition);
	}
	json_decref(answer);
}

static void take_input(struct console *console)
{
	char bytes[INPUT_BYTES + 1];
	const ssize_t count = read(STDIN_FILENO, bytes, INPUT_BYTES);
	const char *detach;

	if (count <= 0) {
		console->ended = count == 0 || errno != EINTR;
		return;
	}
	detach = console->is_terminal ? memchr(bytes, DETACH, (size_t)count) : NULL;
	if (detach)
		interrupted = 1;
	if (console->takes_input && (!detach || detach > bytes))
		send_input(console, bytes, detach ? (size_t)(detach - bytes) : (size_t)count);
}

static json_t *attach(const struct console *console, bool on)
{
	json_t *arguments = ctl_partition(console->partition);

	json_object_set_new(arguments, "attach", json_boolean(on));
	return on ? session_ask(console->session, "console", arguments)
		  : session_try(console->session, "console", arguments);
}

static int64_t silence_ends(const struct console *console, const struct ctl_request *request)
{
	return request->connect.given_timeout && !console->is_terminal
		       ? wire_now_ms() + request->connect.timeout_ms
		       : -1;
}

/*
 * By datagrams a node lets go of who is silent (docs/control.md): it is asked again in time. Returns when
 * that is, or when silence ends it all, whichever comes first; -1: never.
 */
static int64_t next_deadline(const struct console *console, int64_t end_ms)
{
	if (console->renew_ms && (end_ms < 0 || console->renew_ms < end_ms))
		return console->renew_ms;
	return end_ms;
}

static bool renew(struct console *console)
{
	if (!console->renew_ms || wire_now_ms() < console->renew_ms)
		return false;
	console->renew_ms = wire_now_ms() + RENEW_MS;
	json_decref(attach(console, true));
	return true;
}

/* With --timeout, so much silence ends it; else only ^], a signal, or the node does. */
static int follow(struct console *console, const struct ctl_request *request)
{
	int64_t end_ms = silence_ends(console, request);

	while (!interrupted) {
		const enum wire_result result = session_listen(console->session,
			next_deadline(console, end_ms), console->ended ? -1 : STDIN_FILENO);

		if (renew(console))
			continue;
		if (result == WIRE_TIMEOUT && end_ms >= 0 && wire_now_ms() >= end_ms)
			return 0;
		end_ms = silence_ends(console, request);
		if (result == WIRE_OTHER && !interrupted && !console->ended)
			take_input(console);
		if (result == WIRE_CLOSED) {
			fprintf(stderr, "%s: the node closed the line\n", program_invocation_name);
			return 1;
		}
	}
	return 0;
}

int ctl_console(struct session *session, const struct ctl_request *request)
{
	struct console console = {
		.session = session, .partition = request->argument, .takes_input = true
	};
	json_t *answer;
	int status;

	session->notice = print_notice;
	session->context = &console;
	answer = attach(&console, true);
	if (!answer)
		return 1;
	json_decref(answer);
	if (session->wire.datagrams)
		console.renew_ms = wire_now_ms() + RENEW_MS;
	catch_signals();
	take_terminal(&console);
	status = follow(&console, request);
	if (!status)
		json_decref(attach(&console, false));
	give_terminal(&console);
	session->notice = NULL;
	return status;
}
