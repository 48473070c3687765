/*
 * Machine checks: what the hardware found wrong with itself. AMD APM 2, chapter 9 and 15.12.15.
 *
 * Invariant: one in a partition's time is that partition's event, and its CPU can take the next one; one
 * in the kernel's time, or one after which the CPU's own state is not what it was, ends the node.
 */
#include <arch_internal.h>

#define CPUID_FEATURES 1u
#define FEATURES_MCE   (1u << 7 | 1u << 14) /* the exception, and the banks */

#define MCG_BANKS_MOST  32u
#define MCG_RESTARTABLE (1ull << 0) /* RIPV */
#define MCG_IN_PROGRESS (1ull << 2) /* MCIP: another one would be a shutdown */
#define MCI_VALID       (1ull << 63)
#define MCI_CORRUPT     (1ull << 57) /* PCC: the CPU's own state */

static unsigned banks(void)
{
	unsigned count = rdmsr(MSR_MCG_CAP) & 0xff;

	return count < MCG_BANKS_MOST ? count : MCG_BANKS_MOST;
}

/* Every error there is to report; the banks may hold some of before the reset, which are past. */
void machine_check_enable(void)
{
	if ((cpuid(CPUID_FEATURES, 0).edx & FEATURES_MCE) != FEATURES_MCE)
		return;
	for (unsigned b = 0; b < banks(); b++) {
		wrmsr(MSR_MC0_CTL + 4 * b, UINT64_MAX);
		wrmsr(MSR_MC0_STATUS + 4 * b, 0);
	}
	wrmsr(MSR_MCG_STATUS, 0);
	write_cr4(read_cr4() | CR4_MCE);
}

/* The status of the first bank that has one, or the worst; all are cleared for the next. */
static uint64_t take_status(void)
{
	uint64_t found = 0;

	for (unsigned b = 0; b < banks(); b++) {
		uint64_t status = rdmsr(MSR_MC0_STATUS + 4 * b);

		if (!(status & MCI_VALID))
			continue;
		if (found == 0 || status & MCI_CORRUPT)
			found = status;
		wrmsr(MSR_MC0_STATUS + 4 * b, 0);
	}
	wrmsr(MSR_MCG_STATUS, 0);
	return found;
}

void machine_check_in_kernel(uint64_t rip)
{
	health_node_broken(take_status(), rip);
}

bool machine_check_pending(void)
{
	return read_cr4() & CR4_MCE && rdmsr(MSR_MCG_STATUS) & MCG_IN_PROGRESS;
}

enum vcpu_leave machine_check_in_partition(struct vcpu *vcpu, bool intact)
{
	bool goes_on = intact && rdmsr(MSR_MCG_STATUS) & MCG_RESTARTABLE;
	uint64_t status = take_status();
	enum mullion_action action;

	if (status & MCI_CORRUPT)
		health_node_broken(status, vcpu->arch.vmcb.rip);
	action = health_raise(vcpu, MULLION_EVENT_MACHINE_CHECK, status, 0);
	if (!goes_on)
		partition_stop(vcpu_partition(vcpu),
			MULLION_EVENT_MACHINE_CHECK << 8 | MULLION_ACTION_STOP);
	return after_health(vcpu, action, 0);
}
