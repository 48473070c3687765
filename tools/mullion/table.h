/*
 * Text in columns, as wide as their widest cell. Cells are cleaned of control characters.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 16u

struct table {
	size_t columns, count;
	unsigned right; /* a bit for each column whose cells stand on the right */
	char **cells;   /* row by row, the heading first */
};

/* heading: "NAME|STATE|>EXITS"; '>' stands for a column of numbers. */
void table_begin(struct table *table, const char *heading);
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints it, and frees it. */
void table_end(struct table *table, FILE *out);

#endif
