#!/bin/sh
# A partition begins anew, warm or cold, on CPUs it shares or owns, by every way that leads there: cold,
# nothing is left of its former life; warm, all is; and its neighbour's samples are the same to the tick.
# A node that resets itself knows what happened before.
. verification/system/lib.sh

deployments=verification/system/deployments

# framed NAME WITNESS LIVES HEALTH [WATCHDOG]: what the subject does, and what answers it.
framed() {
	sed "s/WITNESS/$2/; s/LIVES/$3/; s/HEALTH/$4/; s/WATCHDOG/${5:-}/" \
		$deployments/restart-framed.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	guest_tap ""
}

# owned NAME MODE WITNESS LIVES HEALTH [WATCHDOG]: the same with two CPUs of its own; MODE is the witness's.
owned() {
	cpus='cpus = <0>;'
	schedules=
	if [ "$2" = framed ]; then
		cpus=
		schedules='schedules { normal: normal { major-frame-ns = <us(500)>; cpu@0 {
			window@0 { partition = <\&witness>; duration-ns = <us(200)>; }; }; }; };'
	fi
	sed "s/WITNESS_MODE/$2/; s/WITNESS_CPUS/$cpus/; s/SCHEDULES/$(echo $schedules)/; s/WITNESS/$3/;
		s/LIVES/$4/; s/HEALTH/$5/; s/WATCHDOG/${6:-}/" \
		$deployments/restart-owned.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	guest_tap ""
}

three='escalate-count = <3>; escalate-within-ns = <ms(500)>; escalate-action = "stop";'

plan 82
framed cold expect=cold '' 'on-raise = "restart-cold";'
framed warm expect=warm '' 'on-raise = "restart-warm";'
framed hang 'expect=cold how=hang' how=hang 'on-watchdog = "restart-cold";' 'watchdog-ns = <ms(5)>;'
# The third request within half a second is answered by a stop: event 6 or 7, action 2.
framed third 'expect=cold lives=3 restarts=2 reason=1538' '' "on-raise = \"restart-cold\"; $three"
framed ended 'expect=cold how=exit lives=3 restarts=2 reason=1794' how=exit "on-exit = \"restart-cold\"; $three"
owned owned-cold owned expect=cold '' 'on-raise = "restart-cold";'
owned owned-warm owned expect=warm '' 'on-raise = "restart-warm";'
owned owned-hang framed 'expect=cold how=hang lives=3 restarts=2' 'how=hang lives=3' \
	'on-watchdog = "restart-cold";' 'watchdog-ns = <ms(20)>;'

# beside MODE: a neighbour's samples, beside a partition that does that.
beside() {
	sed "s/MODE/$1/; s/HEALTH/$2/" $deployments/restart-beside.dts.in >"$work/$1.dts"
	boot "$1" "$work/$1.dts"
	grep '^\[watch\] ' "$serial" >"$work/$1.samples"
	mv "$ram" "$work/$1.beside.ram"
}
deltas() {
	verification/system/deltas "$work/spin/system.json" watch "$work/spin.beside.ram" "$1"
}
beside spin ''
[ "$(wc -l <"$work/spin.samples")" -ge 3 ] && grep -q '"samples":\[\[' "$work/spin.samples"
ok $? 'there are samples to compare'
for mode in triple wild; do
	beside $mode 'on-triple-fault = "restart-cold"; on-memory-violation = "restart-cold";'
	says "$serial" '^\[mullion\] health: victim: .*; restarts from its image \(10 times\)' \
		"$mode: the victim is restarted many times"
	cmp -s "$work/spin.samples" "$work/$mode.samples"
	ok $? "$mode: the neighbour's samples are unchanged"
	deltas "$work/$mode.beside.ram" >"$work/$mode.deltas"
	ok $? "$mode: none is another by a tick, as its memory has them"
	restarts=$(sed -n 's/.*restarts from its image (\([0-9]*\) times).*/\1/p' "$serial" | tail -n 1)
	printf '%s"%s": {"restarts": %d, "samples": %s}' "${beside_json:+, }" $mode "${restarts:-0}" \
		"$(cat "$work/$mode.deltas")" >"$work/$mode.json"
	beside_json=$beside_json$(cat "$work/$mode.json")
