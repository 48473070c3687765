#!/bin/sh
# Control flooded by its serial line, commands and rubbish as fast as it takes them: no sample of another partition
# is other than without, not by an instruction. FLOOD_SECONDS of virtual time: 0.25, or more for the bench.
. verification/system/lib.sh

seconds=${FLOOD_SECONDS:-0.25}
how=flood
[ "$seconds" = 0.25 ] || how=torrent

# talk HOW: boot it with its line quiet, or flooded; what was said goes to HOW.said, the RAM to HOW.ram.
talk() {
	timeout 20000 python3 verification/system/flood.py $mullion "$work/node" "$work" "$work/$1.ram" "$1" >"$work/$1.said"
}

# compare PARTITION: its samples, and its memory and console, in the two runs.
compare() {
	verification/system/deltas "$work/node/system.json" "$1" "$work/quiet.ram" "$work/$how.ram" >"$work/$1.deltas"
	ok $? "$1: each sample is the same, to the instruction"
	verification/noninterference/observed "$work/node/system.json" "$1" "$work/quiet.ram" "$work/$how.ram" \
		>"$work/$1.observed"
	ok $? "$1: and so are its memory and its console, to the byte"
	sed 's/^/# /' "$work/$1.deltas" "$work/$1.observed"
}

plan 8
awk -v s="$seconds" 'BEGIN {
	printf "s/GAP/%d/; s/PHASE/%d/g; s/n=N /n=%d /g\n", s * 80e6, s * 440, s < 1 ? 100 : 1000
}' >"$work/scale"
sed -f "$work/scale" verification/system/deployments/flood.dts.in >"$work/node.dts"
compile node "$work/node.dts"
talk quiet
ok $? 'the node left alone ends well'
talk $how
ok $? "under the flood it does, too, and each line has its one answer, as it deserves"
for kind in command malformed oversized replayed unauthenticated; do
	grep -Eq "\"$kind\": [1-9]" "$work/$how.said" || missing="$missing $kind"
done
[ -z "$missing" ]
ok $? 'there were commands, and rubbish of every kind'
sed 's/^/# /' "$work/$how.said"
compare watch
compare other

# Self-test: one sample later by a tick, and it is not the same.
verification/noninterference/alter "$work/node/system.json" watch "$work/$how.ram"
verification/system/deltas "$work/node/system.json" watch "$work/quiet.ram" "$work/$how.ram" >"$work/altered"
[ $? -eq 1 ] && grep -q '"delta": 1,' "$work/altered" && noticed=true
ok $? 'a sample altered by a tick is noticed'

[ "$how" = flood ] ||
	printf '{"self_test": %s, "flood": %s, "partitions": {"watch": %s, "other": %s}}\n' ${noticed:-false} \
		"$(cat "$work/$how.said")" "$(cat "$work/watch.deltas")" "$(cat "$work/other.deltas")" | facts flood.json
finish
