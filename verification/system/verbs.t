#!/bin/sh
# RDMA verbs in a partition, natively, where an instruction is a tick: two adapters exchange messages by frames
# handed over in memory, and by shared memory; what a message costs is told, and kept for the bench. Then two
# partitions under Mullion, on an owned and a framed CPU, through the pages of two channels.
. verification/system/lib.sh

plan 17
serial=$work/native
timeout "$TIMEOUT" qemu-system-x86_64 -nodefaults -no-user-config -machine q35 -cpu max -m 64 -accel tcg \
	-icount shift=0,sleep=off -display none -no-reboot -kernel "$build/partitions/test-verbs.elf" \
	-append tsc-hz=1000000000 -debugcon "file:$serial" -device isa-debug-exit,iobase=0xf4,iosize=1 \
	>"$serial.out" 2>&1
status=$?
[ $status -eq 33 ] || sed 's/^/# /' "$serial" "$serial.out"
ok $((status != 33)) "two adapters exchange messages"
guest_tap ""
sed -n 's/\r//; s/^instructions \([a-zA-Z_0-9]*\): \([0-9]*\) calls, max \([0-9]*\).*/\1 \2 \3/p' "$serial" >"$work/costs"
sed 's/^/# /' "$work/costs"
[ "$(wc -l <"$work/costs")" -eq 5 ] && ! awk '$2 < 200 || $3 == 0' "$work/costs" | grep -q .
ok $? "and what they cost is told"
awk 'BEGIN { printf "{" } { printf "%s\"%s\": {\"measured\": %d, \"calls\": %d}", comma, $1, $3, $2; comma = ", " }
	END { print "}" }' "$work/costs" | facts rdma.json

boot verbs verification/system/deployments/verbs.dts
[ "$status" -eq 0 ]
ok $? "two partitions: the node ends well"
guest_tap "[ping] "
guest_tap "[echo] "
finish
