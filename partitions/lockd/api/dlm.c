/*
 * libdlm's verbs over a participant of the lock service. Invariant: each lock has one control block, that of
 * its last successful request; nothing is called back but from dlm_ls_dispatch.
 */
#include <mullion/dlm.h>

#define TAKEN_WHILE_WAITING 16u

static int refuse(const int number)
{
	errno = number;
	return -1;
}

static int number_of(const enum lock_status status)
{
	static const int numbers[LOCK_STATUSES] = {
		[LOCK_DONE] = 0,
		[LOCK_AGAIN] = EAGAIN,
		[LOCK_DEADLOCK] = EDEADLK,
		[LOCK_CANCELED] = ECANCEL,
		[LOCK_LOST] = ESTALE,
		[LOCK_PENDING] = EINPROGRESS,
		[LOCK_BUSY] = EBUSY,
		[LOCK_WRONG] = EINVAL,
	};

	return numbers[status];
}

static uint32_t owns(const struct dlm_space *const ls)
{
	return ls->client->participant->owns;
}

static const struct lock_sharer *row(const struct dlm_space *const ls, const uint32_t own)
{
	const struct lock_tables *const tables = ls->client->tables;

	return &tables->slot[tables->own_slots[ls->client->participant->first_own + own]];
}

static uint64_t now(const struct dlm_space *const ls)
{
	return ls->transport->now_ns(ls->transport->context);
}

static bool is_named(
	const char have[const LOCK_NAME_BYTES], const char *const name, const unsigned int length)
{
	for (unsigned int i = 0; i < length; i++) {
		if (have[i] != name[i])
			return false;
	}
	return length == LOCK_NAME_BYTES || have[length] == 0;
}

/* The participant's lock of that name; owns() if it has none. */
static uint32_t resolve(
	const struct dlm_space *const ls, const char *const name, const unsigned int length)
{
	uint32_t own = 0;

	if (!name || length == 0 || length > LOCK_NAME_BYTES)
		return owns(ls);
	while (own < owns(ls) &&
		!is_named(ls->client->tables->lock[row(ls, own)->lock].name, name, length))
		own++;
	return own;
}

void dlm_space_init(struct dlm_space *const ls, struct lock_client *const client,
	const struct dlm_transport *const transport, struct dlm_held *const held)
{
	ls->client = client;
	ls->transport = transport;
	ls->held = held;
	for (uint32_t i = 0; i < owns(ls); i++)
		held[i] = (struct dlm_held){ 0 };
}

static void show_value(struct dlm_space *const ls, const uint32_t own)
{
	const struct dlm_held *const h = &ls->held[own];
	uint8_t value[LOCK_VALUE_BYTES];
	const bool valid = lock_client_value(ls->client, own, value);

	if (!(h->flags & LKF_VALBLK) || !h->lksb->sb_lvbptr)
		return;
	h->lksb->sb_flags = valid ? 0 : DLM_SBF_VALNOTVALID;
	for (uint32_t i = 0; i < LOCK_VALUE_BYTES; i++)
		h->lksb->sb_lvbptr[i] = (char)value[i];
}

static void granted(struct dlm_space *const ls, const uint32_t own)
{
	struct dlm_held *const h = &ls->held[own];
	const uint64_t waited_ns = now(ls) - h->asked_ns;

	if (h->longest_wait_ns < waited_ns)
		h->longest_wait_ns = waited_ns;
	show_value(ls, own);
}

static void finish(struct dlm_space *const ls, const uint32_t own, const enum lock_status status)
{
	struct dlm_held *const h = &ls->held[own];
	const bool released = h->unlocking && status == LOCK_DONE;

	h->unlocking = false;
	h->lksb->sb_status = released ? EUNLOCK : number_of(status);
	if (!released && status == LOCK_DONE)
		granted(ls, own);
	if (h->ast)
		h->ast(h->argument);
}

static void tell(struct dlm_space *const ls, const struct lock_event *const event)
{
	const struct dlm_held *const h = &ls->held[event->own];

	if (!h->lksb)
		return;
	if (event->kind == LOCK_EVENT_BLOCKING && h->bast)
		h->bast(h->argument);
	else if (event->kind == LOCK_EVENT_DONE)
		finish(ls, event->own, event->status);
	else if (event->kind == LOCK_EVENT_LOST)
		finish(ls, event->own, LOCK_LOST);
}

