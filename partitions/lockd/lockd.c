/*
 * lockd: a node's part of the lock service. It owns a network card and, as a rule, a CPU; it leads, stands by or
 * votes for the groups that its tables name it for, and carries the messages of the node's participants, each of
 * whom it hears by two queuing channels.
 *
 * Invariant: a turn takes one frame and one message of each participant at most, does a bounded number of ticks, and
 * sends a bounded number of messages; so whoever floods delays others by no more than its turn. What is needed is
 * laid out at the start, as much as the tables ask for.
 *
 * There is no memory of epochs beyond a restart: a server that starts says so, and counts as a voter only where all
 * three agree, until a leader tells it the epoch (docs/locks.md).
 *
 * Arguments: card=0, the nth Ethernet controller; report-ns=1000000000, between reports of counters, 0: none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <ib/crc.h>
#include <net/card.h>

#include <mullion/args.h>
#include <mullion/cpu.h>
#include <mullion/info.h>
#include <mullion/lock_image.h>
#include <mullion/lock_router.h>
#include <mullion/lock_wire.h>
#include <mullion/queuing.h>
#include <mullion/time.h>
#include <mullion/watchdog.h>

#include "report.h"

#define REPORT_NS 1000000000ull
#define BURST     16u /* messages and frames in a turn */
#define ALIGNMENT 64u

struct port {
	uint32_t participant;
	struct queuing_receiver request;
	struct queuing_sender answer;
};

static struct card card;
static struct lock_wire wire;
static struct lock_router router;
static struct lock_tables tables;
static const struct lock_image *image;
static struct port *ports;
static struct port **port_of; /* by participant; NULL: not on this node */
static struct lock_server *servers;
static uint32_t port_count, server_count;
static uint64_t epoch_tsc, bytes_laid_out;
static uint8_t frame[CARD_FRAME_BYTES], reply[ETHERNET_MOST_BYTES];

static uint64_t now_ns(void)
{
	const uint64_t tsc = tsc_read();

	return tsc > epoch_tsc ? time_ns_from_ticks(tsc - epoch_tsc) : 0;
}

static int fail(const char *const what)
{
	printf("lockd: %s\n", what);
	return 1;
}

