/*
 * A remote lock and unlock that nobody contends, `argument` times, as one node executes them: libdlm's verbs of the
 * participant, its two channels, and lockd's turns in which something came, with the router, its own server's tick and
 * the wire. The card is not there: frames go from hand to hand. The leader is another node, and not in the measured
 * functions (measured_...). No time passes, so there are no heartbeats. Prints the frames of one cycle.
 */
#include <ib/crc.h>

#include <mullion/dlm.h>
#include <mullion/queuing.h>

#include "lock_net.h"

#define MEASURED __attribute__((noipa)) static

#define LEADER      0u
#define REQUESTER   1u /* the node, and its first participant */
#define DEPTH       16u
#define BURST       16u
#define NODE_PORTS  2u
#define CARD_FRAMES 2u

struct channel {
	_Alignas(4096) uint8_t page[4096];
	_Alignas(4096) uint8_t reader_page[4096];
	struct queuing_sender sender;
	struct queuing_receiver receiver;
};

static struct net *net;
static struct channel request[NODE_PORTS], answer;
static struct lock_carrier carrier;
static struct dlm_space space;
static struct dlm_held held[1];
static struct dlm_lksb lksb;
static unsigned ended, frames;
static uint8_t card[CARD_FRAMES][LOCK_WIRE_FRAME_BYTES];
static unsigned card_frames;

static void open_channel(struct channel *const c)
{
	assert_true(queuing_open_sender(
		&c->sender, c->page, sizeof(c->page), c->reader_page, LOCK_MESSAGE_BYTES, DEPTH));
	assert_true(queuing_open_receiver(
		&c->receiver, c->page, sizeof(c->page), c->reader_page, LOCK_MESSAGE_BYTES, DEPTH));
}

/* ---- The participant's transport: partitions/lockd/api/ports.c ---- */

static uint64_t now_ns(void *const context)
{
	(void)context;
	return net->now_ns;
}

static bool receive(void *const context, uint16_t *const from, struct lock_message *const message,
	uint32_t *const bytes)
{
	uint64_t length;
	bool overflowed;

	(void)context;
	if (queuing_receive(&answer.receiver, (uint8_t *)message, &length, &overflowed) !=
		QUEUING_MESSAGE)
		return false;
	*from = message->node;
	*bytes = (uint32_t)length;
	return true;
}

static void send(void *const context, const struct lock_envelope *const envelope)
{
	struct lock_message message = envelope->message;

	(void)context;
	message.node = envelope->node;
	queuing_send(&request[0].sender, (const uint8_t *)&message, sizeof(message));
}

static bool has_room(void *const context)
{
	(void)context;
	return queuing_sent_waiting(&request[0].sender) < request[0].sender.depth;
}

static const struct dlm_transport transport = { NULL, now_ns, receive, send, has_room };

static void end(void *const argument)
{
	(void)argument;
	ended++;
}

/* ---- What is measured ---- */

MEASURED void measured_lock(void)
{
	dlm_ls_lock(&space, LKM_EXMODE, &lksb, 0, "counter", 7, 0, end, NULL, NULL, NULL);
	dlm_ls_dispatch(&space, BURST);
}

MEASURED void measured_unlock(void)
{
	dlm_ls_unlock(&space, lksb.sb_lkid, 0, &lksb, NULL);
	dlm_ls_dispatch(&space, BURST);
}

MEASURED void measured_dispatch(void)
{
	dlm_ls_dispatch(&space, BURST);
}

static bool to_participant(
	void *const context, const uint32_t participant, const struct lock_message *const message)
{
	(void)context;
	(void)participant;
	return queuing_send(&answer.sender, (const uint8_t *)message, LOCK_MESSAGE_BYTES);
}

static void take_requests(struct net_node *const n)
{
	struct lock_message message;
	uint64_t length;
	bool overflowed;

	for (unsigned i = 0; i < NODE_PORTS; i++)
		if (lock_wire_has_room(&n->wire) &&
			queuing_receive(&request[i].receiver, (uint8_t *)&message, &length,
				&overflowed) == QUEUING_MESSAGE)
			lock_router_from_participant(
				&n->router, REQUESTER, &message, length, net->now_ns);
}

static void take_frame(struct net_node *const n, const uint8_t *const frame)
{
	static uint8_t reply[NET_FRAME];
	const struct lock_message *message;
	uint16_t from;

	lock_wire_take(&n->wire, net->now_ns, frame, LOCK_WIRE_FRAME_BYTES, reply);
	message = lock_wire_receive(&n->wire, &from);
	if (message != NULL)
		lock_router_from_node(&n->router, from, message, net->now_ns);
}

static const uint8_t *outgoing[CARD_FRAMES + 1];

/* A turn of lockd's. */
MEASURED void measured_turn(const uint8_t *const frame)
{
	struct net_node *const n = &net->node[REQUESTER];
	unsigned count = 0;

	if (frame != NULL)
		take_frame(n, frame);
	take_requests(n);
	lock_router_work(&n->router, BURST, net->now_ns);
	while (count < CARD_FRAMES && (outgoing[count] = lock_wire_next(&n->wire)) != NULL)
		count++;
	outgoing[count] = NULL;
}

/* ---- Around it ---- */

static void node(const uint8_t *const frame, const unsigned sends)
{
	uint8_t in[LOCK_WIRE_FRAME_BYTES];

	if (frame != NULL)
		memcpy(in, frame, sizeof(in));
	measured_turn(frame != NULL ? in : NULL);
	for (card_frames = 0; outgoing[card_frames] != NULL; card_frames++)
		memcpy(card[card_frames], outgoing[card_frames], LOCK_WIRE_FRAME_BYTES);
	assert_int_equal(card_frames, sends);
	frames += card_frames;
}

/* The leader takes the frame and answers it with one. */
static const uint8_t *lead(const uint8_t *const frame)
{
	struct net_node *const n = &net->node[LEADER];
	const uint8_t *next;

	take_frame(n, frame);
	while (lock_router_work(&n->router, BURST, net->now_ns))
		;
	next = lock_wire_next(&n->wire);
	assert_non_null(next);
	assert_null(lock_wire_next(&n->wire));
	frames++;
	return next;
}

static void cycle(void)
{
	const unsigned before = ended;

	frames = 0;
	measured_lock();
	node(NULL, 1);
	node(lead(card[0]), 0);
	measured_dispatch();
	assert_int_equal(lksb.sb_status, 0);
	measured_unlock();
	node(NULL, 1);
	node(lead(card[0]), 0);
	measured_dispatch();
	assert_int_equal(lksb.sb_status, EUNLOCK);
	assert_int_equal(ended, before + 2);
}

static void start(void)
{
	ib_crc_fold(true);
	net = net_new(1);
	net_join(net);
	assert_true(lock_server_serves(net->node[LEADER].servers, net->now_ns));
	strcpy(net->world->lock[0].name, "counter");
	for (unsigned i = 0; i < NODE_PORTS; i++)
		open_channel(&request[i]);
	open_channel(&answer);
	carrier = net->node[REQUESTER].carrier;
	carrier.to_participant = to_participant;
	net->node[REQUESTER].router.carrier = &carrier;
	dlm_space_init(&space, &net->world->client[REQUESTER], &transport, held);
}

int main(const int count, char **const arguments)
{
	const uint64_t cycles = count > 1 ? strtoull(arguments[1], NULL, 0) : 1;

	start();
	for (uint64_t i = 0; i < cycles; i++)
		cycle();
	printf("\"frames\": %u", frames);
	net_free(net);
	return 0;
}
