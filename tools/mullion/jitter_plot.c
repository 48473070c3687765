/*
 * Figures: a gnuplot script with its data inside, and the SVG that gnuplot makes of it.
 *
 * Invariant: no figure hides a maximum. Histograms merge neighbouring bins, scopes thin out
 * samples, but every line reaches its stream's true worst value and the worst of all is named.
 */
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jitter.h"
#include "jitter_axis.h"

#define CELLS        260.0 /* a histogram's resolution: merged bins across the axis */
#define SCOPE_CHUNKS 320u  /* each shows its smallest and its largest sample */
#define FLOOR_COUNT  0.6   /* where a step line on a logarithmic count axis touches ground */

extern char **environ;

const char *const jitter_palette[JITTER_COLOURS] = { "#6b7785", "#1f6fd6", "#e0682a", "#189a72",
	"#8a4fc4", "#c2417c", "#a88400", "#2b8fa6" };
const char jitter_ink[] = "#1d232b";
const char jitter_muted[] = "#5a6572";
const char jitter_grid[] = "#dde2e8";
const char jitter_surface[] = "#fdfdfe";
const char jitter_alarm[] = "#cc2b3b";

struct figure {
	FILE *script;
	const struct jitter_report *report;
	const struct jitter_stream *const *streams;
	size_t count;
	const struct jitter_stream *worst;  /* of all */
	const struct jitter_stream *judged; /* of those with a bound, or NULL */
	struct jitter_axis axis;
};

/* ---- Which line looks how ---------------------------------------------------------------------
 */

static bool is_native(const struct jitter_source *source)
{
	return source->label && !strcmp(source->label, "native");
}

/* Grey for the bare machine, then one colour per source in the order of the command line. */
static size_t source_colour(const struct jitter_report *report, size_t source)
{
	size_t number = 1, i;

	if (is_native(&report->sources[source]))
		return 0;
	for (i = 0; i < source; i++)
		number += !is_native(&report->sources[i]);
	return number;
}

/* A source keeps its colour in all figures; further partitions of it take those that are left. */
static const char *colour_of(const struct figure *figure, size_t index)
{
	const struct jitter_stream *stream = figure->streams[index];
	size_t number = source_colour(figure->report, stream->source), further = 0, i;

	for (i = 1; i <= index; i++) {
		const struct jitter_stream *other = figure->streams[i],
					   *before = figure->streams[i - 1];

		if (other->source == stream->source && before->source == stream->source)
			further += strcmp(other->system, before->system) != 0;
	}
	if (further)
		number = figure->report->sources_count + further;
	return jitter_palette[number % JITTER_COLOURS];
}

/* Lines of one system differ by their dashes. */
static unsigned dash_of(const struct figure *figure, size_t index)
{
	unsigned dash = 1;
	size_t i;

	for (i = 0; i < index; i++)
		dash += !strcmp(figure->streams[i]->system, figure->streams[index]->system);
	return (dash - 1) % 5 + 1;
}

