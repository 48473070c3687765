/*
 * catch_run(function, argument, outcome): calls a function that may fault. If it does, execution
 * continues after the call as if it had returned, and the handler has filled the outcome.
 *
 * Invariant: the callee-saved registers of the caller survive, because they lie on its stack at the
 * place catch_frame names. Used by test partitions only.
 */
	.text
	.code64
	.globl catch_run, catch_resume
catch_run:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $8, %rsp
	mov %rsp, catch_stack(%rip)
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
catch_resume:
	movq $0, catch_stack(%rip)
	add $8, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.bss
	.balign 8
	.globl catch_stack
catch_stack:
	.skip 8
	.section .note.GNU-stack, "", @progbits
