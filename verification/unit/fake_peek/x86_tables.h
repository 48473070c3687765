/*
 * The kernel's window on a partition's memory, moved to where the host can have one.
 */
#ifndef FAKE_X86_TABLES_H
#define FAKE_X86_TABLES_H

#include_next <x86_tables.h>

extern uint64_t fake_peek; /* address of the window */

#undef X86_PEEK_VA
#define X86_PEEK_VA fake_peek

#endif
