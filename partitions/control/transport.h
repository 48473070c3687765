/*
 * Where a session's lines go, and what comes: the serial line is session 0, datagrams are session 1.
 */
#ifndef CONTROL_TRANSPORT_H
#define CONTROL_TRANSPORT_H

#include "session.h"

#define TRANSPORT_SERIAL    0u
#define TRANSPORT_DATAGRAMS 1u
#define TRANSPORTS          2u

/* Bytes that may be sent without losing any. */
uint32_t transport_room(unsigned session);

/* To who asked last, and to who has attached something: by datagrams they need not be the same. */
void transport_answer(unsigned session, const char *text, uint32_t bytes);
void transport_notice(unsigned session, const char *text, uint32_t bytes);

/* What is for people goes to the serial line alone. */
uint32_t people_room(void);
void people_send(const char *text, uint32_t bytes);

#endif
