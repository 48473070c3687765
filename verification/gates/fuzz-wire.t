#!/bin/sh
# Frames, packets and datagrams of InfiniBand, fuzzed, the same every time; and fuzzers of copies with a planted
# defect each, which have to find it.
set -u
echo 1..8
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0
status=0

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		status=1
		[ ! -s "$work/log" ] || sed 's/^/# /' "$work/log" | tail -n 20
	fi
}

# fuzz PROGRAM RUNS: from nothing.
fuzz() {
	rm -rf "$work/corpus"
	mkdir "$work/corpus"
	timeout 120 "$1" -seed=1 -len_control=0 -max_len=1200 -runs="$2" -artifact_prefix="$work/" -print_final_stats=1 \
		"$work/corpus" >"$work/log" 2>&1
}

# finds FILE EXPRESSION SENTENCE: with this change of the source, the fuzzer fails.
finds() {
	rm -rf "$work/rtdrivers" "$work/planted"
	mkdir -p "$work/rtdrivers" "$work/verification"
	cp -r rtdrivers/inet rtdrivers/ib "$work/rtdrivers/"
	cp -r verification/fuzz "$work/verification/"
	sed -i "$2" "$work/rtdrivers/ib/$1"
	if cmp -s "$work/rtdrivers/ib/$1" "rtdrivers/ib/$1"; then
		echo "# $2 changes nothing of $1"
		ok 1 "$3"
		return
	fi
	make -s FUZZ_ROOT="$work/" FUZZ="$work/planted" "$work/planted/wire" >"$work/log" 2>&1 || {
		ok 1 "$3"
		return
	}
	fuzz "$work/planted/wire" 200000
	[ $? -ne 0 ] && grep -Eq 'AddressSanitizer|runtime error|^claim:' "$work/log"
	ok $? "$3"
}

make -s "$build/fuzz/wire" >"$work/log" 2>&1 && fuzz "$build/fuzz/wire" 200000
ok $? "200,000 frames find no fault"
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds packet.c 's/bytes - headers - packet->bth.pad_bytes;/bytes - headers;/' 'padding taken for payload is found'
finds packet.c 's/extended_decode(operation->layout, data + IB_BTH_BYTES/extended_decode(operation->layout, data + IB_BTH_BYTES + 12/' \
	'headers read beyond their packet are found'
finds roce.c 's/ || header.payload_bytes > bytes - IPV6_BYTES//' 'a packet longer than its frame is found'
finds headers.c 's/bth->migrated ? BTH_MIGRATED : 0/bth->migrated ? 0 : 0/' 'a bit that gets lost is found'
finds native.c 's/if (bytes < HEADERS_BYTES + IB_ICRC_BYTES)/if (bytes < 8)/' 'a global header beyond its packet is found'
finds mad.c 's/smp->hop_count > SMP_HOPS_MOST ||/false ||/' 'hops beyond their path are found'
finds mad.c 's/if (bytes < MAD_BYTES)/if (bytes < MAD_HEADER_BYTES)/' 'a datagram too short is found'
exit $status
