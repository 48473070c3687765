/*
 * What the roles of test-ports share: messages that tell their number and whether they are whole,
 * the channels by name, and waiting.
 */
#ifndef PORTS_H
#define PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include <mullion/queuing.h>
#include <mullion/sampling.h>

#define MESSAGE_WORDS_MOST (MULLION_CHANNEL_MESSAGE_MOST / 8u)

/* Word i of message n: two messages share none, and a word of 0 is in none of them. */
static inline uint64_t pattern_word(const uint64_t n, const uint64_t i)
{
	return n * 0x9e3779b97f4a7c15ull + i * 2 + 1;
}

void pattern_fill(uint64_t *message, uint64_t n, uint64_t words);
bool pattern_is(const uint64_t *message, uint64_t n, uint64_t words);

/* Open the end of this partition, or say which channel is missing and end. */
void open_writer(struct sampling_writer *port, const char *name);
void open_reader(struct sampling_reader *port, const char *name);
void open_sender(struct queuing_sender *port, const char *name);
void open_receiver(struct queuing_receiver *port, const char *name);

/* A moment for the others: the rest of the window on a framed CPU, a PAUSE on an owned one. */
void rest(void);

/* Long enough for the control partition to print what was said. */
void let_it_be_printed(void);

/* The roles; each returns the partition's exit status. */
int role_write(void);
int role_read(void);
int role_cost(void);
int role_serve(void);
int role_die_writing(void);
int role_die_sending(void);
int role_mourn(void);
int role_flood(void);
int role_drain(void);
int role_scribble(void);
int role_endure(void);

#endif
