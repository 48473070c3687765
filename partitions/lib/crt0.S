/*
 * PVH entry: from 32-bit protected mode without paging to 64-bit C, on the boot vcpu and, through a
 * real-mode trampoline, on the others.
 *
 * Invariant: memory below 4 GiB is mapped one to one, page 0 becomes absent as soon as start()
 * has read what firmware may have left there, so that a null pointer faults, and the local APIC's page is uncached. Nothing is probed; everything used here is in every AMD64
 * processor. Specification: Xen docs/misc/pvh.pandoc; AMD APM 2, 14.6 and 5.3.
 */
#define CR0_VALUE 0x80010033 /* PG WP NE ET MP PE; EM and TS clear */
#define CR4_VALUE 0x620      /* PAE, OSFXSR, OSXMMEXCPT */
#define EFER 0xc0000080
#define EFER_LME 0x100

#define PAGE_TABLE 0x003     /* present, writable */
#define PAGE_LARGE 0x083
#define PAGE_LARGE_UC 0x09b  /* and PWT, PCD */

#define TRAMPOLINE 0x8000

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, 18           /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad start32

	.section .text.start, "ax"
	.code32
	.globl start32
start32:
	cli
	cld
	mov %ebx, %edi           /* start info: first argument of start() */
	lgdt boot_gdtr
	mov $boot_stack_top, %esp
	mov $start64, %esi
enter_long_mode:                 /* ESI: 64-bit continuation, ESP: stack, EDI: argument */
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov $CR4_VALUE, %eax
	mov %eax, %cr4
	mov $boot_pml4, %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	rdmsr
	or $EFER_LME, %eax
	wrmsr
	mov $CR0_VALUE, %eax
	mov %eax, %cr0
	ljmp $0x08, $1f
	.code64
1:	mov %esi, %esi
	mov %edi, %edi
	mov %esp, %esp
	xor %ebp, %ebp
	fninit
	ldmxcsr boot_mxcsr
	jmp *%rsi

start64:
	call start
	ud2

ap_start64:
	call smp_entry
	ud2

	/* The trampoline, copied to TRAMPOLINE: real mode, CS = TRAMPOLINE >> 4. */
	.section .rodata
	.globl smp_trampoline, smp_trampoline_end
	.code16
smp_trampoline:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdtr - smp_trampoline
	mov %cr0, %eax
	or $1, %eax
	mov %eax, %cr0
	ljmpl $0x18, $ap_start32
	.balign 4
trampoline_gdtr:
	.word boot_gdt_end - boot_gdt - 1
	.long boot_gdt
smp_trampoline_end:

	.text
	.code32
ap_start32:
	mov $0x10, %eax
	mov %eax, %ds
	mov smp_boot_stack, %esp
	mov smp_boot_vcpu, %edi
	mov $ap_start64, %esi
	jmp enter_long_mode

	.data
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9a000000ffff /* 08: 64-bit code */
	.quad 0x00cf92000000ffff /* 10: data */
	.quad 0x00cf9a000000ffff /* 18: 32-bit code */
boot_gdt_end:
boot_gdtr:
	.word boot_gdt_end - boot_gdt - 1
	.long boot_gdt
boot_mxcsr:
	.long 0x1f80

	.section .data.page, "aw"
	.balign 4096
boot_pml4:
	.quad boot_pdpt + PAGE_TABLE
	.fill 511, 8, 0
boot_pdpt:
	.quad boot_pd + PAGE_TABLE, boot_pd + 0x1000 + PAGE_TABLE
	.quad boot_pd + 0x2000 + PAGE_TABLE, boot_pd + 0x3000 + PAGE_TABLE
	.fill 508, 8, 0
	.globl boot_pd
boot_pd:
	.quad boot_pt + PAGE_TABLE
	.set address, 0x200000
	.rept 2047
	.if address < 0xfec00000
	.quad address + PAGE_LARGE
	.else
	.quad address + PAGE_LARGE_UC
	.endif
	.set address, address + 0x200000
	.endr
	.globl boot_pt
boot_pt:
	.set address, 0
	.rept 512
	.quad address + PAGE_TABLE
	.set address, address + 0x1000
	.endr

	.section .bss.page, "aw", @nobits
	.balign 4096
	.skip 65536
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
