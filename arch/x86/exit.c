/*
 * Why a vcpu left its partition, and what is done about it: AMD APM 2, appendix C.
 *
 * Invariant: every path from #VMEXIT back to VMRUN is straight or bounded by a constant, and costs
 * the partition that caused the exit, nobody else. What a partition may not do ends in
 * health_raise().
 */
#include <arch_internal.h>
#include <pci.h>

#define CPUID_BYTES   2u
#define VMMCALL_BYTES 3u
#define HLT_BYTES     1u
#define WBINVD_BYTES  2u
#define OPCODE_STI    0xfbu
#define OPCODE_TWO    0x0fu /* first byte of a two-byte opcode, and of no prefix */
/* VME to PAE, PGE to UMIP, FSGSBASE, PCIDE, SMEP, SMAP: what CPUID shows; and MCE, which is always on. */
#define CR4_GUEST   0x330fffull
#define CR8_MAX     15u
#define IOIO_IN     1ull
#define IOIO_STRING 4ull
#define VECTOR_AC   17u
#define VECTOR_UD   6u

/*
 * A violation may repeat without an instruction, and so without an interrupt, in between: the end of
 * the window is looked for here too.
 */
enum vcpu_leave after_health(struct vcpu *vcpu, enum mullion_action action, unsigned length)
{
	if (action == MULLION_ACTION_LOG)
		skip_instruction(vcpu, length);
	if (load_shared(&vcpu->state) != VCPU_RUNNING || node_ending())
		return LEAVE_STOP;
	return arch_now() < vcpu->cpu->limit ? STAY : LEAVE_TIMER;
}

/* Instructions that do not exist for a partition: #UD, as its CPUID says. */
static COLD enum vcpu_leave exit_forbidden(struct vcpu *vcpu, uint64_t code)
{
	enum mullion_action action = health_raise(vcpu, MULLION_EVENT_INSTRUCTION, code, 0);

	if (action <= MULLION_ACTION_INJECT && code != VMEXIT_RDPMC && code != VMEXIT_INVD)
		vcpu->arch.vmcb.event_inject = EVENT_VALID | EVENT_EXCEPTION | VECTOR_UD;
	else if (action == MULLION_ACTION_LOG)
		arch_vcpu_inject_fault(vcpu);
	return after_health(vcpu, action, 0);
}

/* The partition's kernel speaks for it; to its user programs the instruction does not exist. */
static enum vcpu_leave exit_hypercall(struct vcpu *vcpu)
{
	struct hypercall_result result;

	if (vcpu->arch.vmcb.cpl != 0)
		return exit_forbidden(vcpu, VMEXIT_VMMCALL);
	result = hypercall(
		vcpu, vcpu->arch.vmcb.rax, vcpu->arch.gpr[RDI], vcpu->arch.gpr[RSI]);
	vcpu->arch.vmcb.rax = (uint64_t)result.value;
	skip_instruction(vcpu, VMMCALL_BYTES);
	if (load_shared(&vcpu->state) != VCPU_RUNNING)
		return LEAVE_STOP;
	return result.leave && vcpu_framed(vcpu) ? LEAVE_YIELD : STAY;
}

/* A port the partition was not granted: nothing answers, as on an empty bus. */
static COLD enum vcpu_leave exit_port(struct vcpu *vcpu)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;
	uint64_t info = vmcb->exit_info1;
	unsigned bits = (info >> 4 & 7) * 8;
	unsigned length = (unsigned)(vmcb->exit_info2 - vmcb->rip);
	uint64_t ones = bits == 32 ? UINT32_MAX : (1ull << bits) - 1;
	enum mullion_action action;

	if (pci_port(vcpu, info)) {
		skip_instruction(vcpu, length);
		return STAY;
	}
	action = health_raise(vcpu, MULLION_EVENT_PORT, info >> 16, 0);
	if (action == MULLION_ACTION_LOG && info & IOIO_IN && !(info & IOIO_STRING))
		vmcb->rax = bits == 32 ? ones : vmcb->rax | ones;
	return after_health(vcpu, action, length);
}

