/*
 * Compares what an image allows with what its description grants.
 *
 * The invariant that is proved: no right more, no right less. What is wanted is worked out from
 * the model here once more, by the words of docs/description.md and abi.h; placement (which frame,
 * which guest address) is the compiler's choice and is judged by the proofs.
 */
#include "audit_devices.h"

#include <string.h>

#include "allocate.h"
#include "audit_locks.h"
#include <rdma/ring.h>

#include "model_locks.h"
#include "model_rdma.h"

__extension__ typedef unsigned __int128 wide;

struct wanted {
	struct audit *audit;
	const struct model *model;
};

static uint64_t pages(uint64_t bytes)
{
	return (bytes + AUDIT_PAGE - 1) & ~(AUDIT_PAGE - 1);
}

/* ---- Regions ---- */

static const char *access_name(unsigned access)
{
	return access & MULLION_WRITE ? "rw-" : "r--";
}

static bool same_region(const struct mullion_region *a, const struct mullion_region *b)
{
	return a->kind == b->kind && a->index == b->index && a->peer == b->peer;
}

struct region_list {
	struct mullion_region items[MULLION_MAX_REGIONS];
	size_t count;
};

static void want(struct region_list *list, struct mullion_region region, const char *name)
{
	if (list->count == MULLION_MAX_REGIONS)
		return; /* the compiler refuses it, and the count differs */
	strncpy(region.name, name, sizeof(region.name) - 1);
	list->items[list->count++] = region;
}

static void want_console(
	const struct model *model, struct region_list *list, unsigned p, unsigned writer)
{
	want(list,
		(struct mullion_region){ .bytes = pages(sizeof(struct mullion_console)),
			.kind = MULLION_REGION_CONSOLE,
			.access = (uint16_t)(p == writer ? MULLION_READ | MULLION_WRITE
							 : MULLION_READ),
			.peer = (uint16_t)writer },
		model->partitions[writer].name);
}

static void want_own(const struct wanted *wanted, struct region_list *list, unsigned p)
{
	const struct model *model = wanted->model;
	const struct audit_partition *partition = &wanted->audit->partitions[p];
	const char *name = model->partitions[p].name;
	const uint16_t self = (uint16_t)p;
	uint16_t i;

	for (i = 0; i < partition->table->vcpus; i++)
		want(list,
			(struct mullion_region){ .bytes = AUDIT_PAGE,
				.kind = MULLION_REGION_TIME,
				.access = MULLION_READ,
				.index = i,
				.peer = self },
			name);
	want_console(model, list, p, p);
	if (!model->partitions[p].control)
		return;
	for (i = 0; i < model->partitions_count; i++)
		if (i != p)
			want_console(model, list, p, i);
	want(list,
		(struct mullion_region){ .bytes = pages(sizeof(struct mullion_console)),
			.kind = MULLION_REGION_LOG,
			.access = MULLION_READ,
			.peer = self },
		name);
	for (i = 0; i < wanted->audit->system->cpus_count; i++)
		want(list,
			(struct mullion_region){ .bytes = pages(sizeof(struct mullion_trace)),
				.kind = MULLION_REGION_TRACE,
				.access = MULLION_READ,
				.index = i,
				.peer = self },
			name);
}

static void want_page(
	struct region_list *list, unsigned kind, unsigned index, unsigned peer, const char *name)
{
	const bool writable = kind == MULLION_REGION_WATCHDOG || kind == MULLION_REGION_EXCHANGE;

	want(list,
		(struct mullion_region){ .bytes = AUDIT_PAGE,
			.kind = (uint16_t)kind,
			.access =
				(uint16_t)(writable ? MULLION_READ | MULLION_WRITE : MULLION_READ),
			.index = (uint16_t)index,
			.peer = (uint16_t)peer },
		name);
}

static bool sends_to(const struct model_channel *channel, unsigned from, unsigned to)
{
	size_t t;

	for (t = 0; channel->from == (int)from && t < channel->to_count; t++)
		if (channel->to[t] == (int)to)
			return true;
	return false;
}

