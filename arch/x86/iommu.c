/*
 * All IOMMUs of the node: on before the first partition, then only looked at for faults.
 *
 * Invariant: a function that left its memory is blocked before anyone is told, and told of once. One
 * look takes one fault at most, so that no device determines how long the kernel takes.
 */
#include <iommu.h>
#include <pci.h>

/* Looks at a register or a word before giving up: a second or more on any machine. */
#define WAIT_TRIES 1000000u

static const struct iommu_driver *driver_of(const struct x86_iommu *unit)
{
	return unit->kind == X86_IOMMU_VTD ? &vtd_driver : &amdvi_driver;
}

__attribute__((noreturn)) static void give_up(
	const struct x86_iommu *unit, const char *what, uint64_t at)
{
	refuse("%s does not answer (%s %x); switch the machine off and on again, and if that does "
	       "not help, run on the board that the image is for",
		unit->name, what, at);
}

void iommu_wait(const struct x86_iommu *unit, uint32_t offset, uint32_t bits, uint32_t value)
{
	for (uint32_t i = 0; i < WAIT_TRIES; i++) {
		if ((mmio_read32(unit->registers + offset) & bits) == value)
			return;
		arch_relax();
	}
	give_up(unit, "register", offset);
}

/* One entry stays free: a full ring would look like an empty one. */
bool iommu_room(const struct x86_iommu *unit, uint32_t head, uint32_t count)
{
	uint32_t tail = mmio_read32(unit->registers + head + 8);
	uint32_t used = (tail - mmio_read32(unit->registers + head)) & RING_OFFSETS;

	return used + count * RING_ENTRY <= RING_OFFSETS;
}

void iommu_submit(const struct x86_iommu *unit, uint32_t head, const struct iommu_command *commands,
	uint32_t count)
{
	uint64_t queue = (uintptr_t)unit->storage->queue;
	uint32_t tail = mmio_read32(unit->registers + head + 8) & RING_OFFSETS;

	for (uint32_t i = 0; i < count; i++) {
		mmio_write64(queue + tail, commands[i].low);
		mmio_write64(queue + tail + 8, commands[i].high);
		tail = (tail + RING_ENTRY) & RING_OFFSETS;
	}
	mmio_write32(unit->registers + head + 8, tail);
}

void iommu_complete(const struct x86_iommu *unit, uint32_t head,
	const struct iommu_command *commands, uint32_t count)
{
	const uint64_t completion = (uintptr_t)&unit->storage->completion;

	mmio_write64(completion, 0);
	iommu_submit(unit, head, commands, count);
	for (uint32_t i = 0; i < WAIT_TRIES; i++) {
		if (mmio_read64(completion) == IOMMU_DONE)
			return;
		arch_relax();
	}
	give_up(unit, "queue at register", head);
}

static void start(const struct x86_iommu *unit)
{
	const struct mullion_cpu *keeper = &mullion_system.cpus[unit->keeper];

	driver_of(unit)->enable(unit);
	if (unit->interrupts)
		driver_of(unit)->interrupt(unit, keeper->hardware_id);
	console_print("IOMMU:  %s on, %u levels, faults %s cpu %u\n", unit->name,
		(uint64_t)unit->levels, unit->interrupts ? "interrupt" : "polled by",
		(uint64_t)unit->keeper);
}

/*
 * Not every unit snoops the caches when it reads its tables (VT-d: ECAP.C). The tables never change,
 * so writing everything back once will do; the entry that quarantine changes is written back then.
 */
void iommu_start(void)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	if (tables->iommus_count != 0)
		write_back_all();
	for (uint16_t u = 0; u < tables->iommus_count; u++)
		start(&tables->iommus[u]);
}

/*
 * The keeper, and every CPU that restores a partition, may want the queue at the same time: who finds
 * it taken asks again, as if there were no room.
 */
bool iommu_block(const struct x86_function *function)
{
	const struct x86_iommu *unit = &mullion_system.arch->iommus[function->iommu];
	bool blocked;

	if (!exchange_shared(&unit->storage->queueing, 0, 1))
		return false;
	blocked = driver_of(unit)->block(unit, function);
	store_shared(&unit->storage->queueing, 0);
	return blocked;
}

bool iommu_pass(const struct x86_function *function)
{
	const struct x86_iommu *unit = &mullion_system.arch->iommus[function->iommu];
	bool passed;

	if (!exchange_shared(&unit->storage->queueing, 0, 1))
		return false;
	passed = driver_of(unit)->pass(unit, function);
	store_shared(&unit->storage->queueing, 0);
	return passed;
}

static const struct mullion_partition *owner_of(const struct x86_function *function)
{
	if (function == NULL || function->partition == X86_NO_PARTITION)
		return NULL;
	return &mullion_system.partitions[function->partition];
}

/* A function without owner is blocked by the tables already. Without room it is tried at the next. */
static void quarantine(const struct x86_function *function)
{
	if (owner_of(function) == NULL || iommu_block(function))
		pci_quarantine(function);
}

static bool quarantined(const struct x86_function *function)
{
	const struct x86_function *first = mullion_system.arch->functions;

	return load_shared(&system_functions[function - first].quarantined);
}

static void stop(struct cpu *keeper, const struct x86_iommu *unit, const struct iommu_fault *fault)
{
	const struct x86_function *function = pci_requester(unit, fault->requester);

	if (function != NULL) {
		if (quarantined(function))
			return;
		quarantine(function);
	}
	health_device(keeper, owner_of(function), fault->requester,
		(enum mullion_dma_access)fault->access, fault->address);
}

/* A unit interrupts for the first of several faults only; for the others the keeper does so itself. */
static void take(struct cpu *keeper, const struct x86_iommu *unit)
{
	struct iommu_fault fault;

	if (!driver_of(unit)->fault(unit, &fault))
		return;
	stop(keeper, unit, &fault);
	if (unit->interrupts && iommu_pending(unit))
		arch_kick(keeper);
}

static inline bool calls(const struct cpu *cpu, const struct x86_iommu *unit)
{
	return cpu->config == &mullion_system.cpus[unit->keeper] && iommu_pending(unit);
}

static COLD void serve(struct cpu *cpu, uint16_t first)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t u = first; u < tables->iommus_count; u++)
		if (calls(cpu, &tables->iommus[u]))
			take(cpu, &tables->iommus[u]);
}

bool arch_devices_kept(const struct cpu *cpu)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t u = 0; u < tables->iommus_count; u++)
		if (cpu->config == &mullion_system.cpus[tables->iommus[u].keeper])
			return true;
	return false;
}

void arch_devices_poll(struct cpu *cpu)
{
	const struct arch_system_tables *tables = mullion_system.arch;

	for (uint16_t u = 0; u < tables->iommus_count; u++)
		if (calls(cpu, &tables->iommus[u])) {
			serve(cpu, u);
			return;
		}
}
