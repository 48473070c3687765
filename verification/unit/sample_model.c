/*
 * The hand-built deployment. Static data, copied for each test so that tests may change it.
 */
#include "sample_model.h"

#include <stdlib.h>
#include <string.h>

static struct cpuid_leaf leaves[] = {
	{ 0x00000000, 0, 0x0000000d, 0x68747541, 0x444d4163, 0x69746e65 },
	{ 0x00000001, 0, 0x00060fb1, 0x00070800, 0xf6d8320b, 0x1fcbfbfd },
	{ 0x00000006, 0, 0x00000004, 0, 0, 0 },
	{ 0x00000007, 0, 0x00000000, 0x01d843a9, 0x8001020c, 0 },
	{ 0x0000000b, 0, 0, 0x00000001, 0x00000100, 0 },
	{ 0x0000000b, 1, 3, 0x00000007, 0x00000201, 0 },
	{ 0x0000000d, 0, 0x0000021f, 0x00000240, 0x00000a88, 0 },
	{ 0x80000000, 0, 0x8000000a, 0x68747541, 0x444d4163, 0x69746e65 },
	{ 0x80000001, 0, 0x00060fb1, 0, 0x00000077, 0xedd3fbfd },
	{ 0x80000002, 0, 0x554d4551, 0x47435420, 0x55504320, 0x72657620 },
	{ 0x80000007, 0, 0, 0, 0, 0 },
	{ 0x80000008, 0, 0x00003928, 0, 0x00003006, 0 },
	{ 0x8000000a, 0, 0x00000001, 0x00000010, 0, 0x10010001 },
};

static struct range ram[] = { { 0, 0xa0000 }, { 0x100000, 0x1ff00000 } };

static struct model_cpu cpus[] = {
	{ .number = 0, .apic_id = 0, .mode = MULLION_CPU_FRAMED, .index = 0, .owner = -1 },
	{ .number = 1, .apic_id = 2, .mode = MULLION_CPU_OWNED, .index = 1, .owner = 1 },
	{ .number = 2, .apic_id = 4, .index = -1, .owner = -1 },
};

static struct model_device devices[] = {
	{ .name = "debugcon@e9", .is_port = true, .reg = { 0xe9, 1 }, .owner = -1 },
	{ .name = "debug-exit@f4", .is_port = true, .reg = { 0xf4, 4 }, .owner = -1 },
	{ .name = "serial@3f8", .is_port = true, .reg = { 0x3f8, 8 }, .owner = 0 },
};

static unsigned probe_cpus[] = { 1 };
static int control_devices[] = { 2 };

#define ACTIONS                                                                                    \
	{                                                                                          \
		2, 0, 1, 1, 2, 0, 0, 2                                                             \
	}
static struct model_partition partitions[] = {
	{ .name = "control",
		.image = "control.elf",
		.control = true,
		.memory_bytes = 8 << 20,
		.devices = control_devices,
		.devices_count = 1,
		.actions = ACTIONS },
	{ .name = "probe",
		.image = "jitter.elf",
		.args = "period-ns=100000",
		.memory_bytes = 16 << 20,
		.owned_cpus = probe_cpus,
		.owned_cpus_count = 1,
		.actions = ACTIONS },
	{ .name = "nav",
		.image = "nav.elf",
		.memory_bytes = 8 << 20,
		.actions = ACTIONS,
		.escalate_count = 3,
		.escalate_within_ns = 1000000000,
		.escalate_action = MULLION_ACTION_RESET,
		.watchdog_ns = 50000000 },
	{ .name = "hog",
		.image = "hog.elf",
		.args = "exits",
		.memory_bytes = 8 << 20,
		.actions = ACTIONS },
};

static struct model_window windows[] = {
	{ .offset_ns = 0, .duration_ns = 2000000, .partition = 0 },
	{ .offset_ns = 2000000, .duration_ns = 3000000, .partition = 2 },
	{ .offset_ns = 5000000, .duration_ns = 5000000, .partition = 3 },
};
static struct model_cpu_schedule cpu_schedules[] = {
	{ .cpu = 0, .complete = true, .windows = windows, .windows_count = 3 },
};
static struct model_schedule schedules[] = {
	{ .name = "normal",
		.major_frame_ns = 10000000,
		.startup = true,
		.cpus = cpu_schedules,
		.cpus_count = 1 },
};

static int pose_to[] = { 1 }, orders_to[] = { 3 };
static struct model_channel channels[] = {
	{ .name = "pose",
		.type = CHANNEL_SAMPLING,
		.from = 2,
		.to = pose_to,
		.to_count = 1,
		.message_bytes = 64,
		.refresh_ns = 20000000,
		.doorbell = 0x70 },
	{ .name = "orders",
		.type = CHANNEL_QUEUING,
		.from = 0,
		.to = orders_to,
		.to_count = 1,
		.message_bytes = 100,
		.depth = 64 },
};

static void *copy(const void *array, size_t bytes)
{
	void *new = malloc(bytes);

	if (!new)
		abort();
	return memcpy(new, array, bytes);
}

#define TAKE(field, array)                                                                         \
	(model->field = copy(array, sizeof(array)),                                                \
		model->field##_count = sizeof(array) / sizeof((array)[0]))

struct model *sample_model(void)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		abort();
	model->name = "sample";
	model->source = "sample.dts";
	model->board = (struct model_board){ .name = "qemu-q35",
		.tsc_hz = { 1000000000, 1 },
		.timer_hz = { 1000000000, 1 },
		.switch_guard_ns = 1000,
		.minimum_window_ns = 10000,
		.start_delay_ns = 1000000,
		.console = 2,
		.poweroff = 1,
		.reset = -1,
		.poweroff_value = 0x10,
		.poweroff_failure = 0x11 };
	TAKE(board.cpuid, leaves);
	TAKE(board.ram, ram);
	TAKE(cpus, cpus);
	TAKE(devices, devices);
	TAKE(partitions, partitions);
	TAKE(schedules, schedules);
	TAKE(channels, channels);
	model->schedules[0].cpus = copy(cpu_schedules, sizeof(cpu_schedules));
	model->schedules[0].cpus[0].windows = copy(windows, sizeof(windows));
	return model;
}

void sample_model_free(struct model *model)
{
	size_t p;

	free(model->schedules[0].cpus[0].windows);
	free(model->schedules[0].cpus);
	free(model->schedules);
	free(model->channels);
	for (p = 0; p < model->partitions_count; p++)
		free(model->partitions[p].interrupts);
	free(model->functions);
	free(model->iommus);
	free(model->partitions);
	free(model->devices);
	free(model->cpus);
	free(model->board.ram);
	free(model->board.cpuid);
	free(model);
}