static bool are_partners(const struct model *model, unsigned p, unsigned q)
{
	size_t c;

	for (c = 0; c < model->channels_count; c++)
		if (sends_to(&model->channels[c], p, q) || sends_to(&model->channels[c], q, p))
			return true;
	return false;
}

/* How the others are doing, as far as it concerns this one; and what the kernel tells control. */
static void want_lifecycle(const struct model *model, struct region_list *list, unsigned p)
{
	const struct model_partition *partition = &model->partitions[p];
	unsigned q;

	if (partition->watchdog_ns)
		want_page(list, MULLION_REGION_WATCHDOG, 0, p, partition->name);
	for (q = 0; q < model->partitions_count; q++)
		if (partition->control || are_partners(model, p, q))
			want_page(list, MULLION_REGION_STATUS, q, q, model->partitions[q].name);
	if (!partition->control)
		return;
	want_page(list, MULLION_REGION_NODE, 0, p, partition->name);
	want_page(list, MULLION_REGION_JOURNAL, 0, p, partition->name);
	want_page(list, MULLION_REGION_EXCHANGE, 0, p, partition->name);
}

/* A header of 64 bytes, then four slots of 24 bytes and a message in whole cache lines, or `depth`
 * slots of a length and a message each. */
static uint64_t channel_bytes(const struct model_channel *channel)
{
	if (channel->type == CHANNEL_SAMPLING)
		return pages(64ull + 4 * ((24ull + channel->message_bytes + 63) & ~63ull));
	return pages(64ull + (uint64_t)channel->depth * ((channel->message_bytes + 15ull) & ~7ull));
}

static void want_end(
	const struct wanted *wanted, struct region_list *list, size_t c, unsigned peer, bool sends)
{
	const struct model_channel *channel = &wanted->model->channels[c];
	const bool sampling = channel->type == CHANNEL_SAMPLING;
	struct mullion_region region = {
		.bytes = channel_bytes(channel),
		.kind = sampling ? MULLION_REGION_SAMPLING : MULLION_REGION_QUEUING,
		.access = (uint16_t)(sends ? MULLION_READ | MULLION_WRITE : MULLION_READ),
		.index = (uint16_t)c,
		.peer = (uint16_t)peer,
		.message_bytes = channel->message_bytes,
		.depth = sampling ? 0 : channel->depth,
		.refresh_ns = sampling ? channel->refresh_ns : 0,
	};

	want(list, region, channel->name);
	if (sampling)
		return;
	region.kind = MULLION_REGION_QUEUING_READER;
	region.bytes = AUDIT_PAGE;
	region.access = (uint16_t)(sends ? MULLION_READ : MULLION_READ | MULLION_WRITE);
	want(list, region, channel->name);
}

/* What control sees of a channel that is none of its own. */
static void want_sight(const struct wanted *wanted, struct region_list *list, size_t c)
{
	const struct model_channel *channel = &wanted->model->channels[c];
	const bool sampling = channel->type == CHANNEL_SAMPLING;
	struct mullion_region region = {
		.bytes = channel_bytes(channel),
		.kind = MULLION_REGION_CHANNEL,
		.access = MULLION_READ,
		.index = (uint16_t)c,
		.peer = (uint16_t)channel->from,
		.message_bytes = channel->message_bytes,
		.depth = sampling ? 0 : channel->depth,
		.refresh_ns = sampling ? channel->refresh_ns : 0,
	};

	want(list, region, channel->name);
	if (sampling)
		return;
	region.kind = MULLION_REGION_CHANNEL_READER;
	region.bytes = AUDIT_PAGE;
	region.peer = (uint16_t)channel->to[0];
	want(list, region, channel->name);
}

/* The lock tables: for the lock partition, and for those of this node that take part. */
static void want_locks(const struct wanted *wanted, struct region_list *list, unsigned p)
{
	const struct model_locks *locks = wanted->model->locks;
	bool told = locks && locks->lockd == (int)p;
	size_t i;

	for (i = 0; locks && i < locks->participants_count; i++)
		told |= locks->participants[i].index == (int)p;
	if (told)
		want(list,
			(struct mullion_region){ .bytes = audit_locks_bytes(wanted->audit, p),
				.kind = MULLION_REGION_LOCKS,
				.access = MULLION_READ,
				.peer = (uint16_t)p },
			"locks");
}

