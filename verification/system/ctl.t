#!/bin/bash
# mullion ctl, top and trace with a booted node: every command of config/deployments/control.dts's node, and what
# it left behind.
. verification/system/lib.sh
plan 33

socket=$work/line
export MULLION_NODE=unix:$socket
ctl() {
	timeout $((3 * TIMEOUT)) "$mullion" ctl --timeout $((3 * TIMEOUT)) "$@" >"$work/out" 2>"$work/err"
	status=$?
	[ $status -eq 0 ] || sed 's/^/# /' "$work/err"
	return $status
}
sed -e "s,boards/,$PWD/config/boards/,; s/MiB(8)/MiB(4)/" config/deployments/control.dts >"$work/control.dts"
compile node "$work/control.dts"
"$mullion" run --timeout $((3 * TIMEOUT)) --serial "$MULLION_NODE" "$work/node" >"$work/run" 2>&1 &
node=$!
trap 'kill "$node" 2>/dev/null' EXIT
until [ -S "$socket" ] || ! kill -0 "$node" 2>/dev/null; do
	sleep 0.1
done

ctl list
ok $? "a booted node answers"
says "$work/out" '^hog +running +0 +1$' "and lists its partitions"
ctl cpus
says "$work/out" '^  0  framed  control/0 nav/0 hog/0$' "its CPUs"
ctl log
says "$work/out" '^CPU: +1 apic 2 owned by idle$' "its kernel's log"
ctl version
says "$work/out" '^ABI: +1, this tool 1$' "and its version"
# How much of the node's time goes by in a second of the host's is the host's affair: too little is no rate.
described='^hog +running +0 +(3[5-9]|4[0-5])\.[0-9] +40\.0 +(9[0-9]{2}|1[01][0-9]{2}) '
for seconds in 0.3 3 30; do
	"$mullion" top --timeout $((3 * TIMEOUT)) --once -d $seconds --system "$work/node/system.json" >"$work/out" 2>"$work/err"
	status=$?
	! grep -Eq "$described" "$work/out" || break
done
ok $status "its counters are read"
says "$work/out" "$described" "windows as described, a thousand a second"
says "$work/out" '^hog +[0-9]+k? +[0-9]+k? +[0-9]+k? +[0-9]+k? +[0-9]+k? ' "its exits by cause"
says "$work/out" '^pose +sampling nav +idle +(9[0-9]{2}|1[01][0-9]{2}) +[0-9]+ +- +-$' "a message of nav in each period"
says "$work/out" '^health:.*hog port violation' "hog is caught"

ctl -o "$work/busy.html" --system "$work/node/system.json" report
says "$work/busy.html" 'Above, a frame as described; below, frames [0-9]+ to [0-9]+ as the trace saw them' \
	"its windows are seen, whatever number of exits hog makes"
ctl stop nav
ok $? "a partition is stopped"
ctl info nav
says "$work/out" '^reason: +command$' "which it says of itself"
ctl -o "$work/nav.core" dump nav
ok $? "a stopped partition is dumped"
gdb -q -batch "$build/partitions/nav.elf" "$work/nav.core" -ex bt >"$work/gdb" 2>&1
says "$work/gdb" '^#[0-9].* main \(\) at partitions/nav/nav\.c:' "gdb sees where it stood"
cp "$work/nav.core" "$work/changed.core"
# A block of memory that was zero becomes another, and one of the program zeros.
head -c 512 "$build/partitions/nav.elf" | dd of="$work/changed.core" bs=512 seek=7001 conv=notrunc 2>"$work/err"
dd if=/dev/zero of="$work/changed.core" bs=512 seek=4112 count=1 conv=notrunc 2>"$work/err"
ctl load nav "$work/changed.core"
says "$work/out" '^nav: 4096 KiB as in .*, 1024 bytes of it sent$' "a core is loaded, as far as it differs"
ctl -o "$work/nav.again" dump nav
cmp "$work/changed.core" "$work/nav.again"
ok $? "and dumped again it is the same, to the byte"
ctl load nav "$work/nav.core" && ctl -o "$work/nav.again" dump nav
cmp "$work/nav.core" "$work/nav.again"
ok $? "and so is the first one, loaded over it"
ctl start nav
ok $? "it is started again"
for _ in $(seq 20); do
	ctl info nav
	grep -q '^state: *running' "$work/out" && break
done
says "$work/out" '^restarts: +1$' "which counts as a restart"
ctl restart --cold hog
ok $? "another is restarted, cold"
ctl schedule quiet
says "$work/out" '^next: +quiet, from frame [0-9]+ on$' "the schedule is switched at a frame"
for _ in $(seq 20); do
	ctl schedule
	grep -q '^in force: *quiet' "$work/out" && break
done
ctl list

"$mullion" trace --timeout $((3 * TIMEOUT)) --system "$work/node/system.json" --text "$work/trace.txt" \
	--json "$work/trace.json" 2>"$work/err"
ok $? "the trace is read while it is written"
says "$work/trace.txt" ' nav +window 1 of frame [0-9]+$' "windows are on their ticks"
! grep -q 'late$' "$work/trace.txt"
ok $? "all of them"
python3 - "$work/trace.json" >"$work/out" 2>&1 <<'END'
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
nav = [e for e in events if e.get("cat") == "window" and e["pid"] == 1 and e["name"] == "nav"]
quiet = {(e["ts"] % 1000, e["dur"]) for e in nav if e["args"]["schedule"] == "quiet"}
print("quiet", len(quiet), {d for _, d in quiet})
END
says "$work/out" "^quiet [1-9][0-9]* \{500\.0\}$" "in the new schedule nav has its longer windows"
ctl -o "$work/page.html" --system "$work/node/system.json" report
ok $? "the page is written"
says "$work/page.html" 'Every window of the trace started on its tick' "and says the same"
# On a terminal, until nav has spoken: it does so each second of its time.
: >"$work/console"
{
	until grep -q 'latest' "$work/console" || ! kill -0 "$node" 2>/dev/null; do
		sleep 0.2
	done
	printf '\035'
} | timeout $((3 * TIMEOUT)) script -qefc "$mullion ctl --timeout $((3 * TIMEOUT)) console nav" /dev/null >"$work/console" 2>"$work/err"
ok $? "^] detaches from a console"
sed -i 's/\r$//' "$work/console"
says "$work/console" '^[0-9]+ s, step [0-9]+, x .* latest [0-9]+ ns$' "which showed what its partition prints"
says "$work/console" '^detached$' "and says so"
ctl shutdown
ok $? "the node is shut down"
wait "$node"
ok $? "and has ended well"
[ "$failed" -eq 0 ]
