#!/bin/sh
# A client of the rdma service that writes whatever it likes, the same every time; and fuzzers of copies with a planted
# defect each, which have to find it.
set -u
echo 1..6
fuzzed=rdma
sources=partitions/rdma/core
longest=1200
enough=-runs=1000000
. verification/gates/fuzz.sh

sound -runs=8000 '8,000 scripts of a lying client find no fault'
grep -E '^stat::number_of_executed_units' "$work/log" | sed 's/^/# /'

finds ask.c 's/ask->mr.length > bytes - ask->mr.offset/false/' 'memory beyond what is shared is found'
finds ask.c 's/access & ~(uint32_t)IBV_ACCESS_REMOTE_READ) != 0/access \& 0) != 0/' 'memory to be written that can only be read is found'
finds ask.c 's/if (attr->sl != a->client->grant->sl)/if (false)/' 'an address of another lane is found'
finds ask.c 's/return number < RDMA_QPS && /return /' 'a queue pair that is none is found'
finds rings.c 's/(send->ah < RDMA_AHS && /(/' 'an address handle that is none is found'
exit $status
