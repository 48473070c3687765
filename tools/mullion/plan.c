/*
 * Computes the plan. See plan.h for the invariant.
 */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "bitmap.h"
#include "ticks.h"

static bool refuse(struct finding *wrong, struct location at, const char *rule,
	const char *sentence, const char *repair)
{
	*wrong = (struct finding){ at, rule, sentence, repair };
	return false;
}

/* ---- Schedules ---- */

static size_t count_windows(const struct model_schedule *schedule)
{
	size_t count = 0, c;

	for (c = 0; c < schedule->cpus_count; c++)
		count += schedule->cpus[c].windows_count;
	return count;
}

/* The instants of the first `schedules` of them: each one's frame, then its windows' starts and ends. */
static size_t count_instants(const struct model *model, size_t schedules)
{
	size_t count = 0, s;

	for (s = 0; s < schedules; s++)
		count += 1 + 2 * count_windows(&model->schedules[s]);
	return count;
}

static uint64_t *list_instants(const struct model_schedule *schedule, uint64_t *ns)
{
	size_t c, w;

	*ns++ = schedule->major_frame_ns;
	for (c = 0; c < schedule->cpus_count; c++)
		for (w = 0; w < schedule->cpus[c].windows_count; w++) {
			const struct model_window *window = &schedule->cpus[c].windows[w];

			*ns++ = window->offset_ns;
			*ns++ = window->offset_ns + window->duration_ns;
		}
	return ns;
}

static const struct mullion_ticks *take_windows(const struct layout *layout,
	const struct model_schedule *schedule, const struct mullion_ticks *ticks,
	struct plan_schedule *planned)
{
	size_t c, w;

	planned->cpus = allocate(layout->cpus_count, sizeof(*planned->cpus));
	planned->frame = *ticks++;
	for (c = 0; c < schedule->cpus_count; c++) {
		const struct model_cpu_schedule *list = &schedule->cpus[c];
		const unsigned cpu = (unsigned)layout->model->cpus[list->cpu].index;
		struct mullion_window *windows = allocate(list->windows_count, sizeof(*windows));

		planned->cpus[cpu] = (struct plan_cpu_schedule){ windows, list->windows_count };
		for (w = 0; w < list->windows_count; w++, ticks += 2)
			windows[w] = (struct mullion_window){
				.start = ticks[0],
				.end = ticks[1],
				.vcpu = (uint16_t)layout_vcpu_on(
					layout, (unsigned)list->windows[w].partition, cpu),
			};
	}
	return ticks;
}

/* The first schedule that does not fit together with those before it. */
static size_t find_too_fine(const struct model *model, const uint64_t *ns,
	struct mullion_ticks *ticks, uint64_t *denominator)
{
	size_t s;

	for (s = 0; ticks_exact(
		     model->board.tsc_hz, ns, count_instants(model, s + 1), ticks, denominator);
		s++)
		;
	return s;
}

static bool refuse_schedule(const struct model *model, size_t s, struct finding *wrong)
{
	return refuse(wrong, model->schedules[s].at, "frame-arithmetic",
		format("the instants of schedule %s do not fit into 64 bits as exact ticks%s",
			model->schedules[s].name,
			s ? ", of the one fraction that all schedules share" : ""),
		"write tsc-frequency as a reduced fraction, and frames shorter than years");
}

/* All at once: one fraction of a tick serves all of them, so that any may follow any other exactly. */
static bool plan_schedules(struct plan *plan, struct finding *wrong)
{
	const struct model *model = plan->model;
	const size_t count = count_instants(model, model->schedules_count);
	uint64_t *ns = allocate(count, sizeof(*ns)), *next = ns;
	struct mullion_ticks *ticks = allocate(count, sizeof(*ticks));
	const struct mullion_ticks *taken = ticks;
	bool exact;
	size_t s;

	for (s = 0; s < model->schedules_count; s++)
		next = list_instants(&model->schedules[s], next);
	exact = ticks_exact(model->board.tsc_hz, ns, count, ticks, &plan->denominator);
	plan->schedules = allocate(model->schedules_count, sizeof(*plan->schedules));
	for (s = 0; exact && s < model->schedules_count; s++)
		taken = take_windows(
			&plan->layout, &model->schedules[s], taken, &plan->schedules[s]);
	if (!exact)
		refuse_schedule(model, find_too_fine(model, ns, ticks, &plan->denominator), wrong);
	free(ns);
	free(ticks);
	return exact;
}

