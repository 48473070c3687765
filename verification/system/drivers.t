#!/bin/sh
# The drivers for PCI functions, the teaching device and network cards: natively, and as partitions behind an
# IOMMU of either kind, on CPUs of their own and in windows. What their calls cost is measured natively, where
# an instruction is a tick, and held against what their headers state.
. verification/system/lib.sh

deployments=verification/system/deployments
wire="-netdev hubport,id=h1,hubid=1 -netdev hubport,id=h2,hubid=1"
card="virtio-net-pci,iommu_platform=on,disable-legacy=on"
cards="-device $card,addr=06.0,netdev=h1,mac=52:54:00:00:00:01 -device $card,addr=07.0,netdev=h2,mac=52:54:00:00:00:02"
intel="-device e1000e,romfile=,addr=06.0,netdev=h1,mac=52:54:00:00:00:01 -device e1000e,romfile=,addr=07.0,netdev=h2,mac=52:54:00:00:00:02"
edu="-device edu,addr=04.0,dma_mask=0xffffffffffff"
null="if=none,id=nvme0,snapshot=on,file.driver=null-co,file.size=16777216,file.read-zeroes=on"
machine="q35"

# native NAME ELF ARGUMENTS QEMU-OPTIONS...: boot it without Mullion; what it says goes to $serial.
native() {
	serial=$work/$1
	elf=$build/partitions/$2.elf
	arguments=$3
	shift 3
	rm -f "$serial"
	timeout "$TIMEOUT" qemu-system-x86_64 -nodefaults -no-user-config -machine $machine -cpu max -m 64 \
		-accel tcg -icount shift=0,sleep=off -display none -no-reboot -kernel "$elf" \
		-append "tsc-hz=1000000000 $arguments" -debugcon "file:$serial" \
		-device isa-debug-exit,iobase=0xf4,iosize=1 "$@" >"$serial.out" 2>&1
	status=$?
}

# good SENTENCE: the partition ended well; and each of its own results.
good() {
	[ $status -eq 33 ]
	good_status=$?
	[ $good_status -eq 0 ] || sed 's/^/# /' "$serial" "$serial.out"
	ok $good_status "$1"
	guest_tap ""
}

# within FILE...: every call metered there took at most what is stated. Says so, as comments and into drivers.json.
within() {
	verification/gates/longest-path "$build/rtdrivers/drivers.elf" rtdrivers/bounds rtdrivers/*/*.h >"$work/bounds" &&
		sed -n 's/^instructions \([a-z_0-9]*\)\( short\)\{0,1\}: \([0-9]*\) calls, max \([0-9]*\).*/\1 \3 \4\2/p' "$@" |
		awk -v bounds="$work/bounds" -v json="$work/drivers.json" '
			BEGIN {
				while ((getline line < bounds) > 0) {
					split(line, word, /[: ]+/)
					longest[word[1]] = word[2]
					stated[word[1]] = word[4]
				}
			}
			{
				calls[$1] += $2
				if ($3 > most[$1])
					most[$1] = $3
				if ($4 == "short") {
					short_calls[$1] += $2
					if ($3 > short[$1])
						short[$1] = $3
				}
			}
			END {
				printf "{" >json
				for (name in calls) {
					printf "# %s: at most %d stated, %d by its longest path, %d in %d calls\n", \
						name, stated[name], longest[name], most[name], calls[name]
					printf "%s\"%s\": {\"stated\": %d, \"longest\": %d, \"measured\": %d, \"calls\": %d", \
						comma, name, stated[name], longest[name], most[name], calls[name] >json
					if (name in short)
						printf ", \"short\": %d, \"short_calls\": %d", short[name], short_calls[name] >json
					printf "}" >json
					comma = ", "
					if (!(name in stated) || most[name] > stated[name] || calls[name] == 0 || most[name] == 0)
						bad = 1
					count++
				}
				print "}" >json
				exit bad || count == 0
			}'
}

