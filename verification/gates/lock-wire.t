#!/bin/sh
# The tests of the locks' wire and router, against copies with a planted defect each: they have to notice.
set -u
echo 1..16
. verification/gates/tap.sh
flags="-std=c11 -D_GNU_SOURCE -O1 -w -I$work -Irtdrivers -Ipartitions/lockd/include -Ipartitions/lib/include -Iverification/unit"
units="answers ah context cq engine message mr neighbour names local local_serve post qp requester resource responder headers
	packet port straight roce ib crc"

# compile SOURCE OBJECT
compile() {
	# shellcheck disable=SC2086
	gcc $flags -c "$1" -o "$work/$2.o" >>"$work/log" 2>&1
}

# run TEST: link it with the objects that there are, and run it.
run() {
	gcc "$work/$1.o" "$work"/lib.*.o -lcmocka -o "$work/$1" >>"$work/log" 2>&1 || return 99
	timeout 600 "$work/$1" >>"$work/log" 2>&1
}

# notices TEST FILE EXPRESSION SENTENCE: with this change of the source, the test fails.
notices() {
	: >"$work/log"
	original=partitions/lockd/$2/$2.c
	sed "$3" "$original" >"$work/$2.c"
	if cmp -s "$work/$2.c" "$original" || ! compile "$work/$2.c" "lib.$2"; then
		echo "# $3 changes nothing of $2.c, or does not compile"
		ok 1 "$4"
	else
		run "$1"
		result=$?
		[ $result -ne 99 ] && [ $result -ne 0 ]
		ok $? "$4"
	fi
	compile "$original" "lib.$2"
}

: >"$work/log"
for name in $units; do
	compile "rtdrivers/ib/$name.c" "lib.$name"
done
for file in rtdrivers/inet/*.c partitions/lockd/engine/*.c; do
	compile "$file" "lib.$(basename "$(dirname "$file")").$(basename "$file" .c)"
done
compile partitions/lockd/wire/wire.c lib.wire
compile partitions/lockd/router/router.c lib.router
compile partitions/lockd/api/image.c lib.image
compile verification/unit/lock_world.c lib.world
compile verification/unit/lock_net.c lib.net
compile verification/unit/test_lock_wire.c test_lock_wire
compile verification/unit/test_lock_router.c test_lock_router
run test_lock_wire && run test_lock_router
ok $? "without a defect, they pass"

notices test_lock_wire wire 's/octets_read32(in->grh + SOURCE_AT) != w->node_rows\[node\].ipv4 ||/0 ||/' \
	'a sender whose address is not compared is noticed'
notices test_lock_wire wire 's/wc->src_qp != LOCK_WIRE_QPN/0/' 'a queue pair that is not compared is noticed'
notices test_lock_wire wire 's/wc->byte_len != IBV_GRH_BYTES + LOCK_MESSAGE_BYTES/0/' 'a short message that is taken is noticed'
notices test_lock_wire wire 's/if (!lock_wire_has_room(wire))/if (0)/' 'an outbox that overflows is noticed'
notices test_lock_wire wire 's/node >= w->nodes || node == w->node/node >= w->nodes/' 'a message from oneself that is taken is noticed'
notices test_lock_wire wire 's/return differs == 0;/return true;/' 'headers that are not compared are noticed'
notices test_lock_wire wire 's/!is_icrc(frame)/0/' 'an ICRC that is not compared is noticed'
notices test_lock_wire wire 's/frame\[PSN_AT + 1\] = /frame[PSN_AT] = /' 'a packet number that is none is noticed'
notices test_lock_router router 's/if (owner(r->tables, m) != participant)/if (0)/' \
	'a participant that speaks for another is noticed'
notices test_lock_router router 's/if (now_ns < r->quiet_end_ns)/if (0)/' 'a participant that speaks too early is noticed'
notices test_lock_router router 's/if (m->node != from || from == r->node)/if (0)/' 'a node that speaks for another is noticed'
notices test_lock_router router 's/if (!may_lead(&r->tables->group\[m->group\], from))/if (0)/' \
	'a grant by somebody who cannot lead is noticed'
notices test_lock_router router 's/^\tm->node = r->node;//' 'a message that says not who sends it is noticed'
notices test_lock_router router 's/participant == NOBODY || r->tables->participant\[participant\].node != r->node/participant == NOBODY/' \
	'an answer for another node that is delivered here is noticed'
notices test_lock_router router 's/^\tr->due_ns = 0;//' 'a server that sleeps over a message is noticed'
exit $status
