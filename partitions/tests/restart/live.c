/*
 * A life: look around, tell, leave marks, end. Where it stands is in the queue's own counter, which a
 * restart keeps, warm or cold.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/queuing.h>
#include <mullion/smp.h>
#include <mullion/time.h>

#include "restart.h"

#define LINKED     0x6c696e6b6564ull
#define SCRATCHED  0x7363726174636864ull
#define BSS_WORDS  2048u
#define PAGE_BYTES 4096u

static volatile uint64_t data[2] = { LINKED, LINKED };
static volatile uint64_t bss[BSS_WORDS];
static volatile uint64_t beats; /* of the other vcpu */

/* Never run: the program's bytes, to be written over. */
__attribute__((noinline, used, aligned(8))) static void untouched(void)
{
	__asm__ volatile(".rept 16\n\tnop\n\t.endr");
}

static volatile uint64_t *text(void)
{
	return (volatile uint64_t *)(uintptr_t)untouched;
}

static volatile uint64_t *far(const unsigned pages)
{
	const uint64_t end = info_get()->memory_bytes;

	return (volatile uint64_t *)(uintptr_t)(end - (uint64_t)pages * PAGE_BYTES);
}

static struct mullion_watchdog *watchdog(void)
{
	const struct mullion_region *const r =
		info_region(MULLION_REGION_WATCHDOG, 0, MULLION_WRITE);

	return r == NULL ? NULL : region_address(r);
}

static uint64_t look_at_memory(void)
{
	uint64_t marks = 0;

	if (data[0] != LINKED || data[1] != LINKED)
		marks |= MARK_DATA;
	for (unsigned i = 0; i < BSS_WORDS; i++)
		if (bss[i] != 0)
			marks |= MARK_BSS;
	if (*text() == SCRATCHED)
		marks |= MARK_TEXT;
	for (unsigned page = 1; page < 16; page++)
		if (*far(page) != 0)
			marks |= MARK_FAR;
	if (watchdog() != NULL && watchdog()->reserved[510] != 0)
		marks |= MARK_WATCHDOG;
	return marks;
}

static void leave_marks(void)
{
	data[0] = SCRATCHED;
	for (unsigned i = 0; i < BSS_WORDS; i++)
		bss[i] = SCRATCHED;
	*text() = SCRATCHED;
	for (unsigned page = 1; page < 16; page++)
		*far(page) = SCRATCHED;
	if (watchdog() != NULL)
		watchdog()->reserved[510] = SCRATCHED;
}

static void beat(void *const unused)
{
	(void)unused;
	for (;;)
		beats = beats + 1;
}

/* A vcpu of a former life that ran on would count; one of this life has to be started. */
static uint64_t look_at_the_other_vcpu(void)
{
	const uint64_t before = beats;

	if (info_vcpus() < 2)
		return 0;
	time_delay_ns(100000);
	if (beats != before || !smp_start(1))
		return MARK_SECONDARY;
	smp_run(1, beat, NULL);
	time_delay_ns(2000000);
	return beats == before ? MARK_SECONDARY : 0;
}

static void open_queue(struct queuing_sender *const port)
{
	const struct mullion_region *const queue =
		info_region_named(MULLION_REGION_QUEUING, "lives", MULLION_WRITE);
	const struct mullion_region *const reader =
		info_region_named(MULLION_REGION_QUEUING_READER, "lives", MULLION_READ);

	if (queue == NULL || reader == NULL ||
		!queuing_open_sender(port, region_address(queue), queue->bytes,
			region_address(reader), queue->message_bytes, queue->depth)) {
		printf("Bail out! no queue\n");
		exit(1);
	}
}

static void end(void)
{
	if (args_is("how", "exit"))
		exit(3);
	if (args_is("how", "hang"))
		for (;;)
			irq_wait();
	health_raise(beats);
	for (;;)
		;
}

int role_live(void)
{
	struct queuing_sender port;
	struct life life;

	open_queue(&port);
	life.number = port.head + 1;
	life.marks = look_at_memory() | look_at_the_other_vcpu();
	queuing_send(&port, (const uint8_t *)&life, sizeof(life));
	leave_marks();
	if (life.number < args_number("lives", 5))
		end();
	return 0;
}
