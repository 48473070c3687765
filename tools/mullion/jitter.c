/*
 * mullion jitter: collect sample streams, judge them, write the report in the formats asked for.
 *
 * Exit code: 0 every demand kept, 1 one broken or a file unusable, 2 wrong command line. An output
 * file is complete or absent: it is written beside its name and renamed.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jitter.h"

enum jitter_option {
	OPTION_RAM = 0x100,
	OPTION_SAMPLES,
	OPTION_CYCLICTEST,
	OPTION_OSLAT,
	OPTION_SYSTEM,
	OPTION_TEXT,
	OPTION_JSON,
	OPTION_CSV,
	OPTION_SVG,
	OPTION_HTML,
	OPTION_BOUND,
	OPTION_REQUIRE,
	OPTION_TITLE,
	OPTION_CONDITION,
	OPTION_FIGURE,
};

#define FORMATS 5u
static const int formats[FORMATS] = { OPTION_TEXT, OPTION_JSON, OPTION_CSV, OPTION_SVG,
	OPTION_HTML };

struct request {
	struct jitter_report report;
	const char *outputs[FORMATS];
	const char *figure;
	bool unreadable;
};

static const struct argp_option options[] = {
	{ 0, 0, 0, 0, "Sources, each optionally FILE=LABEL", 1 },
	{ "ram", OPTION_RAM, "FILE", 0, "RAM image of a machine in which a probe ran", 1 },
	{ "samples", OPTION_SAMPLES, "FILE", 0, "console on which a probe printed JSON lines", 1 },
	{ "cyclictest", OPTION_CYCLICTEST, "FILE", 0, "report of cyclictest --json", 1 },
	{ "oslat", OPTION_OSLAT, "FILE", 0, "report of oslat --json", 1 },
	{ "system", OPTION_SYSTEM, "FILE", 0,
		"system.json of the image: bounds, and which CPU is whose", 1 },
	{ 0, 0, 0, 0, "Verdict", 2 },
	{ "bound", OPTION_BOUND, "[SYSTEM:]STREAM=NS", 0,
		"largest magnitude allowed; \"delivery\" covers \"delivery.spin\"", 2 },
	{ "require", OPTION_REQUIRE, "[SYSTEM:]STREAM", 0,
		"fail if this stream is missing or unfinished", 2 },
	{ 0, 0, 0, 0, "Output, - for standard output", 3 },
	{ "text", OPTION_TEXT, "FILE", 0,
		"the report as text; on standard output if nothing else is asked for there", 3 },
	{ "json", OPTION_JSON, "FILE", 0, "the report for programs", 3 },
	{ "csv", OPTION_CSV, "FILE", 0, "every sample, or every bin", 3 },
	{ "svg", OPTION_SVG, "FILE", 0, "one picture", 3 },
	{ "html", OPTION_HTML, "FILE", 0, "one page with everything in it", 3 },
	{ "title", OPTION_TITLE, "TEXT", 0, "headline of the report", 3 },
	{ "condition", OPTION_CONDITION, "TEXT", 0,
		"how it was measured, printed with the figures: \"QEMU 7.2, icount shift 0\"", 3 },
	{ "figure", OPTION_FIGURE, "FAMILY", 0, "what --svg shows: delivery, phase, gap, exit", 3 },
	{ 0 },
};

static int take_source(struct request *request, int key, char *argument)
{
	char *label = strrchr(argument, '=');

	/* "a=b/c.ram" is a file name, "c.ram=native" has a label. */
	if (label && (strchr(label, '/') || !jitter_name_valid(label + 1)))
		label = NULL;
	if (label)
		*label++ = '\0';
	switch (key) {
	case OPTION_RAM:
		return jitter_read_ram(&request->report, argument, label);
	case OPTION_SAMPLES:
		return jitter_read_lines(&request->report, argument, label);
	case OPTION_CYCLICTEST:
		return jitter_read_cyclictest(&request->report, argument, label ? label : "linux");
	default:
		return jitter_read_oslat(&request->report, argument, label ? label : "linux");
	}
}

/* "[SYSTEM:]STREAM" */
static struct jitter_bound *take_demand(struct argp_state *state, char *argument)
{
	struct request *request = state->input;
	char *colon = strchr(argument, ':'), *stream = colon ? colon + 1 : argument;

	if (colon)
		*colon = '\0';
	if (!jitter_name_valid(stream) || (colon && !jitter_name_valid(argument)))
		argp_error(state,
			"'%s' does not name a stream: write [SYSTEM:]STREAM, as in "
			"mullion:delivery",
			stream);
	return jitter_add_bound(&request->report, colon ? argument : NULL, stream);
}

static void take_bound(struct argp_state *state, char *argument)
{
	char *limit = strchr(argument, '='), *end = limit;
	unsigned long long ns = 0;
	struct jitter_bound *bound;

	errno = 0;
	if (limit) {
		*limit++ = '\0';
		ns = strtoull(limit, &end, 10);
	}
	if (!limit || end == limit || *end || *limit == '-' || errno || ns > INT64_MAX)
		argp_error(state, "--bound wants [SYSTEM:]STREAM=NS, nanoseconds as a whole "
				  "number, as in delivery=20");
	bound = take_demand(state, argument);
	bound->has_limit = true;
	bound->ns = ns;
}

