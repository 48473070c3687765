/* The chart stays true and readable: one window, thousands of tiny ones, names without end. */
#include "unit.h"

#include "sample_model.h"
#include "svg.h"

#define PAGE_WIDTH 1120.0

static char *draw(const struct model *model)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	svg_draw(out, model);
	fclose(out);
	return text;
}

/* Elements open and close in order, attributes aside: enough of XML for what is drawn here. */
static bool is_well_formed(const char *text)
{
	char names[32][32];
	size_t depth = 0;

	while ((text = strchr(text, '<'))) {
		const char *end = strchr(text, '>');
		const bool closing = text[1] == '/';
		const size_t length = strcspn(text + 1 + closing, " />");

		if (!end || length >= sizeof(names[0]) || depth >= 32)
			return false;
		if (closing) {
			if (!depth-- || strncmp(names[depth], text + 2, length) ||
				names[depth][length])
				return false;
		} else if (end[-1] != '/') {
			memcpy(names[depth], text + 1, length);
			names[depth++][length] = '\0';
		}
		text = end;
	}
	return depth == 0;
}

static size_t count(const char *text, const char *what)
{
	size_t found = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		found++;
	return found;
}

/* Every rectangle and every text within the page. */
static void assert_inside(const char *text)
{
	double x, y, width;

	for (; (text = strstr(text, "<rect x=\"")); text++)
		if (sscanf(text, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\"", &x, &y, &width) == 3) {
			assert_true(x >= 0 && width > 0);
			assert_true(x + width <= PAGE_WIDTH);
		}
}

static void set_windows(struct model *model, struct model_window *windows, size_t windows_count)
{
	free(model->schedules[0].cpus[0].windows);
	model->schedules[0].cpus[0].windows = windows;
	model->schedules[0].cpus[0].windows_count = windows_count;
}

static void every_window_and_owned_cpu_is_drawn(void **state)
{
	struct model *model = sample_model();
	char *text = draw(model);

	(void)state;
	assert_true(is_well_formed(text));
	assert_inside(text);
	assert_non_null(strstr(text, "<title>nav: 3 ms from 2 ms</title>"));
	assert_non_null(strstr(text, "<title>probe owns CPU 1</title>"));
	assert_non_null(strstr(text, ">10 ms</text>"));
	free(text);
	sample_model_free(model);
}

static void a_window_lies_where_its_time_is(void **state)
{
	struct model *model = sample_model();
	char *text = draw(model), *title = strstr(text, "<title>nav:"), *bar;
	double x, y, width;

	(void)state;
	for (bar = title; strncmp(bar, "<rect", 5) != 0; bar--)
		;
	assert_int_equal(sscanf(bar, "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\"", &x, &y, &width), 3);
	/* 2 ms .. 5 ms of 10 ms on an axis of 934 from 150, less a seam of 1 */
	assert_true(x > 150 + 934 * 0.2 - 1 && x < 150 + 934 * 0.2 + 1);
	assert_true(width > 934 * 0.3 - 2 && width < 934 * 0.3 + 1);
	free(text);
	sample_model_free(model);
}

static void one_window_alone_is_a_chart(void **state)
{
	struct model *model = sample_model();
	struct model_window *window = calloc(1, sizeof(*window));
	char *text;

	(void)state;
	*window = (struct model_window){ .duration_ns = model->schedules[0].major_frame_ns };
	set_windows(model, window, 1);
	text = draw(model);
	assert_true(is_well_formed(text));
	assert_inside(text);
	assert_non_null(strstr(text, "<title>control: 10 ms from 0 ns</title>"));
	free(text);
	sample_model_free(model);
}

static void thousands_of_tiny_windows_keep_their_places(void **state)
{
	enum { MANY = 5000 };
	struct model *model = sample_model();
	struct model_window *windows = calloc(MANY, sizeof(*windows));
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < MANY; i++)
		windows[i] = (struct model_window){
			.offset_ns = i * 2000, .duration_ns = 1000, .partition = (int)(i % 4)
		};
	set_windows(model, windows, MANY);
	text = draw(model);
	assert_true(is_well_formed(text));
	assert_inside(text);
	assert_int_equal(count(text, "<title>control: 1 us from"), MANY / 4);
	/* labels of the axis, the legend and the rows; none in the windows */
	assert_true(count(text, "<text") < 60);
	free(text);
	sample_model_free(model);
}

static void long_names_are_shortened_in_the_chart_and_whole_in_the_legend(void **state)
{
	static const char name[] = "a-navigation-filter-with-a-name-so-long-that-it-fits-nowhere-"
				   "at-all-in-a-window-of-this-chart";
	struct model *model = sample_model();
	char *text;

	(void)state;
	model->partitions[2].name = name;
	text = draw(model);
	assert_true(is_well_formed(text));
	assert_inside(text);
	assert_non_null(strstr(text, "&#8230;</text>"));
	assert_int_equal(count(text, "in-a-window-of-this-chart</text>"), 1);
	free(text);
	sample_model_free(model);
}

static void names_cannot_break_the_markup(void **state)
{
	struct model *model = sample_model();
	char *text;

	(void)state;
	model->name = "<&>";
	text = draw(model);
	assert_true(is_well_formed(text));
	assert_non_null(strstr(text, "&lt;&amp;&gt;"));
	free(text);
	sample_model_free(model);
}

static void a_deployment_without_schedules_shows_its_owned_cpus(void **state)
{
	struct model *model = sample_model();
	char *text;

	(void)state;
	model->schedules_count = 0;
	model->cpus[0].index = -1;
	text = draw(model);
	assert_true(is_well_formed(text));
	assert_non_null(strstr(text, "<title>probe owns CPU 1</title>"));
	assert_null(strstr(text, "frames of"));
	free(text);
	sample_model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_window_and_owned_cpu_is_drawn),
		cmocka_unit_test(a_window_lies_where_its_time_is),
		cmocka_unit_test(one_window_alone_is_a_chart),
		cmocka_unit_test(thousands_of_tiny_windows_keep_their_places),
		cmocka_unit_test(long_names_are_shortened_in_the_chart_and_whole_in_the_legend),
		cmocka_unit_test(names_cannot_break_the_markup),
		cmocka_unit_test(a_deployment_without_schedules_shows_its_owned_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
