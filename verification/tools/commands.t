#!/bin/sh
# mullion as a user meets it: whole outputs or none, the same bytes again, exit codes scripts can trust.
set -u
build=${BUILD:-build}
mullion=${MULLION:-$build/tools/mullion}
demo=config/deployments/demo.dts
hello=config/deployments/hello.dts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 1..44
number=0

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}
# ends STATUS SENTENCE COMMAND...: the command's exit status; its words are kept.
ends() {
	want=$1 what=$2
	shift 2
	"$@" >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$want" ]
	ok $? "$what"
	[ $got -eq "$want" ] || { echo "# status $got"; sed 's/^/# /' "$work/err"; }
}
says() { grep -q -- "$1" "$work/err"; ok $? "$2"; }

# ---- The command line
ends 2 "no subcommand is a usage error" "$mullion"
ends 2 "an unknown subcommand is a usage error" "$mullion" chek
ends 2 "an unknown option is a usage error" "$mullion" check --imagse x "$demo"
ends 2 "a missing description is a usage error" "$mullion" build -o "$work/b"
ends 2 "a shift that is no number is a usage error" "$mullion" run --icount fast "$work"
ends 0 "help explains a subcommand" "$mullion" help build
ends 0 "the version is told" "$mullion" --version

# ---- check
ends 0 "a good description is accepted" "$mullion" check "$demo"
sed 's/MiB(16)/MiB(4000)/' "$demo" >"$work/bad.dts"
printf '#include "%s"\n' "$(pwd)/config/boards/qemu-q35.dtsi" >"$work/board"
sed -i -e "/boards\/qemu-q35/{r $work/board
d}" "$work/bad.dts"
ends 1 "too much memory is refused" "$mullion" check "$work/bad.dts"
says 'bad.dts:[0-9]*:[0-9]*: error: \[memory-' "the refusal names place and rule"
ends 1 "the same as JSON" "$mullion" check --json "$work/bad.dts"
grep -q '"rule": "memory-' "$work/out" && grep -q '"good": false' "$work/out"
ok $? "JSON tells the rule"
ends 1 "a file that is not there is refused" "$mullion" check "$work/none.dts"

# ---- build
ends 0 "a deployment is built" "$mullion" build "$demo" -o "$work/one"
ends 0 "it is built again elsewhere" "$mullion" build "$demo" -o "$work/two"
cmp -s "$work/one/mullion.elf" "$work/two/mullion.elf"
ok $? "both images are the same, bit for bit"
diff -r "$work/one" "$work/two" >"$work/diff"
ok $? "so are all files beside them"
! grep -q -a -F "$work" "$work/one/mullion.elf"
ok $? "no path of the host is in the image"
before=$(cksum <"$work/one/mullion.elf")
ends 1 "a wrong description is not built" "$mullion" build "$work/bad.dts" -o "$work/one"
[ "$(cksum <"$work/one/mullion.elf")" = "$before" ]
ok $? "and the earlier build stays as it was"
ends 1 "without a kernel nothing is built" "$mullion" build "$demo" -k "$work" -o "$work/three"
says 'cflags; build the kernel first' "the missing kernel is named, with the remedy"
[ -z "$(find "$work" -maxdepth 1 -name 'three*')" ]
ok $? "a failed build leaves nothing, temporary files included"
mkdir "$work/mine" && touch "$work/mine/letter"
ends 1 "a directory that is no build is not replaced" "$mullion" build "$hello" -o "$work/mine"
[ -f "$work/mine/letter" ]
ok $? "and keeps its files"

# ---- explain
ends 0 "a deployment is explained" "$mullion" explain --svg "$work/s.svg" "$demo"
rsvg-convert "$work/s.svg" -o "$work/s.png" && cmp -s "$work/s.svg" "$work/one/schedule.svg"
ok $? "its chart is an image, the same as the build's"
! grep -q "$(printf '\033')" "$work/out"
ok $? "no colours outside a terminal"
grep -q '^    hog  *1  450 us  *45 %  *550 us, from 800 us$' "$work/out"
ok $? "shares and gaps are exact"

# ---- run, with a QEMU that only answers
mkdir "$work/bin"
answer() {
	printf '#!/bin/sh\necho "$@" >%s/arguments\n%s\n' "$work" "$1" >"$work/bin/qemu-system-x86_64"
	chmod +x "$work/bin/qemu-system-x86_64"
	PATH=$work/bin:$PATH
}
answer 'exit 33'
ends 0 "a node that powers off well is a success" "$mullion" run "$work/one"
grep -q -- '-smp 3 .*-icount shift=0,sleep=off .*filter-buffer' "$work/arguments"
ok $? "the demo's APIC ids exist, and its CPUs share time fairly"
answer 'exit 35'
ends 1 "a node that reports failure is one" "$mullion" run "$work/one"
answer 'exit 0'
ends 1 "a node that resets is a failure" "$mullion" run "$work/one"
answer 'exec sleep 600'
ends 1 "a node that never ends is ended" "$mullion" run --timeout 1 "$work/one"
says 'ended after 1 s' "and the time limit is named"
ends 1 "a build that is not there is refused" "$mullion" run "$work/none"

# with_args NAME ARGS: the demo's build as $work/NAME, with these args of control.
with_args() {
	cp -r "$work/one" "$work/$1"
	python3 - "$work/$1/system.json" "$2" <<'END'
import json, sys
system = json.load(open(sys.argv[1]))
next(p for p in system["partitions"] if p["control"])["args"] = sys.argv[2]
json.dump(system, open(sys.argv[1], "w"))
END
}
answer 'exit 33'
ends 2 "a port to lead on without an address is a usage error" "$mullion" run --udp localhost:7070 "$work/one"
ends 2 "port 0 is one, too" "$mullion" run --udp 127.0.0.1:0 "$work/one"
ends 1 "datagrams lead nowhere where control has no address" "$mullion" run --udp 127.0.0.1:7070 "$work/one"
says 'no udp=ADDRESS/BITS:PORT in its args' "which is said"
with_args far 'xudp=1 udp=192.168.7.1/28:99 key=00'
ends 0 "else they lead there" "$mullion" run --udp 127.0.0.2:7070 "$work/far"
grep -q 'user,id=control,net=192.168.7.1/28,host=192.168.7.2,dns=192.168.7.3,.*hostfwd=udp:127.0.0.2:7070-192.168.7.1:99 ' \
	"$work/arguments"
ok $? "in a network that has the node's address, and others for QEMU"
with_args odd 'udp=192.168.7.1/30:99'
ends 1 "a network without room for that is refused" "$mullion" run --udp 127.0.0.1:7070 "$work/odd"
says 'BITS 8 to 29' "with what there may be"
