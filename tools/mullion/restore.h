/*
 * What restarts need of a partition: all that it may write, and its image once more, out of everybody's
 * reach, to copy from.
 *
 * The invariant: a restart zeroes what is the partition's alone, its memory and its private pages.
 * Consoles and channels keep their counters, by which the other end reads on (abi.h); they are zeroed
 * when the node boots, as everything is.
 */
#ifndef RESTORE_H
#define RESTORE_H

#include "layout.h"

/* Where each piece of an image lies in its pristine copy; sources are relative until placed. */
void restore_number(struct layout *layout);

/* After placement: sources become physical, and what may be written is listed. */
void restore_build(struct layout *layout);
void restore_free(struct layout *layout);

#endif
