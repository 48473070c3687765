/*
 * AMD-Vi: I/O virtualization specification 3.05, chapters 2 (tables, commands, events) and 3 (registers).
 *
 * Invariant: a unit is on with the image's tables or the node is refused. Interrupts pass through their
 * function's own table alone; no exclusion range, no page requests, no guest translation.
 */
#include <iommu.h>

enum amdvi_register {
	DEVICE_TABLE = 0x00,
	COMMANDS = 0x08,
	EVENTS = 0x10,
	CONTROL = 0x18,
	EXCLUSION = 0x20,
	EXCLUSION_END = 0x28,
	FEATURES = 0x30,
	MESSAGE_CONTROL = 0x158,
	MESSAGE_LOW = 0x15c,
	MESSAGE_HIGH = 0x160,
	MESSAGE_DATA = 0x164,
	COMMAND_HEAD = 0x2000,
	COMMAND_TAIL = 0x2008,
	EVENT_HEAD = 0x2010,
	EVENT_TAIL = AMDVI_EVENT_TAIL,
	STATUS = 0x2020,
};

#define ENTRIES_256 (8ull << 56) /* of the command buffer and of the event log */
#define PAGE_BYTES  4096u

/* 3.4.2: what belongs to the platform's wiring stays as firmware set it. */
#define CONTROL_ON         (1ull << 0)
#define CONTROL_EVENTS     (1ull << 2)
#define CONTROL_INTERRUPTS (1ull << 3)
#define CONTROL_COHERENT   (1ull << 10)
#define CONTROL_COMMANDS   (1ull << 12)
#define CONTROL_WIRING     0xbe2ull /* tunnel, time-out, write order, isochronous */

#define FEATURE_FLUSH_ALL (1ull << 6)
#define FEATURE_MESSAGE   (1ull << 46)
#define FEATURE_LEVELS(f) (((f) >> 10 & 3) + 4)
#define LEVELS_RESERVED   7u

#define MESSAGE_ENABLE (1u << 16)

/* 3.4.13: what stopped working or happened is cleared by writing ones. */
#define STATUS_OVERFLOW  (1u << 0)
#define STATUS_INTERRUPT (1u << 1)
#define STATUS_LOGGING   (1u << 3)
#define STATUS_RUNNING   0x198u
#define STATUS_HAPPENED  0x67u

/* Commands, 2.4. */
#define COMMAND(code)        ((uint64_t)(code) << 60)
#define COMPLETION_STORE     (COMMAND(1) | 1)
#define FLUSH_DEVICE(id)     (COMMAND(2) | (id))
#define FLUSH_PAGES(domain)  (COMMAND(3) | (uint64_t)(domain) << 32)
#define ALL_PAGES            0x7ffffffffffff003ull
#define FLUSH_INTERRUPTS(id) (COMMAND(5) | (id))
#define FLUSH_ALL            COMMAND(8)

/* Events, 2.5. */
#define EVENT_CODE(event)     ((event) >> 60)
#define EVENT_INTERRUPT       (1ull << 51)
#define EVENT_WRITE           (1ull << 53)
#define EVENT_REQUEST(event)  ((event) >> 57 & 7)
#define EVENTS_OF_FUNCTIONS   0x31eu /* illegal entry, page fault, hardware errors, bad requests */
#define EVENT_INVALID_REQUEST 8u

static void check(const struct x86_iommu *unit)
{
	uint64_t features = mmio_read64(unit->registers + FEATURES);

	if (features == 0 || features == UINT64_MAX)
		refuse("there is no AMD-Vi unit at %x, where the board has %s; run on that board "
		       "(mullion run adds what QEMU needs), or switch the IOMMU on in the "
		       "firmware's setup",
			unit->registers, unit->name);
	if (!(features & FEATURE_FLUSH_ALL))
		refuse("%s cannot forget all it has cached, as units before 2011 do; describe the "
		       "board without it",
			unit->name);
	if (FEATURE_LEVELS(features) < unit->levels || FEATURE_LEVELS(features) == LEVELS_RESERVED)
		refuse("%s does not walk tables of %u levels; describe the board without it",
			unit->name, (uint64_t)unit->levels);
}

