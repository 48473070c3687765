/*
 * TCP between two of its ends, over a link that loses, doubles, overtakes and damages; against segments written
 * by hand, where the specification says what has to come back; and against what is cut or made up.
 */
#include "unit.h"

#include <inet/octets.h>
#include <inet/tcp.h>

#define NODE        0x0a090001u
#define PEER        0x0a090002u
#define PORT        18515u
#define PACKET_MOST 1500u
#define FLYING_MOST 32u
#define MILLISECOND 1000000ull
#define SECOND      1000000000ull

struct flying {
	struct ipv4_header packet;
	uint64_t due_ns;
	uint8_t octets[PACKET_MOST];
};

static struct tcp ends[2];
static struct flying flying[FLYING_MOST];
static unsigned flying_count;
static uint64_t now_ns, random_state, reset_count;
static unsigned lost, doubled, late, damaged; /* of 1000 */

static uint32_t address_of(const unsigned end)
{
	return end == 0 ? NODE : PEER;
}

static int begin(void **state)
{
	(void)state;
	now_ns = 5 * SECOND;
	random_state = 7;
	flying_count = 0;
	lost = doubled = late = damaged = 0;
	reset_count = 0;
	/* Numbers that wrap within the first bytes. */
	for (unsigned i = 0; i < 2; i++)
		tcp_open(&ends[i], 0xfffff000u + i);
	return 0;
}

static bool happens(const unsigned of_1000)
{
	return unit_random(&random_state) % 1000 < of_1000;
}

/* ---- The link ---- */

static void launch(const struct ipv4_header *const packet, const uint8_t *const octets)
{
	struct flying *const one = &flying[flying_count];

	if (flying_count == FLYING_MOST || happens(lost))
		return;
	one->packet = *packet;
	memcpy(one->octets, octets, packet->payload_bytes);
	one->due_ns = now_ns + (happens(late) ? 30 : 1) * MILLISECOND;
	if (happens(damaged))
		one->octets[unit_random(&random_state) % packet->payload_bytes] ^=
			(uint8_t)(1u << unit_random(&random_state) % 8);
	flying_count++;
}

static void send(const unsigned from, const struct tcp_segment *const segment)
{
	uint8_t octets[PACKET_MOST];
	struct ipv4_header packet = { .source = address_of(from),
		.destination = address_of(!from),
		.protocol = IPV4_TCP,
		.payload_bytes = (uint16_t)tcp_bytes(segment) };

	tcp_encode(&packet, segment, octets);
	launch(&packet, octets);
	if (happens(doubled))
		launch(&packet, octets);
}

static void send_all(const unsigned from)
{
	struct tcp_segment segment;

	for (unsigned i = 0; i < 8 && tcp_next(&ends[from], now_ns, &segment); i++)
		send(from, &segment);
}

static void arrive(const struct flying *const one)
{
	const unsigned to = one->packet.destination == NODE ? 0 : 1;
	uint8_t *const copy = malloc(one->packet.payload_bytes);
	struct tcp_segment segment, answer;

	memcpy(copy, one->octets, one->packet.payload_bytes);
	if (tcp_decode(&one->packet, copy, &segment) == TCP_GOOD &&
		!tcp_take(&ends[to], now_ns, one->packet.source, &segment) &&
		tcp_refuse(&segment, &answer)) {
		reset_count++;
		send(to, &answer);
	}
	free(copy);
}

static void step(void)
{
	now_ns += MILLISECOND;
	for (unsigned i = 0; i < flying_count;) {
		if (flying[i].due_ns > now_ns) {
			i++;
			continue;
		}
		const struct flying one = flying[i];

		flying[i] = flying[--flying_count];
		arrive(&one);
	}
	send_all(0);
	send_all(1);
}

static bool wait_for(const unsigned end, const enum tcp_state state, const unsigned milliseconds)
{
	for (unsigned i = 0; i < milliseconds && ends[end].state != state; i++)
		step();
	return ends[end].state == state;
}

