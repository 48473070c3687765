/*
 * The binding's table.
 */
#include "binding.h"

#include <string.h>

#define END                                                                                        \
	{                                                                                          \
		NULL, TYPE_COUNT, false                                                            \
	}
#define END_NODES                                                                                  \
	{                                                                                          \
		NULL, NULL, false, NULL, NULL                                                      \
	}

static const struct binding_property no_properties[] = { END };

static const struct binding_property board_properties[] = {
	{ "compatible", TYPE_STRING, true },
	{ "model", TYPE_STRING, true },
	{ "tsc-frequency", TYPE_FRACTION, true },
	{ "timer-frequency", TYPE_FRACTION, true },
	{ "timer-lead-ticks", TYPE_CELL, true },
	{ "switch-guard-ns", TYPE_QUANTITY, true },
	{ "minimum-window-ns", TYPE_QUANTITY, true },
	{ "start-delay-ns", TYPE_QUANTITY, true },
	{ "console", TYPE_DEVICE, false },
	{ "poweroff", TYPE_DEVICE, false },
	{ "poweroff-value", TYPE_CELL, false },
	{ "poweroff-failure", TYPE_CELL, false },
	{ "reset", TYPE_DEVICE, false },
	{ "reset-value", TYPE_CELL, false },
	{ "cpuid", TYPE_CPUID, true },
	{ "qemu-arguments", TYPE_STRINGS, false },
	END,
};

static const struct binding_property bus_properties[] = {
	{ "#address-cells", TYPE_CELL, true },
	{ "#size-cells", TYPE_CELL, true },
	END,
};

static const struct binding_property cpu_properties[] = {
	{ "device_type", TYPE_STRING, true },
	{ "reg", TYPE_CELL, true },
	{ "apic-id", TYPE_CELL, true },
	{ "mode", TYPE_STRING, false },
	END,
};

static const struct binding_node cpu_nodes[] = {
	{ "cpu@", "a CPU", true, cpu_properties, NULL },
	END_NODES,
};

static const struct binding_property memory_properties[] = {
	{ "device_type", TYPE_STRING, true },
	{ "reg", TYPE_RANGES, true },
	END,
};

static const struct binding_property port_properties[] = {
	{ "compatible", TYPE_STRING, true },
	{ "reg", TYPE_PORTS, true },
	END,
};

static const struct binding_node io_nodes[] = {
	{ "", "an I/O device", false, port_properties, NULL },
	END_NODES,
};

static const struct binding_property mmio_properties[] = {
	{ "compatible", TYPE_STRING, true },
	{ "reg", TYPE_RANGE, true },
	END,
};

static const struct binding_node mmio_nodes[] = {
	{ "", "a device in memory space", false, mmio_properties, NULL },
	END_NODES,
};

static const struct binding_property iommu_properties[] = {
	{ "compatible", TYPE_STRING, true },
	{ "reg", TYPE_RANGE, true },
	{ "address-bits", TYPE_CELL, true },
	END,
};

static const struct binding_node iommu_nodes[] = {
	{ "iommu@", "an IOMMU", true, iommu_properties, NULL },
	END_NODES,
};

static const struct binding_property pci_properties[] = {
	{ "#address-cells", TYPE_CELL, true },
	{ "#size-cells", TYPE_CELL, true },
	{ "ecam", TYPE_RANGE, true },
	END,
};

static const struct binding_property bridge_properties[] = {
	{ "#address-cells", TYPE_CELL, true },
	{ "#size-cells", TYPE_CELL, true },
	{ "reg", TYPE_CELL, true },
	{ "type", TYPE_STRING, true },
	{ "bus", TYPE_CELL, true },
	{ "acs", TYPE_FLAG, false },
	END,
};

static const struct binding_property function_properties[] = {
	{ "reg", TYPE_CELL, true },
	{ "requester", TYPE_CELL, false },
	{ "iommu", TYPE_IOMMU, true },
	{ "config", TYPE_CONFIG, true },
	{ "bars", TYPE_BARS, true },
	{ "acs", TYPE_FLAG, false },
	{ "virtual-function-of", TYPE_FUNCTION, false },
	END,
};

