/*
 * Rules about the memory of partitions: whole pages of the board's RAM, theirs alone.
 */
#include <inttypes.h>

#include "check.h"

static const struct range kernel = { MODEL_KERNEL_BASE, MODEL_KERNEL_RESERVED_BYTES };

static struct range memory_of(const struct model_partition *partition)
{
	return (struct range){ partition->memory_base, partition->memory_bytes };
}

static struct location base_at(const struct check *check, const struct model_partition *partition)
{
	return place(check, partition->at, "memory-base");
}

static struct location size_at(const struct check *check, const struct model_partition *partition)
{
	return place(check, partition->at, "memory");
}

static void memory_size(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->memory_bytes == 0)
			fault(check, size_at(check, p), say(check, "%s has no memory", p->name),
				"give it some, for example memory = <MiB(8)>");
	}
}

static void memory_alignment(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const uint64_t rest = p->memory_bytes % MULLION_PAGE_BYTES;

		if (rest != 0)
			fault(check, size_at(check, p),
				say(check,
					"the memory of %s, %" PRIu64
					" bytes, is not a multiple of 4 KiB",
					p->name, p->memory_bytes),
				say(check, "write %" PRIu64,
					p->memory_bytes - rest + MULLION_PAGE_BYTES));
	}
}

/* The bytes of a stretch of RAM that partitions can have. */
static uint64_t usable(struct range ram)
{
	uint64_t bytes = range_end(ram) > MODEL_LOWEST_MEMORY ? ram.bytes : 0;

	if (bytes != 0 && ram.base < MODEL_LOWEST_MEMORY)
		bytes = range_end(ram) - MODEL_LOWEST_MEMORY;
	if (ranges_overlap(ram, kernel) && bytes > kernel.bytes)
		bytes -= kernel.bytes;
	return bytes;
}

static uint64_t largest_usable(const struct model *model)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < model->board.ram_count; i++)
		if (usable(model->board.ram[i]) > largest)
			largest = usable(model->board.ram[i]);
	return largest;
}

static void memory_large(struct check *check)
{
	const uint64_t largest = largest_usable(check->model);

	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->memory_bytes > largest && largest != 0)
			fault(check, size_at(check, p),
				say(check, "%s wants %s; the largest stretch for partitions is %s",
					p->name, say_bytes(check, p->memory_bytes),
					say_bytes(check, largest)),
				"ask for less");
	}
}

static void memory_total(struct check *check)
{
	const struct model *model = check->model;
	uint64_t wanted = 0, there = 0;

	for (size_t i = 0; i < model->board.ram_count; i++)
		there += usable(model->board.ram[i]);
	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];

		if (p->memory_bytes > largest_usable(model))
			continue; /* said by memory-large */
		wanted += p->memory_bytes;
		if (wanted > there && wanted - p->memory_bytes <= there)
			fault(check, size_at(check, p),
				say(check,
					"up to and with %s the partitions want %s; the board has "
					"%s "
					"for them",
					p->name, say_bytes(check, wanted), say_bytes(check, there)),
				"give some of them less");
	}
}

static void base_alignment(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->memory_base % MULLION_PAGE_BYTES != 0)
			fault(check, base_at(check, p),
				say(check,
					"the memory of %s starts at 0x%" PRIx64 ", not on a page",
					p->name, p->memory_base),
				say(check, "start it at 0x%" PRIx64,
					p->memory_base / MULLION_PAGE_BYTES * MULLION_PAGE_BYTES));
	}
}

static bool in_ram(const struct model *model, struct range memory)
{
	for (size_t i = 0; i < model->board.ram_count; i++)
		if (memory.base >= model->board.ram[i].base &&
			memory.bytes <= model->board.ram[i].bytes &&
			memory.base - model->board.ram[i].base <=
				model->board.ram[i].bytes - memory.bytes)
			return true;
	return false;
}

static const struct model_device *device_in(const struct model *model, struct range memory)
{
	for (size_t i = 0; i < model->devices_count; i++)
		if (!model->devices[i].is_port && ranges_overlap(model->devices[i].reg, memory))
			return &model->devices[i];
	return NULL;
}