static void meet(void)
{
	tcp_listen(&ends[1], PORT);
	tcp_connect(&ends[0], 40000, PEER, PORT);
	assert_true(wait_for(0, TCP_ESTABLISHED, 60000));
	assert_true(wait_for(1, TCP_ESTABLISHED, 60000));
}

/* ---- Two ends ---- */

/* Both ways at once, in pieces of any size; what comes out is compared as it comes. */
static void talk(const unsigned bytes)
{
	unsigned written[2] = { 0, 0 }, read[2] = { 0, 0 };
	uint8_t piece[3000];

	for (unsigned turn = 0; (read[0] < bytes || read[1] < bytes) && turn < 400000; turn++) {
		for (unsigned end = 0; end < 2; end++) {
			unsigned count = (unsigned)(unit_random(&random_state) % sizeof(piece));

			count = count < bytes - written[end] ? count : bytes - written[end];
			for (unsigned i = 0; i < count; i++)
				piece[i] = (uint8_t)((written[end] + i) * 2654435761u >> 13) ^
					   (uint8_t)end;
			written[end] += tcp_write(&ends[end], piece, count);
			count = happens(700) ? 0
					     : tcp_read(&ends[end], piece,
						       unit_random(&random_state) % sizeof(piece));
			for (unsigned i = 0; i < count; i++)
				assert_int_equal(
					piece[i], (uint8_t)((read[end] + i) * 2654435761u >> 13) ^
							  (uint8_t)!end);
			read[end] += count;
		}
		step();
	}
	assert_int_equal(read[0], bytes);
	assert_int_equal(read[1], bytes);
}

static void part(void)
{
	tcp_close(&ends[0]);
	for (unsigned i = 0; i < 60000 && !tcp_ended(&ends[1]); i++)
		step();
	assert_true(tcp_ended(&ends[1]));
	tcp_close(&ends[1]);
	assert_true(wait_for(0, TCP_CLOSED, 60000));
	assert_true(wait_for(1, TCP_CLOSED, 60000));
	assert_int_equal(ends[0].end, TCP_END_DONE);
}

static void two_ends_meet_talk_and_part(void **state)
{
	(void)state;
	meet();
	talk(50000);
	part();
	assert_int_equal(ends[1].end, TCP_END_DONE);
	assert_int_equal(reset_count, 0);
}

static void every_byte_arrives_once_and_in_order_over_a_bad_link(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		begin(state);
		random_state = seed * 7919;
		lost = doubled = late = damaged = 10 * (seed % 6);
		meet();
		talk(20000);
		part();
	}
}

static void both_may_close_at_once(void **state)
{
	(void)state;
	meet();
	tcp_close(&ends[0]);
	tcp_close(&ends[1]);
	assert_true(wait_for(0, TCP_TIME_WAIT, 100));
	assert_true(wait_for(1, TCP_TIME_WAIT, 100));
	assert_true(wait_for(0, TCP_CLOSED, 9000));
	assert_int_equal(ends[0].end, TCP_END_DONE);
}

static void both_may_connect_at_once(void **state)
{
	(void)state;
	tcp_connect(&ends[0], 40000, PEER, 40001);
	tcp_connect(&ends[1], 40001, NODE, 40000);
	assert_true(wait_for(0, TCP_ESTABLISHED, 10000));
	assert_true(wait_for(1, TCP_ESTABLISHED, 10000));
	talk(5000);
}

static void a_full_reader_stops_the_writer_and_later_gets_all(void **state)
{
	uint8_t piece[TCP_BUFFER_BYTES];
	unsigned written = 0, read = 0;

	(void)state;
	meet();
	memset(piece, 0x11, sizeof(piece));
	/* A hundred seconds: longer than a silent peer is given. */
	for (unsigned i = 0; i < 100000; i++) {
		written += tcp_write(&ends[0], piece, sizeof(piece));
		step();
	}
	assert_int_equal(written, 2 * TCP_BUFFER_BYTES);
	assert_int_equal(ends[0].state, TCP_ESTABLISHED);
	for (unsigned i = 0; i < 20000 && read < written; i++) {
		read += tcp_read(&ends[1], piece, sizeof(piece));
		step();
	}
	assert_int_equal(read, written);
}

