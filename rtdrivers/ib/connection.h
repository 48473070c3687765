/*
 * Connections by the communication manager: both sides of REQ, REP, RTU, of REJ, of DREQ and DREP, and SIDR for
 * datagrams, over the general services' queue pair of an adapter. What rdma_cm is to a program of Linux's.
 *
 * A state machine without clock, thread or allocation: whoever calls tells the time; connections come out
 * of a pool of the program's; each call is bounded. Invariants: a message changes only the connection that
 * both of its numbers and its sender's GID name; what is lost is said again a bounded number of times, and what is
 * heard again is answered again; a connection's number is not given out twice in a life.
 * It moves queue pairs from RESET to RTS and to ERR itself; it neither creates nor destroys them.
 *
 *	CONNECTIONS(table, 8);
 *	connections_open(&table, &setup);
 *	connection_listen(&table, 0, CONNECTION_TCP(7174), CONNECTION_TCP(7174));
 *	for (;;) {
 *		... frames of the card: roce_port_take, roce_port_next ...
 *		while (connections_poll(&table, now, &event))
 *			switch (event.kind) ...
 *	}
 *
 * Specification: IBTA volume 1, 12.6 to 12.9, 12.11; annex A11 (IP addresses in private data).
 */
#ifndef RTDRIVERS_IB_CONNECTION_H
#define RTDRIVERS_IB_CONNECTION_H

#include <ib/cm.h>
#include <ib/verbs.h>

#define CONNECTIONS_MOST     128u /* of a table; a power of two: the index in a number */
#define CONNECTION_LISTENERS 16u
#define CONNECTION_RANGES    16u /* of an owner */
#define CONNECTION_RECEIVES  16u /* datagrams that may wait to be looked at */
#define CONNECTION_SENDS     8u  /* datagrams that may wait to be sent */
#define CONNECTION_MAD_BYTES (MAD_BYTES + IBV_GRH_BYTES)
#define CONNECTION_RETRIES   15u /* the most */

/* The service ID that rdma_cm makes of a port: RDMA_PS_TCP for connections, RDMA_PS_UDP for datagrams. */
#define CONNECTION_TCP(port_) (CM_IP_SERVICE | (uint64_t)CM_IP_TCP << 16 | (port_))
#define CONNECTION_UDP(port_) (CM_IP_SERVICE | (uint64_t)CM_IP_UDP << 16 | (port_))

enum connection_error {
	CONNECTION_GOOD,
	CONNECTION_POOLS, /* the adapter lacks an object, or its queues are shorter than needed */
	CONNECTION_OWNER, /* there is no such owner */
	CONNECTION_RANGE, /* service IDs that this owner may not listen on */
	CONNECTION_TAKEN, /* somebody listens on one of them */
	CONNECTION_FULL,  /* no connection or listener is free */
	CONNECTION_STATE, /* the connection is past that, or not that far */
	CONNECTION_QUEUE_PAIR, /* of another adapter, not in RESET, not of the type that was asked for */
	CONNECTION_ATTRIBUTE, /* ibv_modify_qp refuses what the two sides agreed on */
	CONNECTION_PRIVATE,   /* more private data than the message has room for */
	CONNECTION_ADDRESS,   /* the adapter has no GID of that index, or none like the peer's */
	CONNECTION_ERRORS
};

/* Service IDs, both ends included. */
struct connection_range {
	uint64_t first, last;
};

/* Somebody who may listen, and where: a program, or a client of the rdma service. */
struct connection_owner {
	const struct connection_range *ranges;
	unsigned count;
};

struct connections_setup {
	/* Taken of it: an MR, a CQ, a queue pair, CONNECTION_SENDS AHs. Its queues hold 4 at least, its CQs 8. */
	struct ibv_context *context;
	struct ibv_pd *pd;
	const struct connection_owner *owners;
	unsigned owner_count;
	enum ibv_mtu mtu;         /* the largest that the wire carries; 0: 1024 */
	uint8_t response_timeout; /* 4.096 us << it until a message is said again; 0: 16, 268 ms */
	uint8_t retries;          /* so often; 1 to CONNECTION_RETRIES; 0: that many */
	uint32_t life;            /* another one each time: numbers and PSNs begin there */
	uint32_t first_psn; /* 0: another one each time; otherwise this, to see numbers wrap */
};

