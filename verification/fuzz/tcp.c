/*
 * Fuzzing of a TCP connection: any segments to an end that talks with another one.
 *
 * The input is a script, four bytes a step: something is written, read, closed or lost, time passes, and a
 * segment comes from somewhere. In half of the inputs that is a stranger, who knows the ports but not the
 * numbers, or a damaged one; then the stream has to come out as it went in. In the other half it is anybody,
 * who may say anything; then the connection stays what it can be: its numbers in their order, its buffers within
 * their bounds, its segments within what waits, and an end that was reached.
 */
#include <string.h>

#include <inet/checksum.h>
#include <inet/octets.h>
#include <inet/tcp.h>

#include "fuzz.h"

#define NODE        0x0a090001u
#define PEER        0x0a090002u
#define NODE_PORT   18515u
#define PEER_PORT   40000u
#define STEP_BYTES  4u
#define PACKET_MOST 1500u
#define KEPT        8u

struct packet {
	struct ipv4_header header;
	uint8_t octets[PACKET_MOST];
};

static struct tcp ends[2];
static unsigned written[2], read_count[2];
static struct packet kept[KEPT];
static unsigned kept_count;
static uint64_t now_ns;
static bool losing;

static uint8_t byte_of(const unsigned end, const unsigned index)
{
	return (uint8_t)(((index * 2654435761u) >> 13) + end);
}

static void judge(const struct tcp *const tcp)
{
	claim(tcp->state <= TCP_TIME_WAIT && tcp->tries <= TCP_TRIES, "the state is one");
	claim(tcp->sent_bytes <= TCP_BUFFER_BYTES && tcp->received_bytes <= TCP_BUFFER_BYTES,
		"buffers hold what they hold");
	claim(tcp->next - tcp->oldest <= tcp->latest - tcp->oldest, "next is behind latest");
	claim(tcp->state == TCP_CLOSED || tcp->latest - tcp->oldest <= tcp->sent_bytes + 1,
		"no more is on its way than waits");
	claim(tcp->state != TCP_CLOSED || tcp->deadline_ns == TCP_NEVER, "an end is an end");
	claim((tcp->state != TCP_SYN_SENT && tcp->state != TCP_SYN_RECEIVED &&
		      tcp->state != TCP_TIME_WAIT) ||
			tcp->deadline_ns != TCP_NEVER || tcp->latest == tcp->oldest,
		"what cannot last has an end");
}

/* A copy that ends where the packet does: the sanitizer sees a byte beyond. */
static void give(const struct packet *const packet, const unsigned to)
{
	uint8_t *const copy = malloc(packet->header.payload_bytes);

	struct tcp_segment segment, answer, again;
	struct ipv4_header header = packet->header;
	uint8_t octets[PACKET_MOST];

	memcpy(copy, packet->octets, header.payload_bytes);
	if (tcp_decode(&header, copy, &segment) != TCP_GOOD) {
		free(copy);
		return;
	}
	claim(segment.payload + segment.bytes == copy + header.payload_bytes,
		"a payload ends where its packet does");
	if (!tcp_take(&ends[to], now_ns, header.source, &segment) &&
		tcp_refuse(&segment, &answer)) {
		header.payload_bytes = (uint16_t)tcp_bytes(&answer);
		tcp_encode(&header, &answer, octets);
		claim(tcp_decode(&header, octets, &again) == TCP_GOOD &&
				again.flags == answer.flags && (again.flags & TCP_RST),
			"a refusal is one");
	}
	free(copy);
	judge(&ends[to]);
}

/* Each option but the two of one byte says its length, and all end within the header: RFC 9293, 3.1. */
static bool options_fit(const uint8_t *const options, const unsigned bytes)
{
	unsigned at = 0;

	while (at < bytes && options[at] != 0) {
		const unsigned said = at + 1 < bytes ? options[at + 1] : 0;

		if (options[at] != 1 && (said < 2 || said > bytes - at))
			return false;
		at += options[at] == 1 ? 1 : said;
	}
	return true;
}

/* A header of any length with these options, and nothing behind it. */
static void give_options(const uint8_t *const step)
{
	const struct tcp_segment segment = { .source = PEER_PORT, .destination = 1 };
	struct packet packet = { .header = { .source = PEER, .destination = NODE } };
	const unsigned options = step[1] % 11 * 4;
	struct tcp_segment read;

	packet.header.payload_bytes = (uint16_t)(TCP_HEADER_BYTES + options);
	tcp_encode(&packet.header, &segment, packet.octets);
	packet.octets[12] = (uint8_t)(packet.header.payload_bytes / 4 << 4);
	for (unsigned i = 0; i < options; i++)
		packet.octets[TCP_HEADER_BYTES + i] = i % 3 == 0 ? step[2] % 5 : step[3] >> i % 5;
	octets_write16(packet.octets + 16, 0);
	octets_write16(packet.octets + 16,
		checksum_end(
			checksum_add((uint64_t)PEER + NODE + IPV4_TCP + packet.header.payload_bytes,
				packet.octets, packet.header.payload_bytes)));
	claim((tcp_decode(&packet.header, packet.octets, &read) == TCP_GOOD) ==
			options_fit(packet.octets + TCP_HEADER_BYTES, options),
		"options are good that end within their header");
	give(&packet, 0);
}

