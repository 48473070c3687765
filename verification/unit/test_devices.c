/* What passes an IOMMU: the owner's memory for DMA, granted messages, from whom they are expected. */
#include "unit.h"

#include "devices.h"
#include "maps.h"
#include "sample_devices.h"
#include "sample_model.h"
#include "walk_dma.h"

#define GiB (1ull << 30)

/* Places in the layout. */
enum { EDU, NVME, NET0, NET1 };

struct built {
	struct model *model;
	struct layout layout;
	struct maps maps;
	struct devices devices;
};

static struct model *with_devices(int kind)
{
	struct model *model = sample_model();

	sample_devices(model, kind);
	return model;
}

static void build(struct built *built, struct model *model)
{
	struct finding wrong;

	*built = (struct built){ .model = model };
	assert_true(layout_build(model, NULL, &built->layout, &wrong));
	assert_true(maps_build(&built->layout, &built->maps));
	devices_build(&built->layout, &built->devices);
}

static void release(struct built *built)
{
	devices_free(&built->devices);
	maps_free(&built->maps);
	layout_free(&built->layout);
	sample_model_free(built->model);
}

/* ---- DMA ---- */

static uint64_t count_pages(const struct paging *paging, int kind, size_t table, unsigned level)
{
	uint64_t pages = 0;
	size_t i;

	for (i = 0; i < PAGING_ENTRIES; i++) {
		const struct paging_entry *entry = &paging->tables[table]->entries[i];

		if (entry->table)
			pages += count_pages(paging, kind, entry->table, level - 1);
		else if (entry->value)
			pages += 1ull << 9 * (level - 1);
	}
	return pages;
}

static void check_memory(int kind, unsigned address_bits)
{
	struct model *model = with_devices(kind);
	const unsigned levels = address_bits == 39 ? 3 : 4;
	struct built built;
	uint64_t offset;

	model->iommus[0].address_bits = address_bits;
	build(&built, model);
	for (offset = 0; offset < 16 << 20; offset += PAGING_4K) {
		const struct walk_dma found = walk_dma_paging(&built.maps.dma[1], kind, offset + 8);

		assert_true(found.read && found.write);
		assert_int_equal(
			found.address, built.layout.partitions[1].memory.base + offset + 8);
		assert_int_equal(found.page, PAGING_2M);
	}
	assert_int_equal(count_pages(&built.maps.dma[1], kind, 0, levels), (16 << 20) / PAGING_4K);
	assert_int_equal(count_pages(&built.maps.dma[2], kind, 0, levels), (8 << 20) / PAGING_4K);
	assert_int_equal(built.maps.dma[0].count, 0);
	assert_int_equal(built.maps.dma[3].count, 0);
	release(&built);
}

static void devices_reach_their_owners_memory_and_nothing_else(void **state)
{
	(void)state;
	check_memory(X86_IOMMU_VTD, 48);
	check_memory(X86_IOMMU_VTD, 39);
	check_memory(X86_IOMMU_AMDVI, 48);
}

static void check_large(int kind, unsigned address_bits)
{
	struct model *model = with_devices(kind);
	struct range ram[] = { { 0, 0xa0000 }, { 1 << 20, 12 * GiB } };
	struct built built;
	uint64_t base;

	memcpy(model->board.ram, ram, sizeof(ram));
	model->iommus[0].address_bits = address_bits;
	model->partitions[1].memory_bytes = 5 * GiB + PAGING_4K;
	build(&built, model);
	base = built.layout.partitions[1].memory.base;
	assert_int_equal(walk_dma_paging(&built.maps.dma[1], kind, 5).page, PAGING_1G);
	assert_int_equal(
		walk_dma_paging(&built.maps.dma[1], kind, MULLION_HOLE_BASE - 1).page, PAGING_2M);
	assert_false(walk_dma_paging(&built.maps.dma[1], kind, MULLION_HOLE_BASE).read);
	assert_false(walk_dma_paging(&built.maps.dma[1], kind, 0xfee00000).write);
	assert_int_equal(walk_dma_paging(&built.maps.dma[1], kind, MULLION_HOLE_END).address,
		base + MULLION_HOLE_BASE);
	assert_int_equal(
		walk_dma_paging(&built.maps.dma[1], kind, 5 * GiB + (256 << 20)).page, PAGING_4K);
	assert_false(
		walk_dma_paging(&built.maps.dma[1], kind, 5 * GiB + (256 << 20) + PAGING_4K).read);
	release(&built);
}

