#!/bin/sh
# Nothing that a description says of PCI can be broken unnoticed, or the list says why it may be.
. verification/rules/lib.sh
exec $here/mutate $here/whole/pci.dts $here/harmless-pci "$work"
