/*
 * Reads the block of mullion/lock_image.h. Invariant: a pointer handed out leads to a whole array within the
 * block.
 */
#include <stddef.h>

#include <mullion/lock_image.h>

static const uint32_t sizes[LOCK_IMAGE_ARRAYS] = {
	[LOCK_IMAGE_GROUPS] = sizeof(struct lock_group),
	[LOCK_IMAGE_LOCKS] = sizeof(struct lock_lock),
	[LOCK_IMAGE_SLOTS] = sizeof(struct lock_sharer),
	[LOCK_IMAGE_MEMBERS] = sizeof(struct lock_member),
	[LOCK_IMAGE_PARTICIPANTS] = sizeof(struct lock_participant),
	[LOCK_IMAGE_MEMBER_SLOTS] = sizeof(uint32_t),
	[LOCK_IMAGE_OWN_SLOTS] = sizeof(uint32_t),
	[LOCK_IMAGE_PARTICIPANT_MEMBERS] = sizeof(uint32_t),
	[LOCK_IMAGE_NODES] = sizeof(struct lock_image_node),
	[LOCK_IMAGE_PROMISES] = sizeof(struct lock_image_promise),
	[LOCK_IMAGE_LOCALS] = sizeof(struct lock_image_local),
};

static const void *array(const struct lock_image *const image, const enum lock_image_array number)
{
	return (const uint8_t *)image + image->part[number].offset;
}

/* count * bytes cannot overflow: both have 32 bits. */
static bool lies_within(
	const struct lock_image_part *const part, const uint32_t size, const uint64_t bytes)
{
	return part->bytes == size && part->offset % LOCK_IMAGE_ALIGNMENT == 0 &&
	       part->offset >= sizeof(struct lock_image) && part->offset <= bytes &&
	       (uint64_t)part->count * part->bytes <= bytes - part->offset;
}

/* Counts that must agree: every participant's slots, every group's promise. */
static bool agree(const struct lock_image *const image)
{
	const struct lock_image_part *const p = image->part;

	return p[LOCK_IMAGE_MEMBER_SLOTS].count == p[LOCK_IMAGE_SLOTS].count &&
	       p[LOCK_IMAGE_OWN_SLOTS].count == p[LOCK_IMAGE_SLOTS].count &&
	       p[LOCK_IMAGE_PARTICIPANT_MEMBERS].count == p[LOCK_IMAGE_MEMBERS].count &&
	       p[LOCK_IMAGE_PROMISES].count == p[LOCK_IMAGE_GROUPS].count &&
	       image->node < p[LOCK_IMAGE_NODES].count;
}

static bool fits(const struct lock_image *const image, const uint64_t bytes)
{
	if (image->magic != LOCK_IMAGE_MAGIC || image->bytes < sizeof(*image) ||
		image->bytes > bytes)
		return false;
	for (uint32_t i = 0; i < LOCK_IMAGE_ARRAYS; i++) {
		if (!lies_within(&image->part[i], sizes[i], image->bytes))
			return false;
	}
	return agree(image);
}

const struct lock_image *lock_image_open(
	const void *const at, const uint64_t bytes, struct lock_tables *const tables)
{
	const struct lock_image *const image = at;

	if (!at || (uintptr_t)at % LOCK_IMAGE_ALIGNMENT || bytes < sizeof(*image) ||
		!fits(image, bytes))
		return NULL;
	*tables = (struct lock_tables){
		.nodes = image->part[LOCK_IMAGE_NODES].count,
		.groups = image->part[LOCK_IMAGE_GROUPS].count,
		.locks = image->part[LOCK_IMAGE_LOCKS].count,
		.slots = image->part[LOCK_IMAGE_SLOTS].count,
		.members = image->part[LOCK_IMAGE_MEMBERS].count,
		.participants = image->part[LOCK_IMAGE_PARTICIPANTS].count,
		.group = array(image, LOCK_IMAGE_GROUPS),
		.lock = array(image, LOCK_IMAGE_LOCKS),
		.slot = array(image, LOCK_IMAGE_SLOTS),
		.member = array(image, LOCK_IMAGE_MEMBERS),
		.participant = array(image, LOCK_IMAGE_PARTICIPANTS),
		.member_slots = array(image, LOCK_IMAGE_MEMBER_SLOTS),
		.own_slots = array(image, LOCK_IMAGE_OWN_SLOTS),
		.participant_members = array(image, LOCK_IMAGE_PARTICIPANT_MEMBERS),
	};
	return image;
}

const struct lock_image_node *lock_image_nodes(const struct lock_image *const image)
{
	return array(image, LOCK_IMAGE_NODES);
}

const struct lock_image_promise *lock_image_promises(const struct lock_image *const image)
{
	return array(image, LOCK_IMAGE_PROMISES);
}

const struct lock_image_local *lock_image_locals(const struct lock_image *const image)
{
	return array(image, LOCK_IMAGE_LOCALS);
}

const struct lock_image_local *lock_image_local(
	const struct lock_image *const image, const uint32_t number)
{
	const struct lock_image_local *const locals = lock_image_locals(image);

	for (uint32_t i = 0; i < image->part[LOCK_IMAGE_LOCALS].count; i++) {
		if (locals[i].partition == number)
			return &locals[i];
	}
	return NULL;
}
