/*
 * Verbs between two partitions of a node, through memory that both see: no kernel, no packets, one copy.
 *
 * Each end has an area that it writes and the other only reads: what it posts, what it answers, and behind
 * that its exported memory. The end that receives copies: out of the exported memory of the one that sends
 * into its own buffers, or out of the slot, where up to IBV_INLINE_MOST bytes travel from anywhere. So nobody
 * writes another one's memory, and what one end writes is looked at once and checked by the other.
 *
 * Invariant: whatever the other end writes, only the queue pair of this link and what its keys allow
 * changes. A receiver without a buffer is waited for without an end (rnr_retry is not looked at); an end
 * that polls no more, for timeout times (retry_cnt + 1), ends the queue pair with IBV_WC_RETRY_EXC_ERR.
 */
#ifndef RTDRIVERS_IB_LOCAL_H
#define RTDRIVERS_IB_LOCAL_H

#include <ib/verbs.h>

#define IBV_LOCAL_SLOTS 64u

struct ibv_local_piece {
	uint32_t offset; /* into the exported memory of who posted it */
	uint32_t bytes;
};

struct ibv_local_slot {
	uint8_t opcode; /* enum ibv_wr_opcode */
	uint8_t pieces; /* 0: the data is in the slot */
	uint16_t reserved;
	uint32_t bytes;
	uint32_t imm_data;
	uint32_t rkey;
	uint64_t remote_addr;
	uint64_t compare_add, swap;
	union {
		struct ibv_local_piece piece[IBV_SGE_MOST];
		uint8_t data[IBV_INLINE_MOST];
	};
} __attribute__((aligned(128)));

struct ibv_local_answer {
	uint64_t status; /* enum ibv_wc_status */
	uint64_t result; /* an atomic's; a READ's offset into the exported memory */
};

/* The beginning of an area, on a cache line's boundary. Zeros: nobody is there. */
struct ibv_local_area {
	uint64_t life;      /* which of the owner's lives this is: 1, 2, ... */
	uint64_t peer_life; /* of the other end, as the owner sees it */
	uint64_t polled;    /* how often: goes on while the owner lives */
	uint64_t posted __attribute__((aligned(64))); /* slots of the owner, ever */
	uint64_t taken
		__attribute__((aligned(64))); /* slots of the other end that are answered, ever */
	struct ibv_local_answer answers[IBV_LOCAL_SLOTS] __attribute__((aligned(64)));
	struct ibv_local_slot slots[IBV_LOCAL_SLOTS];
};

/* One end. */
struct ibv_local_link {
	struct ibv_qp *qp;
	struct ibv_local_area *mine;
	const struct ibv_local_area *theirs;
	uint8_t *exported;   /* behind `mine` */
	const uint8_t *seen; /* behind `theirs` */
	uint64_t exported_bytes, seen_bytes;
	uint64_t peer_life; /* 0: they have not met */
	uint64_t posted, completed, taken;
	uint64_t polled, deadline;  /* the other end's heart, and when it has to have beaten */
	struct ibv_local_slot slot; /* being served: a copy that the other end cannot change */
	uint32_t served;            /* bytes of it */
	bool serving;
	uint32_t fetched; /* bytes of a READ that is answered */
};

/*
 * A queue pair in RESET, of a reliable connection, gets this link instead of packets; the areas are of
 * `mine_bytes` and `theirs_bytes`. A new life begins. EINVAL: another type or state, an area that is not
 * aligned to 128 bytes or too small. At most 100 instructions.
 */
int ibv_local_open(struct ibv_local_link *link, struct ibv_qp *qp, void *mine, uint64_t mine_bytes,
	const void *theirs, uint64_t theirs_bytes);

/*
 * Serve what the other end posted, take its answers, and notice that it is gone. Does up to 16 steps of up
 * to 4096 bytes each; true: it did something. Completions are in the queues afterwards. At most 225000
 * instructions.
 */
bool ibv_local_poll(struct ibv_local_link *link, uint64_t now_ticks);

/*
 * Used by ibv_post_send: the request goes into its slot. EINVAL: more than IBV_INLINE_MOST bytes to be read
 * by the other end lie outside of the exported memory, or keys do not allow it; ENOMEM: all slots are used.
 * At most 1000 instructions.
 */
int local_post(struct ibv_qp *qp, const struct ibv_send_wr *wr, uint32_t bytes);

#endif
