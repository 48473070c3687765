#!/bin/sh
# Spin on the models of a partition's life and of the switch of schedules: every state of them, and every
# planted defect found.
set -u
models=$PWD/verification/models
. verification/gates/tap.sh

# explore MODEL OPTION...: what was found is in the log.
explore() {
	model=$1
	shift
	rm -rf "$work/run" && mkdir "$work/run"
	(cd "$work/run" && spin -a "$@" "$models/$model.pml" >../log 2>&1 &&
		gcc -O1 -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 -w -o pan pan.c >>../log 2>&1 &&
		timeout 600 ./pan -m1000000 -w22 >>../log 2>&1)
}

# holds SENTENCE MODEL OPTION...: all states visited, no assertion violated, none forgotten.
holds() {
	sentence=$1
	shift
	explore "$@"
	grep -q 'errors: 0$' "$work/log" && ! grep -qE 'max search depth too small|out of memory|unreached.*assert' "$work/log"
	ok $? "$sentence ($(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/log") states)"
}

# planted WHAT MODEL OPTION...
planted() {
	what=$1
	shift
	explore "$@"
	grep -q 'assertion violated' "$work/log"
	ok $? "planted: $what is noticed"
}

echo 1..10
life='lifecycle -DCOMMANDS=1 -DEVENTS=1'
# shellcheck disable=SC2086
{
	holds 'a partition is never touched while it runs, and is what it says it is' $life
	holds 'nor when control acts twice' lifecycle -DCOMMANDS=2 -DEVENTS=0
	planted 'a stop by which one vcpu leaves and not the other' $life -DPLANT_LEAVE
	planted 'a start that says so before it starts' $life -DPLANT_START
	planted 'a vcpu that is entered without a fence' $life -DPLANT_ENTER
	planted 'memory that is looked at while devices still write' $life -DPLANT_REST
}
holds 'every CPU takes up every switch with the same frame' switch
planted 'a switch only one frame ahead' switch -DPLANT_AHEAD
planted 'a switch too near for who reads another clock' switch -DPLANT_UNTIMED
planted 'a switch that overtakes another' switch -DPLANT_AGAIN
exit $status
