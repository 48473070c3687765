/*
 * snippet_run(code): all registers from snippet_in, then the code, then all into snippet_out. The code
 * ends with an indirect jump to snippet_done, which needs no register and no stack.
 */
	.text
	.code64
	.globl snippet_run, snippet_done
snippet_run:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, saved_stack(%rip)
	mov %rdi, target(%rip)
	mov snippet_in+8(%rip), %rcx
	mov snippet_in+16(%rip), %rdx
	mov snippet_in+24(%rip), %rbx
	mov snippet_in+32(%rip), %rsp
	mov snippet_in+40(%rip), %rbp
	mov snippet_in+48(%rip), %rsi
	mov snippet_in+56(%rip), %rdi
	mov snippet_in+64(%rip), %r8
	mov snippet_in+72(%rip), %r9
	mov snippet_in+80(%rip), %r10
	mov snippet_in+88(%rip), %r11
	mov snippet_in+96(%rip), %r12
	mov snippet_in+104(%rip), %r13
	mov snippet_in+112(%rip), %r14
	mov snippet_in+120(%rip), %r15
	mov snippet_in(%rip), %rax
	jmp *target(%rip)
snippet_done:
	mov %rax, snippet_out(%rip)
	mov %rcx, snippet_out+8(%rip)
	mov %rdx, snippet_out+16(%rip)
	mov %rbx, snippet_out+24(%rip)
	mov %rsp, snippet_out+32(%rip)
	mov %rbp, snippet_out+40(%rip)
	mov %rsi, snippet_out+48(%rip)
	mov %rdi, snippet_out+56(%rip)
	mov %r8, snippet_out+64(%rip)
	mov %r9, snippet_out+72(%rip)
	mov %r10, snippet_out+80(%rip)
	mov %r11, snippet_out+88(%rip)
	mov %r12, snippet_out+96(%rip)
	mov %r13, snippet_out+104(%rip)
	mov %r14, snippet_out+112(%rip)
	mov %r15, snippet_out+120(%rip)
	mov saved_stack(%rip), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.bss
	.balign 8
	.globl snippet_in, snippet_out
snippet_in:
	.skip 128
snippet_out:
	.skip 128
saved_stack:
	.skip 8
target:
	.skip 8
	.section .note.GNU-stack, "", @progbits