static bool take_output(struct request *request, int key, const char *argument)
{
	size_t i;

	for (i = 0; i < FORMATS; i++) {
		if (formats[i] == key) {
			request->outputs[i] = argument;
			return true;
		}
	}
	return false;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	if (take_output(request, key, argument))
		return 0;
	switch (key) {
	case OPTION_RAM:
	case OPTION_SAMPLES:
	case OPTION_CYCLICTEST:
	case OPTION_OSLAT:
		request->unreadable |= take_source(request, key, argument) != 0;
		return 0;
	case OPTION_SYSTEM:
		if (request->report.system)
			argp_error(state, "--system may be given once");
		request->unreadable |= jitter_read_system(&request->report, argument) != 0;
		return 0;
	case OPTION_BOUND:
		take_bound(state, argument);
		return 0;
	case OPTION_REQUIRE:
		take_demand(state, argument);
		return 0;
	case OPTION_TITLE:
		free(request->report.title);
		request->report.title = jitter_copy(argument);
		return 0;
	case OPTION_CONDITION:
		jitter_add_condition(&request->report, argument);
		return 0;
	case OPTION_FIGURE:
		request->figure = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' belongs to no option; a RAM image is given as --ram %s",
			argument, argument);
		return EINVAL;
	case ARGP_KEY_END:
		if (!request->report.sources_count && !request->unreadable)
			argp_error(state, "nothing to report on: give at least one of --ram, "
					  "--samples, --cyclictest, --oslat");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = { options, parse, NULL,
	"Report the jitter of partitions and of any system beside them: maximum first, "
	"percentiles, the "
	"cause of the worst sample, a verdict against bounds.\v"
	"Exit code: 0 every demand kept, 1 one broken or a file unusable, 2 wrong usage. "
	"docs/jitter.md describes sources, streams and figures.",
	NULL, NULL, NULL };

static char *join_arguments(int argc, char **argv)
{
	char *text = jitter_copy("mullion jitter"), *longer;
	int i;

	for (i = 1; i < argc; i++) {
		longer = jitter_printf("%s %s", text, argv[i]);
		free(text);
		text = longer;
	}
	return text;
}

static int write_format(const struct request *request, int format, FILE *out)
{
	const struct jitter_report *report = &request->report;

	switch (format) {
	case OPTION_TEXT:
		jitter_write_text(report, out, isatty(fileno(out)) && !getenv("NO_COLOR"));
		return 0;
	case OPTION_JSON:
		return jitter_write_json(report, out);
	case OPTION_CSV:
		return jitter_write_csv(report, out);
	case OPTION_SVG:
		return jitter_write_svg(report, request->figure, out);
	default:
		return jitter_write_html(report, out);
	}
}

/* mkstemp makes private files; a report is an ordinary one. */
static void open_to_umask(int file)
{
	mode_t mask = umask(0);

	umask(mask);
	(void)fchmod(file, 0666 & ~mask);
}

static int write_file(const struct request *request, int format, const char *path)
{
	char *temporary = jitter_printf("%s.XXXXXX", path);
	int file = mkstemp(temporary), status = -1;
	FILE *out = file >= 0 ? fdopen(file, "w") : NULL;

	if (out) {
		open_to_umask(file);
		status = write_format(request, format, out);
		status |= ferror(out);
		status |= fclose(out);
	}
	if (!status)
		status = rename(temporary, path);
	if (status) {
		fprintf(stderr, "mullion jitter: %s was not written%s%s\n", path, errno ? ": " : "",
			errno ? strerror(errno) : "");
		if (file >= 0)
			unlink(temporary);
	}
	free(temporary);
	return status;
}

static int write_outputs(struct request *request)
{
	bool spoken = false;
	int status = 0;
	size_t i;

	for (i = 0; i < FORMATS; i++)
		spoken |= request->outputs[i] && !strcmp(request->outputs[i], "-");
	if (!spoken && !request->outputs[0])
		request->outputs[0] = "-";
	for (i = 0; i < FORMATS; i++) {
		errno = 0;
		if (request->outputs[i] && !strcmp(request->outputs[i], "-"))
			status |= write_format(request, formats[i], stdout);
		else if (request->outputs[i])
			status |= write_file(request, formats[i], request->outputs[i]);
	}
	return fflush(stdout) || status ? -1 : 0;
}

int jitter_main(int argc, char **argv)
{
	struct request request = { 0 };
	int status = 1;

	argp_err_exit_status = 2;
	request.report.title = jitter_copy("Jitter");
	request.report.command = join_arguments(argc, argv);
	if (!argp_parse(&parser, argc, argv, 0, NULL, &request) && !request.unreadable) {
		jitter_settle(&request.report);
		status = jitter_judge(&request.report) != 0;
		status |= write_outputs(&request) != 0;
	}
	jitter_free(&request.report);
	return status;
}
