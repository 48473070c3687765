#!/bin/sh
# The verbs' receiver, fuzzed for five seconds; and fuzzers of copies with a planted defect each, which have to
# find it.
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
	timeout $(($2 + 60)) "$1" -seed=1 -len_control=0 -max_len=1600 -max_total_time="$2" -artifact_prefix="$work/" \
		-print_final_stats=1 "$work/corpus" >"$work/log" 2>&1
}

# finds FILE EXPRESSION SENTENCE: with this change of the source, the fuzzer fails.
finds() {
	rm -rf "$work/rtdrivers" "$work/verification"
	mkdir -p "$work/verification"
	cp -r rtdrivers "$work"
	cp -r verification/fuzz "$work/verification"
	sed -i "$2" "$work/rtdrivers/ib/$1"
	if cmp -s "$work/rtdrivers/ib/$1" "rtdrivers/ib/$1"; then
		echo "# $2 changes nothing of $1"
		ok 1 "$3"
		return
	fi
	make -s FUZZ_ROOT="$work/" FUZZ="$work/planted" "$work/planted/verbs" >"$work/log" 2>&1 || {
		ok 1 "$3"
		return
	}
	fuzz "$work/planted/verbs" 60
	[ $? -ne 0 ] && grep -Eq 'AddressSanitizer|runtime error|^claim:' "$work/log"
	ok $? "$3"
}

make -s "$build/fuzz/verbs" >"$work/log" 2>&1 && fuzz "$build/fuzz/verbs" 5
ok $? "five seconds of fuzzed packets find no fault"
sed -n 's/^packets received/# &/p' "$work/log"

finds state.h 's/> mr->length - bytes/> mr->length/' 'memory beyond a region is found'
finds message.c '/qp_access_flags/!s/IBV_ACCESS_REMOTE_WRITE/0/' \
	'a WRITE that was never granted is found'
finds engine.c 's/qp->qp_num != number/qp->qp_num == 0/' 'a packet for a number given out before is found'
finds cq.c 's/struct ibv_wc \*const wc = cq_push(qp->recv_cq);/qp->recv_cq->room++; &/' \
	'a completion whose entry is given away is found'
finds engine.c 's/return is_peer(qp, arrival) ? IBV_DROP_NONE : IBV_DROP_SOURCE;/return IBV_DROP_NONE;/' \
	'a packet from a stranger is found'
exit $status
