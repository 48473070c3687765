/*
 * Schedules as they were described and as the trace saw them: for each framed CPU a bar of the
 * frame's windows by the description, and below it the frames that the trace still holds, a line
 * each, all folded onto one frame.
 *
 * The invariant: a place is proportional to time, in both parts by the same scale.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node_page.h"
#include "palette.h"

#define WIDTH       1100.0
#define LEFT        92.0
#define CHART       (WIDTH - LEFT - 24.0)
#define BAR         30.0
#define TOP         8.0
#define GAP         8.0
#define AXIS        30.0
#define FRAMES_MAX  48u
#define LINE        3.0
#define WINDOWS_MAX 256u

/* One CPU in the schedule that was in force last. */
struct chart {
	const struct node_page *page;
	unsigned cpu;
	size_t schedule;
	bool known; /* the description says what the schedule is */
	uint64_t frame_ns;
	uint64_t first_frame, last_frame; /* shown */
	struct node_window windows[WINDOWS_MAX];
	size_t windows_count;
};

/* ---- What was observed ---- */

static bool is_shown(const struct chart *chart, const struct trace_slice *slice)
{
	return slice->kind == TRACE_SLICE_WINDOW && slice->cpu == chart->cpu &&
	       slice->index < WINDOWS_MAX &&
	       (!chart->known || (slice->known_schedule && slice->schedule == chart->schedule));
}

static const struct trace_slice *last_window(const struct trace_view *view, unsigned cpu)
{
	const struct trace_slice *last = NULL;
	size_t i;

	for (i = 0; i < view->slices_count; i++)
		if (view->slices[i].kind == TRACE_SLICE_WINDOW && view->slices[i].cpu == cpu)
			last = &view->slices[i];
	return last;
}

/* By the description, or from two starts of the same window. */
static uint64_t frame_length_ns(const struct chart *chart, const struct trace_slice *last)
{
	const struct trace_view *view = chart->page->view;
	const json_t *schedule =
		json_array_get(json_object_get(view->report->system, "schedules"), chart->schedule);
	const uint64_t described = (uint64_t)session_number(schedule, "major_frame_ns");
	size_t i;

	if (chart->known && described)
		return described;
	for (i = 0; i < view->slices_count; i++) {
		const struct trace_slice *slice = &view->slices[i];

		if (is_shown(chart, slice) && slice->index == last->index &&
			slice->frame < last->frame)
			return node_ns(view->clock, last->due - slice->due) /
			       (last->frame - slice->frame);
	}
	return 0;
}

static void take_described(struct chart *chart)
{
	const json_t *windows =
		chart->known ? trace_windows(chart->page->view->report, chart->schedule, chart->cpu)
			     : NULL;
	json_t *window;
	size_t i;

	json_array_foreach(windows, i, window)
	{
		const uint64_t offset = (uint64_t)session_number(window, "offset_ns");

		if (i == WINDOWS_MAX)
			return;
		chart->windows[i] = (struct node_window){ session_text(window, "partition"), offset,
			offset + (uint64_t)session_number(window, "duration_ns"), 0, 0 };
		chart->windows_count = i + 1;
	}
}

static void take_slice(struct chart *chart, const struct trace_slice *slice)
{
	struct node_window *window = &chart->windows[slice->index];
	const uint64_t late = slice->from > slice->due ? slice->from - slice->due : 0;
	const uint64_t late_ps = node_ps(chart->page->view->clock, late);

	if (slice->index >= chart->windows_count)
		chart->windows_count = slice->index + 1;
	if (!window->partition)
		window->partition =
			jitter_system_vcpu_partition(chart->page->view->report, slice->vcpu);
	window->seen++;
	if (window->latest_ps < late_ps)
		window->latest_ps = late_ps;
}

static bool make_chart(struct chart *chart, const struct node_page *page, unsigned cpu)
{
	const struct trace_slice *last = last_window(page->view, cpu);
	size_t i;

	*chart = (struct chart){ .page = page, .cpu = cpu };
	if (!last)
		return false;
	chart->schedule = last->schedule;
	chart->known = last->known_schedule &&
		       trace_windows(page->view->report, last->schedule, cpu) != NULL;
	chart->frame_ns = frame_length_ns(chart, last);
	chart->last_frame = last->frame;
	chart->first_frame = last->frame >= FRAMES_MAX ? last->frame - FRAMES_MAX + 1 : 0;
	take_described(chart);
	for (i = 0; i < page->view->slices_count; i++)
		if (is_shown(chart, &page->view->slices[i]))
			take_slice(chart, &page->view->slices[i]);
	return chart->frame_ns != 0;
}

/* ---- Drawing ---- */

static double position(const struct chart *chart, double ns)
{
	return LEFT + CHART * (ns / (double)chart->frame_ns);
}

static void put_rect(FILE *out, double x, double y, double width, double height, const char *fill)
{
	fprintf(out, "<rect x=\"%.3f\" y=\"%.2f\" width=\"%.3f\" height=\"%.2f\" fill=\"%s\">", x,
		y, width < 0.5 ? 0.5 : width, height, fill);
}

