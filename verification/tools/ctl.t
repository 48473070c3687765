#!/bin/bash
# mullion ctl against a node that answers well, badly, late, or not at all.
set -u
. verification/tools/node.sh
echo 1..111
key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
ctl=("$mullion" ctl "${patient[@]}")

# ---- The command line
unset MULLION_NODE
ends 2 "no command is a usage error" "${ctl[@]}" -c unix:x
says 'a command is needed' "and is told so"
ends 2 "no node is a usage error" "${ctl[@]}" list
says 'unix:PATH, udp:HOST:PORT' "the forms of an address are told"
ends 2 "an address of no known form is a usage error" "${ctl[@]}" -c nowhere list
ends 2 "an unknown command is a usage error" "${ctl[@]}" -c unix:x lits
says 'did you mean list?' "the nearest is named"
ends 2 "a missing partition is a usage error" "${ctl[@]}" -c unix:x info
ends 2 "a second name is a usage error" "${ctl[@]}" -c unix:x stop nav hog
ends 2 "an option of another command is a usage error" "${ctl[@]}" -c unix:x stop nav --cold
ends 2 "a dump without a file is a usage error" "${ctl[@]}" -c unix:x dump nav
ends 2 "a time-out that is no time is a usage error" "${ctl[@]}" -c unix:x --timeout never list
ends 1 "where nobody listens is told" "${ctl[@]}" -c "unix:$work/nobody" list
says 'does the node run' "with what to look at"

# ---- Reading a node, on a line that it shares
start_node --trouble noise --trouble torn
ends 0 "partitions are listed among text, notices and rubbish" "${ctl[@]}" list
prints '^nav  *running  *0  *1$' "one line each"
! grep -q wrong "$work/out"
ok $? "an answer to somebody else is not taken"
cp "$work/out" "$work/list"
ends 0 "virsh's word is known" "${ctl[@]}" ls
cmp -s "$work/list" "$work/out"
ok $? "and means the same"
ends 0 "a partition is explained" "${ctl[@]}" info hog
prints '^memory:  *64 KiB$' "its memory"
prints '^since:  *2.5 ms after' "and since when it is so"
ends 0 "CPUs are listed" "${ctl[@]}" cpus
prints '^  1  owned   probe/0$' "with who runs there"
ends 0 "health is counted" "${ctl[@]}" health
prints '^hog   memory 1, port 12$' "by kind"
ends 0 "the journal is printed, over several answers" "${ctl[@]}" journal
[ "$(wc -l <"$work/out")" -eq 10 ]
ok $? "each entry once"
prints '0xffffffff81000000' "numbers of 64 bits included"
ends 0 "the log is printed, piece by piece" "${ctl[@]}" log
[ "$(sed 's/[^0-9]//g' "$work/out" | tr '\n' ' ')" = "$(seq -s ' ' 0 39) " ]
ok $? "whole and once"
ends 0 "the version is told" "${ctl[@]}" version
prints '^protocol: 1, this tool 1$' "of both ends"
ends 0 "programs get JSON" "${ctl[@]}" --json list
python3 -c 'import json,sys; assert len(json.load(open(sys.argv[1]))["partitions"]) == 5' "$work/out" 2>"$work/err"
ok $? "the lines of an answer in one"

# ---- Changing it
start_node
ends 0 "a partition is stopped" "${ctl[@]}" stop nav
prints '^nav: stopped$' "and that is said"
ends 0 "and restarted, cold" "${ctl[@]}" restart --cold nav
grep -q '"cmd":"restart","partition":"nav","cold":true' "$work/record"
ok $? "which reaches the node"
ends 0 "warm is the default" "${ctl[@]}" reboot nav
grep -q '"cold":false' "$work/record"
ok $? "under xm's word, too"
ends 0 "schedules are listed" "${ctl[@]}" schedule
prints '^there is: normal, safe$' "by name"
ends 0 "the schedule is switched" "${ctl[@]}" schedule safe
prints '^next:  *safe, from frame 4711 on$' "at a frame"
ends 1 "a partition that is not there is refused" "${ctl[@]}" stop naf
says 'there is control, probe, nav, watch, hog; did you mean nav?' "with those that are"
ends 1 "a schedule that is not there is refused" "${ctl[@]}" schedule sfae
says 'there is normal, safe; did you mean safe?' "with those that are"
ends 0 "the node is shut down" "${ctl[@]}" shutdown --reset
grep -q '"cmd":"shutdown","reset":true' "$work/record"
ok $? "as asked"

