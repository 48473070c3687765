/*
 * Draws schedules: a row per CPU, a coloured window per partition, a time axis, a legend.
 *
 * The invariant: a position is proportional to time, whatever else must give way: a label that does
 * not fit is shortened or left out, a window too narrow to see keeps its place.
 */
#include "svg.h"

#include "palette.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "shares.h"

#define PAGE_WIDTH  1120.0
#define LEFT        150.0
#define RIGHT       36.0
#define CHART_WIDTH (PAGE_WIDTH - LEFT - RIGHT)
#define ROW         58.0
#define BAR         42.0
#define TITLE       66.0
#define CHART_HEAD  44.0
#define AXIS        58.0
#define LEGEND_ROW  24.0
#define LETTER      0.56 /* average width of a letter, in font sizes */

/* ---- Text ---- */

struct label {
	double x, y, room, size;
	const char *anchor, *fill, *style;
};

/* Shortened to its room; left out where not even three letters fit. False if it was left out. */
static bool put_label(FILE *out, const struct label *label, const char *text)
{
	const size_t length = strlen(text);
	const double letters = label->room / (label->size * LETTER);
	const bool fits = (double)length <= letters;

	if (!fits && letters < 4)
		return false;
	fprintf(out,
		"<text x=\"%.2f\" y=\"%.2f\" font-size=\"%g\" text-anchor=\"%s\" fill=\"%s\"%s>",
		label->x, label->y, label->size, label->anchor, label->fill,
		label->style ? label->style : "");
	xml_put(out, text, fits ? length : (size_t)letters - 1);
	fputs(fits ? "</text>\n" : "&#8230;</text>\n", out);
	return true;
}

/* ---- The time axis ---- */

/* The smallest of 1, 2, 5 x 10^k ns that gives at most `most` steps. */
static uint64_t tick_step(uint64_t frame_ns, uint64_t most)
{
	static const uint64_t factors[] = { 2, 5, 10 };
	uint64_t decade = 1, step = 1;
	size_t i = 0;

	while (frame_ns / step > most) {
		step = decade * factors[i];
		if (++i == 3) {
			i = 0;
			decade *= 10;
		}
	}
	return step;
}

static double position(uint64_t ns, uint64_t frame_ns)
{
	return LEFT + CHART_WIDTH * ((double)ns / (double)frame_ns);
}

/* Centred below the frame's end, or, where it is too long for that, up to the page's edge. */
static void draw_frame_end(FILE *out, const char *text, double y)
{
	const bool centred = (double)strlen(text) * 12 * 0.62 < 2 * RIGHT - 12;

	put_label(out,
		&(struct label){ centred ? LEFT + CHART_WIDTH : PAGE_WIDTH - 6, y, 200, 12,
			centred ? "middle" : "end", "#1d2126", " font-weight=\"600\"" },
		text);
}

static void draw_axis(FILE *out, uint64_t frame_ns, double top, double bottom)
{
	const uint64_t step = tick_step(frame_ns, 10);
	uint64_t ns;

	for (ns = 0; ns <= frame_ns && frame_ns - ns >= step * 3 / 4; ns += step) {
		const double x = position(ns, frame_ns);

		fprintf(out,
			"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" "
			"stroke=\"#d9dde2\"/>\n",
			x, top, x, bottom + 6);
		put_label(out, &(struct label){ x, bottom + 21, 90, 12, "middle", "#4a5058", NULL },
			ns ? share_duration(ns) : "0");
	}
	fprintf(out,
		"<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" stroke=\"#4a5058\" "
		"stroke-width=\"1.4\"/>\n",
		LEFT + CHART_WIDTH, top, LEFT + CHART_WIDTH, bottom + 6);
	draw_frame_end(out, share_duration(frame_ns), bottom + 21);
}

/* ---- Rows ---- */

static void draw_bar(FILE *out, double x, double y, double width, const char *fill)
{
	/* A seam between neighbours, but never at the price of the window itself. */
	const double seam = width > 4 ? 1 : 0, radius = width > 12 ? 3 : 0;

	fprintf(out,
		"<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" rx=\"%g\" "
		"fill=\"%s\">",
		x + seam / 2, y, width - seam < 0.75 ? 0.75 : width - seam, BAR, radius, fill);
}

