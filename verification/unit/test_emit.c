/*
 * What is printed is what was planned: this program is linked with a generated system.c and walks its
 * tables by their addresses, as the processor will.
 */
#include "unit.h"

#include <mullion/tables.h>
#include <x86_tables.h>

#include "plan.h"
#include "sample_model.h"
#include "walk.h"

#define ADDRESS_BITS 0x000ffffffffff000ull

/* In an image, an address from the linker script. */
struct mullion_journal journal __attribute__((aligned(4096)));

static struct plan plan;

/* The printed entry that maps `virtual`, and the size of its page; 0: not present. */
static uint64_t find_entry(const uint64_t *table, uint64_t virtual, uint64_t *page)
{
	unsigned shift;
	uint64_t entry = 0;

	for (shift = 39; shift >= 12; shift -= 9) {
		entry = table[virtual >> shift & 511];
		*page = 1ull << shift;
		if (!(entry & X86_PTE_PRESENT))
			return 0;
		if (shift == 12 || (shift < 39 && entry & X86_PTE_LARGE))
			return entry;
		table = (const uint64_t *)(uintptr_t)(entry & ADDRESS_BITS);
	}
	return entry;
}

static void assert_same(const uint64_t *printed, const struct paging *planned, uint64_t virtual)
{
	const struct walk expected = walk(planned, virtual);
	uint64_t page, entry = find_entry(printed, virtual, &page);

	assert_int_equal(entry != 0, expected.present);
	if (!expected.present)
		return;
	assert_int_equal(page, expected.page);
	assert_int_equal(entry & 0xfff, expected.flags);
	if (!expected.object)
		assert_int_equal((entry & ADDRESS_BITS & ~(page - 1)) + (virtual & (page - 1)),
			expected.address);
}

static void printed_trees_walk_as_planned(void **state)
{
	uint64_t address;
	unsigned v;

	(void)state;
	for (address = 0; address < 0x4000000; address += PAGING_4K)
		assert_same(mullion_system.arch->pml4, &plan.maps.kernel, address);
	assert_same(mullion_system.arch->pml4, &plan.maps.kernel, X86_APIC_VA);
	for (v = 0; v < plan.layout.vcpus_count; v++) {
		const struct arch_vcpu_tables *arch = mullion_system.vcpus[v].arch;
		const unsigned p = plan.layout.vcpus[v].partition;

		for (address = 0; address < 0x2000000; address += PAGING_4K) {
			assert_same(arch->stage2, &plan.maps.stage2[p], address);
			assert_same(arch->peek, &plan.maps.peek[p], X86_PEEK_VA + address);
			assert_same(arch->restore, &plan.maps.restore[p], X86_PEEK_VA + address);
		}
		for (address = MULLION_INFO_GPA; address < MULLION_INFO_GPA + 0x40000;
			address += PAGING_4K) {
			assert_same(arch->stage2, &plan.maps.stage2[p], address);
			assert_same(arch->restore, &plan.maps.restore[p], X86_PEEK_VA + address);
		}
	}
}

static const void *seen_at(unsigned vcpu, uint64_t gpa)
{
	uint64_t page, entry = find_entry(mullion_system.vcpus[vcpu].arch->stage2, gpa, &page);

	return (const void *)(uintptr_t)(entry & ADDRESS_BITS);
}

static void a_partition_finds_its_own_info_and_start_page(void **state)
{
	unsigned v;

	(void)state;
	for (v = 0; v < plan.layout.vcpus_count; v++) {
		const unsigned p = plan.layout.vcpus[v].partition;
		const struct mullion_info *info = seen_at(v, MULLION_INFO_GPA);
		const uint32_t *start = seen_at(v, MULLION_START_GPA);
		const char *args = plan.model->partitions[p].args;
		uint64_t line;

		assert_true(info->magic == MULLION_INFO_MAGIC);
		assert_string_equal(info->name, plan.model->partitions[p].name);
		assert_int_equal(info->regions_count, plan.layout.partitions[p].regions_count);
		assert_memory_equal(info->regions, &plan.layout.partitions[p].regions[0].info,
			sizeof(struct mullion_region));
		assert_int_equal(start[0], 0x336ec578);
		memcpy(&line, start + 6, sizeof(line));
		assert_string_equal(
			(const char *)start + (line - MULLION_START_GPA), args ? args : "");
	}
}

