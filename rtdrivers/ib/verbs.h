/*
 * RDMA verbs: names and meaning of libibverbs (`man 7 rdma_cm`, `man ibv_post_send`), for partitions.
 *
 * What differs from libibverbs: objects come out of pools that the caller declares (ibv_pools), so
 * nothing is allocated; there are no events and no interrupts, completions are polled; nothing has a
 * clock, the provider says what time it is; each call is bounded (rtdrivers/bounds). A completion
 * queue never overruns, since a request that is posted has its entry reserved: post fails with ENOMEM
 * instead. What fails sets the queue pair to ERR, also where libibverbs has SQE; retransmission is
 * always bounded, so a timeout of 0 (for ever) is refused.
 *
 * Calls return 0 or an errno, objects NULL where there is none to be had. One caller at a time: a
 * context belongs to one vcpu. The provider's side of it is ib/engine.h.
 * Specification: IBTA 1.4, chapters 9 to 11.
 */
#ifndef RTDRIVERS_IB_VERBS_H
#define RTDRIVERS_IB_VERBS_H

#include <stddef.h>

#include <ib/ib.h>
#include <mullion/rate.h>

#define IBV_QPS_MOST      64u  /* of a context */
#define IBV_OBJECTS_MOST  256u /* of every other kind */
#define IBV_DEPTH_MOST    256u /* of a queue; a power of two */
#define IBV_SGE_MOST      4u
#define IBV_INLINE_MOST   64u
#define IBV_RD_ATOMIC     16u /* READs and atomics outstanding, of a queue pair, each way */
#define IBV_PKEYS         8u
#define IBV_LANES         16u
#define IBV_GIDS          4u
#define IBV_MESSAGE_BYTES 0x1000000u /* the longest message */
#define IBV_GRH_BYTES     40u        /* before each datagram received */
#define IBV_NEVER         UINT64_MAX

enum ibv_qp_type {
	IBV_QPT_GSI = 1, /* datagrams of queue pair 1 */
	IBV_QPT_RC,
	IBV_QPT_UC,
	IBV_QPT_UD,
};

enum ibv_qp_state {
	IBV_QPS_RESET,
	IBV_QPS_INIT,
	IBV_QPS_RTR,
	IBV_QPS_RTS,
	IBV_QPS_SQD,
	IBV_QPS_SQE,
	IBV_QPS_ERR,
};

enum ibv_mtu {
	IBV_MTU_256 = 1,
	IBV_MTU_512,
	IBV_MTU_1024,
	IBV_MTU_2048,
	IBV_MTU_4096,
};

enum ibv_access_flags {
	IBV_ACCESS_LOCAL_WRITE = 1,
	IBV_ACCESS_REMOTE_WRITE = 2,
	IBV_ACCESS_REMOTE_READ = 4,
	IBV_ACCESS_REMOTE_ATOMIC = 8,
};

enum ibv_wr_opcode {
	IBV_WR_RDMA_WRITE,
	IBV_WR_RDMA_WRITE_WITH_IMM,
	IBV_WR_SEND,
	IBV_WR_SEND_WITH_IMM,
	IBV_WR_RDMA_READ,
	IBV_WR_ATOMIC_CMP_AND_SWP,
	IBV_WR_ATOMIC_FETCH_AND_ADD,
	IBV_WR_OPCODES
};

enum ibv_send_flags {
	IBV_SEND_FENCE = 1,
	IBV_SEND_SIGNALED = 2,
	IBV_SEND_SOLICITED = 4,
	IBV_SEND_INLINE = 8,
};

enum ibv_wc_status {
	IBV_WC_SUCCESS,
	IBV_WC_LOC_LEN_ERR,
	IBV_WC_LOC_QP_OP_ERR,
	IBV_WC_LOC_EEC_OP_ERR,
	IBV_WC_LOC_PROT_ERR,
	IBV_WC_WR_FLUSH_ERR,
	IBV_WC_MW_BIND_ERR,
	IBV_WC_BAD_RESP_ERR,
	IBV_WC_LOC_ACCESS_ERR,
	IBV_WC_REM_INV_REQ_ERR,
	IBV_WC_REM_ACCESS_ERR,
	IBV_WC_REM_OP_ERR,
	IBV_WC_RETRY_EXC_ERR,
	IBV_WC_RNR_RETRY_EXC_ERR,
	IBV_WC_LOC_RDD_VIOL_ERR,
	IBV_WC_REM_INV_RD_REQ_ERR,
	IBV_WC_REM_ABORT_ERR,
	IBV_WC_INV_EECN_ERR,
	IBV_WC_INV_EEC_STATE_ERR,
	IBV_WC_FATAL_ERR,
	IBV_WC_RESP_TIMEOUT_ERR,
	IBV_WC_GENERAL_ERR,
};