static bool interrupt_waiting(struct vcpu *vcpu)
{
	return arch_vcpu_poll(vcpu, arch_now());
}

/* Framed vcpus alone: an owned CPU halts by itself. */
static enum vcpu_leave exit_halt(struct vcpu *vcpu)
{
	skip_instruction(vcpu, HLT_BYTES);
	return interrupt_waiting(vcpu) ? STAY : LEAVE_HALT;
}

/*
 * Re-entry at the same instruction. Where the machine loses the interrupt shadow, an STI that was
 * just executed is taken back, so that executing it again builds the shadow anew.
 */
static COLD void replay_sti(struct vcpu *vcpu)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;
	uint8_t code[FETCH_BYTES];

	if (guest_fetch(vcpu, vmcb->rip - 1, code) == 0 || code[0] != OPCODE_STI)
		return;
	vmcb->rip -= 1;
	vmcb->rflags &= ~RFLAGS_IF;
	vmcb->interrupt_shadow = 0;
}

static inline void keep_shadow(struct vcpu *vcpu)
{
	if (quirk_tcg && vcpu->arch.vmcb.interrupt_shadow & VMCB_SHADOW)
		replay_sti(vcpu);
}

/* An event whose delivery the exit interrupted is delivered again. */
static void keep_event(struct vmcb *vmcb)
{
	if (vmcb->exit_int_info & EVENT_VALID)
		vmcb->event_inject = vmcb->exit_int_info;
}

/* The window's end, or the vcpu's own timer: that one is served here, without leaving the window. */
static enum vcpu_leave exit_timer(struct vcpu *vcpu)
{
	uint64_t limit = vcpu->cpu->limit, deadline, now;

	take_pending_interrupts();
	keep_event(&vcpu->arch.vmcb);
	keep_shadow(vcpu);
	if (load_shared(&vcpu->state) != VCPU_RUNNING)
		return LEAVE_STOP;
	now = arch_now();
	if (now >= limit)
		return LEAVE_TIMER;
	arch_vcpu_poll(vcpu, now);
	deadline = arch_vcpu_deadline(vcpu);
	arch_timer_arm(vcpu->cpu, deadline < limit ? deadline : limit);
	return STAY;
}

/* Another CPU wants something, or an IOMMU this CPU keeps has stopped a device. */
static enum vcpu_leave exit_kick(struct vcpu *vcpu)
{
	bool stop;

	take_pending_nmi();
	arch_devices_poll(vcpu->cpu);
	if (vcpu->cpu->remote.owner == vcpu_partition(vcpu))
		health_flush_remote(vcpu->cpu);
	keep_event(&vcpu->arch.vmcb);
	keep_shadow(vcpu);
	stop = load_shared(&vcpu->state) != VCPU_RUNNING || node_ending();
	return stop ? LEAVE_STOP : STAY;
}

/* #AC and #DB are taken only to break endless streams of them; the partition gets its own. */
static enum vcpu_leave exit_exception(struct vcpu *vcpu, uint64_t vector)
{
	uint64_t error = vector == VECTOR_AC ? EVENT_ERROR_CODE : 0;

	vcpu->arch.vmcb.event_inject = EVENT_VALID | EVENT_EXCEPTION | error | vector;
	return STAY;
}

/* CR4: what the partition's CPUID hides cannot be switched on. */
static enum vcpu_leave write_cr4_of(struct vcpu *vcpu, uint64_t value, unsigned length)
{
	bool long_mode = vcpu->arch.vmcb.efer & EFER_LMA;

	if (value & ~CR4_GUEST || (long_mode && !(value & CR4_PAE))) {
		arch_vcpu_inject_fault(vcpu);
		return STAY;
	}
	vcpu->arch.vmcb.cr4 = value | CR4_MCE;
	vcpu->arch.vmcb.tlb_control = VMCB_TLB_FLUSH_ALL;
	skip_instruction(vcpu, length);
	return STAY;
}

/* CR8 is the upper half of the task priority: AMD APM 2, 16.6.4. */
static enum vcpu_leave write_cr8_of(struct vcpu *vcpu, uint64_t value, unsigned length)
{
	if (value > CR8_MAX) {
		arch_vcpu_inject_fault(vcpu);
		return STAY;
	}
	framed_apic_write(vcpu, APIC_TPR, value << 4);
	skip_instruction(vcpu, length);
	return STAY;
}

