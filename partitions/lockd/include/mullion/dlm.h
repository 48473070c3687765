/*
 * The lock service for programs, shaped as libdlm is, so that its callers need little change: the same verbs,
 * modes, flags, status numbers. Invariant: names resolve in the constant tables, nothing is allocated, and no call
 * waits but those whose names end in _wait, which wait at most what dlm_ls_waits says.
 *
 * What libdlm has and this refuses with ENOTSUP: parents, ranges, and the flags not in DLM_FLAGS. LKF_QUECVT
 * is always in force. What is added: tokens, bounds, sets of locks, and ESTALE: a lock that was granted can be lost
 * with the session, in which case its completion routine is called once more.
 *
 * Specification: libdlm(3), dlm_ls_lock(3), dlm_ls_unlock(3).
 */
#ifndef MULLION_DLM_H
#define MULLION_DLM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <mullion/lock_client.h>

#define LKM_NLMODE 0
#define LKM_CRMODE 1
#define LKM_CWMODE 2
#define LKM_PRMODE 3
#define LKM_PWMODE 4
#define LKM_EXMODE 5

#define LKF_NOQUEUE  0x00000001u
#define LKF_CANCEL   0x00000002u /* unlock: give up the request under way */
#define LKF_CONVERT  0x00000004u
#define LKF_VALBLK   0x00000008u /* the value block: read with a grant, written from PW and EX */
#define LKF_QUECVT   0x00000010u
#define LKF_EXPEDITE 0x00000400u /* with LKM_NLMODE only */

#define DLM_FLAGS (LKF_NOQUEUE | LKF_CANCEL | LKF_CONVERT | LKF_VALBLK | LKF_QUECVT | LKF_EXPEDITE)

#define DLM_SBF_VALNOTVALID 0x02

#define DLM_LVB_LEN LOCK_VALUE_BYTES

/* In sb_status, besides 0, EINPROGRESS, EAGAIN, EDEADLK and ESTALE. */
#define ECANCEL 0x10001
#define EUNLOCK 0x10002

struct dlm_lksb {
	int sb_status;
	uint32_t sb_lkid;
	char sb_flags;
	char *sb_lvbptr; /* DLM_LVB_LEN bytes, for LKF_VALBLK */
};

/*
 * What a space needs from where it runs. `receive` gives one message, or says that there is none. `has_room`, if
 * there is one, says whether `send` will succeed now: else the message stays where it is.
 */
struct dlm_transport {
	void *context;
	uint64_t (*now_ns)(void *context);
	bool (*receive)(
		void *context, uint16_t *from, struct lock_message *message, uint32_t *bytes);
	void (*send)(void *context, const struct lock_envelope *envelope);
	bool (*has_room)(void *context);
};

/* What is remembered of each lock: one per lock of the participant. */
struct dlm_held {
	struct dlm_lksb *lksb;
	void (*ast)(void *);
	void (*bast)(void *);
	void *argument;
	uint64_t asked_ns;
	uint64_t longest_wait_ns;
	uint32_t flags;
	bool unlocking;
};

struct dlm_space {
	struct lock_client *client;
	const struct dlm_transport *transport;
	struct dlm_held *held;
};

typedef struct dlm_space *dlm_lshandle_t;

/* A space over a client that was started. Constant tables name its locks. Cost: its locks. */
void dlm_space_init(struct dlm_space *space, struct lock_client *client,
	const struct dlm_transport *transport, struct dlm_held *held);

/*
 * Take what came, do what is due, send, and call the routines of what ended: to be called often enough to keep
 * the declared delays. At most `most` messages are taken.
 */
void dlm_ls_dispatch(dlm_lshandle_t ls, uint32_t most);

/*
 * Request a lock by name, or, with LKF_CONVERT, convert the one in lksb->sb_lkid. 0: under way, or granted
 * already if sb_status says so; `ast` is called in dlm_ls_dispatch when it ended, `bast` when it blocks
 * another. -1 and errno: EINVAL (no such lock, mode, flag), ENOTSUP, EBUSY (one operation at a time), EDEADLK
 * (out of rank), ESTALE (no session at this moment: try again). Cost: the participant's locks.
 */
int dlm_ls_lock(dlm_lshandle_t ls, uint32_t mode, struct dlm_lksb *lksb, uint32_t flags,
	const void *name, unsigned int name_length, uint32_t parent, void (*ast)(void *),
	void *argument, void (*bast)(void *), void *range);

/* The same, and wait: 0 when it ended, however it did: sb_status says. */
int dlm_ls_lock_wait(dlm_lshandle_t ls, uint32_t mode, struct dlm_lksb *lksb, uint32_t flags,
	const void *name, unsigned int name_length, uint32_t parent, void *argument,
	void (*bast)(void *), void *range);

/* Give it back, or with LKF_CANCEL the request under way. It ends with EUNLOCK, or ECANCEL. */
int dlm_ls_unlock(
	dlm_lshandle_t ls, uint32_t lkid, uint32_t flags, struct dlm_lksb *lksb, void *argument);
int dlm_ls_unlock_wait(dlm_lshandle_t ls, uint32_t lkid, uint32_t flags, struct dlm_lksb *lksb);

/* The fencing token of what is held at this moment in `mode` or a stronger one; 0: it is not. */
uint64_t dlm_ls_token(dlm_lshandle_t ls, const struct dlm_lksb *lksb, uint32_t mode);

/* The longest wait that the build computed for a lock, 0 if none, and the longest that was seen. */
int dlm_ls_waits(dlm_lshandle_t ls, const void *name, unsigned int name_length, uint64_t *bound_ns,
	uint64_t *longest_ns);

struct dlm_claim {
	const char *name; /* terminated by 0 */
	uint32_t mode;
	struct dlm_lksb *lksb;
};

/*
 * All of them, or none: in the order given, which must rise in rank. 0, or -1 and errno as for dlm_ls_lock, or
 * the status of the first that was not granted; those before it were given back.
 */
int dlm_ls_multi_wait(
	dlm_lshandle_t ls, const struct dlm_claim *claims, uint32_t count, uint32_t flags);

#endif
