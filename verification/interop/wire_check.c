/*
 * Captures against the codecs: every RoCEv2 frame of a pcap file must decode, its ICRC be right, and what was decoded
 * must encode to the same bytes; so must every management datagram in it. Then how many of each there were.
 *
 * usage: wire_check FILE.pcap... Prints `NUMBER WHAT` lines, sorted as the opcodes are. Exit 1: a frame was refused or
 * came out differently, and which one is said; 2: usage, or a file that is no capture.
 */
#include <stdio.h>
#include <string.h>

#include <ib/cm.h>
#include <ib/crc.h>
#include <ib/roce.h>

#include "capture.h"

static struct {
	unsigned frames, others, faults;
	unsigned opcode[256], ipv4, ipv6, tagged;
	unsigned cm[0x100];
} seen;

static void fault(const char *const what, const char *const why)
{
	fprintf(stderr, "frame %u: %s: %s\n", seen.frames, what, why);
	seen.faults++;
}

static void compare(const char *const what, const uint8_t *const is, const uint8_t *const was,
	const unsigned bytes)
{
	char why[80];

	for (unsigned i = 0; i < bytes; i++) {
		if (is[i] == was[i])
			continue;
		snprintf(why, sizeof(why), "byte %u of %u is encoded as %02x, was %02x", i, bytes,
			is[i], was[i]);
		fault(what, why);
		return;
	}
}

/* Communication management, to or from the general services interface. */
static void check_datagram(const struct ib_packet *const packet)
{
	static struct cm_message message;
	uint8_t again[MAD_BYTES];
	const enum ib_refusal refusal = cm_decode(packet->payload, packet->payload_bytes, &message);

	if (refusal != IB_ACCEPTED) {
		fault("datagram", ib_refusal_name(refusal));
		return;
	}
	seen.cm[message.header.attribute & 0xff]++;
	if (!cm_encode(&message, again))
		fault("datagram", "it cannot be encoded");
	else
		compare(cm_name(message.header.attribute), again, packet->payload, MAD_BYTES);
}

static void check_roce(const struct roce_frame *const frame, const uint8_t *const data)
{
	static uint8_t again[ROCE_FRAME_BYTES_MOST];
	const struct ib_packet *const packet = &frame->packet;
	const unsigned bytes = roce_encode(frame, again, sizeof(again));

	seen.opcode[packet->bth.opcode]++;
	seen.ipv4 += !frame->path.ipv6;
	seen.ipv6 += frame->path.ipv6;
	seen.tagged += frame->path.tagged;
	if (bytes == 0)
		fault(ib_opcode_name(packet->bth.opcode), "it cannot be encoded");
	compare(ib_opcode_name(packet->bth.opcode), again, data, bytes);
	if (ib_opcode_layout(packet->bth.opcode) & IB_HAS_DETH &&
		packet->bth.destination == IB_QPN_GSI)
		check_datagram(packet);
}

static void check_frame(const uint8_t *const data, const unsigned bytes)
{
	static struct roce_frame frame;
	enum ib_refusal refusal;

	seen.frames++;
	ib_crc_fold(true);
	refusal = roce_decode(data, bytes, &frame);
	ib_crc_fold(false);
	if (refusal != roce_decode(data, bytes, &frame))
		fault("icrc", "the tables and the multiplication disagree");
	if (refusal == IB_ACCEPTED)
		check_roce(&frame, data);
	else if (refusal == IB_REFUSED_NOT_ROCE)
		seen.others++;
	else
		fault("refused", ib_refusal_name(refusal));
}

static void report(void)
{
	printf("%u frames\n%u of other protocols\n%u ipv4\n%u ipv6\n%u tagged\n", seen.frames,
		seen.others, seen.ipv4, seen.ipv6, seen.tagged);
	for (unsigned i = 0; i < 256; i++)
		if (seen.opcode[i] != 0)
			printf("%u %s\n", seen.opcode[i], ib_opcode_name((uint8_t)i));
	for (unsigned i = 0; i < 256; i++)
		if (seen.cm[i] != 0)
			printf("%u cm %s\n", seen.cm[i], cm_name((uint16_t)i));
	printf("%u faults\n", seen.faults);
}

int main(const int argc, char **const argv)
{
	int status = argc < 2 ? 2 : 0;

	if (argc < 2)
		fprintf(stderr, "usage: wire_check FILE.pcap...\n");
	for (int i = 1; i < argc && status == 0; i++)
		status = capture_each(argv[i], check_frame) ? 0 : 2;
	if (status == 0)
		report();
	return status != 0 ? status : seen.faults != 0;
}
