/*
 * The arena: a list of zeroed blocks, one per allocation, freed together.
 */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	max_align_t data[];
};

static void out_of_memory(void)
{
	fputs("mullion: error: out of memory; close something large and run it again\n", stderr);
	exit(1);
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_block *block = NULL;

	if (bytes <= SIZE_MAX - sizeof(*block))
		block = calloc(1, sizeof(*block) + bytes);
	if (block == NULL)
		out_of_memory();
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

void *arena_array(struct arena *arena, size_t count, size_t bytes)
{
	if (bytes != 0 && count > SIZE_MAX / bytes)
		out_of_memory();
	return arena_alloc(arena, count * bytes);
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *arena_format(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;
	int length;
	char *text;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		out_of_memory();
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	return text;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}