done
sed 's/\([0-9]\)\]\]/9\1]]/' "$work/spin.samples" >"$work/altered"
! cmp -s "$work/spin.samples" "$work/altered"
ok $? 'a sample altered by a tick is noticed'
verification/noninterference/alter "$work/spin/system.json" watch "$work/wild.beside.ram"
deltas "$work/wild.beside.ram" >"$work/altered"
[ $? -eq 1 ] && grep -q '"delta": 1,' "$work/altered" && noticed=true
ok $? 'and in memory, too'
printf '{"self_test": %s, "beside": {%s}}\n' ${noticed:-false} "$beside_json" | facts restart.json

# A disk's driver begins anew with a disk that was reset, three times: what it says is the same each time.
# driven NAME INCLUDED: the deployment NAME of the disk's test, whose partition INCLUDED describes.
driven() {
	answer='on-exit = "restart-cold"; escalate-count = <3>; escalate-action = "shutdown";
		escalate-within-ns = \/bits\/ 64 <20000000000>;'
	sed "s/on-exit = \"shutdown\";/$(echo $answer)/" "$deployments/$2" >"$work/$2"
	sed 's/ count"/"/' "$deployments/$1.dts" >"$work/driven-$1.dts"
	compile "driven-$1" "$work/driven-$1.dts"
	run "driven-$1" first # once: the disk answers in its own time
	! grep -q 'not ok' "$serial" && [ "$(grep -c 'ok [0-9]* - every_byte_reads_back' "$serial")" -eq 3 ] &&
		[ "$(grep -c 'ok 20 - the_controller_stops_in_good_order' "$serial")" -eq 3 ]
	ok $? "$1: three lives drive the disk, and each says that all is well"
	[ $status -eq 0 ]
	ok $? "$1: the third ends the node"
}
driven nvme-vtd nvme.dtsi
driven nvme-amdvi nvme-control.dtsi

# How long QEMU takes over a reset is its own affair; all else is the same twice.
timeless() {
	sed 's/, [0-9]* at kernel entry//; s/, at [0-9]*;/;/' "$1"
}
MULLION_RUN_OPTIONS=--reboot
compile reset $deployments/restart-reset.dts
run reset second
run reset first
timeless "$work/reset.second" >"$work/timeless"
timeless "$work/reset.first" | cmp -s - "$work/timeless" && [ -s "$work/timeless" ]
ok $? 'two boots of reset say the same, but for the ticks after a reset'
guest_tap ""
says "$serial" '^before: this node was reset; boot 3 of this image' 'the next boot says that there was one before'
says "$serial" '^before: test: raised by the partition 0xb008, .*; the node is reset' 'and what ended it'
[ "$(grep -c '^before: test' "$serial")" -eq 2 ]
ok $? 'each boot is told of once'
[ $status -eq 0 ]
ok $? 'and the node ends well when it does'
MULLION_RUN_OPTIONS=
run reset ended
[ $status -ne 0 ] && grep -q 'the node reset (--reboot lets it go on)' "$work/reset.ended.out"
ok $? 'without --reboot, mullion run ends there and says so'

# Self-test: a cold restart judged as a warm one.
sed 's/WITNESS/expect=warm/; s/LIVES//; s/HEALTH/on-raise = "restart-cold";/; s/WATCHDOG//' \
	$deployments/restart-framed.dts.in >"$work/planted.dts"
boot planted "$work/planted.dts"
says "$serial" '^not ok 2 - a_life_finds_of_the_one_before_what_it_should' 'memory that is not kept is noticed'
finish
