/*
 * What lockd says of itself on its console, for people and for programs:
 *
 *	lockd: node 0 of 3, 1 groups served, 2 participants, 123456 bytes, 26 messages on their way at most
 *	lockd: at 1234567 group 0 following epoch 3           whenever that changed
 *	lockd: at 1234567 group 0 serving epoch 4, 12345 ns after the last leader was heard, bound 23456
 *	lockd: at 1000000000 sent 10 taken 10 here 4 full 0 overruns 0 refused 2: bad_node 2
 */
#ifndef LOCKD_REPORT_H
#define LOCKD_REPORT_H

#include <mullion/lock_image.h>
#include <mullion/lock_router.h>
#include <mullion/lock_wire.h>

void report_start(const struct lock_image *image, const struct lock_tables *tables, uint64_t bytes);

/* A line for each server whose phase or epoch is another than at the last call. */
void report_changes(const struct lock_server *servers, uint32_t count, uint64_t now_ns);

/* A line every `period_ns`, 0: never. */
void report_counters(const struct lock_wire *wire, const struct lock_router *router,
	const struct lock_server *servers, uint32_t count, uint64_t period_ns, uint64_t now_ns);

#endif
