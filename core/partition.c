/*
 * Partitions as a whole: starting and stopping all their vcpus, and the end of the node.
 *
 * Invariant: a vcpu's state is changed from another CPU only by one atomic step, and each CPU acts
 * on its own vcpus alone; nobody waits for anybody while partitions run.
 */
#include <mullion/core.h>

uint32_t node_state = NODE_BOOTING;
uint64_t node_epoch;
static uint32_t node_failed, node_resets;

/* A framed CPU is never interrupted for another CPU's sake: it looks at its next exit or window. */
static void notify(const struct vcpu *vcpu)
{
	if (!vcpu_framed(vcpu))
		arch_kick(vcpu->cpu);
}

void partition_prepare(const struct cpu *cpu)
{
	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++) {
		struct vcpu *vcpu = &system_vcpus[v];

		if (vcpu->cpu != cpu || vcpu->config->index != 0)
			continue;
		arch_vcpu_reset(vcpu);
		store_shared(&vcpu->state, VCPU_RUNNING);
	}
}

bool partition_start_vcpu(const struct vcpu *by, uint16_t index, uint32_t address)
{
	const struct mullion_partition *partition = vcpu_partition(by);
	struct vcpu *vcpu;

	if (index >= partition->vcpus)
		return false;
	vcpu = partition_vcpu(partition, index);
	if (load_shared(&vcpu->state) != VCPU_OFF)
		return false;
	store_shared(&vcpu->start_address, address);
	if (!exchange_shared(&vcpu->state, VCPU_OFF, VCPU_STARTING))
		return false;
	notify(vcpu);
	return true;
}

static bool any_partition_alive(void)
{
	for (uint16_t p = 0; p < mullion_system.partitions_count; p++)
		if (load_shared(&mullion_system.partitions[p].status->state) !=
			MULLION_STATE_STOPPED)
			return true;
	return false;
}

void partition_stopped(void)
{
	if (!any_partition_alive())
		node_end(true);
}

void node_reset(void)
{
	store_shared(&node_resets, 1);
	node_end(false);
}

void node_end(bool ok)
{
	if (!ok)
		store_shared(&node_failed, 1);
	store_shared(&node_state, NODE_ENDING);
	for (uint16_t c = 0; c < mullion_system.cpus_count; c++)
		arch_kick(&system_cpus[c]);
}

static bool all_parked(void)
{
	uint32_t parked = 0;

	for (uint16_t c = 0; c < mullion_system.cpus_count; c++)
		parked += load_shared(&system_cpus[c].parked);
	return parked == mullion_system.cpus_count;
}

void units_power_off(void)
{
	extern const struct unit units_start[], units_end[];

	for (const struct unit *unit = units_start; unit < units_end; unit++)
		unit->power_off();
}

/* The last thing every CPU does; the last one there switches the node off. */
void node_finish(struct cpu *cpu)
{
	static uint32_t finished;

	store_shared(&cpu->parked, 1);
	if (!all_parked() || !exchange_shared(&finished, 0, 1))
		arch_park();
	for (uint16_t v = 0; v < mullion_system.vcpus_count; v++)
		health_flush(&system_vcpus[v]);
	for (uint16_t c = 0; c < mullion_system.cpus_count; c++)
		health_flush_remote(&system_cpus[c]);
	console_drain(UINT64_MAX);
	units_power_off();
	if (load_shared(&node_resets))
		arch_reset_node();
	arch_power_off(!load_shared(&node_failed));
}
