/*
 * Fuzzing of a station on an IPv6 link: any bytes as a frame.
 *
 * Properties, beside the sanitizers': each frame gets one verdict, and its counter alone moves; what is answered goes to
 * who asked, or to everybody where that one has no address yet, and is no longer than the question, or than a solicitation; a
 * neighbour is believed only over no router and with the right checksum, told here a second time.
 *
 * The mutator makes whole messages and mends checksums; libFuzzer's own mutations damage them.
 */
#include <string.h>

#include <inet/octets.h>
#include <inet/station6.h>

#include "fuzz.h"

#define PACKET       14u
#define MESSAGE      54u
#define DISCOVERY    86u /* bytes of a frame with a solicitation or an advertisement */
#define MESSAGE_MOST 200u

static const uint8_t node_mac[] = { 0x52, 0x54, 0, 0, 0, 1 };
static const uint8_t peer_mac[] = { 0x52, 0x54, 0, 0, 0, 2 };
static const uint8_t everybody[] = { 0x33, 0x33, 0, 0, 0, 1 };
static struct station6 station, other;

static uint64_t total(void)
{
	uint64_t sum = 0;

	for (unsigned v = 0; v < STATION6_VERDICTS; v++)
		sum += station.counts[v];
	return sum;
}

static unsigned sum_of(const uint8_t *const frame)
{
	const unsigned bytes = octets_read16(frame + PACKET + 4);
	unsigned sum = bytes + frame[PACKET + 6];

	for (unsigned i = 0; i < 32; i += 2)
		sum += octets_read16(frame + PACKET + 8 + i);
	for (unsigned i = 0; i < bytes; i++)
		sum += i % 2 == 0 ? (unsigned)frame[MESSAGE + i] << 8 : frame[MESSAGE + i];
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

static void judge_reply(const uint8_t *const frame, const size_t size, const uint8_t *const reply,
	const unsigned bytes)
{
	const size_t most = size < DISCOVERY ? DISCOVERY : size;

	claim(bytes >= MESSAGE + 8 && bytes <= most, "an answer is no longer");
	claim(memcmp(reply, frame + 6, 6) == 0 || memcmp(reply, everybody, 6) == 0,
		"it goes to who asked");
	claim(memcmp(reply + 6, node_mac, 6) == 0, "it comes from the station");
	claim(sum_of(reply) == 0xffff && sum_of(frame) == 0xffff, "both are whole");
}

int LLVMFuzzerTestOneInput(const uint8_t *const data, const size_t size)
{
	static uint8_t reply[ETHERNET_MOST_BYTES];
	struct station6_neighbour told;
	enum station6_verdict verdict;
	unsigned bytes;

	station6_open(&station, node_mac);
	verdict = station6_take(&station, data, (unsigned)size, &told, reply, &bytes);
	claim(verdict < STATION6_VERDICTS && station.counts[verdict] == 1 && total() == 1,
		"each frame is counted once");
	claim((bytes != 0) == (verdict == STATION6_SOLICITED || verdict == STATION6_ECHOED),
		"what is answered is said to be");
	if (bytes != 0)
		judge_reply(data, size, reply, bytes);
	if (verdict == STATION6_ADVERTISED) {
		claim(data[PACKET + 7] == 255 && sum_of(data) == 0xffff, "who is believed is near");
		claim(memcmp(told.mac, data + 6, 6) == 0 && (told.mac[0] & 1) == 0,
			"at a station's MAC");
		claim(memcmp(data, node_mac, 1) == 0 || data[0] == 0x33, "and spoke to us");
	}
	return 0;
}

/* ---- The mutator ---- */

static void mend(uint8_t *const frame, const size_t size)
{
	octets_write16(frame + PACKET + 4, (uint16_t)(size - MESSAGE));
	octets_write16(frame + MESSAGE + 2, 0);
	octets_write16(frame + MESSAGE + 2, (uint16_t)~sum_of(frame));
}

/* A solicitation, an advertisement, an echo. */
static size_t make(uint8_t *const frame)
{
	static const uint8_t types[] = { 135, 136, 128 };
	const uint8_t type = types[pick(3)];
	size_t size;

	station6_open(&station, node_mac);
	station6_open(&other, peer_mac);
	size = station6_ask(&other, 0, station.addresses[0], frame);
	frame[MESSAGE] = type;
	if (type == 136)
		memcpy(frame + MESSAGE + 8, other.addresses[0], 16);
	if (type != 135)
		memcpy(frame + PACKET + 24, station.addresses[0], 16);
	if (type != 135 || pick(2) == 0)
		memcpy(frame, node_mac, 6);
	while (size < MESSAGE_MOST && pick(3) == 0) {
		memset(frame + size, (int)pick(3), 8);
		size += 8;
	}
	return size;
}

size_t LLVMFuzzerCustomMutator(
	uint8_t *const data, size_t size, const size_t most, const unsigned seed)
{
	random_begin(seed);
	if (most < 2 * MESSAGE_MOST)
		return size;
	if (size < MESSAGE + 8 || pick(3) == 0)
		size = make(data);
	for (uint32_t n = pick(3); n != 0; n--)
		data[pick((uint32_t)size)] = (uint8_t)(pick(2) == 0 ? pick(256) : pick(2) * 255);
	if (pick(4) == 0)
		size = LLVMFuzzerMutate(data, size, most);
	if (size >= MESSAGE + 8 && pick(4) != 0)
		mend(data, size);
	if (size > MESSAGE && pick(8) == 0)
		size -= pick((uint32_t)(size - MESSAGE));
	return size;
}
