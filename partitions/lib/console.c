/*
 * The partition's console: its own ring under Mullion, and the serial line if it was granted one;
 * elsewhere port 0xe9, or the 16550 on request.
 *
 * Invariant of the ring: data is written before `head` counts it, so a reader never sees bytes that
 * are not there. Specification: mullion/abi.h; 16550D data sheet (LSR bit 5).
 */
#include <mullion/args.h>
#include <mullion/console.h>
#include <mullion/cpu.h>
#include <mullion/info.h>
#include <mullion/platform.h>

#define DEBUG_PORT             0xe9
#define UART_FIRST_PORT        0x3f8
#define UART_LINE_STATUS       5
#define UART_TRANSMITTER_EMPTY 0x20
#define UART_WAIT_LOOPS        100000

static struct mullion_console *ring;
static uint16_t uart_port = UART_FIRST_PORT;
static bool uart;
static bool debug_port;

static struct mullion_console *find_ring(void)
{
	const struct mullion_info *const info = info_get();

	for (unsigned i = 0; info != NULL && i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		if (r->kind == MULLION_REGION_CONSOLE && r->peer == info->partition &&
			(r->access & MULLION_WRITE))
			return region_address(r);
	}
	return NULL;
}

void console_init(void)
{
	const struct mullion_info *const info = info_get();

	uart = args_is("console", "uart");
	if (info != NULL && info->uart_port != 0) {
		uart_port = info->uart_port;
		/* The control partition multiplexes its own ring onto the line, with all others. */
		uart = uart ||
		       !((info->flags & MULLION_INFO_CONTROL) || args_is("console", "ring"));
	}
	debug_port = platform.kind != PLATFORM_MULLION || args_is("console", "debugcon");
	if (platform.kind != PLATFORM_MULLION)
		return;
	ring = find_ring();
	if (ring != NULL)
		__atomic_store_n(&ring->magic, MULLION_CONSOLE_MAGIC, __ATOMIC_RELEASE);
}

void uart_write(const char *const text, const size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		for (unsigned n = 0; n < UART_WAIT_LOOPS; n++) {
			if (port_read8((uint16_t)(uart_port + UART_LINE_STATUS)) &
				UART_TRANSMITTER_EMPTY)
				break;
			cpu_pause();
		}
		port_write8(uart_port, (uint8_t)text[i]);
	}
}

static void ring_write(const char *const text, const size_t bytes)
{
	uint64_t head = ring->head;

	for (size_t i = 0; i < bytes; i++, head++) {
		ring->data[head % MULLION_CONSOLE_DATA] = (uint8_t)text[i];
		/* Publish often: a reader that is slower than a ring's length must still see order.
		 */
		if (i % 256 == 255)
			__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
}

void console_write(const char *const text, const size_t bytes)
{
	if (ring != NULL)
		ring_write(text, bytes);
	if (uart)
		uart_write(text, bytes);
	else if (debug_port)
		for (size_t i = 0; i < bytes; i++)
			port_write8(DEBUG_PORT, (uint8_t)text[i]);
}
