/*
 * Nested page faults: the local APIC's page, for partitions that insist on it, and everything that
 * is not the partition's. AMD APM 2, 15.25.6.
 */
#include <arch_internal.h>
#include <pci.h>

#define APIC_PAGE     APIC_BASE_DEFAULT
#define FAULT_KIND    0x1full
#define APIC_ID_SHIFT 24u
#define VECTOR_DF     8u
#define REGISTER_REST 0xcu /* a register is the first four of its 16 bytes */

/* In the memory-mapped layout the identity and the destination stand in the top byte. */
static bool page_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	if (offset & REGISTER_REST || !vapic_read(vcpu, offset, value))
		return false;
	if (offset == APIC_ID)
		*value <<= APIC_ID_SHIFT;
	return true;
}

static bool page_write(struct vcpu *vcpu, uint32_t offset, uint32_t value)
{
	uint64_t destination = vcpu->arch.apic.icr_high >> APIC_ID_SHIFT;

	if (offset & REGISTER_REST || offset == APIC_SELF_IPI)
		return false;
	return vapic_write(vcpu, offset, offset == APIC_ICR ? destination << 32 | value : value);
}

/* Registers are 16 bytes apart; the upper 12, and unknown ones, read as zero and ignore writes. */
static void apic_access(struct vcpu *vcpu, uint32_t offset, const struct decoded_mov *mov)
{
	uint64_t *reg = vcpu_register(vcpu, mov->reg);
	uint64_t value = 0;

	if (mov->write) {
		page_write(vcpu, offset, mov->immediate ? mov->value : (uint32_t)*reg);
		return;
	}
	if (!page_read(vcpu, offset, &value))
		value = 0;
	*reg = (uint32_t)value;
}

static bool exit_apic_page(struct vcpu *vcpu, uint64_t gpa)
{
	const struct decoded_mov *mov;

	if (gpa & 3)
		return false;
	mov = guest_mov(vcpu);
	if (mov->length == 0)
		return false;
	apic_access(vcpu, gpa & 0xffc, mov);
	skip_instruction(vcpu, mov->length);
	return true;
}

/*
 * The fault came up while an exception was being delivered: the partition's gates, stack or tables lie
 * abroad, and one more fault would meet the same fate, without end and without an instruction between at
 * which the window could end. So it climbs as on hardware: double fault, then shutdown. AMD APM 2, 8.2.9.
 */
static COLD enum vcpu_leave climb(struct vcpu *vcpu, uint64_t code)
{
	if ((vcpu->arch.vmcb.exit_int_info & EVENT_VECTOR) == VECTOR_DF) {
		health_raise(vcpu, MULLION_EVENT_TRIPLE_FAULT, code, 0);
		return LEAVE_STOP;
	}
	vcpu->arch.vmcb.event_inject = EVENT_VALID | EVENT_ERROR_CODE | EVENT_EXCEPTION | VECTOR_DF;
	return STAY;
}

static bool delivering_exception(const struct vmcb *vmcb)
{
	const uint64_t exception = EVENT_VALID | EVENT_EXCEPTION;

	return (vmcb->exit_int_info & (EVENT_VALID | EVENT_TYPE)) == exception;
}

/* A harmless access is carried out on nothing: reads all ones, writes vanish. */
static COLD enum vcpu_leave complete(struct vcpu *vcpu, enum mullion_action action)
{
	const struct decoded_mov *mov;

	if (action <= MULLION_ACTION_INJECT && delivering_exception(&vcpu->arch.vmcb))
		return climb(vcpu, VMEXIT_NPF);
	if (action != MULLION_ACTION_LOG)
		return after_health(vcpu, action, 0);
	mov = guest_mov(vcpu);
	if (mov->length == 0) {
		arch_vcpu_inject_fault(vcpu);
		return STAY;
	}
	if (!mov->write)
		*vcpu_register(vcpu, mov->reg) = UINT32_MAX;
	return after_health(vcpu, action, mov->length);
}

enum vcpu_leave exit_nested_fault(struct vcpu *vcpu)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;
	uint64_t gpa = vmcb->exit_info2;

	if ((gpa & ~0xfffull) == APIC_PAGE && exit_apic_page(vcpu, gpa))
		return STAY;
	if (pci_table(vcpu, gpa))
		return STAY;
	return complete(
		vcpu, health_raise(vcpu, MULLION_EVENT_MEMORY, vmcb->exit_info1 & FAULT_KIND, gpa));
}