static void end_bar(FILE *out, const char *title)
{
	fputs("<title>", out);
	xml_put(out, title, strlen(title));
	fputs("</title></rect>\n", out);
}

static void label_bar(FILE *out, double x, double y, double width,
	const struct palette_colour *colour, const char *name, const char *detail)
{
	struct label label = { x + width / 2, y + 19, width - 12, 13.5, "middle", colour->text,
		" font-weight=\"600\"" };

	if (!put_label(out, &label, name))
		return;
	label.y = y + 34;
	label.size = 11;
	label.style = " opacity=\"0.85\"";
	if ((double)strlen(detail) <= label.room / (label.size * LETTER))
		put_label(out, &label, detail);
}

static void draw_window(FILE *out, const struct model *model, uint64_t frame_ns, double y,
	const struct model_window *window)
{
	const struct palette_colour *colour = palette_of((size_t)window->partition);
	const char *name = model->partitions[window->partition].name;
	const double x = position(window->offset_ns, frame_ns);
	const double width = CHART_WIDTH * ((double)window->duration_ns / (double)frame_ns);

	draw_bar(out, x, y, width, colour->fill);
	end_bar(out, format("%s: %s from %s", name, share_duration(window->duration_ns),
			     share_duration(window->offset_ns)));
	label_bar(out, x, y, width, colour, name, share_duration(window->duration_ns));
}

static void draw_row_head(FILE *out, const struct model_cpu *cpu, double y)
{
	const char *mode = cpu->mode == MULLION_CPU_OWNED ? "owned" : "framed";

	put_label(out,
		&(struct label){
			LEFT - 16, y + 19, LEFT, 14, "end", "#1d2126", " font-weight=\"600\"" },
		format("CPU %u", cpu->number));
	put_label(out, &(struct label){ LEFT - 16, y + 35, LEFT, 11, "end", "#69717b", NULL },
		format("%s, APIC id %u", mode, cpu->apic_id));
}

static void draw_owned(FILE *out, const struct model *model, const struct model_cpu *cpu, double y)
{
	const struct palette_colour *colour = palette_of((size_t)cpu->owner);
	const char *name = model->partitions[cpu->owner].name;

	draw_bar(out, LEFT, y, CHART_WIDTH, colour->fill);
	end_bar(out, format("%s owns CPU %u", name, cpu->number));
	label_bar(out, LEFT, y, CHART_WIDTH, colour, name, "all of the time");
}

static void draw_framed(FILE *out, const struct model *model, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list, double y)
{
	size_t w;

	draw_bar(out, LEFT, y, CHART_WIDTH, "url(#idle)");
	end_bar(out, "idle");
	for (w = 0; list && w < list->windows_count; w++)
		draw_window(out, model, schedule->major_frame_ns, y, &list->windows[w]);
}

static const struct model_cpu_schedule *find_list(const struct model *model,
	const struct model_schedule *schedule, const struct model_cpu *cpu)
{
	size_t c;

	for (c = 0; schedule && c < schedule->cpus_count; c++)
		if (&model->cpus[schedule->cpus[c].cpu] == cpu)
			return &schedule->cpus[c];
	return NULL;
}

static size_t count_rows(const struct model *model)
{
	size_t rows = 0, i;

	for (i = 0; i < model->cpus_count; i++)
		rows += model->cpus[i].index >= 0;
	return rows;
}

static void draw_rows(
	FILE *out, const struct model *model, const struct model_schedule *schedule, double y)
{
	size_t i;

	for (i = 0; i < model->cpus_count; i++) {
		const struct model_cpu *cpu = &model->cpus[i];

		if (cpu->index < 0)
			continue;
		draw_row_head(out, cpu, y);
		if (cpu->mode == MULLION_CPU_OWNED)
			draw_owned(out, model, cpu, y);
		else
			draw_framed(out, model, schedule, find_list(model, schedule, cpu), y);
		y += ROW;
	}
}

static double chart_height(const struct model *model)
{
	return CHART_HEAD + (double)count_rows(model) * ROW + AXIS;
}

