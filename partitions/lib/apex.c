/*
 * Sampling ports under their APEX names. Invariant: a port that has a number is open, and its
 * direction is that of the channel's end in the description.
 *
 * Specification: ARINC 653 P1, 3.6.2.1. Errors are looked for in the order of its pseudo-code.
 */
#include "apex_channel.h"

#include <stddef.h>

#include <mullion/apex.h>
#include <mullion/info.h>
#include <mullion/sampling.h>
#include <mullion/status.h>
#include <mullion/time.h>

struct port {
	const struct mullion_region *region;
	VALIDITY_TYPE last_validity;
	bool writes;
	union {
		struct sampling_writer writer;
		struct sampling_reader reader;
	};
};

static struct port ports[SYSTEM_LIMIT_NUMBER_OF_SAMPLING_PORTS];
static uint32_t ports_count;

static struct port *find_port(const SAMPLING_PORT_ID_TYPE id)
{
	const uint32_t index = (uint32_t)id - 1;

	return index < ports_count ? &ports[index] : NULL;
}

static SAMPLING_PORT_ID_TYPE find_id(const char *const name)
{
	for (uint32_t i = 0; i < ports_count; i++)
		if (apex_is_named(ports[i].region, name))
			return (SAMPLING_PORT_ID_TYPE)(i + 1);
	return 0;
}

static bool open_port(struct port *const port)
{
	const struct mullion_region *const region = port->region;

	if (port->writes)
		return sampling_open_writer(&port->writer, region_address(region), region->bytes,
			region->message_bytes);
	return sampling_open_reader(&port->reader, region_address(region), region->bytes,
		region->message_bytes, time_ticks_from_ns(region->refresh_ns),
		status_get(region->peer));
}

void CREATE_SAMPLING_PORT(const char *const SAMPLING_PORT_NAME,
	const MESSAGE_SIZE_TYPE MAX_MESSAGE_SIZE, const PORT_DIRECTION_TYPE PORT_DIRECTION,
	const SYSTEM_TIME_TYPE REFRESH_PERIOD, SAMPLING_PORT_ID_TYPE *const SAMPLING_PORT_ID,
	RETURN_CODE_TYPE *const RETURN_CODE)
{
	const struct mullion_region *const region =
		apex_channel(MULLION_REGION_SAMPLING, SAMPLING_PORT_NAME, PORT_DIRECTION);
	struct port *const port = &ports[ports_count];

	*RETURN_CODE = INVALID_CONFIG;
	if (region == NULL || (uint32_t)MAX_MESSAGE_SIZE != region->message_bytes ||
		REFRESH_PERIOD <= 0 || (uint64_t)REFRESH_PERIOD != region->refresh_ns)
		return;
	*SAMPLING_PORT_ID = find_id(SAMPLING_PORT_NAME);
	if (*SAMPLING_PORT_ID != 0) {
		*RETURN_CODE = NO_ACTION;
		return;
	}
	if (ports_count == SYSTEM_LIMIT_NUMBER_OF_SAMPLING_PORTS)
		return;
	*port = (struct port){ .region = region, .writes = PORT_DIRECTION == SOURCE };
	if (!open_port(port))
		return;
	*SAMPLING_PORT_ID = (SAMPLING_PORT_ID_TYPE)++ports_count;
	*RETURN_CODE = NO_ERROR;
}

void WRITE_SAMPLING_MESSAGE(const SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID,
	const APEX_BYTE *const MESSAGE_ADDR, const MESSAGE_SIZE_TYPE LENGTH,
	RETURN_CODE_TYPE *const RETURN_CODE)
{
	struct port *const port = find_port(SAMPLING_PORT_ID);

	if (port == NULL || LENGTH <= 0) {
		*RETURN_CODE = INVALID_PARAM;
	} else if (!port->writes) {
		*RETURN_CODE = INVALID_MODE;
	} else if ((uint64_t)LENGTH > port->writer.message_bytes) {
		*RETURN_CODE = INVALID_CONFIG;
	} else {
		sampling_write(&port->writer, MESSAGE_ADDR, (uint64_t)LENGTH, tsc_read());
		*RETURN_CODE = NO_ERROR;
	}
}

/*
 * What comes before has been read when the time is: no message may seem to be from the future.
 * LFENCE holds RDTSC back on Intel processors (SDM 2B, RDTSC); on AMD's it need not, there MFENCE
 * does.
 */
static uint64_t time_after_reads(void)
{
	__asm__ volatile("mfence; lfence" ::: "memory");
	return tsc_read();
}

void READ_SAMPLING_MESSAGE(const SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID,
	const MESSAGE_ADDR_TYPE MESSAGE_ADDR, MESSAGE_SIZE_TYPE *const LENGTH,
	VALIDITY_TYPE *const VALIDITY, RETURN_CODE_TYPE *const RETURN_CODE)
{
	struct port *const port = find_port(SAMPLING_PORT_ID);
	struct sampling_message about;
	bool valid;

	*VALIDITY = INVALID;
	*LENGTH = 0;
	if (port == NULL) {
		*RETURN_CODE = INVALID_PARAM;
		return;
	}
	if (port->writes) {
		*RETURN_CODE = INVALID_MODE;
		return;
	}
	port->last_validity = INVALID;
	if (sampling_read(&port->reader, MESSAGE_ADDR, &about) != SAMPLING_MESSAGE) {
		*RETURN_CODE = NO_ACTION;
		return;
	}
	valid = sampling_is_valid(&port->reader, &about, time_after_reads());
	port->last_validity = valid ? VALID : INVALID;
	*VALIDITY = port->last_validity;
	*LENGTH = (MESSAGE_SIZE_TYPE)about.length;
	*RETURN_CODE = NO_ERROR;
}

void GET_SAMPLING_PORT_ID(const char *const SAMPLING_PORT_NAME,
	SAMPLING_PORT_ID_TYPE *const SAMPLING_PORT_ID, RETURN_CODE_TYPE *const RETURN_CODE)
{
	*SAMPLING_PORT_ID = find_id(SAMPLING_PORT_NAME);
	*RETURN_CODE = *SAMPLING_PORT_ID != 0 ? NO_ERROR : INVALID_CONFIG;
}

void GET_SAMPLING_PORT_STATUS(const SAMPLING_PORT_ID_TYPE SAMPLING_PORT_ID,
	SAMPLING_PORT_STATUS_TYPE *const SAMPLING_PORT_STATUS, RETURN_CODE_TYPE *const RETURN_CODE)
{
	const struct port *const port = find_port(SAMPLING_PORT_ID);

	*RETURN_CODE = INVALID_PARAM;
	if (port == NULL)
		return;
	*SAMPLING_PORT_STATUS = (SAMPLING_PORT_STATUS_TYPE){
		.REFRESH_PERIOD = (SYSTEM_TIME_TYPE)port->region->refresh_ns,
		.MAX_MESSAGE_SIZE = (MESSAGE_SIZE_TYPE)port->region->message_bytes,
		.PORT_DIRECTION = port->writes ? SOURCE : DESTINATION,
		.LAST_MSG_VALIDITY = port->last_validity,
	};
	*RETURN_CODE = NO_ERROR;
}
