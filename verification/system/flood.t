#!/bin/sh
# Control flooded by its serial line, commands and rubbish as fast as it takes them: no sample of another partition
# is other than without, not by an instruction. FLOOD_SECONDS of virtual time: 0.25, or more for the bench.
. verification/system/lib.sh

seconds=${FLOOD_SECONDS:-0.25}
how=flood
[ "$seconds" = 0.25 ] || how=torrent

# run HOW SUFFIX: boot it with its line quiet, or flooded; what was said goes to HOW.SUFFIX.said, the RAM to HOW.SUFFIX.ram.
run() {
	timeout 20000 python3 verification/system/flood.py $mullion "$work/node" "$work" "$work/$1.$2.ram" "$1" >"$work/$1.$2.said"
	status=$?
}

# seen PARTITION ONE OTHER: its samples, and its memory and console, are the same in two runs, HOW.SUFFIX each.
seen() {
	verification/system/deltas "$work/node/system.json" "$1" "$work/$2.ram" "$work/$3.ram" >"$work/$1.deltas"
	deltas_status=$?
	verification/noninterference/observed "$work/node/system.json" "$1" "$work/$2.ram" "$work/$3.ram" >"$work/$1.observed"
	observed_status=$?
	[ $deltas_status -eq 0 ] && [ $observed_status -eq 0 ]
}

# compare PARTITION: in a quiet run and a flooded one.
compare() {
	undisturbed "$1" quiet $how
	ok $deltas_status "$1: each sample is the same, to the instruction"
	ok $observed_status "$1: and so are its memory and its console, to the byte"
	sed 's/^/# /' "$work/$1.deltas" "$work/$1.observed"
}

plan 8
awk -v s="$seconds" 'BEGIN {
	printf "s/GAP/%d/; s/PHASE/%d/g; s/n=N /n=%d /g\n", s * 80e6, s * 440, s < 1 ? 100 : 1000
}' >"$work/scale"
sed -f "$work/scale" verification/system/deployments/flood.dts.in >"$work/node.dts"
compile node "$work/node.dts"
run quiet first
ok $status 'the node left alone ends well'
run $how first
ok $status "under the flood it does, too, and each line has its one answer, as it deserves"
for kind in command malformed oversized replayed unauthenticated; do
	grep -Eq "\"$kind\": [1-9]" "$work/$how.first.said" || missing="$missing $kind"
done
[ -z "$missing" ]
ok $? 'there were commands, and rubbish of every kind'
sed 's/^/# /' "$work/$how.first.said"
compare watch
compare other

# Self-test: one sample later by a tick, and it is not the same.
cp --sparse=always "$work/$how.first.ram" "$work/altered.ram"
verification/noninterference/alter "$work/node/system.json" watch "$work/altered.ram"
verification/system/deltas "$work/node/system.json" watch "$work/$how.first.ram" "$work/altered.ram" >"$work/altered"
[ $? -eq 1 ] && grep -q '"delta": 1,' "$work/altered" && noticed=true
ok $? 'a sample altered by a tick is noticed'

[ "$how" = flood ] ||
	printf '{"self_test": %s, "flood": %s, "partitions": {"watch": %s, "other": %s}}\n' ${noticed:-false} \
		"$(cat "$work/$how.first.said")" "$(cat "$work/watch.deltas")" "$(cat "$work/other.deltas")" | facts flood.json
finish
