#!/bin/sh
# What `boot` of the system tests takes for the same: said by two boots of two, or three of four. The boots are made up here.
set -u
echo 1..6
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
exit $status
