/*
 * The matrix of the six modes, and the holders of a lock. Invariant: holders agree with each other; proved
 * for every function (verification/proofs).
 */
#include <mullion/lock_modes.h>

bool lock_modes_agree(const uint8_t a, const uint8_t b)
{
	switch (a) {
	case LOCK_NL:
		return true;
	case LOCK_CR:
		return b != LOCK_EX;
	case LOCK_CW:
		return b <= LOCK_CW;
	case LOCK_PR:
		return b <= LOCK_CR || b == LOCK_PR;
	case LOCK_PW:
		return b <= LOCK_CR;
	default:
		return b == LOCK_NL;
	}
}

bool lock_mode_covers(const uint8_t strong, const uint8_t weak)
{
	switch (weak) {
	case LOCK_NL:
		return true;
	case LOCK_CR:
		return strong != LOCK_NL;
	case LOCK_CW:
		return strong == LOCK_CW || strong >= LOCK_PW;
	case LOCK_PR:
		return strong >= LOCK_PR;
	case LOCK_PW:
		return strong >= LOCK_PW;
	default:
		return strong == LOCK_EX;
	}
}

bool lock_holders_admit(const uint32_t held[const LOCK_MODES], const uint8_t mode)
{
	const uint32_t above = held[LOCK_PW] | held[LOCK_EX];

	switch (mode) {
	case LOCK_NL:
		return true;
	case LOCK_CR:
		return held[LOCK_EX] == 0;
	case LOCK_CW:
		return (held[LOCK_PR] | above) == 0;
	case LOCK_PR:
		return (held[LOCK_CW] | above) == 0;
	case LOCK_PW:
		return (held[LOCK_CW] | held[LOCK_PR] | above) == 0;
	default:
		return (held[LOCK_CR] | held[LOCK_CW] | held[LOCK_PR] | above) == 0;
	}
}

void lock_holders_enter(uint32_t held[const LOCK_MODES], const uint8_t mode)
{
	held[mode]++;
}

void lock_holders_leave(uint32_t held[const LOCK_MODES], const uint8_t mode)
{
	held[mode]--;
}

bool lock_holders_convert(uint32_t held[const LOCK_MODES], const uint8_t mode, const uint8_t wanted)
{
	bool admitted;

	lock_holders_leave(held, mode);
	admitted = lock_holders_admit(held, wanted);
	lock_holders_enter(held, admitted ? wanted : mode);
	return admitted;
}
