/*
 * Prints system.json: the plan for other programs. Addresses are numbers; names are the
 * description's. `mullion run` and `mullion jitter` read it, and whoever wants to.
 */
#include "emit.h"

#include <string.h>

#include "bitmap.h"
#include "emit_json.h"
#include "model_build.h"
#include "shares.h"

static const char *mode_name(int mode)
{
	return mode == MULLION_CPU_OWNED ? "owned" : "framed";
}

static json_t *cpus_json(const struct plan *plan)
{
	json_t *list = json_array();
	unsigned c;

	for (c = 0; c < plan->layout.cpus_count; c++) {
		const struct model_cpu *cpu = &plan->model->cpus[plan->layout.cpus[c]];
		json_t *item = json_pack("{s:i, s:i, s:i, s:s}", "index", (int)c, "number",
			(int)cpu->number, "apic_id", (int)cpu->apic_id, "mode",
			mode_name(cpu->mode));

		set(item, "owner",
			cpu->owner >= 0 ? text(plan->model->partitions[cpu->owner].name)
					: json_null());
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *vcpus_json(const struct plan *plan)
{
	json_t *list = json_array();
	unsigned v;

	for (v = 0; v < plan->layout.vcpus_count; v++) {
		const struct layout_vcpu *vcpu = &plan->layout.vcpus[v];

		json_array_append_new(
			list, json_pack("{s:i, s:s, s:i, s:i}", "vcpu", (int)v, "partition",
				      plan->model->partitions[vcpu->partition].name, "index",
				      (int)vcpu->index, "cpu", (int)vcpu->cpu));
	}
	return list;
}

static const char *kind_name(unsigned kind)
{
	static const char *const names[] = { "?", "time", "console", "log", "trace", "sampling",
		"queuing", "queuing-reader", "status", "node", "watchdog", "exchange", "journal",
		"channel", "channel-reader", "locks", "rdma", "area" };

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[0];
}

static json_t *region_json(const struct plan *plan, const struct layout_region *region)
{
	json_t *item = json_pack("{s:s, s:s, s:i, s:s, s:o, s:o, s:s}", "kind",
		kind_name(region->info.kind), "name", region->info.name, "index",
		(int)region->info.index, "peer", plan->model->partitions[region->info.peer].name,
		"gpa", number(region->info.gpa), "bytes", number(region->info.bytes), "access",
		region->info.access & MULLION_WRITE ? "read-write" : "read-only");

	if (region->block >= 0)
		set(item, "base", number(plan->layout.blocks[region->block].memory.base));
	else
		set(item, "kernel_object", text(region->object));
	return item;
}

static json_t *segments_json(const struct layout_partition *partition)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < partition->image.segments_count; i++) {
		const struct image_segment *segment = &partition->image.segments[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:o}", "gpa", number(segment->address),
				      "base", number(partition->memory.base + segment->address),
				      "file_bytes", number(segment->file_bytes), "memory_bytes",
				      number(segment->memory_bytes)));
	}
	return list;
}

static json_t *devices_json(const struct plan *plan, const struct model_partition *partition)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < partition->devices_count; i++) {
		const struct model_device *device = &plan->model->devices[partition->devices[i]];

		json_array_append_new(list,
			json_pack("{s:s, s:s, s:o, s:o}", "name", device->name, "space",
				device->is_port ? "port" : "memory", "base",
				number(device->reg.base), "bytes", number(device->reg.bytes)));
	}
	return list;
}

static json_t *bounds_json(const struct model_partition *partition)
{
	json_t *bounds = json_object();
	size_t i;

	for (i = 0; i < partition->bounds_count; i++)
		set(bounds, partition->bounds[i].stream, number(partition->bounds[i].ns));
	return bounds;
}

static json_t *actions_json(const struct model_partition *partition)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; i < MULLION_EVENT_COUNT; i++)
		set(object, event_properties[i] + strlen("on-"),
			text(action_names[partition->actions[i]]));
	return object;
}

static json_t *escalation_json(const struct model_partition *partition)
{
	if (!partition->escalate_count)
		return json_null();
	return json_pack("{s:i, s:o, s:s}", "count", (int)partition->escalate_count, "within_ns",
		number(partition->escalate_within_ns), "action",
		action_names[partition->escalate_action]);
}

/* What answers its events, and what its life needs. */
static void set_health(json_t *item, const struct plan *plan, size_t p)
{
	const struct model_partition *partition = &plan->model->partitions[p];
	const struct range pristine = plan->layout.partitions[p].pristine;
	const int schedule = partition->health_schedule;

	set(item, "actions", actions_json(partition));
	set(item, "escalate", escalation_json(partition));
	set(item, "health_schedule",
		schedule >= 0 ? text(plan->model->schedules[schedule].name) : json_null());
	set(item, "watchdog_ns", number(partition->watchdog_ns));
	set(item, "max_gap_ns", number(partition->max_gap_ns));
	set(item, "status", json_sprintf("status_pages[%zu]", p));
	set(item, "pristine", pristine.bytes ? range_json(pristine) : json_null());
}

