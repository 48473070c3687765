/*
 * What control does by instructions of its own.
 */
#ifndef CONTROL_CALLS_H
#define CONTROL_CALLS_H

#include "session.h"

/* From random numbers where the processor has them, the clock, and how often the node was reset. */
void calls_seed_nonce(struct control *control);

#endif
