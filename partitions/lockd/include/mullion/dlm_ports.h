/*
 * A partition's way into the lock service: a space (mullion/dlm.h) over the two queuing channels that join it with
 * the node's lock partition, everything found in the block that the node gives it (mullion/lock_image.h).
 *
 *	DLM_STORAGE(storage, 8, 1);               // up to 8 locks, of 1 group
 *	static struct dlm_partition dlm;
 *
 *	if (!dlm_open(&dlm, &storage)) ...        // errno says why
 *	dlm_ls_lock_wait(&dlm.space, ...);
 *
 * On the channels a message's `node` names the other end (mullion/lock_router.h). Invariant: nothing is allocated;
 * a message for which there is no room stays with the client, and is sent later.
 */
#ifndef MULLION_DLM_PORTS_H
#define MULLION_DLM_PORTS_H

#include <mullion/dlm.h>
#include <mullion/lock_image.h>
#include <mullion/queuing.h>

struct dlm_ports {
	struct queuing_sender request;
	struct queuing_receiver answer;
	uint64_t epoch_tsc; /* the node's: its time begins there */
};

/* Memory for a participant of up to so many locks, of so many groups. */
struct dlm_storage {
	struct lock_client_storage client;
	struct dlm_held *held;
	uint32_t owns, members;
};

#define DLM_STORAGE(name, owns_, members_)                                                         \
	static struct lock_link name##_links[LOCK_CLIENT_LINKS(owns_, members_)];                  \
	static struct lock_own name##_owns[owns_];                                                 \
	static struct lock_membership name##_memberships[members_];                                \
	static struct dlm_held name##_held[owns_];                                                 \
	static const struct dlm_storage name = {                                                   \
		{ name##_links, name##_owns, name##_memberships }, name##_held, owns_, members_    \
	}

struct dlm_partition {
	const struct lock_image *image;
	const struct lock_image_local *local;
	struct lock_tables tables;
	struct lock_client client;
	struct dlm_ports ports;
	struct dlm_transport transport;
	struct dlm_space space;
};

/*
 * Join the lock service as the participant that this partition is. False and errno: ENXIO, it is none, or its
 * channels are not there; ENOMEM, the storage is too small. Call dlm_ls_dispatch until dlm_is_joined.
 * Cost: the regions of the info page, its locks and groups.
 */
bool dlm_open(struct dlm_partition *dlm, const struct dlm_storage *storage);

/* A session lives with every group of this participant's locks. Cost: its groups. */
bool dlm_is_joined(const struct dlm_partition *dlm);

/* Nanoseconds since the node's epoch, as the lock service counts. */
uint64_t dlm_now_ns(const struct dlm_ports *ports);

#endif
