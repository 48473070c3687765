/*
 * Every MSR that is not the partition's: by name, each read and written; then all of the three ranges the
 * permission map covers, in one sweep each way.
 *
 * What is not granted does not exist: #GP(0). The granted ones are named in tools/mullion/bitmap.c and
 * docs/partitions.md; of them only the clock is read-only.
 */
#include "attacker.h"

#define RANGE_MSRS   0x2000u
#define MSR_BYTES    2u
#define X2APIC_FIRST 0x800u
#define X2APIC_LAST  0x83fu
#define MSR_TSC      0x10u

static const struct {
	const char *name;
	uint32_t msr;
} msrs[] = {
	{ "p5_mc_addr", 0x0 },
	{ "p5_mc_type", 0x1 },
	{ "monitor_filter_size", 0x6 },
	{ "platform_id", 0x17 },
	{ "feature_control", 0x3a },
	{ "tsc_adjust", 0x3b },
	{ "spec_ctrl", 0x48 },
	{ "pred_cmd", 0x49 },
	{ "microcode_update", 0x79 },
	{ "microcode_revision", 0x8b },
	{ "smm_monitor_control", 0x9b },
	{ "smbase", 0x9e },
	{ "first_performance_counter", 0xc1 },
	{ "platform_info", 0xce },
	{ "cstate_configuration", 0xe2 },
	{ "actual_frequency_count", 0xe7 },
	{ "maximum_frequency_count", 0xe8 },
	{ "mtrr_capability", 0xfe },
	{ "arch_capabilities", 0x10a },
	{ "flush_command", 0x10b },
	{ "tsx_control", 0x122 },
	{ "machine_check_capability", 0x179 },
	{ "machine_check_status", 0x17a },
	{ "machine_check_control", 0x17b },
	{ "first_event_select", 0x186 },
	{ "performance_status", 0x198 },
	{ "performance_control", 0x199 },
	{ "clock_modulation", 0x19a },
	{ "thermal_interrupt", 0x19b },
	{ "misc_enable", 0x1a0 },
	{ "energy_bias", 0x1b0 },
	{ "debug_control", 0x1d9 },
	{ "last_branch_from", 0x1db },
	{ "last_branch_to", 0x1dc },
	{ "last_exception_from", 0x1dd },
	{ "last_exception_to", 0x1de },
	{ "smm_range_base", 0x1f2 },
	{ "power_control", 0x1fc },
	{ "first_mtrr_base", 0x200 },
	{ "first_mtrr_mask", 0x201 },
	{ "fixed_mtrr_of_64_KiB", 0x250 },
	{ "last_fixed_mtrr", 0x26f },
	{ "page_attributes", 0x277 },
	{ "default_memory_type", 0x2ff },
	{ "fixed_counter_control", 0x38d },
	{ "global_counter_control", 0x38f },
	{ "processor_event_sampling", 0x3f1 },
	{ "first_machine_check_bank", 0x400 },
	{ "vmx_capabilities", 0x480 },
	{ "vmx_ept_capabilities", 0x48c },
	{ "debug_store_area", 0x600 },
	{ "power_unit", 0x606 },
	{ "package_energy", 0x611 },
	{ "trace_control", 0x570 },
	{ "silicon_debug", 0xc80 },
	{ "cache_allocation_class", 0xc8f },
	{ "cache_mask", 0xc90 },
	{ "memory_bandwidth_mask", 0xd50 },
	{ "supervisor_shadow_stack", 0x6a4 },
	{ "user_interrupt_handler", 0x986 },
	{ "supervisor_xsave_mask", 0xda0 },
	{ "hypervisor_of_another_kind", 0x40000000 },
	{ "hypercall_page_of_another_hypervisor", 0x40000001 },
	{ "clock_of_another_hypervisor", 0x4b564d00 },
	{ "tsc_aux", 0xc0000103 },
	{ "tsc_ratio", 0xc0000104 },
	{ "amd_performance_sampling", 0xc0010000 },
	{ "amd_event_counter", 0xc0010004 },
	{ "system_configuration", 0xc0010010 },
	{ "hardware_configuration", 0xc0010015 },
	{ "io_range_base", 0xc0010016 },
	{ "top_of_memory", 0xc001001a },
	{ "second_top_of_memory", 0xc001001d },
	{ "machine_check_redirection", 0xc0010022 },
	{ "processor_name", 0xc0010030 },
	{ "hardware_thermal_control", 0xc001003e },
	{ "smi_trigger", 0xc0010056 },
	{ "pci_configuration_base", 0xc0010058 },
	{ "performance_state_control", 0xc0010062 },
	{ "performance_state", 0xc0010063 },
	{ "first_performance_state", 0xc0010064 },
	{ "cstate_address", 0xc0010073 },
	{ "cpu_watchdog", 0xc0010074 },
	{ "smm_base", 0xc0010111 },
	{ "smm_address", 0xc0010112 },
	{ "smm_mask", 0xc0010113 },
	{ "virtual_machine_control", 0xc0010114 },
	{ "ignne", 0xc0010115 },
	{ "smm_control", 0xc0010116 },
	{ "host_save_area", 0xc0010117 },
	{ "svm_lock_key", 0xc0010118 },
	{ "doorbell_of_encrypted_guests", 0xc001011b },
	{ "guest_host_communication", 0xc0010130 },
	{ "encryption_status", 0xc0010131 },
	{ "reverse_map_base", 0xc0010132 },
	{ "os_visible_workaround_length", 0xc0010140 },
	{ "first_extended_event_select", 0xc0010200 },
	{ "load_store_configuration", 0xc0011020 },
	{ "instruction_cache_configuration", 0xc0011021 },
	{ "data_cache_configuration", 0xc0011022 },
	{ "decode_configuration", 0xc0011029 },
	{ "fetch_sampling_control", 0xc0011030 },
	{ "operation_sampling_control", 0xc0011033 },
	{ "first_msr_beyond_the_first_range", 0x2000 },
	{ "last_msr_before_the_second_range", 0xbfffffff },
	{ "first_msr_beyond_the_second_range", 0xc0002000 },
	{ "last_msr_before_the_third_range", 0xc000ffff },
	{ "first_msr_beyond_the_third_range", 0xc0012000 },
	{ "middle_of_all_msrs", 0x80000000 },
	{ "last_msr", 0xffffffff },
};

