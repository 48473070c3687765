#!/bin/sh
# No call of a driver executes more than the instructions stated in its header: the longest path through the
# object code, with every loop's bound in one table. Then the tool itself, against code whose longest path is
# known, and against every defect it is there to notice.
set -u
echo 1..18
. verification/gates/tap.sh
path=verification/gates/longest-path

# judge ELF TABLE HEADERS...: what the tool says goes to the log.
judge() {
	$path "$@" >"$work/log" 2>&1
}

# refused PATTERN SENTENCE -- ELF TABLE HEADERS...: it must be refused, and why be said.
refused() {
	pattern=$1 sentence=$2
	shift 3
	judge "$@"
	[ $? -eq 1 ] && grep -Eq -- "^error: .*$pattern" "$work/log"
	ok $? "$sentence"
}

# link NAME: $work/NAME.elf from NAME.c or NAME.S, as drivers are compiled.
link() {
	source=$(ls "$work/$1".[cS])
	gcc -std=c11 -O2 -g -ffreestanding -fno-pic -no-pie -mno-red-zone -fno-stack-protector -fcf-protection=none \
		-fno-asynchronous-unwind-tables -fno-jump-tables -fno-tree-vectorize \
		-fno-tree-loop-distribute-patterns -Irtdrivers -Ipartitions/lib/include -Icore/include \
		"-ffile-prefix-map=$work=planted" "-ffile-prefix-map=$PWD=." -static -nostdlib -Wl,-e,0 -Wl,--build-id=none \
		-o "$work/$1.elf" "$source" >"$work/log" 2>&1
}

# table NAME LINES: $work/NAME with these lines.
table() {
	printf '%b' "$2" >"$work/$1"
}

judge "$build/rtdrivers/drivers.elf" rtdrivers/bounds rtdrivers/*/*.h
ok $? "every call of every driver stays within the instructions its header states"
sed 's/^/# /' "$work/log"

# What is known to the instruction.
cat >"$work/known.S" <<'END'
	.text
	.globl straight, arms, laps, nested, caller, repeated, tail
	.type straight, @function
straight:
	mov %rdi, %rax
	add $1, %rax
	ret
	.type arms, @function
arms:	test %rdi, %rdi
	jz 1f
	nop
	nop
	nop
1:	ret
	.type laps, @function
laps:	xor %eax, %eax
1:	inc %eax
	cmp %edi, %eax
	jb 1b
	ret
	.type nested, @function
nested:	nop
1:	mov $3, %ecx
2:	dec %ecx
	jnz 2b
	dec %edi
	jnz 1b
	ret
	.type caller, @function
caller:	call straight
	call arms
	ret
	.type repeated, @function
repeated:
	rep stosb
	ret
	.type tail, @function
tail:	nop
	jmp straight
	.section .note.GNU-stack, "", @progbits
END
link known
table known.table 'call straight 3\ncall arms 6\ncall laps 35\ncall nested 277\ncall caller 12\ncall repeated 18
call tail 5\nloop planted/known.S:laps 10\nloop planted/known.S:nested 10\nloop planted/known.S:repeated 16\n'
judge "$work/known.elf" "$work/known.table"
ok $? "what calls, branches, loops and repeats is counted"
printf '%s\n' 'straight: 3 of 3' 'arms: 6 of 6' 'laps: 35 of 35' 'nested: 277 of 277' 'caller: 12 of 12' \
	'repeated: 18 of 18' 'tail: 5 of 5' >"$work/expected"
cmp -s "$work/expected" "$work/log"
ok $? "to the instruction"

bad=0
for name in straight arms laps nested caller repeated tail; do
	bound=$(sed -n "s/^$name: .* of //p" "$work/expected")
	sed "s/^call $name .*/call $name $((bound - 1))/" "$work/known.table" >"$work/less.table"
	judge "$work/known.elf" "$work/less.table"
	[ $? -eq 1 ] && grep -q "^error: $name: its longest path is $bound instructions, $((bound - 1)) are stated" \
		"$work/log" || { bad=1 && break; }
done
ok $bad "one instruction more than stated is refused"

# A defect in a driver: it takes back all frames, not one.
sed 's/^\tvirtio_net_reclaim(net);/\twhile (virtio_net_reclaim(net))\n\t\t;/' rtdrivers/virtio-net/virtio_net.c \
	>"$work/frames.c"
