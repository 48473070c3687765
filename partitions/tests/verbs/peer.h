/*
 * One end of a local link between two partitions: `do=ping` or `do=echo`, under Mullion.
 */
#ifndef VERBS_PEER_H
#define VERBS_PEER_H

/* The partition's exit status. */
int peer_ping(void);
int peer_echo(void);

#endif