static bool plan_time(struct plan *plan, struct finding *wrong)
{
	const struct model_board *board = &plan->model->board;

	plan->switch_guard_ticks = ticks_at_least(board->tsc_hz, board->switch_guard_ns);
	plan->start_delay_ticks = ticks_at_least(board->tsc_hz, board->start_delay_ns);
	if (!ticks_multiplier(board->tsc_hz, board->timer_hz, &plan->timer_multiplier) ||
		!ticks_multiplier(board->timer_hz, board->tsc_hz, &plan->timer_inverse))
		return refuse(wrong, board->at, "frequency-range",
			"timer-frequency and tsc-frequency are more than a factor of 2^32 apart",
			"check both frequencies");
	return plan_schedules(plan, wrong);
}

static void plan_health(struct plan *plan)
{
	const struct model *model = plan->model;
	size_t p;

	plan->partitions = allocate(model->partitions_count, sizeof(*plan->partitions));
	for (p = 0; p < model->partitions_count; p++)
		plan->partitions[p] = (struct plan_partition){
			.watchdog_ticks = ticks_at_least(
				model->board.tsc_hz, model->partitions[p].watchdog_ns),
			.escalate_ticks = ticks_at_least(
				model->board.tsc_hz, model->partitions[p].escalate_within_ns),
		};
}

/* ---- Permission maps and CPUID ---- */

static void fill_ports(const struct model *model, unsigned p, uint8_t bitmap[X86_IO_BITMAP_BYTES])
{
	const struct model_partition *partition = &model->partitions[p];
	struct bitmap_ports *ports = allocate(partition->devices_count, sizeof(*ports));
	size_t used = 0, d;

	for (d = 0; d < partition->devices_count; d++) {
		const struct model_device *device = &model->devices[partition->devices[d]];

		if (device->is_port)
			ports[used++] = (struct bitmap_ports){ (uint32_t)device->reg.base,
				(uint32_t)device->reg.bytes };
	}
	bitmap_fill_io(bitmap, ports, used);
	free(ports);
}

static void plan_ports(struct plan *plan)
{
	const size_t count = plan->model->partitions_count;
	size_t i;
	unsigned p;

	plan->io_bitmaps = allocate(count, sizeof(*plan->io_bitmaps));
	plan->partition_io = allocate(count, sizeof(*plan->partition_io));
	for (p = 0; p < count; p++) {
		struct plan_io_bitmap *next = &plan->io_bitmaps[plan->io_bitmaps_count];

		fill_ports(plan->model, p, next->bytes);
		for (i = 0; memcmp(&plan->io_bitmaps[i], next, sizeof(*next)) != 0; i++)
			;
		plan->partition_io[p] = i;
		plan->io_bitmaps_count += i == plan->io_bitmaps_count;
	}
}

static bool same_answers(const struct plan *plan, unsigned a, unsigned b)
{
	const struct layout_vcpu *x = &plan->layout.vcpus[a], *y = &plan->layout.vcpus[b];

	return x->index == y->index && plan->layout.partitions[x->partition].vcpus ==
					       plan->layout.partitions[y->partition].vcpus;
}

static void plan_cpuid(struct plan *plan)
{
	const struct layout *layout = &plan->layout;
	unsigned v, same;

	plan->answers = allocate(layout->vcpus_count, sizeof(*plan->answers));
	plan->vcpu_answers = allocate(layout->vcpus_count, sizeof(*plan->vcpu_answers));
	for (v = 0; v < layout->vcpus_count; v++) {
		for (same = 0; !same_answers(plan, same, v); same++)
			;
		plan->vcpu_answers[v] = same < v ? plan->vcpu_answers[same] : plan->answers_count;
		if (same == v)
			cpuid_answer(&plan->model->board, layout->vcpus[v].index,
				layout->partitions[layout->vcpus[v].partition].vcpus,
				&plan->answers[plan->answers_count++]);
	}
	plan->needs_count = cpuid_needs(&plan->model->board, plan->maps.huge_pages, &plan->needs);
}

/* ---- Images ---- */

static bool is_in_memory(const struct image_segment *segment, uint64_t memory_bytes)
{
	const uint64_t low = memory_bytes < MULLION_HOLE_BASE ? memory_bytes : MULLION_HOLE_BASE;

	return segment->address <= low && segment->memory_bytes <= low - segment->address;
}