static void want_area(struct region_list *list, unsigned index, const char *name, uint64_t bytes,
	size_t peer, bool writes)
{
	want(list,
		(struct mullion_region){ .bytes = pages(bytes),
			.kind = MULLION_REGION_AREA,
			.access = (uint16_t)(writes ? MULLION_READ | MULLION_WRITE : MULLION_READ),
			.index = (uint16_t)index,
			.peer = (uint16_t)peer },
		name);
}

/* Two areas of a client, numbered through all services: for it, and the other way round for its service. */
static void want_areas(struct region_list *list, const struct model_rdma *rdma,
	const struct model_rdma_client *client, unsigned index, unsigned p)
{
	const bool serves = rdma->partition == p;
	const size_t peer = serves ? (size_t)client->partition : rdma->partition;

	if (!serves && client->partition != (int)p)
		return;
	want_area(
		list, index, client->up, sizeof(struct rdma_up) + client->up_bytes, peer, !serves);
	want_area(list, index + 1, client->down, sizeof(struct rdma_down) + client->down_bytes,
		peer, serves);
}

/* An RDMA service's table, and the areas of clients. */
static void want_rdma(const struct model *model, struct region_list *list, unsigned p)
{
	unsigned index = 0;
	size_t s, c;

	for (s = 0; s < model->rdma_count; s++) {
		const struct model_rdma *rdma = &model->rdma[s];

		if (rdma->partition == p)
			want_page(list, MULLION_REGION_RDMA, 0, p, "rdma");
		for (c = 0; c < rdma->clients_count; c++, index += 2)
			want_areas(list, rdma, &rdma->clients[c], index, p);
	}
}

static void want_channels(const struct wanted *wanted, struct region_list *list, unsigned p)
{
	const struct model *model = wanted->model;
	size_t c, t;

	for (c = 0; c < model->channels_count; c++) {
		const struct model_channel *channel = &model->channels[c];
		bool is_end = channel->from == (int)p;

		if (is_end)
			want_end(wanted, list, c, (unsigned)channel->to[0], true);
		for (t = 0; t < channel->to_count; t++)
			if (channel->to[t] == (int)p) {
				want_end(wanted, list, c, (unsigned)channel->from, false);
				is_end = true;
			}
		if (!is_end && model->partitions[p].control)
			want_sight(wanted, list, c);
	}
}

static const struct mullion_region *find_region(
	const struct mullion_region *list, size_t count, const struct mullion_region *region)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (same_region(&list[i], region))
			return &list[i];
	return NULL;
}

static void compare_region(struct audit *audit, const struct audit_partition *partition,
	const struct mullion_region *has, const struct mullion_region *wants)
{
	if (has->access != wants->access)
		audit_find(audit, "wanted-regions", "partition %s has %s for %s, and is to have %s",
			partition->name, access_name(has->access), audit_region_name(audit, has),
			access_name(wants->access));
	if (has->bytes != wants->bytes || has->message_bytes != wants->message_bytes ||
		has->depth != wants->depth || has->refresh_ns != wants->refresh_ns ||
		strncmp(has->name, wants->name, sizeof(has->name)) != 0)
		audit_find(audit, "wanted-regions",
			"the info page of %s tells another name, size, depth or refresh period for "
			"%s than the description",
			partition->name, audit_region_name(audit, has));
}

