/*
 * From power-on to the epoch: every CPU up, every fact of the node compared with what the image
 * needs.
 */
#include <mullion/core.h>

/* A CPU that answers does so within so many seconds: an emulator's may be kept waiting by its host. */
#define CPU_ANSWER_SECONDS 5u

/* What is beyond the status page's room is counted where nobody looks. */
static void bind_status(struct vcpu *vcpu)
{
	static struct mullion_vcpu_status rest;
	struct mullion_status *status = vcpu_partition(vcpu)->status;
	uint16_t index = vcpu->config->index;

	vcpu->status = index < MULLION_STATUS_VCPUS ? &status->vcpus[index] : &rest;
}

/* Each partition counts as alive before the first CPU gets to it. */
static void bind_node(void)
{
	struct mullion_node *node = mullion_system.node;

	for (uint16_t p = 0; p < mullion_system.partitions_count; p++)
		mullion_system.partitions[p].status->state = MULLION_STATE_RUNNING;
	node->schedule = node->next_schedule = mullion_system.startup_schedule;
}

/* What a CPU looks after before its windows, besides them. */
static void give_duties(struct cpu *cpu)
{
	if (arch_devices_kept(cpu))
		cpu->duties |= DUTY_DEVICES;
	if (cpu_number(cpu) != mullion_system.timekeeper)
		return;
	if (mullion_system.watchdogs_count != 0)
		cpu->duties |= DUTY_WATCHDOGS;
	if (mullion_system.schedules_count > 1)
		cpu->duties |= DUTY_SCHEDULES;
}

static void bind_state(void)
{
	for (uint16_t c = 0; c < mullion_system.cpus_count; c++) {
		struct mullion_trace *trace = mullion_system.cpus[c].trace;

		system_cpus[c].config = &mullion_system.cpus[c];
		trace->cpu = c;
		trace->capacity = MULLION_TRACE_RECORDS;
		trace->magic = MULLION_TRACE_MAGIC;
	}
	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++) {
		system_vcpus[v].config = &mullion_system.vcpus[v];
		system_vcpus[v].number = v;
		system_vcpus[v].cpu = &system_cpus[mullion_system.vcpus[v].cpu];
		system_vcpus[v].trace = system_vcpus[v].cpu->config->trace;
		bind_status(&system_vcpus[v]);
		system_vcpus[v].trace_exit = trace_tag(MULLION_TRACE_EXIT, v);
	}
}

static void print_banner(void)
{
	console_print("Mullion: %s on %s, abi %u\n", mullion_system.name, mullion_system.board,
		(uint64_t)MULLION_ABI_VERSION);
}

static void print_cpus(void)
{
	for (uint16_t c = 0; c < mullion_system.cpus_count; c++) {
		const struct mullion_cpu *cpu = &mullion_system.cpus[c];

		console_print("CPU:    %u apic %u ", (uint64_t)c, (uint64_t)cpu->hardware_id);
		if (cpu->mode == MULLION_CPU_FRAMED)
			console_print("framed\n");
		else
			console_print("owned by %s\n",
				mullion_system
					.partitions[mullion_system.vcpus[cpu->owner].partition]
					.name);
	}
}

static void wait_for(const struct cpu *cpu)
{
	uint64_t second = mullion_system.tsc_hz_numerator / mullion_system.tsc_hz_denominator;
	uint64_t give_up = arch_now() + second * CPU_ANSWER_SECONDS;

	while (!load_shared(&cpu->ready)) {
		if (arch_now() > give_up)
			refuse("cpu@%u (hardware id %u) does not answer; give the machine that CPU "
			       "(QEMU: "
			       "-smp) or describe fewer",
				(uint64_t)cpu_number(cpu), (uint64_t)cpu->config->hardware_id);
		arch_relax();
	}
}

static void start_cpus(void)
{
	for (uint16_t c = 1; c < mullion_system.cpus_count; c++) {
		arch_start_cpu(&system_cpus[c]);
		wait_for(&system_cpus[c]);
	}
}

/* One epoch for all CPUs, a little ahead, so that each reads it before it comes. */
static void set_epoch(void)
{
	uint64_t epoch = arch_now() + mullion_system.start_delay_ticks;

	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++)
		mullion_system.vcpus[v].time->epoch_tsc = epoch;
	for (uint16_t p = 0; p < mullion_system.partitions_count; p++)
		system_partitions[p].watchdog_since = epoch;
	mullion_system.node->epoch_tsc = epoch;
	node_epoch = epoch;
	store_shared(&node_state, NODE_RUNNING);
}

void cpu_main(struct cpu *cpu)
{
	arch_cpu_init(cpu);
	give_duties(cpu);
	partition_prepare(cpu);
	store_shared(&cpu->ready, 1);
	while (load_shared(&node_state) == NODE_BOOTING)
		arch_relax();
	if (cpu->config->mode == MULLION_CPU_OWNED)
		owned_loop(cpu);
	else
		framed_loop(cpu);
	node_finish(cpu);
}

/* What a loader leaves alone after a reset: memory beyond the images may hold anything. */
static void clear_memory(void)
{
	for (uint16_t p = 0; p < mullion_system.partitions_count; p++)
		partition_clear(&mullion_system.partitions[p]);
}

void kernel_main(void)
{
	bool fresh;

	bind_state();
	bind_node();
	console_init();
	print_banner();
	fresh = journal_begin();
	arch_check_node();
	if (!fresh)
		clear_memory();
	start_cpus();
	print_cpus();
	set_epoch();
	cpu_main(&system_cpus[0]);
}