static void a_silent_peer_is_given_up(void **state)
{
	(void)state;
	meet();
	lost = 1000;
	tcp_write(&ends[0], (const uint8_t *)"x", 1);
	assert_true(wait_for(0, TCP_CLOSED, 70000));
	assert_int_equal(ends[0].end, TCP_END_SILENT);
	tcp_connect(&ends[0], 40001, PEER, PORT);
	assert_true(wait_for(0, TCP_CLOSED, 70000));
	assert_int_equal(ends[0].end, TCP_END_SILENT);
}

static void nobody_listens_and_it_is_said(void **state)
{
	(void)state;
	tcp_connect(&ends[0], 40000, PEER, PORT);
	assert_true(wait_for(0, TCP_CLOSED, 100));
	assert_int_equal(ends[0].end, TCP_END_RESET);
	assert_int_equal(reset_count, 1);
}

/* ---- Segments by hand, to end 0 ---- */

static bool give(const uint8_t flags, const uint32_t sequence, const uint32_t acknowledgment,
	const char *const text)
{
	const struct tcp_segment segment = { .source = PORT,
		.destination = 40000,
		.sequence = sequence,
		.acknowledgment = acknowledgment,
		.window = 4096,
		.flags = flags,
		.payload = (const uint8_t *)text,
		.bytes = (unsigned)strlen(text) };

	return tcp_take(&ends[0], now_ns, PEER, &segment);
}

/* Open, from a peer that began with 100; the next to come has 101. */
static void open_by_hand(void)
{
	struct tcp_segment segment;

	tcp_connect(&ends[0], 40000, PEER, PORT);
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.flags, TCP_SYN);
	assert_int_equal(segment.most, TCP_PAYLOAD_BYTES);
	assert_true(give(TCP_SYN | TCP_ACK, 100, segment.sequence + 1, ""));
	assert_int_equal(ends[0].state, TCP_ESTABLISHED);
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.flags, TCP_ACK);
	assert_int_equal(segment.acknowledgment, 101);
	assert_false(tcp_next(&ends[0], now_ns, &segment));
}

static void a_stranger_cannot_reset_it(void **state)
{
	struct tcp_segment segment;

	(void)state;
	open_by_hand();
	assert_true(give(TCP_RST, 102, 0, ""));
	assert_true(give(TCP_RST, 100, 0, ""));
	assert_true(give(TCP_SYN, 101, 0, ""));
	assert_int_equal(ends[0].state, TCP_ESTABLISHED);
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.flags, TCP_ACK);
	assert_int_equal(segment.acknowledgment, 101);
	assert_true(give(TCP_RST, 101, 0, ""));
	assert_int_equal(ends[0].state, TCP_CLOSED);
	assert_int_equal(ends[0].end, TCP_END_RESET);
}

static void what_was_never_sent_cannot_be_acknowledged(void **state)
{
	struct tcp_segment segment;
	uint8_t octets[8];

	(void)state;
	open_by_hand();
	assert_true(give(TCP_ACK, 101, ends[0].latest + 1, "lies"));
	assert_int_equal(tcp_read(&ends[0], octets, sizeof(octets)), 0);
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.flags, TCP_ACK);
}

static void known_bytes_are_cut_off_and_gaps_are_asked_for(void **state)
{
	struct tcp_segment segment;
	uint8_t octets[8];

	(void)state;
	open_by_hand();
	give(TCP_ACK, 101, ends[0].latest, "abc");
	give(TCP_ACK, 107, ends[0].latest, "xyz");
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.acknowledgment, 104);
	give(TCP_ACK, 102, ends[0].latest, "bcd");
	give(TCP_ACK, 101, ends[0].latest, "ab");
	assert_int_equal(tcp_read(&ends[0], octets, sizeof(octets)), 4);
	assert_memory_equal(octets, "abcd", 4);
}

