# Sourced by the gates that fuzz, after they have said: fuzzed, the program; sources, the directory that
# defects are planted in; longest, an input's most bytes; enough, when a fuzzer gives a planted defect up, in inputs: how many
# it tries in a second is the host's affair.
. verification/gates/tap.sh

# fuzz PROGRAM ENOUGH: from nothing, with the same seed every time.
fuzz() {
	rm -rf "$work/corpus"
	mkdir "$work/corpus"
	timeout 1200 "$1" -seed=1 -reload=0 -len_control=0 -max_len="$longest" "$2" -artifact_prefix="$work/" \
		-print_final_stats=1 "$work/corpus" >"$work/log" 2>&1
}

# sound ENOUGH SENTENCE: the program itself finds nothing.
sound() {
	make -s "$build/fuzz/$fuzzed" >"$work/log" 2>&1 && fuzz "$build/fuzz/$fuzzed" "$1"
	ok $? "$2"
}

# finds FILE EXPRESSION SENTENCE: with this change of the source, the fuzzer fails.
finds() {
	rm -rf "$work/tree"
	mkdir -p "$work/tree/partitions" "$work/tree/verification"
	cp -r rtdrivers "$work/tree"
	cp -r partitions/control partitions/rdma "$work/tree/partitions"
	cp -r verification/fuzz verification/unit "$work/tree/verification"
	sed -i "$2" "$work/tree/$sources/$1"
	if cmp -s "$work/tree/$sources/$1" "$sources/$1"; then
		echo "# $2 changes nothing of $1"
		ok 1 "$3"
		return
	fi
	make -s FUZZ_ROOT="$work/tree/" FUZZ="$work/tree/planted" "$work/tree/planted/$fuzzed" >"$work/log" 2>&1 || {
		ok 1 "$3"
		return
	}
	fuzz "$work/tree/planted/$fuzzed" "$enough"
	fuzz_status=$?
	sed -n 's/^stat::number_of_executed_units:/# inputs:/p' "$work/log"
	[ $fuzz_status -ne 0 ] && grep -Eq 'AddressSanitizer|runtime error|^claim:' "$work/log"
	ok $? "$3"
}