# ---- A console
start_node
# So much silence ends it: long enough for a busy host to answer in.
ends 0 "a console is attached without a terminal, until it is silent" "${ctl[@]}" --timeout 4 console nav
[ "$(cat "$work/out")" = "nav says hello" ]
ok $? "it prints the partition's text and nothing else"
tail -1 "$work/record" | grep -q '"attach":false'
ok $? "and is detached in the end"
echo ls | timeout "$deadline_s" "${ctl[@]}" --timeout 4 console nav >"$work/out" 2>"$work/err"
grep -q '"input":"ls\\n"' "$work/record"
ok $? "what is typed reaches the node"
says 'nav takes no input' "which may not take it"
printf 'ls\035' | timeout "$deadline_s" script -qec "${ctl[*]} console nav" /dev/null >"$work/out" 2>"$work/err"
ok $? "on a terminal ^] detaches"
prints 'detached' "and says so"

# ---- A dump
ends 1 "a running partition is not dumped" "${ctl[@]}" dump hog -o "$work/core"
says 'mullion ctl stop hog' "with the way to do it"
[ ! -e "$work/core" ]
ok $? "nothing was written"
"${ctl[@]}" stop nav >"$work/out"
ends 0 "a stopped one is" "${ctl[@]}" dump nav -o "$work/core"
gdb -q -batch -c "$work/core" -ex 'p/x $rip' -ex 'x/s 0x2000' -ex 'x/2xb 0x5e11' -ex 'x/xg 0x8000' \
	-ex 'info threads' >"$work/gdb" 2>&1
grep -q '= 0x201234$' "$work/gdb" && grep -q 'generated by .nav' "$work/gdb"
ok $? "gdb opens the core and knows the registers"
grep -q '0x2000:.*"greetings from nav"' "$work/gdb" && grep -q '0x5e11:.*0x11.*0x12' "$work/gdb"
ok $? "the memory"
grep -q '0x8000:.*0x0000000000000000' "$work/gdb"
ok $? "and that what was zero is zero"
[ "$(grep -c '"cmd":"dump".*"page"' "$work/record")" -eq 1 ]
ok $? "what is zero is not asked for page by page"

# ---- and back
ends 1 "a core of another partition is refused" bash -c "$mullion ctl stop hog; $mullion ctl load hog $work/core"
says 'it is a core of nav, not of hog' "by its name"
cp "$work/core" "$work/changed"
printf 'goodbye from nav' | dd of="$work/changed" bs=1 seek=$((4096 + 0x2000)) conv=notrunc 2>"$work/err"
printf '\377' | dd of="$work/changed" bs=1 seek=$((4096 + 65535)) conv=notrunc 2>"$work/err"
ends 0 "a core is put back, with what was changed in it" "${ctl[@]}" load nav "$work/changed"
prints '^nav: 64 KiB as in .*changed, 1024 bytes of it sent$' "which is said"
[ "$(grep -c '"cmd":"load"' "$work/record")" -eq 2 ]
ok $? "and only what had changed was sent"
"${ctl[@]}" dump nav -o "$work/again" >"$work/out" 2>"$work/err"
cmp "$work/again" "$work/changed" >"$work/out"
ok $? "then its memory is the file's, to the byte"
ends 0 "virsh's word is known, too" "${ctl[@]}" restore nav "$work/core"
"${ctl[@]}" dump nav -o "$work/again" >"$work/out" 2>"$work/err"
cmp "$work/again" "$work/core" >"$work/out"
ok $? "and all is as it was"
head -c 60000 "$work/core" >"$work/short"
ends 1 "half a core is refused" "${ctl[@]}" load nav "$work/short"
ends 1 "as is what is none" "${ctl[@]}" load nav "$mullion"
says 'it is no core of mullion ctl dump' "as that"
sed 's/\x10\x32\x54\x76/\x11\x32\x54\x76/' "$work/core" >"$work/other-image"
ends 1 "a core of another image is refused" "${ctl[@]}" load nav "$work/other-image"
says 'ran image fedcba9876543211 then, and runs fedcba9876543210 now' "with both"
ends 2 "a load without a file is a usage error" "${ctl[@]}" load nav
"${ctl[@]}" start nav >"$work/out"
ends 1 "a running partition is not loaded" "${ctl[@]}" load nav "$work/core"
says 'mullion ctl stop nav' "with the way to do it"
"${ctl[@]}" dump nav -o "$work/again" >"$work/out" 2>"$work/err"
start_node --trouble nonsense
"${ctl[@]}" stop nav >"$work/out"
ends 1 "memory that cannot be is refused" "${ctl[@]}" dump nav -o "$work/core2"
[ -z "$(find "$work" -name 'core2*')" ]
ok $? "and no file is left"