/* Whether one of the rules below has a more exact word for it than "not in RAM". */
static bool is_low(const struct model_partition *p)
{
	return p->memory_base < MODEL_LOWEST_MEMORY;
}

static void memory_low(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->memory_base_given && is_low(p))
			fault(check, base_at(check, p),
				say(check,
					"the memory of %s starts at 0x%" PRIx64
					", below 1 MiB, which the kernel keeps to start CPUs",
					p->name, p->memory_base),
				say(check,
					"start it at 0x%" PRIx64 " or above, or remove memory-base",
					range_end(kernel)));
	}
}

static void memory_device(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const struct model_device *device = device_in(check->model, memory_of(p));

		if (p->memory_base_given && !is_low(p) && device != NULL)
			fault(check, base_at(check, p),
				say(check, "the memory of %s %s overlaps the device %s %s", p->name,
					say_range(check, memory_of(p)), device->name,
					say_range(check, device->reg)),
				"move it, or remove memory-base and let it be placed");
	}
}

static void memory_ram(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++) {
		const struct model_partition *p = &model->partitions[i];

		if (p->memory_base_given && !is_low(p) && device_in(model, memory_of(p)) == NULL &&
			p->memory_bytes <= largest_usable(model) && !in_ram(model, memory_of(p)))
			fault(check, base_at(check, p),
				say(check, "the memory of %s %s is not all RAM", p->name,
					say_range(check, memory_of(p))),
				"move it into the board's memory, or remove memory-base and let it "
				"be "
				"placed");
	}
}

static void memory_kernel(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->memory_base_given && !is_low(p) && ranges_overlap(memory_of(p), kernel))
			fault(check, base_at(check, p),
				say(check, "the memory of %s %s overlaps the kernel's %s", p->name,
					say_range(check, memory_of(p)), say_range(check, kernel)),
				say(check,
					"start it at 0x%" PRIx64 " or above, or remove memory-base",
					range_end(kernel)));
	}
}

static void memory_overlap(struct check *check)
{
	const struct model *model = check->model;

	for (size_t i = 0; i < model->partitions_count; i++)
		for (size_t k = i + 1; k < model->partitions_count; k++) {
			const struct model_partition *a = &model->partitions[i];
			const struct model_partition *b = &model->partitions[k];

			if (!a->memory_base_given || !b->memory_base_given ||
				!ranges_overlap(memory_of(a), memory_of(b)))
				continue;
			fault(check, base_at(check, b),
				say(check, "the memory of %s %s overlaps that of %s %s (line %u)",
					b->name, say_range(check, memory_of(b)), a->name,
					say_range(check, memory_of(a)), base_at(check, a).line),
				say(check,
					"start it at 0x%" PRIx64 " or above, or remove memory-base",
					range_end(memory_of(a))));
		}
}

const struct rule rules_memory[] = {
	{ "memory-size", "A partition has memory.", TIER_MEANING, memory_size },
	{ "memory-alignment", "A partition's memory is a multiple of 4 KiB.", TIER_MEANING,
		memory_alignment },
	{ "memory-large", "A partition's memory fits in one stretch of the board's.", TIER_MEANING,
		memory_large },
	{ "memory-total", "The memory of all partitions fits in the board's.", TIER_MEANING,
		memory_total },
	{ "base-alignment", "A partition's memory starts on a page.", TIER_MEANING,
		base_alignment },
	{ "memory-low", "No partition has memory below 1 MiB.", TIER_MEANING, memory_low },
	{ "memory-device", "No partition's memory overlaps a device.", TIER_MEANING,
		memory_device },
	{ "memory-ram", "A partition's memory is RAM from end to end.", TIER_MEANING, memory_ram },
	{ "memory-kernel", "No partition's memory overlaps the kernel.", TIER_MEANING,
		memory_kernel },
	{ "memory-overlap", "The memories of two partitions never overlap.", TIER_MEANING,
		memory_overlap },
	{ NULL, NULL, TIER_COUNT, NULL },
};
