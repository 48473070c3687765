# Sourced by every system test: build a deployment, boot it in QEMU in deterministic virtual time, twice,
# and judge what it said. TAP; the plan is printed first, so a silent hang fails.
#
# A node is ended after $TIMEOUT s of the host's, which only one that hangs comes to: a busy host may take ten times as
# long as a quiet one.
#
# A test may set MULLION_RUN_OPTIONS before boot. Results: $serial (first run), $ram, $status.

build=${BUILD:-build}
mullion=$build/tools/mullion
work=$build/system/$(basename "$0" .t)
images="--images $build/partitions"
kernel=${KERNEL:-$build/kernel}
TIMEOUT=${TIMEOUT:-600}
count=0
failed=0

# Options of QEMU's that have virtio cards send in the node's time, a microsecond after they were told, and not when a
# thread of the host's comes to it: then boots with cards are the same to the byte, captures and their times, too.
# shellcheck disable=SC2034
punctual_cards="-global virtio-net-pci.ioeventfd=off -global virtio-net-pci.tx=timer -global virtio-net-pci.x-txtimer=1000"

rm -rf "$work"
mkdir -p "$work"

plan() {
	echo "1..$1"
}

# ok STATUS SENTENCE: one TAP line; a status of 0 passes.
ok() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=1
	fi
}

# says FILE PATTERN SENTENCE: FILE has a line matching the extended regular expression.
says() {
	grep -Eq -- "$2" "$1"
	says_status=$?
	ok $says_status "$3"
	[ $says_status -eq 0 ] || sed 's/^/# /' "$1" | tail -n 30
}

# compile NAME DTS: build/system/TEST/NAME, or give up.
compile() {
	if ! $mullion build "$2" -o "$work/$1" --kernel "$kernel" $images >"$work/$1.log" 2>&1; then
		sed 's/^/# /' "$work/$1.log"
		echo "Bail out! $2 does not build"
		exit 1
	fi
}

# run NAME SUFFIX: boot it once; the serial line goes to NAME.SUFFIX, QEMU's verdict to $status.
run() {
	dump=
	[ -z "${COVERAGE_DUMP_DIR:-}" ] || dump="--debug $COVERAGE_DUMP_DIR/$(basename "$work").$1.$2"
	$mullion run "$work/$1" --timeout "$TIMEOUT" --serial "$work/$1.$2" \
		--ram "$work/$1.$2.ram" $dump ${MULLION_RUN_OPTIONS:-} >"$work/$1.$2.out" 2>&1
	status=$?
	serial=$work/$1.$2
	ram=$work/$1.$2.ram
}

# twice NAME: two boots say the same, to the byte.
twice() {
	run "$1" second
	rm -f "$ram"
	run "$1" first
	cmp -s "$work/$1.first" "$work/$1.second" && [ -s "$work/$1.first" ]
}

# settled NAME: two boots differed; two more say both what one of them did.
settled() {
	echo "# two boots of $1 differ; two more decide"
	mv "$work/$1.first" "$work/$1.odd"
	mv "$work/$1.second" "$work/$1.odder"
	twice "$1" && { cmp -s "$work/$1.first" "$work/$1.odd" || cmp -s "$work/$1.first" "$work/$1.odder"; }
}

# boot NAME DTS: compile it, boot it twice; the serial output must be the same to the byte. Once in some hundreds of boots
# the emulator's own threads move one interrupt by some instructions: three boots of four are enough, two of two.
boot() {
	compile "$1" "$2"
	twice "$1" || settled "$1"
	ok $? "two boots of $1 say the same, to the byte"
}

# seen PARTITION ONE OTHER: what it saw and wrote in two boots, NAME.SUFFIX each, is the same, to the byte; else what differs.
seen() {
	verification/noninterference/observed "$work/${2%.*}/system.json" "$1" "$work/$2.ram" "$work/$3.ram" >"$work/observed" 2>&1
}

# undisturbed PARTITION IDLE NAME: it saw the same in the first boots of the two. Where it did not, two more boots say, as for `boot`:
# three of four are enough.
undisturbed() {
	seen "$1" "$2.first" "$3.first" && return
	echo "# $1 did not see the same in $2 and $3; two more boots decide"
	seen_status=$status seen_serial=$serial seen_ram=$ram
	run "$2" again
	run "$3" again
	status=$seen_status serial=$seen_serial ram=$seen_ram
	seen "$1" "$2.again" "$3.again" && { seen "$1" "$2.first" "$2.again" || seen "$1" "$3.first" "$3.again"; }
	seen_status=$?
	rm -f "$work/$2.again.ram" "$work/$3.again.ram"
	return $seen_status
}

# guest_tap PREFIX: repeat what a partition reported in TAP as our own results. PREFIX: "" or "[name] ".
guest_tap() {
	sed -n "s/\r//; s/^$(printf '%s' "$1" | sed 's/[][]/\\&/g')\(ok\|not ok\) [0-9]* - /\1 /p" "$serial" \
		>"$work/guest"
	while read -r line; do
		case $line in
		'ok '*) ok 0 "${line#ok }" ;;
		*) ok 1 "${line#not ok }" ;;
		esac
	done <"$work/guest"
}

# facts FILE: standard input is kept for the bench. A counted kernel is judged, but its figures are nobody's.
facts() {
	if [ "$kernel" = "$build/kernel" ]; then cat >"$build/$1"; else cat >/dev/null; fi
}

# finish: what was kept of a failed test stays under build/system.
finish() {
	rm -f "$work"/*.ram
	exit $failed
}
