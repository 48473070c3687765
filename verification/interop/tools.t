#!/bin/sh
# The tools of partitions/rdma-tools against their originals on Linux: each in each role, one of them as a partition with a
# network card, natively, and some over a link that loses, doubles, overtakes and changes frames; data is compared. One
# runs with a defect planted in our verbs. `make interop` runs the whole matrix.
set -u
echo 1..8
. verification/interop/tap.sh

$here/initramfs "$build" >"$work/packages.log" 2>&1
ok $? "Linux and its tools are fetched and packed" "$work/packages.log"
$here/tools_build . "$work/tools_host" >"$work/log" 2>&1
ok $? "our side is compiled" "$work/log"
mkdir -p "$work/tree"
cp -r rtdrivers partitions "$work/tree/"
sed 's/^\t\tresource->next = 0;$/&\n\t\tresource->result = execute(qp, packet);/' rtdrivers/ib/resource.c >"$work/tree/rtdrivers/ib/resource.c"
! cmp -s rtdrivers/ib/resource.c "$work/tree/rtdrivers/ib/resource.c" &&
	$here/tools_build "$work/tree" "$work/tools_host.planted" >"$work/log" 2>&1
ok $? "a defect is planted: atomics that come twice are done twice" "$work/log"
$here/tools_matrix "$build" "$work" short >"$work/table" 2>&1
ok $? "every tool in every role talks with its original" "$work/table"
sed 's/^/# /' "$work/table"
[ "$(grep -c '^none .* program  *1  *1  *0  *0$' "$work/table")" -eq 20 ]
ok $? "ten tools, two roles" "$work/table"
grep -q '^none .* partition  *1  *1  *0  *0$' "$work/table"
ok $? "one of them is a partition with a network card" "$work/table"
grep -q '^relay: [1-9][0-9]* frames, [1-9][0-9]* lost, [1-9][0-9]* doubled, [1-9][0-9]* overtaken, [1-9][0-9]* changed$' "$work/table"
ok $? "there were faults of every kind on the way" "$work/table"
grep -q '^5.0 % doubled .* planted  *1  *1  *0  *0$' "$work/table"
ok $? "the planted defect is noticed" "$work/table"
exit $status