static json_t *partition_json(const struct plan *plan, size_t p)
{
	const struct model_partition *partition = &plan->model->partitions[p];
	const struct layout_partition *placed = &plan->layout.partitions[p];
	json_t *item = json_object(), *regions = json_array();
	size_t i;

	set(item, "name", text(partition->name));
	set(item, "control", json_boolean(partition->control));
	set(item, "image", text(partition->image));
	set(item, "args", text(partition->args ? partition->args : ""));
	set(item, "memory", range_json(placed->memory));
	set(item, "first_vcpu", number(placed->first_vcpu));
	set(item, "vcpus", number(placed->vcpus));
	set(item, "entry_gpa", number(placed->image.entry));
	set(item, "asid", number(p + 1));
	set(item, "segments", segments_json(placed));
	set(item, "devices", devices_json(plan, partition));
	set(item, "functions", functions_of_json(plan, p));
	set(item, "bounds", bounds_json(partition));
	set_health(item, plan, p);
	for (i = 0; i < placed->regions_count; i++)
		json_array_append_new(regions, region_json(plan, &placed->regions[i]));
	set(item, "regions", regions);
	return item;
}

static json_t *partitions_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t p;

	for (p = 0; p < plan->model->partitions_count; p++)
		json_array_append_new(list, partition_json(plan, p));
	return list;
}

static json_t *ticks_json(const struct mullion_ticks *ticks)
{
	return json_pack("[o, o]", number(ticks->whole), number(ticks->part));
}

static json_t *windows_json(const struct plan *plan, const struct model_cpu_schedule *list,
	const struct plan_cpu_schedule *planned)
{
	json_t *windows = json_array();
	size_t w;

	for (w = 0; w < list->windows_count; w++) {
		const struct model_window *window = &list->windows[w];

		json_array_append_new(
			windows, json_pack("{s:s, s:o, s:o, s:o, s:o, s:i}", "partition",
					 plan->model->partitions[window->partition].name,
					 "offset_ns", number(window->offset_ns), "duration_ns",
					 number(window->duration_ns), "start_ticks",
					 ticks_json(&planned->windows[w].start), "end_ticks",
					 ticks_json(&planned->windows[w].end), "vcpu",
					 (int)planned->windows[w].vcpu));
	}
	return windows;
}

static json_t *shares_json(const struct plan *plan, const struct model_schedule *schedule,
	const struct model_cpu_schedule *list)
{
	json_t *shares = json_array();
	size_t p;

	for (p = 0; p < plan->model->partitions_count; p++) {
		const struct share share = share_of(schedule, list, (int)p);

		if (share.windows)
			json_array_append_new(shares,
				json_pack("{s:s, s:o, s:o, s:o, s:o}", "partition",
					plan->model->partitions[p].name, "windows",
					number(share.windows), "time_ns", number(share.time_ns),
					"worst_gap_ns", number(share.worst_gap_ns),
					"worst_gap_at_ns", number(share.worst_gap_at_ns)));
	}
	return shares;
}

static json_t *schedule_json(const struct plan *plan, size_t s)
{
	const struct model_schedule *schedule = &plan->model->schedules[s];
	const struct plan_schedule *planned = &plan->schedules[s];
	json_t *cpus = json_array();
	size_t c;

	for (c = 0; c < schedule->cpus_count; c++) {
		const struct model_cpu_schedule *list = &schedule->cpus[c];
		const int index = plan->model->cpus[list->cpu].index;

		json_array_append_new(cpus,
			json_pack("{s:i, s:b, s:o, s:o}", "cpu", index, "complete", list->complete,
				"windows", windows_json(plan, list, &planned->cpus[index]),
				"shares", shares_json(plan, schedule, list)));
	}
	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o}", "name", schedule->name, "startup",
		(int)s == plan->model->startup_schedule, "major_frame_ns",
		number(schedule->major_frame_ns), "frame_ticks", ticks_json(&planned->frame),
		"tick_denominator", number(plan->denominator), "cpus", cpus);
}

static json_t *schedules_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t s;

	for (s = 0; s < plan->model->schedules_count; s++)
		json_array_append_new(list, schedule_json(plan, s));
	return list;
}

static json_t *channels_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t i, t;

	for (i = 0; i < plan->model->channels_count; i++) {
		const struct model_channel *channel = &plan->model->channels[i];
		json_t *to = json_array();

		for (t = 0; t < channel->to_count; t++)
			json_array_append_new(
				to, text(plan->model->partitions[channel->to[t]].name));
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", channel->name,
				"type", channel->type == CHANNEL_SAMPLING ? "sampling" : "queuing",
				"from", plan->model->partitions[channel->from].name, "to", to,
				"message_bytes", number(channel->message_bytes), "refresh_ns",
				number(channel->refresh_ns), "depth", number(channel->depth),
				"doorbell",
				channel->doorbell ? number(channel->doorbell) : json_null()));
	}
	return list;
}

