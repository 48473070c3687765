/*
 * Attachments and their holder. Invariant: notices go to who has asked for them with the key within the
 * last ATTACHMENT_SECONDS, or to nobody; a line that has one end only keeps them. Pure, but for the clock.
 */
#include "attachment.h"

static bool is_held(const struct session *const session)
{
	return session->attached != 0 || session->attached_health;
}

static void renew(struct session *const session)
{
	const struct node *const node = &session->control->node;
	const uint64_t hz =
		node->hz_denominator != 0 ? node->hz_numerator / node->hz_denominator : 0;

	session->held_until = node_now() + hz * ATTACHMENT_SECONDS;
}

bool attachment_is_free(const struct session *const session)
{
	return !is_held(session) || session->holder == session->peer;
}

void attachment_take(struct session *const session)
{
	session->holder = session->peer;
	renew(session);
}

void attachment_heard(struct session *const session)
{
	if (is_held(session) && session->holder == session->peer)
		renew(session);
}

void attachment_expire(struct session *const session)
{
	if (session->kind != SESSION_DATAGRAM || !is_held(session) ||
		node_now() < session->held_until)
		return;
	session->attached = 0;
	session->attached_health = false;
}
