/*
 * The measured instructions themselves, by hand, so that a figure means the same in every build.
 *
 * Invariant: between the two TSC reads of a figure stands nothing but what is named beside it.
 * Calling convention: System V AMD64. Constants of the local APIC: Intel SDM 3A, 11.
 */
#define BINS 960
#define APIC_PAGE 0xfee00000

	.text
	.code64

/*
 * gap_loop(struct gap_loop *): reads the TSC back to back until `end`. Eleven instructions a pass,
 * each counted in a histogram; what exceeds the baseline (%r8) is kept as a sample as well, and the
 * keeping is itself part of the next gap: nothing is left out, the gaps add up to the duration.
 */
	.globl gap_loop
gap_loop:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov 0(%rdi), %rbx        /* passes: histogram */
	mov 8(%rdi), %rbp        /* kept: histogram, BINS + 1 entries */
	mov 16(%rdi), %r10       /* ring */
	mov 24(%rdi), %r11       /* ring bytes - 1 */
	mov 32(%rdi), %r13       /* &stream->n */
	mov 48(%rdi), %r14       /* floor: every gap above it is kept */
	xor %r8d, %r8d
	xor %r12d, %r12d         /* the maximum */
	xor %r9d, %r9d           /* when it was first seen */
	xor %r15d, %r15d
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, %rsi
	mov %rsi, 80(%rdi)       /* started */
	.rept 6
	nop                      /* the first gap too is one pass long */
	.endr
1:	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, %rcx
	sub %rsi, %rax
	mov %rcx, %rsi
	cmp %r8, %rax
	ja 3f
	incq (%rbx,%rax,8)
2:	cmp 40(%rdi), %rcx       /* end */
	jb 1b
	mov %r12, 64(%rdi)
	mov %r9, 72(%rdi)
	mov %rcx, 88(%rdi)       /* ended */
	mov %rax, 96(%rdi)       /* the last gap */
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
3:	mov %rcx, (%r10,%r15)
	mov %rax, 8(%r10,%r15)
	add $16, %r15
	and %r11, %r15
	incq (%r13)
	add %rax, 56(%rdi)       /* sum of the kept */
	cmp %r12, %rax
	cmova %rax, %r12
	cmova %rcx, %r9
	mov $BINS, %edx
	cmp %rdx, %rax
	cmovb %rax, %rdx
	incq (%rbp,%rdx,8)
	cmp %r14, %rax
	cmovbe %rax, %r8
	jmp 2b

/*
 * The timer's interrupt gates. The TSC is read by the third instruction. If the interrupt came between
 * STI and HLT, the machine below has lost the interrupt shadow: the HLT is stepped over, so that the
 * run goes on, and counted, because that is a lost wake-up.
 */
	.macro timer_gate
	push %rax
	push %rdx
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	mov %rax, isr_tsc(%rip)
	cmpq $halt_instruction, 16(%rsp)
	jne 1f
	incq 16(%rsp)
	incq isr_lost_wakeups(%rip)
1:
	.endm

	.globl timer_gate_x2apic
timer_gate_x2apic:
	timer_gate
	push %rcx
	mov $0x80b, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	pop %rcx
	pop %rdx
	pop %rax
	iretq

	.globl timer_gate_xapic
timer_gate_xapic:
	timer_gate
	mov $APIC_PAGE, %eax
	movl $0, 0xb0(%rax)
	pop %rdx
	pop %rax
	iretq

/* Wait for the gate, interrupts off before and after. */
	.globl wait_spinning
wait_spinning:
	sti
1:	cmpq $0, isr_tsc(%rip)
	je 1b
	cli
	ret

	.globl wait_halted
wait_halted:
1:	cmpq $0, isr_tsc(%rip)
	jne 2f
	sti
halt_instruction:
	hlt
	cli
	jmp 1b
2:	ret

	.bss
	.balign 8
	.globl isr_tsc, isr_lost_wakeups
isr_tsc:
	.skip 8
isr_lost_wakeups:
	.skip 8

	.text
/*
 * uint64_t exit_NAME(uint64_t argument, uint64_t *tsc): difference of two TSC reads around one
 * instruction, its operands loaded before the first read or, where the read itself destroys them,
 * right after it. *tsc = the second read.
 */
	.macro timed name, before:vararg
	.globl exit_\name
exit_\name:
	push %rbx
	mov %rsi, %r10
	mov %rdi, %r11
	shr $32, %r11
	\before
	rdtsc
	mov %rax, %r8
	mov %rdx, %r9
	.endm
	.macro timed_end
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	shl $32, %r9
	or %r9, %r8
	mov %rax, (%r10)
	sub %r8, %rax
	pop %rbx
	ret
	.endm

	.globl exit_empty
exit_empty:
	push %rbx
	mov %rsi, %r10
	rdtsc
	mov %rax, %r8
	mov %rdx, %r9
	timed_end

	timed cpuid
	xor %eax, %eax
	xor %ecx, %ecx
	cpuid
	timed_end

	timed vmmcall
	xor %eax, %eax
	vmmcall
	timed_end

	timed vmcall
	xor %eax, %eax
	vmcall
	timed_end

	timed arm, mov $0x6e0, %ecx
	mov %edi, %eax
	mov %r11d, %edx
	wrmsr
	timed_end

	timed arm_count, mov $0x838, %ecx
	mov %edi, %eax
	xor %edx, %edx
	wrmsr
	timed_end

	timed eoi, mov $0x80b, %ecx
	xor %eax, %eax
	xor %edx, %edx
	wrmsr
	timed_end

	timed arm_xapic, mov $APIC_PAGE, %ecx
	mov %edi, 0x380(%rcx)
	timed_end

	timed eoi_xapic, mov $APIC_PAGE, %ecx
	movl $0, 0xb0(%rcx)
	timed_end

/* uint64_t oneshot_NAME(uint32_t count): arms the timer, returns the TSC right before. */
	.globl oneshot_x2apic
oneshot_x2apic:
	mov $0x838, %ecx
	rdtsc
	mov %rax, %r8
	mov %rdx, %r9
	mov %edi, %eax
	xor %edx, %edx
	wrmsr
1:	shl $32, %r9
	or %r9, %r8
	mov %r8, %rax
	ret

	.globl oneshot_xapic
oneshot_xapic:
	mov $APIC_PAGE, %ecx
	rdtsc
	mov %edi, 0x380(%rcx)
	mov %rax, %r8
	mov %rdx, %r9
	jmp 1b

/* uint64_t yield_NAME(void): the TSC read by the first instruction of the next window. */
	.globl yield_vmmcall, yield_vmcall
yield_vmmcall:
	mov $1, %eax
	vmmcall
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	ret
yield_vmcall:
	mov $1, %eax
	vmcall
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	ret

/*
 * uint64_t spin_window(const volatile uint64_t *window_start): spins until the time page changes and
 * returns the first TSC read after that. Four instructions a pass: that is its granularity.
 */
	.globl spin_window
spin_window:
	mov (%rdi), %rsi
1:	mov (%rdi), %rcx
	rdtsc
	cmp %rsi, %rcx
	je 1b
	shl $32, %rdx
	or %rdx, %rax
	ret
	.section .note.GNU-stack, "", @progbits
