#!/bin/sh
# A station's frames of IPv6, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which
# have to find it.
set -u
echo 1..5
fuzzed=station6
sources=rtdrivers/inet
longest=1600
enough=-runs=200000
. verification/gates/fuzz.sh

sound -runs=200000 '200,000 frames find no fault'
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds station6.c 's/at + OPTION_BYTES <= bytes/at <= bytes/' 'options beyond the message are found'
finds station6.c 's/ || payload > l->bytes - MESSAGE_AT//' 'a packet longer than its frame is found'
finds station6.c 's/l->packet\[AT_HOPS\] == HOPS/true/' 'a neighbour beyond a router is found'
finds station6.c 's/return checksum(l->packet, payload) == 0 ?/return true ?/' 'a damaged message is found'
exit $status
