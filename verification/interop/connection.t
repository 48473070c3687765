#!/bin/sh
# Our connection manager against Linux's: who asks, who is asked, who is rejected, by IPv4 and IPv6, for connections and for
# datagrams; each finds the other's MAC by itself. Our side is a program under sanitizers, its card a socket. First
# with a defect planted, which Linux has to notice.
set -u
echo 1..10
. verification/interop/tap.sh

# compiled TREE PROGRAM
compiled() {
	sources=$(for name in answers ah context cq engine local local_serve message mr names neighbour post qp requester resource \
		responder port straight ib headers packet roce fields mad cm connection connection_message connection_pool connection_qp \
		connection_take connection_wire; do echo "$1/rtdrivers/ib/$name.c"; done)
	# shellcheck disable=SC2086
	cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-I"$1/rtdrivers" -Ipartitions/lib/include "$here/connection_linux.c" $sources "$1"/rtdrivers/ib/crc*.c "$1"/rtdrivers/inet/*.c -o "$2" \
		>"$work/log" 2>&1
}

# linux WORD: what Linux said of that.
linux() {
	grep -q "^$1\$" "$work/linux.txt"
}

$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
compiled . "$work/program"
ok $? "our side is compiled" "$work/log"
mkdir -p "$work/tree"
cp -r rtdrivers "$work/tree/"
sed 's/ip.ip_version = gid_is_ipv4/ip.ip_version = !gid_is_ipv4/' rtdrivers/ib/connection_message.c \
	>"$work/tree/rtdrivers/ib/connection_message.c"
! cmp -s rtdrivers/ib/connection_message.c "$work/tree/rtdrivers/ib/connection_message.c" && compiled "$work/tree" "$work/planted"
ok $? "a defect is planted: addresses said to be of the other kind" "$work/log"

cat >"$work/script" <<'END'
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ifconfig eth0 add fd09::2/64
timeout 600 rping -s -p 7190 -C 1 >/7190 2>&1 &
timeout 600 rping -s -a fd09::2 -p 7191 -C 1 >/7191 2>&1 &
timeout 600 udaddy -C 0 >/udaddy 2>&1 &
until ping -c 1 -W 1 fd09::1 >/said 2>&1; do usleep 200000; done
echo "echo: by IPv6"
# rejected PORT ADDRESS ERROR
rejected() {
	timeout 100 rping -c -a "$2" -p "$1" -C 1 >/said 2>&1
	grep -q "REJECTED, error $3\$" /said && echo "rejected: $1 $2" || cat /said
}
rejected 7180 $peer 28
rejected 7199 $peer 8
rejected 7180 fd09::1 28
timeout 100 rping -c -a $peer -p 7174 -C 1 >/said 2>&1
grep -q DISCONNECT /said && echo "sent away: 7174" || cat /said
timeout 100 udaddy -s $peer -C 0 >/said 2>&1 && echo "datagrams: 7174" || cat /said
wait
tail -n 3 /7190 /7191 /udaddy
END
export PEER_SECONDS=900
(
	timeout 400 "$work/planted" "$work/ours" "$work/linux" 300 1 >"$work/planted.log" 2>&1
	exec "$work/program" "$work/ours" "$work/linux" 850 5 >"$work/ours.log" 2>&1
) &
ours=$!
$here/peer "$build" "$work" linux 2 ours "$work/script" peer=10.9.0.1 >"$work/peer.log" 2>&1
kill $ours 2>/dev/null
wait $ours
ours_status=$?
tr -d '\r' <"$work/linux.log" >"$work/linux.txt"
grep -q '^bad: a connection: event 3, reason 28' "$work/planted.log"
ok $? "and Linux refuses to have it" "$work/planted.log"
sed 's/^/# /' "$work/ours.log"
[ $ours_status -eq 0 ] && [ "$(grep -c '^good: a connection' "$work/ours.log")" -eq 2 ]
ok $? "Linux accepts our connections, by IPv4 and by IPv6" "$work/ours.log"
grep -q '^good: a port where' "$work/ours.log" && grep -q '^good: a host that' "$work/ours.log" && grep -q ' [1-9] silent$' "$work/ours.log"
ok $? "where nobody listens we are rejected, and where nobody is we give up" "$work/ours.log"
grep -q '^good: a service of datagrams' "$work/ours.log" && linux "datagrams: 7174"
ok $? "services of datagrams are found, both ways" "$work/linux.txt"
linux "rejected: 7180 10.9.0.1" && linux "rejected: 7180 fd09::1" && linux "rejected: 7199 10.9.0.1"
ok $? "whom we reject hears why, by IPv4 and by IPv6" "$work/linux.txt"
linux "sent away: 7174"
ok $? "whom we send away hears of it" "$work/linux.txt"
linux "echo: by IPv6"
ok $? "and our address is found and answers echoes, by IPv6" "$work/linux.txt"
exit $status
