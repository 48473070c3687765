/*
 * The six modes: which agree, and which are weaker than others; and who holds a lock, as numbers of holders
 * by mode. Invariant: all holders agree with each other.
 *
 * Specification: VAXcluster Principles, chapter 6; libdlm(3).
 */
#ifndef MULLION_LOCK_MODES_H
#define MULLION_LOCK_MODES_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/lock_message.h>

/*@ predicate agree(integer a, integer b) =
      a == LOCK_NL || b == LOCK_NL ||
      (a == LOCK_CR && b != LOCK_EX) || (b == LOCK_CR && a != LOCK_EX) ||
      (a == LOCK_CW && b == LOCK_CW) || (a == LOCK_PR && b == LOCK_PR);

    predicate kept(integer a, integer strong, integer weak) = agree(a, strong) ==> agree(a, weak);

    predicate covers(integer strong, integer weak) =
      kept(LOCK_NL, strong, weak) && kept(LOCK_CR, strong, weak) && kept(LOCK_CW, strong, weak) &&
      kept(LOCK_PR, strong, weak) && kept(LOCK_PW, strong, weak) && kept(LOCK_EX, strong, weak);

    predicate is_mode(integer mode) = 0 <= mode < LOCK_MODES;

    predicate all_agree(uint32_t *held) =
      (\forall integer a, b; is_mode(a) && is_mode(b) && a != b && held[a] > 0 && held[b] > 0 ==>
        agree(a, b)) &&
      (\forall integer a; 0 <= a < LOCK_MODES && held[a] > 1 ==> agree(a, a));

    predicate admitted(uint32_t *held, integer mode) =
      \forall integer a; 0 <= a < LOCK_MODES && held[a] > 0 ==> agree(a, mode);
*/

/* Whether two participants may hold these modes at once. */
/*@ requires is_mode(a) && is_mode(b);
    assigns \nothing;
    ensures \result <==> agree(a, b);
*/
bool lock_modes_agree(uint8_t a, uint8_t b);

/* Whether whatever agrees with `strong` agrees with `weak`, so that nobody can mind the change. */
/*@ requires is_mode(strong) && is_mode(weak);
    assigns \nothing;
    ensures \result <==> covers(strong, weak);
*/
bool lock_mode_covers(uint8_t strong, uint8_t weak);

/* Whether one more may hold `mode`. */
/*@ requires \valid_read(held + (0 .. LOCK_MODES - 1)) && is_mode(mode);
    assigns \nothing;
    ensures \result <==> admitted(held, mode);
*/
bool lock_holders_admit(const uint32_t held[LOCK_MODES], uint8_t mode);

/* Whether nobody holds more than NL, so that any mode may be held. */
/*@ requires \valid_read(held + (0 .. LOCK_MODES - 1));
    assigns \nothing;
    ensures \result <==> \forall integer a; LOCK_NL < a < LOCK_MODES ==> held[a] == 0;
*/
static inline bool lock_holders_none(const uint32_t held[const LOCK_MODES])
{
	return (held[LOCK_CR] | held[LOCK_CW] | held[LOCK_PR] | held[LOCK_PW] | held[LOCK_EX]) == 0;
}

/* One more holds `mode`. */
/*@ requires \valid(held + (0 .. LOCK_MODES - 1)) && is_mode(mode) && held[mode] < UINT32_MAX;
    requires all_agree(held) && admitted(held, mode);
    assigns held[mode];
    ensures held[mode] == \old(held[mode]) + 1;
    ensures all_agree(held);
*/
void lock_holders_enter(uint32_t held[LOCK_MODES], uint8_t mode);

/* One holds `mode` no more. */
/*@ requires \valid(held + (0 .. LOCK_MODES - 1)) && is_mode(mode) && held[mode] > 0;
    requires all_agree(held);
    assigns held[mode];
    ensures held[mode] == \old(held[mode]) - 1;
    ensures all_agree(held) && admitted(held, mode);
*/
void lock_holders_leave(uint32_t held[LOCK_MODES], uint8_t mode);

/* One that holds `mode` goes over to `wanted`, if the others agree: whether it did. */
/*@ requires \valid(held + (0 .. LOCK_MODES - 1)) && is_mode(mode) && is_mode(wanted);
    requires held[mode] > 0 && held[wanted] < UINT32_MAX;
    requires all_agree(held);
    assigns held[mode], held[wanted];
    ensures all_agree(held);
    ensures !\result ==> held[mode] == \old(held[mode]) && held[wanted] == \old(held[wanted]);
    ensures \result && mode != wanted ==>
      held[mode] == \old(held[mode]) - 1 && held[wanted] == \old(held[wanted]) + 1;
    ensures mode == wanted ==> held[mode] == \old(held[mode]);
*/
bool lock_holders_convert(uint32_t held[LOCK_MODES], uint8_t mode, uint8_t wanted);

#endif