static json_t *blocks_json(const struct plan *plan)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < plan->layout.blocks_count; i++) {
		json_t *item = range_json(plan->layout.blocks[i].memory);

		set(item, "name", text(plan->layout.blocks[i].name));
		json_array_append_new(list, item);
	}
	return list;
}

/* What every partition reads and writes without an exit. */
static json_t *msrs_json(void)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < bitmap_msrs_count; i++)
		json_array_append_new(list,
			json_pack("{s:o, s:s, s:s, s:s}", "msr", number(bitmap_msrs[i].msr), "name",
				bitmap_msrs[i].name, "access",
				bitmap_msrs[i].access & MULLION_WRITE ? "read-write" : "read-only",
				"why", bitmap_msrs[i].why));
	return list;
}

static json_t *kernel_json(const struct plan *plan)
{
	const struct layout *layout = &plan->layout;

	return json_pack("{s:o, s:o, s:o, s:o}", "trampoline",
		range_json((struct range){ LAYOUT_TRAMPOLINE, PAGING_4K }), "text",
		range_json((struct range){ X86_KERNEL_TEXT, X86_KERNEL_RODATA - X86_KERNEL_TEXT }),
		"tables",
		range_json(
			(struct range){ X86_KERNEL_RODATA, layout->data_base - X86_KERNEL_RODATA }),
		"data",
		range_json(
			(struct range){ layout->data_base, layout->data_end - layout->data_base }));
}

static json_t *arguments_json(const struct model_board *board)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < board->qemu_arguments_count; i++)
		json_array_append_new(list, text(board->qemu_arguments[i]));
	return list;
}

/*
 * What QEMU must be given so that the board's CPUs and RAM exist: APIC ids are contiguous from 0,
 * and machine q35 moves what does not fit below 2.75 GiB from 2 GiB on to 4 GiB.
 */
static json_t *qemu_json(const struct plan *plan)
{
	const uint64_t low_limit = 0xb0000000ull, split = 0x80000000ull, high = 0x100000000ull;
	uint64_t end = 0, bytes;
	unsigned smp = 0, c;
	size_t i;

	for (i = 0; i < plan->model->board.ram_count; i++) {
		const struct range *ram = &plan->model->board.ram[i];

		if (ram->base + ram->bytes > end)
			end = ram->base + ram->bytes;
	}
	bytes = end <= low_limit ? end : split + (end > high ? end - high : 0);
	for (c = 0; c < plan->layout.cpus_count; c++)
		if (plan->model->cpus[plan->layout.cpus[c]].apic_id >= smp)
			smp = plan->model->cpus[plan->layout.cpus[c]].apic_id + 1;
	return json_pack("{s:i, s:o, s:o}", "smp", (int)smp, "memory_mib",
		number((bytes + 0xfffff) >> 20), "arguments", arguments_json(&plan->model->board));
}

static json_t *fraction_json(struct fraction fraction)
{
	return json_pack("[o, o]", number(fraction.numerator), number(fraction.denominator));
}

static json_t *reset_json(const struct model *model)
{
	const struct model_board *board = &model->board;

	if (board->reset < 0)
		return json_null();
	return json_pack("{s:o, s:i}", "port", number(model->devices[board->reset].reg.base),
		"value", (int)board->reset_value);
}

static json_t *plan_json(const struct plan *plan)
{
	const struct model_board *board = &plan->model->board;
	json_t *root = json_object();

	set(root, "name", text(plan->model->name));
	set(root, "board", text(board->name));
	set(root, "abi_version", number(MULLION_ABI_VERSION));
	set(root, "tsc_hz", fraction_json(board->tsc_hz));
	set(root, "timer_hz", fraction_json(board->timer_hz));
	set(root, "switch_guard_ticks", number(plan->switch_guard_ticks));
	set(root, "start_delay_ticks", number(plan->start_delay_ticks));
	set(root, "poweroff_value", number(board->poweroff_value));
	set(root, "poweroff_failure", number(board->poweroff_failure));
	set(root, "reset", reset_json(plan->model));
	set(root, "journal", range_json(plan->layout.journal));
	set(root, "image_id", json_sprintf("%016llx", (unsigned long long)plan->image_id));
	set(root, "qemu", qemu_json(plan));
	set(root, "kernel", kernel_json(plan));
	set(root, "msrs", msrs_json());
	set(root, "cpus", cpus_json(plan));
	set(root, "partitions", partitions_json(plan));
	set(root, "vcpus", vcpus_json(plan));
	set(root, "schedules", schedules_json(plan));
	set(root, "channels", channels_json(plan));
	set(root, "shared", blocks_json(plan));
	set(root, "ecam", ecam_json(plan));
	set(root, "iommus", iommus_json(plan));
	set(root, "functions", functions_json(plan));
	if (plan->model->locks)
		set(root, "locks", locks_json(plan));
	if (plan->model->rdma_count)
		set(root, "rdma", rdma_json(plan));
	return root;
}

void emit_json(FILE *out, const struct plan *plan)
{
	json_t *root = plan_json(plan);

	json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
