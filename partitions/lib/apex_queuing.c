/*
 * Queuing ports under their APEX names. Invariant: a port that has a number is open, and its
 * direction is that of the channel's end in the description.
 *
 * Specification: ARINC 653 P1, 3.6.2.2. Errors are looked for in the order of its pseudo-code.
 */
#include "apex_channel.h"

#include <stddef.h>

#include <mullion/apex.h>
#include <mullion/info.h>
#include <mullion/queuing.h>
#include <mullion/time.h>

#define TIME_OUT_MOST_NS (INT64_C(1) << 60) /* 36 years: its ticks fit, whatever the processor */

struct port {
	const struct mullion_region *region;
	bool sends;
	union {
		struct queuing_sender sender;
		struct queuing_receiver receiver;
	};
};

static struct port ports[SYSTEM_LIMIT_NUMBER_OF_QUEUING_PORTS];
static uint32_t ports_count;

static struct port *find_port(const QUEUING_PORT_ID_TYPE id)
{
	const uint32_t index = (uint32_t)id - 1;

	return index < ports_count ? &ports[index] : NULL;
}

static QUEUING_PORT_ID_TYPE find_id(const char *const name)
{
	for (uint32_t i = 0; i < ports_count; i++)
		if (apex_is_named(ports[i].region, name))
			return (QUEUING_PORT_ID_TYPE)(i + 1);
	return 0;
}

static bool open_port(struct port *const port)
{
	const struct mullion_region *const region = port->region;
	const struct mullion_region *const reader = info_region(MULLION_REGION_QUEUING_READER,
		region->index, port->sends ? MULLION_READ : MULLION_WRITE);

	if (reader == NULL)
		return false;
	if (port->sends)
		return queuing_open_sender(&port->sender, region_address(region), region->bytes,
			region_address(reader), region->message_bytes, region->depth);
	return queuing_open_receiver(&port->receiver, region_address(region), region->bytes,
		region_address(reader), region->message_bytes, region->depth);
}

void CREATE_QUEUING_PORT(const char *const QUEUING_PORT_NAME,
	const MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE, const MESSAGE_RANGE_TYPE MAX_NB_MESSAGE,
	const PORT_DIRECTION_TYPE PORT_DIRECTION, const QUEUING_DISCIPLINE_TYPE QUEUING_DISCIPLINE,
	QUEUING_PORT_ID_TYPE *const QUEUING_PORT_ID, RETURN_CODE_TYPE *const RETURN_CODE)
{
	const struct mullion_region *const region =
		apex_channel(MULLION_REGION_QUEUING, QUEUING_PORT_NAME, PORT_DIRECTION);
	struct port *const port = &ports[ports_count];

	*RETURN_CODE = INVALID_CONFIG;
	if (region == NULL || (uint32_t)MAX_MESSAGE_SIZE != region->message_bytes ||
		(uint32_t)MAX_NB_MESSAGE != region->depth ||
		(QUEUING_DISCIPLINE != FIFO && QUEUING_DISCIPLINE != PRIORITY))
		return;
	*QUEUING_PORT_ID = find_id(QUEUING_PORT_NAME);
	if (*QUEUING_PORT_ID != 0) {
		*RETURN_CODE = NO_ACTION;
		return;
	}
	if (ports_count == SYSTEM_LIMIT_NUMBER_OF_QUEUING_PORTS)
		return;
	*port = (struct port){ .region = region, .sends = PORT_DIRECTION == SOURCE };
	if (!open_port(port))
		return;
	*QUEUING_PORT_ID = (QUEUING_PORT_ID_TYPE)++ports_count;
	*RETURN_CODE = NO_ERROR;
}

static bool time_out_is_good(const SYSTEM_TIME_TYPE time_out)
{
	return time_out >= INFINITE_TIME_VALUE && time_out <= TIME_OUT_MOST_NS;
}

static uint64_t deadline_of(const SYSTEM_TIME_TYPE time_out)
{
	if (time_out == INFINITE_TIME_VALUE)
		return UINT64_MAX;
	return tsc_read() + time_ticks_from_ns((uint64_t)time_out);
}

/*
 * There was no room: poll until there is or the time is up, which costs this partition's time and
 * nobody else's, and does not exit.
 */
__attribute__((noinline)) static RETURN_CODE_TYPE send_later(struct queuing_sender *const sender,
	const APEX_BYTE *const message, const uint64_t length, const SYSTEM_TIME_TYPE time_out)
{
	const uint64_t deadline = deadline_of(time_out);

	while (time_out != 0 && tsc_read() < deadline) {
		cpu_pause();
		if (queuing_send(sender, message, length))
			return NO_ERROR;
	}
	queuing_overflow(sender);
	return time_out == 0 ? NOT_AVAILABLE : TIMED_OUT;
}

