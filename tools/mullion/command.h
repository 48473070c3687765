/*
 * Running other programs: the C compiler, the linker, QEMU.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* A command line that grows; always ended by NULL. */
struct command {
	char **words;
	size_t count;
	const char *const *noise; /* lines on its stderr that are dropped; ended by NULL, or NULL */
};

void command_add(struct command *command, const char *pattern, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds the words of `text`, separated by white space. */
void command_add_words(struct command *command, const char *text);
void command_free(struct command *command);

/* Prints it as a shell would take it. */
void command_print(const struct command *command);

/*
 * Runs it and waits. Returns its exit status, 128 + the signal that ended it, or 127 when it could
 * not be started, after saying so. timeout_s 0: for ever; else *timed_out tells that it was killed.
 */
int command_run(const struct command *command, unsigned timeout_s, bool *timed_out);

#endif
