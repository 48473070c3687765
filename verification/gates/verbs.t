#!/bin/sh
# The tests of verbs, lanes and local links, against copies with a planted defect each: one of them has to notice.
set -u
echo 1..34
. verification/gates/tap.sh
flags="-std=c11 -D_GNU_SOURCE -O1 -I$work/rtdrivers -Ipartitions/lib/include -Iverification/unit"
engine="answers ah context cq engine local local_serve message mr names post qp requester resource responder headers packet"
connection="connection connection_message connection_pool connection_qp connection_take connection_wire cm mad fields"
port="lanes vlarb bucket neighbour port straight roce ib crc"

# compile SOURCE OBJECT
compile() {
	# shellcheck disable=SC2086
	gcc $flags -c "$1" -o "$2" >>"$work/log" 2>&1
}

# objects NAME...: of the driver's files
objects() {
	for name in "$@"; do
		echo "$work/$name.o"
	done
}

# run TEST: link it with the objects that there are, and run it.
run() {
	files="$engine"
	pair=$work/verbs_pair.o
	if [ "$1" = test_vlarb ]; then
		files="vlarb bucket"
		pair=
	fi
	[ "$1" != test_lanes ] && [ "$1" != test_roce_port ] && [ "$1" != test_straight ] || files="$engine $port"
	[ "$1" != test_straight ] || pair="$pair $work/long_port.o"
	if [ "$1" = test_connection ]; then
		files="$engine $connection"
		pair="$pair $work/connection_pair.o"
	fi
	# shellcheck disable=SC2046,SC2086
	gcc "$work/$1.o" $pair $(objects $files) "$work"/inet-*.o -lcmocka -o "$work/$1" >>"$work/log" 2>&1 || return 99
	timeout 600 "$work/$1" >>"$work/log" 2>&1
}

# notices TEST FILE EXPRESSION SENTENCE: with this change of the source, the test fails.
notices() {
	: >"$work/log"
	sed "$3" "rtdrivers/ib/$2.c" >"$work/rtdrivers/ib/$2.c"
	if cmp -s "$work/rtdrivers/ib/$2.c" "rtdrivers/ib/$2.c" || ! compile "$work/rtdrivers/ib/$2.c" "$work/$2.o"; then
		echo "# $3 changes nothing of $2.c, or does not compile"
		ok 1 "$4"
	else
		run "$1"
		[ $? -ne 99 ] && grep -q '^not ok\|Terminated\|exception' "$work/log"
		ok $? "$4"
	fi
	cp "rtdrivers/ib/$2.c" "$work/rtdrivers/ib/$2.c"
	compile "$work/rtdrivers/ib/$2.c" "$work/$2.o"
}

cp -r rtdrivers "$work"
: >"$work/log"
for name in $engine $connection $port; do
	compile "$work/rtdrivers/ib/$name.c" "$work/$name.o"
