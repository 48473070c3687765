/*
 * Everything that goes into an image, computed and not yet printed.
 *
 * The invariant: the printing of system.c, system.json, the linker script and the explanation all
 * read this one plan; none of them computes anything of its own.
 */
#ifndef PLAN_H
#define PLAN_H

#include "cpuid.h"
#include "devices.h"
#include "layout.h"
#include "maps.h"

struct plan_cpu_schedule {
	struct mullion_window *windows;
	size_t count;
};

struct plan_schedule {
	struct mullion_ticks frame;
	struct plan_cpu_schedule *cpus; /* by layout CPU; owned CPUs have none */
};

struct plan_io_bitmap {
	uint8_t bytes[X86_IO_BITMAP_BYTES];
};

struct plan_partition {
	uint64_t watchdog_ticks, escalate_ticks;
};

struct plan {
	const struct model *model;
	struct arena images;      /* what the partitions' images say */
	struct image *image_list; /* by partition; NULL where they are not looked at */
	uint64_t image_id;        /* what the journal knows the image by */
	struct layout layout;
	struct maps maps;
	struct devices devices;
	struct plan_schedule *schedules;   /* as in the model */
	uint64_t denominator;              /* of all their ticks */
	struct plan_partition *partitions; /* as in the model */
	struct plan_io_bitmap *io_bitmaps; /* without duplicates */
	size_t io_bitmaps_count;
	size_t *partition_io;          /* by partition: index into io_bitmaps */
	struct cpuid_answers *answers; /* without duplicates */
	size_t answers_count;
	size_t *vcpu_answers; /* by vcpu: index into answers */
	struct x86_cpuid_need *needs;
	size_t needs_count;
	uint64_t switch_guard_ticks, start_delay_ticks, timer_multiplier, timer_inverse;
};

/*
 * with_images: read the partitions' images, too. False if something does not fit: *wrong says what.
 */
bool plan_build(
	const struct model *model, bool with_images, struct plan *plan, struct finding *wrong);
void plan_free(struct plan *plan);

#endif
