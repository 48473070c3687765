/*
 * The kernel's text: boot lines and health reports, kept in the log ring and, where the kernel owns
 * a UART, sent there as well: at once while booting, later only in time no partition owns.
 */
#include <mullion/core.h>

/* Characters one drain may send between two looks at the clock. */
#define DRAIN_STEP 8u
/* The time one character may take on the UART's side, in guard times. */
#define DRAIN_GUARDS 4u

static uint32_t lock;
static uint64_t drained;

bool console_try_lock(void)
{
	return exchange_shared(&lock, 0, 1);
}

void console_unlock(void)
{
	store_shared(&lock, 0);
}

void console_init(void)
{
	mullion_system.log->magic = MULLION_CONSOLE_MAGIC;
}

static void put(char c)
{
	struct mullion_console *log = mullion_system.log;

	log->data[log->head % MULLION_CONSOLE_DATA] = (uint8_t)c;
	__atomic_store_n(&log->head, log->head + 1, __ATOMIC_RELEASE);
	if (load_shared(&node_state) == NODE_BOOTING) {
		arch_console_put(c);
		drained = log->head;
	}
}

static void put_text(const char *text, unsigned width)
{
	unsigned length = 0;

	for (; text[length] != '\0'; length++)
		put(text[length]);
	for (; length < width; length++)
		put(' ');
}

static void put_number(uint64_t value, unsigned base, unsigned width)
{
	char digits[24];
	unsigned at = sizeof(digits);

	digits[--at] = '\0';
	do
		digits[--at] = "0123456789abcdef"[value % base];
	while ((value /= base) != 0);
	if (base == 16) {
		digits[--at] = 'x';
		digits[--at] = '0';
	}
	put_text(&digits[at], width);
}

static void put_conversion(char conversion, unsigned width, va_list *args)
{
	switch (conversion) {
	case 's':
		put_text(va_arg(*args, const char *), width);
		break;
	case 'u':
		put_number(va_arg(*args, uint64_t), 10, width);
		break;
	case 'x':
		put_number(va_arg(*args, uint64_t), 16, width);
		break;
	default:
		put(conversion);
	}
}

void console_vprint(const char *format, va_list args)
{
	va_list copy;

	va_copy(copy, args);
	for (; *format != '\0'; format++) {
		unsigned width = 0;

		if (*format != '%') {
			put(*format);
			continue;
		}
		for (format++; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (unsigned)(*format - '0');
		put_conversion(*format, width, &copy);
	}
	va_end(copy);
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_vprint(format, args);
	va_end(args);
}

/* The ring may have lapped the UART: go on with the oldest character it still holds. */
static void skip_overwritten(const struct mullion_console *log)
{
	if (log->head - drained > MULLION_CONSOLE_DATA)
		drained = log->head - MULLION_CONSOLE_DATA;
}

void console_drain(uint64_t until_tsc)
{
	const struct mullion_console *log = mullion_system.log;
	uint64_t margin = DRAIN_GUARDS * mullion_system.switch_guard_ticks;

	if (drained == log->head || !console_try_lock())
		return;
	skip_overwritten(log);
	while (drained != log->head && arch_now() + margin < until_tsc)
		for (unsigned i = 0; i < DRAIN_STEP && drained != log->head; i++)
			arch_console_put((char)log->data[drained++ % MULLION_CONSOLE_DATA]);
	console_unlock();
}

void refuse(const char *format, ...)
{
	va_list args;

	console_print("refused: ");
	va_start(args, format);
	console_vprint(format, args);
	va_end(args);
	console_print("\n");
	units_power_off();
	arch_power_off(false);
}
