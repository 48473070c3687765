/*
 * What the files of the connection manager share: datagrams in and out, the pool, messages, queue pairs. Not for
 * programs. Specification: IBTA volume 1, 12.6 to 12.9.
 */
#ifndef RTDRIVERS_IB_CONNECTION_STATE_H
#define RTDRIVERS_IB_CONNECTION_STATE_H

#include <ib/connection.h>
#include <ib/gid.h>
#include <ib/state.h>

/* A datagram of queue pair 1 that decodes, and its sender. */
struct connection_arrival {
	struct cm_message message;
	struct ibv_ah_attr from;
};

enum connection_wire {
	CONNECTION_WIRE_NOTHING, /* no datagram waits */
	CONNECTION_WIRE_BAD,     /* one did, and is none of a CM's */
	CONNECTION_WIRE_MESSAGE,
};

/* ---- Datagrams (connection_wire.c) ---- */

/* The queue pair for general services, its buffers and addresses. At most 130000 instructions. */
enum connection_error wire_open(struct connections *table);

/* The oldest datagram that waits. At most 21000 instructions. */
enum connection_wire wire_take(struct connections *table, struct connection_arrival *arrival);

/* Send a datagram; one that finds no room is lost, and counted. At most 2200 instructions. */
void wire_send(
	struct connections *table, const struct ibv_ah_attr *to, const uint8_t message[MAD_BYTES]);

/* Send a message that no connection keeps, in answer to one that came. At most 21000 instructions. */
void wire_answer(struct connections *table, const struct connection_arrival *arrival,
	enum cm_attribute attribute, struct cm_message *message);

/* ---- The pool (connection_pool.c) ---- */

/* A free one, with a number; NULL: none is free or over. At most 4000 instructions. */
struct connection *pool_take(struct connections *table);

/* By its own number, where the peer is the sender; NULL: none. At most 60 instructions. */
struct connection *pool_find(
	const struct connections *table, uint32_t local_id, const struct connection_arrival *from);

/* By the number that a peer gave it when it asked, by REQ or by SIDR REQ. At most 8000 instructions. */
struct connection *pool_find_remote(const struct connections *table, uint32_t remote_id,
	bool datagram, const struct connection_arrival *from);

/* One with this queue pair of the peer's that is not over. At most 4000 instructions. */
struct connection *pool_find_peer(
	const struct connections *table, uint32_t qpn, const struct connection_arrival *from);

/* Its time ends at `when`; IBV_NEVER: it waits for nothing. At most 20 instructions. */
void pool_await(struct connection *connection, uint64_t when_ticks);

/* The one whose time is over; NULL: none is. At most 4000 instructions. */
struct connection *pool_due(struct connections *table, uint64_t now_ticks);

/* The listener of a service ID. At most 250 instructions. */
const struct connection_listener *pool_listener(
	const struct connections *table, uint64_t service_id);

/* 4.096 us << exponent, in ticks. */
static inline uint64_t connection_ticks(
	const struct connections *const table, const unsigned exponent)
{
	return rate_ticks_up(&table->context->rate, (uint64_t)4096 << exponent);
}

/* ---- Messages (connection_message.c) ---- */

/* REQ, REP, SIDR REQ and REP in full; they are kept, and not sent yet. At most 20000 instructions. */
enum connection_error message_req(struct connection *connection,
	const struct connection_target *target, const struct connection_parameters *own);
/* At most 20000 instructions. */
enum connection_error message_rep(
	struct connection *connection, const struct connection_parameters *own);
/* At most 20000 instructions. */
enum connection_error message_sidr_req(struct connection *connection,
	const struct connection_target *target, const void *private_data, unsigned private_bytes);
/* At most 20000 instructions. */
enum connection_error message_sidr_rep(struct connection *connection, uint8_t status,
	const struct ibv_qp *qp, const void *private_data, unsigned private_bytes);
/* RTU, MRA, DREQ, DREP: nothing but numbers. At most 20000 instructions. */
void message_plain(struct connection *connection, enum cm_attribute attribute);
/* REJ. At most 20000 instructions. */
enum connection_error message_rej(struct connection *connection, enum cm_reject reason,
	const void *private_data, unsigned private_bytes);

/* Send what is kept, or send it again. At most 2200 instructions. */
void message_say(struct connection *connection);

/* The private data of a message, and rdma_cm's in front of it. At most 500 instructions. */
void message_private(const struct cm_message *message, struct connection_event *event);

/* ---- Queue pairs (connection_qp.c) ---- */

/* Of this adapter, in RESET, of a type that has connections, of this transport. At most 30 instructions. */
bool qp_fits(const struct connections *table, const struct ibv_qp *qp, uint8_t transport);

/* To INIT. At most 27000 instructions. */
enum connection_error qp_begin(struct connection *connection, struct ibv_qp *qp);

/* From INIT to RTS, as the two sides agreed. At most 54000 instructions. */
enum connection_error qp_connect(struct connection *connection);

/* Back to RESET. At most 27000 instructions. */
void qp_undo(struct connection *connection, struct ibv_qp *qp);

/* To ERR, where there still is one. At most 27000 instructions. */
void qp_end(struct connection *connection);

/* Something has come. At most 20 instructions. */
bool qp_heard(const struct connection *connection);

/* ---- Turns (connection_take.c) ---- */

/* What a message asks for. At most 105000 instructions. */
enum connection_drop connection_take(struct connections *table, uint64_t now_ticks,
	const struct connection_arrival *arrival, struct connection_event *event);

/* Over: not the program's any more, kept for a while for what still comes. At most 200 instructions. */
void connection_over(struct connection *connection, uint64_t now_ticks);

/* Both may send. At most 50 instructions. */
void connection_up(struct connection *connection, struct connection_event *event);

/* When a message is to be said again. */
static inline uint64_t connection_patience(
	const struct connection *const connection, const uint64_t now)
{
	return now + connection_ticks(connection->table, connection->table->setup.response_timeout);
}

static inline void connection_tell(struct connection_event *const event,
	const enum connection_event_kind kind, struct connection *const connection)
{
	event->kind = kind;
	event->connection = connection;
}

#endif
