#!/bin/sh
# The verbs' receiver, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which have to
# find it.
set -u
echo 1..6
fuzzed=verbs
sources=rtdrivers/ib
longest=1600
enough=-runs=1000000
. verification/gates/fuzz.sh

sound -runs=30000 '30,000 scripts of packets find no fault'
sed -n 's/^packets received/# &/p' "$work/log"

finds state.h 's/> mr->length - bytes/> mr->length/' 'memory beyond a region is found'
finds message.c '/qp_access_flags/!s/IBV_ACCESS_REMOTE_WRITE/0/' \
	'a WRITE that was never granted is found'
finds engine.c 's/qp->qp_num != number/qp->qp_num == 0/' 'a packet for a number given out before is found'
finds cq.c 's/struct ibv_wc \*const wc = cq_push(qp->recv_cq);/qp->recv_cq->room++; &/' \
	'a completion whose entry is given away is found'
finds engine.c 's/return is_from_peer(qp, arrival) ? IBV_DROP_NONE : IBV_DROP_SOURCE;/return IBV_DROP_NONE;/' \
	'a packet from a stranger is found'
exit $status
