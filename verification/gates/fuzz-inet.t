#!/bin/sh
# A station's frames, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which
# have to find it.
set -u
echo 1..7
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
	timeout 120 "$1" -seed=1 -len_control=0 -max_len=1600 -runs="$2" -artifact_prefix="$work/" -print_final_stats=1 \
		"$work/corpus" >"$work/log" 2>&1
}

# finds FILE EXPRESSION SENTENCE: with this change of the source, the fuzzer fails.
finds() {
	rm -rf "$work/rtdrivers" "$work/planted"
	mkdir -p "$work/rtdrivers" "$work/verification"
	cp -r rtdrivers/inet "$work/rtdrivers/"
	cp -r verification/fuzz "$work/verification/"
	sed -i "$2" "$work/rtdrivers/inet/$1"
	if cmp -s "$work/rtdrivers/inet/$1" "rtdrivers/inet/$1"; then
		echo "# $2 changes nothing of $1"
		ok 1 "$3"
		return
	fi
	make -s FUZZ_ROOT="$work/" FUZZ="$work/planted" "$work/planted/inet" >"$work/log" 2>&1 || {
		ok 1 "$3"
		return
	}
	fuzz "$work/planted/inet" 200000
	[ $? -ne 0 ] && grep -Eq 'AddressSanitizer|runtime error|^claim:' "$work/log"
	ok $? "$3"
}

make -s "$build/fuzz/inet" >"$work/log" 2>&1 && fuzz "$build/fuzz/inet" 200000
ok $? "200,000 frames find no fault"
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds ipv4.c 's/ || total > bytes//' 'a packet longer than its frame is found'
finds ipv4.c 's/if (words != WORDS_NO_OPTIONS)/if (words < WORDS_NO_OPTIONS)/' 'options read as payload are found'
finds ipv4.c 's/0x3fffu/0x1fffu/' 'a first fragment taken for a packet is found'
finds udp.c 's/bytes < UDP_HEADER_BYTES ||//; s/ != bytes)/ > bytes)/' 'a datagram shorter than its packet is found'
finds station.c 's/&& ours ? take_packet/? take_packet/' 'a packet in a frame for another station is found'
finds station.c 's/if (ethernet_is_group(l->ethernet.from))/if (false)/' 'an answer to everybody is found'
exit $status
