#!/bin/sh
# Two clients of the rdma service, which owns a card, and a far end on another: an honest client's messages come back
# as they were while the other asks for what it was not granted, sends as much as it can and scribbles over its rings.
# What is on the wire bears the marks of the lanes that were granted, and no more than the rates; the judge of that
# notices when it is told otherwise.
. verification/system/lib.sh

plan 29
compile rdma verification/system/deployments/rdma-service.dts
MULLION_RUN_OPTIONS="-- $punctual_cards -object filter-dump,id=dump,netdev=h1,file=$work/wire.pcap"
run rdma first
[ "$status" -eq 0 ]
ok $? "the node ends well"
[ "$status" -eq 0 ] || sed 's/^/# /' "$serial" | tail -n 30
for who in far alpha beta; do
	guest_tap "[$who] "
done
for why in sl rate memory quota service; do
	says "$serial" "^\[rdma\] rdma: beta: refused: $why" "the service says that it refused: $why"
done
awk '/rdma: beta: refused: broken/ { broken = NR } /^\[alpha\] ok 2 / { done = NR } END { exit !(broken && done > broken) }' "$serial"
ok $? "the honest client was not done when the other one broke its rings"

# judge ALPHA BETA: PKEY:PCP:DSCP:RATE:BURST of what the service may have sent.
judge() {
	python3 -B verification/system/rdma_wire.py "$work/wire.pcap" 52:54:00:00:00:01 0xffff:0:0:200000:8000 "$@"
}
judge 0x8001:5:46:20000000:65536 0x8002:1:10:1000000:16384 >"$work/judged" 2>&1
ok $? "every frame bears its lane's marks, and nobody sent more than granted"
sed 's/^/# /' "$work/judged"
! judge 0x8001:5:46:20000000:65536 0x8002:1:10:700000:16384 >/dev/null
ok $? "a rate that was exceeded would be noticed"
! judge 0x8001:4:46:20000000:65536 0x8002:1:10:1000000:16384 >/dev/null && ! judge 0x8002:1:10:1000000:16384 >/dev/null
ok $? "so would another lane's mark, and a P_Key that nobody was granted"
finish
