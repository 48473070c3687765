#!/bin/sh
# The local APIC timer of a partition keeps its promises, on an owned CPU and in windows.
. verification/system/lib.sh

plan 44
boot timer-owned verification/system/deployments/timer-owned.dts
guest_tap ""
boot timer-framed verification/system/deployments/timer-framed.dts
guest_tap ""
finish
