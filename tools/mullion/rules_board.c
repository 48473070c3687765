/*
 * Rules about the board: clocks, memory, devices, CPUID.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

#define SLOWEST_HZ         1000000ull
#define FASTEST_HZ         100000000000ull
#define LONGEST_LEAD_TICKS 100000u

static const struct fraction *clock_of(const struct check *check, bool timer)
{
	return timer ? &check->model->board.timer_hz : &check->model->board.tsc_hz;
}

static const char *const clock_names[] = { "tsc-frequency", "timer-frequency" };

static void frequency_denominator(struct check *check)
{
	for (int i = 0; i < 2; i++)
		if (clock_of(check, i)->denominator == 0)
			fault(check, place(check, check->model->board.at, clock_names[i]),
				say(check, "the denominator of `%s` is 0", clock_names[i]),
				"write 1 as the second number where the frequency is whole");
}

static void frequency_range(struct check *check)
{
	for (int i = 0; i < 2; i++) {
		const struct fraction *hz = clock_of(check, i);

		if (hz->denominator == 0 || (hz->numerator / hz->denominator >= SLOWEST_HZ &&
						    hz->numerator / hz->denominator <= FASTEST_HZ))
			continue;
		fault(check, place(check, check->model->board.at, clock_names[i]),
			say(check, "`%s` is %" PRIu64 "/%" PRIu64 " Hz, outside 1 MHz to 100 GHz",
				clock_names[i], hz->numerator, hz->denominator),
			"give it in hertz: 1 GHz is <1000000000 1>");
	}
}

static void timer_lead(struct check *check)
{
	const struct model_board *board = &check->model->board;

	if (board->timer_lead_ticks > LONGEST_LEAD_TICKS)
		fault(check, place(check, board->at, "timer-lead-ticks"),
			say(check, "timer-lead-ticks is %" PRIu32 ", longer than any arming path",
				board->timer_lead_ticks),
			say(check, "measure the path; at most %u", LONGEST_LEAD_TICKS));
}

static void guard_window(struct check *check)
{
	const struct model_board *board = &check->model->board;

	if (board->switch_guard_ns >= board->minimum_window_ns && board->minimum_window_ns != 0)
		fault(check, place(check, board->at, "switch-guard-ns"),
			say(check, "the guard of %s eats the shortest window of %s whole",
				say_ns(check, board->switch_guard_ns),
				say_ns(check, board->minimum_window_ns)),
			"shorten switch-guard-ns or raise minimum-window-ns");
}

static const struct model_device *device(const struct check *check, int index)
{
	return index < 0 ? NULL : &check->model->devices[index];
}

static void console_device(struct check *check)
{
	const struct model_device *console = device(check, check->model->board.console);

	if (console == NULL)
		return;
	if (!console->is_port || console->compatible == NULL ||
		strcmp(console->compatible, "ns16550a") != 0 || console->reg.bytes < 8)
		fault(check, place(check, check->model->board.at, "console"),
			say(check, "the kernel cannot write to %s", console->name),
			"name an ns16550a with 8 ports, or remove `console`");
}

static void poweroff_device(struct check *check)
{
	const struct model_device *poweroff = device(check, check->model->board.poweroff);

	if (poweroff != NULL && !poweroff->is_port)
		fault(check, place(check, check->model->board.at, "poweroff"),
			say(check, "%s has no I/O port to write to", poweroff->name),
			"name a device in `io`, or remove `poweroff`");
}

static void poweroff_value(struct check *check)
{
	static const char *const names[] = { "poweroff-value", "poweroff-failure" };
	const struct source_node *board = node_at(check, check->model->board.at);

	for (size_t i = 0; i < 2; i++) {
		const struct source_property *value = source_property(board, names[i]);

		if (value == NULL && check->model->board.poweroff >= 0)
			fault(check, place(check, check->model->board.at, "poweroff"),
				say(check, "`poweroff` is given without `%s`", names[i]),
				say(check, "add %s = <...>", names[i]));
		if (value != NULL && source_cells(value) == 1 && source_cell(value, 0) > UINT8_MAX)
			fault(check, value->at,
				say(check, "`%s` is %" PRIu32 ", more than a byte", names[i],
					source_cell(value, 0)),
				"write a value from 0 to 255");
	}
}

static void poweroff_distinct(struct check *check)
{
	const struct model_board *board = &check->model->board;

	if (board->poweroff >= 0 && board->poweroff_value == board->poweroff_failure &&
		written(check, board->at, "poweroff-value") &&
		written(check, board->at, "poweroff-failure"))
		fault(check, place(check, board->at, "poweroff-failure"),
			say(check, "success and failure both write 0x%x", board->poweroff_value),
			"give poweroff-failure another value, so that scripts can tell them apart");
}

static void reset_device(struct check *check)
{
	const struct model_board *board = &check->model->board;
	const struct model_device *reset = device(check, board->reset);

	if (reset == NULL)
		return;
	if (!reset->is_port)
		fault(check, place(check, board->at, "reset"),
			say(check, "%s has no I/O port to write to", reset->name),
			"name a device in `io`, or remove `reset`");
	else if (board->reset == board->console || board->reset == board->poweroff)
		fault(check, place(check, board->at, "reset"),
			say(check, "%s is the `%s` already: what is written there does not reset",
				reset->name,
				board->reset == board->console ? "console" : "poweroff"),
			"name the device that resets the board, or remove `reset`");
}

static void reset_value(struct check *check)
{
	const struct source_node *board = node_at(check, check->model->board.at);
	const struct source_property *value = source_property(board, "reset-value");

	if (value == NULL && check->model->board.reset >= 0)
		fault(check, place(check, check->model->board.at, "reset"),
			"`reset` is given without `reset-value`", "add reset-value = <...>");
	if (value != NULL && source_cells(value) == 1 && source_cell(value, 0) > UINT8_MAX)
		fault(check, value->at,
			say(check, "`reset-value` is %" PRIu32 ", more than a byte",
				source_cell(value, 0)),
			"write a value from 0 to 255");
}

static void memory_node(struct check *check)
{
	const struct source_node *first = NULL;

	for (const struct source_node *node = check->source->root->children; node != NULL;
		node = node->next) {
		if (strncmp(node->name, "memory@", strlen("memory@")) != 0)
			continue;
		if (first != NULL)
			fault(check, node->at, say(check, "%s is a second memory node", node->name),
				say(check, "add its ranges to `reg` of %s", first->name));
		else
			first = node;
	}
}

static void ram_size(struct check *check)
{
	for (size_t i = 0; i < check->model->board.ram_count; i++) {
		const struct range ram = check->model->board.ram[i];

		if (ram.bytes == 0 || ram.bytes > UINT64_MAX - ram.base)
			fault(check, check->model->board.ram_at,
				say(check, "the memory at 0x%" PRIx64 " has 0x%" PRIx64 " bytes",
					ram.base, ram.bytes),
				"give it a size that is not 0 and ends below 2^64");
	}
}

static void ram_alignment(struct check *check)
{
	for (size_t i = 0; i < check->model->board.ram_count; i++) {
		const struct range ram = check->model->board.ram[i];

		if ((ram.base | ram.bytes) % MULLION_PAGE_BYTES != 0)
			fault(check, check->model->board.ram_at,
				say(check, "the memory %s does not consist of whole pages",
					say_range(check, ram)),
				"round its start up and its end down to multiples of 0x1000");
	}
}

static void ram_overlap(struct check *check)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->ram_count; i++)
		for (size_t k = i + 1; k < board->ram_count; k++)
			if (ranges_overlap(board->ram[i], board->ram[k]))
				fault(check, board->ram_at,
					say(check, "the memory %s overlaps the memory %s",
						say_range(check, board->ram[k]),
						say_range(check, board->ram[i])),
					"list every byte once");
}

static void ram_kernel(struct check *check)
{
	const struct range kernel = { MODEL_KERNEL_BASE, MODEL_KERNEL_RESERVED_BYTES };
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->ram_count; i++)
		if (board->ram[i].base <= kernel.base &&
			range_end(board->ram[i]) >= range_end(kernel))
			return;
	if (board->ram_count == 0)
		return; /* said by node-missing or property-type */
	fault(check, board->ram_at,
		say(check, "no memory holds the kernel's %s", say_range(check, kernel)),
		"describe a board with memory there");
}

