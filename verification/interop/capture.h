/*
 * Captures of Ethernet in pcap files, as QEMU's filter-dump writes them.
 */
#ifndef INTEROP_CAPTURE_H
#define INTEROP_CAPTURE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PCAP_MAGIC    0xa1b2c3d4u
#define PCAP_ETHERNET 1u
#define PCAP_MOST     65536u

struct pcap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap, link;
};

struct pcap_frame {
	uint32_t seconds, microseconds, bytes, whole;
};

static bool capture_read(FILE *const file, void (*const take)(const uint8_t *, unsigned))
{
	static uint8_t data[PCAP_MOST];
	struct pcap_file head;
	struct pcap_frame frame;

	if (fread(&head, sizeof(head), 1, file) != 1 || head.magic != PCAP_MAGIC ||
		head.link != PCAP_ETHERNET)
		return false;
	while (fread(&frame, sizeof(frame), 1, file) == 1 && frame.bytes <= PCAP_MOST &&
		frame.bytes == frame.whole && fread(data, 1, frame.bytes, file) == frame.bytes)
		take(data, frame.bytes);
	return feof(file) != 0;
}

/* Gives each frame to `take`, in order. False, and said why: it is no capture, or has a frame cut short. */
static inline bool capture_each(
	const char *const path, void (*const take)(const uint8_t *, unsigned))
{
	FILE *const file = fopen(path, "rb");
	bool whole;

	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	whole = capture_read(file, take);
	fclose(file);
	if (!whole)
		fprintf(stderr, "%s: it is no whole capture of Ethernet\n", path);
	return whole;
}

#endif
