/*
 * cpp and dtc as seen from here: run with fixed options, their complaints taken apart.
 *
 * dtc's checks stay on, and what they find is refused, with these exceptions:
 * - unit_address_vs_reg: a window's unit address is its offset, it has no `reg`;
 * - unit_address_format: that offset is decimal, and may start with 0;
 * - avoid_unnecessary_addr_size, unique_unit_address: about buses; our own rules compare addresses.
 */
#define _XOPEN_SOURCE 700
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_DEFINITIONS 32u

static const char *config_dir;
static const char *definitions[MOST_DEFINITIONS];
static size_t definitions_count;

void source_config_dir(const char *dir)
{
	config_dir = dir;
}

const char *source_config(void)
{
	const char *dir = config_dir != NULL ? config_dir : getenv("MULLION_CONFIG");

	return dir != NULL ? dir : "config";
}

void source_define(const char *definition)
{
	if (definitions_count < MOST_DEFINITIONS)
		definitions[definitions_count++] = definition;
}

char *tools_text(struct arena *arena, const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	size_t room = 65536, used = 0;
	char *text;

	if (file == NULL)
		return NULL;
	text = arena_alloc(arena, room + 1);
	while ((used += fread(text + used, 1, room - used, file)) == room) {
		char *more = arena_alloc(arena, 2 * room + 1);

		memcpy(more, text, used);
		text = more;
		room *= 2;
	}
	text[used] = '\0';
	if (bytes != NULL)
		*bytes = used;
	return ferror(file) | fclose(file) ? NULL : text;
}

static void child(const char *const *arguments, const char *errors)
{
	int null = open("/dev/null", O_RDWR);
	int file = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (null < 0 || file < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(file, 2) < 0)
		_exit(127);
	setenv("LC_ALL", "C", 1); /* the complaints are read by tools_*, not by a person */
	execvp(arguments[0], (char *const *)(uintptr_t)arguments);
	_exit(127);
}

static int run(const char *const *arguments, const char *errors)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return 127;
	if (pid == 0)
		child(arguments, errors);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

static const char *join(struct source *source, const char *dir, const char *name)
{
	size_t length = strlen(dir) + strlen(name) + 2;
	char *path = arena_alloc(source->arena, length);

	snprintf(path, length, "%s/%s", dir, name);
	return path;
}

static void complain(struct source *source, enum source_tool tool, struct location at,
	const char *check, const char *text)
{
	struct source_diagnostic diagnostic = { .at = at, .tool = tool, .check = check };

	diagnostic.text = arena_text(source->arena, text, strlen(text));
	source_complain(source, &diagnostic);
}

/* Where nothing better is known, the file as a whole. */
static struct location whole(const struct source *source)
{
	return (struct location){ source->path, 0, 0 };
}

/* `file:line:column: fatal error: text`; notes and include stacks are skipped. */
static void cpp_line(struct source *source, char *line)
{
	char *text = strstr(line, "error: ");
	char *name = line, *number;
	struct location at = whole(source);

	if (text == NULL || (number = strchr(name, ':')) == NULL)
		return;
	*number = '\0';
	if (sscanf(number + 1, "%u:%u", &at.line, &at.column) == 2)
		at.file = arena_text(source->arena, name, strlen(name));
	complain(source, SOURCE_CPP, at, NULL, text + strlen("error: "));
}

/* `file:line.column-column` or `file:line.column-line.column`, up to the first blank. */
static struct location dtc_place(struct source *source, const char *text, size_t length)
{
	struct location at = whole(source);
	char *place = arena_text(source->arena, text, length);
	char *colon = strrchr(place, ':');

	if (colon == NULL || sscanf(colon + 1, "%u.%u", &at.line, &at.column) != 2)
		return whole(source);
	*colon = '\0';
	at.file = place;
	at.column = places_column(source, at.file, at.line, at.column);
	return at;
}

/* `Error: PLACE text` */
static bool dtc_syntax(struct source *source, const char *line)
{
	const char *place = line + strlen("Error: "), *end;

	if (strncmp(line, "Error: ", strlen("Error: ")) != 0)
		return false;
	end = strchr(place, ' ');
	if (end == NULL)
		return false;
	complain(
		source, SOURCE_DTC, dtc_place(source, place, (size_t)(end - place)), NULL, end + 1);
	return true;
}

/* dtc names the node that refers; the reference itself is found by its label. */
static struct location reference_place(struct source *source, struct location at, const char *text)
{
	const char *open = strchr(text, '"'), *close = strrchr(text, '"');
	size_t nth = 0;