/* What one side brings to a connection: rdma_conn_param, and a little more. */
struct connection_parameters {
	const void *private_data;
	uint8_t private_bytes;
	uint8_t responder_resources; /* READs and atomics of the peer's at once, to IBV_RD_ATOMIC */
	uint8_t initiator_depth;     /* own ones; the peer's word may make them less */
	uint8_t retry_count;         /* of the peer's queue pair towards this one, to 7 */
	uint8_t rnr_retry_count;     /* the same; 7: for ever */
	uint8_t min_rnr_timer;       /* AETH encoding; 0: 12, 640 us */
	uint8_t ack_timeout; /* of this side's queue pair, 1 to 31; 0: 14, 67 ms, or as the REQ says */
	uint8_t sl, traffic_class; /* of this side's packets */
	int access;                /* IBV_ACCESS_REMOTE_*: what the peer may do */
};

/* Whom to ask. */
struct connection_target {
	union ibv_gid gid;
	uint64_t service_id;
	uint16_t source_port; /* rdma_cm's, where the service ID is one of its */
	uint16_t pkey_index;
	uint8_t sgid_index; /* of ibv_query_gid */
	enum ibv_mtu mtu;   /* 0: the setup's */
};

enum connection_state {
	CONNECTION_FREE,
	CONNECTION_REQ_SENT,
	CONNECTION_REQ_RECEIVED, /* the program has to accept or to reject */
	CONNECTION_REP_SENT,
	CONNECTION_ESTABLISHED,
	CONNECTION_DREQ_SENT,
	CONNECTION_SIDR_SENT,
	CONNECTION_SIDR_RECEIVED, /* the program has to answer or to refuse */
	CONNECTION_TIMEWAIT,      /* not the program's any more */
};

struct connections;

struct connection {
	struct connections *table;
	void *user; /* the program's */
	struct ibv_qp *qp;
	uint64_t service_id;
	uint64_t due; /* IBV_NEVER: nothing is awaited */
	uint64_t transaction;
	struct ibv_ah_attr address; /* of the peer */
	uint32_t local_id, remote_id, remote_qpn, qp_num;
	uint32_t receive_psn, send_psn; /* where they begin */
	uint16_t pkey_index;
	uint8_t state; /* enum connection_state */
	uint8_t owner;
	bool active;                        /* asked; otherwise was asked */
	bool datagram;                      /* SIDR */
	uint8_t transport;                  /* enum cm_transport */
	uint8_t retries;                    /* left */
	uint8_t patience;                   /* MRAs that are still listened to */
	uint8_t peer_resources, peer_depth; /* what the peer said last */
	uint8_t peer_retries, peer_rnr_retries, peer_timeout;
	enum ibv_mtu mtu;
	struct connection_parameters own; /* without the private data */
	uint16_t said;                    /* enum cm_attribute: what `message` is; 0: nothing */
	uint8_t message[MAD_BYTES];       /* said last, to be said again */
};

struct connection_listener {
	struct connection_range range;
	unsigned owner;
	bool taken;
};

/* Datagrams that did nothing, by reason; the sum of it all is `received`. */
enum connection_drop {
	CONNECTION_DROP_NONE,
	CONNECTION_DROP_DECODE, /* no CM message of this version, or not from queue pair 1 */
	CONNECTION_DROP_UNKNOWN, /* names no connection: refused with REJ or DREP where that is due */
	CONNECTION_DROP_SOURCE,  /* names one of another peer */
	CONNECTION_DROP_STATE,   /* not what may come now */
	CONNECTION_DROP_AGAIN,   /* came before: answered again */
	CONNECTION_DROP_SERVICE, /* nobody listens: rejected */
	CONNECTION_DROP_ROOM,    /* no connection is free: rejected */
	CONNECTION_DROP_REFUSED, /* what it asks for cannot be: rejected */
	CONNECTION_DROPS
};

struct connections {
	struct connection *pool;
	uint8_t (*mads)[CONNECTION_MAD_BYTES]; /* CONNECTION_RECEIVES, then CONNECTION_SENDS */
	unsigned count;
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *gsi;
	struct ibv_mr *mr;
	struct ibv_ah *ahs[CONNECTION_SENDS];
	unsigned sends, receives; /* of these there are so many */
	struct connections_setup setup;
	struct connection_listener listeners[CONNECTION_LISTENERS];
	uint64_t guid, random;
	uint32_t generation;
	uint64_t earliest; /* no connection's time ends before */
	unsigned turn;     /* connection to be looked at for first data */
	uint64_t received[CONNECTION_DROPS], sent, repeated, lost;
};

/*
 * A table named `name`, static, of so many connections. Those that have ended are kept for a while, as far as there is
 * room, so that what still comes of them is not taken for something new.
 */
