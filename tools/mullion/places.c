/*
 * Places: which line and column of the user's file a node or property comes from.
 *
 * dtc honours cpp's line markers, so its lines are the user's; its columns count in the
 * preprocessed line, where macros are expanded and comments gone. A column is carried over by
 * token: the third `duration-ns` of the preprocessed line is the third one of the user's line.
 */
#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source_line {
	const char *file;
	unsigned line;
	const char *text;
};

struct source_file {
	const char *name;
	char *text;   /* comments blanked; NULL if unreadable */
	char **lines; /* where each begins */
	size_t lines_count;
	struct source_file *next;
};

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr(",._+*#?@-", c) != NULL);
}

static char *cut_line(char *text)
{
	char *end = strchr(text, '\n');

	if (end == NULL)
		return text + strlen(text);
	*end = '\0';
	return end + 1;
}

static size_t count_lines(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

/* `# 12 "file" 1` */
static bool line_marker(struct source *source, const char *text, const char **file, unsigned *line)
{
	const char *open = strchr(text, '"'), *close = strrchr(text, '"');

	if (sscanf(text, "# %u", line) != 1 || open == NULL || close == open)
		return false;
	*file = arena_text(source->arena, open + 1, (size_t)(close - open - 1));
	return true;
}

static int compare_place(const struct source_line *a, const char *file, unsigned line)
{
	return a->line != line ? (a->line > line) - (a->line < line) : strcmp(a->file, file);
}

/* qsort tells nothing but the elements: which lines they number. */
static const struct source_line *sorted_lines;

/* Of equal places the first comes first. */
static int by_place(const void *left, const void *right)
{
	const size_t a = *(const size_t *)left, b = *(const size_t *)right;
	const int by = compare_place(&sorted_lines[a], sorted_lines[b].file, sorted_lines[b].line);

	return by != 0 ? by : (a > b) - (a < b);
}

static void order_lines(struct source *source)
{
	source->lines_order =
		arena_array(source->arena, source->lines_count, sizeof(*source->lines_order));
	for (size_t i = 0; i < source->lines_count; i++)
		source->lines_order[i] = i;
	sorted_lines = source->lines;
	qsort(source->lines_order, source->lines_count, sizeof(*source->lines_order), by_place);
}

/* The first line that dtc read from there; lines_count if there is none. */
static size_t line_index(const struct source *source, const char *file, unsigned line)
{
	size_t low = 0, high = source->lines_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare_place(&source->lines[source->lines_order[middle]], file, line) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == source->lines_count ||
		compare_place(&source->lines[source->lines_order[low]], file, line) != 0)
		return source->lines_count;
	return source->lines_order[low];
}

void places_read(struct source *source, const char *preprocessed)
{
	char *text = tools_text(source->arena, preprocessed, NULL), *next;
	const char *file = source->path;
	unsigned line = 1;

	if (text == NULL)
		return;
	source->lines = arena_array(source->arena, count_lines(text), sizeof(*source->lines));
	for (; *text != '\0'; text = next) {
		next = cut_line(text);
		if (line_marker(source, text, &file, &line))
			continue;
		source->lines[source->lines_count++] = (struct source_line){ file, line, text };
		line++;
	}
	order_lines(source);
}

/* Comments become blanks, so that only what cpp passes on is counted. */
static void blank_comments(char *text)
{
	enum { CODE, STRING, LINE, BLOCK } state = CODE;

	for (; *text != '\0'; text++) {
		if (state == STRING) {
			if (*text == '\\' && text[1] != '\0')
				text++;
			else if (*text == '"')
				state = CODE;
		} else if (state == CODE) {
			if (*text == '"')
				state = STRING;
			else if (text[0] == '/' && text[1] == '/')
				state = LINE;
			else if (text[0] == '/' && text[1] == '*')
				state = BLOCK;
		}
		if (state == LINE && *text == '\n')
			state = CODE;
		if (state == BLOCK && text[0] == '*' && text[1] == '/') {
			*text++ = ' ';
			*text = ' ';
			state = CODE;
		} else if (state >= LINE && *text != '\n') {
			*text = ' ';
		}
	}
}

static void list_lines(struct source *source, struct source_file *file)
{
	file->lines = arena_array(source->arena, count_lines(file->text), sizeof(*file->lines));
	for (char *text = file->text; text != NULL; text = strchr(text, '\n')) {
		text += file->lines_count != 0;
		file->lines[file->lines_count++] = text;
	}
}

