/*
 * Runs other programs, within a time limit, and passes on what they complain about. See command.h.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* ---- The child's stderr, line by line ---- */

struct lines {
	const char *const *noise;
	char text[4096];
	size_t length;
};

static bool is_noise(const struct lines *lines)
{
	const char *const *line;

	for (line = lines->noise; line && *line; line++)
		if (strlen(*line) == lines->length && !memcmp(*line, lines->text, lines->length))
			return true;
	return false;
}

static void end_line(struct lines *lines, const char *end)
{
	if (!is_noise(lines)) {
		fwrite(lines->text, 1, lines->length, stderr);
		fputs(end, stderr);
	}
	lines->length = 0;
}

static void pass_on(struct lines *lines, const char *bytes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (bytes[i] == '\n') {
			end_line(lines, "\n");
			continue;
		}
		lines->text[lines->length++] = bytes[i];
		if (lines->length == sizeof(lines->text))
			end_line(lines, "");
	}
}

/* ---- Running ---- */

static int decode(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int milliseconds_left(const struct timespec *end)
{
	struct timespec now;
	long long left;

	if (!end->tv_sec)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (end->tv_sec - now.tv_sec) * 1000ll + (end->tv_nsec - now.tv_nsec) / 1000000;
	return left > 0 ? (int)left : 0;
}

/* Until the child closes its stderr, which is when it ends, or the time is over. */
static void follow(
	pid_t child, int errors, struct lines *lines, const struct timespec *end, bool *timed_out)
{
	struct pollfd input = { .fd = errors, .events = POLLIN };
	char bytes[4096];
	ssize_t count;
	int ready;

	do {
		ready = poll(&input, 1, *timed_out ? -1 : milliseconds_left(end));
		if (ready == 0 && !*timed_out) {
			*timed_out = true;
			kill(child, SIGKILL);
		}
		count = ready > 0 ? read(errors, bytes, sizeof(bytes)) : 1;
		if (ready > 0 && count > 0)
			pass_on(lines, bytes, (size_t)count);
	} while (count > 0 || (count < 0 && errno == EINTR));
	if (lines->length)
		end_line(lines, "\n");
}

static pid_t start(const struct command *command, const int errors[2])
{
	const pid_t child = fork();

	if (child)
		return child;
	dup2(errors[1], STDERR_FILENO);
	execvp(command->words[0], command->words);
	fprintf(stderr, "mullion: %s cannot be run: %s\n", command->words[0], strerror(errno));
	_exit(127);
}

int command_run(const struct command *command, unsigned timeout_s, bool *timed_out)
{
	struct lines lines = { .noise = command->noise };
	struct timespec end = { 0 };
	int errors[2], status = 127;
	pid_t child;

	fflush(NULL);
	*timed_out = false;
	if (timeout_s) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += timeout_s;
	}
	if (pipe2(errors, O_CLOEXEC) || (child = start(command, errors)) < 0) {
		fprintf(stderr, "mullion: %s cannot be started: %s\n", command->words[0],
			strerror(errno));
		return status;
	}
	close(errors[1]);
	follow(child, errors[0], &lines, &end, timed_out);
	close(errors[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return decode(status);
}
