/*
 * uint64_t wake_attempt(uint64_t target_tsc, uint64_t skip): with interrupts off, waits until the TSC
 * reaches the target, runs SLED - skip single-tick instructions, then STI; HLT; CLI. So `skip` moves
 * the pair past any moment one instruction at a time. Returns the TSC after the wake-up.
 */
#define SLED 128

	.text
	.code64
	.globl wake_attempt, wake_attempt_unprotected, wake_gate, wake_lost, wake_fired
	.macro attempt halt, between:vararg
	lea 3f(%rip), %r8
	add %rsi, %r8
1:	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	cmp %rdi, %rax
	jb 1b
	jmp *%r8
3:
	.rept SLED
	nop
	.endr
2:	sti
	\between
\halt:
	hlt
	cli
	cmpq $0, wake_fired(%rip)
	je 2b
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	ret
	.endm

wake_attempt:
	attempt wake_halt

/* The same with an instruction between the two, which undoes the promise: the sweep must find that. */
wake_attempt_unprotected:
	attempt wake_halt_unprotected, nop

/*
 * The timer's gate. An interrupt that finds the HLT itself as the next instruction came between STI and
 * HLT: a real program would now sleep past it. It is counted and stepped over so that the test goes on.
 */
	.macro gate
	push %rax
	incq wake_fired(%rip)
	cmpq $wake_halt, 8(%rsp)
	je 1f
	cmpq $wake_halt_unprotected, 8(%rsp)
	jne 2f
1:	incq 8(%rsp)
	incq wake_lost(%rip)
2:
	.endm

wake_gate:
	gate
	push %rcx
	push %rdx
	mov $0x80b, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	pop %rdx
	pop %rcx
	pop %rax
	iretq

	.globl wake_gate_xapic
wake_gate_xapic:
	gate
	mov $0xfee00000, %eax
	movl $0, 0xb0(%rax)
	pop %rax
	iretq

	.bss
	.balign 8
wake_fired:
	.skip 8
wake_lost:
	.skip 8
	.section .note.GNU-stack, "", @progbits
