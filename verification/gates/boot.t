#!/bin/sh
# What `boot` of the system tests takes for the same: said by two boots of two, or three of four. The boots are made up here.
set -u
echo 1..9
. verification/gates/tap.sh
results=$work

# judge SAYINGS: what `boot` says of boots that say these, one after the other.
judge() {
	BUILD=$results SAYINGS=$1 sh -c '
		. verification/system/lib.sh
		compile() { :; }
		run() {
			serial=$work/$1.$2 ram=$work/$1.$2.ram status=0
			printf "%s" "${SAYINGS%"${SAYINGS#?}"}" >"$serial"
			SAYINGS=${SAYINGS#?}
		}
		boot node node.dts
		exit $failed' boot >"$work/log" 2>&1
}

judge AA
ok $? 'two that are the same are enough'
judge ABAA && judge ABBB
ok $? 'one of four may differ'
! judge ABAB && ! judge ABBA
ok $? 'two of four may not'
! judge ABCC
ok $? 'the last two have to say what was said before'
! judge ABCD
ok $? 'four that differ are noticed'
! judge ''
ok $? 'silence is no agreement'

# sights SIGHTS: what `undisturbed` says of what a partition saw beside an idle one, another one, and these two again.
sights() {
	BUILD=$results SIGHTS=$1 sh -c '
		. verification/system/lib.sh
		run() {
			serial=$work/$1.$2 ram=$work/$1.$2.ram status=$2
			printf "%s" "${SIGHTS%"${SIGHTS#?}"}" >"$ram"
			SIGHTS=${SIGHTS#?}
		}
		seen() { cmp -s "$work/$2.ram" "$work/$3.ram"; }
		run idle first
		run other first
		undisturbed a idle other && [ "$status $ram" = "first $work/other.first.ram" ]' sights >"$work/log" 2>&1
}

sights AA
ok $? 'who sees the same beside both is undisturbed'
sights ABAA && sights ABBB
ok $? 'so it is where one of four boots differs'
! sights ABAB && ! sights ABBA && ! sights ABCC && ! sights ABCD
ok $? 'two of four, and it is not'
exit $status