/* Firmware may have left the unit on. No function masters the bus now. */
static void take_over(const struct x86_iommu *unit, uint64_t wiring)
{
	mmio_write64(unit->registers + CONTROL, wiring);
	iommu_wait(unit, STATUS, STATUS_RUNNING, 0);
	mmio_write32(unit->registers + STATUS, STATUS_HAPPENED);
	mmio_write64(unit->registers + EXCLUSION, 0);
	mmio_write64(unit->registers + EXCLUSION_END, 0);
}

static void set_rings(const struct x86_iommu *unit)
{
	mmio_write64(unit->registers + COMMANDS, (uintptr_t)unit->storage->queue | ENTRIES_256);
	mmio_write64(unit->registers + COMMAND_HEAD, 0);
	mmio_write64(unit->registers + COMMAND_TAIL, 0);
	mmio_write64(unit->registers + EVENTS, (uintptr_t)unit->storage->events | ENTRIES_256);
	mmio_write64(unit->registers + EVENT_HEAD, 0);
	mmio_write64(unit->registers + EVENT_TAIL, 0);
	unit->storage->next = 0;
}

/* A requester beyond the table's end is refused by the unit. */
static void set_table(const struct x86_iommu *unit)
{
	uint64_t table = (uintptr_t)unit->root | (unit->root_bytes / PAGE_BYTES - 1);

	mmio_write64(unit->registers + DEVICE_TABLE, table);
	if (mmio_read64(unit->registers + DEVICE_TABLE) != table)
		refuse("%s does not take a device table at %x; switch the machine off and on "
		       "again, and if that does not help, run on the board that the image is for",
			unit->name, table);
}

static void flush(const struct x86_iommu *unit)
{
	const struct iommu_command commands[] = { { FLUSH_ALL, 0 },
		{ COMPLETION_STORE | (uintptr_t)&unit->storage->completion, IOMMU_DONE } };

	iommu_complete(unit, COMMAND_HEAD, commands, 2);
}

static void enable(const struct x86_iommu *unit)
{
	uint64_t wiring = mmio_read64(unit->registers + CONTROL) & CONTROL_WIRING;

	check(unit);
	take_over(unit, wiring);
	set_table(unit);
	set_rings(unit);
	mmio_write64(unit->registers + CONTROL,
		wiring | CONTROL_COHERENT | CONTROL_EVENTS | CONTROL_COMMANDS | CONTROL_ON);
	flush(unit);
}

/* The unit's message is otherwise set up in its own configuration space, which no table names. */
static void interrupt(const struct x86_iommu *unit, uint32_t apic_id)
{
	uint64_t registers = unit->registers;

	if (!(mmio_read64(registers + FEATURES) & FEATURE_MESSAGE))
		refuse("%s does not say by its registers whom it interrupts; make a CPU framed, "
		       "which then looks for faults itself",
			unit->name);
	mmio_write32(registers + MESSAGE_LOW, MESSAGE_ADDRESS(apic_id));
	mmio_write32(registers + MESSAGE_HIGH, 0);
	mmio_write32(registers + MESSAGE_DATA, MESSAGE_NMI);
	mmio_write32(registers + MESSAGE_CONTROL,
		mmio_read32(registers + MESSAGE_CONTROL) | MESSAGE_ENABLE);
	mmio_write64(registers + CONTROL, mmio_read64(registers + CONTROL) | CONTROL_INTERRUPTS);
}

/* 2.5.9: what an invalid request was, by its type. */
static uint8_t access_of(uint64_t event)
{
	static const uint8_t requests[8] = { MULLION_DMA_READ, MULLION_DMA_WRITE, MULLION_DMA_WRITE,
		MULLION_DMA_WRITE, MULLION_DMA_WRITE, MULLION_DMA_INTERRUPT, MULLION_DMA_INTERRUPT,
		MULLION_DMA_WRITE };

	if (EVENT_CODE(event) == EVENT_INVALID_REQUEST)
		return requests[EVENT_REQUEST(event)];
	if (event & EVENT_INTERRUPT)
		return MULLION_DMA_INTERRUPT;
	return event & EVENT_WRITE ? MULLION_DMA_WRITE : MULLION_DMA_READ;
}