# ---- Trouble
start_node --trouble silent
ends 1 "a silent node is given up" "${ctl[@]}" --timeout 0.3 list
says 'no answer within 0.300 s: is control in the schedule' "with what to look at"
start_node --trouble slow:0.5
ends 0 "a slow one is waited for" "${ctl[@]}" list
start_node --trouble damaged
ends 0 "a question damaged on its way is asked again" "${ctl[@]}" list
start_node --trouble damaged
ends 1 "but a restart is not" "${ctl[@]}" restart nav
start_node --trouble closing
ends 1 "a line that closes is told" "${ctl[@]}" list
says 'closed the line' "as that"
start_node --trouble refuse:stop=not-now
ends 1 "a refusal is a failure" "${ctl[@]}" stop nav
says 'ask again in a moment (so it was told)' "with the way out, and the node's words"

# ---- Keys
printf '%s\n' "$key" >"$work/key"
chmod 600 "$work/key"
start_node --key "$key"
ends 0 "a node with a key obeys who has it" "${ctl[@]}" --key "$work/key" stop nav
ends 0 "again, too: numbers go on" "${ctl[@]}" --key "$work/key" start nav
start_node --key "$key" --trouble ahead
ends 0 "and go on from what the node has heard, whatever the clock says" "${ctl[@]}" --key "$work/key" stop nav
ends 1 "who has none is told" "${ctl[@]}" list
printf '%s\n' "$key" | tr 0 1 >"$work/other"
chmod 600 "$work/other"
ends 1 "another key is refused" "${ctl[@]}" --key "$work/other" list
chmod 640 "$work/key"
ends 1 "a key that others may read is not used" "${ctl[@]}" --key "$work/key" list

# ---- Other ways
chmod 600 "$work/key"
# by_udp OPTION...: a fresh node, with the key; what is lost is sent again after a third of the time-out.
by_udp() {
	start_by udp --key "$key" "$@"
	ctl_udp=("$mullion" ctl -c "$MULLION_NODE" --key "$work/key" --timeout 15)
}
start_by udp --trouble deaf:hello --trouble deaf:list
ends 0 "by UDP, lost questions are asked again" "$mullion" ctl -c "$MULLION_NODE" --timeout 15 list
by_udp --trouble deaf:restart
ends 0 "a change that was lost is sent again" "${ctl_udp[@]}" restart nav
[ "$(grep restart "$work/record" | sort -u | wc -l)" -eq 1 ] && [ "$(grep -c restart "$work/record")" -ge 2 ]
ok $? "as the same line, under the same number"
by_udp --trouble mute:restart
ends 1 "a change whose answer was lost is not known to be done" "${ctl_udp[@]}" restart nav
says 'restart: its answer was lost on the way: whether it was done, list and info tell' "which is said"
ends 0 "and the node tells" "${ctl_udp[@]}" info nav
prints '^restarts:  *1$' "that it was done once"
by_udp --trouble gap
ends 0 "an answer with a line lost is asked for again" "${ctl_udp[@]}" list
cmp -s "$work/list" "$work/out"
ok $? "and is whole"
by_udp --trouble echoes
ends 0 "a line that comes twice counts once" "${ctl_udp[@]}" list
cmp -s "$work/list" "$work/out"
ok $? "in an answer"
start_by pty
ends 0 "a serial device is a way, too" "${ctl[@]}" -c "$MULLION_NODE" list
