/*
 * The source tree: built from the flattened devicetree (Devicetree Specification 0.3, chapter 5).
 */
#define _XOPEN_SOURCE 700
#include "source.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct source_property *source_property(const struct source_node *node, const char *name)
{
	for (size_t i = 0; node != NULL && i < node->properties_count; i++)
		if (strcmp(node->properties[i].name, name) == 0)
			return &node->properties[i];
	return NULL;
}

struct source_node *source_child(const struct source_node *node, const char *name)
{
	for (struct source_node *child = node == NULL ? NULL : node->children; child != NULL;
		child = child->next)
		if (strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

struct source_node *source_next(const struct source_node *node)
{
	if (node->children != NULL)
		return node->children;
	while (node->next == NULL && node->parent != NULL)
		node = node->parent;
	return node->next;
}

size_t source_cells(const struct source_property *property)
{
	return property == NULL ? 0 : property->bytes / 4;
}

uint32_t source_cell(const struct source_property *property, size_t index)
{
	fdt32_t cell;

	memcpy(&cell, property->data + 4 * index, sizeof(cell));
	return fdt32_to_cpu(cell);
}

/* 0: it has none; dtc gives no such phandle. */
static uint32_t phandle_of(const struct source_node *node)
{
	const struct source_property *property = source_property(node, "phandle");

	return property != NULL && property->bytes == 4 ? source_cell(property, 0) : 0;
}

static int by_phandle(const void *left, const void *right)
{
	const uint32_t a = phandle_of(*(struct source_node *const *)left);
	const uint32_t b = phandle_of(*(struct source_node *const *)right);

	return (a > b) - (a < b);
}

static void list_referred(struct source *source)
{
	size_t count = 0;

	for (struct source_node *node = source->root; node != NULL; node = source_next(node))
		count += phandle_of(node) != 0;
	source->referred = arena_array(source->arena, count, sizeof(struct source_node *));
	for (struct source_node *node = source->root; node != NULL; node = source_next(node))
		if (phandle_of(node) != 0)
			source->referred[source->referred_count++] = node;
	if (count != 0)
		qsort(source->referred, count, sizeof(struct source_node *), by_phandle);
}

struct source_node *source_by_phandle(const struct source *source, uint32_t phandle)
{
	size_t low = 0, high = source->referred_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (phandle_of(source->referred[middle]) < phandle)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == source->referred_count || phandle_of(source->referred[low]) != phandle)
		return NULL;
	return source->referred[low];
}

void source_complain(struct source *source, const struct source_diagnostic *diagnostic)
{
	struct source_diagnostic *copy = arena_alloc(source->arena, sizeof(*copy));

	*copy = *diagnostic;
	copy->next = source->diagnostics;
	source->diagnostics = copy;
}

static void add_properties(struct source *source, struct source_node *node, const void *fdt, int at)
{
	size_t count = 0;
	int offset;

	fdt_for_each_property_offset(offset, fdt, at) count++;
	node->properties = arena_array(source->arena, count, sizeof(*node->properties));
	fdt_for_each_property_offset(offset, fdt, at)
	{
		struct source_property *property = &node->properties[node->properties_count++];
		int bytes = 0;

		property->data = fdt_getprop_by_offset(fdt, offset, &property->name, &bytes);
		property->bytes = (size_t)bytes;
		property->at = node->at;
	}
}

static const char *child_path(
	struct source *source, const struct source_node *parent, const char *name)
{
	const char *above = parent == NULL || parent->parent == NULL ? "" : parent->path;
	size_t length = strlen(above) + strlen(name) + 2;
	char *path = arena_alloc(source->arena, length);

	snprintf(path, length, "%s/%s", above, name);
	return path;
}

static struct source_node *add_node(
	struct source *source, struct source_node *parent, const void *fdt, int offset)
{
	struct source_node *node = arena_alloc(source->arena, sizeof(*node));
	struct source_node **last;

	node->name = fdt_get_name(fdt, offset, NULL);
	node->path = child_path(source, parent, node->name);
	node->at = (struct location){ source->path, 0, 0 };
	node->parent = parent;
	if (parent != NULL) {
		for (last = &parent->children; *last != NULL;)
			last = &(*last)->next;
		*last = node;
	}
	add_properties(source, node, fdt, offset);
	return node;
}

static void build(struct source *source, const void *fdt)
{
	struct source_node *node = source->root = add_node(source, NULL, fdt, 0);
	int depth = 0, above = 0;

	for (int offset = fdt_next_node(fdt, 0, &depth); offset >= 0 && depth > 0;
		offset = fdt_next_node(fdt, offset, &depth)) {
		for (; above >= depth; above--)
			node = node->parent;
		node = add_node(source, node, fdt, offset);
		above = depth;
	}
}

static const char *scratch_file(struct source *source, const char *name)
{
	size_t length = strlen(source->scratch) + strlen(name) + 2;
	char *path = arena_alloc(source->arena, length);

	snprintf(path, length, "%s/%s", source->scratch, name);
	return path;
}

static bool open_scratch(struct source *source)
{
	const char *parent = getenv("TMPDIR");
	size_t length;
	char *dir;

	if (parent == NULL)
		parent = P_tmpdir;
	length = strlen(parent) + sizeof("/mullion-XXXXXX");
	dir = arena_alloc(source->arena, length);
	snprintf(dir, length, "%s/mullion-XXXXXX", parent);
	source->scratch = mkdtemp(dir);
	return source->scratch != NULL;
}

static void close_scratch(struct source *source)
{
	static const char *const names[] = { "cpp.errors", "dtc.errors", "source.dts",
		"annotated.dts", "source.dtb" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(scratch_file(source, names[i]));
	rmdir(source->scratch);
}

static void compile(struct source *source)
{
	const char *preprocessed = scratch_file(source, "source.dts");
	const char *annotated = scratch_file(source, "annotated.dts");
	const char *dtb = scratch_file(source, "source.dtb");
	size_t bytes = 0;
	char *fdt, *text;

	if (!tools_preprocess(source, preprocessed))
		return;
	places_read(source, preprocessed);
	statements_scan(source);
	if (!tools_compile(source, preprocessed, annotated, dtb))
		return;
	fdt = tools_text(source->arena, dtb, &bytes);
	text = tools_text(source->arena, annotated, NULL);
	if (fdt == NULL || text == NULL || fdt_check_full(fdt, bytes) != 0)
		return;
	build(source, fdt);
	list_referred(source);
	places_annotate(source, text);
}

static void refuse(struct source *source, const char *text)
{
	const struct source_diagnostic diagnostic = {
		.at = { source->path, 0, 0 }, .tool = SOURCE_FILE, .text = text
	};

	source_complain(source, &diagnostic);
}

void source_load(struct source *source, const char *path, struct arena *arena)
{
	*source = (struct source){ .path = path, .arena = arena };
	if (access(path, R_OK) != 0) {
		refuse(source, "the file cannot be read");
		return;
	}
	if (!open_scratch(source)) {
		refuse(source, "no directory for temporary files can be made");
		return;
	}
	compile(source);
	close_scratch(source);
	if (source->root == NULL && source->diagnostics == NULL)
		refuse(source, "dtc's output cannot be read");
}
