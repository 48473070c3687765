/*
 * Intel VT-d: specification 3.3, chapters 6 (invalidation), 7 (faults), 9 (tables) and 11 (registers).
 *
 * Invariant: a unit is on with the image's tables or the node is refused. Legacy mode, interrupts in
 * remappable format only, invalidation by the queue alone.
 */
#include <iommu.h>

enum vtd_register {
	VERSION = 0x00,
	CAPABILITY = 0x08,
	EXTENDED = 0x10,
	COMMAND = 0x18,
	STATUS = 0x1c,
	ROOT_TABLE = 0x20,
	FAULT_CONTROL = 0x38,
	FAULT_DATA = 0x3c,
	FAULT_ADDRESS = 0x40,
	FAULT_ADDRESS_HIGH = 0x44,
	PROTECTED_MEMORY = 0x64,
	QUEUE_HEAD = 0x80,
	QUEUE_TAIL = 0x88,
	QUEUE = 0x90,
	REMAPPING_TABLE = 0xb8,
};

/* Capabilities, 11.4.2. */
#define CAP_DOMAINS(cap)      (16ull << 2 * ((cap)&7))
#define CAP_WRITE_BUFFER      (1ull << 4)
#define CAP_PROTECTED         (3ull << 5)
#define CAP_LEVELS(levels)    (1ull << ((levels) + 6u))
#define CAP_ADDRESS_BITS(cap) (((cap) >> 16 & 0x3f) + 1)
#define CAP_RECORDS_AT(cap)   (((cap) >> 24 & 0x3ff) * 16)
#define CAP_2M                (1ull << 34)
#define CAP_1G                (1ull << 35)
#define CAP_RECORDS(cap)      (((cap) >> 40 & 0xff) + 1)
#define EXTENDED_QUEUE        (1ull << 1)
#define EXTENDED_REMAPPING    (1ull << 3)
#define REGISTER_BYTES        4096u

/* Commands and, at the same places, their status: 11.4.4. */
#define TRANSLATION   (1u << 31)
#define SET_ROOT      (1u << 30)
#define FAULT_LOG     (1u << 28)
#define QUEUED        (1u << 26)
#define REMAPPING     (1u << 25)
#define SET_REMAPPING (1u << 24)
#define COMPATIBILITY (1u << 23)
#define LASTING       0x96ffffffu /* the others are carried out once */

#define PROTECTED_ON     (1u << 31)
#define PROTECTED_ACTIVE 1u

/* Faults, 11.4.9 to 11.4.14. A record is 16 bytes. */
#define STATUS_ERRORS    0x7du /* all that is cleared by writing ones */
#define STATUS_FIRST(s)  ((s) >> 8 & 0xff)
#define STATUS_RESERVED  0xffff0000u
#define FAULT_MASKED     (1u << 31)
#define RECORD_BYTES     16u
#define NEXT_UNKNOWN     UINT64_MAX
#define RECORD_VALID     (1ull << 63)
#define RECORD_READ      (1ull << 62)
#define RECORD_TYPE_2    (1ull << 28) /* with READ: an atomic operation, which writes */
#define RECORD_REASON(r) ((r) >> 32 & 0xff)
#define REASON_INTERRUPT 0x20u /* to 27h, 7.1.3 */
#define REASON_KIND      0xf8u

/* Invalidation descriptors, 6.5.2. */
#define CONTEXT_ALL          0x11ull
#define CONTEXT_FUNCTION(id) (0x31ull | (uint64_t)(id) << 32)
#define IOTLB_ALL            0xd2ull /* reads and writes under way are drained first */
#define IOTLB_DOMAIN         0xe2ull
#define INTERRUPTS_ALL       0x04ull
#define OF_DOMAIN(domain)    ((uint64_t)(domain) << 16)
#define STORE(data)          (0x65ull | (uint64_t)(data) << 32) /* what follows waits for it */

static uint64_t capability(const struct x86_iommu *unit)
{
	return mmio_read64(unit->registers + CAPABILITY);
}

/* The last address of a partition's memory, over all of them. */
static uint64_t last_address(void)
{
	uint64_t bytes = 0;

	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++)
		if (mullion_system.vcpus[v].arch->memory_bytes > bytes)
			bytes = mullion_system.vcpus[v].arch->memory_bytes;
	if (bytes > MULLION_HOLE_BASE)
		bytes += MULLION_HOLE_END - MULLION_HOLE_BASE;
	return bytes - 1;
}

