/*
 * The description, as far as the control partition tells people of it, in the node's page.
 *
 * Invariant: what there is no room for is left out; the counts beside say how many there are. Layout:
 * mullion/abi.h, struct mullion_node.
 */
#include <mullion/core.h>

static void copy_name(char to[MULLION_NAME_BYTES], const char *from)
{
	for (unsigned i = 0; i + 1 < MULLION_NAME_BYTES && from[i] != '\0'; i++)
		to[i] = from[i];
}

/* Shared pages lie in the hole; everything else it may write is its memory. */
static uint64_t memory_of(const struct mullion_partition *partition)
{
	uint64_t bytes = 0;

	for (uint16_t i = 0; i < partition->writable_count; i++) {
		const struct mullion_span *span = &partition->writable[i];

		if (span->gpa < MULLION_HOLE_BASE || span->gpa >= MULLION_HOLE_END)
			bytes += span->bytes;
	}
	return bytes;
}

static void describe_partitions(struct mullion_node *node)
{
	for (uint16_t p = 0; p < mullion_system.partitions_count && p < MULLION_NODE_PARTITIONS;
		p++) {
		const struct mullion_partition *from = &mullion_system.partitions[p];

		node->of_partition[p].memory_bytes = memory_of(from);
		node->of_partition[p].first_vcpu = from->first_vcpu;
		node->of_partition[p].vcpus = from->vcpus;
	}
}

void node_describe(struct mullion_node *node)
{
	copy_name(node->name, mullion_system.name);
	copy_name(node->board, mullion_system.board);
	describe_partitions(node);
	for (uint16_t v = 0; v < mullion_system.vcpus_count && v < MULLION_NODE_VCPUS; v++)
		node->cpu_of_vcpu[v] = mullion_system.vcpus[v].cpu;
	for (uint16_t c = 0; c < mullion_system.cpus_count && c < MULLION_NODE_CPUS; c++)
		node->mode_of_cpu[c] = mullion_system.cpus[c].mode;
	for (uint16_t s = 0; s < mullion_system.schedules_count && s < MULLION_NODE_SCHEDULES; s++)
		copy_name(node->schedule_names[s], mullion_system.schedules[s].name);
}
