/*
 * A stopped partition's memory, to be told and to be put back: blocks of MULLION_PEEK_BYTES, numbered by
 * their guest-physical address.
 */
#ifndef CONTROL_MEMORY_H
#define CONTROL_MEMORY_H

#include "session.h"

#define MEMORY_PARTS      (MULLION_PAGE_BYTES / MULLION_PEEK_BYTES)
#define MEMORY_WORDS      (MULLION_PEEK_BYTES / 8u)
#define MEMORY_DIGITS     ((MULLION_PEEK_BYTES + 2u) / 3u * 4u) /* of a block in base64 */
#define MEMORY_DUMP_PAGES 256u                                  /* of one answer */
#define MEMORY_LOAD_ZEROS 65536u                                /* blocks of one request */

/* The first block behind the stretch of memory that `block` lies in; 0, or not above it: in none. */
uint64_t memory_end(const struct node *node, uint16_t partition, uint64_t block);

/*
 * One step's part of what a dump or load of zeros has to do before its next line. True: not all of it,
 * and there is no line yet. The job's command is none when somebody started the partition.
 */
bool memory_waits(const struct node *node, struct job *job);

/* The next line of either; true: another follows. */
bool memory_dump(const struct node *node, struct job *job, struct writer *out);
bool memory_load(struct job *job, struct writer *out);

/* A block from its digits; false: they are not those of a whole block. */
bool memory_decode(const struct member *data, uint64_t block[MEMORY_WORDS]);

/* Puts a block back: the result of MULLION_HC_POKE. */
int64_t memory_put(const struct node *node, uint16_t partition, uint64_t block,
	const uint64_t words[MEMORY_WORDS]);

#endif
