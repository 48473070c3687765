/*
 * A way for datagrams from this machine to the control partition of a node in QEMU: a port here that leads to
 * the address and port that `udp=` in control's args names.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include <stdbool.h>

#include <jansson.h>

#include "command.h"

/* "HOST:PORT", HOST an IPv4 address of this machine. */
bool forward_valid(const char *from);

/* Adds what QEMU needs; `system` is a build's system.json. False after an error message. */
bool forward_add(struct command *command, const char *from, const json_t *system);

#endif
