/*
 * Management datagrams, as umad_tap left them, against the codecs: each must decode, and what was decoded must encode to
 * the same bytes. Then how many of each there were.
 *
 * One leniency, counted: libibmad sends LID-routed SMPs whose reserved half it has not cleared.
 *
 * usage: mad_check FILE. Prints `NUMBER WHAT` lines. Exit 1: a datagram was refused or came out differently, and which
 * one is said; 2: usage, or a file that holds no datagrams.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ib/cm.h>

#define ATTRIBUTES  0x100u
#define RESERVED_AT 128u /* to the end, of a LID-routed SMP */

static struct {
	unsigned datagrams, others, replies, uncleared, faults;
	unsigned lid[ATTRIBUTES], directed[ATTRIBUTES], administration[ATTRIBUTES];
} seen;

static void fault(const char *const what, const char *const why)
{
	fprintf(stderr, "datagram %u: %s: %s\n", seen.datagrams, what, why);
	seen.faults++;
}

static void compare(const char *const what, const uint8_t *const is, const uint8_t *const was)
{
	char why[80];

	for (unsigned i = 0; i < MAD_BYTES; i++) {
		if (is[i] == was[i])
			continue;
		snprintf(
			why, sizeof(why), "byte %u is encoded as %02x, was %02x", i, is[i], was[i]);
		fault(what, why);
		return;
	}
}

/* 14.2.1.1: what a receiver ignores. */
static void clear_reserved(uint8_t *const data)
{
	static const uint8_t zero[MAD_BYTES - RESERVED_AT];

	seen.uncleared += memcmp(data + RESERVED_AT, zero, sizeof(zero)) != 0;
	memset(data + RESERVED_AT, 0, sizeof(zero));
}

static void check_subnet(uint8_t *const data)
{
	uint8_t again[MAD_BYTES];
	struct smp smp;
	const enum ib_refusal refusal = smp_decode(data, MAD_BYTES, &smp);

	if (refusal != IB_ACCEPTED) {
		fault("subnet management", ib_refusal_name(refusal));
		return;
	}
	if (smp.header.class == MAD_CLASS_SUBN_LID) {
		seen.lid[smp.header.attribute % ATTRIBUTES]++;
		clear_reserved(data);
	} else {
		seen.directed[smp.header.attribute % ATTRIBUTES]++;
	}
	smp_encode(&smp, again);
	compare("subnet management", again, data);
}

static void check_administration(const uint8_t *const data)
{
	uint8_t again[MAD_BYTES];
	struct sa sa;
	const enum ib_refusal refusal = sa_decode(data, MAD_BYTES, &sa);

	if (refusal != IB_ACCEPTED) {
		fault("subnet administration", ib_refusal_name(refusal));
		return;
	}
	seen.administration[sa.header.attribute % ATTRIBUTES]++;
	sa_encode(&sa, again);
	compare("subnet administration", again, data);
}

static void check(uint8_t *const data)
{
	struct mad_header header;
	const enum ib_refusal refusal = mad_header_decode(data, MAD_BYTES, &header);

	seen.datagrams++;
	if (refusal != IB_ACCEPTED) {
		fault("header", ib_refusal_name(refusal));
		return;
	}
	seen.replies +=
		(header.method & MAD_METHOD_REPLY) != 0 || header.status & MAD_STATUS_DIRECTION;
	if (header.class == MAD_CLASS_SUBN_LID || header.class == MAD_CLASS_SUBN_DIRECTED)
		check_subnet(data);
	else if (header.class == MAD_CLASS_SUBN_ADM)
		check_administration(data);
	else
		seen.others++;
}

static void report_class(const char *const what, const unsigned *const counts)
{
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		if (counts[i] != 0)
			printf("%u %s attribute 0x%02x\n", counts[i], what, i);
}

int main(const int argc, char **const argv)
{
	uint8_t data[MAD_BYTES];
	FILE *const file = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (file == NULL) {
		fprintf(stderr, "usage: mad_check FILE, which can be read\n");
		return 2;
	}
	while (fread(data, sizeof(data), 1, file) == 1)
		check(data);
	fclose(file);
	if (seen.datagrams == 0)
		return 2;
	printf("%u datagrams\n%u replies\n%u of other classes\n%u uncleared\n", seen.datagrams,
		seen.replies, seen.others, seen.uncleared);
	report_class("lid-routed", seen.lid);
	report_class("directed", seen.directed);
	report_class("administration", seen.administration);
	printf("%u faults\n", seen.faults);
	return seen.faults != 0;
}
