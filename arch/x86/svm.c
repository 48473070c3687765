/*
 * A vcpu on AMD SVM: its initial state, its entry, and what VMRUN leaves to software.
 *
 * AMD APM 2, chapter 15. Everything the hardware can intercept is either intercepted here or
 * decided, with its reason, not to be.
 */
#include <arch_internal.h>

/* Segment attributes as the VMCB packs them: AMD APM 2, 15.5.1. */
#define SEGMENT_CODE32 0xc9b
#define SEGMENT_DATA32 0xc93
#define SEGMENT_CODE16 0x9b
#define SEGMENT_DATA16 0x93
#define SEGMENT_TSS32  0x8b
#define SEGMENT_LDT    0x82

#define PAT_RESET         0x0007040600070406ull
#define DR6_RESET         0xffff0ff0ull
#define DR7_RESET         0x400ull
#define FPU_CONTROL_RESET 0x37fu
#define MXCSR_RESET       0x1f80u

/*
 * An endless stream of #AC or #DB would keep interrupts out for ever: take them and give them back. #MC
 * is the node's; with CR4.MCE off it would be a shutdown, with nothing said of why, so it is always on.
 */
#define INTERCEPTED_EXCEPTIONS (1u << 1 | 1u << 17 | 1u << 18)
#define CR4_BIT                (1u << 4)
#define CR8_BIT                (1u << 8)

static const uint32_t intercepts[3] = {
	/* PAUSE, INVLPG, RDTSC, descriptor tables: harmless inside the partition. */
	INTERCEPT_NMI | INTERCEPT_INIT | INTERCEPT_RDPMC | INTERCEPT_CPUID | INTERCEPT_RSM |
		INTERCEPT_INVD | INTERCEPT_INVLPGA | INTERCEPT_IOIO | INTERCEPT_MSR |
		INTERCEPT_SHUTDOWN,
	INTERCEPT1_VMRUN | INTERCEPT1_VMMCALL | INTERCEPT1_VMLOAD | INTERCEPT1_VMSAVE |
		INTERCEPT1_STGI | INTERCEPT1_CLGI | INTERCEPT1_SKINIT | INTERCEPT1_RDTSCP |
		INTERCEPT1_ICEBP | INTERCEPT1_WBINVD | INTERCEPT1_MONITOR | INTERCEPT1_MWAIT |
		INTERCEPT1_MWAIT_ARMED | INTERCEPT1_XSETBV | INTERCEPT1_RDPRU,
	0,
};

void svm_enable(struct cpu *cpu)
{
	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		refuse("SVM is switched off by the firmware; enable SVM (virtualisation) in its "
		       "setup");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, (uintptr_t)cpu->arch.host_save);
	__asm__ volatile("clgi\n\tsti" : : : "memory");
}

static void reset_controls(struct vcpu *vcpu)
{
	const struct arch_vcpu_tables *tables = vcpu->config->arch;
	struct vmcb *vmcb = &vcpu->arch.vmcb;

	for (unsigned i = 0; i < 3; i++)
		vmcb->intercept[i] = intercepts[i];
	vmcb->intercept_exceptions = INTERCEPTED_EXCEPTIONS;
	vmcb->intercept_cr_write = CR4_BIT;
	vmcb->iopm_base = (uintptr_t)tables->io_bitmap;
	vmcb->msrpm_base = (uintptr_t)tables->msr_bitmap;
	vmcb->asid = tables->asid;
	vmcb->tlb_control = VMCB_TLB_FLUSH_ALL;
	vmcb->nested_control = VMCB_NESTED_PAGING;
	vmcb->nested_cr3 = (uintptr_t)tables->stage2;
	if (!vcpu_framed(vcpu))
		return;
	vmcb->intercept[0] |= INTERCEPT_INTR | INTERCEPT_HLT;
	vmcb->interrupt = VMCB_V_INTR_MASKING;
	if (quirk_tcg)
		vmcb->intercept_cr_write |= CR8_BIT;
}

static struct vmcb_segment segment(uint16_t attributes, uint64_t base, uint32_t limit)
{
	return (struct vmcb_segment){ .selector = (uint16_t)(base >> 4),
		.attributes = attributes,
		.limit = limit,
		.base = base };
}

static void reset_segments(struct vmcb *vmcb, struct vmcb_segment code, struct vmcb_segment data)
{
	vmcb->cs = code;
	vmcb->ds = vmcb->es = vmcb->ss = vmcb->fs = vmcb->gs = data;
	vmcb->gdtr = vmcb->idtr = segment(0, 0, 0xffff);
	vmcb->ldtr = segment(SEGMENT_LDT, 0, 0xffff);
	vmcb->tr = segment(SEGMENT_TSS32, 0, 0x67);
}

