/*
 * A description becomes a model, or a list of errors.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "model_build.h"

/* What a model is allocated with. */
struct holder {
	struct model model; /* first: the model's address is the holder's */
	struct arena arena;
};

static bool judged_well(struct check *check)
{
	check_tier(check, TIER_LANGUAGE);
	if (check->report->count != 0 || check->source->root == NULL)
		return false;
	check_tier(check, TIER_SHAPE);
	model_build(check->model, check->source, check->images);
	check_tier(check, TIER_MEANING);
	return check->report->count == 0;
}

bool model_judge(
	const char *path, const char *const *images, struct model **model, struct report *report)
{
	struct holder *holder = calloc(1, sizeof(*holder));
	struct source source;
	struct check check = { .source = &source, .report = report, .images = images };

	*model = NULL;
	if (holder == NULL) {
		fputs("mullion: error: out of memory\n", stderr);
		return false;
	}
	*model = &holder->model;
	check.arena = report->arena = &holder->arena;
	check.model = &holder->model;
	source_load(&source, arena_text(&holder->arena, path, strlen(path)), &holder->arena);
	return judged_well(&check);
}

struct model *model_load(const char *path, const char *const *images)
{
	struct report report = { 0 };
	struct model *model;
	bool good = model_judge(path, images, &model, &report);

	report_print(&report, stderr);
	if (good)
		return model;
	model_free(model);
	return NULL;
}

void model_free(struct model *model)
{
	struct holder *holder = (struct holder *)model;

	if (holder == NULL)
		return;
	arena_free(&holder->arena);
	free(holder);
}
