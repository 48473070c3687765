/*
 * The bench for IOMMU drivers, and of the kernel only what they ask of it.
 */
#include "unit.h"

#include "iommu_bench.h"

struct bench bench;
struct x86_iommu unit;
struct x86_iommu_storage storage __attribute__((aligned(4096)));
struct arch_vcpu_tables vcpu_tables;
struct mullion_partition partitions[16];
struct x86_function_state system_functions[1];

static const uint64_t root[512] __attribute__((aligned(4096)));
static const uint64_t remapping[512] __attribute__((aligned(4096)));
static const struct mullion_vcpu vcpus[1] = { { .arch = &vcpu_tables } };
static const struct mullion_cpu cpus[1] = { { .hardware_id = 5 } };
static const struct arch_system_tables tables;
static struct mullion_console ring;
const struct mullion_system mullion_system = {
	.partitions_count = 16,
	.vcpus_count = 1,
	.partitions = partitions,
	.vcpus = vcpus,
	.cpus = cpus,
	.arch = &tables,
	.log = &ring,
};
uint32_t node_state = NODE_BOOTING;
static jmp_buf refused;

void bench_begin(const struct iommu_driver *driver, uint64_t bytes)
{
	memset(&bench, 0, sizeof(bench));
	memset(&storage, 0, sizeof(storage));
	bench.bytes = bytes;
	bench.driver = driver;
	vcpu_tables.memory_bytes = 64ull << 20;
	unit = (struct x86_iommu){ .name = "iommu@test",
		.levels = 4,
		.registers = bench_at(0),
		.root = root,
		.root_bytes = sizeof(root),
		.remapping_entries = 256,
		.remapping = remapping,
		.storage = &storage };
}

uint64_t bench_get(uint32_t offset, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, bench.registers + offset, bytes);
	return value;
}

void bench_put(uint32_t offset, unsigned bytes, uint64_t value)
{
	memcpy(bench.registers + offset, &value, bytes);
}

/* An offset into the registers, or UINT32_MAX if it is memory. */
static uint32_t offset_of(uint64_t address, unsigned bytes)
{
	uint64_t offset = address - bench_at(0);

	assert_int_equal(address % bytes, 0);
	if (offset >= BENCH_BYTES)
		return UINT32_MAX;
	assert_true(offset + bytes <= bench.bytes);
	return (uint32_t)offset;
}

static uint64_t read_any(uint64_t address, unsigned bytes)
{
	uint32_t offset = offset_of(address, bytes);
	uint64_t value = 0;

	if (offset == UINT32_MAX) {
		memcpy(&value, (const void *)(uintptr_t)address, bytes);
		return value;
	}
	bench.reads++;
	if (bench.before_read != NULL)
		bench.before_read(offset);
	return bench_get(offset, bytes);
}

static void write_any(uint64_t address, unsigned bytes, uint64_t value)
{
	uint32_t offset = offset_of(address, bytes);
	size_t length = strlen(bench.history);

	if (offset == UINT32_MAX) {
		memcpy((void *)(uintptr_t)address, &value, bytes);
		return;
	}
	bench.writes++;
	snprintf(bench.history + length, sizeof(bench.history) - length, "%x=%llx ", offset,
		(unsigned long long)value);
	if (bench.write != NULL)
		bench.write(offset, bytes, value);
	else
		bench_put(offset, bytes, value);
}

uint32_t mmio_read32(uint64_t address)
{
	return (uint32_t)read_any(address, 4);
}

uint64_t mmio_read64(uint64_t address)
{
	return read_any(address, 8);
}

void mmio_write32(uint64_t address, uint32_t value)
{
	write_any(address, 4, value);
}

void mmio_write64(uint64_t address, uint64_t value)
{
	write_any(address, 8, value);
}

void write_back_line(const void *address)
{
	bench.written_back = address;
}

void write_back_all(void)
{
}

/* refuse() ends here, after its line. */
void arch_power_off(bool ok)
{
	assert_false(ok);
	longjmp(refused, 1);
}

void arch_console_put(char c)
{
	size_t length = strlen(bench.refusal);

	if (length + 1 < sizeof(bench.refusal))
		bench.refusal[length] = c;
}

void units_power_off(void)
{
}

bool bench_refused(void (*enable)(const struct x86_iommu *unit))
{
	memset(bench.refusal, 0, sizeof(bench.refusal));
	if (setjmp(refused) != 0)
		return true;
	enable(&unit);
	return false;
}

bool bench_said(const char *words)
{
	char copy[256], *word;

	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		if (strstr(bench.refusal, word) == NULL)
			return false;
	return true;
}

void bench_turn_on(void)
{
	assert_false(bench_refused(bench.driver->enable));
	bench.history[0] = '\0';
	bench.reads = bench.writes = bench.carried_out_count = 0;
}

bool bench_take(uint16_t requester)
{
	struct iommu_fault fault = { 0 };

	return bench.driver->fault(&unit, &fault) && fault.requester == requester;
}

void bench_run_queue(
	uint32_t head_at, uint32_t tail_at, void (*carry_out)(const struct iommu_command *command))
{
	const uint8_t *queue = storage.queue;
	uint64_t head;

	for (head = bench_get(head_at, 4); head != bench_get(tail_at, 4);
		head = (head + 16) & 0xff0) {
		const struct iommu_command *command = (const void *)(queue + head);

		assert_true(bench.carried_out_count < 16);
		bench.carried_out[bench.carried_out_count++] = *command;
		carry_out(command);
	}
	bench_put(head_at, 4, head);
}

void bench_assert_carried_out(const struct iommu_command *expected, unsigned count)
{
	assert_int_equal(bench.carried_out_count, count);
	assert_memory_equal(bench.carried_out, expected, count * sizeof(*expected));
}

void without_a_fault_one_register_is_read_and_none_written(void **state)
{
	struct iommu_fault fault;

	(void)state;
	bench_turn_on();
	assert_false(iommu_pending(&unit));
	assert_int_equal(bench.reads, 1);
	assert_false(bench.driver->fault(&unit, &fault));
	assert_int_equal(bench.reads, 2);
	assert_int_equal(bench.writes, 0);
}

/* What iommu.c asks for when it looks for faults, which no test of a driver does. */
void arch_kick(const struct cpu *cpu)
{
	(void)cpu;
	abort();
}

const struct x86_function *pci_requester(const struct x86_iommu *of, uint16_t requester)
{
	(void)of;
	(void)requester;
	abort();
}

void pci_quarantine(const struct x86_function *function)
{
	(void)function;
	abort();
}

void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address)
{
	(void)keeper;
	(void)owner;
	(void)requester;
	(void)access;
	(void)address;
	abort();
}
