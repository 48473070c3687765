/*
 * Rules about images: found, loadable, within the partition's memory. Asked only where image
 * directories are given.
 */
#include <inttypes.h>

#include "check.h"
#include "image.h"

static struct location image_at(const struct check *check, const struct model_partition *partition)
{
	return place(check, partition->at, "image");
}

/* Calls `function` for every partition whose image could be read. */
static void each_image(struct check *check,
	void (*function)(struct check *check, const struct model_partition *partition,
		const struct image *image))
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		struct image image;

		if (p->image_path != NULL &&
			image_read(&image, p->image_path, check->arena) == NULL)
			function(check, p, &image);
	}
}

static void image_found(struct check *check)
{
	const char *dirs = "";

	for (size_t i = 0; check->images != NULL && check->images[i] != NULL; i++)
		dirs = say(check, "%s%s%s", dirs, i == 0 ? "" : ", ", check->images[i]);
	for (size_t i = 0; check->images != NULL && i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];

		if (p->image != NULL && p->image_path == NULL)
			fault(check, image_at(check, p),
				say(check, "the image %s of %s is not in %s", p->image, p->name,
					dirs),
				"build it, correct the name, or add its directory with --images");
	}
}

static void image_format(struct check *check)
{
	for (size_t i = 0; i < check->model->partitions_count; i++) {
		const struct model_partition *p = &check->model->partitions[i];
		const char *wrong = NULL;
		struct image image;

		if (p->image_path != NULL)
			wrong = image_read(&image, p->image_path, check->arena);
		if (wrong != NULL)
			fault(check, image_at(check, p),
				say(check, "the image %s of %s %s", p->image_path, p->name, wrong),
				"link it as a static x86-64 executable, as partitions/ does");
	}
}

static void pvh(
	struct check *check, const struct model_partition *partition, const struct image *image)
{
	if (!image->has_entry)
		fault(check, image_at(check, partition),
			say(check, "the image %s of %s has no PVH entry point", partition->image,
				partition->name),
			"add an ELF note \"Xen\" of type 18 with the 32-bit entry, as the SDK's "
			"crt0 does");
}

static void image_pvh(struct check *check)
{
	each_image(check, pvh);
}

static void within(
	struct check *check, const struct model_partition *partition, const struct image *image)
{
	for (size_t i = 0; i < image->segments_count; i++) {
		const struct image_segment *s = &image->segments[i];

		/* Memory beyond the hole continues at 4 GiB; no image is loaded up there. */
		const uint64_t end = partition->memory_bytes < MULLION_HOLE_BASE
					     ? partition->memory_bytes
					     : MULLION_HOLE_BASE;

		if (partition->memory_bytes != 0 && s->address + s->memory_bytes > end)
			fault(check, image_at(check, partition),
				say(check,
					"a segment of %s lies at [0x%" PRIx64 ", 0x%" PRIx64
					"), the memory of %s ends at 0x%" PRIx64,
					partition->image, s->address, s->address + s->memory_bytes,
					partition->name, end),
				say(check, "give %s more memory or link the image lower",
					partition->name));
	}
}

static void image_fits(struct check *check)
{
	each_image(check, within);
}

static void disjoint(
	struct check *check, const struct model_partition *partition, const struct image *image)
{
	for (size_t i = 0; i < image->segments_count; i++)
		for (size_t k = i + 1; k < image->segments_count; k++) {
			const struct image_segment *a = &image->segments[i],
						   *b = &image->segments[k];

			if (ranges_overlap((struct range){ a->address, a->memory_bytes },
				    (struct range){ b->address, b->memory_bytes }))
				fault(check, image_at(check, partition),
					say(check, "two segments of %s overlap at 0x%" PRIx64,
						partition->image,
						a->address > b->address ? a->address : b->address),
					"correct its linker script");
		}
}

static void image_overlap(struct check *check)
{
	each_image(check, disjoint);
}

static void enters(
	struct check *check, const struct model_partition *partition, const struct image *image)
{
	for (size_t i = 0; i < image->segments_count; i++) {
		const struct image_segment *s = &image->segments[i];

		if (s->executable && image->entry >= s->address &&
			image->entry - s->address < s->file_bytes)
			return;
	}
	if (image->has_entry)
		fault(check, image_at(check, partition),
			say(check,
				"the entry 0x%" PRIx64
				" of %s lies in none of its executable segments",
				image->entry, partition->image),
			"let the PVH note name a 32-bit symbol in its text");
}

static void image_entry(struct check *check)
{
	each_image(check, enters);
}

const struct rule rules_image[] = {
	{ "image-found", "A partition's image is in one of the image directories.", TIER_MEANING,
		image_found },
	{ "image-format", "An image is a static ELF64 executable for x86-64.", TIER_MEANING,
		image_format },
	{ "image-pvh", "An image has a PVH entry point.", TIER_MEANING, image_pvh },
	{ "image-fits", "An image loads within its partition's memory.", TIER_MEANING, image_fits },
	{ "image-overlap", "Two segments of an image never overlap.", TIER_MEANING, image_overlap },
	{ "image-entry", "An image is entered in its own text.", TIER_MEANING, image_entry },
	{ NULL, NULL, TIER_COUNT, NULL },
};
