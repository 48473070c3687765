/*
 * Which session is which line. Invariant: answers keep room that text for people may not take.
 */
#include "datagrams.h"
#include "serial.h"
#include "transport.h"

#define ANSWERS_ROOM (2u * LINE_BYTES)

uint32_t transport_room(const unsigned session)
{
	return session == TRANSPORT_SERIAL ? serial_room() : datagrams_room();
}

void transport_answer(const unsigned session, const char *const text, const uint32_t bytes)
{
	if (session == TRANSPORT_SERIAL)
		serial_write(text, bytes);
	else
		datagrams_answer(text, bytes);
}

void transport_notice(const unsigned session, const char *const text, const uint32_t bytes)
{
	if (session == TRANSPORT_SERIAL)
		serial_write(text, bytes);
	else
		datagrams_notice(text, bytes);
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
