#!/bin/sh
# Network cards of two kinds in partitions under Mullion, on CPUs of their own, behind an IOMMU of either kind: frames
# from the host and back, with everything that is no frame in between. From the first frame to the last one the kernel
# is not entered.
. verification/system/lib.sh

deployments=verification/system/deployments
macs="52:54:00:00:00:01 52:54:00:00:00:03"

# exchange NAME DTS FRAMES REFUSED: the node, and the host at the other end of its wire.
exchange() {
	compile "$1" "$2"
	rm -f "$work/theirs"
	# Word splitting is wanted: addresses.
	# shellcheck disable=SC2086
	timeout $((2 * TIMEOUT)) python3 -B verification/system/frames.py "$work/ours" "$work/theirs" "$3" "$4" $macs >"$work/$1.host" 2>&1 &
	host=$!
	$mullion run "$work/$1" --timeout "$TIMEOUT" --serial "$work/$1.serial" --ram "$work/$1.ram" -- \
		-netdev "dgram,id=wire,local.type=unix,local.path=$work/theirs,remote.type=unix,remote.path=$work/ours" \
		-netdev hubport,id=h0,hubid=1,netdev=wire >"$work/$1.out" 2>&1
	status=$?
	wait $host
	host_status=$?
	serial=$work/$1.serial
}

# exits NAME CPU WHO: exits of that CPU while frames came and went, into $work/exits.out; the ticks into $from and $to.
exits() {
	ticks=$(sed -n "s/\r//; s/^\\[$3\\] # .*: frames came from tick \\([0-9]* to [0-9]*\\)$/\\1/p" "$serial")
	ticks=${ticks:-0 to 0}
	from=${ticks%% *} to=${ticks##* }
	verification/system/exits "$work/$1/mullion.elf" "$work/$1.ram" "$2" "$from" "$to" >"$work/exits.out" 2>&1
}

# judge NAME: what the partitions and the host say.
judge() {
	[ $status -eq 0 ]
	ok $? "$1: the node ends well"
	[ $host_status -eq 0 ]
	ok $? "$1: and each frame of the host's came back to it, from both cards"
	[ $host_status -eq 0 ] || sed 's/^/# /' "$work/$1.host" "$serial"
	! grep -q 'health: .* violation' "$serial"
	ok $? "$1: nobody left what is granted"
	guest_tap "[virtio] "
	guest_tap "[intel] "
	for who in "virtio 1" "intel 2"; do
		exits "$1" "${who#* }" "${who% *}"
		[ "$(cat "$work/exits.out")" = 0 ] && [ "$from" -gt 0 ] && [ "$to" -gt "$from" ]
		ok $? "$1: no exit of ${who% *}'s between the first frame and the last one"
		sed 's/^/# /' "$work/exits.out"
	done
}

plan 26
exchange vtd $deployments/cards-echo.dts 60 8
judge vtd
says "$serial" '^\[intel\] # e1000e 52:54:00:00:00:03, vector 0' 'one card is an 82574'
says "$serial" '^\[virtio\] # virtio-net 52:54:00:00:00:01, vector 0' 'and the other one a virtio card'

# Self-tests of the measurement: a stretch in which there are exits, and one that the trace does not reach back to.
verification/system/exits "$work/vtd/mullion.elf" "$work/vtd.ram" 2 0 "$to" >"$work/exits.out" &&
	! grep -q '^0' "$work/exits.out"
ok $? "before the first frame there are exits, and they are counted"
rm -f "$work"/*.ram

sed 's/qemu-q35-vtd/qemu-q35-amdvi/' $deployments/cards.dtsi >"$work/cards.dtsi"
cp $deployments/cards-echo.dts "$work/amdvi.dts"
exchange amdvi "$work/amdvi.dts" 60 8
judge amdvi

# Self-test of the exchange: a card that refuses fewer than it is said to.
sed 's/refused=8/refused=9/' $deployments/cards-echo.dts >"$work/more.dts"
cp $deployments/cards.dtsi "$work/cards.dtsi"
exchange more "$work/more.dts" 60 8
grep -q '^\[intel\] ok 2' "$serial" && grep -q '^\[intel\] not ok 3' "$serial"
ok $? "a frame refused by one card less than sent is noticed"
finish