static void memory_continues_behind_the_hole_for_devices_too(void **state)
{
	(void)state;
	check_large(X86_IOMMU_VTD, 48);
	check_large(X86_IOMMU_VTD, 39);
	check_large(X86_IOMMU_AMDVI, 48);
}

static void three_levels_reach_512_gib(void **state)
{
	const struct paging_mapping last = { 512 * GiB - PAGING_4K, 0, PAGING_4K, 3, NULL };
	const struct paging_mapping beyond = { 512 * GiB - PAGING_4K, 0, 2 * PAGING_4K, 3, NULL };
	struct paging paging;

	(void)state;
	paging_init_dma(&paging, X86_IOMMU_VTD, 3);
	assert_false(paging_map(&paging, &beyond));
	assert_true(paging_map(&paging, &last));
	assert_true(walk_dma_paging(&paging, X86_IOMMU_VTD, 512 * GiB - 1).write);
	assert_false(walk_dma_paging(&paging, X86_IOMMU_VTD, 512 * GiB).write);
	paging_free(&paging);
}

/* ---- Who passes ---- */

static void assert_entry(const struct devices_entry *entry, unsigned requester,
	const struct devices_word *words, size_t count)
{
	size_t i;

	assert_int_equal(entry->requester, requester);
	for (i = 0; i < count; i++) {
		assert_int_equal(entry->words[i].value, words[i].value);
		if (words[i].object)
			assert_string_equal(entry->words[i].object, words[i].object);
		else
			assert_null(entry->words[i].object);
	}
}

/* Address width 010b: four levels; domain in bits 23:8 of the second word. VT-d 9.3. */
static void vtd_lets_owned_functions_through_with_their_owners_tables(void **state)
{
	static const struct devices_word probe[] = { { 1, "dma_probe[0]" }, { 0x202, NULL } };
	static const struct devices_word nav[] = { { 1, "dma_nav[0]" }, { 0x302, NULL } };
	struct built built;
	const struct devices_unit *unit;
	unsigned bus;

	(void)state;
	build(&built, with_devices(X86_IOMMU_VTD));
	unit = &built.devices.units[0];
	assert_int_equal(unit->entries_count, 3);
	assert_entry(&unit->entries[0], 0x20, probe, 2);
	assert_entry(&unit->entries[1], 0x28, probe, 2);
	assert_entry(&unit->entries[2], 0x30, nav, 2);
	for (bus = 0; bus < 256; bus++)
		assert_int_equal(unit->buses[bus], bus == 0);
	assert_string_equal(built.devices.functions[NVME].entry, "vtd_context_0_0[40]");
	assert_string_equal(built.devices.functions[NET1].entry, "vtd_context_0_0[56]");
	release(&built);
}

static void three_levels_are_told_to_vtd(void **state)
{
	static const struct devices_word probe[] = { { 1, "dma_probe[0]" }, { 0x201, NULL } };
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;

	(void)state;
	model->iommus[0].address_bits = 39;
	build(&built, model);
	assert_entry(&built.devices.units[0].entries[0], 0x20, probe, 2);
	release(&built);
}

/*
 * V, TV, mode 4, IR, IW; domain; IV, length of the interrupt table, remapped. Without messages,
 * interrupts are refused. AMD I/O virtualization, 2.2.2.1.
 */
