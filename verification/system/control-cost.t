#!/bin/sh
# What a step of each command executes at most, measured, against what docs/control.md states.
build=${BUILD:-build}
work=$build/system/control-cost
rm -rf "$work"
mkdir -p "$work"
if ! "$build/tools/mullion" build verification/system/deployments/control-owned.dts -o "$work/node" \
	--kernel "${KERNEL:-$build/kernel}" --images "$build/partitions" >"$work/log" 2>&1; then
	echo 1..1
	sed 's/^/# /' "$work/log"
	echo "Bail out! the deployment does not build"
	exit 1
fi
timeout 1800 python3 verification/system/control.py "$build/tools/mullion" "$work/node" "$work" cost docs/control.md
status=$?
# Of the kernel that is used: a counted one is judged, but its figures are nobody's.
[ -n "${KERNEL:-}" ] || cp "$work/cost.json" "$build/control-cost.json"
exit $status
