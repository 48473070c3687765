#!/bin/sh
# A client of the rdma service against Linux's rping, under Mullion: the client has no card, the service has one, and each has a
# CPU. Clients of Linux's connect to the port that was granted, and the client to a server of Linux's; who asked for a ping
# compares it. Neither enters the kernel from the first ping to the last one. Then with data changed on purpose, which
# Linux has to notice.
set -u
echo 1..12
. verification/interop/tap.sh

# linux PING LINE: that line is among what Linux's client said of that ping; its threads say more, in any order.
linux() {
	sed -n "/^rping: $1\$/,/^\(rping\|server\|peer\): /p" "$work/linux.txt" | grep -q "$2"
}

# said WHO LINE: that line of a partition's console.
said() {
	sed -n "s/\r//; s/^\\[$1\\] //p" "$work/ours.log" | grep -Eq "$2"
}

# exits CPU: from the first ping to the last one, into $work/exits.
exits() {
	ticks=$(sed -n 's/\r//; s/^\[pinger\] # .* from tick \([1-9][0-9]* to [0-9]*\)$/\1/p' "$work/ours.log")
	verification/system/exits "$work/node/mullion.elf" "$work/node.ram" "$1" "${ticks%% *}" "${ticks##* }" >"$work/exits" 2>&1
}

cat >"$work/script" <<'END'
# ping SIZE PORT: what Linux's client says of it.
ping_by_rdma() {
	timeout 300 rping -c -a "$peer" -V -C 20 -S "$1" -p "$2" >/said 2>&1
	echo "rping: $1 $2 $?"
	cat /said
}
timeout 600 rping -s -C 20 -V -S 30000 >/server 2>&1 &
server=$!
until ping -c 1 -W 1 "$peer" >/said 2>&1; do usleep 100000; done
ping_by_rdma 64 7175
ping_by_rdma 64 7174
ping_by_rdma 30000 7174
wait $server
echo "server: $?"
tail -n 3 /server
ping_by_rdma 2000 7174
END
$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
"$build/tools/mullion" build verification/system/deployments/rdma-rping.dts -o "$work/node" --kernel "$build/kernel" \
	--images "$build/partitions" >"$work/log" 2>&1
ok $? "the deployment is built" "$work/log"
[ $status -eq 0 ] || exit 1 # nothing to meet with
PEER_SECONDS=900
export PEER_SECONDS
peer_begins linux 2 ours "$work/script" peer=10.9.0.1
"$build/tools/mullion" run "$work/node" --icount=off --timeout 900 --serial "$work/ours.log" --ram "$work/node.ram" -- \
	-netdev "dgram,id=wire,local.type=unix,local.path=$work/ours,remote.type=unix,remote.path=$work/linux" \
	-netdev hubport,id=h0,hubid=1,netdev=wire >"$work/ours.out" 2>&1
ok $? "the node ends well" "$work/ours.log"
wait "$peer"
tr -d '\r' <"$work/linux.log" >"$work/linux.txt"
sed 's/^/# /' "$work/linux.txt"

for sentence in a_client_of_the_service_listens_for_linux clients_of_linuxs_come_and_go \
	a_server_of_linuxs_sends_back_what_it_reads nothing_is_refused_to_it; do
	said pinger "^ok [0-9]* - $sentence$"
	ok $? "$sentence" "$work/ours.log"
done
grep -q '^rping: 64 7174 0$' "$work/linux.txt" && grep -q '^rping: 30000 7174 0$' "$work/linux.txt" && grep -q '^server: 0$' "$work/linux.txt"
ok $? "each ping comes back as it was, says Linux" "$work/linux.txt"
linux '64 7175 255' 'REJECTED, error 8$'
ok $? "and hears that nobody listens on a port that was not granted" "$work/linux.txt"
for who in "service 1" "client 2"; do
	exits "${who#* }" && [ "$(cat "$work/exits")" = 0 ]
	ok $? "no exit of the ${who% *}'s between the first ping and the last one" "$work/exits"
done
rm -f "$work/node.ram"
said pinger "^ok [0-9]* - who_gets_other_data_back" && linux '2000 7174 255' '^data mismatch'
ok $? "who gets other data back than it sent notices" "$work/linux.txt"
exit $status
