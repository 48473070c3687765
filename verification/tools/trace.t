#!/bin/bash
# mullion trace: a node's rings as text and for Perfetto; nothing lost, doubled, or in the wrong place.
set -u
. verification/tools/node.sh
echo 1..34
trace=("$mullion" trace "${patient[@]}")
cat >"$work/system.json" <<'END'
{"name": "demo", "tsc_hz": [1000000000, 1],
 "partitions": [{"name": "control"}, {"name": "probe"}, {"name": "nav"}, {"name": "watch"}, {"name": "hog"}],
 "vcpus": [{"partition": "control", "index": 0, "cpu": 0}, {"partition": "probe", "index": 0, "cpu": 1},
           {"partition": "nav", "index": 0, "cpu": 0}, {"partition": "watch", "index": 0, "cpu": 0},
           {"partition": "hog", "index": 0, "cpu": 0}],
 "schedules": [{"name": "normal", "startup": true, "cpus": [{"cpu": 0, "windows": [
    {"start_ticks": [0, 0], "end_ticks": [150000, 0]}, {"start_ticks": [150000, 0], "end_ticks": [340000, 0]},
    {"start_ticks": [350000, 0], "end_ticks": [800000, 0]},
    {"start_ticks": [800000, 0], "end_ticks": [1000000, 0]}]}]}]}
END

unset MULLION_NODE
ends 2 "a trace of nothing is a usage error" "${trace[@]}"
ends 2 "a file without an option is a usage error" "${trace[@]}" "$work/ram"
ends 1 "a RAM image that is not there is refused" "${trace[@]}" --ram "$work/ram"
head -c 65536 /dev/zero >"$work/ram"
ends 1 "one without a trace is refused" "${trace[@]}" --ram "$work/ram" --json "$work/none.json"
says 'did a node run there' "with what to look at"
[ ! -e "$work/none.json" ]
ok $? "and nothing is written"

# ---- Of a running node
start_node --trouble noise
ends 0 "a node's trace is text" "${trace[@]}"
prints '^# CPU 0: [0-9]* records, 10 older ones overwritten$' "what was overwritten is told"
prints ' 1  probe         MSR 0x6e0 (TSC deadline)$' "exits have names"
prints ' 0  watch         window 3 of frame 9, 700 ns late$' "late windows are seen"
prints ' 0  hog           memory violation (0xe0000000), cold restart$' "health events"
prints ' 0  -             switch to schedule 0$' "switches of the schedule"
[ "$(grep -vc '^#' "$work/out")" -eq "$(sed -n 's/^# CPU [01]: \([0-9]*\) records.*/\1/p' "$work/out" | paste -sd+ | bc)" ]
ok $? "each record is there once"
grep -v '^#' "$work/out" | sort -c -s -n -k1,1 2>"$work/err"
ok $? "in the order of time, over all CPUs"

ends 0 "it is JSON, too, with the description" "${trace[@]}" --system "$work/system.json" --json "$work/trace.json"
[ ! -s "$work/out" ]
ok $? "then nothing is printed"
cat >"$work/look.py" <<'END'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
windows = [e for e in events if e.get("cat") == "window" and e["pid"] == 1]
hog = [e for e in windows if e["name"] == "hog"]
nav = [e for e in events if e.get("cat") == "window" and e["pid"] == 12]
ends = [e["ts"] + e["dur"] for e in windows]
print("slices", len(windows) > 300 and all(e["tid"] == 0 for e in windows))
print("ends", {round(e["dur"], 3) for e in nav} == {190.0})
print("disjoint", all(end <= e["ts"] + 1e-6 for end, e in zip(ends, windows[1:])))
print("stopped", sorted({round(e["dur"], 1) for e in hog}) == [9.5, 450.0])
late = [e for e in windows if e["args"]["late_ns"]]
print("late", [(e["name"], e["args"]["frame"], e["args"]["late_ns"]) for e in late] == [("watch", 9, 700)])
print("owned", any(e.get("cat") == "owned" and e["pid"] == 1 and e["tid"] == 1 for e in events))
print("restart", any(e["name"] == "cold restart of hog" and e["dur"] == 3.0 for e in events))
print("exits", any(e["ph"] == "i" and e["name"] == "CPUID" and e["pid"] == 14 and e["tid"] == 4 for e in events))
print("named", any(e["name"] == "process_name" and e["args"]["name"] == "partition hog" for e in events))
END
python3 "$work/look.py" "$work/trace.json" >"$work/out" 2>"$work/err"
prints '^slices True' "each window is a slice of its CPU"
prints '^ends True' "that ends where the description says"
prints '^disjoint True' "and before the next begins"
prints '^stopped True' "or where its partition was stopped"
prints '^late True' "how late it was is told"
prints '^owned True' "an owned CPU is one slice"
prints '^restart True' "a restart lasts as long as it took"
prints '^exits True' "exits are instants of their vcpu"
prints '^named True' "partitions have names"
sed -i 's/"end_ticks": \[340000, 0\]/"end_ticks": [330000, 0]/' "$work/system.json"
"${trace[@]}" --system "$work/system.json" --json "$work/trace.json" 2>"$work/err"
python3 "$work/look.py" "$work/trace.json" >"$work/out" 2>"$work/err"
prints '^ends False' "a planted defect in the ends would be seen"

start_node --trouble storm
ends 0 "a trace that exits flooded is read" "${trace[@]}"
prints '^# CPU 0: 129 records, [0-9]* older ones overwritten; of these, windows and the like were kept: 126$' "with the windows of before"
grep -v '^#' "$work/out" | sort -c -s -n -k1,1 2>"$work/err" && [ "$(grep -c 'window 3 of frame 99$' "$work/out")" -eq 1 ]
ok $? "in the order of time, each once"
start_node --trouble nonsense
ends 1 "records that cannot be are refused" "${trace[@]}" --text "$work/none.txt"
[ -z "$(find "$work" -name 'none*')" ]
ok $? "and nothing is written"

# ---- Of a RAM image: the probe of the unit tests' fixture is not needed, its rings are written here.
python3 - "$work/ram" <<'END'
import struct, sys
ring = bytearray(4096 + 4096 * 32)
struct.pack_into("<QIIQ", ring, 0, 0x31435254494c554d, 1, 4096, 5000)
for k in range(904, 5000):
    struct.pack_into("<QHHIQQ", ring, 4096 + k % 4096 * 32, 1000 * k, 1, 1, 0x72, 0, 0)
open(sys.argv[1], "wb").write(bytes(8192) + ring)
END
ends 0 "a RAM image's trace is read" "${trace[@]}" --ram "$work/ram" --system "$work/system.json" --text -
[ "$(grep -c 'probe  *CPUID' "$work/out")" -eq 4096 ] && grep -q '^# CPU 1: 4096 records, 904 older' "$work/out"
ok $? "a ring that went round is read from its oldest record on"
ends 0 "without a description, too, with a warning" "${trace[@]}" --ram "$work/ram" --text -
