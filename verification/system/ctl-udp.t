#!/bin/sh
# The control partition by UDP: mullion ctl through QEMU's network, and frames of our own on the same wire.
build=${BUILD:-build}
work=$build/system/ctl-udp
rm -rf "$work"
mkdir -p "$work"
dts=config/deployments/control-net.dts
if ! "$build/tools/mullion" build "$dts" -o "$work/node" \
	--kernel "${KERNEL:-$build/kernel}" --images "$build/partitions" >"$work/log" 2>&1; then
	echo 1..1
	sed 's/^/# /' "$work/log"
	echo "Bail out! the deployment does not build"
	exit 1
fi
exec timeout 1800 python3 -B verification/system/control_udp.py "$build/tools/mullion" "$work/node" "$work" "${FLOOD:-600}"