static void port_range(struct check *check)
{
	for (size_t i = 0; i < check->model->devices_count; i++) {
		const struct model_device *d = &check->model->devices[i];

		if (d->is_port && (d->reg.bytes == 0 || range_end(d->reg) > 0x10000))
			fault(check, place(check, d->at, "reg"),
				say(check, "the ports %s of %s do not exist",
					say_range(check, d->reg), d->name),
				"name at least one port, all below 0x10000");
	}
}

static void mmio_range(struct check *check)
{
	for (size_t i = 0; i < check->model->devices_count; i++) {
		const struct model_device *d = &check->model->devices[i];

		if (!d->is_port && (d->reg.bytes == 0 || d->reg.bytes > UINT64_MAX - d->reg.base))
			fault(check, place(check, d->at, "reg"),
				say(check, "%s has 0x%" PRIx64 " bytes at 0x%" PRIx64, d->name,
					d->reg.bytes, d->reg.base),
				"give it a size that is not 0 and ends below 2^64");
	}
}

static void device_overlap(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->devices_count; i++)
		for (size_t k = i + 1; k < model->devices_count; k++) {
			const struct model_device *a = &model->devices[i], *b = &model->devices[k];

			if (a->is_port == b->is_port && ranges_overlap(a->reg, b->reg))
				fault(check, place(check, b->at, "reg"),
					say(check, "%s %s overlaps %s %s", b->name,
						say_range(check, b->reg), a->name,
						say_range(check, a->reg)),
					"give every address one device");
		}
}

