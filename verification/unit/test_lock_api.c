/*
 * libdlm's verbs over a participant: what they grant, wait for, write, refuse, and call back.
 */
#include "lock_world.h"

#include <mullion/dlm.h>

#define LOCKS 3u

struct rig {
	struct world *w;
	struct dlm_space space;
	struct dlm_held held[LOCKS];
	struct dlm_transport transport;
	uint32_t asts, basts;
};

static uint64_t rig_now(void *context)
{
	return world_clock(((struct rig *)context)->w, FIRST_CLIENT_NODE);
}

/* Whoever looks for messages and finds none lets time pass. */
static bool rig_receive(
	void *context, uint16_t *from, struct lock_message *message, uint32_t *bytes)
{
	struct world *w = ((struct rig *)context)->w;
	struct flight f;

	if (!world_fetch(w, 0, &f)) {
		world_step(w);
		return false;
	}
	*from = f.from;
	*message = f.message;
	*bytes = LOCK_MESSAGE_BYTES;
	return true;
}

static void rig_send(void *context, const struct lock_envelope *envelope)
{
	world_post(((struct rig *)context)->w, FIRST_CLIENT_NODE, envelope);
}

static void rig_run(struct rig *r, uint64_t duration_ns)
{
	const uint64_t end_ns = r->w->now_ns + duration_ns;

	while (r->w->now_ns < end_ns)
		dlm_ls_dispatch(&r->space, 4);
}

static struct rig *made(uint8_t options)
{
	static const char *const names[LOCKS] = { "door", "window", "roof" };
	struct rig *r = calloc(1, sizeof(*r));

	r->w = world_new(1, LOCKS, 2);
	for (uint32_t l = 0; l < LOCKS; l++) {
		strcpy(r->w->lock[l].name, names[l]);
		r->w->lock[l].options = options;
		r->w->slot[2 * l].wait_bound_ns = 1000000 + l;
	}
	r->w->apart[0] = true;
	r->transport = (struct dlm_transport){ r, rig_now, rig_receive, rig_send, NULL };
	world_start(r->w);
	dlm_space_init(&r->space, &r->w->client[0], &r->transport, r->held);
	rig_run(r, 20000000);
	assert_int_equal(r->w->client[0].storage.memberships[0].state, LOCK_JOINED);
	return r;
}

static void drop(struct rig *r)
{
	world_free(r->w);
	free(r);
}

static void count_ast(void *argument)
{
	((struct rig *)argument)->asts++;
}

static void count_bast(void *argument)
{
	((struct rig *)argument)->basts++;
}

static int take(
	struct rig *r, const char *name, uint32_t mode, struct dlm_lksb *lksb, uint32_t flags)
{
	return dlm_ls_lock_wait(&r->space, mode, lksb, flags, name, (unsigned int)strlen(name), 0,
		r, count_bast, NULL);
}

static void a_lock_is_taken_and_given_back_by_name(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb = { 0 };

	(void)state;
	assert_int_equal(take(r, "window", LKM_EXMODE, &lksb, 0), 0);
	assert_int_equal(lksb.sb_status, 0);
	assert_true(dlm_ls_token(&r->space, &lksb, LKM_EXMODE) != 0);
	assert_int_equal(world_own(r->w, 0, 1)->held, LOCK_EX);
	assert_int_equal(dlm_ls_unlock_wait(&r->space, lksb.sb_lkid, 0, &lksb), 0);
	assert_int_equal(lksb.sb_status, EUNLOCK);
	assert_true(dlm_ls_token(&r->space, &lksb, LKM_NLMODE) == 0);
	drop(r);
}

static void completion_and_blocking_routines_are_called_from_dispatch_only(void **state)
{
	struct rig *r = made(LOCK_NOTIFY);
	struct dlm_lksb lksb = { 0 };

	(void)state;
	assert_int_equal(dlm_ls_lock(&r->space, LKM_PRMODE, &lksb, 0, "door", 4, 0, count_ast, r,
				 count_bast, NULL),
		0);
	assert_int_equal(lksb.sb_status, EINPROGRESS);
	assert_int_equal(r->asts, 0);
	rig_run(r, 100000);
	assert_int_equal(r->asts, 1);
	assert_int_equal(lksb.sb_status, 0);
	world_ask(r->w, 1, 0, LOCK_EX);
	rig_run(r, 100000);
	assert_int_equal(r->basts, 1);
	drop(r);
}

