/*
 * What every tool runs on: an adapter behind a RoCEv2 port, one TCP connection beside it, memory that peers
 * may be given, and a card that somebody else has. One step moves what there is to be moved; a tool waits by
 * stepping, until its patience is over.
 */
#ifndef RDMA_TOOLS_MACHINE_H
#define RDMA_TOOLS_MACHINE_H

#include <ib/port.h>
#include <inet/tcp.h>

#include "options.h"

#define MACHINE_FRAME_BYTES 4352u /* the longest that a packet of 4096 bytes needs, and more */
#define MACHINE_DEPTH       64u   /* of queues */
#define MACHINE_CYCLE       4096u /* perftest's peers write so far behind a message's bytes */
#define MACHINE_SPAN_BYTES  (OPTIONS_BYTES_MOST + MACHINE_CYCLE)
#define MACHINE_QKEY        0x11111111u

/* Whom a run talks with. */
struct machine_peer {
	union ibv_gid gid;
	uint32_t qpn, psn, rkey;
	uint64_t address;
};

struct machine {
	struct ibv_context context;
	struct roce_port port;
	struct tcp tcp;
	struct ibv_pd *pd;
	struct ibv_cq *cq; /* of what is sent and what is received */
	struct ibv_mr *out_mr, *in_mr;
	struct ibv_qp *qp;
	struct ibv_ah *ah; /* UD: the peer */
	struct machine_peer peer;
	uint32_t psn; /* where the own packets begin */
	uint8_t peer_mac[ROCE_MAC_BYTES];
	bool peer_found; /* peer_mac is that of options.peer, or of who connected */
	struct options options;
	uint64_t end_ns;   /* patience */
	uint64_t heard_ns; /* the last frame that was neither TCP's nor answered at once */
	uint64_t now_ns;
};

extern struct machine machine;
extern uint8_t machine_out[MACHINE_SPAN_BYTES]; /* sent from */
extern uint8_t machine_in[MACHINE_SPAN_BYTES];  /* received into: the GRH of a datagram first */

/* ---- Whoever has the card ---- */

/* A frame that came, and its bytes; 0: none. */
unsigned card_take(uint8_t frame[MACHINE_FRAME_BYTES]);
/* What there is no room for is lost. */
void card_give(const uint8_t *frame, unsigned bytes);
/* Nothing moved: until a frame comes, or about a millisecond is over. */
void card_rest(void);
uint64_t card_now_ns(void);

/* ---- The machine ---- */

/* At this address. `seed`: a number that is another one each time. */
bool machine_open(const struct endpoint *at, const uint8_t mac[ROCE_MAC_BYTES], uint32_t seed);

/* False: the run's patience is over. */
bool machine_step(void);

/* Until nothing was heard for this long: what was lost on its way to the peer may have to be said again. */
void machine_linger(uint64_t quiet_ns);

/* Creates the run's queue pair, and how it is reached by a peer. False: said why. */
bool machine_create(void);

/* INIT, RTR and RTS with machine.peer as its peer. */
bool machine_connect(void);

/* Receives, each into machine_in. */
bool machine_receive(unsigned count);

/*
 * The bytes of machine_out from `offset` on, or what an opcode asks for into machine_in. Its completion is
 * wanted, under this number.
 */
bool machine_post(enum ibv_wr_opcode opcode, uint64_t id, uint64_t peer_offset, uint32_t bytes);

/* One completion: waits for it. False: patience is over, or it is one of an error, which is said. */
bool machine_complete(struct ibv_wc *wc);

/* One completion, if there is one. False: an error, which is said. wc->wr_id is as posted; *got: there was one. */
bool machine_poll(struct ibv_wc *wc, bool *got);

/* In front of what a datagram brings. */
unsigned machine_grh_bytes(void);

/* Bytes that depend on what is sent, when, and where each stands. */
void machine_fill(uint8_t *at, uint32_t bytes, uint32_t number);
bool machine_is_filled(const uint8_t *at, uint32_t bytes, uint32_t number);

#endif
