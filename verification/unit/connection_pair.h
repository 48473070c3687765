/*
 * Two connection managers over a link that loses, doubles and delays packets: one listens, the other one asks.
 */
#ifndef CONNECTION_PAIR_H
#define CONNECTION_PAIR_H

#include <ib/connection.h>

#include "verbs_pair.h"

#define NODES   2u
#define ASKS    0u /* which end does what, mostly */
#define LISTENS 1u
#define TABLE   8u
#define SERVICE CONNECTION_TCP(7174)
#define EVENTS  64u

struct node {
	struct connections table;
	struct connection pool[TABLE];
	uint8_t mads[CONNECTION_RECEIVES + CONNECTION_SENDS][CONNECTION_MAD_BYTES]
		__attribute__((aligned(8)));
	struct connection_event events[EVENTS]; /* in the order in which they came */
	unsigned event_count;
	struct connection *connection; /* of the last event, or asked for */
	struct ibv_qp *qp;
};

extern struct pair pair;
extern struct node nodes[NODES];
extern const struct connection_parameters usual; /* of either side */

/* Both, with tables, and the second one's services; another life each time. */
void nodes_open(void);
void nodes_close(void);

/* One more queue pair of that end, in RESET. */
struct ibv_qp *node_qp(unsigned end, enum ibv_qp_type type);

/* Ask for a connection with a new queue pair; whom to ask. */
struct connection_target node_target(unsigned end, uint64_t service_id);
struct connection *node_connect(unsigned end, uint64_t service_id, enum ibv_qp_type type);

/* Time goes on until `end` has seen one more event, or `us` are over: the event, or NULL. */
const struct connection_event *node_await(unsigned end, uint64_t us);

/* `us` go by; what happens stands in the events. */
void nodes_run(uint64_t us);

/* The second end accepts what the first one asks for; both know. False: not in that time. */
bool nodes_connect(uint64_t service_id, enum ibv_qp_type type);

/* A message to `end`, as from the GID, at once. */
void node_hear(unsigned end, const struct cm_message *message, const union ibv_gid *from);

#endif