link frames
grep -E '^call virtio_net_send |copy_' rtdrivers/bounds | sed 's,rtdrivers/virtio-net/virtio_net,planted/frames,' \
	>"$work/frames.table"
refused 'virtio_net_send: .* a loop of planted/frames.c:.* has no bound: write .loop' \
	'a loop without a bound is refused, and what to write is said' -- "$work/frames.elf" "$work/frames.table"
grep -o '`loop [^ ]*' "$work/log" | sed 's/`//; s/$/ 64 total/' >>"$work/frames.table"
refused 'virtio_net_send: its longest path is [0-9]+ instructions, 1200 are stated' \
	'with one, it is what makes the call too long' -- "$work/frames.elf" "$work/frames.table"

cat >"$work/planted.c" <<'END'
volatile int sink;
int (*hook)(int);
__attribute__((noinline)) int even(int n);
__attribute__((noinline)) int odd(int n) { sink++; return n == 0 ? 0 : even(n - 1) + sink; }
int even(int n) { sink--; return n == 0 ? 1 : odd(n - 1) + sink; }
int indirect(int n) { return hook(n) + 1; }
int again(int n)
{
	do {
		if (sink == 3)
			continue;
		sink++;
	} while (--n);
	return n;
}
__attribute__((naked)) void twice(void)
{
	__asm__("test %edi, %edi; jz 2f; 1: nop; 2: dec %esi; jnz 1b; ret");
}
__attribute__((naked)) void merged(void)
{
	__asm__("1: dec %edi; jnz 1b; dec %esi; jnz 1b; ret");
}
END
link planted
table one.table 'call odd 100\n'
refused 'odd: recursion: odd -> even -> odd' 'recursion is refused' -- "$work/planted.elf" "$work/one.table"
table one.table 'call indirect 100\n'
refused 'indirect: .* leads anywhere' 'a call through a pointer is refused' -- "$work/planted.elf" "$work/one.table"
table one.table 'call twice 100\nloop planted/planted.c:twice 4\n'
refused 'twice: a loop is entered in two places' 'a loop entered in two places is refused' \
	-- "$work/planted.elf" "$work/one.table"
table one.table 'call merged 100\nloop planted/planted.c:merged 4\n'
refused 'merged: .* 2 jumps back to one place, .* as .total' 'two loops in one want their turns together' \
	-- "$work/planted.elf" "$work/one.table"
table one.table 'call merged 100\nloop planted/planted.c:merged 4 total\n'
judge "$work/planted.elf" "$work/one.table"
ok $? 'and get them'
table one.table 'call none 3\n'
refused 'none: it is not in ' 'a call that does not exist is refused' -- "$work/known.elf" "$work/one.table"
table one.table 'call straight 3\nloop planted/known.S:laps 10\n'
refused 'planted/known.S:laps: no call comes to a loop of it' 'a bound that nothing needs is refused' \
	-- "$work/known.elf" "$work/one.table"
table one.table 'call straight 3\nloop laps\n'
refused 'one.table:2: neither' 'a line that is neither is refused, with its number' \
	-- "$work/known.elf" "$work/one.table"

# Headers.
table known.h '#define STRAIGHT_MOST (1u + TWO)\n#define TWO 2u\n\n/* As long as it is. */\nint straight(int n);\n
/*\n * Two arms. At most 6\n * instructions.\n */\nint arms(int n);\n'
table one.table 'call straight STRAIGHT_MOST\ncall arms 6\n'
judge "$work/known.elf" "$work/one.table" "$work/known.h"
ok $? 'a bound may be stated in the comment or by a macro'
table one.table 'call straight 3\ncall arms 6\n'
refused 'the comment of straight says nothing' 'a function without a stated bound is refused' \
	-- "$work/known.elf" "$work/one.table" "$work/known.h"
table one.table 'call straight STRAIGHT_MOST\ncall arms 7\n'
refused 'the comment of arms says at most 6, the table at most 7' 'another bound than the one stated is refused' \
	-- "$work/known.elf" "$work/one.table" "$work/known.h"
table one.table 'call straight STRAIGHT_MOST\n'
refused 'arms has no line' 'a function that the table does not know is refused' \
	-- "$work/known.elf" "$work/one.table" "$work/known.h"
exit $status
