/*
 * Interrupts and exceptions of the kernel itself. It takes none while it serves partitions (GIF = 0);
 * the timer is acknowledged, a kick ends a wait, anything else is a defect of the kernel.
 */
#include "x86_asm.h"

	.text
/* The local APIC's timer, and what should never come: one store, and on. */
	.global trap_timer
trap_timer:
	movl	$0, APIC_EOI_ADDRESS
	iretq

	.global trap_spurious
trap_spurious:
	iretq

/*
 * A kick. If it comes after the waiter's last look at the shared state but before its HLT, the HLT
 * must not sleep: the return address moves past it.
 */
	.global trap_nmi
trap_nmi:
	push	%rax
	lea	wait_halt(%rip), %rax
	cmp	%rax, 8(%rsp)
	jne	1f
	incq	8(%rsp)
1:	pop	%rax
	iretq

	.global arch_wait_for_kick
	.type arch_wait_for_kick, @function
arch_wait_for_kick:
	cli
	stgi
wait_halt:
	hlt
	clgi
	sti
	ret

/* Exceptions: vector and error code on the stack, then the report. */
	.altmacro
	.macro exception vector
	.balign 16
	.if	\vector != 8 && (\vector < 10 || \vector > 14) && \vector != 17 && \vector != 21 && \vector != 29 && \vector != 30
	push	$0
	.endif
	push	$\vector
	jmp	trap_report_entry
	.endm

	.balign 16
	.global trap_exceptions
trap_exceptions:
	.set	number, 0
	.rept	32
	exception %number
	.set	number, number + 1
	.endr
	.noaltmacro

trap_report_entry:
	pop	%rdi
	pop	%rsi
	pop	%rdx
	and	$-16, %rsp
	call	trap_report
	.section .note.GNU-stack, "", @progbits
