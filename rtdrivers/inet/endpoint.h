/*
 * Where a station is on an IPv4 network, as people write it: 10.0.2.15/24:7070.
 */
#ifndef RTDRIVERS_INET_ENDPOINT_H
#define RTDRIVERS_INET_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_TEXT_BYTES 25u /* 255.255.255.255/30:65535 and its NUL */

struct endpoint {
	uint32_t address, netmask;
	uint16_t port;
};

/*
 * A.B.C.D/BITS:PORT, decimal without leading zeros, and nothing behind it. False: it is not written so,
 * BITS is not 8 to 30, PORT is 0, or no station can have this address in this network. At most
 * 1000 instructions.
 */
bool endpoint_parse(const char *text, struct endpoint *endpoint);

#endif
