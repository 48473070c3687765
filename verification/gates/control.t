#!/bin/sh
# Steps of the control partition whose longest path can be told from the object code stay within their table.
set -u
echo 1..3
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
table=partitions/control/bounds

ok() {
	if [ "$1" -eq 0 ]; then
		echo "ok $2 - $3"
	else
		echo "not ok $2 - $3"
		status=1
		sed 's/^/# /' "$work/log" | head -n 20
	fi
}

verification/gates/longest-path "$build/partitions/control.elf" $table >"$work/log" 2>&1
ok $? 1 "a step with a bound in the table stays within it"
sed 's/^\(call serial_pump\) .*/\1 3000/' $table >"$work/table"
! verification/gates/longest-path "$build/partitions/control.elf" "$work/table" >"$work/log" 2>&1 &&
	grep -q '^error: serial_pump: its longest path is' "$work/log"
ok $? 2 "a bound that is too small is noticed"
grep -v write_number $table >"$work/table"
! verification/gates/longest-path "$build/partitions/control.elf" "$work/table" >"$work/log" 2>&1 &&
	grep -q 'write_number has no bound' "$work/log"
ok $? 3 "a loop without a bound is noticed"
exit $status
