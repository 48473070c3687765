/*
 * Interrupts by the partition's own device: messages it forges by writing to where messages go, every kind to every
 * destination; messages through remapping entries that are not its own; lines; storms of its own message.
 *
 * Outcome: how many interrupts, but its timer's, the partition took. What reaches others shows in what they
 * do (verification/system/attacker-devices.t). QEMU's VT-d lets messages in compatibility format pass, which the
 * specification refuses: there, messages=fixed forges of those the ones that a framed CPU's kernel ends, and
 * messages=remappable none but, with self=ID, to the partition's own CPU, in the emulator's way. Intel VT-d 3.3, 5.1; AMD-Vi 3.05, 2.2.5; AMD APM 2, 16.11.
 */
#include <stdio.h>
#include <string.h>

#include <mullion/args.h>
#include <mullion/time.h>

#include "attacker.h"
#include "device.h"

#define MESSAGES       0xfee00000ull
#define DESTINATION(d) ((uint64_t)(d) << 12)
#define LOGICAL        0xcull /* redirection hint and logical mode */
#define REMAPPABLE     0x10ull
#define SUBHANDLE      0x8ull
#define HANDLE(h)      (((uint64_t)(h)&0x7fff) << 5 | ((uint64_t)(h) >> 15) << 2)
#define VECTOR         0x51u
#define OWN_VECTOR     0x62u
#define MESSAGE_BYTES  4u
#define STORM          1000u
#define STATUS         0x8000u
#define FIXED_KINDS    5u /* the first of them: ordinary vectors, which any CPU takes and ends */
#define VT_D_PASSES                                                                                \
	"QEMU 7.2's VT-d delivers messages in compatibility format that it should refuse"

static volatile unsigned arrivals;
static uint32_t message[PAGE_BYTES / 4] __attribute__((aligned(PAGE_BYTES)));

static void on_arrival(struct irq_frame *const frame)
{
	(void)frame;
	arrivals++;
}

/* What an earlier act left on its way is none of this one's. */
static void listen(void)
{
	for (unsigned vector = IRQ_VECTOR_FIRST; vector < IRQ_VECTOR_SPURIOUS; vector++)
		if (vector != TIMER_VECTOR)
			irq_set_handler(vector, on_arrival);
	device_wait();
	arrivals = 0;
}

/* act->target: address; act->operand: data. */
static void forge(const struct act *const act)
{
	listen();
	message[0] = (uint32_t)act->operand;
	device_transfer(EDU_FROM_MEMORY, (uintptr_t)message, MESSAGE_BYTES);
	device_transfer(EDU_TO_MEMORY, act->target, MESSAGE_BYTES);
	device_wait();
	act_saw(arrivals);
}

static const struct {
	const char *name;
	uint32_t data;
} kinds[] = {
	{ "a_vector_of_nobodys", VECTOR },
	{ "the_kernels_timer_vector", 0x20 },
	{ "its_own_vector", OWN_VECTOR },
	{ "an_interrupt_of_lowest_priority", 0x100 | VECTOR },
	{ "a_level_triggered_interrupt", 0xc000 | VECTOR },
	{ "an_exceptions_vector", 0x0d },
	{ "a_system_management_interrupt", 0x200 },
	{ "an_nmi", 0x400 },
	{ "an_init", 0x500 },
	{ "an_external_interrupt", 0x700 | VECTOR },
};

static const struct {
	const char *name;
	uint64_t address;
} destinations[] = {
	{ "the_first_cpu", MESSAGES },
	{ "the_second_cpu", MESSAGES | DESTINATION(2) },
	{ "the_third_cpu", MESSAGES | DESTINATION(4) },
	{ "all_cpus", MESSAGES | DESTINATION(0xff) },
	{ "a_logical_set", MESSAGES | DESTINATION(0xff) | LOGICAL },
};

static void try_compatible(const unsigned count)
{
	for (unsigned k = 0; k < count; k++)
		for (unsigned d = 0; d < COUNT_OF(destinations); d++) {
			const struct act act = { .name = act_name("forging_%s_to_%s", kinds[k].name,
							 destinations[d].name),
				.attempt = forge,
				.target = destinations[d].address,
				.operand = kinds[k].data,
				RETURNS(0) };

			act_perform(&act);
		}
}

/* To nobody else: where the model delivers it, it does no harm but to itself. */
static void try_self(const uint64_t self)
{
	const struct act act = { "forging_a_vector_of_nobodys_to_itself", forge,
		MESSAGES | DESTINATION(self), VECTOR, RETURNS(0), .emulator = VT_D_PASSES,
		.emulated = 1 };

	act_perform(&act);
}

static const unsigned handles[] = { 1, 2, 3, 4, 7, 8, 15, 16, 64, 127, 128, 254, 255, 256, 1023,
	4095, 0x7fff, 0x8000, 0xfffe, 0xffff };

static void try_remappable(void)
{
	for (unsigned i = 0; i < COUNT_OF(handles); i++) {
		struct act act = { .name = act_name("a_message_through_entry_%u", handles[i]),
			.attempt = forge,
			.target = MESSAGES | REMAPPABLE | HANDLE(handles[i]),
			RETURNS(0) };

		act_perform(&act);
		act.name = act_name("a_message_through_entry_0_and_subhandle_%u", handles[i]);
		act.target = MESSAGES | REMAPPABLE | SUBHANDLE;
		act.operand = handles[i];
		act_perform(&act);
	}
}

/* The device interrupts; without messages that would be by its line, which is off. */
static void raise_line(const struct act *const act)
{
	(void)act;
	listen();
	edu_raise(device(), STATUS);
	device_wait();
	edu_take(device());
	act_saw(arrivals);
}

/* Its own message, if it has one, as often as it can: each arrives, or none does. */
static void raise_storm(const struct act *const act)
{
	const unsigned vector = pci_message_enable(&device()->function, 0, OWN_VECTOR);

	listen();
	irq_enable();
	for (unsigned i = 0; i < act->operand; i++)
		edu_raise(device(), STATUS);
	irq_disable();
	device_wait();
	edu_take(device());
	act_saw(arrivals != (vector != 0 ? act->operand : 0));
}

static const struct act acts[] = {
	{ "an_interrupt_by_its_line", raise_line, 0, 0, RETURNS(0) },
	{ "a_storm_of_its_own_message", raise_storm, 0, STORM, RETURNS(0) },
};

void acts_messages(void)
{
	const uint64_t self = args_number("self", ~0ull);
	const bool fixed = args_is("messages", "fixed"), none = args_is("messages", "remappable");

	if (device() == NULL)
		return;
	act_perform_all(acts, COUNT_OF(acts));
	if (!none)
		try_compatible(fixed ? FIXED_KINDS : COUNT_OF(kinds));
	else if (self != ~0ull)
		try_self(self);
	if (fixed || none)
		try_remappable();
}