enum ibv_wc_opcode {
	IBV_WC_SEND,
	IBV_WC_RDMA_WRITE,
	IBV_WC_RDMA_READ,
	IBV_WC_COMP_SWAP,
	IBV_WC_FETCH_ADD,
	IBV_WC_RECV = 128,
	IBV_WC_RECV_RDMA_WITH_IMM,
};

enum ibv_wc_flags {
	IBV_WC_GRH = 1,
	IBV_WC_WITH_IMM = 2,
};

union ibv_gid {
	uint8_t raw[16];
	uint64_t words[2];
};

struct ibv_global_route {
	union ibv_gid dgid;
	uint32_t flow_label;
	uint8_t sgid_index;
	uint8_t hop_limit;
	uint8_t traffic_class;
};

struct ibv_ah_attr {
	struct ibv_global_route grh;
	uint16_t dlid;
	uint8_t sl;
	uint8_t src_path_bits;
	uint8_t static_rate;
	uint8_t is_global; /* the peer is known by its GID, otherwise by its LID */
	uint8_t port_num;
};

struct ibv_sge {
	uint64_t addr;
	uint32_t length;
	uint32_t lkey;
};

struct ibv_wc {
	uint64_t wr_id;
	enum ibv_wc_status status;
	enum ibv_wc_opcode opcode;
	uint32_t vendor_err;
	uint32_t byte_len;
	uint32_t imm_data; /* as on the wire: network byte order */
	uint32_t qp_num;
	uint32_t src_qp;
	unsigned wc_flags;
	uint16_t pkey_index;
	uint16_t slid;
	uint8_t sl;
	uint8_t dlid_path_bits;
};

struct ibv_context;
struct ibv_local_link;

struct ibv_pd {
	struct ibv_context *context; /* NULL: free */
	unsigned users;
};

struct ibv_mr {
	struct ibv_context *context;
	struct ibv_pd *pd; /* NULL: free */
	void *addr;
	uint64_t length;
	uint64_t iova; /* where peers and SGEs find its first byte */
	uint32_t lkey, rkey;
	int access;
};

struct ibv_ah {
	struct ibv_context *context;
	struct ibv_pd *pd; /* NULL: free */
	struct ibv_ah_attr attr;
	unsigned pending; /* requests that name it */
};

struct ibv_cq {
	struct ibv_context *context; /* NULL: free */
	void *cq_context;
	int cqe;
	struct ibv_wc *entries;
	uint32_t head, tail; /* oldest, next; they count on for ever */
	uint32_t room;       /* entries neither held by a completion nor reserved */
	unsigned users;
};

struct ibv_send_wr {
	uint64_t wr_id;
	struct ibv_send_wr *next;
	struct ibv_sge *sg_list;
	int num_sge;
	enum ibv_wr_opcode opcode;
	unsigned send_flags;
	uint32_t imm_data;
	union {
		struct {
			uint64_t remote_addr;
			uint32_t rkey;
		} rdma;
		struct {
			uint64_t remote_addr;
			uint64_t compare_add;
			uint64_t swap;
			uint32_t rkey;
		} atomic;
		struct {
			struct ibv_ah *ah;
			uint32_t remote_qpn;
			uint32_t remote_qkey;
		} ud;
	} wr;
};

struct ibv_recv_wr {
	uint64_t wr_id;
	struct ibv_recv_wr *next;
	struct ibv_sge *sg_list;
	int num_sge;
};

struct ibv_qp_cap {
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline_data;
};

struct ibv_qp_init_attr {
	void *qp_context;
	struct ibv_cq *send_cq, *recv_cq;
	struct ibv_qp_cap cap; /* what there is comes back */
	enum ibv_qp_type qp_type;
	int sq_sig_all;
};

struct ibv_qp_attr {
	enum ibv_qp_state qp_state;
	enum ibv_mtu path_mtu;
	uint32_t qkey;
	uint32_t rq_psn, sq_psn;
	uint32_t dest_qp_num;
	int qp_access_flags;
	struct ibv_ah_attr ah_attr;
	uint16_t pkey_index;
	uint8_t max_rd_atomic, max_dest_rd_atomic;
	uint8_t min_rnr_timer; /* AETH encoding: 1 is 10 us, 12 is 640 us, 14 is 1.28 ms */
	uint8_t port_num;
	uint8_t timeout;              /* 4.096 us << timeout, 1 to 31 */
	uint8_t retry_cnt, rnr_retry; /* 0 to 7; rnr_retry 7: for ever */
};

