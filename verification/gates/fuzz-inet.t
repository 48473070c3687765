#!/bin/sh
# A station's frames, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which
# have to find it.
set -u
echo 1..7
fuzzed=inet
sources=rtdrivers/inet
longest=1600
enough=-runs=200000
. verification/gates/fuzz.sh

sound -runs=200000 '200,000 frames find no fault'
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds ipv4.c 's/ || total > bytes//' 'a packet longer than its frame is found'
finds ipv4.c 's/if (words != WORDS_NO_OPTIONS)/if (words < WORDS_NO_OPTIONS)/' 'options read as payload are found'
finds ipv4.c 's/0x3fffu/0x1fffu/' 'a first fragment taken for a packet is found'
finds udp.c 's/bytes < UDP_HEADER_BYTES ||//; s/ != bytes)/ > bytes)/' 'a datagram shorter than its packet is found'
finds station.c 's/&& ours ? take_packet/? take_packet/' 'a packet in a frame for another station is found'
finds station.c 's/if (ethernet_is_group(l->ethernet.from))/if (false)/' 'an answer to everybody is found'
exit $status
