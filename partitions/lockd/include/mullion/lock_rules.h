/*
 * The rules that make the lock service safe, one function each, so that a verification build can link a
 * variant of rules.c that lacks one and see what goes wrong (issue: the mutation table). Invariant: no
 * engine decides any of these questions elsewhere. All are pure, of constant cost, and total.
 */
#ifndef MULLION_LOCK_RULES_H
#define MULLION_LOCK_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* C1: an operation is new if its number is above the slot's last one. */
bool lock_rule_sequence(uint32_t last, uint32_t sequence);

/*
 * Token: what is held is converted or given back only under the token of its last grant. Numbers begin anew
 * with a session, and a session with a HELLO that may be late: messages of the life that sent it may follow, as late.
 */
bool lock_rule_token(uint64_t granted, uint64_t token);

/* C2: an answer is taken only while its very operation waits for one. */
bool lock_rule_answer(bool waiting, uint32_t mine, uint32_t sequence);

/*
 * Expected: the answer to the one operation that waits, if that was sent in the session's present epoch and
 * incarnation, names the same slot and epoch, incarnation and sequence. What answer, epoch and incarnation ask for, at
 * once; what is not expected is judged by them.
 */
bool lock_rule_expected(uint64_t my_place, uint64_t place, uint64_t my_life, uint64_t life);

/* Epoch check (C2, and the server's): a message counts only in the receiver's own epoch. */
bool lock_rule_epoch(uint32_t mine, uint32_t epoch);

/* C3: a client follows a leader of a higher epoch only. */
bool lock_rule_new_epoch(uint32_t mine, uint32_t epoch);

/* C4: a client whose session is over holds nothing. */
bool lock_rule_session_over(uint64_t now_ns, uint64_t end_ns);

/* C5: a lease runs from when its request was sent, not from when the answer came. */
/*@ assigns \nothing;
    ensures sent_ns <= received_ns && sent_ns + span_ns <= UINT64_MAX ==>
      \result == sent_ns + span_ns <= received_ns + span_ns;
    ensures sent_ns > received_ns ==> \result == 0;
*/
uint64_t lock_rule_lease_end(uint64_t sent_ns, uint64_t received_ns, uint64_t span_ns);

/* Guard: the giver of a lease thinks it over only after the guarded span (never the bare one). */
/*@ requires now_ns + span_ns <= UINT64_MAX && now_ns + guard_ns <= UINT64_MAX;
    assigns \nothing;
    ensures \result >= now_ns + span_ns && \result >= now_ns + guard_ns;
*/
uint64_t lock_rule_guard_end(uint64_t now_ns, uint64_t span_ns, uint64_t guard_ns);

/* Cap: a session's length, such that it outlives the leader's authority by survive_ns at most. */
/*@ requires authority_end_ns + survive_ns <= UINT64_MAX;
    assigns \nothing;
    ensures \result <= session_ns;
    ensures \result > 0 ==> now_ns + \result <= authority_end_ns + survive_ns;
    ensures now_ns + session_ns <= authority_end_ns + survive_ns ==> \result == session_ns;
*/
uint64_t lock_rule_cap(
	uint64_t now_ns, uint64_t session_ns, uint64_t authority_end_ns, uint64_t survive_ns);

/* Authority: a leader acts only before its lease ends. */
bool lock_rule_authority(uint64_t now_ns, uint64_t end_ns);

/* Promise: a voter supports another leader only when its promise to the last one is over. */
bool lock_rule_promise(uint64_t now_ns, uint64_t promise_end_ns);

/* Vote: an epoch is voted on once, by each voter. */
bool lock_rule_vote(uint32_t voted, uint32_t epoch);

/*
 * Again: a voter repeats its vote, which extends its promise, only while that lasts. Whoever asks later may
 * have forgotten in between that it led in that epoch.
 */
bool lock_rule_again(uint64_t now_ns, uint64_t promise_end_ns);

/* Quiet: how long a server keeps silent after its start: any promise is over then, and any message lost. */
uint64_t lock_rule_quiet_end(uint64_t now_ns, uint64_t authority_guard_ns, uint64_t retransmit_ns);

/* Quorum: two of three that remember, or all three. `votes` and `memories` include the candidate. */
/*@ assigns \nothing;
    ensures \result <==> memories >= 2 || votes >= 3;
*/
bool lock_rule_quorum(uint32_t votes, uint32_t memories);

/* Incarnation: a message counts only for the life of the client that its session was made for. */
bool lock_rule_incarnation(uint32_t session, uint32_t incarnation);

/* Life: what epoch and incarnation ask for, at once; what is of another life is judged by them. */
bool lock_rule_life(uint64_t mine, uint64_t life);

/* Late report: reports are taken only while they are collected. */
bool lock_rule_collecting(bool collecting);

/* Silence: a new leader serves only when all have reported, or the silent ones' sessions are over. */
bool lock_rule_served(bool all_reported, uint64_t now_ns, uint64_t silent_end_ns);

/* Fence: what a resource does with a token: it accepts none smaller than the greatest it saw. */
/*@ assigns \nothing;
    ensures \result <==> token >= greatest;
*/
bool lock_rule_fence(uint64_t greatest, uint64_t token);

#endif
