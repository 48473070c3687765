/*
 * What a client asks of the rdma service and what it is told, one answer for each request, over a pair of
 * queuing channels: CLIENT-ask to the service, CLIENT-tell back. Objects are named by numbers, which are the
 * client's own: nobody can name another one's.
 */
#ifndef RDMA_ASK_H
#define RDMA_ASK_H

#include <rdma/ring.h>

enum rdma_kind {
	RDMA_HELLO = 1, /* first of all: what the client had is gone */
	RDMA_COUNTERS,
	RDMA_ALLOC_PD,
	RDMA_DEALLOC_PD,
	RDMA_REG_MR,
	RDMA_DEREG_MR,
	RDMA_CREATE_AH,
	RDMA_DESTROY_AH,
	RDMA_CREATE_CQ,
	RDMA_DESTROY_CQ,
	RDMA_CREATE_QP,
	RDMA_DESTROY_QP,
	RDMA_MODIFY_QP,
	RDMA_LISTEN, /* on a port */
	RDMA_UNLISTEN,
	RDMA_CONNECT, /* of a queue pair in RESET */
	RDMA_ACCEPT,  /* of a connection, with a queue pair in RESET */
	RDMA_REJECT,
	RDMA_DISCONNECT,
	RDMA_EVENT, /* what happened to any of the client's connections; EAGAIN: nothing */
	RDMA_KINDS
};

/* Where memory to be registered lies. */
enum rdma_area {
	RDMA_UP = 1, /* to be read alone */
	RDMA_DOWN,
};

/* Why the service refuses, beside that there is no room or that the verbs refuse. */
enum rdma_refusal {
	RDMA_REFUSED_MALFORMED, /* no request, or of another length */
	RDMA_REFUSED_ORDER,     /* before RDMA_HELLO */
	RDMA_REFUSED_OBJECT,    /* a number that is not one of the client's */
	RDMA_REFUSED_QUOTA,     /* more than was granted */
	RDMA_REFUSED_MEMORY,    /* not within the memory shared for that */
	RDMA_REFUSED_SL,        /* another one than was granted */
	RDMA_REFUSED_PKEY,
	RDMA_REFUSED_RATE,
	RDMA_REFUSED_GSI,     /* queue pair 1 is the service's */
	RDMA_REFUSED_SERVICE, /* another one's service */
	RDMA_BROKEN, /* no request: a ring that no honest client writes; its queue pairs ended */
	RDMA_REFUSALS
};

#define RDMA_PRIVATE_BYTES 32u /* of private data, either way */

/* What one side brings to a connection: ib/connection.h. */
struct rdma_parameters {
	uint8_t responder_resources, initiator_depth;
	uint8_t retry_count, rnr_retry_count, min_rnr_timer, ack_timeout;
	uint8_t private_bytes;
	uint8_t reserved;
	uint32_t access; /* IBV_ACCESS_REMOTE_* */
	uint8_t private_data[RDMA_PRIVATE_BYTES];
};

struct rdma_ask {
	uint32_t kind;   /* enum rdma_kind */
	uint32_t number; /* of the request: comes back */
	uint32_t object; /* which one; of RDMA_CREATE_QP, RDMA_REG_MR, RDMA_CREATE_AH: the PD */
	uint32_t reserved;
	union {
		struct {
			uint64_t offset, length, iova;
			uint32_t area, access; /* enum rdma_area, ibv_access_flags */
		} mr;
		struct ibv_ah_attr ah;
		struct {
			uint32_t cqe;
		} cq;
		struct {
			uint32_t type, send_cq, recv_cq, sq_sig_all;
			struct ibv_qp_cap cap;
		} qp;
		struct {
			int32_t mask;
			struct ibv_qp_attr attr;
		} modify;
		struct {
			union ibv_gid gid;
			uint32_t port; /* of RDMA_PS_TCP; the only member of RDMA_LISTEN */
			uint32_t qp;   /* RDMA_ACCEPT */
			struct rdma_parameters own;
		} connect;
		uint64_t words[14];
	};
};

/* What the deployment has granted: of no use to ask for anything else. */
struct rdma_granted {
	union ibv_gid gid;
	uint32_t sl, pkey;
	uint64_t rate_bytes; /* a second */
	uint32_t burst_bytes;
	uint32_t qps, cqs, mrs, ahs, depth;
	uint32_t first_port, last_port; /* that it may listen on; 0: none */
};

struct rdma_tell {
	uint32_t number;
	int32_t error; /* 0, or an errno */
	uint32_t object;
	uint32_t reserved;
	union {
		struct rdma_granted granted;
		uint64_t refused[RDMA_REFUSALS]; /* by enum rdma_refusal */
		struct {
			uint32_t lkey, rkey;
		} mr;
		struct {
			uint32_t qp_num;
			struct ibv_qp_cap cap;
		} qp;
		struct {
			uint32_t kind;   /* enum connection_event_kind */
			uint32_t reason; /* enum cm_reject */
			uint8_t private_data[RDMA_PRIVATE_BYTES];
		} event; /* of connection `object` */
		uint64_t words[14];
	};
};

_Static_assert(sizeof(struct rdma_ask) == 128, "a message is two lines");
_Static_assert(sizeof(struct rdma_tell) == 128, "a message is two lines");

#endif
