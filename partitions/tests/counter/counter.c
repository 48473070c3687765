/*
 * counter: participants of a lock service who count together. An adder takes the lock `counter` exclusively, lets the
 * store add one under the lock's token, writes the number into the lock's value, and gives the lock back. A watcher
 * takes it to read, and looks whether the number ever goes back.
 *
 * Invariant: an adder asks the store only while it holds the lock, as far as it can know; each token is used for
 * one addition. Every addition is a line; so is whatever goes wrong.
 *
 * Arguments: role=adder, or watcher; at=10.78.0.1/24:7174 and store=10.78.0.254/24:7174, of an adder; rest-ns=1000000
 * between operations; retry-ns=4000000 until the store is asked again; defect=ignore-loss: an adder that goes on
 * after its session was lost, for tests that must notice it.
 */
#include <inttypes.h>
#include <stdio.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/dlm_ports.h>

#include "store.h"

#define NAME     "counter"
#define TAKEN    16u
#define OWNS     8u
#define GROUPS   4u
#define REPORTED 20u /* operations between two reports of waits */
#define AT_BYTES 25u

DLM_STORAGE(storage, OWNS, GROUPS);

enum stage { STAGE_IDLE, STAGE_WAITING, STAGE_ADDING, STAGE_RELEASING };

static struct dlm_partition dlm;
static struct dlm_lksb lksb;
static union {
	char bytes[DLM_LVB_LEN];
	uint64_t number;
} value;

static enum stage stage;
static struct store_request request;
static uint64_t asked_ns, resumed_ns, began_ns, latest, operations;
static uint64_t rest_ns, retry_ns;
static bool adder, ignores_loss;

static uint64_t now(void)
{
	return dlm_now_ns(&dlm.ports);
}

static void say(const char *const what)
{
	printf("counter: %s serial=%" PRIu64 " token=%" PRIx64 " value=%" PRIu64 " at=%" PRIu64
	       " wait=%" PRIu64 "\n",
		what, request.serial, request.token, value.number, now(), asked_ns - began_ns);
	fflush(stdout);
}

static void rest(void)
{
	stage = STAGE_IDLE;
	resumed_ns = now() + rest_ns;
}

static void report_waits(void)
{
	uint64_t bound_ns, longest_ns;

	if (++operations % REPORTED != 0 ||
		dlm_ls_waits(&dlm.space, NAME, sizeof(NAME) - 1, &bound_ns, &longest_ns))
		return;
	printf("counter: waits longest=%" PRIu64 " bound=%" PRIu64 "\n", longest_ns, bound_ns);
	fflush(stdout);
}

static void give_back(const uint32_t flags)
{
	stage = STAGE_RELEASING;
	if (dlm_ls_unlock(&dlm.space, lksb.sb_lkid, flags, &lksb, NULL))
		rest(); /* the session is over, and the lock with it */
}

static void request_lock(void)
{
	if (now() < resumed_ns || !dlm_is_joined(&dlm))
		return;
	began_ns = now();
	if (dlm_ls_lock(&dlm.space, adder ? LKM_EXMODE : LKM_PRMODE, &lksb, LKF_VALBLK, NAME,
		    sizeof(NAME) - 1, 0, NULL, NULL, NULL, NULL) == 0)
		stage = STAGE_WAITING;
}

static void ask(void)
{
	request.held = dlm_ls_token(&dlm.space, &lksb, LKM_EXMODE);
	if (request.held == 0 && !ignores_loss) {
		say("lost");
		rest();
		return;
	}
	asked_ns = now();
	store_ask(&request);
}

static void look(void)
{
	const bool valid = !(lksb.sb_flags & DLM_SBF_VALNOTVALID);

	if (valid && value.number < latest)
		say("backwards");
	if (valid)
		latest = value.number;
	report_waits();
	give_back(0);
}

static void begin(void)
{
	asked_ns = now();
	request.token = dlm_ls_token(&dlm.space, &lksb, adder ? LKM_EXMODE : LKM_PRMODE);
	if (!adder) {
		look();
		return;
	}
	request.serial++;
	stage = STAGE_ADDING;
	report_waits();
	ask();
}

static void await_lock(void)
{
	if (lksb.sb_status == EINPROGRESS)
		return;
	if (lksb.sb_status == 0)
		begin();
	else
		rest();
}

/* A valid value is what the store had. */
static void added(const struct store_answer *const answer)
{
	if (!(lksb.sb_flags & DLM_SBF_VALNOTVALID) && value.number + 1 != answer->value)
		say("mismatch");
	value.number = answer->value;
	say("inc");
	give_back(LKF_VALBLK);
}

static void await_store(void)
{
	struct store_answer answer;

	if (store_answered(&answer) && answer.token == request.token) {
		if (answer.verdict == STORE_ACCEPTED) {
			added(&answer);
			return;
		}
		say("refused");
		give_back(0);
		return;
	}
	if (dlm_ls_token(&dlm.space, &lksb, LKM_EXMODE) == 0 && !ignores_loss)
		ask(); /* which says so */
	else if (now() - asked_ns >= retry_ns)
		ask();
}

static void await_release(void)
{
	if (lksb.sb_status != EINPROGRESS)
		rest();
}

static void step(void)
{
	static void (*const steps[])(void) = {
		[STAGE_IDLE] = request_lock,
		[STAGE_WAITING] = await_lock,
		[STAGE_ADDING] = await_store,
		[STAGE_RELEASING] = await_release,
	};

	dlm_ls_dispatch(&dlm.space, TAKEN);
	steps[stage]();
}

static bool start(void)
{
	char at[AT_BYTES] = "10.78.0.1/24:7174", store[AT_BYTES] = "10.78.0.254/24:7174";

	adder = !args_is("role", "watcher");
	ignores_loss = args_is("defect", "ignore-loss");
	rest_ns = args_number("rest-ns", 1000000);
	retry_ns = args_number("retry-ns", 4000000);
	args_text("at", at, sizeof(at));
	args_text("store", store, sizeof(store));
	if (!dlm_open(&dlm, &storage)) {
		printf("counter: no lock service for this partition: %d\n", errno);
		return false;
	}
	if (adder && !store_open(at, store)) {
		printf("counter: the store is out of reach: no card, or no such address\n");
		return false;
	}
	lksb.sb_lvbptr = value.bytes;
	request.magic = STORE_MAGIC;
	request.participant = dlm.local->participant;
	return true;
}

int main(void)
{
	if (!start())
		return 1;
	printf("counter: participant %" PRIu32 " at=%" PRIu64 "\n", dlm.local->participant, now());
	for (;;) {
		step();
		if (stage != STAGE_ADDING)
			cpu_pause();
	}
}
