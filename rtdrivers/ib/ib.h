/*
 * InfiniBand's numbers that every layer shares, and the reasons for which bytes are refused. Codecs are
 * total: whatever the bytes and however many, they are decoded or refused with one of these, and
 * nothing beyond them is read. Specification: IBTA volume 1, release 1.x, chapters 5, 7, 9, 13, and
 * annexes A16, A17 (RoCE, RoCEv2).
 */
#ifndef RTDRIVERS_IB_IB_H
#define RTDRIVERS_IB_IB_H

#include <stdbool.h>
#include <stdint.h>

#define IB_GID_BYTES    16u
#define IB_MTU_MOST     4096u /* bytes of payload in one packet */
#define IB_PSN_MASK     0xffffffu
#define IB_QPN_MASK     0xffffffu
#define IB_PKEY_DEFAULT 0xffffu
#define IB_PKEY_FULL    0x8000u /* clear: a limited member; two of those do not speak */
#define IB_QKEY_GSI     0x80010000u
#define IB_QPN_SMI      0u
#define IB_QPN_GSI      1u

enum ib_refusal {
	IB_ACCEPTED,
	IB_REFUSED_SHORT,     /* ends before what its headers announce */
	IB_REFUSED_LONG,      /* longer than any frame may be */
	IB_REFUSED_NOT_ROCE,  /* another protocol's: not counted as an error */
	IB_REFUSED_IP_HEADER, /* version, options, or lengths against the frame's */
	IB_REFUSED_IP_FRAGMENT,
	IB_REFUSED_IP_CHECKSUM,
	IB_REFUSED_UDP_LENGTH, /* against the IP header's */
	IB_REFUSED_UDP_CHECKSUM,
	IB_REFUSED_BTH_VERSION,
	IB_REFUSED_OPCODE,  /* reserved, or of a transport not spoken: RD, XRC */
	IB_REFUSED_PADDING, /* more than there is, or the whole is no multiple of four */
	IB_REFUSED_PAYLOAD, /* where none may be, or more than the largest MTU */
	IB_REFUSED_ICRC,
	IB_REFUSED_LRH, /* link version, next header */
	IB_REFUSED_LRH_LENGTH,
	IB_REFUSED_GRH,         /* version, next header, length */
	IB_REFUSED_MAD_VERSION, /* base or class */
	IB_REFUSED_MAD_CLASS,
	IB_REFUSED_MAD_ATTRIBUTE,
	IB_REFUSED_MAD_FIELD, /* hops or lengths beyond their arrays */
	IB_REFUSALS
};

/* "accepted", "icrc", ...: for counters and their readers. "unknown" beyond the enum. At most 10 instructions. */
const char *ib_refusal_name(enum ib_refusal refusal);

#endif
