/*
 * The report as one page that can be mailed: verdict, figures, tables, conditions, configuration,
 * with nothing loaded from elsewhere. Figures are gnuplot's SVG, inlined, their colours turned into
 * the page's own variables, so that they follow light, dark and print.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jitter.h"
#include "jitter_axis.h"
#include "page_style.h"
#include "xml.h"

static void escape(FILE *out, const char *text)
{
	xml_put(out, text, SIZE_MAX);
}

/* gnuplot writes "#1f6fd6" in three ways: so, as "rgb(31,111,214)" and as "rgb( 31, 111, 214)". */
enum { FORMS = 3 };

struct swap {
	char from[FORMS][40], to[24];
};
#define SWAPS (JITTER_COLOURS + 6u)

static void fill_swap(struct swap *swap, const char *hex, const char *name)
{
	unsigned value = (unsigned)strtoul(hex + 1, NULL, 16) & 0xffffffu;
	unsigned red = value >> 16, green = value >> 8 & 255u, blue = value & 255u;

	(void)snprintf(swap->from[0], sizeof(swap->from[0]), "%s", hex);
	(void)snprintf(swap->from[1], sizeof(swap->from[1]), "rgb(%u,%u,%u)", red, green, blue);
	(void)snprintf(
		swap->from[2], sizeof(swap->from[2]), "rgb(%3u, %3u, %3u)", red, green, blue);
	(void)snprintf(swap->to, sizeof(swap->to), "var(--%s)", name);
}

static void fill_swaps(struct swap *swaps)
{
	const char *const inks[] = { jitter_ink, jitter_muted, jitter_grid, jitter_surface,
		jitter_alarm };
	static const char *const names[] = { "ink", "muted", "grid", "surface", "alarm" };
	char name[] = "c0";
	size_t i;

	for (i = 0; i < JITTER_COLOURS; i++, name[1]++)
		fill_swap(&swaps[i], jitter_palette[i], name);
	for (i = 0; i < 5; i++)
		fill_swap(&swaps[JITTER_COLOURS + i], inks[i], names[i]);
	/* What gnuplot colours without being asked. */
	fill_swap(&swaps[SWAPS - 1], "#000000", "ink");
	strcpy(swaps[SWAPS - 1].from[0], "black");
}

/* Length of what was replaced at `text`, 0 if nothing matches there. */
static size_t swap_at(FILE *out, const char *text, const struct swap *swaps)
{
	size_t i, form;

	for (i = 0; i < SWAPS * FORMS; i++) {
		const struct swap *swap = &swaps[i / FORMS];

		form = i % FORMS;
		if (!strncasecmp(text, swap->from[form], strlen(swap->from[form]))) {
			fputs(swap->to, out);
			return strlen(swap->from[form]);
		}
	}
	return 0;
}

/* gnuplot's own ids ("gpDot") must differ between the figures of one page. */
static size_t prefix_at(FILE *out, const char *text, const char *id)
{
	if (strncmp(text, "id='gp", 6) && strncmp(text, "='#gp", 5))
		return 0;
	fprintf(out, "%s%s-gp", *text == 'i' ? "id='" : "='#", id);
	return *text == 'i' ? 6 : 5;
}

static void inline_svg(FILE *out, const char *svg, const char *id)
{
	const char *text = strstr(svg, "<svg");
	struct swap swaps[SWAPS];

	fill_swaps(swaps);
	if (text)
		fputc(*text++, out);
	while (text && *text) {
		/* A colour always opens an attribute's value. */
		bool value = text[-1] == '"' || text[-1] == '\'' || text[-1] == ' ';
		size_t length = value ? swap_at(out, text, swaps) : prefix_at(out, text, id);

		if (value && !length)
			length = prefix_at(out, text, id);
		if (!length)
			fputc(*text, out);
		text += length ? length : 1;
	}
}

static int print_figure(const struct jitter_report *report, FILE *out, enum jitter_figure figure,
	const struct jitter_stream *const *streams, size_t count, const char *family)
{
	static const char *const captions[] = {
		"Histogram: samples per latency, counts on a logarithmic axis; the worst ones are "
		"circled.",
		"Tail: the share of samples that came later than a latency. A vertical line has no "
		"jitter. Colours as above.",
		"Scope: every sample in the order it was taken; where they are too many, the "
		"extremes of each stretch. Colours as above.",
	};
	char *id = jitter_printf("%s%d", family, (int)figure);
	char *svg = jitter_plot(figure, report, streams, count, id);

	if (svg) {
		fputs("<div class=\"card\"><figure>", out);
		inline_svg(out, svg, id);
		fprintf(out, "<figcaption>%s</figcaption></figure></div>\n", captions[figure]);
	}
	free(id);
	free(svg);
	return svg ? 0 : -1;
}

