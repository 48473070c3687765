/*
 * What tools say to each other over TCP before and after they use RDMA: bytes in a fixed number, each waited
 * for until the run's patience is over.
 */
#ifndef RDMA_TOOLS_TALK_H
#define RDMA_TOOLS_TALK_H

#include <stdbool.h>

/* Listens, or connects until somebody listens. False: said why, as with the others. */
bool talk_open(void);
bool talk_say(const void *what, unsigned bytes);
bool talk_hear(void *what, unsigned bytes);
/* A client speaks first, a server answers. */
bool talk_swap(const void *mine, void *theirs, unsigned bytes);
void talk_close(void);

#endif
