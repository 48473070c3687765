/*
 * Loads a description and plans it; prints what is wrong with it. See load.h.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#include "allocate.h"
#include "source.h"

void load_add_directory(struct load_directories *directories, const char *path)
{
	directories->paths = allocate_more(
		directories->paths, directories->count + 2u, sizeof(*directories->paths));
	directories->paths[directories->count++] = path;
	directories->paths[directories->count] = NULL;
}

static const struct argp_option options[] = {
	{ "images", 'i', "DIR", 0, "look up partition images here (may be repeated)", 0 },
	{ "define", 'D', "NAME[=VALUE]", 0,
		"a macro of the description, as in NODE=1 (may be repeated)", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct load_request *request = state->input;

	switch (key) {
	case 'i':
		load_add_directory(&request->images, argument);
		return 0;
	case 'D':
		source_define(argument);
		return 0;
	case ARGP_KEY_ARG:
		if (request->source)
			argp_error(state, "one description at a time");
		request->source = argument;
		return 0;
	case ARGP_KEY_END:
		if (!request->source)
			argp_error(state, "FILE.dts is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp load_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

bool load_plan(struct load *load, const char *path, const char *const *images)
{
	struct finding wrong;

	*load = (struct load){ 0 };
	if (!model_judge(path, images, &load->model, &load->report))
		return false;
	if (plan_build(load->model, images != NULL, &load->plan, &wrong))
		return true;
	report_add(&load->report, &wrong);
	return false;
}

bool load_or_say(struct load *load, const char *path, const char *const *images)
{
	if (load_plan(load, path, images))
		return true;
	report_print(&load->report, stderr);
	load_free(load);
	return false;
}

void load_free(struct load *load)
{
	if (!load->model)
		return;
	if (load->plan.model)
		plan_free(&load->plan);
	model_free(load->model);
	*load = (struct load){ 0 };
}
