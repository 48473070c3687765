#!/bin/sh
# A device that leaves its partition's memory is stopped by the IOMMU and quarantined; its owner gets the health
# event, with the action its table says; nobody else notices. And a board that is not the described one is refused.
. verification/system/lib.sh

deployments=verification/system/deployments
foreign=0x30000000
inside=0x00010000
line="health: teach: DMA violation: write at $foreign, requester 0x20 blocked"

# describe NAME KIND ADDRESS ACTION: $work/NAME.dts
describe() {
	sed "s/ADDRESS/$3/" $deployments/quarantine.dtsi >"$work/$1.dtsi"
	sed "s/ACTION/$4/; s/\"quarantine.dtsi\"/\"$1.dtsi\"/" "$deployments/quarantine-$2.dts.in" >"$work/$1.dts"
}

# without WORDS PATTERN SENTENCE: the image on a machine that lacks what WORDS (of QEMU's command) gave it.
without() {
	command=$($mullion run --dry-run "$work/polled" --serial "$work/refused" | sed "s/ $1 / /")
	rm -f "$work/refused"
	timeout "$TIMEOUT" sh -c "$command" >"$work/refused.out" 2>&1
	refused=$?
	[ $refused -eq 35 ]
	ok $? "$3: the node ends as failed"
	says "$work/refused" "$2" "$3: the reason is said"
}

plan 22

# ---- Found by a framed CPU, before its windows ----
describe polled polled $foreign log
boot polled "$work/polled.dts"
says "$serial" "$line; goes on\$" 'the event names owner, address, kind and requester'
[ "$(grep -c 'DMA violation' "$serial")" -eq 1 ]
ok $? 'and comes once: what is quarantined is silent'
! grep -q 'health: teach: exit' "$serial"
ok $? 'the owner sees its device off the bus, and nothing written'
[ $status -eq 0 ]
ok $? 'the node ends well'

# ---- Found by an owned CPU, by interrupt ----
for action in log stop shutdown; do
	describe owned-$action owned $foreign $action
	boot owned-$action "$work/owned-$action.dts"
	case $action in
	log) guest_tap '' ;;
	stop)
		! grep -q '^ok 2' "$serial"
		ok $? 'stop: the owner does not go on'
		[ $status -eq 0 ]
		ok $? 'stop: its neighbour does, and the node ends well'
		;;
	shutdown)
		[ $status -eq 1 ]
		ok $? 'shutdown: the node ends as failed'
		;;
	esac
done

# ---- One CPU for all: not one instruction of a neighbour's moves ----
describe inside framed $inside log
describe outside framed $foreign log
for run in inside outside; do
	compile $run "$work/$run.dts"
	run $run first
done
says "$work/outside.first" "$line" 'the device is stopped in one of two runs'
! grep -q 'DMA violation' "$work/inside.first"
ok $? 'and not in the other'
undisturbed a inside outside
ok $? "what a neighbour on the same CPU saw is the same in both, to the byte"
sed 's/^/# /' "$work/observed"
verification/noninterference/alter "$work/outside/system.json" a "$work/outside.first.ram"
! seen a inside.first outside.first
ok $? 'and one sample later by one tick would have been found'

# ---- Another board ----
without '-device edu[^ ]*' 'there is no PCI function at 0:4.0, where the board has edu@20' 'a missing device'
without '-device intel-iommu[^ ]*' 'iommu@fed90000' 'a missing IOMMU'
finish
