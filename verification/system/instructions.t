#!/bin/sh
# Every instruction the kernel intercepts does what the partition's CPUID promises, on an owned CPU and in
# windows.
. verification/system/lib.sh

plan 92
boot instructions-owned verification/system/deployments/instructions-owned.dts
guest_tap ""
boot instructions-framed verification/system/deployments/instructions-framed.dts
guest_tap ""
finish
