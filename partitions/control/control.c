/*
 * control: serves commands, and brings every partition's console and the kernel's log together on the
 * serial line it owns.
 *
 * Invariant: one pass is bounded, whatever comes in (docs/control.md); it takes at most one request or
 * writes one line of an answer, and waits for nobody. What is left of its window goes back.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/time.h>

#include "calls.h"
#include "consoles.h"
#include "serial.h"
#include "transport.h"

#define SESSIONS    1u
#define INPUT_BYTES 256u
#define NAP_NS      200000ull
/* What has sent something may be about to send more: so long it is listened to before the rest. */
#define LISTEN_NS 100000ull

static struct control control;
static struct session sessions[SESSIONS];
static struct writer answer;

/* What has come and is not taken yet. */
static char input[INPUT_BYTES];
static uint32_t input_at, input_used;
static uint64_t listen_until, listen_ticks;

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

static void send_answer(const unsigned s)
{
	if (answer.used != 0)
		transport_send(s, answer.text, answer.used);
}

static void note_step(const uint32_t command, const uint64_t begun)
{
	const uint64_t ticks = tsc_read() - begun;

	if (ticks > control.longest[command])
		control.longest[command] = ticks;
}

/* Bytes up to the end of one line. */
static bool take_input(struct session *const session)
{
	const uint64_t begun = tsc_read();

	if (input_at == input_used) {
		input_at = 0;
		input_used = serial_read(input, INPUT_BYTES);
	}
	if (input_at == input_used)
		return tsc_read() < listen_until;
	listen_until = tsc_read() + listen_ticks;
	input_at += session_take(session, &input[input_at], input_used - input_at, &answer);
	send_answer(SESSION_SERIAL);
	note_step(STEP_TAKE, begun);
	return true;
}

/* One step: an answer's next line, or a notice, or what came in. False: nothing to do, or no room. */
static bool serve(const unsigned s)
{
	struct session *const session = &sessions[s];
	const enum command command = session->job.command;
	const uint64_t begun = tsc_read();

	if (transport_room(s) < LINE_BYTES || control.ending != ENDING_NOT)
		return false;
	if (session_busy(session)) {
		session_go_on(session, &answer);
		send_answer(s);
		note_step(command, begun);
		return true;
	}
	session_notice_health(session, &answer);
	if (answer.used == 0)
		return take_input(session);
	send_answer(s);
	return true;
}

static void end_node(void)
{
	if (control.ending != ENDING_NOT && serial_is_idle())
		node_call(MULLION_HC_SHUTDOWN, control.ending == ENDING_RESET, 0);
}

static bool pass(void)
{
	bool busy = serial_pump();

	busy = serve(SESSION_SERIAL) || busy;
	busy = consoles_pass(sessions, SESSIONS) || busy;
	end_node();
	return busy;
}

static void set_key(void)
{
	char text[2 * AUTH_KEY_BYTES + 2];

	if (!args_text("key", text, sizeof(text)))
		return;
	if (!auth_set_key(&control.auth, text)) {
		printf("argument key: not 64 lower-case hexadecimal digits\n");
		exit(1);
	}
}

static void open_all(const struct mullion_info *const info)
{
	if (!node_find(&control.node, info)) {
		printf("control: this partition has not the role of control: it sees no node\n");
		exit(1);
	}
	set_key();
	calls_seed_nonce(&control);
	session_begin(&sessions[SESSION_SERIAL], &control, args_is("serial", "open"));
	consoles_open(&control.node);
	if (info->uart_port != 0)
		serial_open(info->uart_port);
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
	listen_ticks = time_ticks_from_ns(LISTEN_NS);
	open_all(info);
	printf("bringing %u consoles together\n", consoles_count());
	fflush(stdout);
	irq_disable();
	timer_init(on_nap);
	for (;;)
		if (!pass())
			rest(framed);
}