static void amdvi_lets_owned_functions_through_with_their_owners_tables(void **state)
{
	static const struct devices_word edu[] = { { 0x6000000000000803, "dma_probe[0]" },
		{ 2, NULL }, { 0x2000000000000013, "amdvi_remap_edu_4020[0]" }, { 0, NULL } };
	static const struct devices_word nvme[] = { { 0x6000000000000803, "dma_probe[0]" },
		{ 2, NULL }, { 0x2000000000000013, "amdvi_remap_nvme_4028[0]" }, { 0, NULL } };
	static const struct devices_word net0[] = { { 0x6000000000000803, "dma_nav[0]" },
		{ 3, NULL }, { 1, NULL }, { 0, NULL } };
	struct model *model = with_devices(X86_IOMMU_AMDVI);
	struct model_bridge bridge = { .bdf = 0x08, .bus = 2, .parent = -1 };
	const struct devices_unit *unit;
	struct built built;

	(void)state;
	model->bridges = &bridge;
	model->bridges_count = 1;
	build(&built, model);
	unit = &built.devices.units[0];
	assert_int_equal(unit->entries_count, 3);
	assert_entry(&unit->entries[0], 0x20, edu, 4);
	assert_entry(&unit->entries[1], 0x28, nvme, 4);
	assert_entry(&unit->entries[2], 0x30, net0, 4);
	assert_int_equal(unit->requesters, 3 * 256);
	assert_string_equal(built.devices.functions[NET1].entry, "amdvi_devices_0[56]");
	release(&built);
}

static void a_requester_is_not_always_the_function(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;

	(void)state;
	model->functions[SAMPLE_EDU].requester = 0x300;
	build(&built, model);
	assert_int_equal(built.devices.units[0].entries[0].requester, 0x28);
	assert_int_equal(built.devices.units[0].entries[2].requester, 0x300);
	assert_true(built.devices.units[0].buses[3]);
	assert_string_equal(built.devices.functions[EDU].entry, "vtd_context_0_3[0]");
	assert_int_equal(built.devices.units[0].tables[0].words[0][1], 0x40300);
	release(&built);
}

/* ---- Messages ---- */

/* APIC id 2; bits 19:18 and 15:0 of the second word: this requester alone. VT-d 9.10. */
static void vtd_remaps_granted_messages_from_their_sender_alone(void **state)
{
	const struct devices_remapping *table;
	struct built built;
	size_t i;

	(void)state;
	build(&built, with_devices(X86_IOMMU_VTD));
	assert_int_equal(built.devices.units[0].tables_count, 1);
	table = &built.devices.units[0].tables[0];
	assert_string_equal(table->name, "vtd_remap_0");
	assert_int_equal(table->count, 256);
	assert_int_equal(table->used, 3);
	assert_int_equal(table->words[0][0], 0x0000020000600001);
	assert_int_equal(table->words[0][1], 0x40020);
	assert_int_equal(table->words[1][0], 0x0000020000500001);
	assert_int_equal(table->words[1][1], 0x40028);
	assert_int_equal(table->words[2][0], 0x0000020000510001);
	assert_int_equal(table->words[2][1], 0x40028);
	for (i = 3; i < 256; i++)
		assert_int_equal(table->words[i][0] | table->words[i][1], 0);
	release(&built);
}

static void amdvi_remaps_messages_by_their_number(void **state)
{
	const struct devices_unit *unit;
	struct built built;

	(void)state;
	build(&built, with_devices(X86_IOMMU_AMDVI));
	unit = &built.devices.units[0];
	assert_int_equal(unit->tables_count, 2);
	assert_string_equal(unit->tables[0].name, "amdvi_remap_edu_4020");
	assert_int_equal(unit->tables[0].count, 512);
	assert_int_equal(unit->tables[0].words[0][0], 0x600201);
	assert_string_equal(unit->tables[1].name, "amdvi_remap_nvme_4028");
	assert_int_equal(unit->tables[1].count, 512);
	assert_int_equal(unit->tables[1].words[0][0], 0x500201);
	assert_int_equal(unit->tables[1].words[1][0] | unit->tables[1].words[2][0], 0);
	assert_int_equal(unit->tables[1].words[3][0], 0x510201);
	release(&built);
}

