/*
 * The model's builder: one function per kind of node.
 */
#include "model_build.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool read_quantity(const struct source_property *property, uint64_t *value)
{
	const size_t cells = source_cells(property);

	*value = 0;
	if (property == NULL || (cells != 1 && cells != 2) || property->bytes % 4 != 0)
		return false;
	for (size_t i = 0; i < cells; i++)
		*value = *value << 32 | source_cell(property, i);
	return true;
}

bool read_unit(const char *name, uint64_t *value)
{
	const char *digits = strchr(name, '@');

	*value = 0;
	if (digits == NULL || digits[1] == '\0' || (digits[1] == '0' && digits[2] != '\0'))
		return false;
	while (*++digits != '\0') {
		const uint64_t digit = (uint64_t)(*digits - '0');

		if (!isdigit((unsigned char)*digits) || *value > (UINT64_MAX - digit) / 10)
			return false;
		*value = 10 * *value + digit;
	}
	return true;
}

uint64_t quantity(const struct source_node *node, const char *name)
{
	uint64_t value;

	read_quantity(source_property(node, name), &value);
	return value;
}

uint32_t quantity32(const struct source_node *node, const char *name)
{
	const uint64_t value = quantity(node, name);

	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

const char *string(const struct source_node *node, const char *name)
{
	const struct source_property *property = source_property(node, name);

	if (property == NULL || property->form != SOURCE_STRINGS)
		return NULL;
	return (const char *)property->data;
}

bool is_string(const struct source_node *node, const char *name, const char *value)
{
	const char *found = string(node, name);

	return found != NULL && strcmp(found, value) == 0;
}

uint64_t wide(const struct source_property *property, size_t index)
{
	return (uint64_t)source_cell(property, 2 * index) << 32 |
	       source_cell(property, 2 * index + 1);
}

static struct fraction fraction(const struct source_node *node, const char *name)
{
	const struct source_property *property = source_property(node, name);

	if (source_cells(property) != 4)
		return (struct fraction){ 0, 1 };
	return (struct fraction){ wide(property, 0), wide(property, 1) };
}

size_t children_count(const struct source_node *node)
{
	size_t count = 0;

	for (node = node == NULL ? NULL : node->children; node != NULL; node = node->next)
		count++;
	return count;
}

const struct source_node *target(
	const struct builder *b, const struct source_node *node, const char *name, size_t index)
{
	const struct source_property *property = source_property(node, name);

	if (index >= source_cells(property))
		return NULL;
	return source_by_phandle(b->source, source_cell(property, index));
}

bool same_place(struct location a, struct location b)
{
	return a.line == b.line && a.column == b.column && strcmp(a.file, b.file) == 0;
}

static int device_index(const struct builder *b, const struct source_node *node)
{
	for (size_t i = 0; node != NULL && i < b->model->devices_count; i++)
		if (same_place(b->model->devices[i].at, node->at))
			return (int)i;
	return -1;
}

int partition_index(const struct builder *b, const struct source_node *node)
{
	for (size_t i = 0; node != NULL && i < b->model->partitions_count; i++)
		if (same_place(b->model->partitions[i].at, node->at))
			return (int)i;
	return -1;
}

uint32_t read_ipv4(const char *text)
{
	unsigned a, b, c, d;
	char rest;

	if (text == NULL || sscanf(text, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) != 4 ||
		a > 255 || b > 255 || c > 255 || d > 255)
		return 0;
	return a << 24 | b << 16 | c << 8 | d;
}

void read_mac(const char *text, uint8_t mac[6])
{
	unsigned byte[6];
	char rest;

	if (text == NULL || strlen(text) != 17 ||
		sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2], &byte[3],
			&byte[4], &byte[5], &rest) != 6)
		return;
	for (size_t i = 0; i < 6; i++)
		mac[i] = (uint8_t)byte[i];
}

int cpu_index(const struct builder *b, uint64_t number)
{
	for (size_t i = 0; i < b->model->cpus_count; i++)
		if (b->model->cpus[i].number == number)
			return (int)i;
	return -1;
}

