/*
 * Which way a message of the lock service goes on a node: between the participants that live here, the servers
 * of the groups that this node serves, and the wire. Pure, as the engine is: no clock, no I/O, nothing allocated.
 *
 * On the way between a participant and the lock partition the field `node` names the other end: whom it is for,
 * or whom it is from. Who the participant is, its port says. Invariants: a participant speaks for itself alone,
 * and only as participants do; a server hears as from another node only what came from there; what is refused
 * is counted and goes nowhere. Where there is no room a message is lost, and counted: it will be sent again.
 */
#ifndef MULLION_LOCK_ROUTER_H
#define MULLION_LOCK_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/lock_message.h>
#include <mullion/lock_server.h>
#include <mullion/lock_tables.h>

/* What became of a message. */
enum lock_route {
	LOCK_ROUTE_SERVER,      /* to a server of this node, which judges it */
	LOCK_ROUTE_PARTICIPANT, /* to a participant of this node */
	LOCK_ROUTE_NODE,        /* to another node */
	LOCK_ROUTE_FULL,        /* there was no room: lost */
	LOCK_ROUTE_BAD_SIZE,
	LOCK_ROUTE_BAD_KIND,  /* not one that this sender sends */
	LOCK_ROUTE_BAD_GROUP, /* no such group, or one not served here */
	LOCK_ROUTE_BAD_INDEX, /* no such slot or member in the group, or not this sender's */
	LOCK_ROUTE_BAD_NODE,  /* to or from a node that has no part in it */
	LOCK_ROUTE_QUIET,     /* a participant spoke before the node's old sessions are over */
	LOCK_ROUTES
};

/* Ways out, given by whoever has them. False: no room. */
struct lock_carrier {
	void *context;
	bool (*to_node)(void *context, uint16_t node, const struct lock_message *message);
	bool (*to_participant)(
		void *context, uint32_t participant, const struct lock_message *message);
	bool (*has_room)(void *context); /* for one more to another node */
};

struct lock_router {
	const struct lock_tables *tables;
	const struct lock_carrier *carrier;
	struct lock_server **server_of; /* by group; NULL: not served here */
	struct lock_server *servers;
	uint32_t count; /* of servers */
	uint16_t node;
	uint64_t quiet_end_ns;
	uint64_t due_ns; /* when the servers have something to do if no message comes before */
	uint64_t routes[LOCK_ROUTES];
};

/* Groups that `node` serves: that many servers are needed. Cost: the groups. */
uint32_t lock_router_groups(const struct lock_tables *tables, uint16_t node);

/*
 * How many messages may be on their way to `node` at once, each of them once: of every slot and member of others
 * two and one to whoever may lead, of every slot and member here two each from there, and one of each server. A
 * card that holds as many loses none. Cost: the slots, members and groups.
 */
uint64_t lock_router_inbox(const struct lock_tables *tables, uint16_t node);

/* How long after a node's start its participants keep silent, so that sessions of its former life are over. */
uint64_t lock_router_quiet_ns(const struct lock_tables *tables);

/*
 * Over `servers`, which are started, one per group that this node serves, and `server_of`, with a place for each
 * group. Participants are not listened to before `quiet_end_ns`. Cost: the groups.
 */
void lock_router_init(struct lock_router *router, const struct lock_tables *tables, uint16_t node,
	const struct lock_carrier *carrier, struct lock_server *servers, uint32_t count,
	struct lock_server **server_of, uint64_t quiet_end_ns);

/* A message that came from another node, as the wire proved. Cost: constant, and the server's. */
enum lock_route lock_router_from_node(struct lock_router *router, uint16_t from,
	const struct lock_message *message, uint64_t now_ns);

/* A message from a participant of this node; its `node` says where to, and is changed. Cost: the same. */
enum lock_route lock_router_from_participant(struct lock_router *router, uint32_t participant,
	struct lock_message *message, uint64_t bytes, uint64_t now_ns);

/*
 * Let the servers do what is due, and send: up to `most` ticks of each, and up to `most` messages of all, as long as
 * there is room. True: there was something. Cost: that; where none leads and nothing is due, a comparison.
 */
bool lock_router_work(struct lock_router *router, uint32_t most, uint64_t now_ns);

#endif
