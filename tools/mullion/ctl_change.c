/*
 * Commands that change a node: each is sent once, and what came of it is said.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static int say(const struct ctl_request *request, const json_t *answer, const char *subject,
	const char *member)
{
	char *word;

	if (!answer)
		return 1;
	if (request->json)
		return ctl_print_json(answer);
	word = session_clean(session_text(answer, member));
	printf("%s: %s\n", subject, word);
	free(word);
	return 0;
}

/* stop, start, restart */
int ctl_change(struct session *session, const struct ctl_request *request)
{
	const char *command = ctl_command_name(request->command);
	json_t *arguments = ctl_partition(request->argument), *answer;
	int status;

	if (!strcmp(command, "restart"))
		json_object_set_new(arguments, "cold", json_boolean(request->cold));
	answer = session_ask(session, command, arguments);
	status = say(request, answer, request->argument, "state");
	json_decref(answer);
	return status;
}

static void print_schedule(const json_t *answer)
{
	char *now = session_clean(session_text(answer, "schedule"));
	char *next = session_clean(session_text(answer, "next"));
	json_t *name;
	size_t i;

	printf("in force: %s\n", now);
	if (*next && strcmp(now, next) != 0)
		printf("next:     %s, from frame %" PRId64 " on\n", next,
			session_number(answer, "frame"));
	printf("there is:");
	json_array_foreach(json_object_get(answer, "schedules"), i, name)
	{
		char *clean = session_clean(json_is_string(name) ? json_string_value(name) : "?");

		printf("%s %s", i ? "," : "", clean);
		free(clean);
	}
	putchar('\n');
	free(now);
	free(next);
}

int ctl_schedule(struct session *session, const struct ctl_request *request)
{
	json_t *arguments =
		request->argument ? json_pack("{s:s}", "name", request->argument) : NULL;
	json_t *answer = session_ask(session, "schedule", arguments);

	if (!answer)
		return 1;
	if (request->json)
		ctl_print_json(answer);
	else
		print_schedule(answer);
	json_decref(answer);
	return 0;
}

int ctl_shutdown(struct session *session, const struct ctl_request *request)
{
	json_t *answer =
		session_ask(session, "shutdown", json_pack("{s:b}", "reset", (int)request->reset));

	if (!answer)
		return 1;
	if (request->json)
		ctl_print_json(answer);
	else
		puts(request->reset ? "the node resets" : "the node powers off");
	json_decref(answer);
	return 0;
}
