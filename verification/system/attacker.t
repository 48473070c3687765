#!/bin/sh
# A partition that tries every illegal act, one after another: each is contained, on an owned CPU and in
# windows, and who has windows beside it sees, to the byte, what it sees beside one that does nothing. Then the
# acts that end a partition or never end, one deployment each.
. verification/system/lib.sh
. verification/system/attack.sh

deployments=verification/system/deployments
observed=verification/noninterference/observed
least=300

# beside NAME ACTION ARGS: the deployment in windows, with those arguments and that on-memory-violation.
beside() {
	sed "s/ARGS/$3/; s/SAMPLES/$samples/; s/WHEN_DONE/shutdown/; s/ACTION/$2/" \
		$deployments/attacker-framed.dts.in >"$work/$1.dts"
}

# same NAME: `watch` saw beside NAME what it saw beside the idle one.
same() {
	undisturbed watch idle "$1"
	ok $? "$1: the neighbour's memory, samples and console are the same to the byte"
	[ $failed -eq 0 ] || sed 's/^/# /' "$work/observed"
}

# last ACT ACTION PATTERN: the partition's last act; it is stopped for that reason, or (no pattern) by nothing.
last() {
	beside "$1" "$2" "groups=none last=$1"
	compile "$1" "$work/$1.dts"
	run "$1" first
	dd if="$ram" bs=1M skip=4 count=4 status=none | strings -n 8 >"$work/$1.log.text"
	if [ -n "$3" ]; then
		grep -Eq "^health: attacker: $3.*; stopped\$" "$work/$1.log.text"
		ok $? "$1: it is stopped, and why is on the log"
	else
		! grep -q '^health: attacker: .*; stopped$' "$work/$1.log.text"
		ok $? "$1: it goes on"
	fi
	[ $status -eq 0 ]
	ok $? "$1: the other one ends the node as ever"
	same "$1"
	rm -f "$ram"
}

plan 39
boot owned $deployments/attacker-owned.dts
acts owned $least
rm -f "$ram"

# Self-test: an act that ends otherwise than its table says is not contained.
sed 's/image = "attacker.elf";/& args = "wrong=7 groups=hypercalls,cpuid";/' $deployments/attacker-owned.dts \
	>"$work/wrong.dts"
cp $deployments/one-owned.dtsi "$work"
compile wrong "$work/wrong.dts"
run wrong first
[ "$(grep -c '^not ok 7 ' "$serial")" -eq 1 ] && [ "$(grep -c '^not ok' "$serial")" -eq 1 ]
ok $? 'an act that ends otherwise than expected is shown as not contained'
[ $status -ne 0 ]
ok $? 'and fails the run'
rm -f "$ram"

samples=220
beside idle inject 'groups=none last=halt-deaf'
compile idle "$work/idle.dts"
run idle first
beside framed inject 'console=uart'
boot framed "$work/framed.dts"
acts framed $least
same framed
rm -f "$ram"
write_acts attack.json

samples=12
beside idle inject 'groups=none last=halt-deaf'
compile idle "$work/idle.dts"
run idle first
last triple-fault stop 'triple fault'
last jump-abroad stop 'memory violation: jump at 0xf8000000'
last write-abroad stop 'memory violation: write at 0xf8000000'
last exit stop 'exit 0xffffffffffffffff'
last gates-abroad inject 'triple fault'
last tables-abroad inject 'triple fault'
last stack-abroad inject 'exit 0x1'
last timer-storm inject ''
last spin-deaf inject ''

# Self-test: one sample later by a tick, and it is not the same.
verification/noninterference/alter "$work/idle/system.json" watch "$work/idle.first.ram"
run idle second
$observed "$work/idle/system.json" watch "$work/idle.first.ram" "$ram" >"$work/altered"
[ $? -eq 1 ]
ok $? 'a sample altered by a tick is noticed'
finish