static void a_refused_syn_frees_the_listener(void **state)
{
	struct tcp_segment segment = {
		.source = 50000, .destination = PORT, .sequence = 9, .flags = TCP_SYN
	};

	(void)state;
	tcp_listen(&ends[0], PORT);
	assert_true(tcp_take(&ends[0], now_ns, PEER, &segment));
	assert_int_equal(ends[0].state, TCP_SYN_RECEIVED);
	assert_true(tcp_next(&ends[0], now_ns, &segment));
	assert_int_equal(segment.flags, TCP_SYN | TCP_ACK);
	segment = (struct tcp_segment){
		.source = 50000, .destination = PORT, .sequence = 10, .flags = TCP_RST
	};
	assert_true(tcp_take(&ends[0], now_ns, PEER, &segment));
	assert_int_equal(ends[0].state, TCP_LISTEN);
	/* So does one that is never followed by anything. */
	segment = (struct tcp_segment){
		.source = 50001, .destination = PORT, .sequence = 9, .flags = TCP_SYN
	};
	assert_true(tcp_take(&ends[0], now_ns, PEER, &segment));
	for (unsigned i = 0; i < 70; i++) {
		now_ns += SECOND;
		while (tcp_next(&ends[0], now_ns, &segment))
			;
	}
	assert_int_equal(ends[0].state, TCP_LISTEN);
}

static void every_cut_and_every_flipped_bit_is_refused(void **state)
{
	const struct tcp_segment segment = { .source = 1,
		.destination = 2,
		.flags = TCP_SYN,
		.most = 1460,
		.payload = (const uint8_t *)"abc",
		.bytes = 3 };
	struct ipv4_header packet = { .source = NODE, .destination = PEER, .payload_bytes = 27 };
	struct tcp_segment out;
	uint8_t octets[27];

	(void)state;
	tcp_encode(&packet, &segment, octets);
	assert_int_equal(tcp_decode(&packet, octets, &out), TCP_GOOD);
	assert_int_equal(out.most, 1460);
	assert_int_equal(out.bytes, 3);
	for (unsigned i = 0; i < 8 * sizeof(octets); i++) {
		octets[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_not_equal(tcp_decode(&packet, octets, &out), TCP_GOOD);
		octets[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (packet.payload_bytes = 0; packet.payload_bytes < 27; packet.payload_bytes++) {
		uint8_t *const copy = malloc(packet.payload_bytes + 1u);

		memcpy(copy, octets, packet.payload_bytes);
		assert_int_not_equal(tcp_decode(&packet, copy, &out), TCP_GOOD);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(two_ends_meet_talk_and_part, begin),
		cmocka_unit_test_setup(every_byte_arrives_once_and_in_order_over_a_bad_link, begin),
		cmocka_unit_test_setup(both_may_close_at_once, begin),
		cmocka_unit_test_setup(both_may_connect_at_once, begin),
		cmocka_unit_test_setup(a_full_reader_stops_the_writer_and_later_gets_all, begin),
		cmocka_unit_test_setup(a_silent_peer_is_given_up, begin),
		cmocka_unit_test_setup(nobody_listens_and_it_is_said, begin),
		cmocka_unit_test_setup(a_stranger_cannot_reset_it, begin),
		cmocka_unit_test_setup(what_was_never_sent_cannot_be_acknowledged, begin),
		cmocka_unit_test_setup(known_bytes_are_cut_off_and_gaps_are_asked_for, begin),
		cmocka_unit_test_setup(a_refused_syn_frees_the_listener, begin),
		cmocka_unit_test_setup(every_cut_and_every_flipped_bit_is_refused, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
