/*
 * A node that tests play before the control partition's code: pages in memory, hypercalls that are
 * noted and answered as told.
 */
#ifndef FAKE_CONTROL_H
#define FAKE_CONTROL_H

#include "../../partitions/control/session.h"

#define FAKE_PARTITIONS 3u   /* control, nav (2 vcpus), watch */
#define FAKE_BLOCKS     256u /* of nav's memory that hold what is put there; the others are zero */
#define FAKE_KEY        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct fake_call {
	enum mullion_hypercall number;
	uint64_t first, second;
};

/* Of the last node_call, how many there were, and what the next ones answer. */
extern struct fake_call fake_last;
extern unsigned fake_calls;
extern int64_t fake_result;
extern uint64_t fake_now;

extern struct mullion_node fake_page;
extern struct mullion_journal fake_journal;
extern struct mullion_console fake_log, fake_consoles[FAKE_PARTITIONS];
extern struct mullion_status fake_status[FAKE_PARTITIONS];
extern struct mullion_trace fake_trace;
extern uint64_t fake_exchange[MULLION_PEEK_BYTES / 8];

extern uint64_t fake_memory[FAKE_BLOCKS][MULLION_PEEK_BYTES / 8];

/* All as after boot. */
void fake_control(struct control *control);

/* More text in a ring, as its writer would. */
void fake_print(struct mullion_console *ring, const char *text);

/* Appends seq and the right mac to a request that ends with '}'. */
void fake_sign(const struct control *control, char *line, size_t room, uint64_t seq);

/*
 * Hands bytes to a session, lets it go on until it is silent, and appends what it says to `said`.
 * Returns how many lines.
 */
unsigned fake_talk(
	struct session *session, const char *bytes, size_t count, char *said, size_t room);

#endif
