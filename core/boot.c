/*
 * From power-on to the epoch: every CPU up, every fact of the node compared with what the image
 * needs.
 */
#include <mullion/core.h>

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

/* One epoch for all CPUs, a little ahead, so that each reads it before it comes. */
static void set_epoch(void)
{
	uint64_t epoch = arch_now() + mullion_system.start_delay_ticks;

	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++)
		mullion_system.vcpus[v].time->epoch_tsc = epoch;
	node_epoch = epoch;
	store_shared(&node_state, NODE_RUNNING);
}

void cpu_main(struct cpu *cpu)
{
	arch_cpu_init(cpu);
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

void kernel_main(void)
{
	bind_state();
	console_init();
	print_banner();
	arch_check_node();
	arch_start_cpus();
	print_cpus();
	set_epoch();
	cpu_main(&system_cpus[0]);
}
