/*
 * An owned CPU: it runs one vcpu and nothing else.
 *
 * Invariant: while the vcpu runs, the kernel arms no timer here and takes no interrupt; its only
 * way in is a kick from another CPU, when the partition or the node is to stop.
 */
#include <mullion/core.h>

/* How long an owned CPU restores its partition before it looks up; nobody else waits for it. */
#define RESTORE_GUARDS 64u

static void run_until_stopped(struct cpu *cpu, struct vcpu *vcpu)
{
	arch_vcpu_switch(NULL, vcpu);
	cpu->limit = UINT64_MAX;
	vcpu->status->entered++;
	trace_vcpu(vcpu, MULLION_TRACE_START, 0, node_epoch, 0);
	while (load_shared(&vcpu->state) == VCPU_RUNNING && !node_ending())
		arch_vcpu_run(vcpu, node_epoch);
	arch_vcpu_switch(vcpu, NULL); /* control may ask for it */
	trace_vcpu(vcpu, MULLION_TRACE_STOP, 0, 0, 0);
	health_flush(vcpu);
}

/* True if it ran: it may have taken the kick that was meant for the loop. */
static bool run(struct cpu *cpu, struct vcpu *vcpu)
{
	bool ran;

	enter_vcpu(vcpu);
	if (exchange_shared(&vcpu->state, VCPU_STARTING, VCPU_RUNNING))
		arch_vcpu_reset(vcpu);
	ran = load_shared(&vcpu->state) == VCPU_RUNNING;
	if (ran)
		run_until_stopped(cpu, vcpu);
	leave_vcpu(vcpu);
	return ran;
}

static bool restoring(const struct vcpu *vcpu)
{
	return vcpu->config->index == 0 && partition_changes(vcpu_partition(vcpu));
}

static void rest(struct cpu *cpu)
{
	if (cpu->duties & DUTY_DEVICES)
		arch_devices_poll(cpu);
	health_flush_remote(cpu);
	console_drain(UINT64_MAX);
	arch_wait_for_kick();
}

void owned_loop(struct cpu *cpu)
{
	struct vcpu *vcpu = &system_vcpus[cpu->config->owner];

	while (!node_ending()) {
		if (run(cpu, vcpu))
			continue;
		if (restoring(vcpu))
			partition_restore(vcpu,
				arch_now() + RESTORE_GUARDS * mullion_system.switch_guard_ticks);
		else
			rest(cpu);
	}
}
