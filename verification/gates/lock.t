#!/bin/sh
# Spin on the model of the lock service: every state of its small shapes, and every rule left out found.
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
	(cd "$work/run" && spin -a -DLEASE=2 "$@" "$models/lock.pml" >../log 2>&1 &&
		gcc "$optimisation" -DSAFETY -DCOLLAPSE -DNOREDUCE -DVECTORSZ=4096 -DMEMLIM=1900 -w -o pan pan.c >>../log 2>&1 &&
		timeout 1800 ./pan -m1000000 -w22 >>../log 2>&1)
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
	ok $? "without $what, two holders are found"
}

one='-DINCS=1 -DSEQS=1'
# shellcheck disable=SC2086
if [ "${1:-}" = --large ]; then
	echo 1..3
	holds 'locks: two lives of two operations each' -DINCS=2 -DSEQS=2 -DSURVIVE=1
	holds 'locks: two lives, and a witness that forgets' -DINCS=2 -DSEQS=1 -DSURVIVE=1 -DFORGETS
	holds 'locks: two operations, tokens compared' -DINCS=1 -DSEQS=2 -DSURVIVE=1 -DTOKENS
else
	echo 1..18
	holds 'locks: two operations, conversions among them' -DINCS=1 -DSEQS=2 -DSURVIVE=1
	holds 'locks: two lives of each client' -DINCS=2 -DSEQS=1 -DSURVIVE=1
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
	explore -O0 -DNO_C9 $one -DSURVIVE=0
	! grep -q 'assertion violated' "$work/log"
	ok $? 'and with all rules, nothing is: the planted defects are found for what they lack'
fi
exit $status
