#!/bin/sh
# The smallest deployment boots, greets, and ends the node; a machine that lacks what the image needs
# is refused in one line that says what and how to mend it.
. verification/system/lib.sh

# refused NAME PATTERN SENTENCE -- QEMU OPTIONS: the image must not start on such a machine.
refused() {
	name=$1 pattern=$2 sentence=$3
	shift 4
	dump=
	[ -z "${COVERAGE_DUMP_DIR:-}" ] || dump="-debugcon file:$COVERAGE_DUMP_DIR/hello.$name"
	timeout "$TIMEOUT" qemu-system-x86_64 -nodefaults -no-user-config -display none -machine q35 -accel tcg \
		-serial "file:$work/$name" -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=1 \
		-icount shift=0,sleep=off -kernel "$work/$image/mullion.elf" $dump "$@" >"$work/$name.out" 2>&1
	[ $? -eq 35 ]
	ok $? "$name: the node powers off as failed"
	says "$work/$name" "$pattern" "$name: $sentence"
	[ "$(grep -c '^refused' "$work/$name")" -eq 1 ]
	ok $? "$name: in one line"
}

plan 14
boot hello config/deployments/hello.dts
says "$serial" '^hello from hello' 'the partition greets'
says "$serial" '^CPU: +0 apic 0 owned by hello' 'the CPU map is printed, one aligned line per fact'
[ $status -eq 0 ]
ok $? 'the node powers off well when its last partition ends well'

image=hello
refused no-svm '^refused: this machine lacks .*SVM.*run on one that has it' 'SVM is missing' \
	-- -cpu qemu64,-svm -m 512
refused little-memory '^refused: memory from 0x[0-9a-f]+ to 0x[0-9a-f]+ is not RAM here' 'RAM is missing' \
	-- -cpu max -m 12
# A CPU is awaited for seconds of a clock that is taken to be slow, so that they are short.
sed 's|model = "smp-owned";|& board { tsc-frequency = /bits/ 64 <20000000 1>; };|' \
	verification/system/deployments/smp-owned.dts >"$work/two.dts"
cp verification/system/deployments/one-owned.dtsi "$work"
compile two "$work/two.dts"
image=two
refused one-cpu '^refused: cpu@1 \(hardware id 2\) does not answer' 'a CPU is missing' -- -cpu max -m 512 -smp 1

# Self-test of the harness: what is not said must not pass.
grep -q 'hello from nobody' "$serial"
[ $? -ne 0 ]
ok $? 'a greeting nobody gave is not found'
finish
