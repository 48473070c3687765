/*
 * Runs other programs in a process group of their own time limit. See command.h.
 */
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "allocate.h"

static void add_word(struct command *command, char *word)
{
	command->words = allocate_more(command->words, command->count + 2, sizeof(*command->words));
	command->words[command->count++] = word;
	command->words[command->count] = NULL;
}

void command_add(struct command *command, const char *pattern, ...)
{
	va_list arguments;
	char *word;

	va_start(arguments, pattern);
	if (vasprintf(&word, pattern, arguments) < 0)
		abort(); /* out of memory */
	va_end(arguments);
	add_word(command, word);
}

void command_add_words(struct command *command, const char *text)
{
	static const char space[] = " \t\r\n";

	for (text += strspn(text, space); *text; text += strspn(text, space)) {
		const size_t length = strcspn(text, space);

		command_add(command, "%.*s", (int)length, text);
		text += length;
	}
}

void command_free(struct command *command)
{
	while (command->count)
		free(command->words[--command->count]);
	free(command->words);
	*command = (struct command){ 0 };
}

static bool is_plain(const char *word)
{
	return *word && !word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789-_=+,./:@%")];
}

static void print_word(const char *word)
{
	if (is_plain(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

void command_print(const struct command *command)
{
	size_t i;

	for (i = 0; i < command->count; i++) {
		if (i)
			putchar(' ');
		print_word(command->words[i]);
	}
	putchar('\n');
}

static int decode(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits for SIGCHLD, which is blocked, so none is missed between the look and the wait. */
static int wait_for(pid_t child, unsigned timeout_s, bool *timed_out)
{
	struct timespec now, end, rest;
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_s;
	while (waitpid(child, &status, WNOHANG) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		rest = (struct timespec){ .tv_sec = end.tv_sec - now.tv_sec };
		if (rest.tv_sec <= 0) {
			kill(child, SIGKILL);
			*timed_out = true;
			waitpid(child, &status, 0);
			break;
		}
		sigtimedwait(&signals, NULL, &rest);
	}
	return decode(status);
}

static pid_t start(const struct command *command, const sigset_t *signals)
{
	const pid_t child = fork();

	if (child)
		return child;
	sigprocmask(SIG_SETMASK, signals, NULL);
	execvp(command->words[0], command->words);
	fprintf(stderr, "mullion: %s cannot be run: %s\n", command->words[0], strerror(errno));
	_exit(127);
}

int command_run(const struct command *command, unsigned timeout_s, bool *timed_out)
{
	sigset_t child_ended, before;
	pid_t child;
	int status = 127;

	fflush(NULL);
	*timed_out = false;
	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, &before);
	child = start(command, &before);
	if (child > 0 && timeout_s)
		status = wait_for(child, timeout_s, timed_out);
	else if (child > 0 && waitpid(child, &status, 0) == child)
		status = decode(status);
	else
		fprintf(stderr, "mullion: %s cannot be started\n", command->words[0]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