static void print_ns_cell(FILE *out, const struct jitter_stream *stream, bool known, int64_t ticks)
{
	char value[JITTER_NUMBER_BYTES];

	fprintf(out, "<td>%s</td>", known ? jitter_format_ns(value, stream->clock, ticks) : "n/a");
}

static void print_percentiles(FILE *out, const struct jitter_stream *stream)
{
	size_t i;

	for (i = 0; i < JITTER_PERCENTILES; i++) {
		int64_t value = 0;
		bool known = jitter_percentile(stream, jitter_percentiles[i].numerator,
			jitter_percentiles[i].denominator, &value);

		print_ns_cell(out, stream, known, value);
	}
}

static void print_bound(FILE *out, const struct jitter_stream *stream)
{
	static const char *const words[] = { "", "pass", "fail" };
	char value[JITTER_NUMBER_BYTES];

	fprintf(out, "<td>%s</td>",
		stream->has_bound ? jitter_format_count(value, stream->bound_ns) : "–");
	fprintf(out, "<td class=\"%s\">%s</td>", words[stream->verdict],
		stream->verdict == JITTER_PASS   ? "PASS"
		: stream->verdict == JITTER_FAIL ? "FAIL"
		: stream->complete               ? "–"
						 : "running");
}

static void print_row(FILE *out, const struct jitter_stream *stream)
{
	char value[JITTER_NUMBER_BYTES];

	fputs("<tr><td>", out);
	escape(out, stream->system);
	fprintf(out, "</td><td>%u</td><td>%s</td><td class=\"max\">%s</td>", stream->cpu,
		stream->name, jitter_format_ns(value, stream->clock, stream->max));
	print_bound(out, stream);
	print_ns_cell(out, stream, true, stream->min);
	if (stream->has_average)
		fprintf(out, "<td>%.1f</td>", jitter_ns(stream->clock, stream->average));
	else
		fputs("<td>–</td>", out);
	print_percentiles(out, stream);
	fprintf(out, "<td>%s</td>", jitter_format_count(value, stream->n));
	if (stream->has_times)
		fprintf(out, "<td>%.3f</td>", jitter_duration_s(stream));
	else
		fputs("<td>–</td>", out);
	fprintf(out, "<td>%s</td></tr>\n",
		jitter_format_count(value, stream->below + stream->above));
}

static void print_table(FILE *out, const struct jitter_stream *const *streams, size_t count)
{
	size_t i;

	fputs("<div class=\"card\"><table><thead><tr><th>system</th><th>cpu</th><th>stream</th>"
	      "<th>MAX "
	      "ns</th><th>bound</th><th>verdict</th><th>min</th><th>avg</th><th>p50</th><th>p99</"
	      "th>"
	      "<th>p99.9</th><th>p99.99</th><th>n</th><th>seconds</th><th>outside</th></tr></"
	      "thead><tbody>\n",
		out);
	for (i = 0; i < count; i++)
		print_row(out, streams[i]);
	fputs("</tbody></table></div>\n", out);
}

