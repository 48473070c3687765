#!/bin/sh
# A doorbell interrupts each receiver on a CPU of its own once, after the message is there; bells of others,
# and of channels that have none, do not ring.
. verification/system/lib.sh

# bell KIND: a ringer on an owned or a framed CPU.
bell() {
	sed "s/RINGER == /$1 == /; s/RINGER is/$1 is/" verification/system/deployments/bell.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	guest_tap ""
	[ $status -eq 0 ]
	ok $? "$1: and the node ends well"
}

plan 14
bell owned
bell framed

# Self-test: a listener that waits for one ring more must notice that it does not come.
sed 's/do=listen/do=listen n=101/' "$work/owned.dts" >"$work/planted.dts"
boot planted "$work/planted.dts"
says "$serial" '^not ok 1 - every_ring_interrupts_once' 'a ring that does not come is noticed'
finish
