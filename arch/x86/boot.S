/*
 * From the loader's 32-bit entry (PVH boot protocol) to C, on the boot CPU and on the others.
 *
 * Invariant: every page table is constant and was written by the compiler; here they are only loaded.
 * What the loader handed over lies in memory the kernel does not map, so it is copied before paging.
 */
#include "x86_asm.h"

#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define CR0_LONG 0x80010033 /* PG, WP, NE, ET, MP, PE */
#define CR4_BOOT 0x620      /* PAE, OSFXSR, OSXMMEXCPT */

/* struct hvm_start_info, version 1 */
#define START_INFO_VERSION 4
#define START_INFO_MEMMAP 40
#define START_INFO_ENTRIES 48
#define BOOT_RAM_ENTRIES 32
#define BOOT_RAM_ENTRY_BYTES 24

	.section .note.pvh, "a", @note
	.long	4, 4, 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	pvh_entry

	.text
	.code32
	.global pvh_entry
pvh_entry:
	cld
	rdtsc
	mov	%eax, %esi
	mov	%edx, %ebp
	cmpl	$0, journal	/* zero in memory that nobody has used: there the loader has cleared all */
	je	fresh
	xor	%eax, %eax	/* a reset finds what was there before: no loader clears it then */
	mov	$data_base, %edi
	mov	$shared_end, %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	rep stosl
	mov	$bss_start, %edi
	mov	$data_used, %ecx
	sub	%edi, %ecx
	shr	$2, %ecx
	rep stosl
fresh:
	mov	%esi, boot_entry_tsc
	mov	%ebp, boot_entry_tsc + 4
	cmpl	$1, START_INFO_VERSION(%ebx)
	jb	1f
	mov	START_INFO_ENTRIES(%ebx), %ecx
	cmp	$BOOT_RAM_ENTRIES, %ecx
	jbe	2f
	mov	$BOOT_RAM_ENTRIES, %ecx
2:	mov	%ecx, boot_ram_count
	imul	$BOOT_RAM_ENTRY_BYTES, %ecx
	mov	START_INFO_MEMMAP(%ebx), %esi
	mov	$boot_ram, %edi
	rep movsb
1:	mov	$trampoline, %esi
	mov	$TRAMPOLINE, %edi
	mov	$(trampoline_end - trampoline), %ecx
	rep movsb
	lgdt	gdt_register
	mov	$boot_long, %edi
	jmp	enter_long

/* Paging on with the kernel's constant map; EDI: where to go on in 64-bit mode. */
enter_long:
	mov	$CR4_BOOT, %eax
	mov	%eax, %cr4
	mov	mullion_system + SYSTEM_ARCH, %eax
	mov	(%eax), %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME_NXE, %eax
	wrmsr
	mov	$CR0_LONG, %eax
	mov	%eax, %cr0
	ljmp	$SELECTOR_CODE64, $long_mode

	.code64
long_mode:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	jmp	*%rdi

boot_long:
	mov	mullion_system + SYSTEM_CPUS, %rax
	mov	CPU_STACK_TOP(%rax), %rsp
	xor	%ebp, %ebp
	call	kernel_main

secondary_long:
	mov	secondary_cpu, %rdi
	mov	(%rdi), %rax
	mov	CPU_STACK_TOP(%rax), %rsp
	xor	%ebp, %ebp
	call	cpu_main

/*
 * Secondary CPUs wake in a copy of this at TRAMPOLINE, in real mode. Firmware uses the memory below
 * 1 MiB until the kernel starts, so the kernel puts it there, not the loader.
 */
	.section .rodata
	.code16
trampoline:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	trampoline_gdt_register - trampoline
	mov	$0x11, %eax
	mov	%eax, %cr0
	ljmpl	$SELECTOR_CODE32, $(TRAMPOLINE + trampoline_32 - trampoline)
	.code32
trampoline_32:
	mov	$SELECTOR_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$secondary_long, %edi
	mov	$enter_long, %eax
	jmp	*%eax
	.balign 4
trampoline_gdt_register:
	.word	gdt_end - gdt - 1
	.long	gdt
trampoline_end:

	.balign 8
	.global gdt
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* SELECTOR_CODE64 */
	.quad	0x00cf93000000ffff	/* SELECTOR_DATA */
	.quad	0x00cf9b000000ffff	/* SELECTOR_CODE32 */
gdt_end:
gdt_register:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.section .note.GNU-stack, "", @progbits
