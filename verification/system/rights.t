#!/bin/sh
# What a partition was not granted does not exist.
. verification/system/lib.sh

plan 54
boot rights-owned verification/system/deployments/rights-owned.dts
guest_tap ""
boot rights-framed verification/system/deployments/rights-framed.dts
guest_tap ""
finish
