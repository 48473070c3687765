#!/bin/sh
# Frames, packets and datagrams of InfiniBand, fuzzed, the same every time; and fuzzers of copies with a planted
# defect each, which have to find it.
set -u
echo 1..9
fuzzed=wire
sources=rtdrivers/ib
longest=1200
enough=-runs=200000
. verification/gates/fuzz.sh

sound -runs=200000 '200,000 frames find no fault'
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds packet.c 's/bytes - headers - packet->bth.pad_bytes;/bytes - headers;/' 'padding taken for payload is found'
finds packet.c 's/extended_decode(operation->layout, data + IB_BTH_BYTES/extended_decode(operation->layout, data + IB_BTH_BYTES + 12/' \
	'headers read beyond their packet are found'
finds roce.c 's/ || header.payload_bytes > bytes - IPV6_BYTES//' 'a packet longer than its frame is found'
finds bth.h 's/(uint32_t)bth->migrated << 22/0/' 'a bit that gets lost is found'
finds plain.h 's/total > bytes - PLAIN_IP ||/false ||/' 'a plain frame that says it is longer is found'
finds native.c 's/if (bytes < HEADERS_BYTES + IB_ICRC_BYTES)/if (bytes < 8)/' 'a global header beyond its packet is found'
finds mad.c 's/smp->hop_count > SMP_HOPS_MOST ||/false ||/' 'hops beyond their path are found'
finds mad.c 's/if (bytes < MAD_BYTES)/if (bytes < MAD_HEADER_BYTES)/' 'a datagram too short is found'
exit $status