# partition HOW NAME DTS PREFIX...: a deployment under Mullion, HOW = boot, twice and the same, or once (network
# cards work in the host's time); and the results of the partitions whose lines begin so.
partition() {
	if [ "$1" = boot ]; then
		boot "$2" "$3"
	else
		compile "$2" "$3"
		run "$2" first
	fi
	shift
	[ $status -eq 0 ]
	ok $? "$1: the node ends well"
	! grep -q 'health: .* violation' "$serial"
	ok $? "$1: and nobody left what is granted"
	shift 2
	for prefix in "$@"; do
		guest_tap "$prefix"
	done
}

# exits NAME CPU: "INTERRUPTS EOIS DATA" of that CPU, from the trace in the node's memory (core/include/mullion/abi.h):
# exits because of an interrupt, ends of interrupts, and exits at addresses of registers or memory after the first EOI.
cat >"$work/exits" <<'END'
import struct, subprocess, sys
elf, ram, cpu = sys.argv[1], open(sys.argv[2], "rb"), int(sys.argv[3])
RECORD, HEADER, CAPACITY = 32, 4096, 4096
INTERRUPTS, MSR, PAGE_FAULT, EOI = range(0x60, 0x65), 0x7c, 0x400, 0x80b
names = (line.split() for line in subprocess.run(["nm", elf], capture_output=True, text=True).stdout.splitlines())
base = {words[2]: int(words[0], 16) for words in names if len(words) == 3}["traces"] + cpu * (HEADER + RECORD * CAPACITY)
ram.seek(base)
magic, number, capacity, head = struct.unpack("<QIIQ", ram.read(24))
assert (magic, number, capacity) == (0x31435254494C554D, cpu, CAPACITY) and head < capacity, "no whole trace"
interrupts = eois = data = 0
for k in range(head):
    ram.seek(base + HEADER + RECORD * k)
    tsc, kind, vcpu, cause, a, b = struct.unpack("<QHHIQQ", ram.read(RECORD))
    if kind == 1:
        interrupts += cause in INTERRUPTS
        eois += cause == MSR and a == EOI
        data += cause == PAGE_FAULT and eois > 0
print(interrupts, eois, data)
END

# silent NAME CPU WHO: device interrupts reach the partition on that CPU without an exit, and so do its frames.
silent() {
	python3 "$work/exits" "$work/$1/mullion.elf" "$work/$1.first.ram" "$2" >"$work/exits.out" 2>&1
	read -r interrupts eois data <"$work/exits.out"
	taken=$(sed -n "s/^\\[$3\\] # interrupts: \\([0-9]*\\).*/\\1/p" "$serial")
	[ "$interrupts" = 0 ] && [ "$data" = 0 ] && [ "${taken:-0}" -gt 0 ] && [ "${eois:-0}" -ge "$taken" ]
	silent_status=$?
	ok $silent_status "$1: $3 was interrupted by its device ${taken:-0} times, and left neither for that nor for a frame"
	[ $silent_status -eq 0 ] || sed 's/^/# /' "$work/exits.out"
}

# amdvi NAME: a deployment for the same board with the other IOMMU, as $work/NAME-amdvi.dts.
amdvi() {
	sed 's/qemu-q35-vtd/qemu-q35-amdvi/; s/"net.dtsi"/"net-amdvi.dtsi"/' $deployments/$1.dts >"$work/$1-amdvi.dts"
	sed 's/qemu-q35-vtd/qemu-q35-amdvi/' $deployments/net.dtsi >"$work/net-amdvi.dtsi"
}

plan 206

