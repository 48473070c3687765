/*
 * The rdma service without its card: clients, what each was granted, their objects in one adapter, and their
 * rings. Pure: whoever has the channels hands requests over, whoever has the card moves the frames.
 *
 * Invariants: what a client asks for and what it writes into its rings changes nothing but its own objects; a
 * queue pair has its client's SL, P_Key and bucket, whatever was asked for; memory is registered only within
 * what the client shares, for peers to write only in the service's own pages. The quotas of all clients
 * together are within the adapter's pools (rdma/table.h says who sees to that), so nobody's objects are another
 * one's to use up.
 */
#ifndef RDMA_SERVICE_H
#define RDMA_SERVICE_H

#include <ib/connection.h>
#include <ib/lanes.h>
#include <rdma/ask.h>
#include <rdma/table.h>

#define SERVICE_BATCH 4u /* requests of a ring that are taken in one turn */
#define SERVICE_TAKEN 8u /* completions of a queue */

/* The memory that a client shares: `up` can only be read here. */
struct shared {
	const struct rdma_up *up;
	struct rdma_down *down;
	uint64_t up_bytes, down_bytes;
};

struct client_qp {
	struct ibv_qp *qp;     /* NULL: none */
	uint32_t sends, recvs; /* taken, ever */
	uint32_t send_cq, recv_cq;
	bool broken; /* its rings are not looked at any more */
};

struct client_cq {
	struct ibv_cq *cq; /* NULL: none */
	uint32_t shown;    /* completions, ever */
	bool broken;       /* nobody takes them: they are dropped */
};

struct client_connection {
	struct connection *connection; /* NULL: none, or over */
	uint32_t qp;                   /* the client's; RDMA_QPS: none yet */
	uint8_t client;
	bool taken;
	struct {
		uint32_t kind, reason; /* the latest, not told yet; 0: none */
		uint8_t private_data[RDMA_PRIVATE_BYTES];
	} event;
};

struct client {
	const struct rdma_grant *grant;
	struct shared shared;
	unsigned owner; /* of the port: ib/lanes.h */
	uint16_t pkey_index;
	bool greeted;
	struct ibv_pd *pds[RDMA_PDS];
	struct ibv_mr *mrs[RDMA_MRS];
	struct ibv_ah *ahs[RDMA_AHS];
	struct client_cq cqs[RDMA_CQS];
	struct client_qp qps[RDMA_QPS];
	struct client_connection connections[RDMA_CONNECTIONS];
	unsigned listens;
	uint64_t refused[RDMA_REFUSALS]; /* by enum rdma_refusal */
};

struct service {
	struct ibv_context *context;
	struct lanes *lanes;
	struct connections *connections;
	struct connection_owner owners[RDMA_CLIENTS];
	struct connection_range ranges[RDMA_CLIENTS];
	struct client clients[RDMA_CLIENTS];
	unsigned client_count;
};

/*
 * Over an adapter and its port, both open; P_Key 0 and SL 0 stay the service's own, for the connection manager,
 * which gets so many bytes a second. `life`: another one each time. Why not, or NULL.
 */
const char *service_open(struct service *service, struct ibv_context *context, struct lanes *lanes,
	struct connections *connections, uint32_t life, uint64_t now_ticks);

/*
 * One more client, of at most RDMA_CLIENTS; why not, or NULL. The grant stays the caller's, who has it of a
 * table that was judged, and with it areas of the size that it says; all grants together are within the
 * adapter's pools. The port refuses SL, rate or burst, or the adapter the P_Key: it is open for others.
 */
const char *service_add(struct service *service, const struct rdma_grant *grant,
	const struct shared *shared, uint64_t now_ticks);

/* A client's request, whatever it is; the answer is always one. */
void service_ask(struct service *service, unsigned client, uint64_t now_ticks, const uint8_t *bytes,
	uint64_t length, struct rdma_tell *tell);

/* One step of the connection manager. True: something was done. */
bool service_connections(struct service *service, uint64_t now_ticks);

/*
 * A client's rings: up to SERVICE_BATCH requests of each are posted, up to SERVICE_TAKEN completions of each
 * queue shown. True: something was done.
 */
bool service_rings(struct service *service, unsigned client);

/* "sl", "memory", ...: a refusal in a word. */
const char *rdma_refusal_name(enum rdma_refusal refusal);

/* ---- Between the files of the service ---- */

/* All that the client has is gone, and its rings begin anew. */
void client_reset(struct service *service, struct client *client, uint64_t now_ticks);

/* One request on its way. */
struct asking {
	struct service *service;
	struct client *client;
	uint64_t now_ticks;
	const struct rdma_ask *ask;
	struct rdma_tell *tell;
};

/* Counts it; `error` is returned. */
int asking_refuse(struct asking *a, enum rdma_refusal why, int error);

/* The client's queue pair of that number; NULL: none. */
struct client_qp *asking_qp(struct client *client, uint32_t number);

/* RDMA_LISTEN to RDMA_EVENT. */
int asking_connection(struct asking *a);

/* The connections of a queue pair are given up; RDMA_QPS: all of the client's, and it listens no more. */
void client_leave(struct service *service, struct client *client, uint32_t qp, uint64_t now_ticks);

#endif
