/*
 * The node as control sees it: the pages the kernel and the partitions write, and the calls to change
 * it. Found once; everything else works on this structure alone, so that tests can play the node.
 */
#ifndef CONTROL_NODE_H
#define CONTROL_NODE_H

#include <stdbool.h>

#include <mullion/abi.h>

#define NODE_TRACES   64u
#define NODE_CHANNELS 64u
#define NAME_BYTES    24u /* of a region */
#define NO_PARTITION  0xffffu

struct node_partition {
	char name[NAME_BYTES];
	const struct mullion_status *status; /* NULL: there is none of this number */
	const struct mullion_console *console;
};

/* Its pages, as far as control sees them; a page of its header is all that is read. */
struct node_channel {
	char name[NAME_BYTES]; /* "": there is none of this number */
	uint16_t from, to;     /* partitions; to: of a queuing channel */
	uint32_t message_bytes, depth;
	const struct mullion_sampling *sampling; /* NULL: it is a queuing channel */
	const struct mullion_queuing *queuing;
	const struct mullion_queuing_reader *reader; /* NULL: that page is not seen */
};

struct node {
	const struct mullion_node *page;
	const struct mullion_journal *journal;
	const struct mullion_console *log;
	volatile uint64_t *exchange; /* MULLION_PEEK_BYTES */
	const struct mullion_trace *traces[NODE_TRACES];
	struct node_partition partitions[MULLION_NODE_PARTITIONS];
	struct node_channel channels[NODE_CHANNELS];
	uint16_t partitions_count, cpus_count, self;
	uint64_t hz_numerator, hz_denominator;
};

/* From the info page. False: a page that every command needs is not there. */
bool node_find(struct node *node, const struct mullion_info *info);

/* A partition by name; NO_PARTITION: there is none. */
uint16_t node_partition(const struct node *node, const char *name);

/* Its name by its number; "": there is none. */
const char *node_name(const struct node *node, uint16_t partition);

/* The words of the protocol for numbers of the ABI; "?" for what it does not know. */
const char *node_state_word(uint32_t state);
const char *node_event_word(uint32_t event);
const char *node_action_word(uint32_t action);

/*
 * Copies from a text ring, at most `most` bytes from *position on, which moves behind them. Returns
 * how many, and in *lost how many before them were overwritten and are skipped.
 */
uint32_t node_read_ring(const struct mullion_console *ring, uint64_t *position, uint8_t *copy,
	uint32_t most, uint64_t *lost);

/* ---- Elsewhere: what only a partition can do (calls.c), and a test plays ---- */

int64_t node_call(enum mullion_hypercall number, uint64_t first, uint64_t second);
uint64_t node_now(void);

#endif
