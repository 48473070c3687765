/*
 * Acquisitions and releases of one uncontended lock, `argument` times: messages from client to server and back
 * with nothing between, so that a counter of instructions sees the engine. Prints the messages of one cycle and those
 * until the grant; a message more than these would be left to send, and fails.
 */
#include "lock_world.h"

static struct lock_server *server;
static struct lock_client *client;
static uint64_t server_ns, client_ns;
static unsigned messages, to_grant;

static void to_server(void)
{
	struct lock_envelope e;

	messages++;
	assert_true(lock_client_send(client, client_ns, &e));
	assert_int_equal(lock_server_receive(server, FIRST_CLIENT_NODE, &e.message,
				 LOCK_MESSAGE_BYTES, server_ns),
		LOCK_TAKEN);
}

static void to_client(void)
{
	struct lock_envelope e;

	messages++;
	assert_true(lock_server_send(server, server_ns, &e));
	assert_int_equal(lock_client_receive(
				 client, server->node, &e.message, LOCK_MESSAGE_BYTES, client_ns),
		LOCK_TAKEN);
}

static void cycle(void)
{
	struct lock_event event;

	messages = 0;
	assert_int_equal(lock_client_request(client, 0, LOCK_EX, 0, NULL, client_ns), LOCK_PENDING);
	to_server();
	to_client();
	assert_true(lock_client_event(client, &event));
	assert_true(lock_client_holds(client, 0, LOCK_EX, client_ns));
	to_grant = messages;
	assert_int_equal(lock_client_release(client, 0, NULL, client_ns), LOCK_PENDING);
	to_server();
	to_client();
	assert_true(lock_client_event(client, &event));
}

int main(int count, char **arguments)
{
	struct lock_envelope more;
	const uint64_t cycles = count > 1 ? strtoull(arguments[1], NULL, 0) : 1;
	struct world *w = world_new(1, 1, 2);

	world_start(w);
	world_until_serving(w, 0);
	world_until_joined(w);
	server = world_leader(w, 0);
	client = &w->client[0];
	server_ns = world_clock(w, server->node);
	client_ns = world_clock(w, FIRST_CLIENT_NODE);
	for (uint64_t i = 0; i < cycles; i++)
		cycle();
	assert_false(lock_client_send(client, client_ns, &more));
	assert_false(lock_server_send(server, server_ns, &more));
	printf("\"messages\": %u, \"messages_to_grant\": %u", messages, to_grant);
	world_free(w);
	return 0;
}
