/*
 * Trace records in words.
 */
#ifndef TRACE_WORDS_H
#define TRACE_WORDS_H

#include <mullion/abi.h>

#define TRACE_WORDS_BYTES 128u

/* "CPUID", "window 1", "watchdog expired (0x0), cold restart". Returns words. */
char *trace_words(char words[TRACE_WORDS_BYTES], const struct mullion_trace_record *record);

/* "CPUID", "MSR": without its detail. "other": an exit nobody named. */
const char *trace_exit_name(uint32_t code);
const char *trace_event_words(uint32_t event);   /* enum mullion_event */
const char *trace_action_words(uint32_t action); /* enum mullion_action */

#endif
