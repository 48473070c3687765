/*
 * Headers of InfiniBand packets, one by one: decoded structures, and functions from and to their bytes,
 * whose number is the header's constant. What a receiver has to judge (versions, next headers, lengths)
 * is decoded here and judged in packet.h, roce.h and native.h.
 *
 * Reserved bits are sent as zero and ignored when received. A value's bits beyond its field are not sent.
 * Specification: IBTA volume 1, 7.7 (LRH), 8.3 (GRH), 9.2 to 9.5.
 */
#ifndef RTDRIVERS_IB_HEADERS_H
#define RTDRIVERS_IB_HEADERS_H

#include <ib/ib.h>

#define IB_LRH_BYTES        8u
#define IB_GRH_BYTES        40u
#define IB_BTH_BYTES        12u
#define IB_DETH_BYTES       8u
#define IB_RETH_BYTES       16u
#define IB_AETH_BYTES       4u
#define IB_ATOMIC_BYTES     28u
#define IB_ATOMIC_ACK_BYTES 8u
#define IB_IMMEDIATE_BYTES  4u
#define IB_IETH_BYTES       4u
#define IB_ICRC_BYTES       4u

/* Next header of the LRH. */
enum ib_next { IB_NEXT_RAW, IB_NEXT_IPV6, IB_NEXT_BTH, IB_NEXT_GRH };

struct ib_lrh {
	uint8_t vl, version, sl; /* 4 bits each; version: 0 */
	uint8_t next;            /* enum ib_next */
	uint16_t destination, source;
	uint16_t words; /* 11 bits: of four bytes, from the LRH's first to the ICRC's last */
};

#define IB_GRH_VERSION 6u
#define IB_GRH_NEXT    0x1bu

struct ib_grh {
	uint8_t version, traffic_class;
	uint32_t flow_label;    /* 20 bits */
	uint16_t payload_bytes; /* behind the GRH, ICRC included */
	uint8_t next, hop_limit;
	uint8_t source[IB_GID_BYTES], destination[IB_GID_BYTES];
};

struct ib_bth {
	uint8_t opcode; /* packet.h */
	bool solicited, migrated;
	uint8_t pad_bytes; /* 0 to 3, behind the payload */
	uint8_t version;   /* 0 */
	uint16_t pkey;
	bool forward_congested, backward_congested; /* FECN, BECN: outside the ICRC */
	uint32_t destination;                       /* QP: 24 bits */
	bool acknowledge;
	uint32_t psn; /* 24 bits */
};

struct ib_deth {
	uint32_t qkey;
	uint32_t source; /* QP: 24 bits */
};

struct ib_reth {
	uint64_t address;
	uint32_t rkey;
	uint32_t bytes;
};

/* Syndrome: bits 6:5 say what, bits 4:0 credits, RNR timer or NAK code. 9.7.5.1.2. */
#define IB_AETH_KIND      0x60u
#define IB_AETH_ACK       0x00u
#define IB_AETH_RNR       0x20u
#define IB_AETH_NAK       0x60u
#define IB_AETH_VALUE     0x1fu
#define IB_AETH_UNLIMITED 0x1fu /* credits */

enum ib_nak {
	IB_NAK_SEQUENCE,
	IB_NAK_INVALID_REQUEST,
	IB_NAK_REMOTE_ACCESS,
	IB_NAK_REMOTE_OPERATION,
	IB_NAK_INVALID_RD_REQUEST,
};

struct ib_aeth {
	uint8_t syndrome;
	uint32_t msn; /* 24 bits */
};

struct ib_atomic {
	uint64_t address;
	uint32_t rkey;
	uint64_t swap_add; /* what to store, or to add */
	uint64_t compare;
};

struct ib_atomic_ack {
	uint64_t original;
};

/* At most 30 instructions. */
void ib_lrh_decode(const uint8_t bytes[IB_LRH_BYTES], struct ib_lrh *lrh);
/* At most 30 instructions. */
void ib_lrh_encode(const struct ib_lrh *lrh, uint8_t bytes[IB_LRH_BYTES]);
/* At most 40 instructions. */
void ib_grh_decode(const uint8_t bytes[IB_GRH_BYTES], struct ib_grh *grh);
/* At most 40 instructions. */
void ib_grh_encode(const struct ib_grh *grh, uint8_t bytes[IB_GRH_BYTES]);
/* At most 50 instructions. */
void ib_bth_decode(const uint8_t bytes[IB_BTH_BYTES], struct ib_bth *bth);
/* At most 50 instructions. */
void ib_bth_encode(const struct ib_bth *bth, uint8_t bytes[IB_BTH_BYTES]);
/* At most 10 instructions. */
void ib_deth_decode(const uint8_t bytes[IB_DETH_BYTES], struct ib_deth *deth);
/* At most 20 instructions. */
void ib_deth_encode(const struct ib_deth *deth, uint8_t bytes[IB_DETH_BYTES]);
/* At most 20 instructions. */
void ib_reth_decode(const uint8_t bytes[IB_RETH_BYTES], struct ib_reth *reth);
/* At most 20 instructions. */
void ib_reth_encode(const struct ib_reth *reth, uint8_t bytes[IB_RETH_BYTES]);
/* At most 20 instructions. */
void ib_aeth_decode(const uint8_t bytes[IB_AETH_BYTES], struct ib_aeth *aeth);
/* At most 20 instructions. */
void ib_aeth_encode(const struct ib_aeth *aeth, uint8_t bytes[IB_AETH_BYTES]);
/* At most 20 instructions. */
void ib_atomic_decode(const uint8_t bytes[IB_ATOMIC_BYTES], struct ib_atomic *atomic);
/* At most 20 instructions. */
void ib_atomic_encode(const struct ib_atomic *atomic, uint8_t bytes[IB_ATOMIC_BYTES]);

#endif
