/*
 * Not one bit of an entry that lets a device through, blocks it or sends its interrupts can change
 * unseen: VT-d's root, context and remapping entries, AMD-Vi's device table and remapping entries.
 */
#include "unit.h"

#include <elf.h>

#include "audit_devices.h"

#define CONSTANTS 0x400000ull
#define DATA      0x600000ull
#define PAGES     8u
#define STORE     0x28u /* requester of the owned function */
#define SPARE     0x38u /* of one of nobody */
#define APIC_ID   2u
#define VECTOR    0x50u

/* Constants: root, blocked contexts, remapping, tree. Data: contexts or device table, storage. */
static _Alignas(4096) uint64_t constants[PAGES][512], data[PAGES * 512];
static struct audit_segment segments[2];
static struct audit_symbol symbols[1];
static struct audit audit;
static struct audit_devices devices;
static struct audit_unit unit;
static struct audit_function functions[2];
static struct audit_partition partition;
static struct x86_iommu iommu;
static struct x86_function records[2];
static struct x86_message message;
static struct mullion_system system_table;
static struct mullion_partition partition_table;
static struct mullion_vcpu vcpu;
static struct mullion_cpu cpu;
static struct arch_system_tables arch;
static struct arch_vcpu_tables vcpu_tables;

static uint64_t page(unsigned number)
{
	return CONSTANTS + number * AUDIT_PAGE;
}

static const void *pointer(uint64_t address)
{
	return (const void *)(uintptr_t)address;
}

static void set_image(void)
{
	memset(constants, 0, sizeof(constants));
	memset(data, 0, sizeof(data));
	segments[0] = (struct audit_segment){ CONSTANTS, sizeof(constants), sizeof(constants),
		(const uint8_t *)constants, PF_R };
	segments[1] = (struct audit_segment){ DATA, sizeof(data), sizeof(data),
		(const uint8_t *)data, PF_R | PF_W };
	symbols[0] = (struct audit_symbol){ page(2), AUDIT_PAGE, "remapping" };
}

/* One partition with 2 MiB at 16 MiB, on an owned CPU; one function is its, one nobody's. */
static void set_system(unsigned kind)
{
	arch = (struct arch_system_tables){ .data_base = DATA, .data_end = DATA + sizeof(data) };
	system_table =
		(struct mullion_system){ .cpus_count = 1, .partitions_count = 1, .vcpus_count = 1 };
	partition_table = (struct mullion_partition){ .vcpus = 1 };
	vcpu_tables = (struct arch_vcpu_tables){ .memory_bytes = 0x200000, .functions_count = 1 };
	vcpu = (struct mullion_vcpu){ .mode = MULLION_CPU_OWNED };
	cpu = (struct mullion_cpu){ .hardware_id = APIC_ID,
		.mode = MULLION_CPU_OWNED,
		.stack_top = (uint8_t *)(uintptr_t)(DATA + sizeof(data)) };
	partition = (struct audit_partition){ .name = "store",
		.table = &partition_table,
		.arch = &vcpu_tables,
		.memory_base = 0x1000000 };
	iommu = (struct x86_iommu){ .kind = kind, .levels = 4 };
	unit = (struct audit_unit){ .name = "unit", .table = &iommu };
	message = (struct x86_message){
		.granted = 1, .guest_address = 0xfee00000, .guest_data = VECTOR
	};
	records[0] = (struct x86_function){ .requester = STORE, .msi = 0x40, .messages_count = 1 };
	records[1] = (struct x86_function){ .requester = SPARE, .partition = X86_NO_PARTITION };
	functions[0] = (struct audit_function){
		.name = "disk", .table = &records[0], .messages = &message
	};
	functions[1] =
		(struct audit_function){ .name = "spare", .table = &records[1], .number = 1 };
}

static void set_audit(void)
{
	devices = (struct audit_devices){
		.units = &unit, .units_count = 1, .functions = functions, .functions_count = 2
	};
	audit = (struct audit){ .path = "image",
		.image = { .segments = segments,
			.segments_count = 2,
			.symbols = symbols,
			.symbols_count = 1 },
		.system = &system_table,
		.arch = &arch,
		.cpus = &cpu,
		.vcpus = &vcpu,
		.partitions = &partition,
		.devices = &devices };
	audit.report.arena = &audit.arena;
}

static void set_vtd(void)
{
	unsigned i;

	set_image();
	set_system(X86_IOMMU_VTD);
	set_audit();
	for (i = 0; i < 256; i++) {
		constants[0][2 * i] = page(1) | 1;
		constants[1][2 * i] = data[2 * i] = 2;
	}
	constants[0][0] = DATA | 1;
	data[2 * STORE] = page(4) | 1;
	data[2 * STORE + 1] = 2 | 1 << 8;
	constants[2][6] = 1 | VECTOR << 16 | (uint64_t)APIC_ID << 40;
	constants[2][7] = STORE | 1 << 18;
	constants[4][0] = page(5) | 3;
	constants[5][0] = page(6) | 3;
	constants[6][0] = 0x1000083;
	message.address = 0xfee00010 | 3 << 5;
	iommu.root = pointer(page(0));
	iommu.root_bytes = 4096;
	iommu.remapping = pointer(page(2));
	iommu.remapping_entries = 256;
}

