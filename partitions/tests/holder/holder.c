/*
 * holder: a participant of a lock service, for the measure of a recovery. It takes all its locks, as many at a time as its
 * channel carries, and keeps them, but for the last one, which it gives back and takes, again and again. Once it held all,
 * it says how many it holds, and how long a grant of the last one took at most since it last said so. What it loses with
 * its session it says at once, and asks for again. Its locks are of one group.
 *
 * Invariant: what is told to be held is held at that moment, by the participant's own state; no loss goes untold once it
 * held all.
 *
 * Arguments: mode=shared, or exclusive; report-ns=20000000.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/dlm_ports.h>

#define OWNS      5000u
#define GROUPS    4u
#define TAKEN     64u
#define UNDER_WAY 128u

DLM_STORAGE(storage, OWNS, GROUPS);

static struct dlm_partition dlm;
static enum lock_mode mode;
static uint64_t report_ns, due_ns, asked_ns, longest_ns, grants;
static uint32_t owns, asked, held, life;
static bool held_all;

static uint64_t now(void)
{
	return dlm_now_ns(&dlm.ports);
}

static bool holds(const uint32_t own)
{
	return lock_client_holds(&dlm.client, own, mode, now());
}

/* Without the last one. */
static uint32_t count_held(void)
{
	uint32_t count = 0;

	for (uint32_t own = 0; own + 1 < owns; own++)
		count += holds(own);
	return count;
}

static void tell(void)
{
	if (now() < due_ns)
		return;
	due_ns = now() + report_ns;
	printf("holder: held=%" PRIu32 " longest=%" PRIu64 " grants=%" PRIu64 " at=%" PRIu64 "\n",
		count_held(), longest_ns, grants, now());
	fflush(stdout);
	longest_ns = grants = 0;
}

/* Gives it back and takes it; one step at a time. */
static void renew(const uint32_t own)
{
	const uint8_t state = storage.client.owns[own].state;

	if (state == LOCK_HOLDING && asked_ns != 0) {
		longest_ns = now() - asked_ns > longest_ns ? now() - asked_ns : longest_ns;
		grants++;
		asked_ns = 0;
	} else if (state == LOCK_HOLDING) {
		lock_client_release(&dlm.client, own, NULL, now());
	} else if (state == LOCK_IDLE &&
		   lock_client_request(&dlm.client, own, mode, 0, NULL, now()) == LOCK_PENDING) {
		asked_ns = now();
	}
}

/* With the session of another life all that was asked for is lost: it begins anew. */
static void begin_life(void)
{
	const uint32_t incarnation = dlm.client.storage.memberships[0].incarnation;

	if (life == incarnation)
		return;
	life = incarnation;
	asked = held = 0;
	due_ns = 0;
}

/* In rising rank, which is their order. */
static void take(void)
{
	while (asked < owns && asked - held < UNDER_WAY &&
		lock_client_request(&dlm.client, asked, mode, 0, NULL, now()) == LOCK_PENDING)
		asked++;
	while (held < asked && holds(held))
		held++;
}

static void work(void)
{
	begin_life();
	take();
	if (held == owns) {
		held_all = true;
		renew(owns - 1);
	}
	if (held_all)
		tell();
}

int main(void)
{
	mode = args_is("mode", "exclusive") ? LOCK_EX : LOCK_PR;
	report_ns = args_number("report-ns", 20000000);
	if (!dlm_open(&dlm, &storage)) {
		printf("holder: no lock service for this partition: %d\n", errno);
		return 1;
	}
	owns = dlm.client.participant->owns;
	printf("holder: participant %" PRIu32 " of %" PRIu32 " locks\n", dlm.local->participant,
		owns);
	fflush(stdout);
	if (owns == 0)
		return 0;
	for (;;) {
		dlm_ls_dispatch(&dlm.space, TAKEN);
		if (dlm_is_joined(&dlm))
			work();
		else
			cpu_pause();
	}
}
