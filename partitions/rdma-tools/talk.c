/*
 * A conversation. See talk.h. Invariant: nothing is looked at before all of it is there.
 */
#include "machine.h"
#include "talk.h"
#include "tools.h"

#define PORTS_FROM 40000u
#define PORTS      20000u
#define AGAIN_NS   50000000ull

static bool pause(const uint64_t ns)
{
	const uint64_t end = machine.now_ns + ns;

	while (machine.now_ns < end)
		if (!machine_step())
			return false;
	return true;
}

static bool listen(void)
{
	tcp_listen(&machine.tcp, machine.options.port);
	while (machine.tcp.state == TCP_LISTEN || machine.tcp.state == TCP_SYN_RECEIVED)
		if (!machine_step())
			break;
	return tools_claim(machine.tcp.state != TCP_LISTEN && machine.tcp.state != TCP_SYN_RECEIVED,
		"a client connects");
}

/* Refused: nobody listens yet. Another port each time. */
static bool connect(void)
{
	uint16_t port = (uint16_t)(PORTS_FROM + machine.psn % PORTS);

	while (!machine.peer_found)
		if (!machine_step())
			return tools_claim(false, "somebody has the server's address");
	do {
		port = (uint16_t)(PORTS_FROM + (port + 1u - PORTS_FROM) % PORTS);
		tcp_connect(&machine.tcp, port, machine.options.peer, machine.options.port);
		while (machine.tcp.state == TCP_SYN_SENT || machine.tcp.state == TCP_SYN_RECEIVED)
			if (!machine_step())
				break;
	} while (machine.tcp.state == TCP_CLOSED && pause(AGAIN_NS));
	return tools_claim(
		machine.tcp.state == TCP_ESTABLISHED || machine.tcp.state == TCP_CLOSE_WAIT,
		"a server listens");
}

bool talk_open(void)
{
	return machine.options.server ? listen() : connect();
}

bool talk_say(const void *const what, const unsigned bytes)
{
	const uint8_t *const octets = what;
	unsigned said = 0;

	while (said < bytes) {
		said += tcp_write(&machine.tcp, octets + said, bytes - said);
		if (machine.tcp.state == TCP_CLOSED || !machine_step())
			return tools_claim(false, "the peer listens on TCP");
	}
	return true;
}

bool talk_hear(void *const what, const unsigned bytes)
{
	uint8_t *const octets = what;
	unsigned heard = 0;

	while (heard < bytes) {
		heard += tcp_read(&machine.tcp, octets + heard, bytes - heard);
		if (heard < bytes && (tcp_ended(&machine.tcp) || !machine_step()))
			return tools_claim(false, "the peer says on TCP what it has to");
	}
	return true;
}

bool talk_swap(const void *const mine, void *const theirs, const unsigned bytes)
{
	if (machine.options.server)
		return talk_hear(theirs, bytes) && talk_say(mine, bytes);
	return talk_say(mine, bytes) && talk_hear(theirs, bytes);
}

void talk_close(void)
{
	tcp_close(&machine.tcp);
}
