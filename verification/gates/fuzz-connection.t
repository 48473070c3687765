#!/bin/sh
# The connection manager, fuzzed, the same every time; and fuzzers of copies with a planted defect each, which have to
# find it.
set -u
echo 1..5
fuzzed=connection
sources=rtdrivers/ib
longest=1600
enough=-runs=1000000
. verification/gates/fuzz.sh

sound -runs=15000 '15,000 scripts of messages find no fault'
sed -n 's/^datagrams/# &/p' "$work/log"

finds connection_pool.c 's/return is_from(connection, from) ? connection : NULL;/return connection;/' \
	'a stranger who is listened to is found'
finds connection_pool.c 's/if (when_ticks < connection->table->earliest)/if (false)/' 'a time that is forgotten is found'
finds connection.c 's/^\t\tconnection->retries--;//' 'a message that is said again for ever is found'
finds connection_take.c 's/if (connection == NULL)$/if (false)/' 'a full table that is written behind is found'
exit $status