static void check_tables(const struct x86_iommu *unit, uint64_t cap)
{
	if (!(cap & CAP_LEVELS(unit->levels)))
		refuse("%s does not walk tables of %u levels; give it address-bits = <%u> and "
		       "build again (QEMU: -device intel-iommu,aw-bits=48 has them)",
			unit->name, (uint64_t)unit->levels, unit->levels == 4 ? 39ull : 48ull);
	if ((cap & (CAP_2M | CAP_1G)) != (CAP_2M | CAP_1G))
		refuse("%s has no pages of 2 MiB and 1 GiB, which the image maps memory with; "
		       "describe the board without it",
			unit->name);
	if (last_address() >> CAP_ADDRESS_BITS(cap) != 0)
		refuse("%s translates addresses of %u bits, and a partition's memory ends at %x; "
		       "give the partition less memory",
			unit->name, CAP_ADDRESS_BITS(cap), last_address());
	if (mullion_system.partitions_count >= CAP_DOMAINS(cap))
		refuse("%s tells %u partitions apart, and there are %u; describe fewer", unit->name,
			CAP_DOMAINS(cap) - 1, (uint64_t)mullion_system.partitions_count);
}

static void check(const struct x86_iommu *unit)
{
	uint64_t cap = capability(unit), extended = mmio_read64(unit->registers + EXTENDED);
	uint32_t version = mmio_read32(unit->registers + VERSION);

	if (version == 0 || version == UINT32_MAX)
		refuse("there is no VT-d unit at %x, where the board has %s; run on that board "
		       "(mullion run adds what QEMU needs), or switch VT-d on in the firmware's "
		       "setup",
			unit->registers, unit->name);
	if (!(extended & EXTENDED_REMAPPING))
		refuse("%s does not remap interrupts; switch that on in the firmware's setup "
		       "(QEMU: -device "
		       "intel-iommu,intremap=on)",
			unit->name);
	if (!(extended & EXTENDED_QUEUE) || cap & CAP_WRITE_BUFFER ||
		CAP_RECORDS_AT(cap) + CAP_RECORDS(cap) * RECORD_BYTES > REGISTER_BYTES)
		refuse("%s has no invalidation queue, or buffers writes, or its fault records are "
		       "out of reach, as in machines before 2010; describe the board without it",
			unit->name);
	check_tables(unit, cap);
}

/* One command at a time, each carried out before the next: 11.4.4. */
static void command(const struct x86_iommu *unit, uint32_t bit, bool on)
{
	uint32_t lasting = mmio_read32(unit->registers + STATUS) & LASTING;

	mmio_write32(unit->registers + COMMAND, on ? lasting | bit : lasting & ~bit);
	iommu_wait(unit, STATUS, bit, on ? bit : 0);
}

static void forget_faults(const struct x86_iommu *unit)
{
	uint64_t cap = capability(unit), record = unit->registers + CAP_RECORDS_AT(cap);

	mmio_write32(unit->registers + FAULT_CONTROL, FAULT_MASKED);
	for (uint64_t i = 0; i < CAP_RECORDS(cap); i++, record += RECORD_BYTES)
		mmio_write32(record + 12, (uint32_t)(RECORD_VALID >> 32));
	mmio_write32(unit->registers + VTD_FAULT_STATUS, STATUS_ERRORS);
	unit->storage->next = NEXT_UNKNOWN;
}

/* Firmware may have left the unit on. No function masters the bus now. */
static void take_over(const struct x86_iommu *unit)
{
	static const uint32_t order[] = { TRANSLATION, REMAPPING, COMPATIBILITY, FAULT_LOG };
	uint32_t on = mmio_read32(unit->registers + STATUS);

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (on & order[i])
			command(unit, order[i], false);
	if (on & QUEUED) {
		iommu_wait(unit, QUEUE_HEAD, RING_OFFSETS,
			mmio_read32(unit->registers + QUEUE_TAIL) & RING_OFFSETS);
		command(unit, QUEUED, false);
	}
	if (capability(unit) & CAP_PROTECTED) {
		mmio_write32(unit->registers + PROTECTED_MEMORY, 0);
		iommu_wait(unit, PROTECTED_MEMORY, PROTECTED_ON | PROTECTED_ACTIVE, 0);
	}
	forget_faults(unit);
}

/* What is cached of context entries decides what is cached behind them, hence the order: 6.5.3.1. */
static void flush(const struct x86_iommu *unit)
{
	const uint64_t completion = (uintptr_t)&unit->storage->completion;
	const struct iommu_command commands[] = { { CONTEXT_ALL, 0 }, { STORE(0), completion },
		{ IOTLB_ALL, 0 }, { INTERRUPTS_ALL, 0 }, { STORE(IOMMU_DONE), completion } };

	iommu_complete(unit, QUEUE_HEAD, commands, 5);
}

static void set_tables(const struct x86_iommu *unit)
{
	uint32_t size = (uint32_t)__builtin_ctz(unit->remapping_entries) - 1;

	mmio_write64(unit->registers + ROOT_TABLE, (uintptr_t)unit->root);
	command(unit, SET_ROOT, true);
	mmio_write64(unit->registers + REMAPPING_TABLE, (uintptr_t)unit->remapping | size);
	command(unit, SET_REMAPPING, true);
}