static void the_kernel_and_partitions_mean_the_same_shared_pages(void **state)
{
	const struct layout_partition *control = &plan.layout.partitions[0];
	size_t i;

	(void)state;
	for (i = 0; i < control->regions_count; i++) {
		const struct mullion_region *region = &control->regions[i].info;
		const void *seen = seen_at(control->first_vcpu, region->gpa);

		if (region->kind == MULLION_REGION_LOG)
			assert_ptr_equal(seen, mullion_system.log);
		else if (region->kind == MULLION_REGION_TRACE)
			assert_ptr_equal(seen, mullion_system.cpus[region->index].trace);
		else if (region->kind == MULLION_REGION_TIME)
			assert_ptr_equal(seen,
				mullion_system.vcpus[control->first_vcpu + region->index].time);
		else if (region->kind == MULLION_REGION_STATUS)
			assert_ptr_equal(seen, mullion_system.partitions[region->index].status);
		else if (region->kind == MULLION_REGION_NODE)
			assert_ptr_equal(seen, mullion_system.node);
		else if (region->kind == MULLION_REGION_EXCHANGE)
			assert_ptr_equal(seen, mullion_system.exchange);
		else if (region->kind == MULLION_REGION_JOURNAL)
			assert_ptr_equal(seen, mullion_system.journal);
	}
}

static void the_node_page_says_what_the_tables_say(void **state)
{
	const struct mullion_node *node = mullion_system.node;
	uint16_t i;

	(void)state;
	assert_string_equal(node->name, mullion_system.name);
	assert_string_equal(node->board, mullion_system.board);
	assert_int_equal(node->partitions, mullion_system.partitions_count);
	assert_int_equal(node->vcpus, mullion_system.vcpus_count);
	assert_int_equal(node->cpus, mullion_system.cpus_count);
	assert_int_equal(node->schedules, mullion_system.schedules_count);
	for (i = 0; i < node->partitions; i++) {
		const struct mullion_partition *partition = &mullion_system.partitions[i];

		assert_int_equal(node->of_partition[i].memory_bytes,
			plan.model->partitions[i].memory_bytes);
		assert_int_equal(node->of_partition[i].first_vcpu, partition->first_vcpu);
		assert_int_equal(node->of_partition[i].vcpus, partition->vcpus);
	}
	for (i = 0; i < node->vcpus; i++)
		assert_int_equal(node->cpu_of_vcpu[i], mullion_system.vcpus[i].cpu);
	for (i = 0; i < node->cpus; i++)
		assert_int_equal(node->mode_of_cpu[i], mullion_system.cpus[i].mode);
	for (i = 0; i < node->schedules; i++)
		assert_string_equal(node->schedule_names[i], mullion_system.schedules[i].name);
	assert_int_equal(node->epoch_tsc | node->boots | node->schedule_frame, 0);
}

static void a_partition_and_the_kernel_mean_the_same_watchdog(void **state)
{
	const struct mullion_partition *nav = &mullion_system.partitions[2];
	const struct layout_partition *placed = &plan.layout.partitions[2];
	unsigned p;
	size_t i;

	(void)state;
	for (i = 0; placed->regions[i].info.kind != MULLION_REGION_WATCHDOG; i++)
		assert_true(i < placed->regions_count);
	assert_ptr_equal(seen_at(placed->first_vcpu, placed->regions[i].info.gpa), nav->watchdog);
	assert_int_equal(nav->watchdog_ticks, 50000000);
	assert_int_equal(mullion_system.watchdogs_count, 1);
	assert_int_equal(mullion_system.timekeeper, 0);
	for (p = 0; p < 4; p++)
		assert_int_equal(mullion_system.partitions[p].watchdog_ticks != 0, p == 2);
}

static void what_answers_a_partitions_events_is_printed(void **state)
{
	unsigned p, event;

	(void)state;
	for (p = 0; p < mullion_system.partitions_count; p++) {
		const struct mullion_partition *printed = &mullion_system.partitions[p];

		for (event = 0; event < MULLION_EVENT_COUNT; event++)
			assert_int_equal(
				printed->actions[event], plan.model->partitions[p].actions[event]);
		assert_int_equal(printed->escalate_count, p == 2 ? 3 : 0);
	}
	assert_int_equal(mullion_system.partitions[2].escalate_ticks, 1000000000);
	assert_int_equal(mullion_system.partitions[2].escalate_action, MULLION_ACTION_RESET);
}

static void what_a_partition_may_write_is_printed_its_own_first(void **state)
{
	unsigned p;

	(void)state;
	for (p = 0; p < mullion_system.partitions_count; p++) {
		const struct mullion_partition *printed = &mullion_system.partitions[p];
		const struct layout_partition *placed = &plan.layout.partitions[p];

		assert_int_equal(printed->writable_count, placed->spans_count);
		assert_int_equal(printed->own_count, placed->own_spans);
		assert_memory_equal(printed->writable, placed->spans,
			placed->spans_count * sizeof(*printed->writable));
		assert_int_equal(printed->image_count, 0);
	}
}

