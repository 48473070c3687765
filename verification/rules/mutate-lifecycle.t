#!/bin/sh
# Nothing that a description says of health, time limits and doorbells can be broken unnoticed, or the
# list says why it may be.
. verification/rules/lib.sh
exec $here/mutate $here/whole/lifecycle.dts $here/harmless-lifecycle "$work"
