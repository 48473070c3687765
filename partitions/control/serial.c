/*
 * The serial line, polled. Invariant: no loop here waits for the device; each call touches it a bounded
 * number of times. Specification: 16550D data sheet: RBR/THR, FCR, LSR.
 */
#include <mullion/cpu.h>

#include "serial.h"

#define DATA         0u
#define FIFO_CONTROL 2u
#define LINE_STATUS  5u

#define FIFO_ENABLE      0x01u
#define FIFO_CLEAR_INPUT 0x02u
#define FIFO_TRIGGER_14                                                                            \
	0xc0u /* QEMU hands over as many at once as would interrupt, if that were on */
#define STATUS_READY      0x01u
#define STATUS_FIFO_EMPTY 0x20u
#define STATUS_ALL_SENT   0x40u
#define FIFO_BYTES        16u
#define PUMP_TURNS        8u

static uint16_t first_port;
static char out[SERIAL_OUT_BYTES];
static uint32_t head, tail; /* bytes ever written, and ever given to the line */

static uint8_t status(void)
{
	return port_read8((uint16_t)(first_port + LINE_STATUS));
}

void serial_open(const uint16_t port)
{
	first_port = port;
	port_write8(
		(uint16_t)(port + FIFO_CONTROL), FIFO_ENABLE | FIFO_CLEAR_INPUT | FIFO_TRIGGER_14);
}

bool serial_pump(void)
{
	if (first_port == 0 || head == tail)
		return false;
	for (uint32_t turn = 0; turn < PUMP_TURNS && tail != head; turn++) {
		if (!(status() & STATUS_FIFO_EMPTY))
			break;
		for (uint32_t i = 0; i < FIFO_BYTES && tail != head; i++)
			port_write8(first_port, (uint8_t)out[tail++ % SERIAL_OUT_BYTES]);
	}
	return true;
}

bool serial_is_idle(void)
{
	return first_port == 0 || (head == tail && (status() & STATUS_ALL_SENT) != 0);
}

uint32_t serial_room(void)
{
	return SERIAL_OUT_BYTES - (head - tail);
}

void serial_write(const char *const text, const uint32_t bytes)
{
	if (first_port == 0)
		return;
	for (uint32_t i = 0; i < bytes && serial_room() != 0; i++)
		out[head++ % SERIAL_OUT_BYTES] = text[i];
}

uint32_t serial_read(char *const bytes, const uint32_t most)
{
	uint32_t count = 0;

	if (first_port == 0)
		return 0;
	while (count < most && (status() & STATUS_READY))
		bytes[count++] = (char)port_read8((uint16_t)(first_port + DATA));
	return count;
}
