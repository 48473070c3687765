/*
 * A sampling channel (partitions/lib/include/mullion/sampling.h) on a memory with total store order: what
 * the writer stores waits in its store buffer, first in, first out, and reaches the memory whenever it
 * likes; loads are in order. The writer may stop for ever before any of its steps.
 *
 * A message is WORDS words, all equal to its number. SLOTS, ATTEMPTS, MESSAGES and READS are given. Asserted:
 * no copy that is accepted is torn; none is older than what was visible when its read began, nor than the
 * read before; an attempt fails only if the writer began SLOTS - 1 messages during it, so never when
 * the writer stands still; and a read takes at most ATTEMPTS * (WORDS + 2) loads.
 */
#ifndef BUFFER
#define BUFFER 4
#endif
#define WORDS  2
#define BEGUN  0
#define LATEST 1
#define WORD(n, i) (2 + ((n) % SLOTS) * WORDS + (i))

byte memory[2 + SLOTS * WORDS];
chan buffer = [BUFFER] of { byte, byte };
chan overtaking = [BUFFER] of { byte, byte };

#ifdef PLANT_ORDER
#define STORE_WORD(a, v) overtaking!a, v
#else
#define STORE_WORD(a, v) buffer!a, v
#endif
#ifdef PLANT_COUNT
#define WHOLE (begun - number <= SLOTS)
#else
#define WHOLE (begun - number < SLOTS)
#endif

active proctype drain()
{
	byte address, value;
end:
	do
	:: atomic { buffer?address, value -> memory[address] = value }
	:: atomic { overtaking?address, value -> memory[address] = value }
	od
}

active proctype writer()
{
	byte number = 1, word;

	do
	:: number > MESSAGES -> break
	:: true -> break /* stopped */
	:: number <= MESSAGES ->
#ifndef PLANT_BEGUN
		buffer!BEGUN, number;
#endif
#ifdef PLANT_LATEST
		buffer!LATEST, number;
#endif
		word = 0;
		do
		:: word < WORDS -> STORE_WORD(WORD(number, word), number); word++
		:: word < WORDS -> goto stopped
		:: word == WORDS -> break
		od;
#ifdef PLANT_BEGUN
		buffer!BEGUN, number;
#endif
#ifndef PLANT_LATEST
		buffer!LATEST, number;
#endif
		number++
	od;
stopped:
	skip
}

active proctype reader()
{
	byte reads = 0, attempts, number, begun, first, word, floor, started, loads, last = 0;
	bool torn;

	do
	:: reads == READS -> break
	:: reads < READS ->
		floor = memory[LATEST];
		attempts = 0;
		loads = 0;
		do
		:: attempts == ATTEMPTS -> break /* overtaken: no message */
		:: attempts < ATTEMPTS ->
			atomic { number = memory[LATEST]; started = memory[BEGUN]; loads++ };
			if
			:: number == 0 -> break /* empty */
			:: else
			fi;
			torn = false;
			word = 0;
			do
			:: word < WORDS ->
				atomic { torn = torn || memory[WORD(number, word)] != number; loads++; word++ }
			:: word == WORDS -> break
			od;
			begun = memory[BEGUN];
			loads++;
			assert(loads <= ATTEMPTS * (WORDS + 2));
			if
			:: WHOLE ->
				assert(!torn);
				assert(number >= floor && number >= last);
				last = number;
				break
			:: else ->
				assert(begun - started >= SLOTS - 1);
				attempts++
			fi
		od;
		assert(attempts == 0 || number > 0);
		reads++
	od
}
