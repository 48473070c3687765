/*
 * The partition's console: its own ring under Mullion, port 0xe9 elsewhere, the 16550 on request.
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
#define UART_DATA              0x3f8
#define UART_LINE_STATUS       0x3fd
#define UART_TRANSMITTER_EMPTY 0x20
#define UART_WAIT_LOOPS        100000

static struct mullion_console *ring;
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
	uart = args_is("console", "uart");
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
			if (port_read8(UART_LINE_STATUS) & UART_TRANSMITTER_EMPTY)
				break;
			cpu_pause();
		}
		port_write8(UART_DATA, (uint8_t)text[i]);
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
	if (uart)
		uart_write(text, bytes);
	else if (ring != NULL && !debug_port)
		ring_write(text, bytes);
	else if (debug_port)
		for (size_t i = 0; i < bytes; i++)
			port_write8(DEBUG_PORT, (uint8_t)text[i]);
}
