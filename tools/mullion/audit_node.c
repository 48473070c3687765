/*
 * What the node page tells control of the node, before the kernel has written to it.
 *
 * The invariant that is proved: every byte of it is what the kernel's tables say, or zero. It is put
 * together here once more by the words of abi.h, struct mullion_node.
 */
#include "audit.h"

#include <stddef.h>
#include <string.h>

#include "allocate.h"

static size_t at_most(size_t count, size_t room)
{
	return count < room ? count : room;
}

/* audit_string has seen that it ends; where it has not, the page is judged as if it had no name. */
static void take_name(const struct audit *audit, char to[MULLION_NAME_BYTES], const char *from)
{
	const char *at = audit_image_at(&audit->image, audit_address(from), 1);
	size_t i;

	for (i = 0; at && i + 1 < MULLION_NAME_BYTES; i++) {
		at = audit_image_at(&audit->image, audit_address(from) + i, 1);
		if (!at || !*at)
			return;
		to[i] = *at;
	}
}

static void take_schedules(const struct audit *audit, struct mullion_node *node)
{
	const struct mullion_schedule *schedules = audit_image_at(&audit->image,
		audit_address(audit->system->schedules), node->schedules * sizeof(*schedules));
	size_t s;

	for (s = 0; schedules && s < at_most(node->schedules, MULLION_NODE_SCHEDULES); s++)
		take_name(audit, node->schedule_names[s], schedules[s].name);
}

static void take_partitions(const struct audit *audit, struct mullion_node *node)
{
	size_t p;

	for (p = 0; p < at_most(node->partitions, MULLION_NODE_PARTITIONS); p++) {
		const struct audit_partition *from = &audit->partitions[p];

		node->of_partition[p].memory_bytes = from->arch->memory_bytes;
		node->of_partition[p].first_vcpu = from->table->first_vcpu;
		node->of_partition[p].vcpus = from->table->vcpus;
	}
}

static void take_all(const struct audit *audit, struct mullion_node *node)
{
	const struct mullion_system *system = audit->system;
	size_t i;

	node->partitions = system->partitions_count;
	node->vcpus = system->vcpus_count;
	node->cpus = system->cpus_count;
	node->schedules = system->schedules_count;
	take_name(audit, node->name, system->name);
	take_name(audit, node->board, system->board);
	take_partitions(audit, node);
	take_schedules(audit, node);
	for (i = 0; i < at_most(node->vcpus, MULLION_NODE_VCPUS); i++)
		node->cpu_of_vcpu[i] = audit->vcpus[i].cpu;
	for (i = 0; i < at_most(node->cpus, MULLION_NODE_CPUS); i++)
		node->mode_of_cpu[i] = audit->cpus[i].mode;
}

#define PART(from, to, what)                                                                       \
	{                                                                                          \
		offsetof(struct mullion_node, from), offsetof(struct mullion_node, to), what       \
	}

static const struct {
	size_t from, to;
	const char *what;
} parts[] = {
	PART(epoch_tsc, partitions, "what the kernel says while the node runs"),
	PART(partitions, name, "its counts"),
	PART(name, of_partition, "the names of node and board"),
	PART(of_partition, cpu_of_vcpu, "the partitions' memory and vcpus"),
	PART(cpu_of_vcpu, mode_of_cpu, "the vcpus' CPUs"),
	PART(mode_of_cpu, schedule_names, "the CPUs' modes"),
	{ offsetof(struct mullion_node, schedule_names), sizeof(struct mullion_node),
		"the schedules' names" },
	{ sizeof(struct mullion_node), AUDIT_PAGE, "what nobody has defined" },
};

void audit_node(struct audit *audit)
{
	static union {
		struct mullion_node node;
		uint8_t page[AUDIT_PAGE];
	} meant;
	const uint64_t address = audit_address(audit->system->node);
	const uint8_t *has = audit_image_at(&audit->image, address, AUDIT_PAGE);
	size_t i;

	if (!has) {
		audit_find(audit, "node-page", "the node's page, at %s, is not in the file",
			audit_image_place(&audit->image, address));
		return;
	}
	memset(&meant, 0, sizeof(meant));
	take_all(audit, &meant.node);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (memcmp(has + parts[i].from, meant.page + parts[i].from,
			    parts[i].to - parts[i].from) != 0)
			audit_find(audit, "node-page",
				"the node's page, at %s, tells of %s otherwise than the tables",
				audit_image_place(&audit->image, address), parts[i].what);
}
