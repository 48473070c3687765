#!/bin/sh
# No wake-up is lost, whatever instruction an interrupt or the end of a window hits.
. verification/system/lib.sh

plan 8
boot wake-owned verification/system/deployments/wake-owned.dts
guest_tap ""
boot wake-framed verification/system/deployments/wake-framed.dts
guest_tap ""
finish
