/*
 * The protocol's errors in the user's words: what was asked, why not, and the way out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "words.h"

#define NAMES_MAX 64u

const char *session_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

uint64_t session_value(const json_t *value)
{
	/* What exceeds 63 bits comes as "0x...". */
	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 0)
				     : (uint64_t)json_integer_value(value);
}

int64_t session_number(const json_t *object, const char *member)
{
	return (int64_t)session_value(json_object_get(object, member));
}

char *session_clean(const char *text)
{
	char *clean = strdup(text), *c;

	if (!clean)
		abort(); /* out of memory */
	for (c = clean; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return clean;
}

struct way_out {
	const char *error, *words;
};

static const struct way_out ways[] = {
	{ "malformed", "the node could not read the request; \"mullion ctl version\" tells whether "
		       "its image and this tool speak the same protocol" },
	{ "oversized", "the request was longer than the node takes, 1,024 bytes" },
	{ "unauthenticated", "the node does not accept the key; --key wants a file with the 64 "
			     "digits that follow key= in the args of its control partition" },
	{ "replayed", "the node has seen a later request: another program talks to it with this "
		      "key; ask again" },
	{ "unknown-command", "the node's control partition does not know this command; its image "
			     "is older than this tool" },
	{ "unknown-partition", "there is no such partition" },
	{ "unknown-schedule", "there is no such schedule" },
	{ "bad-argument", "the node does not take this argument" },
	{ "not-now", "not now: an earlier change is under way; ask again in a moment" },
	{ "not-possible", "this node cannot do that" },
	{ SESSION_LOST, "a part of the answer was lost on its way; ask again" },
};

static const char *way_out(const char *error)
{
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (!strcmp(ways[i].error, error))
			return ways[i].words;
	return "the node refused";
}

/* "there is nav, hog; did you mean nav?" */
static void name_known(const char *wanted, const char *const *names, size_t count)
{
	const char *nearest = words_nearest(wanted, names);
	size_t i;

	fputs("; there is ", stderr);
	for (i = 0; i < count; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", names[i]);
	if (nearest)
		fprintf(stderr, "; did you mean %s?", nearest);
}

static void suggest(
	struct session *session, const char *command, const char *list, const char *wanted)
{
	json_t *answer = session_try(session, command, NULL), *item;
	const char *names[NAMES_MAX + 1] = { NULL };
	size_t count = 0, i;

	json_array_foreach(json_object_get(answer, list), i, item)
	{
		const char *name =
			json_is_string(item) ? json_string_value(item) : session_text(item, "name");

		if (count < NAMES_MAX && *name)
			names[count++] = name;
	}
	if (count)
		name_known(wanted, names, count);
	json_decref(answer);
}

/* A way out that depends on what was asked. */
static const char *more_words(const char *command, const char *error)
{
	const bool memory = !strcmp(command, "dump") || !strcmp(command, "load");

	if (memory && (!strcmp(error, "not-possible") || !strcmp(error, "not-now")))
		return "; its memory is read and written while it is stopped: mullion ctl stop it "
		       "first";
	return "";
}

void session_explain(struct session *session, const char *command, const json_t *arguments,
	const char *error, const char *text)
{
	const char *partition = session_text(arguments, "partition");
	const char *schedule = session_text(arguments, "name");
	char *clean = session_clean(text);

	fprintf(stderr, "%s: %s%s%s: %s", program_invocation_name, command,
		*partition || *schedule ? " " : "", *partition ? partition : schedule,
		way_out(error));
	if (!strcmp(error, "unknown-partition"))
		suggest(session, "list", "partitions", partition);
	else if (!strcmp(error, "unknown-schedule"))
		suggest(session, "schedule", "schedules", schedule);
	else
		fputs(more_words(command, error), stderr);
	if (*clean)
		fprintf(stderr, " (%s)", clean);
	fputc('\n', stderr);
	free(clean);
}
