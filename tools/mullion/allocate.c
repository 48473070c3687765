/*
 * Memory and strings that are either there or end the program. Nothing here is ever NULL.
 */
#include "allocate.h"

#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void *must(void *memory)
{
	if (memory)
		return memory;
	fputs("mullion: out of memory\n", stderr);
	exit(1);
}

void *allocate(size_t count, size_t bytes)
{
	return must(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *allocate_more(void *array, size_t count, size_t bytes)
{
	return must(reallocarray(array, count ? count : 1, bytes ? bytes : 1));
}

char *format(const char *pattern, ...)
{
	static struct arena strings; /* reachable until the end: not lost, only kept */
	va_list arguments;
	char *string;

	va_start(arguments, pattern);
	string = arena_format(&strings, pattern, arguments);
	va_end(arguments);
	return string;
}
