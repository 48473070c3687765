/*
 * A description as a tree of nodes and properties, each with its place in the user's own file.
 *
 * cpp and dtc do the reading; libfdt gives the values, dtc's annotations the places and the form a
 * value was written in. What the two programs object to is kept as diagnostics, for the rules to
 * put into words.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "arena.h"
#include "model.h"

/* How a value was written. */
enum source_form {
	SOURCE_EMPTY,   /* name; */
	SOURCE_STRINGS, /* "a", "b" */
	SOURCE_CELLS,   /* <1 2>, <3> */
	SOURCE_WIDE,    /* /bits/ 64 <1 2> */
	SOURCE_OTHER    /* bytes, or a mixture */
};

struct source_property {
	const char *name;
	struct location at;
	enum source_form form;
	size_t references; /* how many `&` the value was written with */
	const uint8_t *data;
	size_t bytes;
	bool tainted; /* an error was found here: what follows from the value is not worth saying */
};

struct source_node {
	const char *name, *label, *path;
	struct location at;
	struct source_node *parent, *children, *next;
	struct source_property *properties;
	size_t properties_count;
	bool tainted;
};

enum source_tool { SOURCE_FILE, SOURCE_CPP, SOURCE_TEXT, SOURCE_DTC };

struct source_diagnostic {
	struct location at;
	enum source_tool tool;
	const char *check; /* dtc's name of the check, NULL for a syntax error; SOURCE_TEXT uses it
			      too */
	const char *text;
	struct source_diagnostic *next;
};

struct source {
	const char *path;
	struct arena *arena;
	struct source_node *root; /* NULL if the description could not be read at all */
	struct source_diagnostic *diagnostics;
	const char *scratch;       /* the directory the tools write to, removed in the end */
	struct source_line *lines; /* what dtc read, by place in the user's files */
	size_t lines_count;
	size_t *lines_order; /* the same by line, then file, for searching */
	struct source_file *files;
	struct source_node **referred; /* nodes with a phandle, by that */
	size_t referred_count;
};

/* Where boards/ and include/ lie. Without it: the environment's MULLION_CONFIG, else "config". */
void source_config_dir(const char *dir);
const char *source_config(void);

/* A macro for cpp, "NAME" or "NAME=VALUE", of every description that is read from now on. */
void source_define(const char *definition);

void source_load(struct source *source, const char *path, struct arena *arena);

const struct source_property *source_property(const struct source_node *node, const char *name);
struct source_node *source_child(const struct source_node *node, const char *name);
/* The next node of the whole tree, depth first; NULL at the end. */
struct source_node *source_next(const struct source_node *node);
struct source_node *source_by_phandle(const struct source *source, uint32_t phandle);
uint32_t source_cell(const struct source_property *property, size_t index);
size_t source_cells(const struct source_property *property);
void source_complain(struct source *source, const struct source_diagnostic *diagnostic);

/* places.c */
/* Keep what dtc reads, so that its columns can be turned into the user's. */
void places_read(struct source *source, const char *preprocessed);
/* Give every node and property its place and form from dtc's annotated output. */
void places_annotate(struct source *source, char *annotated);
/* The nth line that dtc reads and its place; NULL after the last. */
const char *places_line(const struct source *source, size_t index, struct location *at);
/* Where a reference to a label stands for the nth time, counted from 0; false if it does not. */
bool places_reference(struct source *source, const char *label, size_t nth, struct location *at);
/* The user's column for dtc's column. */
unsigned places_column(struct source *source, const char *file, unsigned line, unsigned column);

/* statements.c */
/* Complain about properties and nodes that are stated twice. */
void statements_scan(struct source *source);

/* tools.c */
/* Run cpp and dtc; what they say becomes diagnostics. Return false if there is no result. */
bool tools_preprocess(struct source *source, const char *output);
bool tools_compile(
	struct source *source, const char *input, const char *annotated, const char *dtb);
/* A file's text, NUL-terminated; NULL if it cannot be read. */
char *tools_text(struct arena *arena, const char *path, size_t *bytes);

#endif