static void device_ram(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->devices_count; i++)
		for (size_t k = 0; k < model->board.ram_count; k++) {
			const struct model_device *d = &model->devices[i];

			if (!d->is_port && ranges_overlap(d->reg, model->board.ram[k]))
				fault(check, place(check, d->at, "reg"),
					say(check, "%s %s lies in the memory %s", d->name,
						say_range(check, d->reg),
						say_range(check, model->board.ram[k])),
					"shorten the memory or move the device");
		}
}

static struct location cpuid_at(const struct check *check)
{
	return place(check, check->model->board.at, "cpuid");
}

static const struct cpuid_leaf *cpuid_find(
	const struct check *check, uint32_t leaf, uint32_t subleaf)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->cpuid_count; i++)
		if (board->cpuid[i].leaf == leaf && board->cpuid[i].subleaf == subleaf)
			return &board->cpuid[i];
	return NULL;
}

/* One more than the highest physical address, AMD APM 3, E.4.7; 0: not known. */
static uint64_t address_end(const struct check *check)
{
	const struct cpuid_leaf *row = cpuid_find(check, 0x80000008, 0);
	const uint32_t bits = row == NULL ? 0 : row->eax & 0xff;

	return bits < 64 ? (1ull << bits) & ~1ull : 0;
}

static void must_be_reached(
	struct check *check, struct location at, const char *name, struct range range)
{
	const uint64_t end = address_end(check);

	if (end != 0 && range_end(range) > end)
		fault(check, at,
			say(check, "%s %s ends above 0x%" PRIx64 ", where the CPU's addresses end",
				name, say_range(check, range), end),
			"correct the address: its high half comes first");
}

static void address_width(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->board.ram_count; i++)
		must_be_reached(check, model->board.ram_at, "the memory", model->board.ram[i]);
	for (size_t i = 0; i < model->devices_count; i++)
		must_be_reached(check, place(check, model->devices[i].at, "reg"),
			model->devices[i].name, model->devices[i].reg);
	must_be_reached(check, model->ecam_at, "the configuration space", model->ecam);
	for (size_t i = 0; i < model->iommus_count; i++)
		must_be_reached(check, place(check, model->iommus[i].at, "reg"),
			model->iommus[i].name, model->iommus[i].reg);
	for (size_t i = 0; i < model->functions_count; i++)
		for (size_t k = 0; k < model->functions[i].bars_count; k++)
			must_be_reached(check, place(check, model->functions[i].at, "bars"),
				say(check, "BAR %u of %s", model->functions[i].bars[k].index,
					model->functions[i].name),
				model->functions[i].bars[k].reg);
}

static void cpuid_leaf(struct check *check)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->cpuid_count; i++)
		if ((board->cpuid[i].leaf & 0x7fffffe0) != 0)
			fault(check, cpuid_at(check),
				say(check, "leaf 0x%" PRIx32 " has no place in the kernel's table",
					board->cpuid[i].leaf),
				"keep to leaves 0 to 0x1f and 0x80000000 to 0x8000001f");
}

static void cpuid_twice(struct check *check)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->cpuid_count; i++) {
		const struct cpuid_leaf *row = &board->cpuid[i];

		if (cpuid_find(check, row->leaf, row->subleaf) != row)
			fault(check, cpuid_at(check),
				say(check,
					"leaf 0x%" PRIx32 " subleaf %" PRIu32 " is answered twice",
					row->leaf, row->subleaf),
				"remove one of the two rows");
	}
}

