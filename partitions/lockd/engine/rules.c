/*
 * The rules, one function each; the header says what each is for. Invariant: none has a state of its own.
 * A verification build links another rules.c, in which one of them is missing, and must find what breaks.
 */
#include <mullion/lock_rules.h>

bool lock_rule_sequence(const uint32_t last, const uint32_t sequence)
{
	return sequence > last;
}

bool lock_rule_token(const uint64_t granted, const uint64_t token)
{
	return token == granted;
}

bool lock_rule_answer(const bool waiting, const uint32_t mine, const uint32_t sequence)
{
	return waiting && sequence == mine;
}

bool lock_rule_expected(
	const uint64_t my_place, const uint64_t place, const uint64_t my_life, const uint64_t life)
{
	return place == my_place && life == my_life;
}

bool lock_rule_epoch(const uint32_t mine, const uint32_t epoch)
{
	return epoch == mine;
}

bool lock_rule_new_epoch(const uint32_t mine, const uint32_t epoch)
{
	return epoch > mine;
}

bool lock_rule_session_over(const uint64_t now_ns, const uint64_t end_ns)
{
	return now_ns >= end_ns;
}

uint64_t lock_rule_lease_end(
	const uint64_t sent_ns, const uint64_t received_ns, const uint64_t span_ns)
{
	return sent_ns <= received_ns ? sent_ns + span_ns : 0;
}

uint64_t lock_rule_guard_end(const uint64_t now_ns, const uint64_t span_ns, const uint64_t guard_ns)
{
	return now_ns + (guard_ns > span_ns ? guard_ns : span_ns);
}

uint64_t lock_rule_cap(const uint64_t now_ns, const uint64_t session_ns,
	const uint64_t authority_end_ns, const uint64_t survive_ns)
{
	const uint64_t most = authority_end_ns + survive_ns;

	if (most <= now_ns)
		return 0;
	return most - now_ns < session_ns ? most - now_ns : session_ns;
}

bool lock_rule_authority(const uint64_t now_ns, const uint64_t end_ns)
{
	return now_ns < end_ns;
}

bool lock_rule_promise(const uint64_t now_ns, const uint64_t promise_end_ns)
{
	return now_ns >= promise_end_ns;
}

bool lock_rule_vote(const uint32_t voted, const uint32_t epoch)
{
	return epoch > voted;
}

bool lock_rule_again(const uint64_t now_ns, const uint64_t promise_end_ns)
{
	return now_ns < promise_end_ns;
}

uint64_t lock_rule_quiet_end(
	const uint64_t now_ns, const uint64_t authority_guard_ns, const uint64_t retransmit_ns)
{
	return now_ns + authority_guard_ns + retransmit_ns;
}

bool lock_rule_quorum(const uint32_t votes, const uint32_t memories)
{
	return memories >= 2 || votes >= 3;
}

bool lock_rule_incarnation(const uint32_t session, const uint32_t incarnation)
{
	return incarnation == session;
}

bool lock_rule_life(const uint64_t mine, const uint64_t life)
{
	return life == mine;
}

bool lock_rule_collecting(const bool collecting)
{
	return collecting;
}

bool lock_rule_served(const bool all_reported, const uint64_t now_ns, const uint64_t silent_end_ns)
{
	return all_reported || now_ns >= silent_end_ns;
}

bool lock_rule_fence(const uint64_t greatest, const uint64_t token)
{
	return token >= greatest;
}
