/*
 * Rules about partitions: CPUs, arguments, role, devices, what their info page can hold.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "check.h"
#include "model_rdma.h"

#define LONGEST_ARGS 1023u

/* Ports that the kernel keeps: who holds one of them can stop or reset the node. */
static const struct {
	struct range ports;
	const char *what;
} kernel_ports[] = {
	{ { 0x20, 2 }, "the first interrupt controller" },
	{ { 0x64, 1 }, "the keyboard controller's reset line" },
	{ { 0x92, 1 }, "the fast reset port" },
	{ { 0xa0, 2 }, "the second interrupt controller" },
	{ { 0xcf8, 8 }, "PCI configuration and reset control" },
};

static struct location property_at(
	const struct check *check, const struct model_partition *partition, const char *name)
{
	return place(check, partition->at, name);
}

static bool has_window_on(const struct model *model, int partition, int cpu)
{
	for (size_t s = 0; s < model->schedules_count; s++)
		for (size_t c = 0; c < model->schedules[s].cpus_count; c++) {
			const struct model_cpu_schedule *list = &model->schedules[s].cpus[c];

			for (size_t w = 0; list->cpu == cpu && w < list->windows_count; w++)
				if (list->windows[w].partition == partition)
					return true;
		}
	return false;
}

/* On how many CPUs it has windows. */
static size_t framed_cpus(const struct model *model, int partition)
{
	size_t count = 0;

	for (size_t cpu = 0; cpu < model->cpus_count; cpu++)
		count += has_window_on(model, partition, (int)cpu);
	return count;
}

static void partition_idle(struct check *check)
{
	const struct model *model = check->model;

	if (tainted(check, "/schedules"))
		return;
	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];

		if (!written(check, p->at, "cpus") && framed_cpus(model, (int)i) == 0)
			fault(check, p->at,
				say(check, "%s has neither a CPU nor a window: it never runs",
					p->name),
				say(check, "add cpus = <...>, or a window with partition = <&%s>",
					p->name));
	}
}

static void partition_mixed(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];

		if (p->owned_cpus_count != 0 && framed_cpus(model, (int)i) != 0)
			fault(check, property_at(check, p, "cpus"),
				say(check, "%s owns CPU %u and has windows on framed CPUs as well",
					p->name, model->cpus[p->owned_cpus[0]].number),
				"remove its `cpus` or its windows; two partitions can share a "
				"channel");
	}
}

/* Every partition has an address-space id of its own; 0 is the kernel's (AMD APM 2, 15.25.1). */
static void partition_limit(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->board.cpuid_count; i++) {
		const struct cpuid_leaf *row = &model->board.cpuid[i];

		if (row->leaf != 0x8000000a || row->subleaf != 0 ||
			model->partitions_count < row->ebx)
			continue;
		fault(check, model->partitions[row->ebx == 0 ? 0 : row->ebx - 1].at,
			say(check,
				"there are %zu partitions, but the CPU tells only %" PRIu32
				" apart",
				model->partitions_count, row->ebx == 0 ? 0 : row->ebx - 1),
			"merge partitions, or describe a board with more ASIDs");
	}
}

static void args_length(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (strlen(p->args) > LONGEST_ARGS)
			fault(check, property_at(check, p, "args"),
				say(check, "the arguments of %s have %zu characters", p->name,
					strlen(p->args)),
				say(check, "shorten them to at most %u", LONGEST_ARGS));
	}
}

static void args_characters(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		for (const char *c = p->args; *c != '\0'; c++) {
			if (isprint((unsigned char)*c))
				continue;
			fault(check, property_at(check, p, "args"),
				say(check, "the arguments of %s hold the byte 0x%02x", p->name,
					(unsigned char)*c),
				"use printable ASCII only");
			break;
		}
	}
}

static void role_known(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (written(check, p->at, "role") && !p->control)
			fault(check, property_at(check, p, "role"),
				say(check, "%s has a role that does not exist", p->name),
				"write role = \"control\", or remove the property");
	}
}

static void control_once(struct check *check)
{
	const struct model_partition *first = NULL;

	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (!p->control)
			continue;
		if (first != NULL)
			fault(check, property_at(check, p, "role"),
				say(check,
					"%s has the role control, which %s (line %u) has already",
					p->name, first->name, first->at.line),
				say(check, "remove the role from one of the two"));
		else
			first = p;
	}
}