static bool starts_with(const struct model *model, const struct model_schedule *schedule)
{
	return model->schedules_count > 1 && schedule == &model->schedules[model->startup_schedule];
}

static void draw_chart(
	FILE *out, const struct model *model, const struct model_schedule *schedule, double y)
{
	const double top = y + CHART_HEAD,
		     bottom = top + (double)count_rows(model) * ROW - ROW + BAR;

	if (schedule) {
		put_label(out,
			&(struct label){ LEFT, y + 24, CHART_WIDTH, 15, "start", "#1d2126",
				" font-weight=\"600\"" },
			format("%s: frames of %s%s", schedule->name,
				share_duration(schedule->major_frame_ns),
				starts_with(model, schedule) ? ", the node starts with it" : ""));
		draw_axis(out, schedule->major_frame_ns, top - 8, bottom + 4);
	}
	draw_rows(out, model, schedule, top);
}

/* ---- The legend ---- */

struct cursor {
	double x, y;
};

/* Where the next entry of this width goes; entries flow like words. */
static struct cursor place_entry(struct cursor *cursor, double width)
{
	struct cursor here;

	if (cursor->x > LEFT && cursor->x + width > PAGE_WIDTH - RIGHT)
		*cursor = (struct cursor){ LEFT, cursor->y + LEGEND_ROW };
	here = *cursor;
	cursor->x += width;
	return here;
}

static double entry_width(const char *text)
{
	return 44 + (double)strlen(text) * 13 * LETTER;
}

static void draw_entry(FILE *out, struct cursor at, const char *fill, const char *text)
{
	fprintf(out,
		"<rect x=\"%.2f\" y=\"%.2f\" width=\"14\" height=\"14\" rx=\"3\" fill=\"%s\" "
		"stroke=\"#c3c9d0\" stroke-width=\"0.5\"/>\n",
		at.x, at.y, fill);
	put_label(out,
		&(struct label){ at.x + 21, at.y + 12, PAGE_WIDTH - RIGHT - at.x - 21, 13, "start",
			"#1d2126", NULL },
		text);
}

/* Draws it at y, or only measures it where out is NULL; returns where it ends. */
static double legend(FILE *out, const struct model *model, double y)
{
	struct cursor cursor = { LEFT, y }, at;
	size_t p;

	for (p = 0; p < model->partitions_count; p++) {
		at = place_entry(&cursor, entry_width(model->partitions[p].name));
		if (out)
			draw_entry(out, at, palette_of(p)->fill, model->partitions[p].name);
	}
	at = place_entry(&cursor, entry_width("idle"));
	if (out)
		draw_entry(out, at, "url(#idle)", "idle");
	return cursor.y + LEGEND_ROW;
}

static const char head[] =
	"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" viewBox=\"0 0 %g "
	"%g\" "
	"font-family=\"'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif\">\n"
	"<defs><pattern id=\"idle\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
	"patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#f4f6f8\"/>"
	"<line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"7\" stroke=\"#d5dae0\" stroke-width=\"2\"/>"
	"</pattern></defs>\n"
	"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n";

void svg_draw(FILE *out, const struct model *model)
{
	const size_t charts = model->schedules_count ? model->schedules_count : 1;
	const double legend_at = TITLE + (double)charts * chart_height(model);
	const double height = legend(NULL, model, legend_at) + 18;
	size_t s;

	fprintf(out, head, PAGE_WIDTH, height, PAGE_WIDTH, height);
	put_label(out,
		&(struct label){
			LEFT, 42, CHART_WIDTH, 22, "start", "#1d2126", " font-weight=\"700\"" },
		format("Schedule of %s", model->name));
	put_label(out, &(struct label){ PAGE_WIDTH - RIGHT, 42, 300, 13, "end", "#69717b", NULL },
		format("on %s", model->board.name));
	for (s = 0; s < charts; s++)
		draw_chart(out, model, model->schedules_count ? &model->schedules[s] : NULL,
			TITLE + (double)s * chart_height(model));
	legend(out, model, legend_at);
	fputs("</svg>\n", out);
}