static COLD enum vcpu_leave exit_control_register(struct vcpu *vcpu, uint64_t code)
{
	uint8_t bytes[FETCH_BYTES];
	struct decoded_mov mov = { 0 };
	uint64_t value;

	decode_cr_write(bytes, guest_fetch(vcpu, vcpu->arch.vmcb.rip, bytes),
		guest_code_size(&vcpu->arch.vmcb), &mov);
	value = *vcpu_register(vcpu, mov.reg);
	if (mov.length != 0 && mov.value == 4 && code == VMEXIT_CR4_WRITE)
		return write_cr4_of(vcpu, value, mov.length);
	if (mov.length != 0 && mov.value == 8 && code == VMEXIT_CR8_WRITE)
		return write_cr8_of(vcpu, value, mov.length);
	return after_health(vcpu, health_raise(vcpu, MULLION_EVENT_INSTRUCTION, code, 0), 3);
}

/*
 * Caches are coherent and shared: flushing them would cost the neighbours, and changes nothing. WBNOINVD is the
 * same instruction with a prefix.
 */
static COLD enum vcpu_leave exit_wbinvd(struct vcpu *vcpu)
{
	uint8_t code[FETCH_BYTES];
	unsigned bytes = guest_fetch(vcpu, vcpu->arch.vmcb.rip, code), prefixes = 0;

	while (prefixes + WBINVD_BYTES < bytes && code[prefixes] != OPCODE_TWO)
		prefixes++;
	skip_instruction(vcpu, prefixes + WBINVD_BYTES);
	return STAY;
}

static COLD enum vcpu_leave exit_triple_fault(struct vcpu *vcpu, uint64_t code)
{
	if (code == VMEXIT_SHUTDOWN && machine_check_pending())
		return machine_check_in_partition(vcpu, false);
	health_raise(vcpu, MULLION_EVENT_TRIPLE_FAULT, code, 0);
	return LEAVE_STOP;
}

/* Instructions SVM intercepts that no partition has; what is beyond them is a broken VMCB. */
static bool is_forbidden(uint64_t code)
{
	switch (code) {
	case VMEXIT_RDPMC:
	case VMEXIT_RSM:
	case VMEXIT_INVD:
	case VMEXIT_INVLPGA:
		return true;
	default:
		return code >= VMEXIT_VMRUN && code <= VMEXIT_RDPRU;
	}
}

static COLD enum vcpu_leave exit_rare(struct vcpu *vcpu, uint64_t code)
{
	if (code == VMEXIT_EXCEPTION_MC)
		return machine_check_in_partition(vcpu, true);
	return is_forbidden(code) ? exit_forbidden(vcpu, code) : exit_triple_fault(vcpu, code);
}

enum vcpu_leave vcpu_exit(struct vcpu *vcpu)
{
	uint64_t code = vcpu->arch.vmcb.exit_code;

	if (code == VMEXIT_NPF)
		return exit_nested_fault(vcpu);
	if (code == VMEXIT_VMMCALL)
		return exit_hypercall(vcpu);
	if (code == VMEXIT_INTR)
		return exit_timer(vcpu);
	switch (code) {
	case VMEXIT_MSR:
		return exit_msr(vcpu);
	case VMEXIT_HLT:
		return exit_halt(vcpu);
	case VMEXIT_IOIO:
		return exit_port(vcpu);
	case VMEXIT_NMI:
		return exit_kick(vcpu);
	case VMEXIT_CR4_WRITE:
	case VMEXIT_CR8_WRITE:
		return exit_control_register(vcpu, code);
	case VMEXIT_WBINVD:
		return exit_wbinvd(vcpu);
	case VMEXIT_EXCEPTION_DB:
	case VMEXIT_EXCEPTION_AC:
		return exit_exception(vcpu, code - VMEXIT_EXCEPTION_DB + 1);
	default:
		return exit_rare(vcpu, code);
	}
}