static void compare_regions(const struct wanted *wanted, unsigned p)
{
	struct audit *audit = wanted->audit;
	const struct audit_partition *partition = &audit->partitions[p];
	const struct mullion_info *info = partition->info;
	struct region_list list = { .count = 0 };
	size_t i;

	want_own(wanted, &list, p);
	want_lifecycle(wanted->model, &list, p);
	want_channels(wanted, &list, p);
	want_locks(wanted, &list, p);
	want_rdma(wanted->model, &list, p);
	for (i = 0; info && i < list.count; i++) {
		const struct mullion_region *has =
			find_region(info->regions, info->regions_count, &list.items[i]);

		if (has)
			compare_region(audit, partition, has, &list.items[i]);
		else
			audit_find(audit, "wanted-regions", "partition %s lacks %s (%s)",
				partition->name, audit_region_name(audit, &list.items[i]),
				access_name(list.items[i].access));
	}
	for (i = 0; info && i < info->regions_count; i++)
		if (!find_region(list.items, list.count, &info->regions[i]))
			audit_find(audit, "wanted-regions",
				"partition %s has %s (%s), which nothing grants it",
				partition->name, audit_region_name(audit, &info->regions[i]),
				access_name(info->regions[i].access));
}

/* ---- Ports ---- */

static const struct model_device *device_of_port(
	const struct model *model, const struct model_partition *partition, uint32_t port)
{
	size_t d;

	for (d = 0; d < partition->devices_count; d++) {
		const struct model_device *device = &model->devices[partition->devices[d]];

		if (device->is_port && port - device->reg.base < device->reg.bytes)
			return device;
	}
	return NULL;
}

static void compare_ports(const struct wanted *wanted, unsigned p)
{
	const struct audit_partition *partition = &wanted->audit->partitions[p];
	const uint64_t bitmap = audit_address(partition->arch->io_bitmap);
	uint32_t port;

	for (port = 0; partition->io_bitmap && port < 0x10000; port++) {
		const struct model_device *device =
			device_of_port(wanted->model, &wanted->model->partitions[p], port);
		const bool open = audit_port_open(partition->io_bitmap, port);

		if (open == (device != NULL))
			continue;
		audit_find(wanted->audit, "wanted-ports",
			"partition %s %s port %#x%s%s: bit %u of the byte at %s", partition->name,
			open ? "gains" : "lacks", port, device ? " of " : "",
			device ? device->name : "", port % 8,
			audit_image_place(&wanted->audit->image, bitmap + port / 8));
	}
}

/* ---- Memory, health ---- */

static void compare_memory(const struct wanted *wanted, unsigned p)
{
	const struct model_partition *model = &wanted->model->partitions[p];
	const struct audit_partition *partition = &wanted->audit->partitions[p];

	if (partition->arch->memory_bytes != model->memory_bytes)
		audit_find(wanted->audit, "wanted-memory",
			"partition %s has %llu bytes of memory, and is to have %llu",
			partition->name, (unsigned long long)partition->arch->memory_bytes,
			(unsigned long long)model->memory_bytes);
	if (model->memory_base_given && partition->memory_base != model->memory_base)
		audit_find(wanted->audit, "wanted-memory",
			"the memory of partition %s starts at %#llx, and is to start at %#llx",
			partition->name, (unsigned long long)partition->memory_base,
			(unsigned long long)model->memory_base);
}

static void compare_table(const struct wanted *wanted, unsigned p)
{
	const struct model_partition *model = &wanted->model->partitions[p];
	const struct audit_partition *partition = &wanted->audit->partitions[p];
	const uint32_t flags = model->control ? MULLION_INFO_CONTROL : 0;
	const char *words = audit_command_line(wanted->audit, partition);

	if (words && strcmp(words, model->args ? model->args : "") != 0)
		audit_find(wanted->audit, "wanted-args",
			"partition %s gets other arguments than described: \"%s\"", partition->name,
			audit_image_text(words, 1024));
	if (strcmp(partition->name, model->name) != 0)
		audit_find(wanted->audit, "wanted-partitions",
			"partition %u is %s, and is to be %s", p, partition->name, model->name);
	if (partition->table->flags != flags)
		audit_find(wanted->audit, "wanted-role", "partition %s %s the role of control",
			partition->name, flags ? "lacks" : "gains");
}

static bool meets(const struct audit_mapping *at, const struct range *range)
{
	return at->physical < range->base + range->bytes && at->physical + at->bytes > range->base;
}

