/*
 * mullion ctl report: asks a node for all that its page shows, twice for what is a rate.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl.h"
#include "node_page.h"
#include "whole_file.h"

#define BETWEEN_MS 500

static bool take_counters(struct session *session, struct counters *counters)
{
	json_t *answer = session_ask(session, "counters", NULL);
	const bool good = counters_take(counters, answer);

	if (answer && !good)
		fprintf(stderr, "%s: the node's counters cannot be read\n",
			program_invocation_name);
	json_decref(answer);
	return good;
}

static void pause_between(void)
{
	const struct timespec time = { 0, BETWEEN_MS * 1000000l };

	nanosleep(&time, NULL);
}

static void take_names(struct session *session, struct counters_node *node)
{
	char *name = session_clean(session_text(session->hello, "node"));
	char *board = session_clean(session_text(session->hello, "board"));

	(void)snprintf(node->name, sizeof(node->name), "%s", name);
	(void)snprintf(node->board, sizeof(node->board), "%s", board);
	node->clock = session_clock(session);
	node->epoch = (uint64_t)session_number(session->hello, "epoch");
	free(name);
	free(board);
}

static bool take_cpus(struct session *session, struct counters_node *node)
{
	json_t *cpus = session_ask(session, "cpus", NULL);

	if (cpus)
		counters_take_cpus(node, cpus);
	json_decref(cpus);
	return cpus != NULL;
}

/* The trace first: what follows makes control's own windows busy. */
static bool collect(struct session *session, struct node_page *page, struct jitter_report *report,
	struct trace_hint *hint, json_t **journal)
{
	take_names(session, &page->node);
	if (!trace_read_node(session, report, hint) || !take_cpus(session, &page->node) ||
		!take_counters(session, &page->before))
		return false;
	pause_between();
	if (!take_counters(session, &page->after))
		return false;
	*journal = ctl_journal_entries(session);
	page->journal = *journal;
	page->node.system = report->system;
	return *journal != NULL;
}

static bool write_page(const struct node_page *page, const char *path)
{
	struct whole_file file;

	if (!whole_file_open(&file, path))
		return false;
	node_page_write(page, file.out);
	return whole_file_close(&file, true);
}

int ctl_report(struct session *session, const struct ctl_request *request)
{
	static struct node_page page; /* large */
	struct jitter_report report = { 0 };
	struct trace_view view = { 0 };
	struct trace_hint hint = { 0 };
	json_t *journal = NULL;
	bool good = !request->system || !jitter_read_system(&report, request->system);

	page = (struct node_page){ .node.where = json_object(), .view = &view };
	good = good && collect(session, &page, &report, &hint, &journal);
	if (good) {
		trace_view_make(&view, &report, session_clock(session), &hint);
		good = write_page(&page, request->output);
	}
	trace_view_free(&view);
	json_decref(journal);
	json_decref(page.node.where);
	jitter_free(&report);
	return good ? 0 : 1;
}