static void cpuid_subleaf(struct check *check)
{
	const struct model_board *board = &check->model->board;

	for (size_t i = 0; i < board->cpuid_count; i++) {
		const struct cpuid_leaf *row = &board->cpuid[i];

		if (row->subleaf != 0 && cpuid_find(check, row->leaf, row->subleaf - 1) == NULL)
			fault(check, cpuid_at(check),
				say(check,
					"leaf 0x%" PRIx32 " has subleaf %" PRIu32
					" but not the one before",
					row->leaf, row->subleaf),
				say(check, "add <0x%" PRIx32 " %" PRIu32 " ...>", row->leaf,
					row->subleaf - 1));
	}
}

static void cpuid_needed(struct check *check)
{
	static const uint32_t needed[] = { 0, 1, 0x80000000, 0x80000001, 0x80000008, 0x8000000a };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (check->model->board.cpuid_count != 0 && cpuid_find(check, needed[i], 0) == NULL)
			fault(check, cpuid_at(check),
				say(check, "leaf 0x%" PRIx32 " is not answered", needed[i]),
				say(check, "add its row <0x%" PRIx32 " 0 eax ebx ecx edx>",
					needed[i]));
}

static void cpuid_vendor(struct check *check)
{
	const struct cpuid_leaf *row = cpuid_find(check, 0, 0);

	/* "AuthenticAMD" in EBX, EDX, ECX: AMD APM 3, appendix E.3.1 */
	if (row != NULL &&
		(row->ebx != 0x68747541 || row->edx != 0x69746e65 || row->ecx != 0x444d4163))
		fault(check, cpuid_at(check), "leaf 0 does not say AuthenticAMD",
			"this version runs on AMD's SVM only: describe such a board");
}

const struct rule rules_board[] = {
	{ "frequency-denominator", "A frequency's denominator is not zero.", TIER_MEANING,
		frequency_denominator },
	{ "frequency-range", "A clock runs at 1 MHz to 100 GHz.", TIER_MEANING, frequency_range },
	{ "timer-lead", "The timer's lead is no longer than an arming path can be.", TIER_MEANING,
		timer_lead },
	{ "guard-window", "The switch guard is shorter than the shortest window.", TIER_MEANING,
		guard_window },
	{ "console-device", "The kernel's console is an ns16550a on I/O ports.", TIER_MEANING,
		console_device },
	{ "poweroff-device", "The poweroff device is written through an I/O port.", TIER_MEANING,
		poweroff_device },
	{ "poweroff-value",
		"A poweroff device has a value for success and one for failure, a byte each.",
		TIER_MEANING, poweroff_value },
	{ "poweroff-distinct", "Success and failure power off with different values.", TIER_MEANING,
		poweroff_distinct },
	{ "reset-device", "The reset device is written through an I/O port of its own.",
		TIER_MEANING, reset_device },
	{ "reset-value", "A reset device has a value, a byte.", TIER_MEANING, reset_value },
	{ "memory-node", "The board has one memory node, with all its ranges.", TIER_MEANING,
		memory_node },
	{ "ram-size", "A stretch of memory has a size, and ends below 2^64.", TIER_MEANING,
		ram_size },
	{ "ram-alignment", "Memory consists of whole pages.", TIER_MEANING, ram_alignment },
	{ "ram-overlap", "Two stretches of memory never overlap.", TIER_MEANING, ram_overlap },
	{ "ram-kernel", "The board has memory where the kernel lies.", TIER_MEANING, ram_kernel },
	{ "port-range", "A device's I/O ports exist.", TIER_MEANING, port_range },
	{ "mmio-range", "A device in memory space has a size, and ends below 2^64.", TIER_MEANING,
		mmio_range },
	{ "device-overlap", "Two devices never share an address.", TIER_MEANING, device_overlap },
	{ "device-ram", "No device lies in memory.", TIER_MEANING, device_ram },
	{ "address-width", "Everything in memory space has addresses that the CPU can form.",
		TIER_MEANING, address_width },
	{ "cpuid-leaf", "CPUID rows are of leaves that the kernel's table can hold.", TIER_MEANING,
		cpuid_leaf },
	{ "cpuid-twice", "A CPUID leaf and subleaf is answered once.", TIER_MEANING, cpuid_twice },
	{ "cpuid-subleaf", "The subleaves of a CPUID leaf are complete from 0.", TIER_MEANING,
		cpuid_subleaf },
	{ "cpuid-needed", "The CPUID leaves that every partition asks for are answered.",
		TIER_MEANING, cpuid_needed },
	{ "cpuid-vendor", "The board's CPUs are AMD's.", TIER_MEANING, cpuid_vendor },
	{ NULL, NULL, TIER_COUNT, NULL },
};