/* Zeroed memory for `count` of a kind; NULL: the partition has too little. */
static void *lay_out(const uint64_t count, const uint64_t bytes)
{
	const uint64_t all = (count * bytes + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	void *const at = sbrk((ptrdiff_t)all);

	bytes_laid_out += all;
	if (at == (void *)-1)
		return NULL;
	__builtin_memset(at, 0, all);
	return at;
}

/* ---- Ways out of the router ---- */

static bool to_node(
	void *const context, const uint16_t node, const struct lock_message *const message)
{
	(void)context;
	return lock_wire_send(&wire, node, message);
}

static bool to_participant(
	void *const context, const uint32_t participant, const struct lock_message *const message)
{
	struct port *const port = port_of[participant];

	(void)context;
	return port != NULL &&
	       queuing_send(&port->answer, (const uint8_t *)message, LOCK_MESSAGE_BYTES);
}

static bool has_room(void *const context)
{
	(void)context;
	return lock_wire_has_room(&wire);
}

static const struct lock_carrier carrier = { NULL, to_node, to_participant, has_room };

/* ---- Start ---- */

static bool open_channels(struct port *const port, const struct lock_image_local *const local)
{
	const struct mullion_region *const request =
		info_region_named(MULLION_REGION_QUEUING, local->request, MULLION_READ);
	const struct mullion_region *const taken = info_region_named(
		MULLION_REGION_QUEUING_READER, local->request, MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const answer = info_region_named(
		MULLION_REGION_QUEUING, local->answer, MULLION_READ | MULLION_WRITE);
	const struct mullion_region *const read =
		info_region_named(MULLION_REGION_QUEUING_READER, local->answer, MULLION_READ);

	port->participant = local->participant;
	return request != NULL && taken != NULL && answer != NULL && read != NULL &&
	       request->message_bytes == LOCK_MESSAGE_BYTES &&
	       answer->message_bytes == LOCK_MESSAGE_BYTES &&
	       queuing_open_receiver(&port->request, region_address(request), request->bytes,
		       region_address(taken), request->message_bytes, request->depth) &&
	       queuing_open_sender(&port->answer, region_address(answer), answer->bytes,
		       region_address(read), answer->message_bytes, answer->depth);
}

static bool open_ports(void)
{
	const struct lock_image_local *const locals = lock_image_locals(image);

	port_count = image->part[LOCK_IMAGE_LOCALS].count;
	ports = lay_out(port_count, sizeof(*ports));
	port_of = lay_out(tables.participants, sizeof(struct port *));
	if (ports == NULL || port_of == NULL)
		return false;
	for (uint32_t i = 0; i < port_count; i++) {
		if (!open_channels(&ports[i], &locals[i]))
			return false;
		port_of[locals[i].participant] = &ports[i];
	}
	return true;
}

/* A witness keeps no locks. */
static bool start_server(struct lock_server *const server, const uint32_t group,
	const uint32_t place, const uint64_t start_ns)
{
	const struct lock_group *const g = &tables.group[group];
	struct lock_storage storage = { 0 };

	if (place < LOCK_LEADERS) {
		storage.links = lay_out(LOCK_SERVER_LINKS(g->slots, g->members, g->locks),
			sizeof(struct lock_link));
		storage.places = lay_out(g->slots, sizeof(struct lock_place));
		storage.locks = lay_out(g->locks, sizeof(struct lock_state));
		storage.sessions = lay_out(g->members, sizeof(struct lock_session));
		if (storage.links == NULL || storage.places == NULL || storage.locks == NULL ||
			storage.sessions == NULL)
			return false;
	}
	lock_server_init(server, &tables, group, place, &storage, 0, false, start_ns);
	return true;
}

static bool start_servers(const uint64_t start_ns)
{
	uint32_t started = 0;

	server_count = lock_router_groups(&tables, image->node);
	servers = lay_out(server_count, sizeof(*servers));
	if (servers == NULL)
		return false;
	for (uint32_t g = 0; g < tables.groups; g++)
		for (uint32_t place = 0; place < LOCK_GROUP_NODES; place++)
			if (tables.group[g].nodes[place] == image->node &&
				!start_server(&servers[started++], g, place, start_ns))
				return false;
	return true;
}

static uint8_t service_level(void)
{
	return tables.groups != 0 ? lock_image_promises(image)[0].service_level : 0;
}

static const char *start(void)
{
	const volatile struct mullion_time *const page = time_page(0);
	struct lock_server **server_of;
	const char *wrong;

	image = lock_image_find(&tables);
	if (image == NULL)
		return "the node gives no lock tables to this partition";
	if (!card_open(&card, (unsigned)args_number("card", 0), 0, 0))
		return "there is no network card, or it does not start";
	wrong = lock_wire_open(&wire, image, card.mac, service_level(), &time_rate);
	if (wrong != NULL)
		return wrong;
	epoch_tsc = page != NULL ? page->epoch_tsc : tsc_read();
	server_of = lay_out(tables.groups, sizeof(struct lock_server *));
	if (server_of == NULL || !start_servers(now_ns()))
		return "the partition has too little memory for the tables";
	if (!open_ports())
		return "a participant's channels are not there";
	lock_router_init(&router, &tables, image->node, &carrier, servers, server_count, server_of,
		lock_router_quiet_ns(&tables));
	return NULL;
}

/* ---- Turns ---- */

static bool take_frame(const uint64_t ns)
{
	const unsigned bytes = card_receive(&card, frame);
	const struct lock_message *message;
	unsigned reply_bytes;
	uint16_t from;

	if (bytes == 0)
		return false;
	reply_bytes = lock_wire_take(&wire, tsc_read(), frame, bytes, reply);
	if (reply_bytes != 0)
		card_send(&card, reply, reply_bytes);
	message = lock_wire_receive(&wire, &from);
	if (message != NULL)
		lock_router_from_node(&router, from, message, ns);
	return true;
}

/* One message of a participant, if what it leads to has room. */
static bool take_request(struct port *const port, const uint64_t ns)
{
	struct lock_message message;
	enum queuing_outcome outcome;
	uint64_t length;
	bool overflowed;

	if (!lock_wire_has_room(&wire))
		return false;
	outcome = queuing_receive(&port->request, (uint8_t *)&message, &length, &overflowed);
	if (outcome == QUEUING_BROKEN)
		queuing_clear(&port->request);
	if (outcome == QUEUING_MESSAGE)
		lock_router_from_participant(&router, port->participant, &message, length, ns);
	return outcome != QUEUING_EMPTY;
}

/* What the card has no room for is lost, and will be sent again. */
static void send_frames(void)
{
	const uint8_t *next;

	for (uint32_t i = 0; i < BURST && (next = lock_wire_next(&wire)) != NULL; i++)
		wire.full += !card_send(&card, next, LOCK_WIRE_FRAME_BYTES);
}

static bool turn(const uint64_t ns)
{
	bool did = take_frame(ns);

	for (uint32_t i = 0; i < port_count; i++)
		did |= take_request(&ports[i], ns);
	did |= lock_router_work(&router, BURST, ns);
	send_frames();
	return did;
}

/* Until the card fails. */
static void serve(const uint64_t report_ns)
{
	struct mullion_watchdog *const watchdog = watchdog_get();

	while (!card_is_broken(&card)) {
		const uint64_t ns = now_ns();

		if (!turn(ns))
			cpu_pause();
		report_changes(servers, server_count, ns);
		report_counters(&wire, &router, servers, server_count, report_ns, ns);
		watchdog_kick(watchdog);
	}
}

int main(void)
{
	const uint64_t report_ns = args_number("report-ns", REPORT_NS);
	const char *const wrong = start();

	if (wrong != NULL)
		return fail(wrong);
	ib_crc_fold(true);
	report_start(image, &tables, bytes_laid_out);
	serve(report_ns);
	return fail("the network card has lied, and is not believed any more");
}
