/*
 * A queuing channel (partitions/lib/include/mullion/queuing.h) on a memory with total store order: each end
 * has a store buffer, first in, first out; loads are in order and, as the processor does, not held up by
 * its own stores. Either end may stop for ever between any two of its steps.
 *
 * A message is WORDS words, all equal to its number. DEPTH and MESSAGES are given. Asserted: what is received
 * is whole, in order, nothing is missing and nothing comes twice, no slot is written while it holds a message
 * that was not taken, and neither end ever sees a counter it would not believe.
 */
#ifndef BUFFER
#define BUFFER 3
#endif
#define WORDS 2
#define HEAD  0
#define TAIL  1
#define WORD(n, i) (2 + ((n) % DEPTH) * WORDS + (i))

byte memory[2 + DEPTH * WORDS];
chan sent = [BUFFER] of { byte, byte };
chan taken = [BUFFER] of { byte, byte };
byte received; /* ghost: messages copied out for good */

#ifdef PLANT_FULL
#define FULL (head - tail > DEPTH)
#else
#define FULL (head - tail >= DEPTH)
#endif

active proctype drain()
{
	byte address, value;
end:
	do
	:: atomic { sent?address, value -> memory[address] = value }
	:: atomic { taken?address, value -> memory[address] = value }
	od
}

active proctype sender()
{
	byte head = 0, tail, word;

	do
	:: head == MESSAGES -> break
	:: true -> break /* stopped */
	:: head < MESSAGES ->
		tail = memory[TAIL];
		assert(tail <= head && head - tail <= DEPTH);
		if
		:: FULL /* refused: tries again */
		:: else ->
			assert(head - received < DEPTH); /* the slot is free indeed */
#ifdef PLANT_HEAD
			sent!HEAD, head + 1;
#endif
			word = 0;
			do
			:: word < WORDS -> sent!WORD(head, word), head + 1; word++
			:: word < WORDS -> goto stopped
			:: word == WORDS -> break
			od;
#ifndef PLANT_HEAD
			sent!HEAD, head + 1;
#endif
			head++
		fi
	od;
stopped:
	skip
}

active proctype receiver()
{
	byte tail = 0, head, word;

	do
	:: tail == MESSAGES -> break
	:: true -> break /* stopped */
	:: tail < MESSAGES ->
		head = memory[HEAD];
		assert(tail <= head && head - tail <= DEPTH);
		if
		:: head == tail /* empty: tries again */
		:: else ->
#ifdef PLANT_TAIL
			taken!TAIL, tail + 1;
#endif
			word = 0;
			do
			:: word < WORDS -> assert(memory[WORD(tail, word)] == tail + 1); word++
			:: word == WORDS -> break
			od;
			received = tail + 1;
			tail++;
#ifndef PLANT_TAIL
			taken!TAIL, tail
#endif
		fi
	od
}
