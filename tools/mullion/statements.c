/*
 * What dtc merges in silence: a property stated twice in one pair of braces, a node opened twice in
 * one file. dtc lets the last one win where a node continues one that an included file began.
 *
 * Reads the preprocessed text; knows no more of the grammar than braces, semicolons and strings.
 */
#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct name {
	const char *text;
	struct location at;
	struct name *next;
};

/* An open pair of braces. */
struct body {
	const char *path;
	struct name *properties;
	struct body *above;
};

#define BUCKETS 4096u

struct scanner {
	struct source *source;
	struct body *body;
	struct name *nodes[BUCKETS]; /* paths opened so far, by their hash */
	char word[256];              /* the last word of the statement, before its = */
	size_t length;
	struct location at; /* of the word */
	bool value;         /* an = was seen */
	bool directive;     /* the statement began with a /word/ */
};

static const struct name *find(const struct name *list, const char *text, const char *file)
{
	for (; list != NULL; list = list->next)
		if (strcmp(list->text, text) == 0 &&
			(file == NULL || strcmp(list->at.file, file) == 0))
			return list;
	return NULL;
}

static void add(struct scanner *s, struct name **list, const char *text)
{
	struct name *name = arena_alloc(s->source->arena, sizeof(*name));

	*name = (struct name){ text, s->at, *list };
	*list = name;
}

static void complain(
	struct scanner *s, const char *check, const char *what, const struct name *first)
{
	struct source_diagnostic diagnostic = { .at = s->at, .tool = SOURCE_TEXT, .check = check };
	const size_t room = strlen(first->text) + 80;
	char *text = arena_alloc(s->source->arena, room);

	snprintf(text, room, "%s `%s` is stated in line %u already", what, first->text,
		first->at.line);
	diagnostic.text = text;
	diagnostic.at.column = places_column(s->source, s->at.file, s->at.line, s->at.column);
	source_complain(s->source, &diagnostic);
}

static void begin_statement(struct scanner *s)
{
	s->length = 0;
	s->value = s->directive = false;
}

/* FNV-1a. */
static struct name **bucket(struct scanner *s, const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path != '\0'; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return &s->nodes[hash % BUCKETS];
}

static void open_body(struct scanner *s)
{
	struct body *body = arena_alloc(s->source->arena, sizeof(*body));
	const char *above = s->body == NULL ? "" : s->body->path;
	const size_t room = strlen(above) + s->length + 2;
	char *path = arena_alloc(s->source->arena, room);
	const struct name *first;

	snprintf(path, room, "%s%s%s", above,
		above[0] == '\0' || strcmp(above, "/") == 0 ? "" : "/", s->word);
	body->path = path;
	body->above = s->body;
	s->body = body;
	first = find(*bucket(s, path), path, s->at.file);
	if (first != NULL)
		complain(s, "duplicate_node_names", "the node", first);
	else
		add(s, bucket(s, path), path);
	begin_statement(s);
}

static void end_statement(struct scanner *s)
{
	const struct name *first;

	if (s->length != 0 && s->body != NULL && !s->directive) {
		first = find(s->body->properties, s->word, NULL);
		if (first != NULL)
			complain(s, "duplicate_property_names", "the property", first);
		else
			add(s, &s->body->properties,
				arena_text(s->source->arena, s->word, s->length));
	}
	begin_statement(s);
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr(",._+*#?@&/-", c) != NULL);
}

/* A word of a statement's head; labels are followed by a colon and forgotten. */
static const char *take_word(struct scanner *s, const char *text, struct location at)
{
	const char *end = text;

	while (in_word(*end))
		end++;
	if (s->value)
		return end;
	if (*text == '/' && end > text + 1)
		s->directive = true;
	s->length =
		(size_t)(end - text) < sizeof(s->word) ? (size_t)(end - text) : sizeof(s->word) - 1;
	memcpy(s->word, text, s->length);
	s->word[s->length] = '\0';
	s->at = at;
	return end;
}

static const char *skip_string(const char *text)
{
	for (text++; *text != '\0' && *text != '"'; text++)
		text += *text == '\\' && text[1] != '\0';
	return *text == '\0' ? text : text + 1;
}

static const char *take_mark(struct scanner *s, const char *text)
{
	switch (*text) {
	case '{':
		open_body(s);
		break;
	case '}':
		if (s->body != NULL)
			s->body = s->body->above;
		begin_statement(s);
		break;
	case ';':
		end_statement(s);
		break;
	case '=':
		s->value = true;
		break;
	case ':':
		s->length = s->value ? s->length : 0;
		break;
	default:
		break;
	}
	return text + 1;
}

void statements_scan(struct source *source)
{
	struct scanner s = { .source = source };
	struct location at;

	for (size_t i = 0; places_line(source, i, &at) != NULL; i++) {
		const char *line = places_line(source, i, &at), *text = line;

		while (*text != '\0') {
			at.column = (unsigned)(text - line) + 1;
			if (*text == '"')
				text = skip_string(text);
			else if (in_word(*text))
				text = take_word(&s, text, at);
			else
				text = take_mark(&s, text);
		}
	}
}
