/*
 * Output that is complete or absent: directories and files are written beside their place and
 * renamed into it.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* A new empty directory beside `path`; NULL after an error message. */
char *output_begin(const char *path);

/*
 * Puts the directory in its place, removing an earlier build that is there; anything else that is
 * there stays, and false is returned after an error message. output_abandon removes it instead.
 */
bool output_commit(char *temporary, const char *path);
void output_abandon(char *temporary);

/* Opens DIRECTORY/NAME for writing; NULL after an error message. */
FILE *output_open(const char *directory, const char *name);

/* Closes it; false after an error message if anything was not written. */
bool output_close(FILE *file, const char *name);

bool output_copy(const char *from, const char *directory, const char *name);

#endif