static void quote(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static const char *variant(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? dot + 1 : "";
}

static char *line_title(const struct jitter_stream *stream)
{
	char value[JITTER_NUMBER_BYTES];

	return jitter_printf("%s cpu %u%s%s: max %s ns", stream->system, stream->cpu,
		*variant(stream->name) ? " " : "", variant(stream->name),
		jitter_format_ns(value, stream->clock, stream->max));
}

/* ---- Data blocks --------------------------------------------------------------------------------
 */

static double ns_of(const struct jitter_stream *stream, double ticks)
{
	return jitter_ns(stream->clock, ticks);
}

/* One merged step of a histogram. */
struct cell {
	double low, high, count;
};

/* Steps that touch form one outline; a blank line starts the next. */
static void print_cell(const struct figure *figure, const struct cell *cell, double *edge)
{
	bool touches = !isinf(*edge) && cell->low <= *edge * (1 + 1e-12) + 1e-9;

	if (!touches && !isinf(*edge))
		fprintf(figure->script, "%.9g %g\n\n", *edge, FLOOR_COUNT);
	if (!touches)
		fprintf(figure->script, "%.9g %g\n", cell->low, FLOOR_COUNT);
	fprintf(figure->script, "%.9g %.9g\n%.9g %.9g\n", cell->low, cell->count, cell->high,
		cell->count);
	*edge = cell->high;
}

static void histogram_data(const struct figure *figure, size_t index)
{
	const struct jitter_stream *stream = figure->streams[index];
	double step = jitter_axis_span(&figure->axis) / CELLS, edge = -INFINITY;
	struct cell cell = { 0 };
	size_t i;

	fprintf(figure->script, "$h%zu << EOD\n", index);
	for (i = 0; i < stream->bins_count; i++) {
		double low = ns_of(stream, (double)stream->bins[i].value - 0.5);
		double high = ns_of(stream, (double)stream->bins[i].value + 0.5);

		if (cell.count > 0 && jitter_axis_place(&figure->axis, high) -
						      jitter_axis_place(&figure->axis, cell.low) >
					      step) {
			print_cell(figure, &cell, &edge);
			cell.count = 0;
		}
		if (cell.count <= 0)
			cell = (struct cell){ low, high, 0 };
		cell.high = high;
		cell.count += (double)stream->bins[i].count;
	}
	if (cell.count > 0)
		print_cell(figure, &cell, &edge);
	fprintf(figure->script, "%.9g %g\nEOD\n",
		isinf(edge) ? ns_of(stream, (double)stream->max) : edge, FLOOR_COUNT);
}

static void tail_data(const struct figure *figure, size_t index)
{
	const struct jitter_stream *stream = figure->streams[index];
	double step = jitter_axis_span(&figure->axis) / (2 * CELLS), n = (double)stream->n;
	double share = 1, last = -INFINITY;
	uint64_t seen = stream->below;
	size_t i;

	fprintf(figure->script, "$t%zu << EOD\n%.9g 1\n", index, figure->axis.low);
	for (i = 0; i < stream->bins_count; i++) {
		double at = ns_of(stream, (double)stream->bins[i].value);
		bool end = i + 1 == stream->bins_count;

		seen += stream->bins[i].count;
		if (!end && jitter_axis_place(&figure->axis, at) - last < step)
			continue;
		fprintf(figure->script, "%.9g %.9g\n", at, share);
		share = (n - (double)seen) / n;
		share = share > 0 ? share : 0.5 / n;
		fprintf(figure->script, "%.9g %.9g\n", at, share);
		last = jitter_axis_place(&figure->axis, at);
	}
	fprintf(figure->script, "%.9g %.9g\n%.9g %.9g\nEOD\n", ns_of(stream, (double)stream->max),
		share, ns_of(stream, (double)stream->max), 0.5 / n);
}

static void print_sample(const struct figure *figure, const struct jitter_stream *stream, size_t i)
{
	fprintf(figure->script, "%.9g %.9g\n", (double)(stream->n - stream->samples_count + i),
		ns_of(stream, (double)stream->samples[i].value));
}

static void scope_chunk(
	const struct figure *figure, const struct jitter_stream *stream, size_t from, size_t to)
{
	size_t least = from, most = from, i;

	for (i = from; i < to; i++) {
		if (stream->samples[i].value < stream->samples[least].value)
			least = i;
		if (stream->samples[i].value > stream->samples[most].value)
			most = i;
	}
	print_sample(figure, stream, least < most ? least : most);
	if (least != most)
		print_sample(figure, stream, least < most ? most : least);
}

static void scope_data(const struct figure *figure, size_t index)
{
	const struct jitter_stream *stream = figure->streams[index];
	size_t size = stream->samples_count / SCOPE_CHUNKS + 1, i;

	fprintf(figure->script, "$s%zu << EOD\n", index);
	for (i = 0; i < stream->samples_count; i += size)
		scope_chunk(figure, stream, i,
			i + size < stream->samples_count ? i + size : stream->samples_count);
	if (!stream->samples_count)
		fputs("NaN NaN\n", figure->script);
	fputs("EOD\n", figure->script);
}

/* ---- Panels -------------------------------------------------------------------------------------
 */

static uint64_t largest_n(const struct figure *figure)
{
	uint64_t largest = 1;
	size_t i;

	for (i = 0; i < figure->count; i++) {
		if (figure->streams[i]->n > largest)
			largest = figure->streams[i]->n;
	}
	return largest;
}

static void reset_panel(const struct figure *figure)
{
	fputs("unset label; unset arrow; unset logscale; unset nonlinear x; unset nonlinear y; set "
	      "xtics auto; set ytics auto\n"
	      "set xtics nomirror; set ytics nomirror; set xrange [*:*]; set yrange [*:*]; set "
	      "format '%g'\n",
		figure->script);
	fprintf(figure->script, "set grid xtics ytics lw 0.8 lc rgb '%s' lt 1\n", jitter_grid);
	fprintf(figure->script, "set xtics textcolor rgb '%s'; set ytics textcolor rgb '%s'\n",
		jitter_muted, jitter_muted);
}

static void panel_labels(const struct figure *figure, const char *x, const char *title)
{
	fprintf(figure->script, "set xlabel '%s' textcolor rgb '%s'\nset ylabel\n", x,
		jitter_muted);
	fprintf(figure->script,
		"set label '%s' at graph 0, graph 1 left offset 0,0.8 textcolor rgb '%s' font "
		"',14'\n",
		title, jitter_ink);
}

static void plot_lines(const struct figure *figure, char block, bool fill, bool titles)
{
	size_t i;

	fputs("plot ", figure->script);
	for (i = 0; fill && i < figure->count; i++)
		fprintf(figure->script,
			"$%c%zu using 1:2 with filledcurves y1=%g fs transparent solid 0.16 "
			"noborder lc rgb '%s' notitle, \\\n",
			block, i, FLOOR_COUNT, colour_of(figure, i));
	for (i = 0; i < figure->count; i++) {
		char *title = line_title(figure->streams[i]);

		fprintf(figure->script, "$%c%zu using 1:2 with lines lw 2 dt %u lc rgb '%s' ",
			block, i, dash_of(figure, i), colour_of(figure, i));
		fputs(titles ? "title " : "notitle", figure->script);
		if (titles)
			quote(figure->script, title);
		free(title);
		fputs(i + 1 < figure->count ? ", \\\n" : "\n", figure->script);
	}
}

/* How high the step of a stream's worst sample stands. */
static double worst_count(const struct jitter_stream *worst)
{
	if (worst->bins_count && worst->bins[worst->bins_count - 1].value == worst->max)
		return (double)worst->bins[worst->bins_count - 1].count;
	return 1;
}

static void mark_worst(const struct figure *figure, const struct jitter_stream *worst)
{
	double at = ns_of(worst, (double)worst->max), height = worst_count(worst);
	bool right = jitter_axis_place(&figure->axis, at) >
		     jitter_axis_place(&figure->axis, figure->axis.low) +
			     0.6 * jitter_axis_span(&figure->axis);
	char value[JITTER_NUMBER_BYTES];
	char *text = jitter_printf("worst of %s: %s ns", worst->system,
		jitter_format_ns(value, worst->clock, worst->max));

	fprintf(figure->script,
		"set label at first %.9g, first %.9g '' point pt 6 ps 1.4 lw 2 lc rgb '%s' front\n",
		at, height, jitter_alarm);
	fprintf(figure->script, "set label at first %.9g, first %.9g ", at, height);
	quote(figure->script, text);
	fprintf(figure->script, " %s offset %s,0.9 textcolor rgb '%s' font ',13' boxed front\n",
		right ? "right" : "left", right ? "-0.9" : "0.9", jitter_alarm);
	free(text);
}

/* The tightest bound on any line, as a line of its own. */
static void mark_bound(const struct figure *figure)
{
	uint64_t bound = UINT64_MAX;
	char value[JITTER_NUMBER_BYTES];
	size_t i;

	for (i = 0; i < figure->count; i++) {
		if (figure->streams[i]->has_bound && figure->streams[i]->bound_ns < bound)
			bound = figure->streams[i]->bound_ns;
	}
	if ((double)bound > figure->axis.high)
		return;
	fprintf(figure->script,
		"set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead lw 1.5 dt (6,4) "
		"lc rgb '%s' back\n",
		(double)bound, (double)bound, jitter_alarm);
	fprintf(figure->script,
		"set label 'bound %s ns' at first %.9g, graph 0.98 right rotate by 90 offset "
		"-0.9,0 "
		"textcolor rgb "
		"'%s' font ',12' front\n",
		jitter_format_count(value, bound), (double)bound, jitter_alarm);
}

static void histogram_panel(const struct figure *figure, bool titles)
{
	reset_panel(figure);
	jitter_axis_print(&figure->axis, 'x', figure->script);
	fprintf(figure->script, "set logscale y; set yrange [%g:%g]\n", FLOOR_COUNT,
		(double)largest_n(figure) * 4);
	jitter_axis_counts(figure->script, largest_n(figure));
	panel_labels(figure, jitter_axis_title(&figure->axis), "Samples at each latency");
	mark_worst(figure, figure->worst);
	if (figure->judged && figure->judged != figure->worst)
		mark_worst(figure, figure->judged);
	mark_bound(figure);
	plot_lines(figure, 'h', true, titles);
}

static void tail_panel(const struct figure *figure, bool titles)
{
	reset_panel(figure);
	jitter_axis_print(&figure->axis, 'x', figure->script);
	fprintf(figure->script, "set logscale y; set yrange [%.9g:1.4]\n",
		0.5 / (double)largest_n(figure));
	jitter_axis_shares(figure->script, largest_n(figure));
	panel_labels(figure, jitter_axis_title(&figure->axis), "Share of samples that came later");
	plot_lines(figure, 't', false, titles);
}

static void scope_panel(const struct figure *figure, bool titles)
{
	size_t i;

	reset_panel(figure);
	jitter_axis_print(&figure->axis, 'y', figure->script);
	fprintf(figure->script, "set xrange [0:%.9g]\n", (double)largest_n(figure) * 1.02);
	panel_labels(figure, "sample number", "Latency, sample by sample");
	fputs("plot ", figure->script);
	for (i = 0; i < figure->count; i++) {
		char *title = line_title(figure->streams[i]);

		fprintf(figure->script, "$s%zu using 1:2 with points pt 7 ps 0.28 lc rgb '%s' ", i,
			colour_of(figure, i));
		fputs(titles ? "title " : "notitle", figure->script);
		if (titles)
			quote(figure->script, title);
		free(title);
		fputs(i + 1 < figure->count ? ", \\\n" : "\n", figure->script);
	}
}

/* ---- Whole figures ---- */

static void print_data(const struct figure *figure)
{
	size_t i;

	for (i = 0; i < figure->count; i++) {
		histogram_data(figure, i);
		tail_data(figure, i);
		scope_data(figure, i);
	}
}

static void terminal(const struct figure *figure, unsigned width, unsigned height, const char *id)
{
	fprintf(figure->script,
		"set terminal svg size %u,%u dynamic noenhanced name '%s' rounded butt "
		"font 'Inter,Helvetica,Arial,sans-serif,13' background rgb '%s'\n",
		width, height, id, jitter_surface);
	fprintf(figure->script,
		"set encoding utf8\nset style textbox opaque noborder fillcolor rgb '%s' margins "
		"0.4,0.2\nset border 3 lw 1 lc rgb '%s'\nset tics scale 0.5\n",
		jitter_surface, jitter_muted);
	fprintf(figure->script,
		"set key noenhanced reverse Left samplen 2.2 spacing 1.25 textcolor rgb '%s'\n",
		jitter_ink);
}

static void screen_text(const struct figure *figure, double x, double y, const char *text,
	unsigned size, const char *colour)
{
	fprintf(figure->script, "set label at screen %g,%g ", x, y);
	quote(figure->script, text);
	fprintf(figure->script, " font ',%u' textcolor rgb '%s'\n", size, colour);
}

static void margins(
	const struct figure *figure, double left, double right, double bottom, double top)
{
	fprintf(figure->script,
		"set lmargin at screen %g; set rmargin at screen %g; set bmargin at screen %g; set "
		"tmargin at screen %g\n",
		left, right, bottom, top);
}

#define FOOT_LONGEST 180u /* what does not fit, such as command lines, stands in the report only */

/* All lines but the sources and clocks, which stand in the legend and on the axes. */
static char *conditions_text(const struct jitter_report *report)
{
	char **lines, *text = jitter_copy(""), *longer;
	size_t i, count = jitter_condition_lines(report, &lines);

	for (i = 0; i < count; i++) {
		bool said = !strncmp(lines[i], "source:", 7) || !strncmp(lines[i], "clock:", 6) ||
			    !strncmp(lines[i], "limits:", 7) ||
			    strlen(text) + strlen(lines[i]) > FOOT_LONGEST;

		if (!said) {
			longer = jitter_printf("%s%s%s", text, *text ? "; " : "", lines[i]);
			free(text);
			text = longer;
		}
		free(lines[i]);
	}
	free(lines);
	return text;
}

static void overview_foot(const struct figure *figure)
{
	char *text = conditions_text(figure->report);
	const bool turns = json_array_size(json_object_get(figure->report->system, "cpus")) > 1;

	screen_text(figure, 0.03, 0.032, text, 11, jitter_muted);
	if (strstr(text, "icount"))
		screen_text(figure, 0.03, 0.011,
			turns ? "One instruction is one fixed step of time: path lengths, not "
				"hardware latencies. Emulated CPUs take turns of 1 \302\265s: "
				"with busy neighbours, that is the floor."
			      : "One instruction is one fixed step of time here: path lengths, not "
				"hardware latencies.",
			11, jitter_muted);
	free(text);
}

static const char *verdict_colour(const char *verdict)
{
	if (!strncmp(verdict, "FAIL", 4))
		return jitter_alarm;
	return strncmp(verdict, "PASS", 4) ? jitter_muted : jitter_palette[3];
}

/* An empty plot that carries the words around the panels. */
static void overview_words(const struct figure *figure)
{
	const struct jitter_stream *worst = figure->judged ? figure->judged : figure->worst;
	char *verdict = jitter_verdict_line(figure->report), *family, *text;
	char value[JITTER_NUMBER_BYTES];

	family = jitter_family_name(worst->name);
	text = jitter_printf("%s: %s", figure->report->title, jitter_axis_subject(family));
	screen_text(figure, 0.03, 0.956, text, 22, jitter_ink);
	free(text);
	screen_text(figure, 0.03, 0.915, verdict, 14, verdict_colour(verdict));
	text = jitter_printf("Worst %ssample: %s ns, %s cpu %u; cause: %s",
		figure->judged ? "judged " : "", jitter_format_ns(value, worst->clock, worst->max),
		worst->system, worst->cpu, worst->cause ? worst->cause : "not known");
	screen_text(figure, 0.03, 0.882, text, 13, jitter_muted);
	free(text);
	overview_foot(figure);
	free(family);
	free(verdict);
	fputs("unset border; unset tics; unset key; set xrange [0:1]; set yrange [0:1]\n"
	      "set xlabel; set ylabel; plot NaN notitle\n",
		figure->script);
	fprintf(figure->script, "set border 3 lw 1 lc rgb '%s'; set tics scale 0.5\n",
		jitter_muted);
}

static void overview(const struct figure *figure, const char *id)
{
	terminal(figure, 1280, 800, id);
	fputs("set multiplot\n", figure->script);
	overview_words(figure);
	margins(figure, 0.075, 0.70, 0.50, 0.83);
	fprintf(figure->script,
		"set key noenhanced at screen 0.72,0.83 left top reverse Left samplen 2.2 spacing "
		"1.35 textcolor rgb '%s'\n",
		jitter_ink);
	histogram_panel(figure, true);
	fputs("unset key\n", figure->script);
	margins(figure, 0.075, 0.47, 0.125, 0.39);
	tail_panel(figure, false);
	margins(figure, 0.56, 0.97, 0.125, 0.39);
	scope_panel(figure, false);
	fputs("unset multiplot\n", figure->script);
}

static void single(const struct figure *figure, enum jitter_figure what, const char *id)
{
	unsigned keys = 26 * (unsigned)figure->count + 70;

	if (what == JITTER_HISTOGRAM) {
		terminal(figure, 1100, keys > 380 ? keys : 380, id);
		fputs("set lmargin at screen 0.075; set rmargin at screen 0.70; set tmargin 2.4\n"
		      "set key at screen 0.72,0.92 left top\n",
			figure->script);
		histogram_panel(figure, true);
		return;
	}
	terminal(figure, 1100, 330, id);
	fputs("set lmargin at screen 0.075; set rmargin at screen 0.98; set tmargin 2.4; unset "
	      "key\n",
		figure->script);
	if (what == JITTER_TAIL)
		tail_panel(figure, false);
	else
		scope_panel(figure, false);
}

/* ---- gnuplot ---- */

static int spawn(FILE *script, FILE *out)
{
	char *const arguments[] = { (char[]){ "gnuplot" }, NULL };
	posix_spawn_file_actions_t actions;
	int error, status = 0;
	pid_t child;

	fflush(script);
	rewind(script);
	setenv("LC_ALL", "C.UTF-8",
		1); /* gnuplot converts its own words from the locale's encoding */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	error = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error) {
		fprintf(stderr,
			"mullion jitter: gnuplot: %s; figures need it: apt-get install "
			"gnuplot-nox\n",
			strerror(error));
		return -1;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		fprintf(stderr, "mullion jitter: gnuplot failed; no figure was drawn\n");
	return status ? -1 : 0;
}

static char *slurp(FILE *file)
{
	long bytes;
	char *text;

	if (fseek(file, 0, SEEK_END) || (bytes = ftell(file)) <= 0)
		return NULL;
	rewind(file);
	text = jitter_array(NULL, (size_t)bytes + 1, 1);
	text[fread(text, 1, (size_t)bytes, file)] = '\0';
	return text;
}

static const struct jitter_stream *find_worst(
	const struct jitter_stream *const *streams, size_t count, bool judged)
{
	const struct jitter_stream *worst = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (judged && !streams[i]->has_bound)
			continue;
		if (!worst || ns_of(streams[i], (double)streams[i]->max) >
				      ns_of(worst, (double)worst->max))
			worst = streams[i];
	}
	return worst;
}

