#!/bin/sh
# A TCP connection, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which have
# to find it.
set -u
echo 1..7
fuzzed=tcp
sources=rtdrivers/inet
longest=601
enough=-runs=1000000
. verification/gates/fuzz.sh

sound -runs=15000 '15,000 scripts of segments find no fault'
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds tcp.c 's/const unsigned taken = fresh < room ? fresh : room;/const unsigned taken = fresh;/' \
	'more received than there is room for is found'
finds tcp.c 's/segment->payload + known, taken/segment->payload, taken/' 'bytes handed out twice are found'
finds tcp.c 's/if (is_before(tcp->latest, to)) {/if (false) {/' 'an acknowledgment of what was never sent is found'
finds tcp.c 's/known > length/(int32_t)known > (int32_t)length/' 'a gap that is not noticed is found'
finds tcp_segment.c 's/ || octets\[at + 1\] > end - at//' 'an option longer than its header is found'
finds tcp_segment.c 's/return TCP_CHECKSUM;/;/' 'a damaged segment that is taken is found'
exit $status