void SEND_QUEUING_MESSAGE(const QUEUING_PORT_ID_TYPE QUEUING_PORT_ID,
	const APEX_BYTE *const MESSAGE_ADDR, const MESSAGE_SIZE_TYPE LENGTH,
	const SYSTEM_TIME_TYPE TIME_OUT, RETURN_CODE_TYPE *const RETURN_CODE)
{
	struct port *const port = find_port(QUEUING_PORT_ID);

	if (port == NULL || !time_out_is_good(TIME_OUT) || LENGTH <= 0)
		*RETURN_CODE = INVALID_PARAM;
	else if (!port->sends)
		*RETURN_CODE = INVALID_MODE;
	else if ((uint64_t)LENGTH > port->sender.message_bytes)
		*RETURN_CODE = INVALID_CONFIG;
	else if (queuing_send(&port->sender, MESSAGE_ADDR, (uint64_t)LENGTH))
		*RETURN_CODE = NO_ERROR;
	else
		*RETURN_CODE = send_later(&port->sender, MESSAGE_ADDR, (uint64_t)LENGTH, TIME_OUT);
}

static RETURN_CODE_TYPE receive(struct queuing_receiver *const receiver, APEX_BYTE *const message,
	MESSAGE_SIZE_TYPE *const length)
{
	uint64_t bytes;
	bool overflowed;

	if (queuing_receive(receiver, message, &bytes, &overflowed) != QUEUING_MESSAGE)
		return NOT_AVAILABLE;
	*length = (MESSAGE_SIZE_TYPE)bytes;
	return overflowed ? INVALID_CONFIG : NO_ERROR;
}

/* There was nothing: poll as send_later does. */
__attribute__((noinline)) static RETURN_CODE_TYPE receive_later(
	struct queuing_receiver *const receiver, APEX_BYTE *const message,
	MESSAGE_SIZE_TYPE *const length, const SYSTEM_TIME_TYPE time_out)
{
	const uint64_t deadline = deadline_of(time_out);
	RETURN_CODE_TYPE code;

	while (tsc_read() < deadline) {
		cpu_pause();
		code = receive(receiver, message, length);
		if (code != NOT_AVAILABLE)
			return code;
	}
	return TIMED_OUT;
}

void RECEIVE_QUEUING_MESSAGE(const QUEUING_PORT_ID_TYPE QUEUING_PORT_ID,
	const SYSTEM_TIME_TYPE TIME_OUT, const MESSAGE_ADDR_TYPE MESSAGE_ADDR,
	MESSAGE_SIZE_TYPE *const LENGTH, RETURN_CODE_TYPE *const RETURN_CODE)
{
	struct port *const port = find_port(QUEUING_PORT_ID);

	*LENGTH = 0;
	if (port == NULL || !time_out_is_good(TIME_OUT)) {
		*RETURN_CODE = INVALID_PARAM;
		return;
	}
	if (port->sends) {
		*RETURN_CODE = INVALID_MODE;
		return;
	}
	*RETURN_CODE = receive(&port->receiver, MESSAGE_ADDR, LENGTH);
	if (*RETURN_CODE == NOT_AVAILABLE && TIME_OUT != 0)
		*RETURN_CODE = receive_later(&port->receiver, MESSAGE_ADDR, LENGTH, TIME_OUT);
}

void GET_QUEUING_PORT_ID(const char *const QUEUING_PORT_NAME,
	QUEUING_PORT_ID_TYPE *const QUEUING_PORT_ID, RETURN_CODE_TYPE *const RETURN_CODE)
{
	*QUEUING_PORT_ID = find_id(QUEUING_PORT_NAME);
	*RETURN_CODE = *QUEUING_PORT_ID != 0 ? NO_ERROR : INVALID_CONFIG;
}

void GET_QUEUING_PORT_STATUS(const QUEUING_PORT_ID_TYPE QUEUING_PORT_ID,
	QUEUING_PORT_STATUS_TYPE *const QUEUING_PORT_STATUS, RETURN_CODE_TYPE *const RETURN_CODE)
{
	const struct port *const port = find_port(QUEUING_PORT_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (port == NULL)
		return;
	*QUEUING_PORT_STATUS = (QUEUING_PORT_STATUS_TYPE){
		.NB_MESSAGE = (MESSAGE_RANGE_TYPE)(port->sends ? queuing_sent_waiting(&port->sender)
							       : queuing_waiting(&port->receiver)),
		.MAX_NB_MESSAGE = (MESSAGE_RANGE_TYPE)port->region->depth,
		.MAX_MESSAGE_SIZE = (MESSAGE_SIZE_TYPE)port->region->message_bytes,
		.PORT_DIRECTION = port->sends ? SOURCE : DESTINATION,
		.WAITING_PROCESSES = 0,
	};
	*RETURN_CODE = NO_ERROR;
}

void CLEAR_QUEUING_PORT(
	const QUEUING_PORT_ID_TYPE QUEUING_PORT_ID, RETURN_CODE_TYPE *const RETURN_CODE)
{
	struct port *const port = find_port(QUEUING_PORT_ID);

	if (port == NULL) {
		*RETURN_CODE = INVALID_PARAM;
	} else if (port->sends) {
		*RETURN_CODE = INVALID_MODE;
	} else {
		queuing_clear(&port->receiver);
		*RETURN_CODE = NO_ERROR;
	}
}