static void put_side(FILE *out, double y, const char *text)
{
	fprintf(out, "<text x=\"%g\" y=\"%.2f\" text-anchor=\"end\" class=\"side\">%s</text>\n",
		LEFT - 10, y, text);
}

static void draw_described(const struct chart *chart, FILE *out)
{
	char length[NODE_DURATION_BYTES];
	size_t i;

	put_side(out, TOP + BAR / 2 + 4, "described");
	put_rect(out, LEFT, TOP, CHART, BAR, "url(#idle)");
	fputs("<title>idle</title></rect>\n", out);
	for (i = 0; i < chart->windows_count; i++) {
		const struct node_window *window = &chart->windows[i];
		const double x = position(chart, (double)window->start_ns);
		const double width = position(chart, (double)window->end_ns) - x;
		const char *name = window->partition ? window->partition : "?";
		const struct palette_colour *colour = palette_of(node_partition(chart->page, name));

		if (window->end_ns <= window->start_ns)
			continue;
		put_rect(out, x, TOP, width, BAR, colour->fill);
		fputs("<title>", out);
		node_put(out, name);
		fprintf(out, ", %s</title></rect>\n",
			node_duration(length, window->end_ns - window->start_ns));
		if (width < 8.0 * (double)strlen(name) + 8)
			continue;
		fprintf(out,
			"<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"middle\" fill=\"%s\" "
			"class=\"name\">",
			x + width / 2, TOP + BAR / 2 + 5, colour->text);
		node_put(out, name);
		fputs("</text>\n", out);
	}
}

/* Where in its frame a window's due start lies: by the description, or after the first one seen. */
static double due_ns(const struct chart *chart, const struct trace_slice *slice)
{
	const struct trace_view *view = chart->page->view;
	uint64_t first = slice->due;
	size_t i;

	if (chart->known && chart->windows[slice->index].end_ns)
		return (double)chart->windows[slice->index].start_ns;
	for (i = 0; i < view->slices_count; i++)
		if (is_shown(chart, &view->slices[i]) && view->slices[i].frame == slice->frame &&
			view->slices[i].due < first)
			first = view->slices[i].due;
	return (double)node_ns(view->clock, slice->due - first);
}

static void draw_slice(const struct chart *chart, FILE *out, const struct trace_slice *slice)
{
	const struct trace_view *view = chart->page->view;
	const char *name = jitter_system_vcpu_partition(view->report, slice->vcpu);
	const double due = due_ns(chart, slice);
	const double from = due + (double)node_ns(view->clock, slice->from - slice->due);
	const double to = due + (double)node_ns(view->clock, slice->to - slice->due);
	const double x = position(chart, from);
	const double end =
		position(chart, to < (double)chart->frame_ns ? to : (double)chart->frame_ns);

	if (slice->from < slice->due || slice->to < slice->due || x > LEFT + CHART)
		return;
	put_rect(out, x, TOP + BAR + GAP + LINE * (double)(slice->frame - chart->first_frame),
		end - x, LINE - 0.4,
		palette_of(node_partition(chart->page, name ? name : ""))->fill);
	fprintf(out, "<title>frame %" PRIu64 "</title></rect>\n", slice->frame);
}

static double observed_height(const struct chart *chart)
{
	return LINE * (double)(chart->last_frame - chart->first_frame + 1);
}

static void draw_observed(const struct chart *chart, FILE *out)
{
	const struct trace_view *view = chart->page->view;
	const double height = observed_height(chart);
	size_t i;

	put_side(out, TOP + BAR + GAP + (height > 26 ? height / 2 : height) + 0, "observed");
	put_rect(out, LEFT, TOP + BAR + GAP, CHART, height, "var(--empty)");
	fputs("<title>not used</title></rect>\n", out);
	for (i = 0; i < view->slices_count; i++)
		if (is_shown(chart, &view->slices[i]) &&
			view->slices[i].frame >= chart->first_frame)
			draw_slice(chart, out, &view->slices[i]);
}

static uint64_t axis_step(uint64_t frame_ns)
{
	static const uint64_t factors[] = { 2, 5, 10 };
	uint64_t decade = 1, step = 1;
	size_t i = 0;

	while (frame_ns / step > 10) {
		step = decade * factors[i];
		if (++i == 3) {
			i = 0;
			decade *= 10;
		}
	}
	return step;
}

static void draw_axis(const struct chart *chart, FILE *out, double bottom)
{
	const uint64_t step = axis_step(chart->frame_ns);
	char label[NODE_DURATION_BYTES];
	uint64_t ns;

	for (ns = 0; ns <= chart->frame_ns; ns += step) {
		const double x = position(chart, (double)ns);
		const bool last = ns + step > chart->frame_ns;

		fprintf(out,
			"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" "
			"stroke=\"var(--muted)\" stroke-width=\"0.8\"/>"
			"<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"%s\" "
			"class=\"tick\">%s</text>\n",
			x, bottom, x, bottom + 5, last ? x + 18 : x, bottom + 18,
			last ? "end" : "middle", ns ? node_duration(label, ns) : "0");
	}
}

