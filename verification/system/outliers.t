#!/bin/bash
# mullion trace: every outlier of a probe has its cause, those of before the oldest record by the schedule.
. verification/system/lib.sh
plan 10

boot node verification/system/deployments/outliers.dts
ok "$status" "a probe measures in windows"
"$mullion" trace --ram "$ram" --system "$work/node/system.json" --text "$work/text" --json "$work/json"
ok $? "its trace is read"
sed -n '/^# outliers/,$p' "$work/text" | sed 1d >"$work/outliers"
[ "$(wc -l <"$work/outliers")" -ge 4 ]
ok $? "it has outliers: windows that ended amidst a measurement"
! grep -qv '^exit\.cpuid of probe: 70[01],[0-9]* ns at tick ' "$work/outliers"
ok $? "each as long as the probe was away"
grep -v 'by the schedule' "$work/outliers" >"$work/held"
says "$work/held" ': .*window 1 of nav' "what ran is told by the trace as far back as it goes"
! grep -qv 'window 1 of nav' "$work/held" && ! grep -qv 'CPUID of probe' "$work/held"
ok $? "with the exit that it was, of each"
grep 'by the schedule' "$work/outliers" >"$work/older"
[ -s "$work/older" ] && ! grep -qv ': window 0 of probe; window 1 of nav; window 0 of probe, by the schedule' "$work/older"
ok $? "and before by the schedule, of each"
python3 - "$work/json" >"$work/out" 2>&1 <<'END'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
found = [e for e in events if e.get("cat") == "outlier"]
print(len(found), all(700 < e["dur"] < 702 and "window 1 of nav" in e["args"]["cause"] for e in found))
END
[ "$(cat "$work/out")" = "$(wc -l <"$work/outliers") True" ]
ok $? "they are slices for Perfetto, all of them"
# A trace without the records of what ran leaves a gap, which would be seen.
python3 - "$ram" <<'END'
import mmap, struct, sys
with open(sys.argv[1], "r+b") as file:
    ram = mmap.mmap(file.fileno(), 0)
    at = ram.find(struct.pack("<Q", 0x31435254494c554d))
    while at >= 0:
        for k in range(4096):
            record = at + 4096 + 32 * k
            if record + 32 <= len(ram) and ram[record + 8:record + 10] == b"\2\0":
                ram[record + 8:record + 10] = b"\3\0"
        at = ram.find(struct.pack("<Q", 0x31435254494c554d), at + 4096)
END
"$mullion" trace --ram "$ram" --system "$work/node/system.json" --text "$work/text"
sed -n '/^# outliers/,$p' "$work/text" >"$work/out"
! grep -q 'window 1 of nav' "$work/out" && grep -q ' ns at tick ' "$work/out"
ok $? "and a trace without windows would be noticed"
finish
