#!/bin/bash
# mullion top: what it makes of counters whose rates are known, as text and on a terminal of 80 x 24.
set -u
. verification/tools/node.sh
echo 1..37
top=("$mullion" top "${patient[@]}")
cat >"$work/system.json" <<'END'
{"schedules": [{"name": "normal", "major_frame_ns": 1000000, "cpus": [{"cpu": 0, "shares":
[{"partition": "hog", "time_ns": 450000}, {"partition": "nav", "time_ns": 200000}]}]}], "channels": [{"name": "pose", "to": ["probe", "hog"]}]}
END

unset MULLION_NODE
ends 2 "no node is a usage error" "${top[@]}" --once
ends 2 "a delay that is no time is a usage error" "${top[@]}" -c unix:x -d soon
ends 2 "a word too much is a usage error" "${top[@]}" -c unix:x nav
start_node --trouble noise
ends 1 "without a terminal it says" "${top[@]}"
says '--once prints one page' "how to do without"

# The fake node's hog runs 45 % of CPU 0, nav 10 %; 1,000 windows a second.
ends 0 "one page is printed" "${top[@]}" --once -d 0.5 --system "$work/system.json"
prints '^demo on qemu-q35   schedule normal   up ' "with the node's name"
prints '^CPU 0   framed \[|*\.*\]  72\.5 %$' "the use of a framed CPU"
prints '^CPU 1   owned  \[|*\] 100.0 %$' "an owned CPU is its partition's"
prints '^hog  *running  *0  *45\.0  *45\.0 ' "what a partition used, and what its windows are"
prints '^nav  *running  *0  *10\.0  *20\.0  *1000  *0 ' "windows a second"
prints '^watch .* 700 ns   0    0$' "the latest start"
prints '^EXITS/s  *cpuid  *msr  *port' "exits by cause have a table"
prints '^hog  *1000  *0  *1000  *0 ' "of who has some"
prints '^pose  *sampling nav  *probe+1  *500  *[0-9]*  *-  *-$' "so have the ports: messages a second"
prints '^orders  *queuing  control  *hog  *100  *[0-9]*  *3/16  *[0-9]*$' "and how full a queue is"
prints 'health: hog memory violation 1' "health events by kind"
[ "$(awk 'length > 80' "$work/out" | wc -l)" -eq 0 ]
ok $? "no line is wider than 80"
ends 0 "a description is not needed" "${top[@]}" --once -d 0.1
prints '^hog  *running  *0  *45\.0  *- ' "what is not known is left out"
start_node --trouble slow:60
ends 1 "a node that answers too late is told" "${top[@]}" --timeout 0.1 --once

# ---- On a terminal
# shown STEP... -- ARGUMENT...: what is on the screen, of 24 lines, before the last key.
shown() {
	timeout "$deadline_s" verification/tools/terminal.py "$@" >"$work/out" 2>"$work/err"
}
# Lines are drawn from the top: where the last table has rates, all have.
rates='^orders .* 100  '
start_node
shown "$rates" q -- "${top[@]}" -d 0.4
ok $? "it runs on a terminal until q"
prints '^PARTITION  *STATE' "the table is there"
prints '^q end' "so are the keys"
[ "$(grep -c . "$work/out")" -le 24 ]
ok $? "all of it on 24 lines"
prints '^PORT  *KIND' "ports and exits, too"
head -6 "$work/out" | tail -1 | grep -q '^control'
ok $? "first as described"
shown "$rates" u '\A(.*\n){5}probe' q -- "${top[@]}" -d 0.4
head -6 "$work/out" | tail -1 | grep -q '^probe'
ok $? "u sorts by use"
shown "$rates" e '\A(.*\n){6}hog' q -- "${top[@]}" -d 0.4
head -7 "$work/out" | tail -1 | grep -q '^hog'
ok $? "e by exits"
start_node --trouble crowd
# The first page has no rates, and less to leave out: its last line may stand there still when the second one's first do.
shown '^probe +0 +2[0-9]{4} (.*\n)+\(32 lines more' q -- "${top[@]}" -d 0.4
[ "$(wc -l <"$work/out")" -eq 24 ] && grep -q '^q end' "$work/out"
ok $? "a node with more than fits keeps to the screen"
prints '^hog .*running.*  19k$' "its partitions are all there, large numbers cut to thousands"
prints '^probe  *0  *2[0-9][0-9][0-9][0-9] ' "so are its exits"
prints '^(32 lines more; a larger window shows them)$' "and what is left out is counted"
start_node --trouble deaf-trace
ends 0 "a node that could not count all exits" "${top[@]}" --once -d 0.1
prints '^EXITS/s (part)  *cpuid' "says so"
start_node
shown "$rates" "!kill $node_pid" 'does not answer' '' -- "${top[@]}" -d 0.3
[ $? -eq 1 ]
ok $? "it ends when the node does"
prints 'does not answer any more' "and says so"
