#!/bin/sh
# A switch of schedules comes at the exact end of a frame, on all CPUs at once, also where frames and the
# clock share no whole tick, and however many switches there were before.
. verification/system/lib.sh

# change NAME NUMERATOR DENOMINATOR CPUS ARGS [FIRST GUARD_US HOW]: a node that believes its TSC to run at that
# rate; CPUS 0: one, 1: two, where the second's first window in the first schedule is at FIRST. HOW: boot, once.
change() {
	two=
	[ "$4" -eq 0 ] || two="first.0.1=${6:-100} first.1.1=50000"
	sed "s|tsc-frequency = .*|tsc-frequency = /bits/ 64 <$2 $3>;|; s/guard-ns = <us(1)>/guard-ns = <us(${7:-1})>/" \
		config/boards/qemu-q35.dtsi >"$work/board.dtsi"
	sed "s/ARGS/$5 $two/; s/CPUS CPUS/CPUS $4/; s/FIRST/${6:-100}/; s/SEEN/$seen/" \
		verification/system/deployments/switch.dts.in >"$work/$1.dts"
	${8:-boot} "$1" "$work/$1.dts"
}

once() {
	compile "$1" "$2"
	run "$1" first
}

# kept NAME: what a run told of its frames, as one member of an object. It is asked of runs of $switches switches.
switches=120
seen=78 # of three switches the second CPU sees two: it has no part in one schedule
kept() {
	sed -n 's/\r//; /^{"\(ready\|switches\|first\)"/p' "$serial" | paste -sd, - |
		sed "s/^/${kept:+, }\"$1\": [/; s/\$/]/" >"$work/$1.kept"
	kept=$kept$(cat "$work/$1.kept")
}

plan 47
change one 1000000000 1 0 "n=$switches tell=1"
guest_tap ""
kept one
change third 3000000007 3 1 'n=60 late=1000'
guest_tap ""
# Several CPUs at once are the same twice in what is said, not in every tick: once. Here their first windows lie
# apart, and guards are several turns of the emulator long; then they wake together, and one may wait for a turn
# of the other's, with a switch and without.
change two 1000000000 1 1 "n=$switches tell=1" 50000 8 once
guest_tap ""
kept two
change together 3000000007 3 1 "n=$switches tell=1 late=1100" 100 1 once
guest_tap ""
kept together
printf '{%s}\n' "$kept" | facts mode-change.json
change odd 1000000007000000 1000003 0 n=60
guest_tap ""
change health 1000000000 1 1 'how=raise n=1 late=1000'
guest_tap ""

# Self-test: an expectation that is off by one nanosecond must be noticed.
change planted 1000000000 1 0 'plant=1 n=2'
says "$serial" '^not ok [0-9]+ - every_switch_is_at_the_exact_end_of_a_frame_on_all_cpus' 'an end off by a nanosecond is noticed'
[ "$status" -ne 0 ]
ok $? 'and the node says so by its status'
finish
