/*
 * From a description to a plan: what `check`, `build` and `explain` have in common.
 */
#ifndef LOAD_H
#define LOAD_H

#include <argp.h>
#include <stdbool.h>

#include "plan.h"

struct load {
	struct model *model;
	struct plan plan; /* only of a description without errors */
	struct report report;
};

/* A list of directories that grows; `paths` is NULL until the first, and ended by NULL. */
struct load_directories {
	const char **paths;
	unsigned count;
};
void load_add_directory(struct load_directories *directories, const char *path);

/* What the command line says of it: one FILE.dts, and where to look for images. */
struct load_request {
	const char *source;
	struct load_directories images;
};

/* A child of a command's own parser, which gives it the request as its input. */
extern const struct argp load_argp;

/*
 * images: where to look for partition images; NULL: they are not looked at. False if anything is
 * wrong: load->report says what. load_free is due in any case.
 */
bool load_plan(struct load *load, const char *path, const char *const *images);

/* The same, but prints what is wrong to stderr and frees. */
bool load_or_say(struct load *load, const char *path, const char *const *images);
void load_free(struct load *load);

#endif
