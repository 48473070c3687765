#!/bin/sh
# Nothing that a description says of an RDMA service can be broken unnoticed, or the list says why it may be.
. verification/rules/lib.sh
exec $here/mutate $here/base-rdma.dtsi $here/harmless-rdma "$work" /partitions/verbs/rdma
