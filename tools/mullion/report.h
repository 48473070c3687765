/*
 * Teaching errors: where it is, which rule it breaks, what is wrong in the user's words, how to fix
 * it.
 *
 * Findings are collected first and printed once, in source order, none twice.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "arena.h"
#include "model.h"

struct finding {
	struct location at;
	const char *rule;
	const char *sentence; /* no full stop: the repair follows after a semicolon */
	const char *repair;
};

struct report {
	struct arena *arena;
	struct finding *findings;
	size_t count, room;
};

/* The strings must live as long as the report's arena. */
void report_add(struct report *report, const struct finding *finding);

/* Order by file, line, column, rule and sentence; drop what is said twice. */
void report_sort(struct report *report);

/* One line per finding: `file:line:column: error: [rule] sentence; repair`. Sorts first. */
void report_print(struct report *report, FILE *stream);

#endif
