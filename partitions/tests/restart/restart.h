/*
 * What the two roles of the restart test agree on: a message for each life.
 */
#ifndef RESTART_H
#define RESTART_H

#include <stdint.h>

/* What a life found of the one before it: a bit for each place that was not as the image has it. */
enum mark {
	MARK_DATA = 1,       /* initialised data */
	MARK_BSS = 2,        /* zeroed data */
	MARK_TEXT = 4,       /* the program itself */
	MARK_FAR = 8,        /* memory beyond the program */
	MARK_WATCHDOG = 16,  /* the page of its own watchdog, if it has one */
	MARK_SECONDARY = 32, /* another vcpu went on in the new life, or did not start */
};
#define MARKS_ALWAYS (MARK_DATA | MARK_BSS | MARK_TEXT | MARK_FAR)

struct life {
	uint64_t number; /* from 1 */
	uint64_t marks;
};

int role_live(void);
int role_watch(void);
int role_reset(void);

#endif