# ---- Natively ----
# shellcheck disable=SC2086
{
	native edu-again test-edu count $edu
	mv "$serial" "$work/edu.before"
	native edu test-edu count $edu
	good 'natively, all tests of the teaching device pass'
	cmp -s "$serial" "$work/edu.before"
	ok $? 'and twice the same, to the byte'
	native edu-none test-edu ''
	[ $status -eq 35 ]
	ok $? 'a machine without one is a failure'
	native edu-second test-edu 'acts=dma' $edu -device edu,addr=03.0,multifunction=on -device edu,addr=03.1
	good 'among several, the first one is found'
	native edu-behind test-edu 'last-bus=1' -device pcie-root-port,id=below,addr=02.0,chassis=1 \
		-device edu,bus=below,addr=00.0,dma_mask=0xffffffffffff
	good 'behind a bridge, too'
	native net-polled test-net count $wire $cards
	good 'natively, two network cards polled exchange every frame'
	says "$serial" '^# ping: 1000 of 1000 frames right, 0 wrong' 'a thousand of them, as counted by the sender'
	says "$serial" '^# echo: 1000 of 1000 frames right, 0 wrong' 'and by the receiver'
	native net-interrupts test-net 'count vector=0x52' $wire $cards
	good 'and with interrupts for received frames'
	native net-intel test-net count $wire $intel
	good 'two cards of another kind, too, Intel 82574'
	says "$serial" '^# e1000e 52:54:00:00:00:02, vector 0' 'driven as such'
	says "$serial" '^# echo: 1000 of 1000 frames right, 0 wrong' 'a thousand frames'
	native net-mixed test-net '' $wire -device $card,addr=06.0,netdev=h1 -device e1000e,romfile=,addr=07.0,netdev=h2
	good 'and one of each'
	native net-none test-net '' $wire -device $card,addr=06.0,netdev=h1
	[ $status -eq 35 ] && grep -q '^not ok 2 .*found' "$serial"
	ok $? 'one card where two are asked for is a failure'
	native net-legacy test-net role=ping $wire -device virtio-net-pci,addr=06.0,netdev=h1,disable-legacy=on
	[ $status -eq 35 ] && grep -q '^not ok 1 .*found' "$serial"
	ok $? 'a card that bypasses the IOMMU is refused'
	native net-alone test-net 'role=ping frames=3 patience-ns=50000000' $wire $cards
	[ $status -eq 35 ] && grep -q '^not ok 2 .*answers' "$serial"
	ok $? 'a sender without a receiver gives up, and says so'
	native nvme test-nvme count -drive "$null" -device nvme,addr=05.0,drive=nvme0,serial=mullion0
	[ $status -eq 33 ]
	ok $? 'the disk works, of which nvme.t has the rest'
}

# ---- What the calls cost ----
within "$work/edu" "$work/net-polled" "$work/net-interrupts" "$work/net-intel" "$work/nvme"
ok $? 'no call executed more instructions than its header states'
cp "$work/drivers.json" "$build/drivers.json"
[ "$(grep -Eo '(virtio_net|e1000e)_(send|receive|reclaim)|nvme_(submit_(read|write|flush)|poll)' "$work/drivers.json" | wc -l)" -eq 10 ]
ok $? 'the calls of the network cards and of the disk were measured'

# Self-tests: a measurement above the bound, and one of a call nobody knows.
echo 'instructions virtio_net_send: 10 calls, max 1201' >"$work/long"
! within "$work/long" >/dev/null
ok $? 'one instruction more than stated is noticed'
echo 'instructions virtio_net_spin: 10 calls, max 1' >"$work/long"
! within "$work/long" >/dev/null
ok $? 'and a call without a bound'

# ---- Under Mullion ----
for board in vtd amdvi; do
	for name in edu-owned edu-framed net-owned net-framed; do
		# AMD-Vi as QEMU has it interrupts nobody for faults: it wants a framed CPU, which looks for them.
		[ $name-$board != edu-owned-amdvi ] || continue
		dts=$deployments/$name.dts
		[ $board = vtd ] || { amdvi $name && dts=$work/$name-amdvi.dts; }
		case $name in
		edu-*) partition boot $name-$board "$dts" "" ;;
		*) partition once $name-$board "$dts" "[ping] " "[echo] " ;;
		esac
		if [ $name = net-owned ]; then
			silent net-owned-$board 1 ping
			silent net-owned-$board 2 echo
		fi
		rm -f "$work"/*.ram
	done
	says "$work/net-owned-$board.first" '^\[ping\] # ping: 1000 of 1000 frames right, 0 wrong' \
		"$board: every frame came back to a partition of its own CPU"
	says "$work/net-owned-$board.first" '^\[ping\] .* vector 0x50' "$board: by the vector described"
	says "$work/net-owned-$board.first" '^\[echo\] .* vector 0x58' "$board: and the other one by its own"
done
says "$work/edu-owned-vtd.first" '^# interrupts by vector 0x62' 'the teaching device, too, has the vector described'
finish