static bool has_room(const struct dlm_transport *const t)
{
	return !t->has_room || t->has_room(t->context);
}

void dlm_ls_dispatch(const dlm_lshandle_t ls, const uint32_t most)
{
	const struct dlm_transport *const t = ls->transport;
	struct lock_envelope envelope;
	struct lock_message message;
	struct lock_event event;
	const uint64_t now_ns = now(ls);
	uint32_t bytes = 0;
	uint16_t from = 0;

	for (uint32_t i = 0; i < most && t->receive(t->context, &from, &message, &bytes); i++)
		lock_client_receive(ls->client, from, &message, bytes, now_ns);
	while (lock_client_tick(ls->client, now_ns))
		;
	while (has_room(t) && lock_client_send(ls->client, now_ns, &envelope))
		t->send(t->context, &envelope);
	while (lock_client_event(ls->client, &event))
		tell(ls, &event);
}

static int check(
	const uint32_t mode, const uint32_t flags, const uint32_t parent, const void *const range)
{
	if (parent != 0 || range || (flags & ~DLM_FLAGS))
		return ENOTSUP;
	if (mode > LKM_EXMODE || (flags & LKF_CANCEL) ||
		((flags & LKF_EXPEDITE) && mode != LKM_NLMODE))
		return EINVAL;
	return 0;
}

static enum lock_status ask(struct dlm_space *const ls, const uint32_t own, const uint32_t mode,
	const struct dlm_lksb *const lksb, const uint32_t flags, const uint64_t now_ns)
{
	const bool convert = flags & LKF_CONVERT;
	const bool value = (flags & LKF_VALBLK) && convert && lksb->sb_lvbptr;
	uint8_t bytes[LOCK_VALUE_BYTES] = { 0 };

	if (convert != lock_client_holds(ls->client, own, LOCK_NL, now_ns))
		return LOCK_WRONG;
	for (uint32_t i = 0; value && i < LOCK_VALUE_BYTES; i++)
		bytes[i] = (uint8_t)lksb->sb_lvbptr[i];
	return lock_client_request(ls->client, own, (enum lock_mode)mode,
		(uint8_t)((flags & LKF_NOQUEUE ? LOCK_FLAG_NOQUEUE : 0) |
			  (value ? LOCK_FLAG_VALUE : 0)),
		bytes, now_ns);
}

int dlm_ls_lock(const dlm_lshandle_t ls, const uint32_t mode, struct dlm_lksb *const lksb,
	const uint32_t flags, const void *const name, const unsigned int name_length,
	const uint32_t parent, void (*const ast)(void *), void *const argument,
	void (*const bast)(void *), void *const range)
{
	const int wrong = check(mode, flags, parent, range);
	const uint32_t own =
		flags & LKF_CONVERT ? lksb->sb_lkid - 1u : resolve(ls, name, name_length);

	if (wrong || own >= owns(ls))
		return refuse(wrong ? wrong : EINVAL);
	const uint64_t now_ns = now(ls);
	const enum lock_status status = ask(ls, own, mode, lksb, flags, now_ns);
	struct dlm_held *const h = &ls->held[own];

	if (status != LOCK_PENDING && status != LOCK_DONE)
		return refuse(number_of(status));
	h->lksb = lksb;
	h->ast = ast;
	h->bast = bast;
	h->argument = argument;
	h->flags = flags;
	h->asked_ns = now_ns;
	h->unlocking = false;
	lksb->sb_lkid = own + 1;
	lksb->sb_flags = 0;
	lksb->sb_status = EINPROGRESS;
	if (status == LOCK_DONE)
		finish(ls, own, LOCK_DONE);
	return 0;
}

static void wait(struct dlm_space *const ls, const struct dlm_lksb *const lksb)
{
	while (lksb->sb_status == EINPROGRESS)
		dlm_ls_dispatch(ls, TAKEN_WHILE_WAITING);
}

int dlm_ls_lock_wait(const dlm_lshandle_t ls, const uint32_t mode, struct dlm_lksb *const lksb,
	const uint32_t flags, const void *const name, const unsigned int name_length,
	const uint32_t parent, void *const argument, void (*const bast)(void *), void *const range)
{
	if (dlm_ls_lock(ls, mode, lksb, flags, name, name_length, parent, (void (*)(void *))0,
		    argument, bast, range))
		return -1;
	wait(ls, lksb);
	return 0;
}

