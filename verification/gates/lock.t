#!/bin/sh
# Spin on the model of the lock service: every state of its small shapes, and every rule left out found; and
# the engine against the model: it does nothing that can be seen which the model does not.
#
# usage: lock.t [--large]: shapes of minutes and 2 GB, for `make campaign`.
set -u
models=$PWD/verification/models
. verification/gates/tap.sh

# explore OPTIMISATION OPTION...: what was found is in the log.
explore() {
	optimisation=$1
	shift
	rm -rf "$work/run" && mkdir "$work/run"
	(cd "$work/run" && spin -a -DOBSERVE -DLEASE=2 "$@" "$models/lock.pml" >../log 2>&1 &&
		gcc "$optimisation" -DOBSERVE -include "$models/lock_observe.h" -DSAFETY -DCOLLAPSE -DNOREDUCE -DVECTORSZ=4096 -DMEMLIM=1900 -w -o pan pan.c >>../log 2>&1 &&
		ulimit -t 1800 && ./pan -m1000000 -w22 >>../log 2>&1)
}

# holds SENTENCE OPTION...: all states visited, no assertion violated.
holds() {
	sentence=$1
	shift
	explore -O2 "$@"
	grep -q 'errors: 0$' "$work/log" &&
		! grep -qE 'max search depth too small|out of memory|not completed' "$work/log"
	ok $? "$sentence ($(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/log") states)"
}

# planted RULE WITHOUT OPTION...
planted() {
	what=$1
	shift
	explore -O0 "$@"
	grep -q 'assertion violated' "$work/log"
	ok $? "without $what, it is found"
}

# conformer NAME RULES: the engine with these rules, to be compared with the model.
conformer() {
	# shellcheck disable=SC2046
	gcc -std=c11 -D_GNU_SOURCE -O2 -Iverification/unit -Ipartitions/lockd/include -Itools/mullion -Icore/include \
		-Ipartitions/lib/include verification/models/lock_conform.c verification/unit/lock_world.c "$2" \
		$(ls partitions/lockd/engine/*.c | grep -v /rules.c) -o "$work/$1" -lcmocka >"$work/log" 2>&1
}

# conforms LIVES OPERATIONS: the engine, to the model just explored.
conforms() {
	"$work/engine" "$work/run/changes" "$1" "$2" 3000 >"$work/log" 2>&1
	ok $? "the engine does nothing else, lives $1, operations $2 ($(tail -n 1 "$work/log"))"
}

# differs RULE LIVES OPERATIONS: an engine without it, from the model just explored.
differs() {
	verification/locksim/without "$1" <partitions/lockd/engine/rules.c >"$work/rules.c" &&
		conformer without "$work/rules.c" &&
		! "$work/without" "$work/run/changes" "$2" "$3" 1000 >"$work/log" 2>&1 &&
		grep -q 'the engine does what the model does not' "$work/log"
	ok $? "an engine without the rule \`$1' does something else"
}

one='-DINCS=1 -DSEQS=1'
# shellcheck disable=SC2086
if [ "${1:-}" = --large ]; then
	echo 1..3
	holds 'locks: two lives of two operations each' -DINCS=2 -DSEQS=2 -DSURVIVE=1
	holds 'locks: two lives, and a witness that forgets' -DINCS=2 -DSEQS=1 -DSURVIVE=1 -DFORGETS
	holds 'locks: two operations, tokens compared' -DINCS=1 -DSEQS=2 -DSURVIVE=1 -DTOKENS
else
	echo 1..28
	conformer engine partitions/lockd/engine/rules.c || cat "$work/log"
	holds 'locks: two operations, conversions among them' -DINCS=1 -DSEQS=2 -DSURVIVE=1
	conforms 1 2
	for rule in answer session_over authority promise served; do
		differs $rule 1 2
	done
	holds 'locks: two lives of each client' -DINCS=2 -DSEQS=1 -DSURVIVE=1
	conforms 2 1
	differs incarnation 2 1
	explore -O0 -DNO_RENEWAL $one -DSURVIVE=1
	! "$work/engine" "$work/run/changes" 1 1 1000 >"$work/log" 2>&1 &&
		grep -q 'the engine does what the model does not' "$work/log"
	ok $? 'a model in which a new leader renews no session is not what the engine does'
	holds 'locks: tokens grow from hold to hold' $one -DSURVIVE=1 -DTOKENS
	planted 'rule C1 (numbers that grow)' -DNO_C1 -DKEEP -DINCS=1 -DSEQS=2 -DSURVIVE=1
	planted 'rule C2 (the awaited answer only)' -DNO_C2 -DKEEP -DINCS=1 -DSEQS=2 -DSURVIVE=1
	planted 'rule C3 (the epoch check)' -DNO_C3 -DKEEP $one -DSURVIVE=1
	planted 'rule C4 (leaving when the session ends)' -DNO_C4 $one -DSURVIVE=0
	planted 'rule C5 (leases from the sending on)' -DNO_C5 $one -DSURVIVE=1
	planted 'the cap of sessions' -DNO_CAP $one -DSURVIVE=0
	planted 'the authority of the leader' -DNO_AUTHORITY -DKEEP $one -DSURVIVE=2
	planted 'the check of incarnations' -DNO_INCARNATION -DKEEP -DINCS=2 -DSEQS=1 -DSURVIVE=0
	planted 'the promises of voters' -DNO_PROMISE $one -DSURVIVE=0
	planted "the witness's vote" -DNO_VOTE $one -DSURVIVE=0
	planted 'voters that remember' -DNO_QUORUM -DFORGETS -DINCS=2 -DSEQS=1 -DSURVIVE=1
	planted 'waiting for the silent' -DNO_COLLECTION $one -DSURVIVE=1
	planted 'the end of reports' -DNO_LATE -DKEEP $one -DSURVIVE=1
	planted 'the compatibility of modes' -DNO_QUEUE $one -DSURVIVE=0
	planted 'the epoch on top of tokens' -DNO_TOP $one -DSURVIVE=1 -DTOKENS
	explore -O0 -DNO_C9 $one -DSURVIVE=0
	grep -q 'errors: 0$' "$work/log"
	ok $? 'and with all rules, nothing is: the planted defects are found for what they lack'
fi
exit $status
