/*
 * Calling a function that may fault, on vcpu 0, and learning which exception it was.
 */
#ifndef MULLION_CATCH_H
#define MULLION_CATCH_H

#include <stdint.h>

#define CATCH_NONE (-1)

struct catch_result {
	int vector; /* CATCH_NONE: the function returned */
	uint64_t error;
	uint64_t rip;
};

struct catch_result catch_call(void (*function)(void *argument), void *argument);

#endif
