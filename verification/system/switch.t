#!/bin/sh
# A switch of schedules comes at the exact end of a frame, on all CPUs at once, also where frames and the
# clock share no whole tick, and however many switches there were before.
. verification/system/lib.sh

# change NAME NUMERATOR DENOMINATOR CPUS ARGS: a node that believes its TSC to run at that rate; CPUS 0: one,
# 1: two.
change() {
	two=
	[ "$4" -eq 0 ] || two='first.0.1=100 first.1.1=50000 late=1000'
	sed "s|tsc-frequency = .*|tsc-frequency = /bits/ 64 <$2 $3>;|" config/boards/qemu-q35.dtsi >"$work/board.dtsi"
	sed "s/ARGS/$5 $two/; s/CPUS CPUS/CPUS $4/" verification/system/deployments/switch.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
}

plan 33
change whole 1000000000 1 0 n=60
guest_tap ""
change third 3000000007 3 1 n=60
guest_tap ""
change odd 1000000007000000 1000003 0 n=60
guest_tap ""
change health 1000000000 1 1 'how=raise n=1'
guest_tap ""

# Self-test: an expectation that is off by one nanosecond must be noticed.
change planted 1000000000 1 0 'plant=1 n=2'
says "$serial" '^not ok [0-9]+ - every_switch_is_at_the_exact_end_of_a_frame_on_all_cpus' 'an end off by a nanosecond is noticed'
[ "$status" -ne 0 ]
ok $? 'and the node says so by its status'
finish