static int compare_cpus(const void *left, const void *right)
{
	const struct model_cpu *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

static void build_cpus(struct builder *b)
{
	const struct source_node *parent = source_child(b->source->root, "cpus");
	struct model *model = b->model;
	int used = 0;

	model->cpus = arena_array(b->arena, children_count(parent), sizeof(*model->cpus));
	for (const struct source_node *node = parent == NULL ? NULL : parent->children;
		node != NULL; node = node->next) {
		struct model_cpu *cpu = &model->cpus[model->cpus_count++];

		cpu->at = node->at;
		cpu->number = quantity32(node, "reg");
		cpu->apic_id = quantity32(node, "apic-id");
		cpu->owner = cpu->index = -1;
		if (is_string(node, "mode", "owned"))
			cpu->mode = MULLION_CPU_OWNED;
		else if (is_string(node, "mode", "framed"))
			cpu->mode = MULLION_CPU_FRAMED;
	}
	if (model->cpus_count != 0)
		qsort(model->cpus, model->cpus_count, sizeof(*model->cpus), compare_cpus);
	for (size_t i = 0; i < model->cpus_count; i++)
		if (model->cpus[i].mode != 0)
			model->cpus[i].index = used++;
}

static void build_device(struct builder *b, const struct source_node *node, bool is_port)
{
	struct model_device *device = &b->model->devices[b->model->devices_count++];
	const struct source_property *reg = source_property(node, "reg");

	device->at = node->at;
	device->name = node->name;
	device->label = node->label != NULL ? node->label : "";
	device->compatible = string(node, "compatible");
	device->is_port = is_port;
	device->owner = -1;
	if (is_port && source_cells(reg) == 2)
		device->reg = (struct range){ source_cell(reg, 0), source_cell(reg, 1) };
	if (!is_port && source_cells(reg) == 4)
		device->reg = (struct range){ wide(reg, 0), wide(reg, 1) };
}

static void build_devices(struct builder *b)
{
	const struct source_node *io = source_child(b->source->root, "io");
	const struct source_node *mmio = source_child(b->source->root, "mmio");
	const size_t count = children_count(io) + children_count(mmio);

	b->model->devices = arena_array(b->arena, count, sizeof(*b->model->devices));
	for (const struct source_node *node = io == NULL ? NULL : io->children; node != NULL;
		node = node->next)
		build_device(b, node, true);
	for (const struct source_node *node = mmio == NULL ? NULL : mmio->children; node != NULL;
		node = node->next)
		build_device(b, node, false);
}

static void build_ram(struct builder *b)
{
	struct model_board *board = &b->model->board;
	const struct source_property *reg = NULL;

	board->ram_at = board->at;
	for (const struct source_node *node = b->source->root->children; node != NULL;
		node = node->next)
		if (reg == NULL && strncmp(node->name, "memory@", strlen("memory@")) == 0)
			reg = source_property(node, "reg");
	if (reg == NULL)
		return;
	board->ram_at = reg->at;
	board->ram = arena_array(b->arena, source_cells(reg) / 4, sizeof(*board->ram));
	for (size_t i = 0; i + 4 <= source_cells(reg); i += 4)
		board->ram[board->ram_count++] =
			(struct range){ wide(reg, i / 2), wide(reg, i / 2 + 1) };
}

static void build_cpuid(struct builder *b, const struct source_node *node)
{
	const struct source_property *property = source_property(node, "cpuid");
	struct model_board *board = &b->model->board;

	board->cpuid = arena_array(b->arena, source_cells(property) / 6, sizeof(*board->cpuid));
	for (size_t i = 0; i + 6 <= source_cells(property); i += 6)
		board->cpuid[board->cpuid_count++] = (struct cpuid_leaf){
			.leaf = source_cell(property, i),
			.subleaf = source_cell(property, i + 1),
			.eax = source_cell(property, i + 2),
			.ebx = source_cell(property, i + 3),
			.ecx = source_cell(property, i + 4),
			.edx = source_cell(property, i + 5),
		};
}

static void build_qemu_arguments(struct builder *b, const struct source_node *node)
{
	const struct source_property *property = source_property(node, "qemu-arguments");
	struct model_board *board = &b->model->board;
	size_t count = 0;

	if (property == NULL || property->form != SOURCE_STRINGS)
		return;
	for (size_t i = 0; i < property->bytes; i++)
		count += property->data[i] == '\0';
	board->qemu_arguments = arena_array(b->arena, count, sizeof(*board->qemu_arguments));
	for (const char *word = (const char *)property->data; board->qemu_arguments_count < count;
		word += strlen(word) + 1)
		board->qemu_arguments[board->qemu_arguments_count++] = word;
}

static void build_board(struct builder *b)
{
	const struct source_node *node = source_child(b->source->root, "board");
	struct model_board *board = &b->model->board;

	board->at = node != NULL ? node->at : b->source->root->at;
	board->name = string(node, "model");
	board->tsc_hz = fraction(node, "tsc-frequency");
	board->timer_hz = fraction(node, "timer-frequency");
	board->timer_lead_ticks = quantity32(node, "timer-lead-ticks");
	board->switch_guard_ns = quantity(node, "switch-guard-ns");
	board->minimum_window_ns = quantity(node, "minimum-window-ns");
	board->start_delay_ns = quantity(node, "start-delay-ns");
	board->console = device_index(b, target(b, node, "console", 0));
	board->poweroff = device_index(b, target(b, node, "poweroff", 0));
	board->reset = -1;
	board->poweroff_value = (uint8_t)quantity(node, "poweroff-value");
	board->poweroff_failure = (uint8_t)quantity(node, "poweroff-failure");
	board->reset = device_index(b, target(b, node, "reset", 0));
	board->reset_value = (uint8_t)quantity(node, "reset-value");
	build_cpuid(b, node);
	build_qemu_arguments(b, node);
	build_ram(b);
}

static void build_owned_cpus(
	struct builder *b, struct model_partition *partition, const struct source_node *node)
{
	const struct source_property *cpus = source_property(node, "cpus");

	partition->owned_cpus =
		arena_array(b->arena, source_cells(cpus), sizeof(*partition->owned_cpus));
	for (size_t i = 0; i < source_cells(cpus); i++) {
		const int cpu = cpu_index(b, source_cell(cpus, i));

		if (cpu < 0)
			continue;
		partition->owned_cpus[partition->owned_cpus_count++] = (unsigned)cpu;
		if (b->model->cpus[cpu].owner < 0)
			b->model->cpus[cpu].owner = (int)(partition - b->model->partitions);
	}
}

static void build_grants(
	struct builder *b, struct model_partition *partition, const struct source_node *node)
{
	const size_t count = source_cells(source_property(node, "devices"));

	partition->devices = arena_array(b->arena, count, sizeof(*partition->devices));
	for (size_t i = 0; i < count; i++) {
		const int device = device_index(b, target(b, node, "devices", i));

		if (device < 0)
			continue;
		partition->devices[partition->devices_count++] = device;
		if (b->model->devices[device].owner < 0)
			b->model->devices[device].owner = (int)(partition - b->model->partitions);
	}
	build_function_grants(b, partition, node);
	build_interrupts(b, partition, node);
}

static void build_bounds(
	struct builder *b, struct model_partition *partition, const struct source_node *bounds)
{
	if (bounds == NULL)
		return;
	partition->bounds =
		arena_array(b->arena, bounds->properties_count, sizeof(*partition->bounds));
	for (size_t i = 0; i < bounds->properties_count; i++) {
		const struct source_property *property = &bounds->properties[i];
		const size_t length = strlen(property->name);
		struct model_bound *bound = &partition->bounds[partition->bounds_count];

		if (length <= 3 || strcmp(property->name + length - 3, "-ns") != 0)
			continue;
		bound->stream = arena_text(b->arena, property->name, length - 3);
		read_quantity(property, &bound->ns);
		partition->bounds_count++;
	}
}

static const char *find_image(struct builder *b, const char *name, const char *const *images)
{
	for (; name != NULL && images != NULL && *images != NULL; images++) {
		const size_t length = strlen(*images) + strlen(name) + 2;
		char *path = arena_alloc(b->arena, length);
		struct stat status;

		snprintf(path, length, "%s/%s", *images, name);
		if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
			return path;
	}
	return NULL;
}

static void build_partition(
	struct builder *b, const struct source_node *node, const char *const *images)
{
	struct model_partition *partition = &b->model->partitions[b->model->partitions_count++];

	partition->at = node->at;
	partition->name = node->name;
	partition->health_schedule = -1;
	partition->image = string(node, "image");
	partition->image_path = find_image(b, partition->image, images);
	partition->args = string(node, "args") != NULL ? string(node, "args") : "";
	partition->control = is_string(node, "role", "control");
	partition->memory_bytes = quantity(node, "memory");
	partition->memory_base = quantity(node, "memory-base");
	partition->memory_base_given = source_property(node, "memory-base") != NULL;
	build_owned_cpus(b, partition, node);
	build_grants(b, partition, node);
	build_health(b, partition, node);
	partition->watchdog_ns = quantity(node, "watchdog-ns");
	partition->max_gap_ns = quantity(node, "max-gap-ns");
	build_bounds(b, partition, source_child(node, "bounds"));
}

static void build_partitions(struct builder *b, const char *const *images)
{
	const struct source_node *parent = source_child(b->source->root, "partitions");

	b->model->partitions =
		arena_array(b->arena, children_count(parent), sizeof(*b->model->partitions));
	for (const struct source_node *node = parent == NULL ? NULL : parent->children;
		node != NULL; node = node->next)
		build_partition(b, node, images);
}

static int compare_windows(const void *left, const void *right)
{
	const struct model_window *a = left, *b = right;

	return (a->offset_ns > b->offset_ns) - (a->offset_ns < b->offset_ns);
}

static void build_windows(
	struct builder *b, struct model_cpu_schedule *list, const struct source_node *parent)
{
	list->windows = arena_array(b->arena, children_count(parent), sizeof(*list->windows));
	for (const struct source_node *node = parent->children; node != NULL; node = node->next) {
		struct model_window *window = &list->windows[list->windows_count];

		window->partition = partition_index(b, target(b, node, "partition", 0));
		window->at = node->at;
		window->duration_ns = quantity(node, "duration-ns");
		if (!read_unit(node->name, &window->offset_ns) || window->partition < 0)
			continue;
		list->windows_count++;
	}
	if (list->windows_count != 0)
		qsort(list->windows, list->windows_count, sizeof(*list->windows), compare_windows);
}

static void build_schedule(struct builder *b, const struct source_node *parent)
{
	struct model_schedule *schedule = &b->model->schedules[b->model->schedules_count++];

	schedule->at = parent->at;
	schedule->name = parent->name;
	schedule->major_frame_ns = quantity(parent, "major-frame-ns");
	schedule->startup = source_property(parent, "startup") != NULL;
	schedule->cpus = arena_array(b->arena, children_count(parent), sizeof(*schedule->cpus));
	for (const struct source_node *node = parent->children; node != NULL; node = node->next) {
		struct model_cpu_schedule *list = &schedule->cpus[schedule->cpus_count];
		uint64_t number;

		list->cpu = read_unit(node->name, &number) ? cpu_index(b, number) : -1;
		if (list->cpu < 0)
			continue;
		schedule->cpus_count++;
		list->at = node->at;
		list->complete = source_property(node, "complete") != NULL;
		build_windows(b, list, node);
	}
}

static void build_schedules(struct builder *b)
{
	const struct source_node *parent = source_child(b->source->root, "schedules");
	struct model *model = b->model;

	model->schedules = arena_array(b->arena, children_count(parent), sizeof(*model->schedules));
	for (const struct source_node *node = parent == NULL ? NULL : parent->children;
		node != NULL; node = node->next)
		build_schedule(b, node);
	model->startup_schedule = model->schedules_count != 0 ? 0 : -1;
	for (size_t i = model->schedules_count; i-- > 0;)
		if (model->schedules[i].startup)
			model->startup_schedule = (int)i;
}

static void build_channel(struct builder *b, const struct source_node *node)
{
	struct model_channel *channel = &b->model->channels[b->model->channels_count++];
	const size_t count = source_cells(source_property(node, "to"));

	channel->at = node->at;
	channel->name = node->name;
	channel->type = is_string(node, "type", "sampling")  ? CHANNEL_SAMPLING
			: is_string(node, "type", "queuing") ? CHANNEL_QUEUING
							     : 0;
	channel->from = partition_index(b, target(b, node, "from", 0));
	channel->to = arena_array(b->arena, count, sizeof(*channel->to));
	for (size_t i = 0; i < count; i++) {
		const int to = partition_index(b, target(b, node, "to", i));

		if (to >= 0)
			channel->to[channel->to_count++] = to;
	}
	channel->message_bytes = quantity32(node, "message-size");
	channel->refresh_ns = quantity(node, "refresh-ns");
	channel->depth = quantity32(node, "depth");
	channel->doorbell = quantity32(node, "doorbell");
}

static void build_channels(struct builder *b)
{
	const struct source_node *parent = source_child(b->source->root, "channels");

	b->model->channels = arena_array(b->arena,
		children_count(parent) + locks_channels_most(b) + rdma_channels_most(b),
		sizeof(*b->model->channels));
	for (const struct source_node *node = parent == NULL ? NULL : parent->children;
		node != NULL; node = node->next)
		build_channel(b, node);
}

int make_channel(struct builder *b, struct model_channel channel, int to)
{
	channel.made = true;
	channel.type = CHANNEL_QUEUING;
	channel.to = arena_array(b->arena, 1, sizeof(*channel.to));
	channel.to[0] = to;
	channel.to_count = 1;
	b->model->channels[b->model->channels_count] = channel;
	return (int)b->model->channels_count++;
}

void model_build(struct model *model, const struct source *source, const char *const *images)
{
	struct builder b = { model, source, source->arena };

	model->at = source->root->at;
	model->name = string(source->root, "model");
	model->source = source->path;
	build_cpus(&b);
	build_devices(&b);
	build_iommus(&b);
	build_pci(&b);
	build_board(&b);
	build_partitions(&b, images);
	build_schedules(&b);
	build_health_schedules(&b);
	build_channels(&b);
	build_locks(&b);
	build_rdma(&b);
}
