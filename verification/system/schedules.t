#!/bin/sh
# Windows open and close at the exact tick, frame after frame, also where the clock's frequency is a
# fraction; gaps, neighbours and other schedules change nothing about it.
. verification/system/lib.sh

# follow NAME NUMERATOR DENOMINATOR FRAME FRAMES CPUS PLANT: a node that believes its TSC to run at that rate;
# CPUS 0: on one CPU, 1: on three.
follow() {
	sed "s|tsc-frequency = .*|tsc-frequency = /bits/ 64 <$2 $3>;|" config/boards/qemu-q35.dtsi >"$work/board.dtsi"
	sed "s/FRAMES/$5/; s/FRAME/$4/g; s/PLANT/$7/; s/CPUS CPUS/CPUS $6/" verification/system/deployments/schedules.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
}

plan 29
follow whole 1000000000 1 1000000 20 1 ''
guest_tap ""
follow third 3000000007 3 400007 50 1 ''
guest_tap ""
follow odd 1000000007000000 1000003 400009 1010 0 ''
guest_tap ""

# Self-test: an expectation that is off by one nanosecond must be noticed.
follow planted 1000000000 1 1000000 5 0 plant=1
says "$serial" '^not ok [0-9]+ - every_window_starts_and_ends_at_its_exact_tick' 'a start off by a nanosecond is noticed'
[ "$status" -ne 0 ]
ok $? 'and the node says so by its status'
finish
