/*
 * Privileged and sensitive instructions: of virtualization, of the CPU's sleep and system management
 * modes, of other vendors, of extensions the partition's CPUID hides.
 *
 * What does not exist is #UD; RDPMC and INVD are #GP. Nothing here may execute. Where QEMU's TCG has no
 * intercept to offer, the act says so: AMD APM 2, 15.9.
 */
#include "attacker.h"

#define KERNEL_TEXT 0x200000ull
#define KERNEL_DATA 0x600000ull

/* RAX, RCX, RDX as the act's target, operand and 0; RBX 0. */
#define TRY(name, code)                                                                            \
	static void try_##name(const struct act *const act)                                        \
	{                                                                                          \
		uint64_t rax = act->target, rcx = act->operand, rdx = 0, rbx = 0;                  \
                                                                                                   \
		__asm__ volatile(code                                                              \
				 : "+a"(rax), "+c"(rcx), "+d"(rdx), "+b"(rbx)::"rsi", "rdi",       \
				 "memory", "cc");                                                  \
	}
TRY(vmrun, "vmrun")
TRY(vmload, "vmload")
TRY(vmsave, "vmsave")
TRY(stgi, "stgi")
TRY(clgi, "clgi")
TRY(skinit, "skinit")
TRY(invlpga, "invlpga")
TRY(rdpmc, "rdpmc")
TRY(rsm, "rsm")
TRY(invd, "invd")
TRY(wbinvd, "wbinvd")
TRY(wbnoinvd, ".byte 0xf3, 0x0f, 0x09; nop")
TRY(wbinvd_prefixed, ".byte 0x66, 0x2e, 0x0f, 0x09; nop")
TRY(icebp, ".byte 0xf1")
TRY(monitor, "monitor")
TRY(mwait, "mwait")
TRY(monitorx, ".byte 0x0f, 0x01, 0xfa")
TRY(mwaitx, ".byte 0x0f, 0x01, 0xfb")
TRY(xgetbv, "xgetbv")
TRY(xsetbv, "xsetbv")
TRY(xsave, ".byte 0x0f, 0xae, 0x20")  /* (%rax) */
TRY(xrstor, ".byte 0x0f, 0xae, 0x28") /* (%rax) */
TRY(rdtscp, "rdtscp")
TRY(vmcall, "vmcall")
TRY(vmlaunch, "vmlaunch")
TRY(vmresume, "vmresume")
TRY(vmxoff, "vmxoff")
TRY(vmxon, ".byte 0xf3, 0x0f, 0xc7, 0x30")   /* (%rax) */
TRY(vmclear, ".byte 0x66, 0x0f, 0xc7, 0x30") /* (%rax) */
TRY(vmptrld, ".byte 0x0f, 0xc7, 0x30")       /* (%rax) */
TRY(vmptrst, ".byte 0x0f, 0xc7, 0x38")       /* (%rax) */
TRY(vmread, ".byte 0x0f, 0x78, 0xc1")        /* %rax, %rcx */
TRY(vmwrite, ".byte 0x0f, 0x79, 0xc1")       /* %rcx, %rax */
TRY(vmfunc, ".byte 0x0f, 0x01, 0xd4")
TRY(invept, ".byte 0x66, 0x0f, 0x38, 0x80, 0x08")  /* (%rax), %rcx */
TRY(invvpid, ".byte 0x66, 0x0f, 0x38, 0x81, 0x08") /* (%rax), %rcx */
TRY(getsec, ".byte 0x0f, 0x37")
TRY(encls, ".byte 0x0f, 0x01, 0xcf")
TRY(enclu, ".byte 0x0f, 0x01, 0xd7")
TRY(enclv, ".byte 0x0f, 0x01, 0xc0")
TRY(pconfig, ".byte 0x0f, 0x01, 0xc5")
TRY(invlpgb, ".byte 0x0f, 0x01, 0xfe")
TRY(tlbsync, ".byte 0x0f, 0x01, 0xff")
TRY(psmash, ".byte 0xf3, 0x0f, 0x01, 0xff")
TRY(pvalidate, ".byte 0xf2, 0x0f, 0x01, 0xff")
TRY(rmpupdate, ".byte 0xf2, 0x0f, 0x01, 0xfe")
TRY(rmpadjust, ".byte 0xf3, 0x0f, 0x01, 0xfe")
TRY(rdpru, ".byte 0x0f, 0x01, 0xfd")
TRY(clzero, ".byte 0x0f, 0x01, 0xfc")
TRY(mcommit, ".byte 0xf3, 0x0f, 0x01, 0xfa")
TRY(umonitor, ".byte 0xf3, 0x0f, 0xae, 0xf0")
TRY(umwait, ".byte 0xf2, 0x0f, 0xae, 0xf1")
TRY(tpause, ".byte 0x66, 0x0f, 0xae, 0xf1")
TRY(xbegin, ".byte 0xc7, 0xf8, 0, 0, 0, 0")
TRY(ud0, ".byte 0x0f, 0xff, 0xc0")
TRY(ud1, ".byte 0x0f, 0xb9, 0xc0")
TRY(ud2, "ud2")
TRY(syscall, "syscall")
TRY(sysenter, "sysenter")
TRY(mov_cr1, ".byte 0x0f, 0x22, 0xc8")
TRY(mov_cr5, ".byte 0x0f, 0x22, 0xe8")
TRY(mov_cr15, ".byte 0x44, 0x0f, 0x22, 0xf8")
TRY(mov_from_cr9, ".byte 0x44, 0x0f, 0x20, 0xc8")
TRY(mov_tr, ".byte 0x0f, 0x26, 0xc0")
TRY(lock_cli, ".byte 0xf0, 0xfa")

