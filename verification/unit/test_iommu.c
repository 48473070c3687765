/*
 * All IOMMUs together, above their drivers: who looks, what a fault leads to and in which order, and
 * that no device makes the kernel say more or stay longer than once a look.
 */
#include "unit.h"

#include <iommu.h>
#include <pci.h>

#define UNITS     3u
#define FUNCTIONS 4u

/* CPU 0 keeps units 0 (VT-d) and 2 (AMD-Vi); CPU 1, an owned one, keeps unit 1. */
static struct x86_iommu_storage storage[UNITS];
static const struct x86_iommu iommus[UNITS] = {
	{ .name = "iommu@0", .kind = X86_IOMMU_VTD, .levels = 4, .storage = &storage[0] },
	{ .name = "iommu@1",
		.kind = X86_IOMMU_VTD,
		.registers = 0x10000,
		.levels = 3,
		.storage = &storage[1],
		.keeper = 1,
		.interrupts = true },
	{ .name = "iommu@2",
		.kind = X86_IOMMU_AMDVI,
		.registers = 0x20000,
		.levels = 4,
		.storage = &storage[2] },
};
static const struct x86_function functions[FUNCTIONS] = {
	{ .name = "disk", .requester = 0x28, .partition = 1, .iommu = 0 },
	{ .name = "net", .requester = 0x30, .partition = 0, .iommu = 1 },
	{ .name = "spare", .requester = 0x38, .partition = X86_NO_PARTITION, .iommu = 0 },
	{ .name = "sound", .requester = 0x28, .partition = 0, .iommu = 2 },
};
struct x86_function_state system_functions[FUNCTIONS];
static const struct mullion_partition partitions[] = { { .name = "pump" }, { .name = "valve" } };
static const struct mullion_cpu configs[] = { { .hardware_id = 0 }, { .hardware_id = 3 } };
static struct arch_system_tables tables = { .iommus_count = UNITS,
	.functions_count = FUNCTIONS,
	.iommus = iommus,
	.functions = functions };
const struct mullion_system mullion_system = {
	.cpus = configs, .partitions = partitions, .arch = &tables
};
static struct cpu cpus[2] = { { .config = &configs[0] }, { .config = &configs[1] } };

static char history[4096];
static unsigned pending[UNITS], looks[UNITS];
static struct iommu_fault faults[UNITS];
static bool no_room, empty;

static void remember(const char *format, ...)
{
	size_t length = strlen(history);
	va_list args;

	va_start(args, format);
	vsnprintf(history + length, sizeof(history) - length, format, args);
	va_end(args);
}

static unsigned number_of(const struct x86_iommu *unit)
{
	return (unsigned)(unit - iommus);
}

uint32_t mmio_read32(uint64_t address)
{
	unsigned u = (unsigned)(address >> 16);

	looks[u]++;
	return pending[u] == 0 ? 0 : iommus[u].kind == X86_IOMMU_VTD ? VTD_PENDING : 0x10;
}

uint64_t mmio_read64(uint64_t address)
{
	(void)address;
	abort();
}

void mmio_write32(uint64_t address, uint32_t value)
{
	(void)address;
	(void)value;
	abort();
}

void mmio_write64(uint64_t address, uint64_t value)
{
	(void)address;
	(void)value;
	abort();
}

void write_back_line(const void *address)
{
	(void)address;
	abort();
}

void write_back_all(void)
{
	remember("write back; ");
}

void refuse(const char *format, ...)
{
	(void)format;
	abort();
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	remember("%s on; ", va_arg(args, const char *));
	va_end(args);
}

static void enable(const struct x86_iommu *unit)
{
	remember("enable %u; ", number_of(unit));
}

static void interrupt(const struct x86_iommu *unit, uint32_t apic_id)
{
	remember("interrupt %u at %u; ", number_of(unit), apic_id);
}

static bool fault(const struct x86_iommu *unit, struct iommu_fault *found)
{
	unsigned u = number_of(unit);

	assert_true(pending[u] > 0);
	if (empty)
		return false;
	pending[u]--;
	*found = faults[u];
	return true;
}

static bool block(const struct x86_iommu *unit, const struct x86_function *function)
{
	assert_ptr_equal(&iommus[function->iommu], unit);
	assert_int_equal(unit->storage->queueing, 1); /* nobody else gets at the queue */
	remember("block %s; ", function->name);
	return !no_room;
}

