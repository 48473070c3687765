/*
 * Everybody's consoles and the kernel's log, as whole lines with their writer's name before them, for
 * people on the serial line; and as notices for who has attached to one.
 */
#ifndef CONTROL_CONSOLES_H
#define CONTROL_CONSOLES_H

#include "session.h"

#define CONSOLES_PASS_BYTES 512u /* of each ring */

void consoles_open(const struct node *node);
unsigned consoles_count(void);

/* One pass over all rings. False: there was nothing, or nobody had room for it. */
bool consoles_pass(struct session *sessions, unsigned count);

#endif