static size_t times_granted(const struct model_partition *partition, int device)
{
	size_t times = 0;

	for (size_t i = 0; i < partition->devices_count; i++)
		times += partition->devices[i] == device;
	return times;
}

static void device_granted_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t d = 0; d < model->devices_count; d++) {
		const struct model_partition *first = NULL;

		for (size_t i = 0; i < model->partitions_count; i++) {
			const struct model_partition *p = &model->partitions[i];

			if (times_granted(p, (int)d) == 0)
				continue;
			if (first != NULL)
				fault(check, property_at(check, p, "devices"),
					say(check, "%s is granted to %s (line %u) and to %s",
						model->devices[d].name, first->name, first->at.line,
						p->name),
					"a device has one owner: take it from one of the two, and "
					"let "
					"them talk over a channel");
			else
				first = p;
		}
	}
}

static void device_listed_twice(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (size_t d = 0; d < model->devices_count; d++)
			if (times_granted(&model->partitions[i], (int)d) > 1)
				fault(check, property_at(check, &model->partitions[i], "devices"),
					say(check, "%s lists %s more than once",
						model->partitions[i].name, model->devices[d].name),
					"list it once");
}

/* Calls `function` for every device granted to every partition. */
static void each_grant(struct check *check,
	void (*function)(struct check *check, const struct model_partition *partition,
		const struct model_device *device))
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (size_t k = 0; k < model->partitions[i].devices_count; k++)
			function(check, &model->partitions[i],
				&model->devices[model->partitions[i].devices[k]]);
}

static void grant_port(struct check *check, const struct model_partition *partition,
	const struct model_device *device)
{
	if (!device->is_port)
		fault(check, property_at(check, partition, "devices"),
			say(check, "%s lies in memory space; this version grants I/O ports only",
				device->name),
			"take it out of `devices`");
}

static void device_port(struct check *check)
{
	each_grant(check, grant_port);
}

static void grant_poweroff(struct check *check, const struct model_partition *partition,
	const struct model_device *device)
{
	const int poweroff = check->model->board.poweroff;

	if (poweroff >= 0 && device == &check->model->devices[poweroff])
		fault(check, property_at(check, partition, "devices"),
			say(check, "%s could power the node off through %s", partition->name,
				device->name),
			"take it out of `devices`; on-exit = \"shutdown\" ends the node in good "
			"order");
}

static void device_poweroff(struct check *check)
{
	each_grant(check, grant_poweroff);
}

/* The console and the poweroff device reset nothing, whatever the board says: reset-device. */
static bool is_reset(const struct check *check, const struct model_device *device)
{
	const struct model_board *board = &check->model->board;

	return board->reset >= 0 && device == &check->model->devices[board->reset] &&
	       board->reset != board->console && board->reset != board->poweroff;
}

static void grant_reset(struct check *check, const struct model_partition *partition,
	const struct model_device *device)
{
	if (is_reset(check, device))
		fault(check, property_at(check, partition, "devices"),
			say(check, "%s could reset the node through %s", partition->name,
				device->name),
			"take it out of `devices`; on-raise = \"reset\" lets the partition ask for "
			"it");
}

static void device_reset(struct check *check)
{
	each_grant(check, grant_reset);
}

static void grant_kernel(struct check *check, const struct model_partition *partition,
	const struct model_device *device)
{
	if (is_reset(check, device))
		return; /* said by device-reset */
	for (size_t i = 0; device->is_port && i < sizeof(kernel_ports) / sizeof(kernel_ports[0]);
		i++)
		if (ranges_overlap(device->reg, kernel_ports[i].ports))
			fault(check, property_at(check, partition, "devices"),
				say(check, "%s has port 0x%" PRIx64 ", %s, which the kernel keeps",
					device->name,
					device->reg.base > kernel_ports[i].ports.base
						? device->reg.base
						: kernel_ports[i].ports.base,
					kernel_ports[i].what),
				"take it out of `devices`");
}

static void device_kernel(struct check *check)
{
	each_grant(check, grant_kernel);
}

static size_t vcpus(const struct model *model, int partition)
{
	return model->partitions[partition].owned_cpus_count + framed_cpus(model, partition);
}

static void vcpu_limit(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const size_t count = vcpus(check->model, (int)i);

		if (count > MULLION_STATUS_VCPUS)
			fault(check, property_at(check, p, "cpus"),
				say(check, "%s runs on %zu CPUs; its status page holds %u vcpus",
					p->name, count, MULLION_STATUS_VCPUS),
				"share the work among several partitions");
	}
}

