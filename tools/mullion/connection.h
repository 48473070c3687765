/*
 * The options by which ctl, top and trace reach a node: a child parser of argp whose input is a
 * struct session_options.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <argp.h>

#include "session.h"

extern const struct argp connection_argp;

#define CONNECTION_TIMEOUT_MS 5000u

#endif
