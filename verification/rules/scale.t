#!/bin/sh
# A cluster of 1,024 nodes with 5,000 locks of 16 participants each is one description, judged as a small one is.
. verification/rules/lib.sh
echo 1..7

many() {
	verification/bench/many-locks --nodes 1024 --groups 16 --sharers 16 --locks 5000 --image idle.elf
}

many >"$work/many.dts"
"$MULLION" explain -D NODE=700 "$work/many.dts" >"$work/explained" 2>"$work/said"
ok $? "1,024 nodes with 5,000 locks break no rule"
[ ! -s "$work/said" ] || sed 's/^/# /' "$work/said" | head -5
grep -q '^Locks: this is node 700 of 1024' "$work/explained" &&
	grep -q '5000 locks in 16 groups, 1024 participants at 1024 nodes, 1 of them here' "$work/explained"
ok $? "it is told which node is explained, and of how many"
[ "$(grep -c '^lock-[0-9]* *client *node@' "$work/explained")" = 80000 ]
ok $? "each of the 80,000 waits is told"
[ "$(grep -c '^Lock group group-' "$work/explained")" = 16 ]
ok $? "and each of the 16 groups"
verification/peers/many 5000 >"$work/peers.dts"
"$MULLION" check -D NODE=1 "$work/peers.dts" >"$work/said" 2>&1
ok $? "nor does the cluster whose recovery is compared with a peer's"
[ ! -s "$work/said" ] || sed 's/^/# /' "$work/said" | head -5

# Planted: one rank twice, far down; one deadline that cannot be met.
many | sed 's/rank = <4711>/rank = <4712>/' >"$work/planted.dts"
line=$(grep -n 'rank = <4712>' "$work/planted.dts" | sed -n '2s/:.*//p')
said=$("$MULLION" check "$work/planted.dts" 2>&1)
[ $? = 1 ] && [ "$(echo "$said" | wc -l)" = 1 ] && echo "$said" | grep -q "planted.dts:$line:.*\[lock-rank\]"
ok $? "a rank that two of 5,000 locks have is found, at its line"
many | sed '/lock-4000 {/,/};/s/discipline/deadline-ns = <us(50)>; discipline/' >"$work/planted.dts"
said=$("$MULLION" check "$work/planted.dts" 2>&1)
[ $? = 1 ] && [ "$(echo "$said" | wc -l)" = 1 ] &&
	echo "$said" | grep -q '\[lock-deadline\] client and 15 more wait for lock-4000 '
ok $? "a deadline that one of 5,000 locks does not keep is found, and told once"
exit $failed