static void decode(uint64_t event, uint64_t address, struct iommu_fault *fault)
{
	fault->requester = (uint16_t)event;
	fault->access = access_of(event);
	fault->address = fault->access == MULLION_DMA_INTERRUPT ? 0 : address;
}

/* A full log stops; it is started again once there is room. What was lost comes again, or is over. */
static void keep_logging(const struct x86_iommu *unit)
{
	uint32_t status = mmio_read32(unit->registers + STATUS);
	uint64_t control;

	mmio_write32(unit->registers + STATUS, STATUS_INTERRUPT);
	if (!(status & STATUS_OVERFLOW) || status & STATUS_LOGGING)
		return;
	control = mmio_read64(unit->registers + CONTROL);
	mmio_write64(unit->registers + CONTROL, control & ~CONTROL_EVENTS);
	mmio_write32(unit->registers + STATUS, STATUS_OVERFLOW);
	mmio_write64(unit->registers + CONTROL, control);
}

/*
 * The place in the log is cleared behind the kernel, so an event is known to be complete by its code,
 * which some units write after the tail has moved.
 */
static bool take_fault(const struct x86_iommu *unit, struct iommu_fault *fault)
{
	uint64_t at = (uintptr_t)unit->storage->events + unit->storage->next, event;

	if (!iommu_pending(unit))
		return false;
	event = mmio_read64(at);
	if (EVENT_CODE(event) == 0)
		return false;
	decode(event, mmio_read64(at + 8), fault);
	mmio_write64(at, 0);
	unit->storage->next = (unit->storage->next + RING_ENTRY) & RING_OFFSETS;
	mmio_write32(unit->registers + EVENT_HEAD, (uint32_t)unit->storage->next);
	keep_logging(unit);
	return (EVENTS_OF_FUNCTIONS >> EVENT_CODE(event) & 1) != 0;
}

/* What is cached of a function, and of its owner's memory. */
static void forget(const struct x86_iommu *unit, const struct x86_function *function)
{
	const uint64_t id = function->requester;
	const struct iommu_command commands[] = { { FLUSH_DEVICE(id), 0 },
		{ FLUSH_PAGES(X86_DOMAIN(function->partition)), ALL_PAGES },
		{ FLUSH_INTERRUPTS(id), 0 } };

	write_back_line(function->entry);
	iommu_submit(unit, COMMAND_HEAD, commands, 3);
}

/* The first word alone decides about memory, and is written at once; then interrupts, then silence. */
static bool block(const struct x86_iommu *unit, const struct x86_function *function)
{
	if (!iommu_room(unit, COMMAND_HEAD, 3))
		return false;
	mmio_write64((uintptr_t)&function->entry[0], AMDVI_DTE_BLOCKED);
	mmio_write64((uintptr_t)&function->entry[2], AMDVI_DTE2_BLOCKED);
	mmio_write64((uintptr_t)&function->entry[1], AMDVI_DTE1_BLOCKED);
	mmio_write64((uintptr_t)&function->entry[3], 0);
	forget(unit, function);
	return true;
}

/* The other way round. */
static bool pass(const struct x86_iommu *unit, const struct x86_function *function)
{
	if (!iommu_room(unit, COMMAND_HEAD, 3))
		return false;
	mmio_write64((uintptr_t)&function->entry[3], function->pass[3]);
	mmio_write64((uintptr_t)&function->entry[1], function->pass[1]);
	mmio_write64((uintptr_t)&function->entry[2], function->pass[2]);
	mmio_write64((uintptr_t)&function->entry[0], function->pass[0]);
	forget(unit, function);
	return true;
}

const struct iommu_driver amdvi_driver = {
	.enable = enable, .interrupt = interrupt, .fault = take_fault, .block = block, .pass = pass
};
