/*
 * Where the window lies, and the one whose page table itself is elsewhere.
 */
#ifndef WINDOW_H
#define WINDOW_H

#include <stdint.h>

#define WINDOW_PML4    1u
#define WINDOW_VA      (1ull << 39)
#define WINDOW_PRESENT 0x003ull

/* An address whose page table lies at this guest-physical address. */
void *window_open_table(uint64_t gpa);

#endif
