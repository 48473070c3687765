/*
 * Messages of the communication manager, class 7 version 2, on the general services interface.
 *
 * Mind the packet sequence numbers: a REQ's starting_psn is the one with which the *receiver of the REQ*
 * has to begin to send; a REP's is the one with which the receiver of the REP begins. Reserved bits are
 * sent as zero and ignored when received. Specification: IBTA volume 1, 12.6.
 */
#ifndef RTDRIVERS_IB_CM_H
#define RTDRIVERS_IB_CM_H

#include <ib/mad.h>

enum cm_attribute {
	CM_REQ = 0x10,
	CM_MRA = 0x11,
	CM_REJ = 0x12,
	CM_REP = 0x13,
	CM_RTU = 0x14,
	CM_DREQ = 0x15,
	CM_DREP = 0x16,
	CM_SIDR_REQ = 0x17,
	CM_SIDR_REP = 0x18
};

enum cm_transport { CM_TRANSPORT_RC, CM_TRANSPORT_UC, CM_TRANSPORT_RD };

/* Reasons of a REJ that this library's users give; 12.6.7.2. */
enum cm_reject {
	CM_REJECT_NO_QP = 1,
	CM_REJECT_NO_RESOURCES = 3,
	CM_REJECT_TIMEOUT = 4,
	CM_REJECT_UNSUPPORTED = 5,
	CM_REJECT_COMM_ID = 6,
	CM_REJECT_COMM_INSTANCE = 7,
	CM_REJECT_SERVICE_ID = 8,
	CM_REJECT_TRANSPORT = 9,
	CM_REJECT_STALE = 10,
	CM_REJECT_NO_RDC = 11,
	CM_REJECT_GID = 12,
	CM_REJECT_LID = 13,
	CM_REJECT_SL = 14,
	CM_REJECT_TRAFFIC_CLASS = 15,
	CM_REJECT_HOP_LIMIT = 16,
	CM_REJECT_PACKET_RATE = 17,
	CM_REJECT_MTU = 26,
	CM_REJECT_CONSUMER = 28
};

#define CM_ADDITIONAL_BYTES 72u
#define CM_REQ_PRIVATE      92u
#define CM_MRA_PRIVATE      222u
#define CM_REJ_PRIVATE      148u
#define CM_REP_PRIVATE      196u
#define CM_RTU_PRIVATE      224u
#define CM_DREQ_PRIVATE     220u
#define CM_DREP_PRIVATE     224u
#define CM_SIDR_REQ_PRIVATE 216u
#define CM_SIDR_REP_PRIVATE 136u

struct cm_path {
	uint16_t local_lid, remote_lid;
	uint8_t local_gid[IB_GID_BYTES], remote_gid[IB_GID_BYTES];
	uint32_t flow_label; /* 20 bits */
	uint8_t packet_rate; /* 6 */
	uint8_t traffic_class, hop_limit;
	uint8_t sl;           /* 4 */
	uint8_t subnet_local; /* 1 */
	uint8_t ack_timeout;  /* 5: 4.096 us * 2^n */
};

struct cm_req {
	uint32_t local_id;
	uint64_t service_id, local_ca_guid;
	uint32_t local_qkey, local_qpn;
	uint8_t responder_resources, initiator_depth;
	uint32_t local_eecn, remote_eecn;
	uint8_t remote_timeout; /* 5, as ack_timeout */
	uint8_t transport;      /* 2: enum cm_transport */
	uint8_t flow_control;   /* 1 */
	uint32_t starting_psn;
	uint8_t local_timeout; /* 5 */
	uint8_t retry_count;   /* 3 */
	uint16_t pkey;
	uint8_t mtu;                /* 4: 1 to 5, 256 to 4096 bytes */
	uint8_t rdc_exists;         /* 1 */
	uint8_t rnr_retry_count;    /* 3; 7: for ever */
	uint8_t cm_retries;         /* 4 */
	uint8_t srq;                /* 1 */
	uint8_t extended_transport; /* 3 */
	struct cm_path primary, alternate;
	uint8_t private_data[CM_REQ_PRIVATE];
};