/* No device's memory may be reached but the owner's BARs. And all else must be the board's RAM. */
static void compare_frames(const struct wanted *wanted, const struct audit_claim *claim)
{
	const struct model *model = wanted->model;
	size_t d, r;

	for (d = 0; d < model->devices_count; d++)
		if (!model->devices[d].is_port && meets(&claim->at, &model->devices[d].reg))
			audit_find(wanted->audit, "wanted-devices",
				"partition %s reaches the registers of %s at %#llx (%s)",
				wanted->audit->partitions[claim->partition].name,
				model->devices[d].name, (unsigned long long)claim->at.virtual,
				audit_rights(claim->at.rights));
	audit_devices_frame(wanted->audit, claim, model);
	if (claim->kind == AUDIT_BAR)
		return;
	for (r = 0; r < model->board.ram_count; r++) {
		const struct range *ram = &model->board.ram[r];

		if (claim->at.physical >= ram->base &&
			claim->at.physical + claim->at.bytes <= ram->base + ram->bytes)
			return;
	}
	audit_find(wanted->audit, "wanted-ram",
		"partition %s reaches physical %#llx at %#llx, which is not the board's RAM",
		wanted->audit->partitions[claim->partition].name,
		(unsigned long long)claim->at.physical, (unsigned long long)claim->at.virtual);
}

/* ---- CPUs and windows ---- */

static bool has_window(const struct model *model, unsigned p, int cpu)
{
	size_t s, c, w;

	for (s = 0; s < model->schedules_count; s++)
		for (c = 0; c < model->schedules[s].cpus_count; c++)
			for (w = 0; w < model->schedules[s].cpus[c].windows_count; w++)
				if (model->schedules[s].cpus[c].cpu == cpu &&
					model->schedules[s].cpus[c].windows[w].partition == (int)p)
					return true;
	return false;
}

static bool runs_on(const struct audit *audit, unsigned p, int cpu)
{
	unsigned v;

	for (v = 0; v < audit->system->vcpus_count; v++)
		if (audit->vcpus[v].partition == p && audit->vcpus[v].cpu == cpu)
			return true;
	return false;
}

static void compare_cpu(const struct wanted *wanted, int number)
{
	const struct model_cpu *model = &wanted->model->cpus[number];
	struct audit *audit = wanted->audit;
	unsigned p;

	if (model->index < 0 || model->index >= audit->system->cpus_count)
		return;
	if (audit->cpus[model->index].hardware_id != model->apic_id ||
		audit->cpus[model->index].mode != model->mode)
		audit_find(audit, "wanted-cpus",
			"CPU %d is APIC id %u (%s), and is to be APIC id %u (%s)", model->index,
			audit->cpus[model->index].hardware_id,
			audit->cpus[model->index].mode == MULLION_CPU_OWNED ? "owned" : "framed",
			model->apic_id, model->mode == MULLION_CPU_OWNED ? "owned" : "framed");
	for (p = 0; p < audit->system->partitions_count; p++) {
		const bool wants = model->mode == MULLION_CPU_OWNED
					   ? model->owner == (int)p
					   : has_window(wanted->model, p, number);
		const bool has = runs_on(audit, p, model->index);

		if (wants != has)
			audit_find(audit, "wanted-cpus", "partition %s %s CPU %d",
				audit->partitions[p].name, has ? "gains" : "lacks", model->index);
	}
}

/* ns * hz = (whole + part / denominator) * 1e9, exactly. */
static bool is_instant(const struct wanted *wanted, const struct mullion_schedule *schedule,
	const struct mullion_ticks *ticks, uint64_t ns)
{
	const struct fraction hz = wanted->model->board.tsc_hz;
	const wide divisor = (wide)hz.denominator * 1000000000u, product = (wide)ns * hz.numerator;
	const uint64_t rest = (uint64_t)(product % divisor);

	return ticks->whole == product / divisor &&
	       (wide)ticks->part * (uint64_t)divisor == (wide)rest * schedule->denominator;
}

