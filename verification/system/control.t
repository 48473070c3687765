#!/bin/sh
# Every command of control over the serial line of a booted node, and everything that it has to refuse.
build=${BUILD:-build}
work=$build/system/control
rm -rf "$work"
mkdir -p "$work"
if ! "$build/tools/mullion" build verification/system/deployments/control.dts -o "$work/node" \
	--kernel "${KERNEL:-$build/kernel}" --images "$build/partitions" >"$work/log" 2>&1; then
	echo 1..1
	sed 's/^/# /' "$work/log"
	echo "Bail out! the deployment does not build"
	exit 1
fi
exec timeout 1800 python3 verification/system/control.py "$build/tools/mullion" "$work/node" "$work" "${FLOOD:-200}"