static void a_doorbell_rings_at_its_receivers_first_vcpu(void **state)
{
	const struct mullion_channel *pose = &mullion_system.channels[0];

	(void)state;
	assert_int_equal(mullion_system.channels_count, 2);
	assert_int_equal(pose->from, 2);
	assert_int_equal(pose->doorbells_count, 1);
	assert_int_equal(pose->doorbells[0].vcpu, plan.layout.partitions[1].first_vcpu);
	assert_int_equal(pose->doorbells[0].vector, 0x70);
	assert_int_equal(mullion_system.channels[1].from, 0);
	assert_int_equal(mullion_system.channels[1].doorbells_count, 0);
}

static void the_image_is_told_from_others(void **state)
{
	(void)state;
	assert_true(mullion_system.image_id == plan.image_id && plan.image_id != 0);
}

static void peek_and_restore_roots_hold_the_kernels_entries(void **state)
{
	unsigned v, i;

	(void)state;
	for (v = 0; v < plan.layout.vcpus_count; v++)
		for (i = 0; i < 512; i++) {
			if (i != X86_PEEK_PML4)
				assert_int_equal(mullion_system.vcpus[v].arch->peek[i],
					mullion_system.arch->pml4[i]);
			if (i != X86_PEEK_PML4 && i != X86_PRISTINE_PML4)
				assert_int_equal(mullion_system.vcpus[v].arch->restore[i],
					mullion_system.arch->pml4[i]);
		}
}

static void bitmaps_and_cpuid_are_printed_as_planned(void **state)
{
	uint32_t leaf;
	unsigned v;

	(void)state;
	for (v = 0; v < plan.layout.vcpus_count; v++) {
		const struct arch_vcpu_tables *arch = mullion_system.vcpus[v].arch;
		const unsigned p = plan.layout.vcpus[v].partition;
		const struct cpuid_answers *answers = &plan.answers[plan.vcpu_answers[v]];

		assert_memory_equal(arch->io_bitmap, plan.io_bitmaps[plan.partition_io[p]].bytes,
			X86_IO_BITMAP_BYTES);
		assert_int_equal(arch->io_bitmap[0x3f8 / 8], p == 0 ? 0 : 0xff);
		assert_int_equal(arch->msr_bitmap[0x10 * 2 / 8] & 3, 2);
		for (leaf = 0; leaf < X86_CPUID_ENTRIES; leaf++)
			assert_memory_equal(&arch->cpuid->cells[arch->cpuid->entries[leaf].first],
				&answers->cells[answers->entries[leaf].first],
				sizeof(struct x86_cpuid_cell));
		assert_int_equal(arch->asid, p + 1);
	}
}

static void schedules_are_printed_as_planned(void **state)
{
	const struct mullion_schedule *printed = &mullion_system.schedules[0];
	const struct plan_schedule *planned = &plan.schedules[0];

	(void)state;
	assert_int_equal(mullion_system.schedules_count, 1);
	assert_memory_equal(&printed->frame, &planned->frame, sizeof(printed->frame));
	assert_int_equal(printed->denominator, plan.denominator);
	assert_int_equal(printed->cpus[0].count, 3);
	assert_int_equal(printed->cpus[1].count, 0);
	assert_memory_equal(printed->cpus[0].windows, planned->cpus[0].windows,
		3 * sizeof(struct mullion_window));
}

static void stacks_lie_above_their_guards(void **state)
{
	(void)state;
	assert_int_equal(mullion_system.cpus[1].stack_top - mullion_system.cpus[0].stack_top,
		X86_STACK_PAGES * PAGING_4K);
	assert_int_equal((uintptr_t)mullion_system.cpus[0].stack_top % PAGING_4K, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printed_trees_walk_as_planned),
		cmocka_unit_test(a_partition_finds_its_own_info_and_start_page),
		cmocka_unit_test(the_kernel_and_partitions_mean_the_same_shared_pages),
		cmocka_unit_test(the_node_page_says_what_the_tables_say),
		cmocka_unit_test(a_partition_and_the_kernel_mean_the_same_watchdog),
		cmocka_unit_test(what_answers_a_partitions_events_is_printed),
		cmocka_unit_test(what_a_partition_may_write_is_printed_its_own_first),
		cmocka_unit_test(a_doorbell_rings_at_its_receivers_first_vcpu),
		cmocka_unit_test(the_image_is_told_from_others),
		cmocka_unit_test(peek_and_restore_roots_hold_the_kernels_entries),
		cmocka_unit_test(bitmaps_and_cpuid_are_printed_as_planned),
		cmocka_unit_test(schedules_are_printed_as_planned),
		cmocka_unit_test(stacks_lie_above_their_guards),
	};
	struct model *model = sample_model();
	struct finding wrong;

	if (!plan_build(model, false, &plan, &wrong))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
