/*
 * See long_port.h. All of the port's functions get other names, so that both ports can be in one program.
 */
#define roce_port_open      long_port_open
#define roce_port_ipv6      long_port_ipv6
#define roce_port_ask       long_port_ask
#define roce_port_neighbour long_port_neighbour
#define roce_port_take      long_port_take
#define roce_port_question  long_port_question
#define roce_port_packet    long_port_packet
#define roce_port_next      long_port_next
#define roce_port_deadline  long_port_deadline

#include "long_port.h"

#include <ib/straight.h>

#define straight_goes(port, qp, room)                false
#define straight_comes(port, frame, bytes, straight) ((void)(straight), false)

#include <ib/port.c>