static bool pass(const struct x86_iommu *unit, const struct x86_function *function)
{
	assert_ptr_equal(&iommus[function->iommu], unit);
	assert_int_equal(unit->storage->queueing, 1);
	remember("pass %s; ", function->name);
	return !no_room;
}

static bool other_fault(const struct x86_iommu *unit, struct iommu_fault *found)
{
	assert_int_equal(unit->kind, X86_IOMMU_AMDVI);
	return fault(unit, found);
}

const struct iommu_driver vtd_driver = {
	.enable = enable, .interrupt = interrupt, .fault = fault, .block = block, .pass = pass
};
const struct iommu_driver amdvi_driver = {
	.enable = enable, .interrupt = interrupt, .fault = other_fault, .block = block, .pass = pass
};

const struct x86_function *pci_requester(const struct x86_iommu *unit, uint16_t requester)
{
	for (unsigned f = 0; f < FUNCTIONS; f++)
		if (functions[f].requester == requester && &iommus[functions[f].iommu] == unit)
			return &functions[f];
	return NULL;
}

void pci_quarantine(const struct x86_function *function)
{
	remember("quarantine %s; ", function->name);
	system_functions[function - functions].quarantined = 1;
}

void health_device(struct cpu *keeper, const struct mullion_partition *owner, uint16_t requester,
	enum mullion_dma_access access, uint64_t address)
{
	remember("tell cpu %u: %s %x %u %lx; ", (unsigned)(keeper - cpus),
		owner == NULL ? "nobody" : owner->name, requester, (unsigned)access,
		(unsigned long)address);
}

void arch_kick(const struct cpu *cpu)
{
	remember("kick %u; ", (unsigned)(cpu - cpus));
}

static int begin(void **state)
{
	(void)state;
	memset(system_functions, 0, sizeof(system_functions));
	memset(pending, 0, sizeof(pending));
	memset(looks, 0, sizeof(looks));
	history[0] = '\0';
	no_room = empty = false;
	tables.iommus_count = UNITS;
	return 0;
}

static void violate(unsigned u, unsigned times, uint16_t requester)
{
	pending[u] = times;
	faults[u] = (struct iommu_fault){
		.address = 0xabc000, .requester = requester, .access = MULLION_DMA_WRITE
	};
}

static void expect(const char *expected)
{
	assert_string_equal(history, expected);
	history[0] = '\0';
}

static void units_come_up_one_after_the_other_with_their_tables_in_memory(void **state)
{
	(void)state;
	iommu_start();
	expect("write back; enable 0; iommu@0 on; enable 1; interrupt 1 at 3; iommu@1 on; "
	       "enable 2; iommu@2 on; ");
}

static void a_node_without_units_does_nothing_for_them(void **state)
{
	(void)state;
	tables.iommus_count = 0;
	iommu_start();
	arch_devices_poll(&cpus[0]);
	expect("");
}

static void each_cpu_looks_at_its_own_units_once_and_at_no_other(void **state)
{
	(void)state;
	arch_devices_poll(&cpus[0]);
	assert_int_equal(looks[0], 1);
	assert_int_equal(looks[1], 0);
	assert_int_equal(looks[2], 1);
	arch_devices_poll(&cpus[1]);
	assert_int_equal(looks[0], 1);
	assert_int_equal(looks[1], 1);
	expect("");
}

static void a_function_is_blocked_then_marked_and_then_its_owner_is_told(void **state)
{
	(void)state;
	violate(0, 1, 0x28);
	arch_devices_poll(&cpus[0]);
	expect("block disk; quarantine disk; tell cpu 0: valve 28 1 abc000; ");
}

static void the_same_requester_behind_another_unit_is_another_function(void **state)
{
	(void)state;
	violate(2, 1, 0x28);
	arch_devices_poll(&cpus[0]);
	expect("block sound; quarantine sound; tell cpu 0: pump 28 1 abc000; ");
}

static void units_that_fault_at_once_are_all_served_one_fault_each(void **state)
{
	(void)state;
	violate(0, 5, 0x28);
	violate(2, 5, 0x28);
	arch_devices_poll(&cpus[0]);
	expect("block disk; quarantine disk; tell cpu 0: valve 28 1 abc000; "
	       "block sound; quarantine sound; tell cpu 0: pump 28 1 abc000; ");
	assert_int_equal(pending[0], 4);
	assert_int_equal(pending[2], 4);
}

