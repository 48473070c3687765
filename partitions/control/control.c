/*
 * control: brings every partition's console and the kernel's log together on the serial line it
 * owns, as whole lines, each with its writer's name before it.
 *
 * Invariant: the work of one pass is bounded (PASS_BYTES per ring), whatever the writers do; a
 * writer that is faster loses its oldest text, and the line says so. Layout: mullion/abi.h, the
 * text ring.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/console.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/platform.h>
#include <mullion/time.h>

#define PASS_BYTES 512u
#define LINE_BYTES 240u
#define READERS    64u
#define NAP_NS     200000ull

struct reader {
	const struct mullion_console *ring;
	char name[25];
	uint64_t position;
	uint32_t used;
	char line[LINE_BYTES];
};

static struct reader readers[READERS];
static unsigned readers_count;

static void emit(const char *const text)
{
	uart_write(text, strlen(text));
}

static void flush_line(struct reader *const r)
{
	emit("[");
	emit(r->name);
	emit("] ");
	uart_write(r->line, r->used);
	emit("\r\n");
	r->used = 0;
}

static void take(struct reader *const r, const char c)
{
	if (c == '\r')
		return;
	if (c == '\n') {
		flush_line(r);
		return;
	}
	r->line[r->used++] = c >= ' ' || c == '\t' ? c : '?';
	if (r->used == LINE_BYTES)
		flush_line(r);
}

static void note_loss(struct reader *const r, const uint64_t lost)
{
	if (r->used != 0)
		flush_line(r);
	r->used = (uint32_t)snprintf(r->line, LINE_BYTES, "(%" PRIu64 " bytes lost)", lost);
	flush_line(r);
}

/* Copies what is new, at most PASS_BYTES; false when there was nothing. */
static bool drain(struct reader *const r)
{
	const uint64_t head = __atomic_load_n(&r->ring->head, __ATOMIC_ACQUIRE);
	static char copy[PASS_BYTES];
	uint64_t bytes, now, lost;

	if (head <= r->position)
		return false;
	if (head - r->position > MULLION_CONSOLE_DATA) {
		note_loss(r, head - MULLION_CONSOLE_DATA - r->position);
		r->position = head - MULLION_CONSOLE_DATA;
	}
	bytes = head - r->position < PASS_BYTES ? head - r->position : PASS_BYTES;
	for (uint64_t i = 0; i < bytes; i++)
		copy[i] = (char)r->ring->data[(r->position + i) % MULLION_CONSOLE_DATA];
	/* What the writer has overwritten meanwhile is not text of this position any more. */
	now = __atomic_load_n(&r->ring->head, __ATOMIC_ACQUIRE);
	lost = now > r->position + MULLION_CONSOLE_DATA ? now - MULLION_CONSOLE_DATA - r->position
							: 0;
	if (lost > bytes)
		lost = bytes;
	if (lost != 0)
		note_loss(r, lost);
	for (uint64_t i = lost; i < bytes; i++)
		take(r, copy[i]);
	r->position += bytes;
	return true;
}

static void add(const struct mullion_region *const region, const char *const name)
{
	struct reader *const r = &readers[readers_count];

	if (readers_count == READERS)
		return;
	r->ring = region_address(region);
	strlcpy(r->name, name, sizeof(r->name));
	readers_count++;
}

static void find_readers(const struct mullion_info *const info)
{
	for (unsigned i = 0; i < info->regions_count; i++) {
		const struct mullion_region *const r = &info->regions[i];

		if (r->kind == MULLION_REGION_LOG)
			add(r, "mullion");
		else if (r->kind == MULLION_REGION_CONSOLE)
			add(r, r->name[0] != '\0' ? r->name : "?");
	}
}

static void on_nap(struct irq_frame *const frame)
{
	(void)frame;
}

/* On a framed CPU the rest of the window goes back; on an owned one there is nobody to give it to.
 */
static void rest(const bool framed)
{
	if (framed) {
		partition_yield();
		return;
	}
	timer_arm(tsc_read() + time_ticks_from_ns(NAP_NS));
	irq_wait();
}

int main(void)
{
	const struct mullion_info *const info = info_get();
	bool framed;

	if (info == NULL) {
		printf("control: nothing to control: this is not Mullion\n");
		return 1;
	}
	framed = time_is_framed(0);
	find_readers(info);
	printf("bringing %u consoles together\n", readers_count);
	fflush(stdout);
	irq_disable();
	timer_init(on_nap);
	for (;;) {
		bool busy = false;

		for (unsigned i = 0; i < readers_count; i++)
			busy = drain(&readers[i]) || busy;
		if (!busy)
			rest(framed);
	}
}