static const struct source_file *user_file(struct source *source, const char *name)
{
	struct source_file *file = source->files;

	while (file != NULL && strcmp(file->name, name) != 0)
		file = file->next;
	if (file == NULL) {
		file = arena_alloc(source->arena, sizeof(*file));
		file->name = name;
		file->text = tools_text(source->arena, name, NULL);
		file->next = source->files;
		source->files = file;
		if (file->text != NULL) {
			blank_comments(file->text);
			list_lines(source, file);
		}
	}
	return file;
}

static const char *user_line(struct source *source, const char *name, unsigned line)
{
	const struct source_file *file = user_file(source, name);

	return line - 1 < file->lines_count ? file->lines[line - 1] : NULL;
}

static const char *dtc_line(const struct source *source, const char *file, unsigned line)
{
	const size_t i = line_index(source, file, line);

	return i < source->lines_count ? source->lines[i].text : NULL;
}

/* The length of the token at `text`: a name, or one character. */
static size_t token_length(const char *text)
{
	size_t length = 0;

	while (in_name(text[length]))
		length++;
	return length == 0 ? 1 : length;
}

/* The next place in the line where the same token stands, or NULL. */
static const char *find_token(const char *line, const char *from, const char *token, size_t length)
{
	const char *end = from + strcspn(from, "\n");

	for (; from + length <= end; from++) {
		if (strncmp(from, token, length) != 0)
			continue;
		if (!in_name(*token))
			return from;
		if ((from == line || !in_name(from[-1])) && !in_name(from[length]))
			return from;
	}
	return NULL;
}

unsigned places_column(struct source *source, const char *file, unsigned line, unsigned column)
{
	const char *seen = dtc_line(source, file, line);
	const char *written = user_line(source, file, line);
	const char *token, *at, *found;
	size_t length;

	if (seen == NULL || written == NULL || column == 0 || column > strlen(seen))
		return column;
	token = seen + column - 1;
	length = token_length(token);
	found = find_token(written, written, token, length);
	for (at = find_token(seen, seen, token, length); at != NULL && at < token && found != NULL;
		at = find_token(seen, at + length, token, length))
		found = find_token(written, found + length, token, length);
	return found == NULL ? column : (unsigned)(found - written) + 1;
}

const char *places_line(const struct source *source, size_t index, struct location *at)
{
	if (index >= source->lines_count)
		return NULL;
	*at = (struct location){ source->lines[index].file, source->lines[index].line, 0 };
	return source->lines[index].text;
}

bool places_reference(struct source *source, const char *label, size_t nth, struct location *at)
{
	const size_t length = strlen(label);

	for (size_t i = 0; i < source->lines_count; i++) {
		const struct source_line *line = &source->lines[i];

		for (const char *ref = strchr(line->text, '&'); ref != NULL;
			ref = strchr(ref + 1, '&')) {
			if (strncmp(ref + 1, label, length) != 0 || in_name(ref[1 + length]) ||
				nth-- != 0)
				continue;
			*at = (struct location){ line->file, line->line,
				(unsigned)(ref - line->text) + 1 };
			at->column = places_column(source, at->file, at->line, at->column + 1) - 1;
			return true;
		}
	}
	return false;
}

/* A node's range starts at its brace; the name stands before it. */
static unsigned name_column(
	const struct source *source, const char *file, unsigned line, unsigned column)
{
	const char *text = dtc_line(source, file, line);
	unsigned at = column;

	if (text == NULL || column == 0 || column > strlen(text))
		return column;
	while (at > 1 && isspace((unsigned char)text[at - 2]))
		at--;
	if (at <= 1 || !in_name(text[at - 2]))
		return column;
	while (at > 1 && in_name(text[at - 2]))
		at--;
	return at;
}

/* One `file:line:column-line:column` of a list; false at its end. */
static bool next_place(struct source *source, const char **list, struct location *at)
{
	const char *colon = *list, *end = strstr(*list, ", ");
	size_t length;

	if (**list == '\0')
		return false;
	if (end == NULL)
		end = *list + strlen(*list);
	length = (size_t)(end - *list);
	char *place = arena_text(source->arena, *list, length);
	*list = *end == '\0' ? end : end + 2;
	colon = strstr(place, ":");
	for (; colon != NULL; colon = strchr(colon + 1, ':'))
		if (sscanf(colon, ":%u:%u-", &at->line, &at->column) == 2)
			break;
	if (colon == NULL)
		return false;
	place[colon - place] = '\0';
	at->file = place;
	return true;
}

/* Of several places, the first in the user's main file; else the first. */
static bool best_place(struct source *source, const char *list, struct location *best)
{
	struct location at;
	bool found = false;

	while (next_place(source, &list, &at)) {
		const bool main_file = strcmp(at.file, source->path) == 0;

		if (!found || main_file)
			*best = at;
		found = true;
		if (main_file)
			break;
	}
	return found;
}