static void draw(const struct chart *chart, FILE *out)
{
	const double bottom = TOP + BAR + GAP + observed_height(chart);

	fprintf(out, "<figure><svg viewBox=\"0 0 %g %.2f\" role=\"img\">\n", WIDTH, bottom + AXIS);
	fputs("<defs><pattern id=\"idle\" width=\"7\" height=\"7\" "
	      "patternUnits=\"userSpaceOnUse\" "
	      "patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" "
	      "fill=\"var(--empty)\"/>"
	      "<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"7\" stroke=\"var(--grid)\" "
	      "stroke-width=\"2\"/></pattern></defs>\n",
		out);
	draw_described(chart, out);
	draw_observed(chart, out);
	draw_axis(chart, out, bottom);
	fputs("</svg>", out);
	fprintf(out,
		"<figcaption>Above, a frame as described%s; below, frames %" PRIu64 " to %" PRIu64
		" as the trace saw them, a line each.</figcaption></figure>\n",
		chart->known ? "" : " (not known: --system tells)", chart->first_frame,
		chart->last_frame);
}

/* ---- The table ---- */

static void put_duration(FILE *out, bool known, uint64_t ns)
{
	char text[NODE_DURATION_BYTES];

	fprintf(out, "<td>%s</td>", known ? node_duration(text, ns) : "–");
}

static void put_late(FILE *out, uint64_t ps)
{
	char text[NODE_DURATION_BYTES];

	fprintf(out, "<td class=\"%s\">%s</td>", ps ? "fail" : "pass",
		ps >= 1000 ? node_duration(text, ps / 1000)
		: ps       ? "&lt; 1 ns"
			   : "on the tick");
}

static void put_table(const struct chart *chart, FILE *out)
{
	size_t i;

	fputs("<table><thead><tr><th>window</th><th "
	      "class=\"l\">partition</th><th>described start</th><th>length</th>"
	      "<th>seen</th><th>latest start</th></tr></thead><tbody>\n",
		out);
	for (i = 0; i < chart->windows_count; i++) {
		const struct node_window *window = &chart->windows[i];
		const bool known = window->end_ns != 0;
		const char *name = window->partition ? window->partition : "?";

		fprintf(out, "<tr><td>%zu</td><td class=\"l\"><i style=\"background:%s\"></i>", i,
			palette_of(node_partition(chart->page, name))->fill);
		node_put(out, name);
		fputs("</td>", out);
		put_duration(out, known, window->start_ns);
		put_duration(out, known, window->end_ns - window->start_ns);
		fprintf(out, "<td>%" PRIu64 "</td>", window->seen);
		if (window->seen)
			put_late(out, window->latest_ps);
		else
			fputs("<td>–</td>", out);
		fputs("</tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void write_cpu(const struct node_page *page, FILE *out, unsigned cpu)
{
	static struct chart chart; /* large */
	const char *schedule;

	fprintf(out, "<div class=\"card\"><h3>CPU %u", cpu);
	if (!make_chart(&chart, page, cpu)) {
		fputs("</h3><p class=\"note\">no window in the trace</p></div>\n", out);
		return;
	}
	schedule = chart.known ? trace_schedule_name(page->view->report, chart.schedule) : NULL;
	if (schedule) {
		fputs(", schedule ", out);
		node_put(out, schedule);
	}
	fputs("</h3>\n", out);
	draw(&chart, out);
	put_table(&chart, out);
	fputs("</div>\n", out);
}

void node_schedule_write(const struct node_page *page, FILE *out)
{
	size_t i;

	fputs("<h2>Schedule: described and observed</h2>\n", out);
	for (i = 0; i < page->node.cpus; i++)
		if (!page->node.owned[i])
			write_cpu(page, out, (unsigned)i);
}

uint64_t node_schedule_seen(const struct node_page *page)
{
	uint64_t count = 0;
	size_t i;

	for (i = 0; i < page->view->slices_count; i++)
		count += page->view->slices[i].kind == TRACE_SLICE_WINDOW;
	return count;
}

uint64_t node_schedule_late(const struct node_page *page, uint64_t *latest_ps)
{
	uint64_t count = 0;
	size_t i;

	*latest_ps = 0;
	for (i = 0; i < page->view->slices_count; i++) {
		const struct trace_slice *slice = &page->view->slices[i];
		uint64_t late_ps;

		if (slice->kind != TRACE_SLICE_WINDOW || slice->from <= slice->due)
			continue;
		late_ps = node_ps(page->view->clock, slice->from - slice->due);
		*latest_ps = late_ps > *latest_ps ? late_ps : *latest_ps;
		count++;
	}
	return count;
}