static void a_function_in_quarantine_is_taken_out_and_passed_over(void **state)
{
	(void)state;
	violate(0, 1000, 0x28);
	arch_devices_poll(&cpus[0]);
	history[0] = '\0';
	for (unsigned i = 0; i < 999; i++)
		arch_devices_poll(&cpus[0]);
	expect("");
	assert_int_equal(pending[0], 0);
}

static void a_function_nobody_owns_is_blocked_already_and_nobodys(void **state)
{
	(void)state;
	violate(0, 2, 0x38);
	arch_devices_poll(&cpus[0]);
	arch_devices_poll(&cpus[0]);
	expect("quarantine spare; tell cpu 0: nobody 38 1 abc000; ");
}

static void a_requester_that_no_function_has_is_told_of(void **state)
{
	(void)state;
	violate(0, 1, 0xffff);
	arch_devices_poll(&cpus[0]);
	expect("tell cpu 0: nobody ffff 1 abc000; ");
}

static void without_room_to_block_it_is_told_of_and_tried_again(void **state)
{
	(void)state;
	violate(0, 2, 0x28);
	no_room = true;
	arch_devices_poll(&cpus[0]);
	expect("block disk; tell cpu 0: valve 28 1 abc000; ");
	no_room = false;
	arch_devices_poll(&cpus[0]);
	expect("block disk; quarantine disk; tell cpu 0: valve 28 1 abc000; ");
}

static void an_interrupted_keeper_interrupts_itself_while_faults_are_left(void **state)
{
	(void)state;
	violate(1, 2, 0x30);
	arch_devices_poll(&cpus[1]);
	expect("block net; quarantine net; tell cpu 1: pump 30 1 abc000; kick 1; ");
	arch_devices_poll(&cpus[1]);
	expect("");
}

static void a_unit_with_nothing_behind_its_word_keeps_nobody_busy(void **state)
{
	(void)state;
	violate(1, 1, 0x30);
	empty = true;
	arch_devices_poll(&cpus[1]);
	expect("");
}

static void a_function_passes_by_its_own_unit(void **state)
{
	(void)state;
	assert_true(iommu_pass(&functions[0]));
	assert_true(iommu_pass(&functions[3]));
	no_room = true;
	assert_false(iommu_pass(&functions[1]));
	expect("pass disk; pass sound; pass net; ");
	for (unsigned u = 0; u < UNITS; u++)
		assert_int_equal(storage[u].queueing, 0);
}

static void a_queue_that_another_cpu_uses_is_left_alone(void **state)
{
	(void)state;
	storage[0].queueing = 1;
	assert_false(iommu_block(&functions[0]));
	assert_false(iommu_pass(&functions[0]));
	assert_int_equal(storage[0].queueing, 1);
	violate(0, 2, 0x28);
	arch_devices_poll(&cpus[0]);
	expect("tell cpu 0: valve 28 1 abc000; ");
	storage[0].queueing = 0;
	arch_devices_poll(&cpus[0]);
	expect("block disk; quarantine disk; tell cpu 0: valve 28 1 abc000; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			units_come_up_one_after_the_other_with_their_tables_in_memory, begin),
		cmocka_unit_test_setup(a_node_without_units_does_nothing_for_them, begin),
		cmocka_unit_test_setup(each_cpu_looks_at_its_own_units_once_and_at_no_other, begin),
		cmocka_unit_test_setup(
			a_function_is_blocked_then_marked_and_then_its_owner_is_told, begin),
		cmocka_unit_test_setup(
			the_same_requester_behind_another_unit_is_another_function, begin),
		cmocka_unit_test_setup(
			units_that_fault_at_once_are_all_served_one_fault_each, begin),
		cmocka_unit_test_setup(
			a_function_in_quarantine_is_taken_out_and_passed_over, begin),
		cmocka_unit_test_setup(
			a_function_nobody_owns_is_blocked_already_and_nobodys, begin),
		cmocka_unit_test_setup(a_requester_that_no_function_has_is_told_of, begin),
		cmocka_unit_test_setup(without_room_to_block_it_is_told_of_and_tried_again, begin),
		cmocka_unit_test_setup(
			an_interrupted_keeper_interrupts_itself_while_faults_are_left, begin),
		cmocka_unit_test_setup(
			a_unit_with_nothing_behind_its_word_keeps_nobody_busy, begin),
		cmocka_unit_test_setup(a_function_passes_by_its_own_unit, begin),
		cmocka_unit_test_setup(a_queue_that_another_cpu_uses_is_left_alone, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
