/*
 * Registers, opcodes and fields of NVM Express 1.4, under the specification's names, and what the
 * driver's own files share.
 */
#ifndef RTDRIVERS_NVME_REGISTERS_H
#define RTDRIVERS_NVME_REGISTERS_H

#include <mullion/mmio.h>

#include <nvme/nvme.h>

/* 3.1: offsets in BAR 0 */
#define NVME_CAP       0x00u
#define NVME_VS        0x08u
#define NVME_INTMS     0x0cu
#define NVME_CC        0x14u
#define NVME_CSTS      0x1cu
#define NVME_AQA       0x24u
#define NVME_ASQ       0x28u
#define NVME_ACQ       0x30u
#define NVME_DOORBELLS 0x1000u

/* 3.1.1: controller capabilities */
#define NVME_CAP_MQES(cap)   ((uint32_t)((cap)&0xffff))
#define NVME_CAP_TO(cap)     ((cap) >> 24 & 0xff) /* in units of 500 ms */
#define NVME_CAP_TO_UNIT_NS  500000000ull
#define NVME_CAP_DSTRD(cap)  ((uint32_t)((cap) >> 32 & 0xf))
#define NVME_CAP_CSS_NVM     (1ull << 37)
#define NVME_CAP_MPSMIN(cap) ((cap) >> 48 & 0xf)

/* 3.1.5: controller configuration; memory page size 4096 and the NVM command set are zero */
#define NVME_CC_EN         1u
#define NVME_CC_SHN_NORMAL (1u << 14)
#define NVME_CC_SHN_MASK   (3u << 14)
#define NVME_CC_IOSQES     (6u << 16) /* entries of 64 bytes */
#define NVME_CC_IOCQES     (4u << 20) /* entries of 16 bytes */

/* 3.1.6: controller status */
#define NVME_CSTS_RDY       1u
#define NVME_CSTS_CFS       2u
#define NVME_CSTS_SHST_MASK (3u << 2)
#define NVME_CSTS_SHST_DONE (2u << 2)
#define NVME_ALL_ONES       0xffffffffu

/* 5 and 6: opcodes */
#define NVME_ADMIN_CREATE_SQ    0x01u
#define NVME_ADMIN_CREATE_CQ    0x05u
#define NVME_ADMIN_IDENTIFY     0x06u
#define NVME_ADMIN_SET_FEATURES 0x09u
#define NVME_IO_FLUSH           0x00u
#define NVME_IO_WRITE           0x01u
#define NVME_IO_READ            0x02u

#define NVME_CNS_NAMESPACE   0u
#define NVME_CNS_CONTROLLER  1u
#define NVME_FEATURE_QUEUES  7u
#define NVME_PHYSICALLY_CONT 1u /* PC of Create I/O queue */
#define NVME_CQ_INTERRUPTS   2u /* IEN of Create I/O Completion Queue */
#define NVME_IO_QUEUE        1u

/* 4.6.1: the status field of a completion, bit 0 being the phase */
#define NVME_ENTRY_PHASE        1u
#define NVME_ENTRY_STATUS(word) ((uint16_t)((word) >> 1 & 0x7ffu))
#define NVME_ENTRY_FINAL        0x8000u /* DNR */

/* 5.15.2.2: Identify Controller */
#define NVME_IDC_SERIAL   4u
#define NVME_IDC_MODEL    24u
#define NVME_IDC_FIRMWARE 64u
#define NVME_IDC_MDTS     77u
#define NVME_IDC_SQES     512u
#define NVME_IDC_CQES     513u
#define NVME_IDC_VWC      525u

/* 5.15.2.1: Identify Namespace */
#define NVME_IDN_SIZE        0u
#define NVME_IDN_FLBAS       26u
#define NVME_IDN_DPS         29u
#define NVME_IDN_FORMATS     128u
#define NVME_IDN_FORMAT_LAST 15u

/* Begin to expect an answer within so many ticks. At most 15 instructions. */
void nvme_expect(struct nvme *nvme, uint64_t ticks);

/* State NVME_FAILED, for this reason. At most 10 instructions. */
void nvme_fail(struct nvme *nvme, enum nvme_problem problem);

/* Puts a command at the queue's tail; the queue has room. At most 40 instructions. */
void nvme_queue_put(struct nvme_queue *queue, const struct nvme_command *command);

/*
 * Takes the completion at the queue's head, if there is one: true, and `entry` is a copy whose
 * queue and head have been checked; `*sane` is false when they name what cannot be. At most 80
 * instructions.
 */
bool nvme_queue_take(struct nvme_queue *queue, struct nvme_entry *entry, bool *sane);

static inline uint32_t nvme_read32(const struct nvme *const nvme, const uint32_t offset)
{
	return mmio_read32((volatile uint8_t *)nvme->setup.registers + offset);
}

static inline void nvme_write32(
	const struct nvme *const nvme, const uint32_t offset, const uint32_t value)
{
	mmio_write32((volatile uint8_t *)nvme->setup.registers + offset, value);
}

static inline void nvme_write64(
	const struct nvme *const nvme, const uint32_t offset, const uint64_t value)
{
	mmio_write64((volatile uint8_t *)nvme->setup.registers + offset, value);
}

#endif
