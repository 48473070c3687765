#!/bin/sh
# A partition with several vcpus starts them and sends interrupts between them.
. verification/system/lib.sh

plan 18
boot smp-owned verification/system/deployments/smp-owned.dts
guest_tap ""
boot smp-framed verification/system/deployments/smp-framed.dts
guest_tap ""
finish
