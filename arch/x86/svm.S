/*
 * The way into a partition and back: AMD APM 2, 15.5.
 *
 * Invariant: GIF is 0 from #VMEXIT to VMRUN, so nothing interrupts the kernel. RAX is the VMCB's
 * address at VMRUN and after #VMEXIT; the general registers' array follows the VMCB. FS, GS, TR, LDTR
 * and the SYSCALL MSRs stay the guest's: the kernel uses none of them.
 */
#define ALIGN 10 /* instructions from one RDTSC to the other, the two NOPs included */
#define GPR(n) (4096 + 8 * (n))(%rax)

	.text
	.global svm_run
	.type svm_run, @function
/* enum vcpu_leave svm_run(struct vcpu *vcpu, uint64_t not_before) */
svm_run:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	sub	$8, %rsp
	mov	%rdi, %rax
	mov	%rsi, %rcx
	mov	GPR(3), %rbx
	mov	GPR(5), %rbp
	mov	GPR(6), %rsi
	mov	GPR(7), %rdi
	mov	GPR(8), %r8
	mov	GPR(9), %r9
	mov	GPR(10), %r10
	mov	GPR(11), %r11
	mov	GPR(12), %r12
	mov	GPR(13), %r13
	mov	GPR(14), %r14
	mov	GPR(15), %r15
	mov	%rax, (%rsp)
	/* not_before is less than 2^31 ticks away, or past: the low words decide, in three instructions */
	rdtsc
	sub	%ecx, %eax
	jns	9f
	/*
	 * A loop sees the time every third instruction, and so leaves 0, 1 or 2 of them late, as what ran
	 * before left it: by that a partition could tell what its neighbour did. It is left ALIGN ticks early,
	 * and as many NOPs are passed over as it was late. Where an instruction is a tick the second loop then
	 * ends at once, always at the same one; elsewhere it just polls on. Nowhere is it left too early.
	 */
	sub	$ALIGN, %ecx
6:	rdtsc
	sub	%ecx, %eax
	js	6b
	add	$ALIGN, %ecx
	cmp	$1, %eax
	jae	7f
	nop
7:	cmp	$2, %eax
	jae	8f
	nop
8:	rdtsc
	sub	%ecx, %eax
	js	8b
9:
	mov	(%rsp), %rax
	mov	GPR(1), %rcx
	mov	GPR(2), %rdx
	.balign 16
2:	vmrun
	mov	%rcx, GPR(1)
	mov	%rdx, GPR(2)
	mov	%rbx, GPR(3)
	mov	%rsi, GPR(6)
	mov	%rdi, GPR(7)
	mov	%r8, GPR(8)
	mov	%r9, GPR(9)
	mov	%r10, GPR(10)
	mov	%r11, GPR(11)
	mov	%rax, %rbx
	mov	%rax, %rdi
	/* RBP and R12 to R15 are still the guest's: the callee keeps them, by the calling convention */
	call	exit_fast
	test	%al, %al
	jz	4f
	mov	%rbx, %rax
3:	mov	GPR(1), %rcx
	mov	GPR(2), %rdx
	mov	GPR(3), %rbx
	mov	GPR(6), %rsi
	mov	GPR(7), %rdi
	mov	GPR(8), %r8
	mov	GPR(9), %r9
	mov	GPR(10), %r10
	mov	GPR(11), %r11
	jmp	2b
4:	mov	%rbx, %rax
	mov	%rbp, GPR(5)
	mov	%r12, GPR(12)
	mov	%r13, GPR(13)
	mov	%r14, GPR(14)
	mov	%r15, GPR(15)
	mov	%rbx, %rdi
	call	vcpu_exit
	test	%eax, %eax
	jnz	5f
	mov	%rbx, %rax
	mov	GPR(5), %rbp
	mov	GPR(12), %r12
	mov	GPR(13), %r13
	mov	GPR(14), %r14
	mov	GPR(15), %r15
	jmp	3b
5:	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size svm_run, . - svm_run
	.section .note.GNU-stack, "", @progbits
