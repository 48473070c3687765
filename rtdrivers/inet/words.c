/*
 * Verdicts in words, as counters are shown. Invariant: each has one of its own.
 */
#include <inet/station.h>

const char *station_word(const unsigned verdict)
{
	static const char words[STATION_VERDICTS][16] = { "datagram", "arp", "echo", "foreign",
		"other-port", "no-frame", "source", "arp-malformed", "ipv4-malformed",
		"ipv4-options", "ipv4-checksum", "ipv4-fragment", "udp-malformed", "udp-checksum",
		"icmp-malformed" };

	return verdict < STATION_VERDICTS ? words[verdict] : "?";
}
