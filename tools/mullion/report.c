/*
 * The report: findings in the order a reader walks through the file.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

void report_add(struct report *report, const struct finding *finding)
{
	if (report->count == report->room) {
		size_t room = report->room == 0 ? 16 : 2 * report->room;
		struct finding *more = arena_array(report->arena, room, sizeof(*more));

		if (report->count != 0)
			memcpy(more, report->findings, report->count * sizeof(*more));
		report->findings = more;
		report->room = room;
	}
	report->findings[report->count++] = *finding;
}

static int order(unsigned a, unsigned b)
{
	return (a > b) - (a < b);
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int by = strcmp(a->at.file, b->at.file);

	if (by == 0)
		by = order(a->at.line, b->at.line);
	if (by == 0)
		by = order(a->at.column, b->at.column);
	if (by == 0)
		by = strcmp(a->rule, b->rule);
	return by != 0 ? by : strcmp(a->sentence, b->sentence);
}

void report_sort(struct report *report)
{
	size_t kept = 0;

	if (report->count == 0)
		return;
	qsort(report->findings, report->count, sizeof(*report->findings), compare);
	for (size_t i = 1; i < report->count; i++)
		if (compare(&report->findings[kept], &report->findings[i]) != 0)
			report->findings[++kept] = report->findings[i];
	report->count = kept + 1;
}

static void print_place(const struct location *at, FILE *stream)
{
	fputs(at->file, stream);
	if (at->line != 0)
		fprintf(stream, ":%u", at->line);
	if (at->column != 0)
		fprintf(stream, ":%u", at->column);
}

void report_print(struct report *report, FILE *stream)
{
	report_sort(report);
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];

		print_place(&finding->at, stream);
		fprintf(stream, ": error: [%s] %s; %s\n", finding->rule, finding->sentence,
			finding->repair);
	}
}
