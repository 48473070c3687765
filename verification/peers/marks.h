/*
 * Marks in a measured Linux, and how many instructions it executed between two of them, counted twice: by QEMU's plugin
 * (counter.c), which sees the mark; and by the guest's own clocks, the TSC, which under icount is instructions and
 * halted nanoseconds, minus the nanoseconds that the kernel says it was idle. One CPU.
 */
#ifndef PEERS_MARKS_H
#define PEERS_MARKS_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

struct marked {
	uint64_t tsc, idle_ns;
};

/* Nanoseconds that the only CPU was idle; it is not while this runs. */
static inline uint64_t marks_idle_ns(void)
{
	FILE *const file = fopen("/proc/timer_list", "r");
	char line[256];
	uint64_t ns = 0;
	int found = 0;

	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
		found = sscanf(line, " .idle_sleeptime : %" SCNu64, &ns) == 1;
	if (!found) {
		fprintf(stderr, "marks: the kernel does not say how long it was idle\n");
		exit(1);
	}
	fclose(file);
	return ns;
}

/* A NOP of eight bytes that counter.c knows; its displacement is the number and a sign. */
#define MARK(number)                                                                               \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0, %c0, 0, 'M', 'U'" ::"i"(number) : "memory")

#define MARK_BEGIN(number, at)                                                                     \
	do {                                                                                       \
		(at)->idle_ns = marks_idle_ns();                                                   \
		(at)->tsc = __rdtsc();                                                             \
		MARK(number);                                                                      \
	} while (0)

/* Prints `busy NAME MARK COUNT WORK`: instructions by the guest's clocks, and how often something was done. */
#define MARK_END(number, at, name, work)                                                           \
	do {                                                                                       \
		uint64_t tsc_, idle_;                                                              \
		MARK((number) + 1);                                                                \
		tsc_ = __rdtsc() - (at)->tsc;                                                      \
		idle_ = marks_idle_ns() - (at)->idle_ns;                                           \
		printf("busy %s %d %" PRIu64 " %" PRIu64 "\n", name, number, tsc_ - idle_,         \
			(uint64_t)(work));                                                         \
		fflush(stdout);                                                                    \
	} while (0)

#endif
