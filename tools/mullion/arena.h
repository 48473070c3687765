/*
 * Memory that lives as long as its owner: everything a description becomes is freed at once.
 *
 * All memory is zeroed. Running out of it ends the program with a sentence: a compiler that cannot
 * hold its input has nothing better to offer.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena {
	struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t bytes);
void *arena_array(struct arena *arena, size_t count, size_t bytes);
char *arena_text(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, va_list arguments);
void arena_free(struct arena *arena);

#endif
