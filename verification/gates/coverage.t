#!/bin/sh
# The coverage chain on a small program: our emitter against gcc's own, then every way a gate must fail.
set -u
echo 1..13
here=$(pwd)/verification/coverage
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0

report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}
holds() { what=$1; shift; "$@" >log 2>&1; report $? "$what"; [ "$ok" = quiet ] || sed 's/^/# /' log; }
fails() { what=$1; shift; "$@" >log 2>&1; [ $? -eq 1 ]; report $? "$what"; }
ok=quiet

mkdir core
cat >core/subject.c <<'END'
int classify(int value);
int classify(int value)
{
	int class = 0;

	if (value > 100)
		class = 2;
	else if (value > 10)
		class = 1;
	return class;
}
int never(int value);
int never(int value)
{
	return value * 3;
}
END
cat >main.c <<'END'
#include <stdlib.h>
int classify(int value);
int never(int value);
int main(int argc, char **argv)
{
	for (int i = 0; i < 1000; i++)
		classify(i % 50 + (argc > 1 ? atoi(argv[1]) : 0));
	if (argc > 2)
		never(1);
#ifdef EMIT
	void coverage_emit(void);
	coverage_emit();
#endif
	return 0;
}
END
cat >put.c <<'END'
#include <stdio.h>
#include "gcov_emit.h"
void coverage_put(const void *data, size_t bytes)
{
	fwrite(data, 1, bytes, stdout);
}
END
cat >info.ld <<'END'
SECTIONS { .gcov_info : { __gcov_info_start = .; KEEP(*(.gcov_info)) __gcov_info_end = .; } } INSERT AFTER .data;
END

counted="-Og -fprofile-arcs -ftest-coverage -fprofile-update=atomic -frandom-seed=subject"
mkdir ours theirs
{
	gcc $counted -fprofile-info-section=.gcov_info -c core/subject.c -o ours/subject.o &&
	gcc -O2 -ffreestanding -mgeneral-regs-only -c "$here/gcov_emit.c" -o emit.o &&
	gcc -O2 -DEMIT -I"$here" main.c put.c emit.o ours/subject.o -Wl,-T,info.ld -o ours/program &&
	gcc $counted -c core/subject.c -o theirs/subject.o &&
	gcc -O2 main.c theirs/subject.o -lgcov --coverage -o theirs/program
} >log 2>&1
report $? "the emitter links without libgcov"
sed 's/^/# /' log

ours/program 60 >boot1 && theirs/program 60
"$here/split" boot1 >log 2>&1
counts() { gcov-dump -l "$1/subject.gcda" | sed -n 's/^[^:]*: *\(.*FUNCTION\|.*COUNTERS\|  *[0-9].*\)/\1/p' |
	sed '/^ *[0-9a-f]*:  *stamp/d'; }
counts ours >ours.txt; counts theirs >theirs.txt
holds "its records are those of libgcov" sh -c 'test -s ours.txt && grep -q "180 820 820" ours.txt && cmp ours.txt theirs.txt'

ours/program 0 >boot2
holds "two boots are read" "$here/split" boot1 boot2
gcov -o ours core/subject.c >log 2>&1
holds "two boots add up" grep -q '2000: *2:int classify' subject.c.gcov
{ echo 'booting SGC... SGCX'; cat boot1; echo 'bye'; } >noisy
holds "records are found among other output" "$here/split" noisy

head -c 60 boot1 >short
fails "a dump that breaks off is refused" "$here/split" short
python3 - <<'END'
import struct
data = open("boot1", "rb").read()
at = data.find(b"SGCV")
name, size = struct.unpack_from("<II", data, at + 4)
open("lost", "wb").write(data[:at] + data[at + 12 + name + size:])
open("outside", "wb").write(data.replace(data[at + 12:at + 12 + name], b"/" * (name - 10) + b"out12.gcda"))
END
fails "a dump with a record lost is refused" "$here/split" lost
fails "a name outside the build is refused" "$here/split" outside

trace() {
	rm -f ours/subject.gcda
	"$here/split" "$@" >/dev/null && lcov --quiet --capture -d ours -o all.info >log 2>&1
}
: >none
echo 'core/subject.c | never() | planted: called by nobody' >reasons
ours/program 60 x >full1; ours/program 0 x >full2
trace full1 full2 2>/dev/null
ours/program 200 x >full3; trace full1 full2 full3
holds "a program run through and through passes without reasons" "$here/gate" all.info none core=100
fails "a reason that excuses nothing any more fails" "$here/gate" all.info reasons core=100
ours/program 200 >boot3; trace boot1 boot2 boot3
fails "an uncovered line without a reason fails" "$here/gate" all.info none core=50
holds "with its reason it passes" "$here/gate" all.info reasons core=50
fails "a share below its limit fails, reason or not" "$here/gate" all.info reasons core=95
