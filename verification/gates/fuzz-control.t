#!/bin/sh
# The control partition's line handler, fuzzed, the same every time; and fuzzers of copies with a planted defect
# each, which have to find it.
set -u
echo 1..6
fuzzed=control
sources=partitions/control
longest=1400
enough=-runs=1000000
. verification/gates/fuzz.sh

sound -runs=30000 '30,000 scripts of lines find no fault'
sed -n 's/^stat::number_of_executed_units/# inputs/p' "$work/log"

finds request.c 's/if (r->count == REQUEST_MEMBERS)/if (r->count > 4 * REQUEST_MEMBERS)/' \
	'members beyond their array are found'
finds session.c 's/if (session->used == LINE_BYTES - 1)/if (session->used == LINE_BYTES + 1)/' \
	'a line beyond its buffer is found'
finds auth.c 's/if (seq->number <= auth->last_seq)/if (seq->number == 0)/' 'a request that counts twice is found'
finds commands.c 's/if (p == NO_PARTITION || p != a->control->node.self)/if (true)/' \
	'a command against control itself is found'
finds commands.c 's/if (attach == NULL || !may_attach(a))/if (attach == NULL)/' 'a peer that takes the attachments of another is found'
exit $status
