/*
 * An owned CPU: it runs one vcpu and nothing else.
 *
 * Invariant: while the vcpu runs, the kernel arms no timer here and takes no interrupt; its only
 * way in is a kick from another CPU, when the partition or the node is to stop.
 */
#include <mullion/core.h>

static void run_until_stopped(struct cpu *cpu, struct vcpu *vcpu)
{
	arch_vcpu_switch(NULL, vcpu);
	cpu->limit = UINT64_MAX;
	trace_vcpu(vcpu, MULLION_TRACE_START, 0, node_epoch, 0);
	while (load_shared(&vcpu->state) == VCPU_RUNNING && !node_ending())
		arch_vcpu_run(vcpu, node_epoch);
	trace_vcpu(vcpu, MULLION_TRACE_STOP, 0, 0, 0);
	health_flush(vcpu);
}

void owned_loop(struct cpu *cpu)
{
	struct vcpu *vcpu = &system_vcpus[cpu->config->owner];

	while (!node_ending()) {
		if (exchange_shared(&vcpu->state, VCPU_STARTING, VCPU_RUNNING))
			arch_vcpu_reset(vcpu);
		if (load_shared(&vcpu->state) == VCPU_RUNNING) {
			run_until_stopped(cpu, vcpu);
			continue; /* it may have taken the kick that was meant for this loop */
		}
		arch_devices_poll(cpu);
		health_flush_device(cpu);
		console_drain(UINT64_MAX);
		arch_wait_for_kick();
	}
}
