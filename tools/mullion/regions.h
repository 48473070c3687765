/*
 * The shared pages of each partition: what its info page lists and its nested page tables map.
 */
#ifndef REGIONS_H
#define REGIONS_H

#include "layout.h"

/* Numbers blocks and regions. Physical addresses of blocks come later, from layout.c. */
void regions_build(struct layout *layout);

#endif