static bool check_image(
	const struct model_partition *partition, const struct image *image, struct finding *wrong)
{
	size_t i;

	for (i = 0; i < image->segments_count; i++)
		if (!is_in_memory(&image->segments[i], partition->memory_bytes))
			return refuse(wrong, partition->at, "image-fits",
				format("%s loads %#llx..%#llx, outside the %llu KiB of partition "
				       "%s",
					partition->image_path,
					(unsigned long long)image->segments[i].address,
					(unsigned long long)(image->segments[i].address +
							     image->segments[i].memory_bytes),
					(unsigned long long)partition->memory_bytes / 1024,
					partition->name),
				"give it more memory, or link it lower");
	return true;
}

static const char *read_image(
	struct arena *arena, const struct model_partition *partition, struct image *image)
{
	const char *trouble = partition->image_path
				      ? image_read(image, partition->image_path, arena)
				      : "is in none of the image directories";

	if (!trouble && (!image->has_entry || image->entry > UINT32_MAX))
		trouble = "has no PVH entry below 4 GiB";
	return trouble;
}

static bool read_images(struct plan *plan, struct finding *wrong)
{
	size_t p;

	plan->image_list = allocate(plan->model->partitions_count, sizeof(*plan->image_list));
	for (p = 0; p < plan->model->partitions_count; p++) {
		const struct model_partition *partition = &plan->model->partitions[p];
		struct image *image = &plan->image_list[p];
		const char *trouble = read_image(&plan->images, partition, image);

		if (trouble)
			return refuse(wrong, partition->at, "image-pvh",
				format("the image of partition %s, %s, %s", partition->name,
					partition->image_path ? partition->image_path
							      : partition->image,
					trouble),
				"name a PVH ELF64 file, and its directory with --images");
		if (!check_image(partition, image, wrong))
			return false;
	}
	return true;
}

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t state, const void *data, uint64_t bytes)
{
	const uint8_t *byte = data;

	for (; bytes; bytes--)
		state = (state ^ *byte++) * 0x100000001b3ull;
	return state;
}

/* Who the events of a journal are about: the partitions by number, and what they run. */
static void identify(struct plan *plan)
{
	const struct model *model = plan->model;
	uint64_t state = hash(0xcbf29ce484222325ull, model->name, strlen(model->name) + 1);
	size_t p;

	for (p = 0; p < model->partitions_count; p++) {
		const char *name = model->partitions[p].name;

		state = hash(state, name, strlen(name) + 1);
		if (plan->image_list)
			state = hash(state, plan->image_list[p].data, plan->image_list[p].bytes);
	}
	plan->image_id = state;
}

bool plan_build(
	const struct model *model, bool with_images, struct plan *plan, struct finding *wrong)
{
	*plan = (struct plan){ .model = model };
	if (with_images && !read_images(plan, wrong))
		return false;
	if (!layout_build(model, plan->image_list, &plan->layout, wrong))
		return false;
	if (!maps_build(&plan->layout, &plan->maps))
		return refuse(wrong, model->at, "maps-consistent",
			"two things claim the same page of a map",
			"this is an error of the compiler: please report it");
	devices_build(&plan->layout, &plan->devices);
	if (!plan_time(plan, wrong))
		return false;
	plan_health(plan);
	plan_ports(plan);
	plan_cpuid(plan);
	identify(plan);
	return true;
}

static void free_schedules(struct plan *plan)
{
	size_t s;
	unsigned c;

	for (s = 0; plan->schedules && s < plan->model->schedules_count; s++) {
		for (c = 0; c < plan->layout.cpus_count && plan->schedules[s].cpus; c++)
			free(plan->schedules[s].cpus[c].windows);
		free(plan->schedules[s].cpus);
	}
	free(plan->schedules);
}

void plan_free(struct plan *plan)
{
	free_schedules(plan);
	while (plan->answers_count)
		cpuid_answers_free(&plan->answers[--plan->answers_count]);
	free(plan->answers);
	free(plan->vcpu_answers);
	free(plan->partitions);
	free(plan->image_list);
	free(plan->io_bitmaps);
	free(plan->partition_io);
	free(plan->needs);
	devices_free(&plan->devices);
	maps_free(&plan->maps);
	layout_free(&plan->layout);
	arena_free(&plan->images);
}
