/*
 * Loads a description and plans it; prints what is wrong with it. See load.h.
 */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#include "allocate.h"

void load_add_directory(struct load_directories *directories, const char *path)
{
	directories->paths = allocate_more(
		directories->paths, directories->count + 2u, sizeof(*directories->paths));
	directories->paths[directories->count++] = path;
	directories->paths[directories->count] = NULL;
}

static void print(const struct finding *finding)
{
	struct arena arena = { 0 };
	struct report report = { .arena = &arena };

	report_add(&report, finding);
	report_print(&report, stderr);
	arena_free(&arena);
}

bool load_plan(struct load *load, const char *path, const char *const *images)
{
	struct finding wrong;

	*load = (struct load){ .model = model_load(path, images) };
	if (!load->model)
		return false;
	if (plan_build(load->model, images != NULL, &load->plan, &wrong))
		return true;
	print(&wrong);
	load_free(load);
	return false;
}

void load_free(struct load *load)
{
	if (!load->model)
		return;
	plan_free(&load->plan);
	model_free(load->model);
	*load = (struct load){ 0 };
}