enum ibv_qp_attr_mask {
	IBV_QP_STATE = 1 << 0,
	IBV_QP_ACCESS_FLAGS = 1 << 3,
	IBV_QP_PKEY_INDEX = 1 << 4,
	IBV_QP_PORT = 1 << 5,
	IBV_QP_QKEY = 1 << 6,
	IBV_QP_AV = 1 << 7,
	IBV_QP_PATH_MTU = 1 << 8,
	IBV_QP_TIMEOUT = 1 << 9,
	IBV_QP_RETRY_CNT = 1 << 10,
	IBV_QP_RNR_RETRY = 1 << 11,
	IBV_QP_RQ_PSN = 1 << 12,
	IBV_QP_MAX_QP_RD_ATOMIC = 1 << 13,
	IBV_QP_MIN_RNR_TIMER = 1 << 15,
	IBV_QP_SQ_PSN = 1 << 16,
	IBV_QP_MAX_DEST_RD_ATOMIC = 1 << 17,
	IBV_QP_DEST_QPN = 1 << 20,
};

/* ---- What the pools are made of; the engine's own ---- */

struct ibv_send_entry {
	uint64_t wr_id;
	uint64_t remote_addr;
	uint64_t compare_add, swap;
	uint32_t rkey;
	uint32_t imm_data;
	uint32_t bytes;
	uint32_t first_psn, packets;
	uint32_t remote_qpn, remote_qkey;
	struct ibv_ah *ah;
	uint8_t opcode; /* enum ibv_wr_opcode */
	uint8_t flags;  /* enum ibv_send_flags; signaled also by sq_sig_all */
	uint8_t sges;   /* 0, with data inside: inline */
	union {
		struct ibv_sge sge[IBV_SGE_MOST];
		uint8_t data[IBV_INLINE_MOST];
	};
};

struct ibv_recv_entry {
	uint64_t wr_id;
	uint32_t bytes;
	uint32_t sges;
	struct ibv_sge sge[IBV_SGE_MOST];
};

/* A READ or atomic that the responder answers, and answers again when it comes again. */
struct ibv_resource {
	uint64_t address; /* of the request as it came first */
	uint64_t result;  /* of an atomic: what was there before */
	uint32_t rkey, bytes;
	uint32_t first_psn, packets; /* packets 0: unused */
	uint32_t next, end;          /* responses to be sent, counted from first_psn */
	uint32_t begin;              /* where the request that is being answered began */
	uint32_t msn;
	bool atomic;
};

struct ibv_requester {
	struct ibv_send_entry *entries;
	uint32_t head, next, tail;            /* oldest, to be sent, free; they count on for ever */
	uint32_t post_psn, send_psn, una_psn; /* of tail, of next, oldest not acknowledged */
	uint32_t most_psn;                    /* behind the latest ever sent */
	uint32_t reads;                       /* READ requests and atomics outstanding */
	uint32_t silent;                      /* packets sent since one asked for an ACK */
	uint64_t resume;              /* after RNR: not to send before; IBV_NEVER: may send */
	uint64_t deadline;            /* of the next ACK; IBV_NEVER: none is awaited */
	uint8_t retries, rnr_retries; /* left */
	bool resent;                  /* since anything new was acknowledged */
};

/* What the responder has to say, beside responses; a NAK's code goes with it. */
enum ibv_answer {
	IBV_ANSWER_NONE,
	IBV_ANSWER_ACK,
	IBV_ANSWER_RNR,
	IBV_ANSWER_NAK,
};

enum ibv_message {
	IBV_MESSAGE_NONE,
	IBV_MESSAGE_SEND,
	IBV_MESSAGE_WRITE,
};

struct ibv_responder {
	struct ibv_recv_entry *entries;
	uint32_t head, tail;
	uint32_t psn; /* expected next */
	uint32_t msn;
	uint8_t answer;  /* enum ibv_answer, to be sent behind the resources' responses */
	uint8_t nak;     /* its code */
	bool complained; /* a NAK was sent for the PSN expected; no second one */
	uint8_t message; /* enum ibv_message: being received */
	uint32_t received;
	uint64_t write_address;
	uint32_t write_rkey, write_bytes;
	uint32_t oldest, newest; /* resources; they count on for ever */
	struct ibv_resource resources[IBV_RD_ATOMIC];
};

