#!/bin/sh
# Our verbs against Linux's rdma_rxe: rping connects, has its pings read out of its memory, written back and compared.
# First undisturbed, then with frames lost, doubled, late and damaged, one in a hundred each, both ways; then with a
# partition on a network card of its own, natively; with two under Mullion, a virtio card's and an 82574's, which do not
# enter the kernel for it; then with a defect planted in our engine, which rping has to notice.
set -u
echo 1..13
. verification/interop/tap.sh

# compiled TREE: $work/verbs_rping from the sources below TREE.
compiled() {
	set -- "$1" $(for name in answers ah context cq engine local local_serve message mr names post neighbour qp requester resource \
		responder port straight ib headers packet roce fields mad cm connection connection_message connection_pool connection_qp connection_take \
		connection_wire; do echo "$1/rtdrivers/ib/$name.c"; done) \
		"$1"/rtdrivers/ib/crc*.c "$1"/rtdrivers/inet/*.c
	tree=$1
	shift
	cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-I"$tree/rtdrivers" "$here/verbs_rping.c" partitions/tests/rping/server.c "$@" -o "$work/verbs_rping" >"$work/log" 2>&1
}

# host CONNECTIONS SECONDS FAULTS: our side as a program.
host() {
	# Word splitting is wanted: numbers.
	# shellcheck disable=SC2086
	exec timeout $(($2 + 30)) "$work/verbs_rping" "$work/ours" "$work/linux" 10.9.0.1/24:1 "$1" "$2" $3 >"$work/ours.log" 2>&1
}

# partition CONNECTIONS SECONDS: our side as a partition with a card, without Mullion. Its clock is taken to be fast, so its
# patience is rather longer.
partition() {
	exec timeout $(($2 + 30)) qemu-system-x86_64 -nodefaults -no-user-config -machine q35 -cpu max -m 64 -accel tcg -display none \
		-no-reboot -kernel "$build/partitions/test-rping.elf" -append "tsc-hz=4000000000 connections=$1 patience-ns=${2}000000000" \
		-netdev "dgram,id=n,local.type=unix,local.path=$work/ours,remote.type=unix,remote.path=$work/linux" \
		-device virtio-net-pci,iommu_platform=on,disable-legacy=on,addr=06.0,netdev=n,mac=52:54:00:09:00:01 \
		-device isa-debug-exit,iobase=0xf4,iosize=1 -debugcon "file:$work/ours.log" >"$work/ours.out" 2>&1
}

# node CONNECTIONS SECONDS: our side as two partitions under Mullion, on CPUs of their own, with a card of either kind.
node() {
	"$build/tools/mullion" build verification/system/deployments/cards-rping.dts -o "$work/node" --kernel "$build/kernel" \
		--images "$build/partitions" >"$work/ours.out" 2>&1 || exit 2
	exec "$build/tools/mullion" run "$work/node" --icount=off --timeout $(($2 + 30)) --serial "$work/ours.log" --ram "$work/node.ram" -- \
		-netdev "dgram,id=wire,local.type=unix,local.path=$work/ours,remote.type=unix,remote.path=$work/linux" \
		-netdev hubport,id=h0,hubid=1,netdev=wire >"$work/ours.out" 2>&1
}

# exits WHO CPU: of that partition's from the first ping to the last one, into $work/exits.
exits() {
	ticks=$(sed -n "s/\r//; s/^\\[$1\\] # pings came from tick \\([1-9][0-9]* to [0-9]*\\)$/\\1/p" "$work/ours.log")
	verification/system/exits "$work/node/mullion.elf" "$work/node.ram" "$2" "${ticks%% *}" "${ticks##* }" >"$work/exits" 2>&1
}

# meet HOW CONNECTIONS SECONDS FAULTS -- LINES: our side and Linux, which runs the lines.
meet() {
	how=$1 wanted=$2 seconds=$3 faults=$4
	shift 5
	printf '%s\n' "$@" >"$work/script"
	rm -f "$work/ours" "$work/ours.log"
	"$how" "$wanted" "$seconds" "$faults" &
	ours=$!
	PEER_SECONDS=$((seconds + 20)) $here/peer "$build" "$work" linux 2 ours "$work/script" peer=10.9.0.1 >"$work/peer.log" 2>&1
	sleep $([ "$how" = node ] && echo 8 || echo 1)
	kill $ours 2>/dev/null
	wait $ours
	ours_status=$?
	tr -d '\r' <"$work/linux.log" >"$work/linux.txt"
	sed 's/^/# /' "$work/ours.log"
}

rping='rping -c -a $peer -V -C 20 -S'
$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
compiled .
ok $? "our side is compiled" "$work/log"
meet host 6 150 "3 10000 10000 10000 10000 3" -- "for size in 64 1000 30000 64 1000 30000; do" \
	"timeout 60 $rping \$size >/said 2>&1; echo \"rping: \$?\"; tail -n 3 /said; done"
ok $ours_status "six connections come and go, without an error on our side" "$work/ours.log"
[ "$(grep -c '^rping: 0$' "$work/linux.txt")" -eq 6 ]
ok $? "and each ping comes back as it was, says Linux" "$work/linux.txt"
grep -q '^6 connections, 120 pings' "$work/ours.log" && ! grep -q ' 0 faults' "$work/ours.log"
ok $? "a hundred and twenty of them, half of them with faults on the way" "$work/ours.log"

meet partition 3 100 "" -- "for size in 64 1000 30000; do" \
	"timeout 60 $rping \$size >/said 2>&1; echo \"rping: \$?\"; tail -n 3 /said; done"
[ $ours_status -eq 33 ] && grep -q '^# 3 connections, 60 pings, 0 failures' "$work/ours.log"
ok $? "so does a partition with a network card" "$work/ours.log"
[ "$(grep -c '^rping: 0$' "$work/linux.txt")" -eq 3 ]
ok $? "and Linux says so, too" "$work/linux.txt"

meet node 4 150 "" -- "for peer in 10.9.0.1 10.9.0.3; do for size in 64 30000; do" \
	"timeout 60 $rping \$size >/said 2>&1; echo \"rping: \$?\"; tail -n 3 /said; done; done"
[ $ours_status -eq 0 ] && [ "$(grep -c '\] # 2 connections, 40 pings, 0 failures' "$work/ours.log")" -eq 2 ]
ok $? "so do two partitions under Mullion, with a card of either kind" "$work/ours.log"
[ "$(grep -c '^rping: 0$' "$work/linux.txt")" -eq 4 ]
ok $? "and Linux says so, too" "$work/linux.txt"
for who in "virtio 1" "intel 2"; do
	exits "${who% *}" "${who#* }" && [ "$(cat "$work/exits")" = 0 ]
	ok $? "no exit of ${who% *}'s between its first ping and its last one" "$work/exits"
done
rm -f "$work/node.ram"

mkdir -p "$work/tree"
cp -r rtdrivers "$work/tree/"
sed 's/const uint32_t portion = numbers(entry, index) << qp->mtu_shift;/const uint32_t portion = qp->mtu_bytes;/' \
	rtdrivers/ib/requester.c >"$work/tree/rtdrivers/ib/requester.c"
! cmp -s rtdrivers/ib/requester.c "$work/tree/rtdrivers/ib/requester.c" && compiled "$work/tree"
ok $? "a defect is planted: READs that ask for one packet of several" "$work/log"
meet host 1 60 "" -- "timeout 5 $rping 30000 >/said 2>&1; echo \"rping: \$?\""
grep -Eq ' [1-9][0-9]* frames' "$work/ours.log" && grep -q '^rping: [1-9]' "$work/linux.txt"
ok $? "and it is noticed" "$work/linux.txt"
exit $status
