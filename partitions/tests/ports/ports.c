/*
 * test-ports: both ends of channels, as the argument do= says; docs in each role's file. Every
 * judging role prints TAP and ends with its status; the others end quietly or not at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/status.h>
#include <mullion/time.h>

#include "ports.h"

#define PRINT_NS 5000000ull

static const struct {
	const char *name;
	int (*run)(void);
} roles[] = {
	{ "write", role_write },
	{ "read", role_read },
	{ "cost", role_cost },
	{ "serve", role_serve },
	{ "die-writing", role_die_writing },
	{ "die-sending", role_die_sending },
	{ "mourn", role_mourn },
	{ "flood", role_flood },
	{ "drain", role_drain },
	{ "scribble", role_scribble },
	{ "endure", role_endure },
};

void pattern_fill(uint64_t *const message, const uint64_t n, const uint64_t words)
{
	for (uint64_t i = 0; i < words; i++)
		message[i] = pattern_word(n, i);
}

bool pattern_is(const uint64_t *const message, const uint64_t n, const uint64_t words)
{
	for (uint64_t i = 0; i < words; i++)
		if (message[i] != pattern_word(n, i))
			return false;
	return true;
}

static _Noreturn void give_up(const char *const name)
{
	printf("Bail out! no channel %s at this end\n", name);
	let_it_be_printed();
	exit(1);
}

static const struct mullion_region *region_of(
	const enum mullion_region_kind kind, const char *const name, const unsigned access)
{
	const struct mullion_region *const region = info_region_named(kind, name, access);

	if (region == NULL)
		give_up(name);
	return region;
}

void open_writer(struct sampling_writer *const port, const char *const name)
{
	const struct mullion_region *const r =
		region_of(MULLION_REGION_SAMPLING, name, MULLION_WRITE);

	if (!sampling_open_writer(port, region_address(r), r->bytes, r->message_bytes))
		give_up(name);
}

void open_reader(struct sampling_reader *const port, const char *const name)
{
	const struct mullion_region *const r =
		region_of(MULLION_REGION_SAMPLING, name, MULLION_READ);

	if (!sampling_open_reader(port, region_address(r), r->bytes, r->message_bytes,
		    time_ticks_from_ns(r->refresh_ns), status_get(r->peer)))
		give_up(name);
}

void open_sender(struct queuing_sender *const port, const char *const name)
{
	const struct mullion_region *const r =
		region_of(MULLION_REGION_QUEUING, name, MULLION_WRITE);
	const struct mullion_region *const t =
		region_of(MULLION_REGION_QUEUING_READER, name, MULLION_READ);

	if (!queuing_open_sender(port, region_address(r), r->bytes, region_address(t),
		    r->message_bytes, r->depth))
		give_up(name);
}

void open_receiver(struct queuing_receiver *const port, const char *const name)
{
	const struct mullion_region *const r =
		region_of(MULLION_REGION_QUEUING, name, MULLION_READ);
	const struct mullion_region *const t =
		region_of(MULLION_REGION_QUEUING_READER, name, MULLION_WRITE);

	if (!queuing_open_receiver(port, region_address(r), r->bytes, region_address(t),
		    r->message_bytes, r->depth))
		give_up(name);
}

void rest(void)
{
	if (time_is_framed(0))
		partition_yield();
	else
		cpu_pause();
}

void let_it_be_printed(void)
{
	const uint64_t end = time_now_ns() + PRINT_NS;

	fflush(stdout);
	while (time_now_ns() < end)
		rest();
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (args_is("do", roles[i].name))
			return roles[i].run();
	printf("Bail out! do= names no role\n");
	return 1;
}