static enum lock_status give_back(struct dlm_space *const ls, const uint32_t own,
	const uint32_t flags, const struct dlm_lksb *const lksb)
{
	uint8_t bytes[LOCK_VALUE_BYTES] = { 0 };

	if (!(flags & LKF_VALBLK) || !lksb->sb_lvbptr)
		return lock_client_release(ls->client, own, (const uint8_t *)0, now(ls));
	for (uint32_t i = 0; i < LOCK_VALUE_BYTES; i++)
		bytes[i] = (uint8_t)lksb->sb_lvbptr[i];
	return lock_client_release(ls->client, own, bytes, now(ls));
}

int dlm_ls_unlock(const dlm_lshandle_t ls, const uint32_t lkid, const uint32_t flags,
	struct dlm_lksb *const lksb, void *const argument)
{
	const uint32_t own = lkid - 1u;
	const bool cancel = flags & LKF_CANCEL;

	if (flags & ~(LKF_CANCEL | LKF_VALBLK))
		return refuse(ENOTSUP);
	if (own >= owns(ls) || !ls->held[own].lksb)
		return refuse(EINVAL);
	const enum lock_status status = cancel ? lock_client_cancel(ls->client, own, now(ls))
					       : give_back(ls, own, flags, lksb);
	struct dlm_held *const h = &ls->held[own];

	if (status != LOCK_PENDING && status != LOCK_DONE)
		return refuse(number_of(status));
	h->lksb = lksb;
	h->argument = argument;
	h->unlocking = !cancel;
	lksb->sb_status = EINPROGRESS;
	if (status == LOCK_DONE)
		finish(ls, own, LOCK_DONE);
	return 0;
}

int dlm_ls_unlock_wait(const dlm_lshandle_t ls, const uint32_t lkid, const uint32_t flags,
	struct dlm_lksb *const lksb)
{
	const uint32_t own = lkid - 1u;
	void *const argument = own < owns(ls) ? ls->held[own].argument : (void *)0;

	if (dlm_ls_unlock(ls, lkid, flags, lksb, argument))
		return -1;
	wait(ls, lksb);
	return 0;
}

uint64_t dlm_ls_token(
	const dlm_lshandle_t ls, const struct dlm_lksb *const lksb, const uint32_t mode)
{
	const uint32_t own = lksb->sb_lkid - 1u;

	if (mode > LKM_EXMODE || !lock_client_holds(ls->client, own, (enum lock_mode)mode, now(ls)))
		return 0;
	return ls->client->storage.owns[own].token;
}

int dlm_ls_waits(const dlm_lshandle_t ls, const void *const name, const unsigned int name_length,
	uint64_t *const bound_ns, uint64_t *const longest_ns)
{
	const uint32_t own = resolve(ls, name, name_length);

	if (own >= owns(ls))
		return refuse(EINVAL);
	*bound_ns = row(ls, own)->wait_bound_ns;
	*longest_ns = ls->held[own].longest_wait_ns;
	return 0;
}

static unsigned int length_of(const char *const name)
{
	unsigned int length = 0;

	while (length <= LOCK_NAME_BYTES && name[length])
		length++;
	return length;
}

/* In the opposite order; whatever was lost meanwhile is given back already. */
static void give_back_all(
	struct dlm_space *const ls, const struct dlm_claim *const claims, uint32_t count)
{
	while (count-- > 0)
		dlm_ls_unlock_wait(ls, claims[count].lksb->sb_lkid, 0, claims[count].lksb);
}

int dlm_ls_multi_wait(const dlm_lshandle_t ls, const struct dlm_claim *const claims,
	const uint32_t count, const uint32_t flags)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct dlm_claim *const c = &claims[i];
		const int failed = dlm_ls_lock_wait(ls, c->mode, c->lksb, flags, c->name,
			length_of(c->name), 0, (void *)0, (void (*)(void *))0, (void *)0);
		const int why = failed ? errno : c->lksb->sb_status;

		if (why == 0)
			continue;
		give_back_all(ls, claims, i);
		return refuse(why);
	}
	return 0;
}