static void reset_registers(struct vmcb *vmcb)
{
	vmcb->efer = EFER_SVME;
	vmcb->cr4 = CR4_MCE;
	vmcb->rflags = RFLAGS_FIXED;
	vmcb->dr6 = DR6_RESET;
	vmcb->dr7 = DR7_RESET;
	vmcb->pat = PAT_RESET;
}

/* 32-bit protected mode, flat, paging off: the PVH boot protocol. */
static void enter_by_pvh(struct vcpu *vcpu)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;

	reset_segments(vmcb, segment(SEGMENT_CODE32, 0, UINT32_MAX),
		segment(SEGMENT_DATA32, 0, UINT32_MAX));
	vmcb->cr0 = CR0_PE | CR0_ET;
	vmcb->rip = vcpu->config->arch->entry_gpa;
	vcpu->arch.gpr[RBX] = vcpu->config->arch->start_info_gpa;
}

/* Real mode at the page the start-up IPI named: AMD APM 2, 15.27.8. */
static void enter_by_startup(struct vcpu *vcpu)
{
	struct vmcb *vmcb = &vcpu->arch.vmcb;

	reset_segments(vmcb, segment(SEGMENT_CODE16, load_shared(&vcpu->start_address), 0xffff),
		segment(SEGMENT_DATA16, 0, 0xffff));
	vmcb->cr0 = CR0_ET;
	vmcb->rip = 0;
}

static void reset_fpu(struct arch_vcpu *arch)
{
	__builtin_memset(arch->fpu, 0, sizeof(arch->fpu));
	*(uint16_t *)(void *)&arch->fpu[0] = FPU_CONTROL_RESET;
	*(uint32_t *)(void *)&arch->fpu[24] = MXCSR_RESET;
}

void arch_vcpu_reset(struct vcpu *vcpu)
{
	struct arch_vcpu *arch = &vcpu->arch;

	__builtin_memset(&arch->vmcb, 0, sizeof(arch->vmcb));
	__builtin_memset(arch->gpr, 0, sizeof(arch->gpr));
	__builtin_memset(arch->debug, 0, sizeof(arch->debug));
	__builtin_memset(arch->sites, 0xff, sizeof(arch->sites)); /* attributes no segment has */
	reset_fpu(arch);
	reset_controls(vcpu);
	reset_registers(&arch->vmcb);
	if (vcpu->config->index == 0)
		enter_by_pvh(vcpu);
	else
		enter_by_startup(vcpu);
	arch->config_address = 0;
	vapic_reset(vcpu);
	if (!vcpu_framed(vcpu))
		apic_reset(vcpu->cpu);
}

static void save(struct arch_vcpu *arch)
{
	uint64_t *d = arch->debug;

	__asm__ volatile("vmsave %0" : : "a"(&arch->vmcb) : "memory");
	__asm__ volatile("fxsave64 %0" : "=m"(arch->fpu));
	__asm__ volatile("mov %%dr0, %0\n\tmov %%dr1, %1\n\tmov %%dr2, %2\n\tmov %%dr3, %3"
			 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]));
}

static void restore(const struct arch_vcpu *arch)
{
	const uint64_t *d = arch->debug;

	__asm__ volatile("mov %0, %%dr0\n\tmov %1, %%dr1\n\tmov %2, %%dr2\n\tmov %3, %%dr3"
			 :
			 : "r"(d[0]), "r"(d[1]), "r"(d[2]), "r"(d[3]));
	__asm__ volatile("fxrstor64 %0" : : "m"(arch->fpu));
	__asm__ volatile("vmload %0" : : "a"(&arch->vmcb) : "memory");
}

void arch_vcpu_switch(struct vcpu *from, struct vcpu *to)
{
	if (from != NULL)
		save(&from->arch);
	if (to != NULL)
		restore(&to->arch);
}

enum vcpu_leave arch_vcpu_run(struct vcpu *vcpu, uint64_t tsc)
{
	uint64_t now = arch_now();

	return svm_run(vcpu, tsc > now ? tsc : now);
}

void arch_vcpu_inject_fault(struct vcpu *vcpu)
{
	const uint64_t general_protection = 13;

	vcpu->arch.vmcb.event_inject =
		EVENT_VALID | EVENT_ERROR_CODE | EVENT_EXCEPTION | general_protection;
}

uint64_t arch_vcpu_rip(const struct vcpu *vcpu)
{
	return vcpu->arch.vmcb.rip;
}