static void assert_message(const struct x86_message *message, uint64_t address, uint32_t data,
	uint32_t guest_address, uint32_t guest_data)
{
	assert_int_equal(message->granted, 1);
	assert_int_equal(message->address, address);
	assert_int_equal(message->data, data);
	assert_int_equal(message->guest_address, guest_address);
	assert_int_equal(message->guest_data, guest_data);
}

static void the_hardware_sends_a_handle_and_the_owner_sees_its_vector(void **state)
{
	const struct x86_message *messages;
	struct built built;

	(void)state;
	build(&built, with_devices(X86_IOMMU_VTD));
	assert_message(built.devices.functions[EDU].messages, 0xfee00010, 0, 0xfee00000, 0x60);
	messages = built.devices.functions[NVME].messages;
	assert_message(&messages[0], 0xfee00030, 0, 0xfee00000, 0x50);
	assert_message(&messages[3], 0xfee00050, 0, 0xfee00000, 0x51);
	assert_int_equal(messages[1].granted | messages[1].address | messages[1].guest_data, 0);
	assert_null(built.devices.functions[NET0].messages);
	release(&built);
	build(&built, with_devices(X86_IOMMU_AMDVI));
	messages = built.devices.functions[NVME].messages;
	assert_message(&messages[3], 0xfee00000, 3, 0xfee00000, 0x51);
	release(&built);
}

static void a_second_vcpu_has_its_own_virtual_apic_id(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;

	(void)state;
	model->cpus[2].mode = MULLION_CPU_OWNED;
	model->cpus[2].index = 2;
	model->cpus[2].owner = 1;
	model->partitions[1].interrupts[2].cpu = 2;
	build(&built, model);
	assert_message(&built.devices.functions[NVME].messages[3], 0xfee00050, 0, 0xfee01000, 0x51);
	assert_int_equal(built.devices.units[0].tables[0].words[2][0], 0x0000040000510001);
	release(&built);
}

/* Behind a bridge to conventional PCI: one entry of the device table, and one of them interrupts. */
static void functions_with_one_requester_share_an_entry(void **state)
{
	struct model *model = with_devices(X86_IOMMU_AMDVI);
	const struct devices_unit *unit;
	struct built built;

	(void)state;
	model->functions[SAMPLE_EDU].requester = 0x100;
	model->functions[SAMPLE_NVME].requester = 0x100;
	model->partitions[1].interrupts++; /* edu's */
	model->partitions[1].interrupts_count--;
	build(&built, model);
	unit = &built.devices.units[0];
	assert_int_equal(unit->entries_count, 2);
	assert_int_equal(unit->entries[1].requester, 0x100);
	assert_int_equal(unit->entries[1].words[2].value, 0x2000000000000013);
	assert_string_equal(unit->entries[1].words[2].object, "amdvi_remap_nvme_4028[0]");
	assert_int_equal(unit->tables_count, 1);
	assert_string_equal(
		built.devices.functions[EDU].entry, built.devices.functions[NVME].entry);
	model->partitions[1].interrupts--;
	release(&built);
}

static struct model *with_many_messages(int kind, unsigned count)
{
	struct model *model = with_devices(kind);
	struct model_interrupt *interrupts = calloc(count, sizeof(*interrupts));
	unsigned i;

	for (i = 0; i < count; i++)
		interrupts[i] = (struct model_interrupt){ .function = SAMPLE_NVME,
			.message = i,
			.cpu = 1,
			.vector = (uint8_t)(32 + i % 200) };
	free(model->partitions[1].interrupts);
	model->partitions[1].interrupts = interrupts;
	model->partitions[1].interrupts_count = count;
	model->functions[SAMPLE_NVME].messages_count = 2048;
	return model;
}