static void compare_windows(const struct wanted *wanted, const struct mullion_schedule *schedule,
	const struct model_schedule *model, const struct mullion_cpu_schedule *cpus, size_t c)
{
	const struct model_cpu_schedule *list = &model->cpus[c];
	const struct mullion_cpu_schedule *cpu = &cpus[wanted->model->cpus[list->cpu].index];
	const struct mullion_window *windows = audit_image_at(
		&wanted->audit->image, audit_address(cpu->windows), cpu->count * sizeof(*windows));
	size_t w;

	if (cpu->count != list->windows_count || !windows) {
		audit_find(wanted->audit, "wanted-windows",
			"CPU %d has %u windows in schedule %s, and is to have %zu",
			wanted->model->cpus[list->cpu].index, cpu->count, model->name,
			list->windows_count);
		return;
	}
	for (w = 0; w < cpu->count; w++) {
		const struct model_window *window = &list->windows[w];

		if (windows[w].vcpu >= wanted->audit->system->vcpus_count ||
			wanted->audit->vcpus[windows[w].vcpu].partition != window->partition ||
			!is_instant(wanted, schedule, &windows[w].start, window->offset_ns) ||
			!is_instant(wanted, schedule, &windows[w].end,
				window->offset_ns + window->duration_ns))
			audit_find(wanted->audit, "wanted-windows",
				"window %zu of CPU %d in schedule %s is another than the one "
				"described at %llu ns",
				w, wanted->model->cpus[list->cpu].index, model->name,
				(unsigned long long)window->offset_ns);
	}
}

static void compare_schedule(
	const struct wanted *wanted, const struct mullion_schedule *schedule, size_t s)
{
	const struct model_schedule *model = &wanted->model->schedules[s];
	const char *name = audit_string(wanted->audit, schedule->name, "a schedule's name");
	const struct mullion_cpu_schedule *cpus = audit_image_at(&wanted->audit->image,
		audit_address(schedule->cpus), wanted->audit->system->cpus_count * sizeof(*cpus));
	size_t c;

	if (strcmp(name, model->name) != 0)
		audit_find(wanted->audit, "wanted-windows", "schedule %zu is %s, and is to be %s",
			s, name, model->name);
	if (!is_instant(wanted, schedule, &schedule->frame, model->major_frame_ns))
		audit_find(wanted->audit, "wanted-windows",
			"the frame of schedule %s is not the %llu ns described", model->name,
			(unsigned long long)model->major_frame_ns);
	for (c = 0; cpus && c < model->cpus_count; c++)
		compare_windows(wanted, schedule, model, cpus, c);
}

static void compare_schedules(const struct wanted *wanted)
{
	const size_t count = wanted->model->schedules_count;
	const struct mullion_schedule *schedules = audit_image_at(&wanted->audit->image,
		audit_address(wanted->audit->system->schedules), count * sizeof(*schedules));
	const int startup = wanted->model->startup_schedule;
	size_t s;

	if (wanted->audit->system->schedules_count != count || (count && !schedules)) {
		audit_find(wanted->audit, "wanted-windows",
			"it has %u schedules, and is to have %zu",
			wanted->audit->system->schedules_count, count);
		return;
	}
	if (wanted->audit->system->startup_schedule != (startup < 0 ? 0 : startup))
		audit_find(wanted->audit, "wanted-windows", "it starts with another schedule");
	for (s = 0; s < count; s++)
		compare_schedule(wanted, &schedules[s], s);
}

/* ---- The board ---- */

static uint64_t port_of(const struct model *model, int device)
{
	return device >= 0 && model->devices[device].is_port ? model->devices[device].reg.base : 0;
}

static void compare_board(const struct wanted *wanted)
{
	const struct audit *audit = wanted->audit;
	const struct model *model = wanted->model;
	const struct model_board *board = &model->board;
	const bool granted = board->console >= 0 && model->devices[board->console].owner >= 0;

	if (strcmp(audit->name, model->name) != 0 || strcmp(audit->board, board->name) != 0)
		audit_find(wanted->audit, "wanted-name", "it is %s on %s, and is to be %s on %s",
			audit->name, audit->board, model->name, board->name);
	if (audit->arch->uart_port != port_of(model, board->console) ||
		audit->arch->uart_granted != granted ||
		audit->arch->poweroff_port != port_of(model, board->poweroff))
		audit_find(wanted->audit, "wanted-ports",
			"the kernel keeps another console or power-off port than described");
	if (board->poweroff >= 0 &&
		(audit->arch->poweroff_value != board->poweroff_value ||
			audit->arch->poweroff_failure != board->poweroff_failure))
		audit_find(wanted->audit, "wanted-ports",
			"it powers the node off with other values than described");
}

