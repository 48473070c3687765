/*
 * Who has consoles or health attached. On a line that several share, by datagrams, it is one peer at a
 * time, and it has to be heard from now and then: it may be gone.
 */
#ifndef CONTROL_ATTACHMENT_H
#define CONTROL_ATTACHMENT_H

#include "session.h"

#define ATTACHMENT_SECONDS 60u

/* Nobody else than who speaks has anything attached. */
bool attachment_is_free(const struct session *session);

/* Who speaks has attached something, or has let go of it. */
void attachment_take(struct session *session);

/* Who speaks has proved who it is. */
void attachment_heard(struct session *session);

/* Lets go of what nobody has asked for any more. */
void attachment_expire(struct session *session);

#endif
