/*
 * Watchdogs: a partition counts, and the timekeeper looks whether it does.
 *
 * Invariant: one look concerns one partition and costs the same whatever that one does; the count is
 * compared, never believed.
 */
#include <mullion/core.h>

void watchdog_look(struct cpu *cpu)
{
	static uint16_t next;
	const struct mullion_partition *partition = &mullion_system.partitions[next];
	struct partition *life = &system_partitions[next];
	uint64_t now = arch_now(), since = life->watchdog_since, count;

	next = next + 1u < mullion_system.partitions_count ? (uint16_t)(next + 1u) : 0;
	if (partition->watchdog_ticks == 0)
		return;
	count = *(const volatile uint64_t *)&partition->watchdog->count;
	if (count != life->watchdog_count ||
		load_shared(&partition->status->state) != MULLION_STATE_RUNNING) {
		life->watchdog_count = count;
		life->watchdog_since = now;
		return;
	}
	if (now < since + partition->watchdog_ticks)
		return;
	health_remote(cpu, partition, MULLION_EVENT_WATCHDOG, now - since, 0);
	life->watchdog_since = now;
}