struct ibv_qp {
	struct ibv_context *context; /* NULL: free */
	void *qp_context;
	struct ibv_pd *pd;
	struct ibv_cq *send_cq, *recv_cq;
	uint32_t qp_num;
	uint32_t number; /* as qp_num, but for queue pair 1 */
	enum ibv_qp_state state;
	enum ibv_qp_type qp_type;
	bool signal_all;
	uint8_t index;
	struct ibv_qp_attr attr;
	uint32_t mtu_bytes, mtu_shift;
	uint64_t timeout_ticks;
	struct ibv_requester requester;
	struct ibv_responder responder;
	struct ibv_local_link *link; /* ib/local.h; NULL: packets */
	enum ibv_wc_status doom;     /* the next ibv_next ends it with this; success: not */
	uint64_t retransmitted;      /* times that the requester went back */
};

struct ibv_pools {
	struct ibv_pd *pds;
	struct ibv_mr *mrs;
	struct ibv_ah *ahs;
	struct ibv_cq *cqs;
	struct ibv_wc *completions; /* cqs times cq_depth */
	struct ibv_qp *qps;
	struct ibv_send_entry *sends; /* qps times send_depth */
	struct ibv_recv_entry *recvs; /* qps times recv_depth */
	unsigned pd_count, mr_count, ah_count, cq_count, qp_count;
	unsigned cq_depth, send_depth, recv_depth; /* powers of two */
};

/* Pools named `name`, static, of so many objects each. */
#define IBV_POOLS(name, pds_, mrs_, ahs_, cqs_, cq_depth_, qps_, send_depth_, recv_depth_)         \
	static struct ibv_pd name##_pds[pds_];                                                     \
	static struct ibv_mr name##_mrs[mrs_];                                                     \
	static struct ibv_ah name##_ahs[ahs_];                                                     \
	static struct ibv_cq name##_cqs[cqs_];                                                     \
	static struct ibv_wc name##_completions[(cqs_) * (cq_depth_)];                             \
	static struct ibv_qp name##_qps[qps_];                                                     \
	static struct ibv_send_entry name##_sends[(qps_) * (send_depth_)];                         \
	static struct ibv_recv_entry name##_recvs[(qps_) * (recv_depth_)];                         \
	static const struct ibv_pools name = { name##_pds, name##_mrs, name##_ahs, name##_cqs,     \
		name##_completions, name##_qps, name##_sends, name##_recvs, pds_, mrs_, ahs_,      \
		cqs_, qps_, cq_depth_, send_depth_, recv_depth_ }

/* Why a packet did nothing, or less than it asked for. */
enum ibv_drop {
	IBV_DROP_NONE,
	IBV_DROP_QP,         /* there is none of that number */
	IBV_DROP_STATE,      /* the queue pair does not receive, or not this, yet or any more */
	IBV_DROP_TRANSPORT,  /* of another type than the queue pair, or it has a local link */
	IBV_DROP_PKEY,       /* another partition's, or limited both */
	IBV_DROP_QKEY,       /* a datagram with another one */
	IBV_DROP_SOURCE,     /* not from the queue pair's peer */
	IBV_DROP_PSN,        /* ahead: something was lost */
	IBV_DROP_DUPLICATE,  /* behind: acknowledged or answered again, not done again */
	IBV_DROP_OPCODE,     /* not what may follow, or not spoken */
	IBV_DROP_LENGTH,     /* not as long as its place in the message asks */
	IBV_DROP_ACCESS,     /* rkey, bounds, rights */
	IBV_DROP_RECEIVE,    /* nothing was posted to receive it */
	IBV_DROP_TOO_LONG,   /* for what was posted */
	IBV_DROP_RESOURCE,   /* more READs and atomics than agreed */
	IBV_DROP_RESPONSE,   /* to what was not asked, or not any more */
	IBV_DROP_CONGESTION, /* a notification, which is not acted upon */
	IBV_DROPS
};

/* An adapter: what ibv_open_device would give. */
struct ibv_context {
	struct ibv_pools pools;
	struct time_rate rate;
	uint16_t pkeys[IBV_PKEYS];
	uint64_t ready;            /* queue pairs that may have something to send: a bit each */
	uint64_t lanes[IBV_LANES]; /* queue pairs of each SL */
	uint64_t doomed;           /* queue pairs that ibv_next has to end, one a call */
	uint64_t held;             /* queue pairs that their provider keeps from sending */
	uint64_t waiting;          /* queue pairs whose peer's MAC is being asked for */
	unsigned sent;             /* queue pair of the packet that ibv_next gave last */
	uint64_t earliest;         /* no timer ends before */
	unsigned turn;             /* queue pair to be looked at first */
	struct ibv_qp *gsi;
	union ibv_gid gids[IBV_GIDS]; /* its addresses, the provider's to set; 0: none */
	uint64_t dropped[IBV_DROPS];  /* packets, by enum ibv_drop */
};