/* dtc's comment at the end of a line, cut off and returned; "" if there is none. */
static char *cut_annotation(char *line)
{
	char *open = NULL, *close, *end;

	for (char *at = strstr(line, "/* "); at != NULL; at = strstr(at + 1, "/* "))
		open = at;
	if (open == NULL || (close = strstr(open, " */")) == NULL || close[3] != '\0')
		return line + strlen(line);
	*close = '\0';
	for (end = open; end > line && end[-1] == ' ';)
		end--;
	*end = '\0';
	return open + strlen("/* ");
}

static enum source_form form_of(const char *value)
{
	bool strings = false, cells = false, wide = false, other = false;

	for (; *value != '\0'; value++) {
		if (*value == '"') {
			strings = true;
			for (value++; *value != '"' && *value != '\0'; value++)
				value += *value == '\\' && value[1] != '\0';
			if (*value == '\0')
				break;
		} else if (*value == '[') {
			other = true;
		} else if (*value == '/') {
			wide |= strncmp(value, "/bits/ 64", 9) == 0;
			other |= strncmp(value, "/bits/ 64", 9) != 0;
			value += strcspn(value, ">");
			if (*value == '\0')
				break;
		} else if (*value == '<') {
			cells = true;
		}
	}
	if (other || strings + cells + wide > 1)
		return SOURCE_OTHER;
	return strings ? SOURCE_STRINGS : wide ? SOURCE_WIDE : cells ? SOURCE_CELLS : SOURCE_EMPTY;
}

/* References up to the semicolon, strings left out. False: the statement goes on in the next line. */
static bool count_in_line(const char *text, size_t *count)
{
	for (; *text != '\0' && *text != ';'; text++) {
		*count += *text == '&';
		if (*text != '"')
			continue;
		for (text++; *text != '"' && *text != '\0'; text++)
			text += *text == '\\' && text[1] != '\0';
		if (*text == '\0')
			break;
	}
	return *text == ';';
}

/* With how many references the statement was written that dtc saw at a place. */
static size_t count_references(const struct source *source, const struct location *at)
{
	size_t i = line_index(source, at->file, at->line), count = 0, skip = at->column - 1;

	if (i == source->lines_count || at->column == 0 || skip > strlen(source->lines[i].text))
		return 0;
	for (; i < source->lines_count; i++, skip = 0)
		if (count_in_line(source->lines[i].text + skip, &count))
			break;
	return count;
}

static void annotate_property(
	struct source *source, struct source_node *node, char *line, const char *places)
{
	char *equals = strstr(line, " = ");
	const char *name;

	line[strlen(line) - 1] = '\0';
	if (equals != NULL)
		*equals = '\0';
	name = strrchr(line, ' ');
	name = name == NULL ? line : name + 1;
	for (size_t i = 0; i < node->properties_count; i++) {
		struct source_property *property = &node->properties[i];

		if (strcmp(property->name, name) != 0)
			continue;
		property->form = equals == NULL ? SOURCE_EMPTY : form_of(equals + 3);
		property->at = node->at;
		if (!best_place(source, places, &property->at))
			continue;
		property->references = count_references(source, &property->at);
		property->at.column = places_column(
			source, property->at.file, property->at.line, property->at.column);
	}
}

static void annotate_node(
	struct source *source, struct source_node *node, char *line, const char *places)
{
	char *colon = strchr(line, ':');
	unsigned column;

	if (colon != NULL)
		node->label = arena_text(source->arena, line, (size_t)(colon - line));
	if (!best_place(source, places, &node->at))
		return;
	column = name_column(source, node->at.file, node->at.line, node->at.column);
	node->at.column = places_column(source, node->at.file, node->at.line, column);
}

void places_annotate(struct source *source, char *text)
{
	struct source_node *node = NULL, *next_node = source->root;
	char *next;

	for (; *text != '\0'; text = next) {
		char *line, *places;
		size_t length;

		next = cut_line(text);
		line = text + strspn(text, "\t ");
		places = cut_annotation(line);
		length = strlen(line);
		if (length == 0 || strcmp(line, "/dts-v1/;") == 0)
			continue;
		if (strcmp(line, "};") == 0 && node != NULL) {
			node = node->parent;
		} else if (line[length - 1] == '{' && next_node != NULL) {
			node = next_node;
			next_node = source_next(node);
			annotate_node(source, node, line, places);
		} else if (node != NULL) {
			annotate_property(source, node, line, places);
		}
	}
}
