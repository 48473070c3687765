/*
 * RDMSR and WRMSR: the local APIC's interface, the deadline timer, EFER; nothing else exists.
 */
#include <arch_internal.h>

#define MSR_BYTES        2u
#define EFER_GUEST       (EFER_SCE | EFER_LME | EFER_NXE)
#define X2APIC_REGISTERS 0x40u

static bool read_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	if (msr - MSR_X2APIC < X2APIC_REGISTERS)
		return vapic_read(vcpu, (msr - MSR_X2APIC) * 16, value);
	switch (msr) {
	case MSR_TSC_DEADLINE:
		*value = vcpu_framed(vcpu) ? framed_deadline_read(vcpu) : owned_deadline_read(vcpu);
		return true;
	case MSR_APIC_BASE:
		*value = APIC_BASE_DEFAULT | APIC_BASE_ENABLE | APIC_BASE_X2APIC |
			 (vcpu->config->index == 0 ? APIC_BASE_BSP : 0);
		return true;
	case MSR_EFER:
		*value = vcpu->arch.vmcb.efer & ~EFER_SVME;
		return true;
	default:
		return false;
	}
}

static bool write_efer(struct vcpu *vcpu, uint64_t value)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;

	if (value & ~(EFER_GUEST | EFER_LMA))
		return false;
	if ((value ^ vmcb->efer) & EFER_LME && vmcb->cr0 & CR0_PG)
		return false;
	vmcb->efer = (value & EFER_GUEST) | (vmcb->efer & EFER_LMA) | EFER_SVME;
	return true;
}

static bool write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	if (msr - MSR_X2APIC < X2APIC_REGISTERS)
		return vapic_write(vcpu, (msr - MSR_X2APIC) * 16, value);
	switch (msr) {
	case MSR_TSC_DEADLINE: /* an owned CPU's is written in exit_fast.c */
		framed_deadline_write(vcpu, value);
		return true;
	case MSR_APIC_BASE: /* both interfaces always answer, at the one address */
		return (value & ~0xfffull) == APIC_BASE_DEFAULT;
	case MSR_EFER:
		return write_efer(vcpu, value);
	default:
		return false;
	}
}

static enum vcpu_leave refuse_msr(struct vcpu *vcpu, uint32_t msr)
{
	enum mullion_action action = health_raise(vcpu, MULLION_EVENT_MSR, msr, 0);

	if (action == MULLION_ACTION_LOG && !vcpu->arch.vmcb.exit_info1) {
		vcpu->arch.vmcb.rax = UINT32_MAX;
		vcpu->arch.gpr[RDX] = UINT32_MAX;
	}
	return after_health(vcpu, action, MSR_BYTES);
}

static enum vcpu_leave exit_read(struct vcpu *vcpu, uint32_t msr)
{
	uint64_t value;

	if (!read_msr(vcpu, msr, &value))
		return refuse_msr(vcpu, msr);
	vcpu->arch.vmcb.rax = (uint32_t)value;
	vcpu->arch.gpr[RDX] = value >> 32;
	skip_instruction(vcpu, MSR_BYTES);
	return STAY;
}

enum vcpu_leave exit_msr(struct vcpu *vcpu)
{
	uint32_t msr = (uint32_t)vcpu->arch.gpr[RCX];
	uint64_t value = (uint32_t)vcpu->arch.vmcb.rax | vcpu->arch.gpr[RDX] << 32;

	if (!vcpu->arch.vmcb.exit_info1)
		return exit_read(vcpu, msr);
	if (!write_msr(vcpu, msr, value))
		return refuse_msr(vcpu, msr);
	skip_instruction(vcpu, MSR_BYTES);
	return STAY;
}