/* ---- Control: to be done before it matters how long it takes ---- */

/*
 * An adapter with empty pools; P_Key 0 is the default one, full; the others none. `rate`: of
 * the clock that the provider will tell, an exact fraction, at most RATE_HZ_MOST. Durations are converted by it
 * once, and rounded up: no timer ends early, and none a tick late. EINVAL: a pool is larger than IBV_*_MOST, a depth
 * is no power of two, or there is no such clock. At most 9000 instructions.
 */
int ibv_open(
	struct ibv_context *context, const struct ibv_pools *pools, const struct time_rate *rate);

/* EINVAL: no such index, or a P_Key without number. At most 20 instructions. */
int ibv_set_pkey(struct ibv_context *context, unsigned index, uint16_t pkey);

/* Its address of that index; EINVAL: it has none. `port_num` means nothing. At most 30 instructions. */
int ibv_query_gid(
	const struct ibv_context *context, uint8_t port_num, int index, union ibv_gid *gid);

/* At most 1500 instructions. */
struct ibv_pd *ibv_alloc_pd(struct ibv_context *context);
/* EBUSY: something belongs to it. At most 10 instructions. */
int ibv_dealloc_pd(struct ibv_pd *pd);

/*
 * Memory for SGEs (lkey) and peers (rkey), found at `iova`. NULL: the pool is empty, `length` is 0 or
 * wraps, REMOTE_WRITE or REMOTE_ATOMIC without LOCAL_WRITE, or `addr` and `iova` are not aligned alike,
 * to 8 bytes. At most 1400 instructions.
 */
struct ibv_mr *ibv_reg_mr_iova(
	struct ibv_pd *pd, void *addr, size_t length, uint64_t iova, int access);
/* The same at its own address. At most 1400 instructions. */
struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access);
/* Its keys end here; requests that still name them fail. At most 10 instructions. */
int ibv_dereg_mr(struct ibv_mr *mr);

/* NULL: the pool is empty, or lane or attributes cannot be. At most 1400 instructions. */
struct ibv_ah *ibv_create_ah(struct ibv_pd *pd, const struct ibv_ah_attr *attr);
/*
 * Where a datagram's sender is to be answered, from its completion and the IBV_GRH_BYTES in front of it.
 * EINVAL: it was not for one of the adapter's GIDs. At most 300 instructions.
 */
int ibv_init_ah_from_wc(const struct ibv_context *context, uint8_t port_num,
	const struct ibv_wc *wc, const uint8_t *grh, struct ibv_ah_attr *attr);
/* EBUSY: a request names it. At most 20 instructions. */
int ibv_destroy_ah(struct ibv_ah *ah);

/* Of at least `cqe` entries; NULL: there is none, or not so long. At most 1700 instructions. */
struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context);
/* EBUSY: a queue pair uses it. At most 10 instructions. */
int ibv_destroy_cq(struct ibv_cq *cq);

/* NULL: there is none, or its capabilities are more than there are. At most 900 instructions. */
struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
/* What was posted is gone without completions. At most 3400 instructions. */
int ibv_destroy_qp(struct ibv_qp *qp);

/*
 * RESET to INIT to RTR to RTS with the attributes that libibverbs asks for, and to ERR or RESET from
 * every state. EINVAL: not that way, an attribute is missing or out of range. To ERR, everything posted
 * completes with IBV_WC_WR_FLUSH_ERR. At most 26000 instructions.
 */
int ibv_modify_qp(struct ibv_qp *qp, const struct ibv_qp_attr *attr, int attr_mask);

/* ---- Data path ---- */

/*
 * Post the list; *bad_wr: the first that was not. ENOMEM: the queue, the completion queue or the
 * window of PSNs is full; EINVAL: state, opcode or lengths; EPERM: the address is of another SL than
 * the queue pair. Inline data is copied; SGEs are looked at when they are sent. At most 288000
 * instructions for a full queue.
 */
int ibv_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad_wr);
/* The same. At most 56000 instructions for a full queue. */
int ibv_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad_wr);

/* Take up to `num_entries` completions, oldest first; their number. At most 5900 instructions. */
int ibv_poll_cq(struct ibv_cq *cq, int num_entries, struct ibv_wc *wc);

/* "success", "local length", ...; "unknown" beyond the enum. At most 10 instructions. */
const char *ibv_wc_status_str(enum ibv_wc_status status);

#endif