/* What an end has to say is written, read as it was, kept, and given to the other one. */
static void speak(const unsigned from)
{
	struct packet *const packet = &kept[kept_count % KEPT];
	struct tcp_segment segment, again;

	if (!tcp_next(&ends[from], now_ns, &segment))
		return;
	judge(&ends[from]);
	claim(segment.bytes <= TCP_PAYLOAD_BYTES && segment.payload >= ends[from].sent &&
			segment.payload + segment.bytes <= ends[from].sent + TCP_BUFFER_BYTES,
		"a segment has what waits");
	packet->header = (struct ipv4_header){ .source = from == 0 ? NODE : PEER,
		.destination = from == 0 ? PEER : NODE,
		.payload_bytes = (uint16_t)tcp_bytes(&segment) };
	tcp_encode(&packet->header, &segment, packet->octets);
	claim(tcp_decode(&packet->header, packet->octets, &again) == TCP_GOOD &&
			again.sequence == segment.sequence && again.bytes == segment.bytes &&
			again.most == segment.most && again.flags == segment.flags,
		"what is written is read");
	kept_count++;
	if (!losing)
		give(packet, !from);
}

static void say(const unsigned end, const unsigned count)
{
	uint8_t octets[1024];

	for (unsigned i = 0; i < count; i++)
		octets[i] = byte_of(end, written[end] + i);
	written[end] += tcp_write(&ends[end], octets, count);
	judge(&ends[end]);
}

static void hear(const unsigned end, const unsigned count, const bool honest)
{
	uint8_t octets[1024];
	const unsigned got = tcp_read(&ends[end], octets, count);

	for (unsigned i = 0; i < got && honest; i++)
		claim(octets[i] == byte_of(!end, read_count[end] + i), "the stream is as it was");
	read_count[end] += got;
	claim(!honest || read_count[end] <= written[!end], "nothing is read that was not written");
	judge(&ends[end]);
}

/* From anybody: near what the end expects, or anywhere. */
static void forge(const uint8_t *const step)
{
	const struct tcp_segment segment = { .source = PEER_PORT,
		.destination = NODE_PORT,
		.sequence = ends[0].expected + (uint32_t)(int8_t)step[2],
		.acknowledgment = ends[0].oldest + (uint32_t)(int8_t)step[3],
		.window = (uint16_t)(step[3] * 17u),
		.most = step[3] & 1 ? step[2] : 0,
		.flags = step[1] & 31,
		.payload = ends[1].sent,
		.bytes = step[1] & 32 ? step[2] * 5u : 0 };
	struct packet packet = { .header = { .source = PEER,
					 .destination = NODE,
					 .payload_bytes = (uint16_t)tcp_bytes(&segment) } };

	tcp_encode(&packet.header, &segment, packet.octets);
	give(&packet, 0);
}

/* Who cannot see the numbers: they are far from where the window is. Or what was damaged on its way. */
static void intrude(const uint8_t *const step)
{
	struct packet packet = kept[step[2] % KEPT];
	const unsigned to = packet.header.destination == NODE ? 0 : 1;

	if (packet.header.payload_bytes == 0)
		return;
	if (step[1] & 1) {
		packet.octets[step[3] % packet.header.payload_bytes] ^= (uint8_t)(1 | step[1]);
	} else {
		const struct tcp_segment segment = { .source = PEER_PORT,
			.destination = NODE_PORT,
			.sequence = ends[0].expected + TCP_BUFFER_BYTES + 1 + step[2] * 8000000u,
			.acknowledgment = ends[0].latest,
			.window = 1000,
			.flags = step[1] >> 1 & 31,
			.payload = ends[1].sent,
			.bytes = step[3] };

		if (ends[0].state < TCP_ESTABLISHED)
			return;
		packet.header = (struct ipv4_header){ .source = PEER,
			.destination = NODE,
			.payload_bytes = (uint16_t)tcp_bytes(&segment) };
		tcp_encode(&packet.header, &segment, packet.octets);
		give(&packet, 0);
		return;
	}
	give(&packet, to);
}

static void take_step(const uint8_t *const step, const bool honest)
{
	const unsigned end = step[0] >> 7;

	switch (step[0] & 15) {
	case 0:
	case 1:
		say(end, step[1] * 4u);
		break;
	case 2:
	case 3:
		hear(end, step[1] * 4u, honest);
		break;
	case 4:
		now_ns += (uint64_t)step[1] << 23;
		break;
	case 5:
		losing = step[1] & 1;
		break;
	case 6:
		if (step[1] < 32)
			tcp_close(&ends[end]);
		break;
	case 7: /* again, or late */
		if (kept[step[1] % KEPT].header.payload_bytes != 0)
			give(&kept[step[1] % KEPT],
				kept[step[1] % KEPT].header.destination == NODE ? 0 : 1);
		break;
	case 8:
	case 9:
	case 10:
		if (honest)
			intrude(step);
		else
			forge(step);
		break;
	case 11:
		give_options(step);
		break;
	default:
		speak(end);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	const bool honest = size != 0 && (data[0] & 1) == 0;

	memset(kept, 0, sizeof(kept));
	kept_count = written[0] = written[1] = read_count[0] = read_count[1] = 0;
	now_ns = 1;
	losing = false;
	memset(ends, 0, sizeof(ends));
	for (unsigned i = 0; i < 2; i++)
		tcp_open(&ends[i], 0xfffff800u * (i + 1));
	tcp_listen(&ends[0], NODE_PORT);
	tcp_connect(&ends[1], PEER_PORT, NODE, NODE_PORT);
	for (size_t at = 1; at + STEP_BYTES <= size; at += STEP_BYTES)
		take_step(data + at, honest);
	return 0;
}
