/*
 * A file that is complete or absent: written beside its name and renamed.
 */
#ifndef WHOLE_FILE_H
#define WHOLE_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct whole_file {
	const char *path;
	char *temporary; /* NULL: standard output, "-" */
	FILE *out;
};

/* False after an error message. */
bool whole_file_open(struct whole_file *file, const char *path);

/* Puts it in its place if `good` and everything was written; otherwise it leaves nothing. */
bool whole_file_close(struct whole_file *file, bool good);

#endif
