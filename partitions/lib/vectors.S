/*
 * The 256 interrupt gates' stubs: each brings the frame to one shape (struct irq_frame), saves the
 * FPU and SSE state, because handlers are ordinary C, and calls irq_dispatch.
 *
 * Stub n lies at irq_stubs + 16 * n. Specification: AMD APM 2, 8.9 (64-bit interrupt frames) and
 * 8.2 (vectors with an error code).
 */
	.text
	.code64
	.globl irq_stubs
	.balign 16
irq_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
	.else
	pushq $0
	.endif
	pushq $vector
	jmp irq_common
	.set vector, vector + 1
	.endr

irq_common:
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	mov %rsp, %rbp
	sub $512, %rsp
	and $-16, %rsp
	fxsave64 (%rsp)
	call irq_dispatch
	fxrstor64 (%rsp)
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	add $16, %rsp
	iretq
	.section .note.GNU-stack, "", @progbits
