#!/bin/sh
# The lock service on simulated nodes: random deployments and faults, the largest ones under the worst
# schedule, and every rule of the engine left out, which some seed must notice.
#
# usage: locksim.t [--large]: 100,000 seeds, for `make campaign`.
set -u
. verification/gates/tap.sh
sim=$build/locksim

# clean SENTENCE OPTION...: nothing is violated.
clean() {
	sentence=$1
	shift
	"$sim/locksim" "$@" >"$work/log" 2>&1
	ok $? "$sentence"
}

# worst SENTENCE LEAST OPTION...: the longest wait is within its bound, and at least that part of it.
worst() {
	sentence=$1
	least=$2
	shift 2
	"$sim/locksim" --scenario=adversarial --groups=1 --locks=1 --levels=1 --order=batched --delay=2000 \
		--service=300 --hold=10000 --verbose "$@" >"$work/log" 2>&1
	sed -n 's/.* ns, \([0-9.]*\) of its bound.*/\1/p' "$work/log" |
		awk -v least="$least" '{ seen = 1; good = $1 >= least && $1 <= 1 } END { exit !seen || !good }'
	ok $? "$sentence ($(sed -n 's/.* ns, \([0-9.]*\) of its bound.*/\1/p' "$work/log") of its bound)"
}

# without RULE SEEDS OPTION...: some of so many notices, and names the command that plays it again.
without() {
	rule=$1
	seeds=$2
	shift 2
	"$sim/without-$rule" --seeds="$seeds" --patience=2 "$@" >"$work/log" 2>&1
	result=$?
	replay=$(sed -n 's/^replay: locksim //p' "$work/log")
	# shellcheck disable=SC2086
	[ $result -eq 1 ] && [ -n "$replay" ] && "$sim/without-$rule" $replay --patience=2 | grep -qxF "$(head -n 1 "$work/log")"
	ok $? "without the rule \`$rule', seed $(sed -n 's/^replay:.*--seed=\([0-9]*\).*/\1/p' "$work/log") of $seeds notices"
}

make -s --no-print-directory BUILD="$build" locksim locksim-without >"$work/log" 2>&1 || {
	sed 's/^/# /' "$work/log"
	echo "Bail out! the simulator is not built"
	exit 1
}

if [ "${1:-}" = --large ]; then
	echo 1..1
	clean '100,000 seeds: nothing is violated' --seed=1000 --seeds=100000
	exit $status
fi

rules='sequence answer expected session_over lease_end guard_end cap authority promise quiet_end incarnation life
	collecting served fence'
rules_of_two='epoch new_epoch vote quorum'
echo 1..$((16 + $(echo $rules $rules_of_two | wc -w)))
clean '200 seeds: nothing is violated' --seeds=200
worst '1,024 nodes at one lock wait almost as long as promised, and never longer' 0.9 --nodes=1024 \
	--sharers=1024 --operations=2
worst '4,096 nodes, too' 0.9 --nodes=4096 --sharers=4096 --operations=2
worst '16,384 nodes, too, eight times' 0.9 --nodes=16384 --sharers=16384 --operations=8
clean '16,384 nodes at 4,096 locks: nothing is violated' --scenario=calm --nodes=16384 --sharers=16 --locks=4 \
	--groups=16 --operations=8
clean '1,024 nodes and faults: nothing is violated' --scenario=faults --nodes=1024 --sharers=16 --groups=8 \
	--operations=40
clean 'nor with two faults at once in one group, and many messages late' --seed=1 --seeds=300 \
	--scenario=twice
clean 'nor where two of a group forget all at once, and the third one remembers' --seed=1 --seeds=300 \
	--scenario=forgetful
clean 'nor where participants crash again and again, and all they said comes once more' --seed=1 --seeds=300 \
	--scenario=echo
clean 'nor with what once brought back a value that a failover had made invalid' --seed=2480 --scenario=faults \
	--losses=1
clean 'nor with what once brought back a value that a former life had given' --seed=11439
"$sim/locksim" --seed=7 --verbose >"$work/once" 2>&1
"$sim/locksim" --seed=7 --verbose >"$work/log" 2>&1
cmp -s "$work/once" "$work/log"
ok $? 'a seed plays the same twice'
"$sim/locksim" --nodes=7 --sharers=2 >"$work/log" 2>&1
[ $? -eq 2 ] && grep -q 'sharers must divide' "$work/log"
ok $? 'a deployment that cannot be is refused, with what is wrong'
! verification/locksim/without nothing <partitions/lockd/engine/rules.c >"$work/log" 2>&1
ok $? 'a rule that does not exist cannot be left out'
for each in $rules; do
	without "$each" 600
done
without token 600 --scenario=echo
for each in $rules_of_two; do
	without "$each" 600 --scenario=twice
done
without again 600 --scenario=forgetful
exit $status