static const struct binding_node pci_nodes[] = {
	{ "bridge@", "a PCI bridge", false, bridge_properties, pci_nodes },
	{ "", "a PCI function", false, function_properties, NULL },
	END_NODES,
};

static const struct binding_property health_properties[] = {
	{ "on-memory-violation", TYPE_STRING, false },
	{ "on-port-violation", TYPE_STRING, false },
	{ "on-msr-violation", TYPE_STRING, false },
	{ "on-instruction-violation", TYPE_STRING, false },
	{ "on-triple-fault", TYPE_STRING, false },
	{ "on-overrun", TYPE_STRING, false },
	{ "on-raise", TYPE_STRING, false },
	{ "on-exit", TYPE_STRING, false },
	{ "on-dma-violation", TYPE_STRING, false },
	{ "on-watchdog", TYPE_STRING, false },
	{ "on-machine-check", TYPE_STRING, false },
	{ "escalate-count", TYPE_CELL, false },
	{ "escalate-within-ns", TYPE_QUANTITY, false },
	{ "escalate-action", TYPE_STRING, false },
	{ "schedule", TYPE_SCHEDULE, false },
	END,
};

static const struct binding_property bounds_properties[] = {
	{ "gap-ns", TYPE_QUANTITY, false },
	{ "delivery-ns", TYPE_QUANTITY, false },
	{ "phase-ns", TYPE_QUANTITY, false },
	END,
};

static const struct binding_property partition_properties[] = {
	{ "image", TYPE_STRING, true },
	{ "memory", TYPE_QUANTITY, true },
	{ "memory-base", TYPE_QUANTITY, false },
	{ "cpus", TYPE_CELLS, false },
	{ "args", TYPE_STRING, false },
	{ "role", TYPE_STRING, false },
	{ "devices", TYPE_GRANTS, false },
	{ "interrupts", TYPE_INTERRUPTS, false },
	{ "watchdog-ns", TYPE_QUANTITY, false },
	{ "max-gap-ns", TYPE_QUANTITY, false },
	END,
};

static const struct binding_property rdma_properties[] = {
	{ "ipv4", TYPE_STRING, true },
	{ "prefix-bits", TYPE_CELL, true },
	{ "link-rate", TYPE_QUANTITY, false },
	END,
};

static const struct binding_property rdma_lanes_properties[] = {
	{ "high", TYPE_PAIRS, false },
	{ "low", TYPE_PAIRS, false },
	{ "limit", TYPE_CELL, true },
	{ "vl-of-sl", TYPE_PAIRS, false },
	{ "pcp-of-sl", TYPE_PAIRS, false },
	{ "dscp-of-sl", TYPE_PAIRS, false },
	{ "vlan", TYPE_CELL, false },
	END,
};

static const struct binding_property rdma_neighbour_properties[] = {
	{ "ipv4", TYPE_STRING, true },
	{ "mac", TYPE_STRING, true },
	END,
};

static const struct binding_node rdma_neighbour_nodes[] = {
	{ "", "a neighbour", false, rdma_neighbour_properties, NULL },
	END_NODES,
};

static const struct binding_property rdma_client_properties[] = {
	{ "partition", TYPE_PARTITION, true },
	{ "service-level", TYPE_CELL, true },
	{ "p-key", TYPE_CELL, true },
	{ "rate", TYPE_QUANTITY, true },
	{ "burst", TYPE_QUANTITY, true },
	{ "queue-pairs", TYPE_CELL, true },
	{ "completion-queues", TYPE_CELL, true },
	{ "memory-regions", TYPE_CELL, true },
	{ "address-handles", TYPE_CELL, false },
	{ "depth", TYPE_CELL, true },
	{ "ports", TYPE_FIRST_LAST, false },
	{ "up-memory", TYPE_QUANTITY, true },
	{ "down-memory", TYPE_QUANTITY, true },
	END,
};

static const struct binding_node rdma_client_nodes[] = {
	{ "", "a client of an RDMA service", true, rdma_client_properties, NULL },
	END_NODES,
};

