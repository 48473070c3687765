/*
 * Ways into ring 3 and into 32-bit code, and back. Interrupts are off.
 */
	.text
	.code64
	/* user_run(rip, rsp, rflags): returns at user_resume, where the exception handler sends it. */
	.globl user_run, user_resume
user_run:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, user_stack_kept(%rip)
	push $0x3b
	push %rsi
	push %rdx
	push $0x33
	push %rdi
	lea -64(%rsi), %rdi
	iretq
user_resume:
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	/* RDI: in its own stack. */
	.globl user_code, user_code_end, user_call, user_call_itself
user_code:
	mov 1(%rdi), %eax
	ud2
	/* A hypercall that would end the partition. */
user_call:
	mov $3, %eax
	xor %edi, %edi
user_call_itself:
	vmmcall
	ud2
user_code_end:

	/* compat_absolute(value): what the LDR held; stores value there. Both without ModRM: A1, A3. */
	.globl compat_absolute
compat_absolute:
	push %rbx
	mov %edi, %ebx
	push $0x18
	lea 1f(%rip), %rax
	push %rax
	lretq
	.code32
1:	.byte 0xa1
	.long 0xfee000d0
	mov %eax, %ecx
	mov %ebx, %eax
	.byte 0xa3
	.long 0xfee000d0
	mov %ecx, %eax
	ljmp $0x08, $2f
	.code64
2:	pop %rbx
	mov %eax, %eax
	ret

	/* compat_based(selector): offset 0 of a 32-bit code segment. */
	.globl compat_based, compat_first, compat_second
compat_based:
	push %rdi
	push $0
	lretq
	.code32
	.balign 16
compat_first:
	movl $1, 0xfee000d0
	ljmp $0x08, $3f
	.balign 16
compat_second:
	movl $2, 0xfee000d0
	ljmp $0x08, $3f
	.code64
3:	ret

	.bss
	.balign 8
	.globl user_stack_kept
user_stack_kept:
	.skip 8
	.section .note.GNU-stack, "", @progbits