/* Rounded up: a guard is at least as long as described. */
bool audit_is_at_least(const struct fraction hz, uint64_t ticks, uint64_t ns)
{
	const wide divisor = (wide)hz.denominator * 1000000000u, product = (wide)ns * hz.numerator;

	return ticks == (uint64_t)((product + divisor - 1) / divisor);
}

/* to / from, times 2^32, whichever way it was rounded. */
static bool is_ratio(struct fraction from, struct fraction to, uint64_t multiplier)
{
	const long double ratio = (long double)to.numerator * (long double)from.denominator *
				  4294967296.0L /
				  ((long double)to.denominator * (long double)from.numerator);
	const long double wrong = (long double)multiplier - ratio;

	return wrong >= -1 && wrong <= 1;
}

static void compare_clock(const struct wanted *wanted)
{
	const struct mullion_system *system = wanted->audit->system;
	const struct arch_system_tables *arch = wanted->audit->arch;
	const struct model_board *board = &wanted->model->board;

	if (system->tsc_hz_numerator != board->tsc_hz.numerator ||
		system->tsc_hz_denominator != board->tsc_hz.denominator ||
		!is_ratio(board->tsc_hz, board->timer_hz, arch->timer_multiplier) ||
		!is_ratio(board->timer_hz, board->tsc_hz, arch->timer_inverse))
		audit_find(wanted->audit, "wanted-clock",
			"it counts on other frequencies of TSC and timer than described");
	if (!audit_is_at_least(board->tsc_hz, system->switch_guard_ticks, board->switch_guard_ns) ||
		!audit_is_at_least(
			board->tsc_hz, system->start_delay_ticks, board->start_delay_ns) ||
		arch->timer_lead_ticks != board->timer_lead_ticks)
		audit_find(wanted->audit, "wanted-clock",
			"its switch guard of %llu ticks, start delay of %llu or timer lead of %u "
			"is "
			"not as described",
			(unsigned long long)system->switch_guard_ticks,
			(unsigned long long)system->start_delay_ticks, arch->timer_lead_ticks);
}

static bool same_counts(const struct wanted *wanted)
{
	const struct mullion_system *system = wanted->audit->system;
	size_t used = 0, i;

	for (i = 0; i < wanted->model->cpus_count; i++)
		used += wanted->model->cpus[i].index >= 0;
	if (system->partitions_count == wanted->model->partitions_count &&
		system->cpus_count == used)
		return true;
	audit_find(wanted->audit, "wanted-partitions",
		"it has %u partitions on %u CPUs, and is to have %zu on %zu",
		system->partitions_count, system->cpus_count, wanted->model->partitions_count,
		used);
	return false;
}

void audit_description(struct audit *audit, const struct model *model)
{
	const struct wanted wanted = { audit, model };
	unsigned p;
	size_t i;

	compare_board(&wanted);
	compare_clock(&wanted);
	if (!same_counts(&wanted))
		return;
	for (p = 0; p < model->partitions_count; p++) {
		compare_table(&wanted, p);
		compare_memory(&wanted, p);
		compare_regions(&wanted, p);
		compare_ports(&wanted, p);
	}
	for (i = 0; i < audit->claims_count; i++)
		compare_frames(&wanted, &audit->claims[i]);
	for (i = 0; i < model->cpus_count; i++)
		compare_cpu(&wanted, (int)i);
	compare_schedules(&wanted);
	audit_wanted_lifecycle(audit, model);
	audit_devices_description(audit, model);
	audit_wanted_locks(audit, model);
	audit_wanted_rdma(audit, model);
}