static const struct binding_node rdma_nodes[] = {
	{ "lanes", "the lanes of an RDMA service", true, rdma_lanes_properties, NULL },
	{ "neighbours", "the neighbours of an RDMA service", false, no_properties,
		rdma_neighbour_nodes },
	{ "clients", "the clients of an RDMA service", true, no_properties, rdma_client_nodes },
	END_NODES,
};

static const struct binding_node partition_children[] = {
	{ "health", "the health table", false, health_properties, NULL },
	{ "bounds", "the bounds", false, bounds_properties, NULL },
	{ "rdma", "an RDMA service", false, rdma_properties, rdma_nodes },
	END_NODES,
};

static const struct binding_node partition_nodes[] = {
	{ "", "a partition", true, partition_properties, partition_children },
	END_NODES,
};

static const struct binding_property schedule_properties[] = {
	{ "major-frame-ns", TYPE_QUANTITY, true },
	{ "startup", TYPE_FLAG, false },
	END,
};

static const struct binding_property cpu_schedule_properties[] = {
	{ "complete", TYPE_FLAG, false },
	END,
};

static const struct binding_property window_properties[] = {
	{ "partition", TYPE_PARTITION, true },
	{ "duration-ns", TYPE_QUANTITY, true },
	END,
};

static const struct binding_node window_nodes[] = {
	{ "window@", "a window", false, window_properties, NULL },
	END_NODES,
};

static const struct binding_node cpu_schedule_nodes[] = {
	{ "cpu@", "a CPU's windows", false, cpu_schedule_properties, window_nodes },
	END_NODES,
};

static const struct binding_node schedule_nodes[] = {
	{ "", "a schedule", false, schedule_properties, cpu_schedule_nodes },
	END_NODES,
};

static const struct binding_property channel_properties[] = {
	{ "type", TYPE_STRING, true },
	{ "from", TYPE_PARTITION, true },
	{ "to", TYPE_PARTITIONS, true },
	{ "message-size", TYPE_CELL, true },
	{ "refresh-ns", TYPE_QUANTITY, false },
	{ "depth", TYPE_CELL, false },
	{ "doorbell", TYPE_CELL, false },
	END,
};

static const struct binding_node channel_nodes[] = {
	{ "", "a channel", false, channel_properties, NULL },
	END_NODES,
};

static const struct binding_property locks_properties[] = {
	{ "this-node", TYPE_CELL, true },
	{ "q-key", TYPE_CELL, true },
	{ "prefix-bits", TYPE_CELL, true },
	{ "drift-ppm", TYPE_CELL, true },
	END,
};

static const struct binding_property lock_node_properties[] = {
	{ "ipv4", TYPE_STRING, true },
	{ "mac", TYPE_STRING, true },
	{ "qpn", TYPE_CELL, true },
	{ "failure-domain", TYPE_STRING, true },
	{ "lockd", TYPE_STRING, true },
	END,
};

static const struct binding_property lock_participant_properties[] = {
	{ "partition-name", TYPE_STRING, false },
	{ "operations", TYPE_CELL, false },
	END,
};

static const struct binding_node lock_participant_nodes[] = {
	{ "", "a participant", false, lock_participant_properties, NULL },
	END_NODES,
};

static const struct binding_node lock_node_nodes[] = {
	{ "node@", "a node of the cluster", true, lock_node_properties, lock_participant_nodes },
	END_NODES,
};

static const struct binding_property lock_group_properties[] = {
	{ "nodes", TYPE_CELLS, true },
	{ "session-ns", TYPE_QUANTITY, true },
	{ "authority-ns", TYPE_QUANTITY, true },
	{ "survive-ns", TYPE_QUANTITY, true },
	{ "heartbeat-ns", TYPE_QUANTITY, true },
	{ "retransmit-ns", TYPE_QUANTITY, true },
	{ "delay-ns", TYPE_QUANTITY, true },
	{ "service-ns", TYPE_QUANTITY, true },
	{ "poll-ns", TYPE_QUANTITY, true },
	{ "losses", TYPE_CELL, true },
	{ "crashes", TYPE_CELL, true },
	{ "failovers", TYPE_CELL, true },
	{ "service-level", TYPE_CELL, true },
	END,
};