static bool receives(const struct model_channel *channel, int partition)
{
	for (size_t i = 0; i < channel->to_count; i++)
		if (channel->to[i] == partition)
			return true;
	return false;
}

/* The partitions at the other ends of its channels: it sees how they are. */
static size_t partners(const struct model *model, int partition)
{
	size_t count = 0;

	for (int other = 0; other < (int)model->partitions_count; other++) {
		bool partner = false;

		for (size_t i = 0; i < model->channels_count && other != partition; i++) {
			const struct model_channel *c = &model->channels[i];

			partner |= c->from == partition && receives(c, other);
			partner |= c->from == other && receives(c, partition);
		}
		count += partner;
	}
	return count;
}

/* Beyond what any partition sees: the others' consoles, the log, traces, all that restarts need. */
static size_t regions_of_control(const struct model *model)
{
	size_t count = 2 * model->partitions_count + 3; /* node, journal, exchange */

	for (size_t i = 0; i < model->cpus_count; i++)
		count += model->cpus[i].mode != 0;
	return count;
}

static size_t pages_of(const struct model_channel *channel)
{
	return channel->type == CHANNEL_QUEUING ? 2 : 1;
}

/* A service's table, and two areas for each client at either end. */
static size_t regions_of_rdma(const struct model *model, int partition)
{
	size_t count = 0;

	for (size_t i = 0; i < model->rdma_count; i++) {
		const struct model_rdma *rdma = &model->rdma[i];

		if ((int)rdma->partition == partition)
			count += 1 + 2 * rdma->clients_count;
		for (size_t k = 0; k < rdma->clients_count; k++)
			count += rdma->clients[k].partition == partition ? 2 : 0;
	}
	return count;
}

/* What the info page of a partition lists: abi.h, enum mullion_region_kind. */
static size_t regions(const struct model *model, int partition)
{
	const struct model_partition *p = &model->partitions[partition];
	size_t count = 1 + vcpus(model, partition) + (p->watchdog_ns != 0);

	count += p->control ? regions_of_control(model) : partners(model, partition);
	for (size_t i = 0; i < model->channels_count; i++) {
		const struct model_channel *channel = &model->channels[i];
		const bool is_end = channel->from == partition || receives(channel, partition);

		count += is_end || p->control ? pages_of(channel) : 0;
	}
	return count + regions_of_rdma(model, partition);
}

static void region_limit(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const size_t count = regions(check->model, (int)i);

		if (count > MULLION_MAX_REGIONS)
			fault(check, p->at,
				say(check,
					"%s sees %zu shared regions, but its info page holds %zu",
					p->name, count, (size_t)MULLION_MAX_REGIONS),
				p->control ? "it sees every channel, a queuing one by two regions: "
					     "describe fewer channels"
					   : "give it fewer channels");
	}
}

const struct rule rules_partition[] = {
	{ "partition-idle", "A partition owns a CPU or has a window.", TIER_MEANING,
		partition_idle },
	{ "partition-mixed", "A partition's CPUs are all owned or all framed.", TIER_MEANING,
		partition_mixed },
	{ "partition-limit", "There are fewer partitions than the CPU has address-space ids.",
		TIER_MEANING, partition_limit },
	{ "args-length", "A partition's arguments have at most 1023 characters.", TIER_MEANING,
		args_length },
	{ "args-characters", "A partition's arguments are printable ASCII.", TIER_MEANING,
		args_characters },
	{ "role-known", "The only role is control.", TIER_MEANING, role_known },
	{ "control-once", "At most one partition has the role control.", TIER_MEANING,
		control_once },
	{ "device-granted-twice", "A device has one owner.", TIER_MEANING, device_granted_twice },
	{ "device-listed-twice", "A partition lists a device once.", TIER_MEANING,
		device_listed_twice },
	{ "device-port", "Partitions are granted devices on I/O ports only.", TIER_MEANING,
		device_port },
	{ "device-poweroff", "No partition holds the poweroff device.", TIER_MEANING,
		device_poweroff },
	{ "device-reset", "No partition holds the reset device.", TIER_MEANING, device_reset },
	{ "device-kernel", "No partition holds a port that the kernel keeps.", TIER_MEANING,
		device_kernel },
	{ "vcpu-limit", "A partition has at most 16 vcpus.", TIER_MEANING, vcpu_limit },
	{ "region-limit", "What a partition shares fits in its info page.", TIER_MEANING,
		region_limit },
	{ NULL, NULL, TIER_COUNT, NULL },
};
