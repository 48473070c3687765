/*
 * The exits a working partition causes all day: CPUID, and an owned CPU's end of interrupt and
 * timer.
 *
 * Invariant: nothing here calls out, so the compiler needs no callee-saved register and svm.S saves
 * none. What is not decided here is left untouched for vcpu_exit(); every exit is traced here,
 * once.
 */
#include <arch_internal.h>

#define CPUID_BYTES     2u
#define WRMSR_BYTES     2u
#define LEAF_CLASS_BITS 0x3fffffe0u
#define LEAF_CLASSES    3u

static void trace_exit(const struct vcpu *vcpu, uint64_t code)
{
	const struct vmcb *vmcb = &vcpu->arch.vmcb;

	trace(vcpu->trace, arch_now(), vcpu->trace_exit, (uint32_t)code,
		code == VMEXIT_MSR ? vcpu->arch.gpr[RCX] : vmcb->exit_info2, vmcb->rip);
}

/* Table lookup; see x86_tables.h for the index. */
static bool fast_cpuid(struct vcpu *vcpu)
{
	const struct x86_cpuid_table *table = vcpu->config->arch->cpuid;
	uint32_t leaf = (uint32_t)vcpu->arch.vmcb.rax;
	uint32_t subleaf = (uint32_t)vcpu->arch.gpr[RCX];
	const struct x86_cpuid_cell *cell = table->cells;

	if ((leaf & LEAF_CLASS_BITS) == 0 && leaf >> 30 < LEAF_CLASSES) {
		const struct x86_cpuid_entry *entry =
			&table->entries[(leaf >> 30) * 32 + (leaf & 31)];

		cell += entry->first + (subleaf < entry->last ? subleaf : entry->last);
	}
	vcpu->arch.vmcb.rax = cell->eax;
	vcpu->arch.gpr[RBX] = cell->ebx;
	vcpu->arch.gpr[RCX] = cell->ecx;
	vcpu->arch.gpr[RDX] = cell->edx;
	skip_instruction(vcpu, CPUID_BYTES);
	return true;
}

/* WRMSR on an owned CPU, in the order of how much its length shows. */
static bool fast_write(struct vcpu *vcpu)
{
	uint64_t value = (uint32_t)vcpu->arch.vmcb.rax | vcpu->arch.gpr[RDX] << 32;

	switch ((uint32_t)vcpu->arch.gpr[RCX]) {
	case MSR_TSC_DEADLINE:
		owned_deadline_write(vcpu, value);
		break;
	case MSR_X2APIC + APIC_TIMER_INITIAL / 16:
		owned_count_write(vcpu, (uint32_t)value);
		break;
	case MSR_X2APIC + APIC_EOI / 16:
		apic_write(APIC_EOI, 0);
		break;
	default:
		return false;
	}
	skip_instruction(vcpu, WRMSR_BYTES);
	return true;
}

bool exit_fast(struct vcpu *vcpu)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;
	uint64_t code = vmcb->exit_code;

	vmcb->tlb_control = 0;
	trace_exit(vcpu, code);
	if (code == VMEXIT_MSR)
		return vmcb->exit_info1 && !vcpu_framed(vcpu) && fast_write(vcpu);
	return code == VMEXIT_CPUID && fast_cpuid(vcpu);
}
