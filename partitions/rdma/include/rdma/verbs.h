/*
 * The verbs of a client of the rdma service: include this instead of ib/verbs.h, and the names of libibverbs
 * mean the service's adapter. Control goes by requests and waits for the answer; posting and polling touch
 * shared memory alone: no hypercall, no answer to wait for.
 *
 * What differs from ib/verbs.h: memory to be registered lies in rdma_up_memory (to be sent from, and to be read
 * by peers) or in rdma_down_memory (to be received and written into: the client reads it, and cannot write
 * it). An address's SL is the one that was granted, `pkey_index` is 0, `static_rate` is 0. Posting says
 * EINVAL and ENOMEM as ib/verbs.h does, but what only the service can see fails later: a request that it
 * refuses ends its queue pair. Everything after the service has been restarted fails; rdma_open again.
 */
#ifndef RDMA_VERBS_H
#define RDMA_VERBS_H

#include <ib/connection.h>
#include <rdma/ask.h>

/* What a client has to know of its channels: rdma/link.h finds them by name. */
struct rdma_link {
	struct rdma_up *up;
	const struct rdma_down *down;
	uint64_t up_bytes, down_bytes;
};

/*
 * Begin, with nothing. What the deployment grants is in rdma_grant from then on. NULL: the areas are too
 * small, or the service does not answer.
 */
struct ibv_context *rdma_open(const struct rdma_link *link);

extern struct rdma_granted rdma_grant;

/* The memory for messages, and how much there is. */
uint8_t *rdma_up_memory(uint64_t *bytes);
const uint8_t *rdma_down_memory(uint64_t *bytes);

/* What the service has refused this client, by enum rdma_refusal. False: it does not answer. */
bool rdma_counters(uint64_t refused[RDMA_REFUSALS]);

/*
 * The program's: hand a request to the service and wait for its answer. False: there is none.
 * partitions/rdma/client/link.c has one for partitions.
 */
bool rdma_exchange(const struct rdma_ask *ask, struct rdma_tell *tell);

/* ---- Connections by ports of RDMA_PS_TCP, as rdma_cm makes them ---- */

/* Listen, on a port that the deployment grants: EPERM, EADDRINUSE, ENOMEM. */
int rdma_listen(uint16_t port);
int rdma_unlisten(uint16_t port);

/*
 * Ask a peer; the queue pair, in RESET, is in INIT then: post receives. *connection: the number of what
 * rdma_event will tell. An errno.
 */
int rdma_connect(struct ibv_qp *qp, const union ibv_gid *gid, uint16_t port,
	const struct rdma_parameters *own, unsigned *connection);

/* Accept a CONNECTION_REQUEST with a queue pair in RESET, which is in RTS then; or say no to it. */
int rdma_accept(unsigned connection, struct ibv_qp *qp, const struct rdma_parameters *own);
int rdma_reject(unsigned connection, const struct rdma_parameters *own);

/* The queue pair is in ERR at once; CONNECTION_DISCONNECTED follows. */
int rdma_disconnect(unsigned connection);

/* The latest of one connection that has not been told; false: nothing happened. Asks the service. */
struct rdma_event {
	unsigned connection;
	enum connection_event_kind kind;
	uint16_t reason; /* enum cm_reject */
	uint8_t private_data[RDMA_PRIVATE_BYTES];
};
bool rdma_event(struct rdma_event *event);

/* ---- Verbs ---- */

struct ibv_pd *rdma_alloc_pd(struct ibv_context *context);
int rdma_dealloc_pd(struct ibv_pd *pd);
struct ibv_mr *rdma_reg_mr(struct ibv_pd *pd, const void *addr, size_t length, int access);
int rdma_dereg_mr(struct ibv_mr *mr);
struct ibv_ah *rdma_create_ah(struct ibv_pd *pd, const struct ibv_ah_attr *attr);
int rdma_destroy_ah(struct ibv_ah *ah);
struct ibv_cq *rdma_create_cq(struct ibv_context *context, int cqe, void *cq_context);
int rdma_destroy_cq(struct ibv_cq *cq);
struct ibv_qp *rdma_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
int rdma_destroy_qp(struct ibv_qp *qp);
int rdma_modify_qp(struct ibv_qp *qp, const struct ibv_qp_attr *attr, int attr_mask);
int rdma_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad_wr);
int rdma_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr);
int rdma_poll_cq(struct ibv_cq *cq, int num_entries, struct ibv_wc *wc);

#ifndef RDMA_WITHOUT_NAMES
#define ibv_alloc_pd   rdma_alloc_pd
#define ibv_dealloc_pd rdma_dealloc_pd
#define ibv_reg_mr     rdma_reg_mr
#define ibv_dereg_mr   rdma_dereg_mr
#define ibv_create_ah  rdma_create_ah
#define ibv_destroy_ah rdma_destroy_ah
#define ibv_create_cq  rdma_create_cq
#define ibv_destroy_cq rdma_destroy_cq
#define ibv_create_qp  rdma_create_qp
#define ibv_destroy_qp rdma_destroy_qp
#define ibv_modify_qp  rdma_modify_qp
#define ibv_post_send  rdma_post_send
#define ibv_post_recv  rdma_post_recv
#define ibv_poll_cq    rdma_poll_cq
#endif

#endif
