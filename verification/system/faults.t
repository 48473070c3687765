#!/bin/sh
# A partition that faults is stopped alone, its cause is on the console, and its neighbour's samples are
# the same, to the tick, as beside a partition that behaves.
. verification/system/lib.sh

# beside MODE: boot with a victim that does that; its neighbour's samples go to MODE.samples.
beside() {
	sed "s/MODE/$1/" verification/system/deployments/faults.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	grep '^\[watch\] ' "$serial" >"$work/$1.samples"
}

# stopped MODE PATTERN: the victim was stopped for that reason, and nobody else.
stopped() {
	beside "$1"
	says "$serial" "^\[mullion\] health: victim: $2.*; stopped" "$1: the victim is stopped, and why is said"
	[ "$(grep -c 'health:.*stopped' "$serial")" -eq 1 ]
	ok $? "$1: nobody else is"
	[ $status -eq 0 ]
	ok $? "$1: the others go on to their own good end"
	cmp -s "$work/spin.samples" "$work/$1.samples"
	ok $? "$1: the neighbour's samples are unchanged"
}

plan 20
beside spin
[ "$(wc -l <"$work/spin.samples")" -ge 3 ] && grep -q '"samples":\[\[' "$work/spin.samples"
ok $? 'there are samples to compare'
stopped triple 'triple fault'
stopped wild 'memory violation: jump at 0xe0000000'
stopped write 'memory violation: write at 0xe0000000'

# Self-test: samples that differ in one tick must be told apart.
sed 's/\([0-9]\)\]\]/9\1]]/' "$work/spin.samples" >"$work/altered"
cmp -s "$work/spin.samples" "$work/altered"
[ $? -ne 0 ]
ok $? 'a sample altered by a tick is noticed'
grep -q 'health: victim' "$work/spin.first"
[ $? -ne 0 ]
ok $? 'a victim that behaves is not reported'
unknown=$(grep -c 'lost)' "$work/triple.first")
[ "$unknown" -eq 0 ]
ok $? 'no console output was lost'
finish
