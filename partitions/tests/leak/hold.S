/*
 * void hold_gprs(struct hold *hold): loads every general register with a pattern, waits until the word
 * at hold->watched changes (hold->spin) or yields once, and stores what the registers are then.
 *
 * While it waits only RAX (the value watched for) and RCX (its address) are not patterns; after a
 * yield RAX is the result and RDI was the argument. Offsets: struct hold in leak.c.
 */
#define IN 0     /* 16 patterns, in the order of the instruction encoding */
#define OUT 128
#define WATCHED 256
#define KIND 264 /* 0 spin, 1 VMMCALL, 2 VMCALL */
#define RSP 272

	.text
	.code64
	.globl hold_gprs
hold_gprs:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rdi, hold_pointer(%rip)
	mov %rsp, RSP(%rdi)
	mov KIND(%rdi), %rax
	mov IN + 3 * 8(%rdi), %rbx
	mov IN + 5 * 8(%rdi), %rbp
	mov IN + 6 * 8(%rdi), %rsi
	mov IN + 8 * 8(%rdi), %r8
	mov IN + 9 * 8(%rdi), %r9
	mov IN + 10 * 8(%rdi), %r10
	mov IN + 11 * 8(%rdi), %r11
	mov IN + 12 * 8(%rdi), %r12
	mov IN + 13 * 8(%rdi), %r13
	mov IN + 14 * 8(%rdi), %r14
	mov IN + 15 * 8(%rdi), %r15
	mov IN + 2 * 8(%rdi), %rdx
	mov WATCHED(%rdi), %rcx
	mov IN + 7 * 8(%rdi), %rdi
	cmp $1, %rax
	je 3f
	ja 4f
	mov (%rcx), %rax
2:	cmp (%rcx), %rax
	je 2b
	jmp 5f
3:	mov $1, %eax             /* MULLION_HC_YIELD */
	vmmcall
	jmp 5f
4:	mov $1, %eax
	vmcall
5:	push %rax
	mov hold_pointer(%rip), %rax
	mov %rcx, OUT + 1 * 8(%rax)
	mov %rdx, OUT + 2 * 8(%rax)
	mov %rbx, OUT + 3 * 8(%rax)
	mov %rbp, OUT + 5 * 8(%rax)
	mov %rsi, OUT + 6 * 8(%rax)
	mov %rdi, OUT + 7 * 8(%rax)
	mov %r8, OUT + 8 * 8(%rax)
	mov %r9, OUT + 9 * 8(%rax)
	mov %r10, OUT + 10 * 8(%rax)
	mov %r11, OUT + 11 * 8(%rax)
	mov %r12, OUT + 12 * 8(%rax)
	mov %r13, OUT + 13 * 8(%rax)
	mov %r14, OUT + 14 * 8(%rax)
	mov %r15, OUT + 15 * 8(%rax)
	pop %rdx
	mov %rdx, OUT(%rax)
	mov %rsp, OUT + 4 * 8(%rax)
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

	.bss
	.balign 8
hold_pointer:
	.skip 8
	.section .note.GNU-stack, "", @progbits