static void set_amdvi(void)
{
	unsigned i;

	set_image();
	set_system(X86_IOMMU_AMDVI);
	set_audit();
	for (i = 0; i < 256; i++) {
		data[4 * i] = 3;
		data[4 * i + 1] = 3ull << 33;
		data[4 * i + 2] = 1;
	}
	data[4 * STORE] = page(4) | 3 | 4 << 9 | 3ull << 61;
	data[4 * STORE + 1] = 1;
	data[4 * STORE + 2] = page(2) | 1 | 9 << 1 | 2ull << 60;
	((uint32_t *)constants[2])[3] = 1 | APIC_ID << 8 | VECTOR << 16;
	constants[4][0] = page(5) | 1 | 3 << 9 | 3ull << 61;
	constants[5][0] = page(6) | 1 | 2 << 9 | 3ull << 61;
	constants[6][0] = 0x1000000 | 1 | 7ull << 60;
	message.address = 0xfee00000;
	message.data = 3;
	iommu.root = (const uint64_t *)pointer(DATA);
	iommu.root_bytes = 256 * 32;
}

static size_t judge(void)
{
	if (iommu.kind == X86_IOMMU_VTD)
		audit_vtd(&audit, &unit);
	else
		audit_amdvi(&audit, &unit);
	audit_passes(&audit);
	audit_messages(&audit);
	return audit.report.count;
}

static void end(void)
{
	audit_pass_close(&audit);
	free(devices.vectors);
	free(devices.objects);
	free(audit.tables);
	arena_free(&audit.arena);
}

static void assert_good(void (*set)(void))
{
	set();
	if (judge())
		fail_msg("%s", audit.report.findings[0].sentence);
	assert_int_equal(devices.passes_count, 1);
	assert_int_equal(devices.vectors_count, 1);
	assert_int_equal(devices.vectors[0].vector, VECTOR);
	end();
}

static void assert_every_bit(void (*set)(void), uint64_t *words, unsigned count)
{
	unsigned bit;

	for (bit = 0; bit < 64 * count; bit++) {
		set();
		words[bit / 64] ^= 1ull << bit % 64;
		if (!judge())
			fail_msg("bit %u", bit);
		end();
	}
}

static void good_tables_are_good(void **state)
{
	(void)state;
	assert_good(set_vtd);
	assert_good(set_amdvi);
}

static void no_bit_of_a_vtd_root_entry_can_change_unseen(void **state)
{
	(void)state;
	assert_every_bit(set_vtd, &constants[0][0], 2);
	assert_every_bit(set_vtd, &constants[0][2 * 77], 2);
}

static void no_bit_of_a_vtd_context_entry_can_change_unseen(void **state)
{
	(void)state;
	assert_every_bit(set_vtd, &data[2 * STORE], 2);
	assert_every_bit(set_vtd, &data[2 * SPARE], 2);
	assert_every_bit(set_vtd, &data[2 * 255], 2);
	assert_every_bit(set_vtd, &constants[1][2 * 9], 2);
}

static void no_bit_of_a_vtd_remapping_entry_can_change_unseen(void **state)
{
	(void)state;
	assert_every_bit(set_vtd, &constants[2][6], 2);
	assert_every_bit(set_vtd, &constants[2][2 * 255], 2);
}

static void no_bit_of_an_amdvi_device_entry_can_change_unseen(void **state)
{
	(void)state;
	assert_every_bit(set_amdvi, &data[4 * STORE], 4);
	assert_every_bit(set_amdvi, &data[4 * SPARE], 4);
	assert_every_bit(set_amdvi, &data[4 * 1], 4);
}

static void no_bit_of_an_amdvi_remapping_entry_can_change_unseen(void **state)
{
	(void)state;
	assert_every_bit(set_amdvi, &constants[2][1], 1);
	assert_every_bit(set_amdvi, &constants[2][255], 1);
}

static void no_bit_of_a_tree_can_change_unseen(void **state)
{
	unsigned table;

	(void)state;
	for (table = 4; table < 7; table++) {
		assert_every_bit(set_vtd, &constants[table][0], 2);
		assert_every_bit(set_amdvi, &constants[table][0], 2);
	}
}

static void assert_message_bits(void (*set)(void))
{
	unsigned bit;

	for (bit = 0; bit < 8 * sizeof(message); bit++) {
		set();
		((uint8_t *)&message)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!judge())
			fail_msg("bit %u", bit);
		end();
	}
}

static void no_bit_of_a_message_can_change_unseen(void **state)
{
	(void)state;
	assert_message_bits(set_vtd);
	assert_message_bits(set_amdvi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tables_are_good),
		cmocka_unit_test(no_bit_of_a_vtd_root_entry_can_change_unseen),
		cmocka_unit_test(no_bit_of_a_vtd_context_entry_can_change_unseen),
		cmocka_unit_test(no_bit_of_a_vtd_remapping_entry_can_change_unseen),
		cmocka_unit_test(no_bit_of_an_amdvi_device_entry_can_change_unseen),
		cmocka_unit_test(no_bit_of_an_amdvi_remapping_entry_can_change_unseen),
		cmocka_unit_test(no_bit_of_a_tree_can_change_unseen),
		cmocka_unit_test(no_bit_of_a_message_can_change_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