static void noqueue_ends_with_eagain_and_cancel_with_ecancel(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb = { 0 };

	(void)state;
	world_ask(r->w, 1, 0, LOCK_EX);
	rig_run(r, 100000);
	assert_int_equal(take(r, "door", LKM_PRMODE, &lksb, LKF_NOQUEUE), 0);
	assert_int_equal(lksb.sb_status, EAGAIN);
	assert_int_equal(dlm_ls_lock(&r->space, LKM_PRMODE, &lksb, 0, "door", 4, 0, count_ast, r,
				 NULL, NULL),
		0);
	rig_run(r, 100000);
	assert_int_equal(dlm_ls_unlock_wait(&r->space, lksb.sb_lkid, LKF_CANCEL, &lksb), 0);
	assert_int_equal(lksb.sb_status, ECANCEL);
	drop(r);
}

static void conversions_go_by_lock_id_and_carry_the_value(void **state)
{
	struct rig *r = made(0);
	char value[DLM_LVB_LEN] = "forty-two", seen[DLM_LVB_LEN] = "";
	struct dlm_lksb lksb = { .sb_lvbptr = value }, again = { .sb_lvbptr = seen };

	(void)state;
	assert_int_equal(take(r, "door", LKM_EXMODE, &lksb, 0), 0);
	assert_int_equal(take(r, "", LKM_CRMODE, &lksb, LKF_CONVERT | LKF_VALBLK), 0);
	assert_int_equal(lksb.sb_status, 0);
	assert_int_equal(world_own(r->w, 0, 0)->held, LOCK_CR);
	assert_int_equal(dlm_ls_unlock_wait(&r->space, lksb.sb_lkid, 0, &lksb), 0);
	assert_int_equal(take(r, "door", LKM_PRMODE, &again, LKF_VALBLK), 0);
	assert_string_equal(seen, "forty-two");
	assert_int_equal(again.sb_flags, 0);
	drop(r);
}

static void a_value_that_nobody_wrote_is_flagged(void **state)
{
	struct rig *r = made(0);
	char value[DLM_LVB_LEN];
	struct dlm_lksb lksb = { .sb_lvbptr = value };

	(void)state;
	assert_int_equal(take(r, "door", LKM_PRMODE, &lksb, LKF_VALBLK), 0);
	assert_int_equal(lksb.sb_flags, DLM_SBF_VALNOTVALID);
	drop(r);
}

static void what_is_refused_says_why_in_errno(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb = { 0 }, low = { 0 };
	int range;

	(void)state;
#define FAILS(why, call) (errno = 0, assert_int_equal((call), -1), assert_int_equal(errno, why))
	FAILS(EINVAL, take(r, "cellar", LKM_EXMODE, &lksb, 0));
	FAILS(EINVAL, take(r, "doo", LKM_EXMODE, &lksb, 0));
	FAILS(EINVAL, take(r, "door", 6, &lksb, 0));
	FAILS(EINVAL, take(r, "door", LKM_EXMODE, &lksb, LKF_EXPEDITE));
	FAILS(EINVAL, take(r, "door", LKM_EXMODE, &lksb, LKF_CONVERT)); /* of nothing */
	FAILS(ENOTSUP, take(r, "door", LKM_EXMODE, &lksb, 0x1000));     /* LKF_HEADQUE */
	FAILS(ENOTSUP,
		dlm_ls_lock(&r->space, LKM_EXMODE, &lksb, 0, "door", 4, 1, NULL, NULL, NULL, NULL));
	FAILS(ENOTSUP, dlm_ls_lock(&r->space, LKM_EXMODE, &lksb, 0, "door", 4, 0, NULL, NULL, NULL,
			       &range));
	FAILS(EINVAL, dlm_ls_unlock(&r->space, 1, 0, &lksb, NULL));
	assert_int_equal(take(r, "window", LKM_EXMODE, &lksb, 0), 0);
	FAILS(EDEADLK, take(r, "door", LKM_EXMODE, &low, 0));
	FAILS(EINVAL, take(r, "window", LKM_EXMODE, &low, 0)); /* held: only to be converted */
	assert_int_equal(dlm_ls_unlock(&r->space, lksb.sb_lkid, 0, &lksb, NULL), 0);
	FAILS(EBUSY, take(r, "window", LKM_EXMODE, &low, 0));
	drop(r);
}

