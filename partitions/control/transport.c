/*
 * Which session is which line. Invariant: answers keep room that text for people may not take.
 */
#include "serial.h"
#include "transport.h"

#define ANSWERS_ROOM (2u * LINE_BYTES)

uint32_t transport_room(const unsigned session)
{
	return session == SESSION_SERIAL ? serial_room() : 0;
}

void transport_send(const unsigned session, const char *const text, const uint32_t bytes)
{
	if (session == SESSION_SERIAL)
		serial_write(text, bytes);
}

uint32_t people_room(void)
{
	const uint32_t room = serial_room();

	return room > ANSWERS_ROOM ? room - ANSWERS_ROOM : 0;
}

void people_send(const char *const text, const uint32_t bytes)
{
	serial_write(text, bytes);
}