#define CONNECTIONS(name, count_)                                                                  \
	static struct connection name##_pool[count_];                                              \
	static uint8_t name##_mads[CONNECTION_RECEIVES + CONNECTION_SENDS][CONNECTION_MAD_BYTES]   \
		__attribute__((aligned(8)));                                                       \
	static struct connections name = {                                                         \
		.pool = name##_pool, .mads = name##_mads, .count = count_                          \
	}

enum connection_event_kind {
	CONNECTION_EVENT_NONE,
	CONNECTION_REQUEST,          /* accept it or reject it */
	CONNECTION_CONNECTED,        /* both may send; the accepting side may before */
	CONNECTION_REJECTED,         /* `reason`; the connection is over */
	CONNECTION_UNREACHABLE,      /* nobody answered, often enough; the same */
	CONNECTION_DISCONNECTED,     /* by one or the other; the queue pair is in ERR; the same */
	CONNECTION_DATAGRAM_REQUEST, /* SIDR: answer it or refuse it */
	CONNECTION_DATAGRAM_ANSWER,  /* `status`, `qpn`, `qkey`; it is over */
};

/* Of connections that are over nothing remains: their pointer means nothing after the next call. */
struct connection_event {
	enum connection_event_kind kind;
	struct connection *connection;
	uint16_t reason; /* enum cm_reject */
	uint8_t status;  /* SIDR: 0 is good */
	bool has_ip;     /* rdma_cm's */
	struct cm_ip ip;
	uint32_t qpn, qkey;                   /* of a peer that answers datagrams */
	uint8_t private_data[CM_RTU_PRIVATE]; /* without rdma_cm's */
	uint8_t private_bytes; /* as many as the message has room for: it does not say */
};

/*
 * Take a queue pair for general services into use. The adapter has to have its GIDs. At most
 * 130000 instructions.
 */
enum connection_error connections_open(
	struct connections *table, const struct connections_setup *setup);

/* One owner listens, from one service ID to another. At most 500 instructions. */
enum connection_error connection_listen(
	struct connections *table, unsigned owner, uint64_t first, uint64_t last);

/* No more: what was asked before stays. At most 400 instructions. */
void connection_unlisten(struct connections *table, unsigned owner, uint64_t first);

/*
 * Ask a peer for a connection; *error says why there is none. The queue pair, in RESET, is in INIT then: post
 * receives before the next poll. At most 50000 instructions.
 */
struct connection *connection_connect(struct connections *table, uint64_t now_ticks,
	struct ibv_qp *qp, const struct connection_target *target,
	const struct connection_parameters *own, enum connection_error *error);

/*
 * Accept a CONNECTION_REQUEST with a queue pair in RESET, which is in RTS then: post receives before frames are
 * taken. At most 130000 instructions.
 */
enum connection_error connection_accept(struct connection *connection, uint64_t now_ticks,
	struct ibv_qp *qp, const struct connection_parameters *own);

/* Say no to a CONNECTION_REQUEST, for this reason; it is over. At most 22000 instructions. */
enum connection_error connection_reject(struct connection *connection, uint64_t now_ticks,
	enum cm_reject reason, const void *private_data, unsigned private_bytes);

/*
 * Say that this side has enough: the queue pair is in ERR at once; CONNECTION_DISCONNECTED follows. At most
 * 50000 instructions.
 */
enum connection_error connection_disconnect(struct connection *connection, uint64_t now_ticks);

/*
 * Give it up in whatever state, for a program that is gone: its peer is told once, no event follows, the queue
 * pair, where there is one, is in ERR. At most 50000 instructions.
 */
void connection_abandon(struct connection *connection, uint64_t now_ticks);

/* Ask for the queue pair that takes a service's datagrams. At most 24000 instructions. */
struct connection *connection_ask(struct connections *table, uint64_t now_ticks,
	const struct connection_target *target, const void *private_data, unsigned private_bytes,
	enum connection_error *error);

/* Answer a CONNECTION_DATAGRAM_REQUEST: status 0 and a queue pair of type UD, or none; over. At most 22000 instructions. */
enum connection_error connection_answer(struct connection *connection, uint64_t now_ticks,
	uint8_t status, const struct ibv_qp *qp, const void *private_data, unsigned private_bytes);

/*
 * One step: a datagram that came, or a time that is over. False: there is nothing to be done now. True: to be
 * called again; event->kind says what happened, CONNECTION_EVENT_NONE included. At most 180000 instructions.
 */
bool connections_poll(
	struct connections *table, uint64_t now_ticks, struct connection_event *event);

/* When to poll although no frame comes; IBV_NEVER. At most 10 instructions. */
uint64_t connections_deadline(const struct connections *table);

/* A sentence that says what to do about it. At most 10 instructions. */
const char *connection_error_text(enum connection_error error);

#endif