static void read_msr(const struct act *const act)
{
	act_saw(msr_read((uint32_t)act->target));
}

static void write_msr(const struct act *const act)
{
	msr_write((uint32_t)act->target, act->operand);
}

static void try_named(void)
{
	for (unsigned i = 0; i < COUNT_OF(msrs); i++) {
		struct act act = { .name = act_name("reading_the_msr_%s", msrs[i].name),
			.attempt = read_msr,
			.target = msrs[i].msr,
			.operand = ~0ull,
			FAULTS(VECTOR_GP) };

		act_perform(&act);
		act.name = act_name("writing_the_msr_%s", msrs[i].name);
		act.attempt = write_msr;
		act_perform(&act);
	}
}

/* What is granted, or shown. A write of what was read changes nothing and is refused to nobody. */
static bool presented(const uint32_t msr)
{
	static const uint32_t shown[] = { MSR_TSC, MSR_APIC_BASE, 0x174, 0x175, 0x176,
		MSR_TSC_DEADLINE, MSR_EFER, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE };

	for (unsigned i = 0; i < COUNT_OF(shown); i++)
		if (msr == shown[i])
			return true;
	return msr >= X2APIC_FIRST && msr <= X2APIC_LAST;
}

static volatile unsigned refused;

static void on_refusal(struct irq_frame *const frame)
{
	refused++;
	frame->rip += MSR_BYTES;
}

/* How many of a range that are not presented were not refused. */
static void sweep(const struct act *const act)
{
	unsigned tried = 0;

	refused = 0;
	irq_set_handler(VECTOR_GP, on_refusal);
	for (uint32_t i = 0; i < RANGE_MSRS; i++) {
		const uint32_t msr = (uint32_t)act->target + i;

		if (presented(msr))
			continue;
		if (act->operand)
			msr_write(msr, ~0ull);
		else
			msr_read(msr);
		tried++;
	}
	act_saw(tried - refused);
}

static const struct act sweeps[] = {
	{ "reading_every_msr_from_0", sweep, 0, 0, RETURNS(0) },
	{ "writing_every_msr_from_0", sweep, 0, 1, RETURNS(0) },
	{ "reading_every_msr_from_c0000000", sweep, 0xc0000000, 0, RETURNS(0) },
	{ "writing_every_msr_from_c0000000", sweep, 0xc0000000, 1, RETURNS(0) },
	{ "reading_every_msr_from_c0010000", sweep, 0xc0010000, 0, RETURNS(0) },
	{ "writing_every_msr_from_c0010000", sweep, 0xc0010000, 1, RETURNS(0) },
};

/* The ones it has, used otherwise than meant. */
static const struct act misuses[] = {
	{ "the_clock_is_not_set_to_0", write_msr, MSR_TSC, 0, FAULTS(VECTOR_GP) },
	{ "the_clock_is_not_set_to_its_end", write_msr, MSR_TSC, ~0ull, FAULTS(VECTOR_GP) },
	{ "the_local_apic_is_not_moved", write_msr, MSR_APIC_BASE, 0x200800, FAULTS(VECTOR_GP) },
	{ "the_local_apic_is_not_moved_beyond_4_GiB", write_msr, MSR_APIC_BASE, 0x1fee00800,
		FAULTS(VECTOR_GP) },
	{ "virtualization_is_not_switched_on_in_efer", write_msr, MSR_EFER, 0x1500,
		FAULTS(VECTOR_GP) },
	{ "long_mode_limits_are_not_switched_on_in_efer", write_msr, MSR_EFER, 0x2500,
		FAULTS(VECTOR_GP) },
	{ "fast_fxsave_is_not_switched_on_in_efer", write_msr, MSR_EFER, 0x4500,
		FAULTS(VECTOR_GP) },
	{ "the_translation_cache_extension_is_not_switched_on_in_efer", write_msr, MSR_EFER, 0x8500,
		FAULTS(VECTOR_GP) },
	{ "automatic_restriction_is_not_switched_on_in_efer", write_msr, MSR_EFER, 0x200500,
		FAULTS(VECTOR_GP) },
	{ "the_upper_half_of_efer_stays_0", write_msr, MSR_EFER, 1ull << 63 | 0x500,
		FAULTS(VECTOR_GP) },
	{ "long_mode_is_not_left_by_efer", write_msr, MSR_EFER, 0, FAULTS(VECTOR_GP) },
};

void acts_msrs(void)
{
	try_named();
	act_perform_all(misuses, COUNT_OF(misuses));
	act_perform_all(sweeps, COUNT_OF(sweeps));
}
