#!/bin/sh
# Nothing of one partition's registers is seen by the next.
. verification/system/lib.sh

plan 13
boot leak-framed verification/system/deployments/leak-framed.dts
guest_tap ""
finish
