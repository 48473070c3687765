/*
 * See forward.h. QEMU's user network is a router that listens here and sends on; it joins the hub to which
 * boards connect their cards. It is not restricted (restrict=on), because then it drops the answers, too.
 */
#include "forward.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_BYTES 16u
#define HUB           "1" /* of the boards' network cards */

/* Where the node listens, in its own network. */
struct listener {
	char text[ADDRESS_BYTES];
	uint32_t address;
	unsigned bits, port;
};

bool forward_valid(const char *from)
{
	char host[ADDRESS_BYTES], rest;
	struct in_addr address;
	unsigned port;

	return sscanf(from, "%15[0-9.]:%5u%c", host, &port, &rest) == 2 &&
	       inet_pton(AF_INET, host, &address) == 1 && port > 0 && port <= 65535;
}

static const char *args_of_control(const json_t *system)
{
	const json_t *partition;
	size_t i;

	json_array_foreach(json_object_get(system, "partitions"), i, partition)
	{
		const char *args = json_string_value(json_object_get(partition, "args"));

		if (args && json_is_true(json_object_get(partition, "control")))
			return args;
	}
	return "";
}

/* The last `udp=` counts, as for the partition. */
static const char *find_udp(const char *args)
{
	const char *found = NULL, *at;

	for (at = args; (at = strstr(at, "udp=")); at++)
		if (at == args || at[-1] == ' ')
			found = at + 4;
	return found;
}

static bool read_listener(const char *text, struct listener *to)
{
	struct in_addr address;

	if (sscanf(text, "%15[0-9.]/%2u:%5u", to->text, &to->bits, &to->port) != 3 ||
		inet_pton(AF_INET, to->text, &address) != 1 || to->bits < 8 || to->port > 65535)
		return false;
	to->address = ntohl(address.s_addr);
	return true;
}

/* Addresses of the network for QEMU's own parts: its router, and a name server that nobody asks. */
static void add_network(struct command *command, const char *from, const struct listener *to)
{
	const uint32_t first = to->address & (UINT32_MAX << (32 - to->bits));
	char names[2][ADDRESS_BYTES];
	uint32_t next = first;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct in_addr address;

		if (++next == to->address)
			next++;
		address.s_addr = htonl(next);
		inet_ntop(AF_INET, &address, names[i], sizeof(names[i]));
	}
	command_add(command, "-netdev");
	command_add(command,
		"user,id=control,net=%s/%u,host=%s,dns=%s,dhcpstart=%s,"
		"hostfwd=udp:%s-%s:%u",
		to->text, to->bits, names[0], names[1], to->text, from, to->text, to->port);
	command_add_words(command, "-netdev hubport,id=h0,hubid=" HUB ",netdev=control");
}

bool forward_add(struct command *command, const char *from, const json_t *system)
{
	const char *udp = find_udp(args_of_control(system));
	struct listener to;

	if (!udp) {
		fputs("mullion run: --udp leads nowhere: the control partition of this build has "
		      "no "
		      "udp=ADDRESS/BITS:PORT in its args; docs/control.md, By UDP\n",
			stderr);
		return false;
	}
	if (!read_listener(udp, &to) || to.bits > 29) {
		fprintf(stderr,
			"mullion run: --udp: \"udp=%.*s\" in the args of control is no "
			"ADDRESS/BITS:PORT with BITS 8 to 29, as 10.0.2.15/24:7070\n",
			(int)strcspn(udp, " "), udp);
		return false;
	}
	add_network(command, from, &to);
	return true;
}
