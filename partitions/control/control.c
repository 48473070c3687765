/*
 * control: serves commands, on the serial line it owns and by datagrams where it owns a network card, and
 * brings every partition's console and the kernel's log together on the serial line.
 *
 * Invariant: one pass is bounded, whatever comes in (docs/control.md); on each line it takes at most one
 * request or writes one line of an answer, and waits for nobody. What is left of its window goes back.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mullion/args.h>
#include <mullion/hypercall.h>
#include <mullion/info.h>
#include <mullion/irq.h>
#include <mullion/time.h>

#include "attachment.h"
#include "calls.h"
#include "consoles.h"
#include "datagrams.h"
#include "serial.h"
#include "transport.h"

#define INPUT_BYTES 256u
#define NAP_NS      200000ull
/* What has sent something may be about to send more: so long it is listened to before the rest. */
#define LISTEN_NS 100000ull
/* A line or card that takes nothing for so long does not keep the node from ending. */
#define LAST_WORDS_NS 100000000ull

static struct control control;
static struct session sessions[TRANSPORTS];
static struct writer answer;

/* What has come and is not taken yet. */
static char input[INPUT_BYTES];
static uint32_t input_at, input_used;
static uint64_t listen_until, listen_ticks, end_by;
static uint32_t room_before;

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
		transport_answer(s, answer.text, answer.used);
}

static void note_step(const uint32_t step, const uint64_t begun)
{
	const uint64_t ticks = tsc_read() - begun;

	if (ticks > control.longest[step])
		control.longest[step] = ticks;
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
	send_answer(TRANSPORT_SERIAL);
	note_step(STEP_TAKE, begun);
	return true;
}

/* One frame, whether it bears a request or not. */
static bool take_frame(struct session *const session)
{
	const uint64_t begun = tsc_read();
	struct datagram_line line;
	const enum datagrams_result result = datagrams_receive(&line);

	if (result == DATAGRAMS_LINE) {
		session_datagram(session, line.peer, line.text, line.bytes, &answer);
		if (session->holder == session->peer)
			datagrams_hold();
		send_answer(TRANSPORT_DATAGRAMS);
	}
	if (result != DATAGRAMS_NOTHING)
		note_step(result == DATAGRAMS_LINE ? STEP_TAKE : STEP_FRAME, begun);
	return result != DATAGRAMS_NOTHING;
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
		return s == TRANSPORT_SERIAL ? take_input(session) : take_frame(session);
	transport_notice(s, answer.text, answer.used);
	return true;
}

/* Once what was said is on its way, or none of it has gone on for a while: nobody may be listening. */
static void end_node(void)
{
	if (control.ending == ENDING_NOT)
		return;
	if (end_by == 0 || room_before != serial_room())
		end_by = tsc_read() + time_ticks_from_ns(LAST_WORDS_NS);
	room_before = serial_room();
	if ((serial_is_idle() && datagrams_are_sent()) || tsc_read() > end_by)
		node_call(MULLION_HC_SHUTDOWN, control.ending == ENDING_RESET, 0);
}

static bool pass(void)
{
	bool busy = serial_pump();

	attachment_expire(&sessions[TRANSPORT_DATAGRAMS]);
	for (unsigned s = 0; s < TRANSPORTS; s++)
		busy = serve(s) || busy;
	busy = consoles_pass(sessions, TRANSPORTS) || busy;
	busy = exits_pass(&control.exits, &control.node) || busy;
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

static void open_network(void)
{
	char text[ENDPOINT_TEXT_BYTES];
	struct endpoint at;

	if (!args_text("udp", text, sizeof(text)))
		return;
	if (!endpoint_parse(text, &at)) {
		printf("argument udp=%s: not ADDRESS/BITS:PORT of a station, as "
		       "10.0.2.15/24:7070\n",
			text);
		exit(1);
	}
	control.datagrams = datagrams_open(&at, (uint8_t)args_number("last-bus", 0));
	if (control.datagrams == NULL)
		printf("argument udp: no virtio-net function is assigned here, so no UDP\n");
	else if (!control.auth.keyed)
		printf("argument udp: without key= nobody commands by UDP\n");
	else
		printf("UDP at %s\n", text);
}

static void open_all(const struct mullion_info *const info)
{
	if (!node_find(&control.node, info)) {
		printf("control: this partition has not the role of control: it sees no node\n");
		exit(1);
	}
	set_key();
	calls_seed_nonce(&control);
	session_begin(&sessions[TRANSPORT_SERIAL], &control,
		args_is("serial", "open") ? SESSION_OPEN : SESSION_KEYED);
	session_begin(&sessions[TRANSPORT_DATAGRAMS], &control, SESSION_DATAGRAM);
	open_network();
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