static void remapping_tables_grow_by_powers_of_two(void **state)
{
	struct built built;

	(void)state;
	build(&built, with_many_messages(X86_IOMMU_VTD, 256));
	assert_int_equal(built.devices.units[0].tables[0].count, 256);
	release(&built);
	build(&built, with_many_messages(X86_IOMMU_VTD, 257));
	assert_int_equal(built.devices.units[0].tables[0].count, 512);
	assert_int_equal(built.devices.units[0].tables[0].used, 257);
	assert_int_equal(built.devices.functions[NVME].messages[256].address, 0xfee02010);
	release(&built);
	build(&built, with_many_messages(X86_IOMMU_AMDVI, 2048));
	assert_int_equal(built.devices.units[0].tables[0].count, 2048);
	assert_int_equal(built.devices.units[0].entries[1].words[2].value, 0x2000000000000017);
	release(&built);
}

static void each_unit_counts_its_own_messages(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;

	(void)state;
	model->iommus = realloc(model->iommus, 2 * sizeof(*model->iommus));
	model->iommus[1] = model->iommus[0];
	model->iommus[1].reg.base += 0x1000;
	model->iommus_count = 2;
	model->functions[SAMPLE_NVME].iommu = 1;
	build(&built, model);
	assert_int_equal(built.devices.units[0].entries_count, 2);
	assert_int_equal(built.devices.units[1].entries_count, 1);
	assert_int_equal(built.devices.functions[NVME].messages[0].address, 0xfee00010);
	assert_int_equal(built.devices.units[0].tables[0].words[0][1], 0x40020);
	assert_int_equal(built.devices.units[1].tables[0].words[0][1], 0x40028);
	assert_string_equal(built.devices.functions[NVME].entry, "vtd_context_1_0[40]");
	release(&built);
}

/* ---- Faults ---- */

static void a_framed_cpu_looks_for_faults_or_an_owner_is_told(void **state)
{
	struct model *model = with_devices(X86_IOMMU_VTD);
	struct built built;

	(void)state;
	build(&built, model);
	assert_int_equal(built.devices.keeper, 0);
	assert_false(built.devices.interrupts);
	release(&built);
	model = with_devices(X86_IOMMU_VTD);
	model->cpus[0].mode = MULLION_CPU_OWNED;
	model->cpus[0].owner = 3;
	build(&built, model);
	assert_int_equal(built.devices.keeper, 1);
	assert_true(built.devices.interrupts);
	release(&built);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_reach_their_owners_memory_and_nothing_else),
		cmocka_unit_test(memory_continues_behind_the_hole_for_devices_too),
		cmocka_unit_test(three_levels_reach_512_gib),
		cmocka_unit_test(vtd_lets_owned_functions_through_with_their_owners_tables),
		cmocka_unit_test(three_levels_are_told_to_vtd),
		cmocka_unit_test(amdvi_lets_owned_functions_through_with_their_owners_tables),
		cmocka_unit_test(a_requester_is_not_always_the_function),
		cmocka_unit_test(vtd_remaps_granted_messages_from_their_sender_alone),
		cmocka_unit_test(amdvi_remaps_messages_by_their_number),
		cmocka_unit_test(the_hardware_sends_a_handle_and_the_owner_sees_its_vector),
		cmocka_unit_test(a_second_vcpu_has_its_own_virtual_apic_id),
		cmocka_unit_test(functions_with_one_requester_share_an_entry),
		cmocka_unit_test(remapping_tables_grow_by_powers_of_two),
		cmocka_unit_test(each_unit_counts_its_own_messages),
		cmocka_unit_test(a_framed_cpu_looks_for_faults_or_an_owner_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
