#!/bin/sh
# Our verbs against Linux's rdma_rxe: rping connects, has its pings read out of its memory, written back and compared.
# First undisturbed, then with frames lost, doubled, late and damaged, one in a hundred each, both ways; then with a
# partition on a network card of its own, natively; with two under Mullion, a virtio card's and an 82574's, which do not
# enter the kernel for it; then with a defect planted in our engine, which rping has to notice. Linux is booted once, and each
# of ours has its own address.
set -u
echo 1..13
. verification/interop/tap.sh

# compiled TREE PROGRAM: from the sources below TREE.
compiled() {
	cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-I"$1/rtdrivers" -Ipartitions/lib/include "$here/verbs_rping.c" partitions/tests/rping/server.c "$1"/rtdrivers/ib/*.c "$1"/rtdrivers/inet/*.c -o "$2" \
		>"$work/log" 2>&1
}

# host PROGRAM ADDRESS CONNECTIONS SECONDS [FAULTS]: our side as a program.
host() {
	program=$1 address=$2 connections=$3 seconds=$4
	shift 4
	exec timeout $((seconds + 30)) "$program" "$work/ours" "$work/linux" "$address/24:1" "$connections" "$seconds" "$@"
}

# partition ADDRESS CONNECTIONS SECONDS: our side as a partition with a card, without Mullion. Its clock is taken to be fast, so its
# patience is rather longer.
partition() {
	exec timeout $(($3 + 30)) qemu-system-x86_64 -nodefaults -no-user-config -machine q35 -cpu max -m 64 -accel tcg -display none \
		-no-reboot -kernel "$build/partitions/test-rping.elf" \
		-append "tsc-hz=4000000000 at=$1/24:1 connections=$2 patience-ns=${3}000000000" \
		-netdev "dgram,id=n,local.type=unix,local.path=$work/ours,remote.type=unix,remote.path=$work/linux" \
		-device virtio-net-pci,iommu_platform=on,disable-legacy=on,addr=06.0,netdev=n,mac=52:54:00:09:00:01 \
		-device isa-debug-exit,iobase=0xf4,iosize=1 -debugcon "file:$work/console"
}

# node SECONDS: our side as two partitions under Mullion, on CPUs of their own, with a card of either kind.
node() {
	"$build/tools/mullion" build verification/system/deployments/cards-rping.dts -o "$work/node" --kernel "$build/kernel" \
		--images "$build/partitions" || exit 2
	exec "$build/tools/mullion" run "$work/node" --icount=off --timeout "$1" --serial "$work/serial" --ram "$work/node.ram" -- \
		-netdev "dgram,id=wire,local.type=unix,local.path=$work/ours,remote.type=unix,remote.path=$work/linux" \
		-netdev hubport,id=h0,hubid=1,netdev=wire
}

# exits WHO CPU: of that partition's from the first ping to the last one, into $work/exits.
exits() {
	ticks=$(sed -n "s/\r//; s/^\\[$1\\] # pings came from tick \\([1-9][0-9]* to [0-9]*\\)$/\\1/p" "$work/serial")
	verification/system/exits "$work/node/mullion.elf" "$work/node.ram" "$2" "${ticks%% *}" "${ticks##* }" >"$work/exits" 2>&1
}

# meet WHO HOW WORDS...: our side, until it ends; what it says goes to $work/WHO.log, how it ends to $ours_status.
meet() {
	who=$1
	shift
	rm -f "$work/ours"
	("$@") >"$work/$who.log" 2>&1
	ours_status=$?
	sed 's/^/# /' "$work/$who.log"
}

# good WHO TIMES: so many of Linux's rpings with that one ended well.
good() {
	[ "$(grep -c "^$1: rping: 0\$" "$work/linux.txt")" -eq "$2" ]
}

cat >"$work/script" <<'END'
# with WHO ADDRESS SECONDS SIZES: pings of those sizes, as soon as there is somebody.
with() {
	who=$1 address=$2 seconds=$3
	shift 3
	tries=0
	until ping -c 1 -W 1 "$address" >/said 2>&1 || [ $tries -eq 500 ]; do
		usleep 100000
		tries=$((tries + 1))
	done
	for size; do
		timeout "$seconds" rping -c -a "$address" -V -C 20 -S "$size" >/said 2>&1
		echo "$who: rping: $?"
		tail -n 3 /said
	done
}
with host 10.9.0.5 300 64 1000 30000 64 1000 30000
with partition 10.9.0.6 300 64 1000 30000
with node 10.9.0.1 300 64 30000
with node 10.9.0.3 300 64 30000
with planted 10.9.0.7 5 30000
END
$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
compiled . "$work/verbs_rping"
ok $? "our side is compiled" "$work/log"
mkdir -p "$work/tree"
cp -r rtdrivers "$work/tree/"
sed 's/const uint32_t portion = numbers(entry, index) << qp->mtu_shift;/const uint32_t portion = qp->mtu_bytes;/' \
	rtdrivers/ib/requester.c >"$work/tree/rtdrivers/ib/requester.c"
! cmp -s rtdrivers/ib/requester.c "$work/tree/rtdrivers/ib/requester.c" && compiled "$work/tree" "$work/planted"
ok $? "a defect is planted: READs that ask for one packet of several" "$work/log"

[ $status -eq 0 ] || exit 1 # nothing to meet with
PEER_SECONDS=2700
export PEER_SECONDS
peer_begins linux 2 ours "$work/script"
meet host host "$work/verbs_rping" 10.9.0.5 6 600 3 10000 10000 10000 10000 3
ok $ours_status "six connections come and go, without an error on our side" "$work/host.log"
meet partition partition 10.9.0.6 3 600
partition_status=$ours_status
meet node node 600
node_status=$ours_status
meet planted host "$work/planted" 10.9.0.7 1 300
wait "$peer"
tr -d '\r' <"$work/linux.log" >"$work/linux.txt"
sed 's/^/# /' "$work/linux.txt"

good host 6
ok $? "and each ping comes back as it was, says Linux" "$work/linux.txt"
grep -q '^6 connections, 120 pings' "$work/host.log" && ! grep -q ' 0 faults' "$work/host.log"
ok $? "a hundred and twenty of them, half of them with faults on the way" "$work/host.log"

[ $partition_status -eq 33 ] && grep -q '^# 3 connections, 60 pings, 0 failures' "$work/console"
ok $? "so does a partition with a network card" "$work/console"
good partition 3
ok $? "and Linux says so, too" "$work/linux.txt"

[ $node_status -eq 0 ] && [ "$(grep -c '\] # 2 connections, 40 pings, 0 failures' "$work/serial")" -eq 2 ]
ok $? "so do two partitions under Mullion, with a card of either kind" "$work/serial"
good node 4
ok $? "and Linux says so, too" "$work/linux.txt"
for who in "virtio 1" "intel 2"; do
	exits "${who% *}" "${who#* }" && [ "$(cat "$work/exits")" = 0 ]
	ok $? "no exit of ${who% *}'s between its first ping and its last one" "$work/exits"
done
rm -f "$work/node.ram"

grep -Eq ' [1-9][0-9]* frames' "$work/planted.log" && grep -q '^planted: rping: [1-9]' "$work/linux.txt"
ok $? "the planted defect is noticed" "$work/linux.txt"
exit $status
