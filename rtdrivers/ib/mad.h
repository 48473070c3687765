/*
 * Management datagrams: 256 bytes, a common header, and what the class puts behind it: subnet management
 * (LID-routed and directed), subnet administration. Communication management is in cm.h.
 *
 * Reserved bits are sent as zero and ignored when received. Specification: IBTA volume 1, 13.4.2 (header),
 * 14.2.1 (SMP), 15.2.1 (SA), 13.6 (RMPP).
 */
#ifndef RTDRIVERS_IB_MAD_H
#define RTDRIVERS_IB_MAD_H

#include <ib/ib.h>

#define MAD_BYTES            256u
#define MAD_HEADER_BYTES     24u
#define SMP_DATA_BYTES       64u
#define SMP_HOPS_MOST        63u
#define SA_DATA_BYTES        200u
#define MAD_BASE_VERSION     1u
#define MAD_METHOD_REPLY     0x80u
#define MAD_STATUS_DIRECTION 0x8000u /* directed SMP: on its way back */

enum mad_class {
	MAD_CLASS_SUBN_LID = 0x01,
	MAD_CLASS_SUBN_ADM = 0x03,
	MAD_CLASS_CM = 0x07,
	MAD_CLASS_SUBN_DIRECTED = 0x81
};

enum mad_method {
	MAD_METHOD_GET = 0x01,
	MAD_METHOD_SET = 0x02,
	MAD_METHOD_SEND = 0x03,
	MAD_METHOD_TRAP = 0x05,
	MAD_METHOD_REPORT = 0x06,
	MAD_METHOD_TRAP_REPRESS = 0x07,
	MAD_METHOD_GET_TABLE = 0x12,
	MAD_METHOD_DELETE = 0x15,
	MAD_METHOD_GET_RESPONSE = 0x81
};

enum smp_attribute {
	SMP_NODE_DESCRIPTION = 0x10,
	SMP_NODE_INFO = 0x11,
	SMP_SWITCH_INFO = 0x12,
	SMP_GUID_INFO = 0x14,
	SMP_PORT_INFO = 0x15,
	SMP_PKEY_TABLE = 0x16,
	SMP_SL_TO_VL = 0x17,
	SMP_VL_ARBITRATION = 0x18,
	SMP_LINEAR_FORWARDING = 0x19,
	SMP_SM_INFO = 0x20
};

enum sa_attribute { SA_PATH_RECORD = 0x35 };

struct mad_header {
	uint8_t base_version; /* 1 */
	uint8_t class;        /* enum mad_class, or another */
	uint8_t class_version;
	uint8_t method; /* bit 7: a reply */
	uint16_t status;
	uint16_t specific; /* of the class; directed SMP: hop pointer and count */
	uint64_t transaction;
	uint16_t attribute;
	uint32_t modifier;
};

/* Both kinds: header.class says which; LID-routed ones have no path. */
struct smp {
	struct mad_header header;
	uint64_t mkey;
	uint16_t source, destination; /* directed: LIDs of the parts that are not */
	uint8_t hop_pointer,
		hop_count; /* directed; in header.specific, too: the encoder takes these */
	uint8_t data[SMP_DATA_BYTES];
	uint8_t forward[SMP_HOPS_MOST + 1], back[SMP_HOPS_MOST + 1]; /* directed: ports */
};

struct sa {
	struct mad_header header;
	struct {
		uint8_t version, type, flags; /* flags: response time in bits 7:3 */
		uint8_t status;
		uint32_t first, second; /* segment and length or window, by type */
	} rmpp;
	uint64_t sm_key;
	uint16_t attribute_offset; /* in units of eight bytes */
	uint64_t components;       /* mask of what is asked for */
	uint8_t data[SA_DATA_BYTES];
};

/* The header alone, of any class. At most 50 instructions. */
enum ib_refusal mad_header_decode(const uint8_t *data, unsigned bytes, struct mad_header *header);

/* At most 40 instructions. */
void mad_header_encode(const struct mad_header *header, uint8_t data[MAD_HEADER_BYTES]);

/* Of MAD_CLASS_SUBN_LID or MAD_CLASS_SUBN_DIRECTED, class version 1. At most 6000 instructions. */
enum ib_refusal smp_decode(const uint8_t *data, unsigned bytes, struct smp *smp);

/* At most 8000 instructions. */
void smp_encode(const struct smp *smp, uint8_t data[MAD_BYTES]);

/* Of MAD_CLASS_SUBN_ADM, class version 2. At most 5500 instructions. */
enum ib_refusal sa_decode(const uint8_t *data, unsigned bytes, struct sa *sa);

/* At most 7500 instructions. */
void sa_encode(const struct sa *sa, uint8_t data[MAD_BYTES]);

#endif
