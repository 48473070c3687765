/*
 * What the files of this partition share.
 */
#ifndef TEST_INSTRUCTIONS_H
#define TEST_INSTRUCTIONS_H

#include <mullion/irq.h>

#define VECTOR_DB 1
#define VECTOR_BP 3
#define VECTOR_UD 6
#define VECTOR_GP 13
#define VECTOR_AC 17

void check_controls(void);
void check_cpuid(void);
void check_debug(void);
void check_modes(void);

#define CONTROL_TESTS 10u
#define CPUID_TESTS   8u
#define DEBUG_TESTS   6u
#define MODE_TESTS    7u

#endif