static void enable(const struct x86_iommu *unit)
{
	check(unit);
	take_over(unit);
	mmio_write64(unit->registers + QUEUE_TAIL, 0);
	mmio_write64(unit->registers + QUEUE, (uintptr_t)unit->storage->queue);
	command(unit, QUEUED, true);
	set_tables(unit);
	flush(unit);
	command(unit, TRANSLATION, true);
	command(unit, REMAPPING, true);
}

/* The unit's own messages are not remapped: 5.1.7. */
static void interrupt(const struct x86_iommu *unit, uint32_t apic_id)
{
	mmio_write32(unit->registers + FAULT_DATA, MESSAGE_NMI);
	mmio_write32(unit->registers + FAULT_ADDRESS, MESSAGE_ADDRESS(apic_id));
	mmio_write32(unit->registers + FAULT_ADDRESS_HIGH, 0);
	mmio_write32(unit->registers + FAULT_CONTROL, 0);
}

static uint8_t access_of(uint64_t record)
{
	if ((RECORD_REASON(record) & REASON_KIND) == REASON_INTERRUPT)
		return MULLION_DMA_INTERRUPT;
	return record & RECORD_READ && !(record & RECORD_TYPE_2) ? MULLION_DMA_READ
								 : MULLION_DMA_WRITE;
}

/* A record, if it holds a fault; `record` is what its upper half held. */
static bool take(uint64_t at, struct iommu_fault *fault)
{
	uint64_t record = mmio_read64(at + 8);

	if (!(record & RECORD_VALID))
		return false;
	fault->requester = (uint16_t)record;
	fault->access = access_of(record);
	fault->address = fault->access == MULLION_DMA_INTERRUPT ? 0 : mmio_read64(at) & ~0xfffull;
	mmio_write32(at + 12, (uint32_t)(RECORD_VALID >> 32));
	return true;
}

/*
 * Records fill up one after the other, round and round, so the oldest is the one after the last one
 * taken. Where that one is empty, the unit began elsewhere and says where.
 */
static bool oldest(const struct x86_iommu *unit, uint32_t status, struct iommu_fault *fault)
{
	uint64_t cap = capability(unit), first = unit->registers + CAP_RECORDS_AT(cap);
	uint64_t count = CAP_RECORDS(cap), at = unit->storage->next;

	if (at >= count || !take(first + at * RECORD_BYTES, fault)) {
		at = STATUS_FIRST(status);
		if (at >= count || !take(first + at * RECORD_BYTES, fault))
			return false;
	}
	unit->storage->next = at + 1 < count ? at + 1 : 0;
	return true;
}

/* After an overflow nothing is recorded until it is cleared; what was lost comes again, or is over. */
static bool take_fault(const struct x86_iommu *unit, struct iommu_fault *fault)
{
	uint32_t status = mmio_read32(unit->registers + VTD_FAULT_STATUS);
	bool found;

	if (!(status & (VTD_OVERFLOW | VTD_PENDING)) || status & STATUS_RESERVED)
		return false;
	found = oldest(unit, status, fault);
	if (status & VTD_OVERFLOW)
		mmio_write32(unit->registers + VTD_FAULT_STATUS, VTD_OVERFLOW);
	return found;
}

/* What is cached of a function, and of its owner's memory. */
static void forget(const struct x86_iommu *unit, const struct x86_function *function)
{
	const uint64_t domain = OF_DOMAIN(X86_DOMAIN(function->partition));
	const uint64_t completion = (uintptr_t)&unit->storage->completion;
	const struct iommu_command commands[] = { { CONTEXT_FUNCTION(function->requester) | domain,
							  0 },
		{ STORE(0), completion }, { IOTLB_DOMAIN | domain, 0 } };

	write_back_line(function->entry);
	iommu_submit(unit, QUEUE_HEAD, commands, 3);
}

/* The first word alone decides, and is written at once: the hardware never sees a mixed entry pass. */
static bool block(const struct x86_iommu *unit, const struct x86_function *function)
{
	if (!iommu_room(unit, QUEUE_HEAD, 3))
		return false;
	mmio_write64((uintptr_t)&function->entry[0], VTD_FAULT_DISABLE);
	mmio_write64((uintptr_t)&function->entry[1], 0);
	forget(unit, function);
	return true;
}

static bool pass(const struct x86_iommu *unit, const struct x86_function *function)
{
	if (!iommu_room(unit, QUEUE_HEAD, 3))
		return false;
	mmio_write64((uintptr_t)&function->entry[1], function->pass[1]);
	mmio_write64((uintptr_t)&function->entry[0], function->pass[0]);
	forget(unit, function);
	return true;
}

const struct iommu_driver vtd_driver = {
	.enable = enable, .interrupt = interrupt, .fault = take_fault, .block = block, .pass = pass
};
