/*
 * The processor's instructions, but for the one that changes maps: a test says what that does.
 */
#ifndef FAKE_X86_H
#define FAKE_X86_H

#define write_cr3 write_cr3_of_the_processor
#include_next <x86.h>
#undef write_cr3

void write_cr3(const uint64_t *pml4);

#endif
