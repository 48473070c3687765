#!/bin/sh
# Ports between partitions on owned and framed CPUs: hundreds of thousands of messages, none torn, lost or
# twice; peers that die amidst a message, and peers that lie; overflow, validity, and what it costs.
. verification/system/lib.sh

deployments=verification/system/deployments

# hammer NAME KIND COUNT BYTES DEPTH PLANT: messages of BYTES, between CPUs of that KIND.
hammer() {
	mkdir -p "$work/$1.in"
	sed "s/COUNT/$3/; s/BYTES/$4/; s/DEPTH/$5/; s/PLANT/$6/" $deployments/ports-hammer.dtsi.in \
		>"$work/$1.in/ports-hammer.dtsi"
	cp "$deployments/ports-$2.dts" "$work/$1.in/$1.dts"
	${7:-boot} "$1" "$work/$1.in/$1.dts"
}

once() {
	compile "$1" "$2"
	run "$1" first
}

# judged NAME: what both readers found.
judged() {
	guest_tap "[reader] "
	guest_tap "[second] "
	[ "$status" -eq 0 ]
	ok $? "$1: the node ends well"
}

# at_least NUMBER NAME WHAT SENTENCE: the partition NAME counted that many WHAT, so the case occurred.
at_least() {
	sed -n "s/^\[$2\] # .*[ :]\([0-9][0-9]*\) $3.*/\1/p" "$serial" >"$work/counted"
	awk -v least="$1" '{ good = $1 >= least } END { exit !good }' "$work/counted"
	ok $? "$4"
}

plan 103
hammer owned owned 100000 64 256 ''
judged owned
at_least 1000 reader 'beside an unfinished' 'owned: the reader read while the writer wrote'
hammer mixed mixed 100000 64 256 ''
judged mixed
at_least 1000 reader 'beside an unfinished' 'mixed: the reader read while the writer stood still amidst a message'
at_least 50 second 'read twice' "mixed: the second reader's windows ended amidst reads"
hammer framed framed 100000 64 256 ''
judged framed
at_least 1000 reader 'beside an unfinished' 'framed: the reader read where the writer had been interrupted'
at_least 50 reader 'read twice' "framed: the reader's windows ended amidst reads"
at_least 50 second 'read twice' "framed: the second reader's windows ended amidst reads"
hammer long framed 10000 936 64 '' once
judged long
at_least 50 reader 'read twice' "long: the reader's windows ended amidst reads"

boot death $deployments/ports-death.dts
guest_tap "[mourn] "
says "$serial" '^\[mullion\] health: writer: memory violation: read at 0x800000' 'the writer was stopped for leaving its memory'
says "$serial" '^\[mullion\] health: sender: memory violation: read at 0x800000' 'and so was the sender'
boot overflow $deployments/ports-overflow.dts
guest_tap "[flood] "
guest_tap "[drain] "
boot hostile $deployments/ports-hostile.dts
guest_tap ""
boot cost $deployments/ports-cost.dts
guest_tap ""
for name in port apex; do
	for what in sampling_write sampling_read queuing_send queuing_receive; do
		says "$serial" "^\{\"stream\":\"$name.$what\".*\"n\":10000,.*\"complete\":true" "$name.$what is measured"
	done
done
sed -n 's/\r//; s/^{"stream":"\([a-z_.]*\)".*/"\1": &/p' "$serial" | sed '1s/^/{/; $!s/$/,/; $s/$/}/' | facts ports.json

# Self-test: a reader that does not look back at the writer must be found out.
hammer planted framed 50000 64 256 plant=1 once
says "$serial" '^\[reader\] not ok [0-9]+ - no_message_is_torn' 'torn messages are noticed where they are'
says "$serial" '^\[second\] ok [0-9]+ - no_message_is_torn' 'and only there'
[ "$status" -ne 0 ]
ok $? 'and the node says so by its status'
finish
