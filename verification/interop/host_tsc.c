/*
 * How many kHz this machine's time stamp counter has, which is a guest's, too, under QEMU's TCG without icount. A guest that
 * finds out itself, by a timer, is wrong by a factor of ten now and then where the machine is busy, and so are its timeouts.
 *
 * Counter and clock are read together: of several pairs the one with the least time around it is taken, at either end.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define TRIES   64
#define SPAN_NS 50000000ull

struct moment {
	uint64_t ns, ticks;
};

static uint64_t clock_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static struct moment now(void)
{
	struct moment best = { 0, 0 };
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		const uint64_t before = clock_ns();
		const uint64_t ticks = __builtin_ia32_rdtsc();
		const uint64_t around = clock_ns() - before;

		if (around < least) {
			least = around;
			best = (struct moment){ before + around / 2, ticks };
		}
	}
	return best;
}

int main(void)
{
	const struct timespec span = { .tv_nsec = SPAN_NS };
	const struct moment first = now();
	struct moment last;

	nanosleep(&span, NULL);
	last = now();
	printf("%llu\n", (unsigned long long)((__uint128_t)(last.ticks - first.ticks) * 1000000u /
					      (last.ns - first.ns)));
	return 0;
}
