#!/bin/sh
# The local APIC of a partition, register by register and through every kind of access, on an owned CPU
# and in windows.
. verification/system/lib.sh

plan 144
boot apic-owned verification/system/deployments/apic-owned.dts
guest_tap ""
boot apic-framed verification/system/deployments/apic-framed.dts
guest_tap ""
finish
