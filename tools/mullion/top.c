/*
 * mullion top: what a node does, live.
 */
#include <argp.h>
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "ctl.h"
#include "subcommands.h"
#include "top.h"

enum { OPTION_ONCE = 0x100, OPTION_SYSTEM };

#define ONCE_WIDTH 80u

struct request {
	struct session_options connect;
	const char *system;
	unsigned delay_ms;
	bool once;
};

struct top {
	struct session session;
	struct counters_node node;
	struct counters counters[2]; /* the earlier, the later */
	struct top_page page;
	enum top_order order;
};

static const struct argp_option options[] = {
	{ "delay", 'd', "SECONDS", 0, "between two looks at the node (1 if not given)", 1 },
	{ "once", OPTION_ONCE, NULL, 0, "print one page and end; needs no terminal", 1 },
	{ "system", OPTION_SYSTEM, "FILE", 0,
		"the system.json of the node's build: what each window should be", 1 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;
	double seconds;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->connect;
		return 0;
	case 'd':
		seconds = strtod(argument, &end);
		if (end == argument || *end || !(seconds >= 0.01 && seconds <= 3600))
			argp_error(state, "--delay takes 0.01..3600 seconds, not \"%s\"", argument);
		request->delay_ms = (unsigned)(seconds * 1000);
		return 0;
	case OPTION_ONCE:
		request->once = true;
		return 0;
	case OPTION_SYSTEM:
		request->system = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much; a node is named by -c ADDRESS", argument);
		return EINVAL;
	case ARGP_KEY_SUCCESS:
		if (!request->connect.address)
			argp_error(state,
				"which node? -c ADDRESS names its control line: " WIRE_ADDRESSES);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &connection_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = { options, parse, NULL,
	"Show, live, what each CPU and partition of a node uses.\v"
	"Columns: USED% of its CPU's time between the start of its windows and their being given "
	"back; WINDOW% the same by the description (--system); windows and exits a second; the "
	"latest start of a window ever; restarts; health events. Below, exits a second by cause, "
	"and of "
	"each channel messages a second and in all, how many wait in its queue, and how many it "
	"could "
	"not take. Keys: u sorts by use, e by exits, "
	"p as described; space looks at once; q ends.",
	children, NULL, NULL };

/* ---- Looking ---- */

static bool look(struct top *top, bool loud)
{
	json_t *answer = loud ? session_ask(&top->session, "counters", NULL)
			      : session_try(&top->session, "counters", NULL);
	bool good;

	if (!answer)
		return false;
	memmove(&top->counters[0], &top->counters[1], sizeof(top->counters[0]));
	good = counters_take(&top->counters[1], answer);
	json_decref(answer);
	if (!good && loud)
		fprintf(stderr, "%s: the node's counters cannot be read\n",
			program_invocation_name);
	return good;
}

static void take_hello(struct top *top)
{
	char *name = session_clean(session_text(top->session.hello, "node"));
	char *board = session_clean(session_text(top->session.hello, "board"));

	(void)snprintf(top->node.name, sizeof(top->node.name), "%s", name);
	(void)snprintf(top->node.board, sizeof(top->node.board), "%s", board);
	top->node.clock = session_clock(&top->session);
	top->node.epoch = (uint64_t)session_number(top->session.hello, "epoch");
	free(name);
	free(board);
}

static bool load_system(struct top *top, const char *path)
{
	json_error_t error;

	if (!path)
		return true;
	top->node.system = json_load_file(path, 0, &error);
	if (!top->node.system)
		fprintf(stderr, "%s: %s:%d:%d: %s\n", program_invocation_name, path, error.line,
			error.column, error.text);
	return top->node.system != NULL;
}

static bool begin(struct top *top, const struct request *request)
{
	json_t *cpus;

	if (!load_system(top, request->system) || !session_open(&top->session, &request->connect))
		return false;
	take_hello(top);
	cpus = session_ask(&top->session, "cpus", NULL);
	if (!cpus)
		return false;
	counters_take_cpus(&top->node, cpus);
	json_decref(cpus);
	return look(top, true);
}

static void wait_ms(unsigned milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000l };

	nanosleep(&time, NULL);
}

/* ---- One page ---- */

static int print_once(struct top *top, const struct request *request)
{
	unsigned i;

	wait_ms(request->delay_ms);
	if (!look(top, true))
		return 1;
	top->page.width = ONCE_WIDTH;
	top->page.height = TOP_LINES_MAX;
	top_draw(&top->page, &top->node, &top->counters[0], &top->counters[1], top->order);
	for (i = 0; i < top->page.lines; i++)
		puts(top->page.text[i]);
	return 0;
}

/* ---- The screen ---- */

static unsigned within(int value, unsigned low, unsigned high)
{
	return value < (int)low ? low : value > (int)high ? high : (unsigned)value;
}

static bool is_heading(const struct top_page *page, unsigned line)
{
	unsigned i;

	for (i = 0; i < TOP_TABLES; i++)
		if (line && page->headings[i] == line)
			return true;
	return false;
}

static void draw(struct top *top)
{
	unsigned i;

	top->page.width = within(COLS, 40, TOP_WIDTH_MAX);
	top->page.height = within(LINES - 1, 8, TOP_LINES_MAX);
	top_draw(&top->page, &top->node, &top->counters[0], &top->counters[1], top->order);
	erase();
	for (i = 0; i < top->page.lines; i++) {
		if (i == 0 || is_heading(&top->page, i))
			attron(i ? A_REVERSE : A_BOLD);
		mvprintw((int)i, 0, is_heading(&top->page, i) ? "%-*s" : "%.*s", COLS,
			top->page.text[i]);
		attrset(A_NORMAL);
	}
	mvprintw(LINES - 1, 0, "q end  u by use  e by exits  p as described  space now");
	refresh();
}

/* False when it is to end; true also when it is time to look again. */
static bool take_keys(struct top *top, int64_t until_ms)
{
	int64_t left;

	while ((left = until_ms - wire_now_ms()) > 0) {
		timeout((int)left);
		switch (getch()) {
		case 'q':
		case 'Q':
		case 3: /* ^C */
			return false;
		case 'u':
			top->order = TOP_BY_USE;
			break;
		case 'e':
			top->order = TOP_BY_EXITS;
			break;
		case 'p':
			top->order = TOP_AS_DESCRIBED;
			break;
		case ' ':
			return true;
		default:
			break;
		}
		draw(top);
	}
	return true;
}

static int run_screen(struct top *top, const struct request *request)
{
	bool good = true;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr, "%s: this is no terminal; --once prints one page\n",
			program_invocation_name);
		return 1;
	}
	initscr();
	raw();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	draw(top);
	while (good && take_keys(top, wire_now_ms() + request->delay_ms)) {
		good = look(top, false);
		draw(top);
	}
	endwin();
	if (!good)
		fprintf(stderr, "%s: %s: the node does not answer any more\n",
			program_invocation_name, request->connect.address);
	return good ? 0 : 1;
}

int top_main(int argc, char **argv)
{
	static struct top top; /* large */
	static char text[TOP_LINES_MAX][TOP_WIDTH_MAX + 1];
	struct request request = { .delay_ms = 1000 };
	int status = 1;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	top = (struct top){
		.page.text = text, .node.where = json_object(), .session.wire.file = -1
	};
	if (begin(&top, &request))
		status = request.once ? print_once(&top, &request) : run_screen(&top, &request);
	session_close(&top.session);
	json_decref(top.node.where);
	json_decref(top.node.system);
	return fflush(stdout) ? 1 : status;
}
