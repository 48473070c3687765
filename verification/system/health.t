#!/bin/sh
# Every health event with every action its rules allow: what the partition feels, what the log says, who is
# stopped, and how the node ends.
. verification/system/lib.sh

deployments=verification/system/deployments

# suite KIND ACTION: all violations with one action, judged by the partition on that kind of CPU.
suite() {
	{
		echo '/dts-v1/;'
		echo "#include \"one-$1.dtsi\""
		[ "$1" = owned ] || printf '&neighbour {\n\targs = "spin";\n};\n'
		sed "s/ACTION/$2/" $deployments/health.dtsi.in
	} >"$work/$2-$1.dts"
	cp $deployments/one-$1.dtsi "$work"
	boot "$2-$1" "$work/$2-$1.dts"
	guest_tap ""
}

# stopped NAME PATTERN: that partition was stopped for that reason.
stopped() {
	says "$serial" "^health: $1: $2.*; stopped\$" "$1: it is stopped, and why is said"
}

# shutdown NAME EVENT WHAT STATUS PATTERN: WHAT ends the node, well (0) or not.
shutdown() {
	sed "s/EVENT/$2/; s/WHAT/$3/" $deployments/health-shutdown.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	if [ -n "$5" ]; then
		says "$serial" "^health: guilty: $5.*; stopped, node shuts down" "$1: why is said"
	else
		! grep -q '^health' "$serial"
		ok $? "$1: there is nothing to be said"
	fi
	[ $(($4 == status)) -eq 1 ]
	ok $? "$1: the node ends with status $4"
}

plan 85
suite owned log
for times in 1 10 100 1000; do
	suffix=" \\($times times\\)"
	[ $times -ne 1 ] || suffix=
	says "$serial" "^log: health: test: port violation 0x80, rip 0x[0-9a-f]+, vcpu 0; goes on$suffix" \
		"the violation number $times is worth a line"
done
[ "$(grep -c '^log: health: test: port violation' "$serial")" -eq 4 ]
ok $? 'and no other of a thousand is'
says "$serial" '^log: health: test: memory violation: read at 0xe0000000' 'a read is called a read'
suite framed log
suite owned inject
says "$serial" '^log: health: test: instruction violation .*; gets a fault' 'the fault is said'
suite framed inject

boot stop $deployments/health-stop.dts
stopped memory 'memory violation: write at 0xe0000000'
stopped port 'port violation 0x80'
stopped msr 'MSR violation 0x12345678'
stopped instruction 'instruction violation 0x80'
stopped triple 'triple fault'
stopped raise 'raised by the partition 0xc0de'
stopped bad 'exit 0x3'
says "$serial" '^health: good: raised by the partition 0xc0de.*; goes on$' 'good: it raises, and goes on'
! grep -q '^health: good: exit' "$serial"
ok $? 'good: its exit with 0 is not reported'
[ $status -eq 0 ]
ok $? 'the node ends well when all have ended, one way or other'

shutdown memory on-memory-violation memory 1 'memory violation: write at 0xe0000000'
shutdown port on-port-violation port 1 'port violation 0x80'
shutdown msr on-msr-violation msr 1 'MSR violation 0x12345678'
shutdown instruction on-instruction-violation instruction 1 'instruction violation 0x80'
shutdown triple on-triple-fault triple 1 'triple fault'
shutdown raise on-raise raise 1 'raised by the partition 0xc0de'
shutdown exit on-exit 'exit status=5' 1 'exit 0x5'
shutdown end on-exit 'exit status=0' 0 ''

# Self-test: the other verdict must not pass for this one.
! grep -Eq '^health: guilty: .*; stopped, node shuts down' "$work/stop.first"
ok $? 'a stop is not taken for a shutdown'
finish
