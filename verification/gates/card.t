#!/bin/sh
# The tests of network cards, against copies of the drivers with a planted defect each: one of them has to notice.
set -u
echo 1..11
. verification/gates/tap.sh
flags="-std=c11 -D_GNU_SOURCE -O1 -g -Iverification/unit/fake_ports -I$work/rtdrivers -Icore/include -Ipartitions/lib/include
	-Iverification/unit -fsanitize=address,undefined -fno-sanitize-recover=undefined"
files="pci/pci pci/message virtio-net/open virtio-net/virtio_net e1000e/open e1000e/e1000e net/card"
cp -r rtdrivers "$work"

# object SOURCE OBJECT
object() {
	# shellcheck disable=SC2086
	gcc $flags -c "$1" -o "$work/$2.o" >>"$work/log" 2>&1
}

# link TEST: with the objects that there are.
link() {
	# Word splitting is wanted: objects.
	# shellcheck disable=SC2046
	set -- "$1" $(for file in $files fake_function fake_virtio_net fake_82574; do echo "$work/$(echo "$file" | tr / -).o"; done)
	test=$1
	shift
	# shellcheck disable=SC2086
	gcc $flags "$work/$test.o" "$@" -lcmocka -o "$work/$test" >>"$work/log" 2>&1
}

# passes TEST
passes() {
	timeout 600 "$work/$1" >>"$work/log" 2>&1
}

# notices TEST FILE EXPRESSION SENTENCE: with this change of the source, the test fails.
notices() {
	: >"$work/log"
	name=$(echo "$2" | tr / -)
	sed "$3" "rtdrivers/$2.c" >"$work/rtdrivers/$2.c"
	! cmp -s "$work/rtdrivers/$2.c" "rtdrivers/$2.c" && object "$work/rtdrivers/$2.c" "$name" && link "$1" && ! passes "$1"
	ok $? "$4"
	cp "rtdrivers/$2.c" "$work/rtdrivers/$2.c"
	object "rtdrivers/$2.c" "$name"
}

: >"$work/log"
for name in $files; do
	object "rtdrivers/$name.c" "$(echo "$name" | tr / -)"
done
for name in fake_function fake_virtio_net fake_82574 test_e1000e test_card; do
	object "verification/unit/$name.c" "$name"
done
link test_e1000e && passes test_e1000e && link test_card && passes test_card
ok $? "without a defect, all of them pass"

notices test_e1000e e1000e/e1000e 's/ &&$/ \&\& true;/; /bytes <= E1000E_FRAME_BYTES;/d' \
	'a length that nobody checks is noticed'
notices test_e1000e e1000e/e1000e 's/ || card->outstanding == 0 ||/ ||/' 'a frame taken back that was never given is noticed'
notices test_e1000e e1000e/e1000e 's/card->outstanding == E1000E_DEPTH - 1/card->outstanding == E1000E_DEPTH/' \
	'a ring that is filled to the brim, which reads as empty, is noticed'
notices test_e1000e e1000e/e1000e 's/tell(card, RDT, index)/tell(card, RDT, card->take)/' \
	'a receive ring that becomes empty by offering all is noticed'
notices test_e1000e e1000e/e1000e 's/= (uintptr_t)card->receive_buffers\[index\]/= card->received[index].address/' \
	'an address taken from the device is noticed'
notices test_e1000e e1000e/e1000e 's/__builtin_memset(buffer, 0, WIRE_LEAST)/;/' 'old bytes behind a short frame are noticed'
notices test_e1000e e1000e/open 's/^\tring(card, TDBAL, card->sent);//' 'a ring that the device is not told is noticed'
notices test_e1000e e1000e/open 's/high & RAH0_VALID && //' 'an address that is not valid is noticed'
notices test_card net/card 's/return e1000e_drives(function) \&\& /return /' 'a driver for everything is noticed'
notices test_card net/card 's/^\tcard->kind = CARD_NONE;//' 'a card that stays open without having started is noticed'
exit $status