static const struct binding_node lock_group_nodes[] = {
	{ "", "a lock group", true, lock_group_properties, NULL },
	END_NODES,
};

static const struct binding_property lock_properties[] = {
	{ "group", TYPE_LOCK_GROUP, true },
	{ "rank", TYPE_CELL, true },
	{ "hold-ns", TYPE_QUANTITY, true },
	{ "discipline", TYPE_STRING, true },
	{ "deadline-ns", TYPE_QUANTITY, false },
	{ "writers", TYPE_SHARERS, false },
	{ "readers", TYPE_SHARERS, false },
	{ "cached", TYPE_FLAG, false },
	{ "revoke", TYPE_FLAG, false },
	{ "notify", TYPE_FLAG, false },
	END,
};

static const struct binding_node lock_name_nodes[] = {
	{ "", "a lock", true, lock_properties, NULL },
	END_NODES,
};

static const struct binding_node locks_nodes[] = {
	{ "nodes", "the nodes of the cluster", true, no_properties, lock_node_nodes },
	{ "groups", "the lock groups", true, no_properties, lock_group_nodes },
	{ "names", "the locks by name", true, no_properties, lock_name_nodes },
	END_NODES,
};

static const struct binding_property root_properties[] = {
	{ "#address-cells", TYPE_CELL, true },
	{ "#size-cells", TYPE_CELL, true },
	{ "compatible", TYPE_STRING, true },
	{ "model", TYPE_STRING, true },
	END,
};

static const struct binding_node root_nodes[] = {
	{ "board", "the board", true, board_properties, NULL },
	{ "cpus", "the board's CPUs", true, bus_properties, cpu_nodes },
	{ "memory@", "the board's memory", true, memory_properties, NULL },
	{ "io", "the board's I/O ports", false, bus_properties, io_nodes },
	{ "mmio", "the board's device memory", false, bus_properties, mmio_nodes },
	{ "iommus", "the board's IOMMUs", false, bus_properties, iommu_nodes },
	{ "pci", "the board's PCI functions", false, pci_properties, pci_nodes },
	{ "partitions", "the partitions", true, no_properties, partition_nodes },
	{ "schedules", "the schedules", false, no_properties, schedule_nodes },
	{ "channels", "the channels", false, no_properties, channel_nodes },
	{ "locks", "the locks of the cluster", false, locks_properties, locks_nodes },
	{ "health", "the health table", false, health_properties, NULL },
	END_NODES,
};

const struct binding_node binding_root = { "", "the root", true, root_properties, root_nodes };

static bool fits(const struct binding_node *binding, const char *name)
{
	const size_t length = strlen(binding->name);

	if (length == 0)
		return true;
	if (binding->name[length - 1] == '@')
		return strncmp(binding->name, name, length) == 0;
	return strcmp(binding->name, name) == 0;
}

const struct binding_node *binding_of(const struct source_node *node)
{
	const struct binding_node *parent, *child;

	if (node->parent == NULL)
		return &binding_root;
	parent = binding_of(node->parent);
	for (child = parent == NULL ? NULL : parent->children; child != NULL && child->noun != NULL;
		child++)
		if (fits(child, node->name))
			return child;
	return NULL;
}

const struct binding_property *binding_property(
	const struct binding_node *binding, const char *name)
{
	for (const struct binding_property *property = binding->properties; property->name != NULL;
		property++)
		if (strcmp(property->name, name) == 0)
			return property;
	return NULL;
}

static bool has_properties(
	const struct source_node *node, const struct binding_property *properties)
{
	const struct binding_node *binding = node == NULL ? NULL : binding_of(node);

	return binding != NULL && binding->properties == properties;
}

bool binding_is_bridge(const struct source_node *node)
{
	return has_properties(node, bridge_properties);
}

bool binding_is_function(const struct source_node *node)
{
	return has_properties(node, function_properties);
}

bool binding_is_lock_group(const struct source_node *node)
{
	return has_properties(node, lock_group_properties);
}

bool binding_is_participant(const struct source_node *node)
{
	return has_properties(node, lock_participant_properties);
}
