/*
 * Where a session's lines go, and what comes: the serial line is session 0.
 */
#ifndef CONTROL_TRANSPORT_H
#define CONTROL_TRANSPORT_H

#include "session.h"

#define SESSION_SERIAL 0u

/* Bytes that may be sent without losing any. */
uint32_t transport_room(unsigned session);
void transport_send(unsigned session, const char *text, uint32_t bytes);

/* What is for people goes to the serial line alone. */
uint32_t people_room(void);
void people_send(const char *text, uint32_t bytes);

#endif
