/*
 * The lock tables of an image, as the audit reads them: pointers into the file, after their bounds were
 * checked. Nothing in them is believed before.
 */
#ifndef AUDIT_LOCKS_H
#define AUDIT_LOCKS_H

#include <mullion/lock_image.h>

#include "audit.h"

struct audit_locks {
	const struct lock_image *image;
	uint64_t filled; /* bytes of its pages that come from the file */
	uint32_t count[LOCK_IMAGE_ARRAYS];
	const struct lock_group *group;
	const struct lock_lock *lock;
	const struct lock_sharer *slot;
	const struct lock_member *member;
	const struct lock_participant *participant;
	const uint32_t *member_slots, *own_slots, *participant_members;
	const struct lock_image_node *node;
	const struct lock_image_promise *promise;
	const struct lock_image_local *local;
};

/* Bytes of the pages in which partition p sees the lock tables, as their head says; 0: it does not see them. */
uint64_t audit_locks_bytes(const struct audit *audit, unsigned p);

/* False: the image has none, or after a finding. */
bool audit_locks_open(struct audit *audit, struct audit_locks *locks);

#endif
