#!/bin/sh
# The codecs against captures of what others send: two Linux peers with rdma_rxe, and OpenSM over ibsim. Every frame and
# every datagram must decode and encode to the same bytes, and of each kind there must be some. Then the same captures
# against codecs with defects planted, and a damaged capture.
set -u
echo 1..15
. verification/interop/tap.sh

# compiled CHECKER TREE [OPTION...]: $work/CHECKER from the codecs below TREE.
compiled() {
	checker=$1 tree=$2
	shift 2
	for source in ib/ib ib/crc ib/headers ib/packet ib/roce ib/native ib/fields ib/mad ib/cm inet/ipv4 inet/checksum; do
		set -- "$@" "$tree/rtdrivers/$source.c"
	done
	cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -I"$tree/rtdrivers" "$here/$checker.c" "$@" -o "$work/$checker"
}

# seen FILE KINDS: a line with a count for each of the comma-separated kinds.
seen() {
	echo "$2" | tr -s '\n\t ' ' ' | sed 's/, /\n/g' | while read -r kind; do
		grep -Eq "^[1-9][0-9]* $kind\$" "$1" || { echo "# none: $kind"; exit 1; }
	done
}

# planted CHECKER CAPTURE SENTENCE FILE SED: with this change in the codecs, the capture must be found at fault.
planted() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree"
	cp -r rtdrivers "$work/tree/"
	sed "$5" "rtdrivers/ib/$4" >"$work/tree/rtdrivers/ib/$4"
	! cmp -s "rtdrivers/ib/$4" "$work/tree/rtdrivers/ib/$4" && compiled "$1" "$work/tree" &&
		{ "$work/$1" "$2" >"$work/planted.log" 2>&1; [ $? -eq 1 ]; }
	ok $? "$3" "$work/planted.log"
}

$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
$here/peer "$build" "$work" server 1 client $here/traffic role=server peer=10.9.0.2 >"$work/server.out" 2>&1 &
$here/peer "$build" "$work" client 2 server $here/traffic role=client peer=10.9.0.1 >"$work/client.out" 2>&1
wait
for name in server client; do
	tr -d '\r' <"$work/$name.log" | grep -q '^traffic: 0 failed'
	ok $? "all of the traffic is exchanged, says the $name" "$work/$name.log"
done

compiled wire_check . -fsanitize=address,undefined && compiled mad_check . -fsanitize=address,undefined &&
	"$work/wire_check" "$work/server.pcap" >"$work/frames" 2>"$work/faults"
ok $? "every frame Linux sends decodes, its ICRC is right, and it encodes to the same bytes" "$work/faults"
seen "$work/frames" "ipv4, ipv6, tagged, of other protocols"
ok $? "there are frames over IPv4, IPv6 and a VLAN" "$work/frames"
seen "$work/frames" "rc send first, rc send middle, rc send last, rc send last immediate,
	rc send last invalidate, rc send only, rc send only immediate, rc send only invalidate, rc write first, rc write middle,
	rc write last, rc write last immediate, rc write only, rc write only immediate, rc read request, rc read response first, rc read response middle,
	rc read response last, rc read response only, rc acknowledge, rc atomic acknowledge, rc compare swap,
	rc fetch add, uc send first, uc send middle, uc send last, uc send last immediate, uc send only, uc send only immediate,
	uc write first, uc write middle, uc write last, uc write last immediate, uc write only,
	uc write only immediate,
	ud send only, ud send only immediate"
ok $? "there are requests and responses of RC, UC and UD, packets first, middle, last and only" "$work/frames"
seen "$work/frames" "cm req, cm rep, cm rtu, cm rej, cm dreq, cm drep, cm sidr req, cm sidr rep"
ok $? "connections are asked for, made, refused and ended" "$work/frames"
sed 's/^/# /' "$work/frames"

$here/fabric "$build" "$work/fabric" >"$work/fabric.log" 2>&1
ok $? "OpenSM brings a simulated fabric up" "$work/fabric.log"
"$work/mad_check" "$work/fabric/mads" >"$work/datagrams" 2>"$work/faults"
ok $? "every datagram of OpenSM and of the fabric decodes and encodes to the same bytes" "$work/faults"
seen "$work/datagrams" "replies, lid-routed attribute 0x11, lid-routed attribute 0x17, lid-routed attribute 0x18,
	directed attribute 0x10, directed attribute 0x11, directed attribute 0x12, directed attribute 0x15,
	directed attribute 0x16, directed attribute 0x17, directed attribute 0x18, directed attribute 0x19,
	administration attribute 0x01, administration attribute 0x35"
ok $? "nodes, ports, P_Keys, SL to VL, arbitration, routes and paths are among them" "$work/datagrams"
sed 's/^/# /' "$work/datagrams"

planted wire_check "$work/server.pcap" "a codec that takes an rkey for a length is found out" headers.c \
	's/reth->rkey = octets_read32(bytes + 8)/reth->rkey = octets_read32(bytes + 12)/'
planted wire_check "$work/server.pcap" "a codec that lets the time to live into the ICRC is found out" roce.c \
	'/\[AT(8)\] = 0xff,/d'
planted wire_check "$work/server.pcap" "a codec that misses a bit of a REQ is found out" cm.c \
	's/IB_FIELD(cm_req, retry_count, AT(47), 5, 3)/IB_FIELD(cm_req, retry_count, AT(47), 6, 2)/'
planted mad_check "$work/fabric/mads" "a codec that misses the component mask of a query is found out" mad.c \
	'/IB_FIELD(sa, components/d'

# The first frame to port 4791 over IPv4 without a tag: a bit of its packet sequence number.
compiled wire_check . && python3 - "$work/server.pcap" "$work/damaged.pcap" <<'END' &&
import struct, sys
data, at = bytearray(open(sys.argv[1], "rb").read()), 24
while data[at + 16 + 12:at + 16 + 14] != b"\x08\x00" or data[at + 16 + 36:at + 16 + 38] != b"\x12\xb7":
    at += 16 + struct.unpack_from("<I", data, at + 8)[0]
data[at + 16 + 42 + 11] ^= 1
open(sys.argv[2], "wb").write(data)
END
	{ "$work/wire_check" "$work/damaged.pcap" >/dev/null 2>"$work/planted.log"; [ $? -eq 1 ]; } &&
	[ "$(wc -l <"$work/planted.log")" -eq 1 ] && grep -q 'refused: icrc' "$work/planted.log"
ok $? "a frame that was damaged is found" "$work/planted.log"
exit $status