done
for name in rtdrivers/inet/*.c; do
	compile "$name" "$work/inet-$(basename "$name" .c).o"
done
for name in verbs_pair connection_pair long_port test_connection test_roce_port test_straight test_verbs test_verbs_link test_verbs_local test_vlarb test_lanes; do
	compile "verification/unit/$name.c" "$work/$name.o"
done
run test_verbs && run test_verbs_link && run test_verbs_local && run test_vlarb && run test_lanes && run test_connection && run test_roce_port && run test_straight
ok $? "without a defect, all of them pass"

notices test_verbs_link answers 's/ && !is_read(send_entry(qp, r->head))//' 'an acknowledgement that skips a READ is noticed'
notices test_verbs_link resource 's/^\t\tresource->next = 0;/\t\tresource->result = execute(qp, packet);&/' \
	'an atomic that is done twice is noticed'
notices test_verbs_link responder 's/if (ahead < 0)/if (ahead < -1)/' 'a duplicate that is done again is noticed'
notices test_verbs_link requester 's/++r->silent >= PORTION_PACKETS/++r->silent > 4 * PORTION_PACKETS/' \
	'acknowledgements asked for too seldom are noticed'
notices test_verbs_link answers 's/qp->requester.retries--;/;/' 'retransmission without an end is noticed'
notices test_verbs_link responder 's/if (!qp->responder.complained)/if (qp->responder.complained)/' \
	'a gap that nobody complains about is noticed'
notices test_verbs engine 's/ && ((own | pkey) & IB_PKEY_FULL) != 0//' 'limited members that speak are noticed'
notices test_verbs post 's/ || qp->send_cq->room == 0//' 'a completion queue that overruns is noticed'
notices test_verbs requester 's/(entry->flags & IBV_SEND_FENCE) && r->reads != 0/false/' 'a fence that holds nothing is noticed'
notices test_verbs_local local_serve 's/if (!(qp->attr.qp_access_flags & IBV_ACCESS_REMOTE_READ))/if (false)/' \
	'a right that is not asked for is noticed in a local link'
notices test_verbs_local local_serve 's/ != link->peer_life)/ == 0)/' 'a new life that is taken for the old one is noticed'
notices test_vlarb vlarb 's/(entry->weight - 1u) + in_units(most)/entry->weight/' 'a bound without what entries oversend is noticed'
notices test_vlarb vlarb 's/return gap + low_packets/return 3 * gap + low_packets/' 'an idle bound is noticed'
notices test_vlarb vlarb 's/if (high \&\& !(low \&\& arbiter->high_left <= 0))/if (high)/' 'a limit that low never sees is noticed'
notices test_vlarb bucket 's/room)$/room * 2)/' 'a bucket that overflows is noticed'
notices test_lanes lanes 's/^\t\t\tbucket_take(&lanes->owners\[i\].bucket, now_ticks, bytes);//' 'a sender who does not pay is noticed'
notices test_lanes lanes 's/queue_pairs |= lanes->owners\[i\].queue_pairs;/queue_pairs = ~0ull;/' \
	'a queue pair that sends without an owner is noticed'
notices test_lanes lanes 's/table->entries\[i\].vl == vl && //' 'an SL that is on no lane is noticed'
notices test_connection connection_qp 's/.rq_psn = connection->receive_psn/.rq_psn = connection->send_psn/' \
	'packet numbers the wrong way round are noticed'
notices test_connection connection_take 's/connection == NULL || connection->remote_id != dreq->local_id/connection == NULL/' \
	'a stranger who ends a connection is noticed'
notices test_connection connection_take 's/? again(connection)$/? CONNECTION_DROP_AGAIN/' 'what comes again and is not answered is noticed'
notices test_connection connection 's/^\t\tconnection->retries--;//' 'a message that is said again for ever is noticed'
notices test_connection connection 's/ && last <= owner->ranges\[i\].last//' 'an owner that listens outside of its range is noticed'
notices test_connection connection_pool 's/(table->generation + 1)/table->generation/' 'a number given out twice is noticed'
notices test_connection connection_take 's/connection->patience--;//' 'a peer that is waited for for ever is noticed'
notices test_roce_port port 's/neighbour->tries--;//' 'a question without an end is noticed'
notices test_roce_port engine 's/ && !(context->waiting >> i & 1)//' 'time that runs for who has to wait is noticed'
notices test_roce_port port 's/port->asking.tries == 0 || !is_on_link(port, gid)/false/' 'a question beyond a router is noticed'
notices test_roce_port port 's/now_ticks + port->asking.pause_ticks/0/' 'a silent neighbour that is never left alone is noticed'
notices test_straight straight 's/if (pad_bytes != 0)/if (false)/' 'padding that the short way leaves is noticed'
notices test_straight straight 's/ && has_pkey(qp, (uint16_t)first)//' 'a P_Key that the short way does not look at is noticed'
notices test_straight straight 's/r->retries = qp->attr.retry_cnt;//' 'retries that the short way does not give back are noticed'
notices test_straight straight 's/((entry->flags & IBV_SEND_FENCE) == 0 || r->reads == 0)/true/' \
	'a fence that the short way goes through is noticed'
exit $status