static void a_lock_that_is_lost_calls_its_routine_with_estale(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb = { 0 };

	(void)state;
	assert_int_equal(dlm_ls_lock(&r->space, LKM_EXMODE, &lksb, 0, "door", 4, 0, count_ast, r,
				 count_bast, NULL),
		0);
	rig_run(r, 100000);
	for (uint32_t node = 0; node < 3; node++)
		r->w->cut[node][FIRST_CLIENT_NODE] = true;
	rig_run(r, 5000000);
	assert_int_equal(r->asts, 2);
	assert_int_equal(lksb.sb_status, ESTALE);
	assert_true(dlm_ls_token(&r->space, &lksb, LKM_NLMODE) == 0);
	errno = 0;
	assert_int_equal(take(r, "door", LKM_EXMODE, &lksb, 0), -1);
	assert_int_equal(errno, ESTALE);
	drop(r);
}

static void a_cached_lock_is_unlocked_and_locked_at_once(void **state)
{
	struct rig *r = made(LOCK_CACHED);
	struct dlm_lksb lksb = { 0 };
	uint64_t sent;

	(void)state;
	assert_int_equal(take(r, "door", LKM_EXMODE, &lksb, 0), 0);
	sent = r->w->sent[LOCK_REQUEST] + r->w->sent[LOCK_RELEASE];
	assert_int_equal(dlm_ls_unlock_wait(&r->space, lksb.sb_lkid, 0, &lksb), 0);
	assert_int_equal(lksb.sb_status, EUNLOCK);
	assert_int_equal(take(r, "door", LKM_EXMODE, &lksb, 0), 0);
	assert_int_equal(lksb.sb_status, 0);
	assert_int_equal(r->w->sent[LOCK_REQUEST] + r->w->sent[LOCK_RELEASE], sent);
	drop(r);
}

static void the_bound_is_told_and_the_longest_wait_is_kept(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb = { 0 };
	uint64_t bound_ns, longest_ns;

	(void)state;
	assert_int_equal(dlm_ls_waits(&r->space, "roof", 4, &bound_ns, &longest_ns), 0);
	assert_int_equal(bound_ns, 1000002);
	assert_int_equal(longest_ns, 0);
	assert_int_equal(take(r, "roof", LKM_EXMODE, &lksb, 0), 0);
	dlm_ls_waits(&r->space, "roof", 4, &bound_ns, &longest_ns);
	assert_true(longest_ns >= 2 * r->w->delay_least_ns && longest_ns <= bound_ns);
	assert_int_equal(dlm_ls_waits(&r->space, "r", 1, &bound_ns, &longest_ns), -1);
	drop(r);
}

static void a_set_of_locks_is_taken_whole_or_not_at_all(void **state)
{
	struct rig *r = made(0);
	struct dlm_lksb lksb[LOCKS] = { 0 };
	const struct dlm_claim up[] = {
		{ "door", LKM_EXMODE, &lksb[0] },
		{ "window", LKM_PRMODE, &lksb[1] },
		{ "roof", LKM_EXMODE, &lksb[2] },
	};
	const struct dlm_claim down[] = {
		{ "window", LKM_EXMODE, &lksb[1] },
		{ "door", LKM_EXMODE, &lksb[0] },
	};

	(void)state;
	assert_int_equal(dlm_ls_multi_wait(&r->space, up, 3, 0), 0);
	for (uint32_t l = 0; l < LOCKS; l++) {
		assert_true(dlm_ls_token(&r->space, &lksb[l], up[l].mode) != 0);
		dlm_ls_unlock_wait(&r->space, lksb[l].sb_lkid, 0, &lksb[l]);
	}
	errno = 0;
	assert_int_equal(dlm_ls_multi_wait(&r->space, down, 2, 0), -1);
	assert_int_equal(errno, EDEADLK);
	assert_int_equal(world_own(r->w, 0, 1)->state, LOCK_IDLE);
	world_ask(r->w, 1, 2, LOCK_EX);
	rig_run(r, 100000);
	errno = 0;
	assert_int_equal(dlm_ls_multi_wait(&r->space, up, 3, LKF_NOQUEUE), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(world_own(r->w, 0, 0)->state, LOCK_IDLE);
	drop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_taken_and_given_back_by_name),
		cmocka_unit_test(completion_and_blocking_routines_are_called_from_dispatch_only),
		cmocka_unit_test(noqueue_ends_with_eagain_and_cancel_with_ecancel),
		cmocka_unit_test(conversions_go_by_lock_id_and_carry_the_value),
		cmocka_unit_test(a_value_that_nobody_wrote_is_flagged),
		cmocka_unit_test(what_is_refused_says_why_in_errno),
		cmocka_unit_test(a_lock_that_is_lost_calls_its_routine_with_estale),
		cmocka_unit_test(a_cached_lock_is_unlocked_and_locked_at_once),
		cmocka_unit_test(the_bound_is_told_and_the_longest_wait_is_kept),
		cmocka_unit_test(a_set_of_locks_is_taken_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
