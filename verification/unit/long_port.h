/*
 * A port whose short way (ib/straight.h) is closed: the same source, in which nothing is found to go that way.
 */
#ifndef LONG_PORT_H
#define LONG_PORT_H

#include <ib/port.h>

unsigned long_port_take(struct roce_port *port, uint64_t now_ticks, const uint8_t *frame,
	unsigned bytes, uint8_t *reply);
unsigned long_port_packet(struct roce_port *port, uint64_t now_ticks, uint16_t lanes,
	uint8_t *frame, unsigned room, bool *more);

#endif
