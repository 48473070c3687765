#!/bin/sh
# Three nodes share a lock and count together while one is killed, one stands still, one is cut off: every addition is
# accounted for. Then a store that takes smaller tokens and an adder that ignores its loss, which have to be noticed.
build=${BUILD:-build}
exec timeout 1500 python3 -B verification/cluster/cluster.py "$build" --kernel "${KERNEL:-$build/kernel}" --short --planted
