#!/bin/sh
# The control partition's line handler, fuzzed for ten seconds; and fuzzers of copies with a planted defect
# each, which have to find it.
set -u
echo 1..6
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

# fuzz PROGRAM SECONDS: from nothing, the same on every machine as far as its speed allows.
fuzz() {
	rm -rf "$work/corpus"
	mkdir "$work/corpus"
	timeout $(($2 + 60)) "$1" -seed=1 -len_control=0 -max_len=1400 -max_total_time="$2" -artifact_prefix="$work/" \
		-print_final_stats=1 "$work/corpus" >"$work/log" 2>&1
}

# finds FILE EXPRESSION SENTENCE: with this change of the source, the fuzzer fails.
finds() {
	cp -r partitions/control "$work/control"
	sed -i "$2" "$work/control/$1"
	if cmp -s "$work/control/$1" "partitions/control/$1"; then
		echo "# $2 changes nothing of $1"
		ok 1 "$3"
		return
	fi
	mkdir -p "$work/verification" "$work/partitions"
	rm -rf "$work/partitions/control"
	mv "$work/control" "$work/partitions/control"
	cp -r verification/unit verification/fuzz "$work/verification"
	mkdir -p "$work/rtdrivers"
	cp -r rtdrivers/inet "$work/rtdrivers"
	make -s FUZZ_ROOT="$work/" FUZZ="$work/planted" "$work/planted/control" >"$work/log" 2>&1 || {
		ok 1 "$3"
		return
	}
	fuzz "$work/planted/control" 60
	[ $? -ne 0 ] && grep -Eq 'AddressSanitizer|runtime error|^claim:' "$work/log"
	ok $? "$3"
}

make -s "$build/fuzz/control" >"$work/log" 2>&1 && fuzz "$build/fuzz/control" 10
ok $? "ten seconds of fuzzed lines find no fault"
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds request.c 's/if (r->count == REQUEST_MEMBERS)/if (r->count > 4 * REQUEST_MEMBERS)/' \
	'members beyond their array are found'
finds session.c 's/if (session->used == LINE_BYTES - 1)/if (session->used == LINE_BYTES + 1)/' \
	'a line beyond its buffer is found'
finds auth.c 's/if (seq->number <= auth->last_seq)/if (seq->number == 0)/' 'a request that counts twice is found'
finds commands.c 's/if (p == NO_PARTITION || p != a->control->node.self)/if (true)/' \
	'a command against control itself is found'
finds commands.c 's/if (attach == NULL || !may_attach(a))/if (attach == NULL)/' 'a peer that takes the attachments of another is found'
exit $status
