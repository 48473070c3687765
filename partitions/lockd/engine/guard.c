/*
 * How long a lease's giver waits. Invariant: whoever got the lease has counted it by then, on a clock as slow
 * as the drift allows, however fast the giver's is.
 */
#include <mullion/lock_tables.h>

uint64_t lock_guard_ns(const uint64_t span_ns, const uint32_t drift_ppm)
{
	const uint64_t whole = 1000000;
	const uint64_t slow = whole - drift_ppm;

	return span_ns + (span_ns / slow) * 2 * drift_ppm +
	       ((span_ns % slow) * 2 * drift_ppm + slow - 1) / slow;
}