char *jitter_plot(enum jitter_figure what, const struct jitter_report *report,
	const struct jitter_stream *const *streams, size_t count, const char *id)
{
	struct figure figure = { tmpfile(), report, streams, count, NULL, NULL, { 0, 0, false } };
	FILE *out = tmpfile();
	char *text = NULL;

	if (!figure.script || !out || !count) {
		fprintf(stderr, "mullion jitter: no figure: %s\n",
			count ? strerror(errno) : "no samples");
	} else {
		figure.worst = find_worst(streams, count, false);
		figure.judged = find_worst(streams, count, true);
		jitter_axis_fit(&figure.axis, streams, count);
		print_data(&figure);
		if (what == JITTER_OVERVIEW)
			overview(&figure, id);
		else
			single(&figure, what, id);
		if (!spawn(figure.script, out))
			text = slurp(out);
	}
	if (figure.script)
		fclose(figure.script);
	if (out)
		fclose(out);
	return text;
}

int jitter_write_svg(const struct jitter_report *report, const char *family, FILE *out)
{
	char *chosen = family ? jitter_copy(family) : jitter_headline(report), *svg = NULL;
	const struct jitter_stream **streams = NULL;
	size_t count = chosen ? jitter_family(report, chosen, &streams) : 0;

	if (count)
		svg = jitter_plot(JITTER_OVERVIEW, report, streams, count, "jitter");
	else
		fprintf(stderr, "mullion jitter: no figure: there are no samples of %s\n",
			chosen ? chosen : "any stream");
	if (svg)
		fputs(svg, out);
	free(svg);
	free(streams);
	free(chosen);
	return svg ? 0 : -1;
}