#define EMULATED(what, function, why)                                                              \
	{                                                                                          \
		what, function, 0, 0, FAULTS(VECTOR_UD), .emulator = why                           \
	}
#define MISSING(what, function, rax)                                                               \
	{                                                                                          \
		what, function, rax, 0, FAULTS(VECTOR_UD)                                          \
	}
static const struct act acts[] = {
	MISSING("vmrun_of_its_own_memory", try_vmrun, 0x300000),
	MISSING("vmrun_of_the_kernels_data", try_vmrun, KERNEL_DATA),
	MISSING("vmload_of_its_own_memory", try_vmload, 0x300000),
	MISSING("vmload_of_the_kernels_data", try_vmload, KERNEL_DATA),
	MISSING("vmsave_to_its_own_memory", try_vmsave, 0x300000),
	MISSING("vmsave_over_the_kernels_text", try_vmsave, KERNEL_TEXT),
	MISSING("stgi", try_stgi, 0),
	MISSING("clgi", try_clgi, 0),
	MISSING("skinit", try_skinit, 0),
	MISSING("skinit_of_the_kernels_text", try_skinit, KERNEL_TEXT),
	MISSING("invlpga_of_the_kernels_address_space", try_invlpga, KERNEL_TEXT),
	{ "invlpga_of_the_next_partitions_address_space", try_invlpga, KERNEL_TEXT, 2,
		FAULTS(VECTOR_UD) },
	{ "rdpmc_of_the_first_counter", try_rdpmc, 0, 0, FAULTS(VECTOR_GP) },
	{ "rdpmc_of_a_fixed_counter", try_rdpmc, 0, 0x40000000, FAULTS(VECTOR_GP) },
	{ "rdpmc_of_the_last_counter", try_rdpmc, 0, 0xffffffff, FAULTS(VECTOR_GP) },
	{ "invd_drops_no_caches", try_invd, 0, 0, FAULTS(VECTOR_GP),
		.emulator = "TCG takes INVD for WBINVD, which is skipped" },
	{ "wbinvd_flushes_no_caches", try_wbinvd, 0, 0, RETURNS(0) },
	{ "wbnoinvd_writes_back_no_caches", try_wbnoinvd, 0, 0, RETURNS(0) },
	{ "wbinvd_behind_prefixes_ends_where_it_ends", try_wbinvd_prefixed, 0, 0, RETURNS(0) },
	MISSING("icebp", try_icebp, 0),
	MISSING("rsm", try_rsm, 0),
	MISSING("monitor", try_monitor, KERNEL_TEXT),
	MISSING("mwait", try_mwait, 0),
	MISSING("mwait_into_deep_sleep", try_mwait, 0x60),
	MISSING("monitorx", try_monitorx, 0),
	MISSING("mwaitx", try_mwaitx, 0),
	MISSING("xgetbv", try_xgetbv, 0),
	MISSING("xsetbv", try_xsetbv, 7),
	MISSING("xsave", try_xsave, 0x300000),
	MISSING("xrstor", try_xrstor, 0x300000),
	{ "rdtscp", try_rdtscp, 0, 0, FAULTS(VECTOR_UD),
		.emulator = "TCG ignores the intercept of RDTSCP; the clock may be read anyway" },
	MISSING("vmcall", try_vmcall, 3),
	MISSING("vmlaunch", try_vmlaunch, 0),
	MISSING("vmresume", try_vmresume, 0),
	MISSING("vmxoff", try_vmxoff, 0),
	MISSING("vmxon", try_vmxon, 0x300000),
	MISSING("vmclear", try_vmclear, 0x300000),
	MISSING("vmptrld", try_vmptrld, 0x300000),
	MISSING("vmptrst", try_vmptrst, 0x300000),
	MISSING("vmread", try_vmread, 0),
	MISSING("vmwrite", try_vmwrite, 0),
	MISSING("vmfunc", try_vmfunc, 0),
	MISSING("invept", try_invept, 0x300000),
	MISSING("invvpid", try_invvpid, 0x300000),
	MISSING("getsec", try_getsec, 0),
	MISSING("encls", try_encls, 0),
	MISSING("enclu", try_enclu, 0),
	MISSING("enclv", try_enclv, 0),
	MISSING("pconfig", try_pconfig, 0),
	MISSING("invlpgb", try_invlpgb, 0),
	MISSING("tlbsync", try_tlbsync, 0),
	MISSING("psmash", try_psmash, 0),
	MISSING("pvalidate", try_pvalidate, 0),
	MISSING("rmpupdate", try_rmpupdate, 0),
	MISSING("rmpadjust", try_rmpadjust, 0),
	MISSING("rdpru", try_rdpru, 0),
	MISSING("clzero", try_clzero, 0x300000),
	MISSING("mcommit", try_mcommit, 0),
	EMULATED("umonitor", try_umonitor, "TCG takes it for a fence"),
	EMULATED("umwait", try_umwait, "TCG takes it for a fence"),
	EMULATED("tpause", try_tpause, "TCG takes it for a fence"),
	EMULATED("a_transaction", try_xbegin, "TCG aborts it at once"),
	MISSING("ud0", try_ud0, 0),
	MISSING("ud1", try_ud1, 0),
	MISSING("ud2", try_ud2, 0),
	EMULATED("a_locked_cli", try_lock_cli, "TCG does not look at the prefix"),
	MISSING("syscall_that_was_not_switched_on", try_syscall, 0),
	MISSING("sysenter_in_long_mode", try_sysenter, 0),
	MISSING("writing_cr1", try_mov_cr1, 0),
	MISSING("writing_cr5", try_mov_cr5, 0),
	MISSING("writing_cr15", try_mov_cr15, 0),
	MISSING("reading_cr9", try_mov_from_cr9, 0),
	MISSING("writing_a_test_register", try_mov_tr, 0),
};

void acts_instructions(void)
{
	act_perform_all(acts, COUNT_OF(acts));
}