static void print_causes(FILE *out, const struct jitter_stream *const *streams, size_t count)
{
	char value[JITTER_NUMBER_BYTES];
	size_t i;

	fputs("<div class=\"card\"><table><thead><tr><th>worst sample "
	      "of</th><th>ns</th><th>TSC</th>"
	      "<th style=\"text-align:left\">cause</th></tr></thead><tbody>\n",
		out);
	for (i = 0; i < count; i++) {
		if (!streams[i]->has_times)
			continue;
		fputs("<tr><td>", out);
		escape(out, streams[i]->system);
		fprintf(out,
			" cpu %u, %s</td><td class=\"max\">%s</td><td>%" PRIu64
			"</td><td class=\"cause\">",
			streams[i]->cpu, streams[i]->name,
			jitter_format_ns(value, streams[i]->clock, streams[i]->max),
			streams[i]->max_tsc);
		escape(out, streams[i]->cause ? streams[i]->cause : "not known");
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static int print_family(const struct jitter_report *report, FILE *out, const char *family)
{
	const struct jitter_stream **streams;
	size_t count = jitter_family(report, family, &streams);
	const char *subject = jitter_axis_subject(family);
	int status = 0;
	enum jitter_figure figure;

	fprintf(out, "<section><h2>%s%s%s</h2>\n", family, strcmp(subject, family) ? ": " : "",
		strcmp(subject, family) ? subject : "");
	if (count && streams[0]->note) {
		fputs("<p class=\"note\">", out);
		escape(out, streams[0]->note);
		fputs("</p>\n", out);
	}
	print_table(out, streams, count);
	for (figure = JITTER_HISTOGRAM; count && figure <= JITTER_SCOPE; figure++)
		status |= print_figure(report, out, figure, streams, count, family);
	print_causes(out, streams, count);
	fputs("</section>\n", out);
	free(streams);
	return status;
}

static bool family_seen(const struct jitter_report *report, size_t index)
{
	size_t length = strcspn(report->streams[index].name, "."), i;

	for (i = 0; i < index; i++) {
		if (strcspn(report->streams[i].name, ".") == length &&
			!strncmp(report->streams[i].name, report->streams[index].name, length))
			return true;
	}
	return false;
}

/* The family a reader wants first, then the others in the order of their names. */
static int print_families(const struct jitter_report *report, FILE *out)
{
	char *headline = jitter_headline(report), *family;
	int status = headline ? print_family(report, out, headline) : 0;
	size_t i;

	for (i = 0; i < report->streams_count; i++) {
		family = jitter_family_name(report->streams[i].name);
		if (!family_seen(report, i) && (!headline || strcmp(family, headline)))
			status |= print_family(report, out, family);
		free(family);
	}
	free(headline);
	return status;
}

static void print_demands(const struct jitter_report *report, FILE *out)
{
	size_t i;

	if (!report->bounds_count)
		return;
	fputs("<h2>Demands</h2><div class=\"card\"><table><thead><tr><th>stream</th><th>system</th>"
	      "<th>bound, ns</th><th>verdict</th><th "
	      "style=\"text-align:left\">why</th></tr></thead><tbody>\n",
		out);
	for (i = 0; i < report->bounds_count; i++) {
		const struct jitter_bound *bound = &report->bounds[i];
		char value[JITTER_NUMBER_BYTES];

		fputs("<tr><td>", out);
		escape(out, bound->stream);
		fputs("</td><td>", out);
		escape(out, bound->system ? bound->system : "any");
		fprintf(out, "</td><td>%s</td><td class=\"%s\">%s</td><td class=\"cause\">",
			bound->has_limit ? jitter_format_count(value, bound->ns) : "present",
			bound->failure ? "fail" : "pass", bound->failure ? "FAIL" : "PASS");
		escape(out, bound->failure);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

static void print_conditions(const struct jitter_report *report, FILE *out)
{
	char **lines;
	size_t i, count = jitter_condition_lines(report, &lines);

	fputs("<h2>Conditions</h2><div class=\"card\"><ul>\n", out);
	for (i = 0; i < count; i++) {
		fputs("<li>", out);
		escape(out, lines[i]);
		fputs("</li>\n", out);
		free(lines[i]);
	}
	free(lines);
	fputs("<li>report made by <code>", out);
	escape(out, report->command);
	fputs("</code></li></ul></div>\n", out);
}

static void print_configuration(const struct jitter_report *report, FILE *out)
{
	char *text = report->system ? json_dumps(report->system, JSON_INDENT(1)) : NULL;

	if (!text)
		return;
	fputs("<details class=\"card\"><summary>Full configuration (system.json)</summary><pre>",
		out);
	escape(out, text);
	fputs("</pre></details>\n", out);
	free(text);
}

int jitter_write_html(const struct jitter_report *report, FILE *out)
{
	char *verdict = jitter_verdict_line(report);
	int status;

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>",
		out);
	escape(out, report->title);
	fprintf(out, "</title><style>%s</style></head><body><main>\n<h1>", page_style);
	escape(out, report->title);
	fprintf(out, "</h1>\n<div class=\"verdict %s\">",
		!strncmp(verdict, "FAIL", 4)   ? "fail"
		: !strncmp(verdict, "PASS", 4) ? "pass"
					       : "");
	escape(out, verdict);
	fputs("</div>\n", out);
	jitter_write_matrix_html(report, out);
	status = print_families(report, out);
	print_demands(report, out);
	print_conditions(report, out);
	print_configuration(report, out);
	fputs("</main></body></html>\n", out);
	free(verdict);
	return status;
}