struct cm_mra {
	uint32_t local_id, remote_id;
	uint8_t message;         /* 2: 0 REQ, 1 REP, 2 LAP */
	uint8_t service_timeout; /* 5 */
	uint8_t private_data[CM_MRA_PRIVATE];
};

struct cm_rej {
	uint32_t local_id, remote_id;
	uint8_t message;          /* 2: 0 REQ, 1 REP, 2 neither */
	uint8_t additional_bytes; /* 7: 0 to 72 */
	uint16_t reason;          /* enum cm_reject */
	uint8_t additional[CM_ADDITIONAL_BYTES];
	uint8_t private_data[CM_REJ_PRIVATE];
};

struct cm_rep {
	uint32_t local_id, remote_id;
	uint32_t local_qkey, local_qpn, local_eecn;
	uint32_t starting_psn;
	uint8_t responder_resources, initiator_depth;
	uint8_t target_ack_delay; /* 5 */
	uint8_t failover;         /* 2 */
	uint8_t flow_control;     /* 1 */
	uint8_t rnr_retry_count;  /* 3 */
	uint8_t srq;              /* 1 */
	uint64_t local_ca_guid;
	uint8_t private_data[CM_REP_PRIVATE];
};

struct cm_rtu {
	uint32_t local_id, remote_id;
	uint8_t private_data[CM_RTU_PRIVATE];
};

struct cm_dreq {
	uint32_t local_id, remote_id;
	uint32_t remote_qpn;
	uint8_t private_data[CM_DREQ_PRIVATE];
};

struct cm_drep {
	uint32_t local_id, remote_id;
	uint8_t private_data[CM_DREP_PRIVATE];
};

struct cm_sidr_req {
	uint32_t request_id;
	uint16_t pkey;
	uint64_t service_id;
	uint8_t private_data[CM_SIDR_REQ_PRIVATE];
};

struct cm_sidr_rep {
	uint32_t request_id;
	uint8_t status;
	uint8_t additional_bytes; /* 0 to 72 */
	uint32_t qpn;
	uint64_t service_id;
	uint32_t qkey;
	uint8_t additional[CM_ADDITIONAL_BYTES];
	uint8_t private_data[CM_SIDR_REP_PRIVATE];
};

/* header.attribute says which member is meant. */
struct cm_message {
	struct mad_header header;
	union {
		struct cm_req req;
		struct cm_mra mra;
		struct cm_rej rej;
		struct cm_rep rep;
		struct cm_rtu rtu;
		struct cm_dreq dreq;
		struct cm_drep drep;
		struct cm_sidr_req sidr_req;
		struct cm_sidr_rep sidr_rep;
	};
};

/* What rdma_cm puts at the start of a REQ's private data: annex A11. The consumer's follows. */
#define CM_IP_BYTES 36u
#define CM_IP_SERVICE                                                                              \
	0x0000000001000000u /* service ID: this, protocol in bits 23:16, port in 15:0 */
#define CM_IP_SERVICE_MASK 0xffffffffff000000u

enum cm_ip_protocol { CM_IP_TCP = 0x06, CM_IP_UDP = 0x11 };

struct cm_ip {
	uint8_t version;    /* major in bits 7:4, minor in 3:0: 0 */
	uint8_t ip_version; /* 4 bits: 4 or 6 */
	uint16_t source_port;
	uint8_t source[IB_GID_BYTES],
		destination[IB_GID_BYTES]; /* IPv4: in the last four, the rest 0 */
};

/* At most 30 instructions. */
void cm_ip_decode(const uint8_t data[CM_IP_BYTES], struct cm_ip *ip);

/* At most 30 instructions. */
void cm_ip_encode(const struct cm_ip *ip, uint8_t data[CM_IP_BYTES]);

/* Fills what every CM message has in common: class, version, method Send. At most 10 instructions. */
void cm_header(struct mad_header *header, enum cm_attribute attribute, uint64_t transaction);

/* At most 16000 instructions. */
enum ib_refusal cm_decode(const uint8_t *data, unsigned bytes, struct cm_message *message);

/* False: the attribute is none of enum cm_attribute. At most 21000 instructions. */
bool cm_encode(const struct cm_message *message, uint8_t data[MAD_BYTES]);

/* "req", "rep", ...; "unknown". At most 20 instructions. */
const char *cm_name(uint16_t attribute);

#endif