	if (open == NULL || close == open)
		return at;
	for (const struct source_diagnostic *d = source->diagnostics; d != NULL; d = d->next)
		nth += strstr(d->text, open) != NULL;
	places_reference(
		source, arena_text(source->arena, open + 1, (size_t)(close - open - 1)), nth, &at);
	return at;
}

/* Whether statements.c has said the same, with a better place. */
static bool known_from_text(const struct source *source, const char *check)
{
	for (const struct source_diagnostic *d = source->diagnostics; d != NULL; d = d->next)
		if (d->tool == SOURCE_TEXT && strcmp(d->check, check) == 0)
			return true;
	return false;
}

/* `PLACE: ERROR (check): PATH: text` or `PLACE: Warning (check): PATH: text` */
static bool dtc_check(struct source *source, const char *line)
{
	const char *kind = strstr(line, ": ERROR (");
	const char *open, *close, *text;
	struct location at;

	if (kind == NULL)
		kind = strstr(line, ": Warning (");
	if (kind == NULL || (open = strchr(kind, '(')) == NULL ||
		(close = strchr(open, ')')) == NULL)
		return false;
	text = strstr(close, ": ");
	if (text == NULL || strstr(close, "Failed prerequisite") != NULL)
		return false;
	at = dtc_place(source, line, (size_t)(kind - line));
	open = arena_text(source->arena, open + 1, (size_t)(close - open - 1));
	if (known_from_text(source, open))
		return true;
	if (strcmp(open, "phandle_references") == 0)
		at = reference_place(source, at, text);
	complain(source, SOURCE_DTC, at, open, text + 2);
	return true;
}

static void dtc_line(struct source *source, char *line)
{
	static const char fatal[] = "FATAL ERROR: Couldn't open";

	if (dtc_syntax(source, line) || dtc_check(source, line))
		return;
	if (strncmp(line, fatal, strlen(fatal)) == 0)
		complain(source, SOURCE_DTC, whole(source), NULL, line + strlen("FATAL ERROR: "));
}

static void each_line(struct source *source, const char *path,
	void (*function)(struct source *source, char *line))
{
	char *text = tools_text(source->arena, path, NULL);
	char *end;

	for (; text != NULL && *text != '\0'; text = end) {
		end = strchr(text, '\n');
		if (end != NULL)
			*end++ = '\0';
		else
			end = text + strlen(text);
		function(source, text);
	}
}

static bool finished(struct source *source, enum source_tool tool, const char *name, int status)
{
	char text[128];

	if (status == 0 && source->diagnostics == NULL)
		return true;
	if (source->diagnostics != NULL)
		return false;
	if (status == 127)
		snprintf(text, sizeof(text), "%s could not be started: it is not installed", name);
	else
		snprintf(text, sizeof(text), "%s failed without a word (status %d)", name, status);
	complain(source, tool, whole(source), NULL, text);
	return false;
}

bool tools_preprocess(struct source *source, const char *output)
{
	const char *errors = join(source, source->scratch, "cpp.errors");
	const char *arguments[16 + 2 * MOST_DEFINITIONS] = { "cpp", "-nostdinc", "-undef", "-x",
		"assembler-with-cpp", "-I", join(source, source_config(), "include"), "-I",
		source_config(), source->path, "-o", output };
	size_t used = 12;
	int status;

	for (size_t i = 0; i < definitions_count; i++) {
		arguments[used++] = "-D";
		arguments[used++] = definitions[i];
	}
	status = run(arguments, errors);
	each_line(source, errors, cpp_line);
	return finished(source, SOURCE_CPP, "cpp", status);
}

#define DTC_CHECKS                                                                                 \
	"-Wno-unit_address_vs_reg", "-Wno-unit_address_format",                                    \
		"-Wno-avoid_unnecessary_addr_size", "-Wno-unique_unit_address",                    \
		"-Wno-interrupts_property"

bool tools_compile(struct source *source, const char *input, const char *annotated, const char *dtb)
{
	const char *errors = join(source, source->scratch, "dtc.errors");
	const char *const annotate[] = { "dtc", "-T", "-T", DTC_CHECKS, "-I", "dts", "-O", "dts",
		"-i", source_config(), "-o", annotated, input, NULL };
	const char *const compile[] = { "dtc", "-q", DTC_CHECKS, "-I", "dts", "-O", "dtb", "-i",
		source_config(), "-o", dtb, input, NULL };
	int status = run(annotate, errors);

	each_line(source, errors, dtc_line);
	if (!finished(source, SOURCE_DTC, "dtc", status))
		return false;
	return finished(source, SOURCE_DTC, "dtc", run(compile, errors));
}
