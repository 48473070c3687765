#!/bin/sh
# A partition that owns a device which reads and writes memory as it is told: configuration space, registers of other
# devices and of the IOMMU, forged interrupt messages, DMA into everything that is not its own. Each act is
# contained behind VT-d and behind AMD-Vi, nothing in RAM shows that it took place, and who has windows beside it
# sees, to the byte, what it sees beside one that does nothing. QEMU's AMD-Vi tells of no fault, so there every
# act meets a device that is still on the bus; behind VT-d the first violation has it quarantined, so there each
# of several is also the first of its own node.
. verification/system/lib.sh
. verification/system/attack.sh

deployments=verification/system/deployments
samples=3600 # frames of 10 ms: longer than the longest attack

# describe NAME KIND BOARD ARGS
describe() {
	sed "s/BOARD/qemu-q35-$3/; s/ARGS/$4/; s/SAMPLES/$samples/" \
		"$deployments/attacker-device-$2.dts.in" >"$work/$1.dts"
	compile "$1" "$work/$1.dts"
}

# intact NAME: nothing the device wrote is in RAM but in its owner's memory, and no constant has changed.
intact() {
	verification/system/intact "$work/$1" attacker "$ram" >"$work/$1.intact" 2>&1
	intact_status=$?
	ok $intact_status "$1: nothing in RAM shows that it took place"
	[ $intact_status -eq 0 ] || sed 's/^/# /' "$work/$1.intact"
}

# same NAME BOARD: `watch` saw beside NAME what it saw beside the idle one on that board.
same() {
	undisturbed watch "idle-$2" "$1"
	same_status=$?
	ok $same_status "$1: the neighbour's memory, samples and console are the same to the byte"
	[ $same_status -eq 0 ] || sed 's/^/# /' "$work/observed"
}

# quarantined NAME KIND: the log names the violation, once: afterwards the device is off the bus.
quarantined() {
	strings -n 8 "$ram" | grep "^health: attacker: DMA" >"$work/$1.log.text"
	[ "$(grep -c '' "$work/$1.log.text")" -eq 1 ] &&
		grep -Eq "^health: attacker: DMA violation: $2, requester 0x20 blocked; goes on\$" "$work/$1.log.text"
	quarantined_status=$?
	ok $quarantined_status "$1: requester, address and kind are on the log, once"
	[ $quarantined_status -eq 0 ] || sed 's/^/# /' "$work/$1.log.text"
}

# windows BOARD GROUPS LEAST: these acts beside `watch`.
windows() {
	describe "idle-$1" framed "$1" 'groups=none last=halt-deaf'
	run "idle-$1" first
	describe "framed-$1" framed "$1" "groups=$2"
	run "framed-$1" first
	[ $status -eq 0 ]
	ok $? "framed-$1: the neighbour ends the node as ever"
	acts "framed-$1" "$3"
	same "framed-$1" "$1"
	intact "framed-$1"
}

# first ACT KIND: as the node's first and only one, behind VT-d.
first() {
	describe "$1" owned vtd "groups=dma only=$1"
	run "$1" first
	grep -q '^attack: 1 acts, 1 contained' "$serial"
	ok $? "$1: contained"
	quarantined "$1" "$2"
	rm -f "$ram"
}

# beside GROUP VIOLATION SENTENCE: whose device is attacked notices nothing: the disk's own test, beside acts of that group.
# The disk answers in the host's time, so how far the attacker gets is not the same each time: a round of configuration
# space takes about as long as the test, a hundred violations of registers two windows of its hundred.
beside() {
	describe "witness-$1" witness vtd "groups=$1"
	run "witness-$1" first
	[ "$(grep -c '^ok' "$serial")" -eq 21 ] && ! grep -q '^not ok' "$serial"
	ok $? 'a neighbour reads and writes its disk as ever'
	strings -n 8 "$ram" | grep -q "^health: attacker: $2"
	ok $? "while $3"
	rm -f "$ram"
}

plan 37
windows vtd "config,registers,messages,dma messages=fixed" 500
quarantined framed-vtd 'read at 0x1000000'
cp "$ram" "$work/kept.ram"
rm -f "$ram"
windows amdvi messages,dma 100
rm -f "$ram"
describe owned-vtd owned vtd 'groups=config,registers,messages,dma messages=remappable self=0'
run owned-vtd first
acts owned-vtd 500
intact owned-vtd
quarantined owned-vtd 'read at 0x1000000'
rm -f "$ram"
write_acts attack-devices.json

first dma_writes_nothing_to_the_page_beyond_memory 'write at 0x1000000'
first dma_writes_nothing_to_the_info_page 'write at 0xfc000000'
first dma_writes_nothing_to_the_intel_iommu 'write at 0xfed90000'
first dma_writes_nothing_to_its_own_mapped_configuration 'write at 0xb0020000'
first dma_reads_nothing_of_the_disks_registers 'read at 0xe0100000'
first dma_across_the_end_of_memory 'write at 0x1000000'

beside registers 'memory violation: jump at 0xe0200000' 'its registers are attacked'
beside config 'port violation 0xcf8' 'configuration space is'

# Self-tests: one more entry in the device's tables, a byte of poison, and a constant altered, are noticed.
describe open framed vtd 'only=dma_writes_nothing_to_the_page_beyond_memory groups=dma'
verification/system/open-dma "$work/open" attacker watch
run open first
verification/system/intact "$work/open" attacker "$ram" >"$work/open.intact"
[ $? -eq 1 ] && grep -q '^poison at ' "$work/open.intact"
ok $? 'an entry too many in the tables of DMA is noticed by what arrives there'
rm -f "$ram"
ram=$work/kept.ram
printf 'MULLION-ATTACKER-DMA-POISON' | dd of="$ram" bs=1 seek=$((0x700010)) conv=notrunc status=none
verification/system/intact "$work/framed-vtd" attacker "$ram" >"$work/kept.intact"
[ $? -eq 1 ] && grep -q '^poison at 0x700010$' "$work/kept.intact"
ok $? 'poison in memory of the kernel is noticed'
printf 'x' | dd of="$ram" bs=1 seek=$((0x400010)) conv=notrunc status=none
verification/system/intact "$work/framed-vtd" attacker "$ram" >"$work/kept.intact"
[ $? -eq 1 ] && grep -q '^a constant at 0x400010 ' "$work/kept.intact"
ok $? 'a constant that was altered is noticed'
finish
