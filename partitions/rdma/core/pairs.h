/*
 * Lists of pairs of numbers, as arguments have them: "3:64,5:32"; and of neighbours:
 * "10.9.0.2=52:54:00:00:00:02".
 */
#ifndef RDMA_PAIRS_H
#define RDMA_PAIRS_H

#include <stdbool.h>

#include <ib/neighbour.h>
#include <ib/vlarb.h>

/* The next pair, both at most 255, and *text behind it and its comma; false: there is none, or it is no pair. */
bool pairs_next(const char **text, unsigned *first, unsigned *second);

/* Lanes and weights. False: something that is no pair, or more than VLARB_ENTRIES. */
bool pairs_table(const char *text, struct vlarb_table *table);

/* A value for each SL named, 0 to `most`; others stay. False: no pair, no SL, or beyond. */
bool pairs_of_sl(const char *text, unsigned most, uint8_t values[VLARB_LANES]);

/* The next neighbour, its MAC in hexadecimal, and *text behind it and its comma; false: there is none, or it is none. */
bool pairs_neighbour(const char **text, uint32_t *address, uint8_t mac[NEIGHBOUR_MAC_BYTES]);

#endif
