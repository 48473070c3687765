/*
 * See table.h.
 */
#include "table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"

static void add(struct table *table, char *cell)
{
	char *c;

	for (c = cell; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	table->cells = allocate_more(table->cells, table->count + 1, sizeof(*table->cells));
	table->cells[table->count++] = cell;
}

void table_add(struct table *table, const char *format, ...)
{
	va_list arguments;
	char *cell;

	va_start(arguments, format);
	if (vasprintf(&cell, format, arguments) < 0)
		abort(); /* out of memory */
	va_end(arguments);
	add(table, cell);
}

void table_begin(struct table *table, const char *heading)
{
	*table = (struct table){ 0 };
	while (*heading) {
		const size_t length = strcspn(heading, "|");
		const unsigned right = *heading == '>';

		table->right |= right << table->columns++;
		table_add(table, "%.*s", (int)(length - right), heading + right);
		heading += length + (heading[length] == '|');
	}
}

static void measure(const struct table *table, size_t widths[TABLE_COLUMNS_MAX])
{
	size_t i;

	memset(widths, 0, TABLE_COLUMNS_MAX * sizeof(*widths));
	for (i = 0; i < table->count; i++) {
		const size_t length = strlen(table->cells[i]);

		if (widths[i % table->columns] < length)
			widths[i % table->columns] = length;
	}
}

static void print_cell(const struct table *table, FILE *out, size_t i, size_t width)
{
	const size_t column = i % table->columns;
	const bool right = table->right >> column & 1u, last = column + 1 == table->columns;

	fprintf(out, "%s%*s", column ? "  " : "",
		right  ? (int)width
		: last ? 0
		       : -(int)width,
		table->cells[i]);
	if (last)
		fputc('\n', out);
}

void table_end(struct table *table, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX], i;

	measure(table, widths);
	for (i = 0; i < table->count; i++) {
		print_cell(table, out, i, widths[i % table->columns]);
		free(table->cells[i]);
	}
	free(table->cells);
	*table = (struct table){ 0 };
}
