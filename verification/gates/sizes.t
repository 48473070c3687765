#!/bin/sh
# The kernel stays small and plain: lines, files, text, headers that stand alone, no conditional compilation in
# core, no recursion, no calls through pointers but the named ones, and a stack that suffices.
set -u
echo 1..20
. verification/gates/tap.sh

flags="-std=c11 -O2 -Icore/include -Iarch/x86/include -ffreestanding -fno-pic -mgeneral-regs-only
	-mno-red-zone -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables"

# lines_within LIMIT PATH...: all these files together
lines_within() {
	limit=$1
	shift
	total=$(cat "$@" | wc -l)
	echo "$total lines, at most $limit" >"$work/log"
	[ "$total" -le "$limit" ]
}

# files_within LIMIT PATH...: each of them
files_within() {
	limit=$1
	shift
	wc -l "$@" | awk -v limit="$limit" '$2 != "total" && $1 > limit { print; bad = 1 } END { exit bad }' >"$work/log"
}

plain() {
	! grep -nE '^[[:space:]]*#[[:space:]]*(if|ifdef|ifndef|elif)' "$@" >"$work/log"
}

stands_alone() {
	echo "#include \"$1\"" >"$work/alone.c"
	# shellcheck disable=SC2086
	gcc $flags -I. -Wall -Werror -c "$work/alone.c" -o "$work/alone.o" >"$work/log" 2>&1
}

# units FILE: indirect calls, by the function they are in
indirect() {
	objdump -d --no-show-raw-insn "$@" | awk '/^[0-9a-f]+ <.*>:$/ { name = substr($2, 2, length($2) - 3) }
		/call +\*/ || /jmp +\*/ { print name }' | sort -u
}

# call_graph DIRECTORY SOURCES: compile with stack usage; the worst path of every function.
call_graph() {
	out=$1
	shift
	mkdir -p "$out"
	for source in "$@"; do
		# shellcheck disable=SC2086
		gcc $flags -fstack-usage -fcallgraph-info=su -c "$source" -o "$out/$(echo "$source" | tr / _).o" || return 2
	done
}

cat >"$work/judge" <<'END'
import glob, re, sys
# Hand-written assembly: what it keeps on the stack, and whom it calls.
ASSEMBLY = {"svm_run": (64, ["exit_fast", "vcpu_exit"])}
# Calls through a pointer: from this file to these, in both drivers.
DRIVERS = ("vtd.c:", "amdvi.c:")
DRIVER_CALLS = ("enable", "interrupt", "take_fault", "block", "pass")
EXTRA = 8 + 5 * 8 + 512  # the return address into boot.S; an interrupt's frame; its handler
stack, calls, dynamic = {}, {}, []
for path in glob.glob(sys.argv[1] + "/*.ci"):
    text = open(path).read()
    for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]*)"', text):
        used = re.search(r"(\d+) bytes \((\S+?)\)", label)
        if used:
            stack[title] = int(used.group(1)) + 8
            if "dynamic" in used.group(2) and "bounded" not in used.group(2):
                dynamic.append(title)
    for source, target in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
        calls.setdefault(source, set()).add(target)
drivers = [t for t in stack if any(t.endswith(d + c) for d in DRIVERS for c in DRIVER_CALLS)]
for source, targets in calls.items():
    if "iommu.c:" in source and "__indirect_call" in targets:
        targets.update(drivers)
if any("iommu.c:" in t for t in stack) and len(drivers) != len(DRIVERS) * len(DRIVER_CALLS):
    print("the IOMMU drivers' functions are not all known: " + " ".join(drivers))
    sys.exit(1)
for name, (bytes_, targets) in ASSEMBLY.items():
    stack[name] = bytes_
    calls[name] = set(targets)
short = {}
for title in stack:
    short.setdefault(title.split(":")[-1], title)
def resolve(name):
    return name if name in stack else short.get(name, name)
done, path, faults = {}, [], []
def worst(name):
    name = resolve(name)
    if name in path:
        faults.append("recursion: " + " -> ".join(path[path.index(name):] + [name]))
        return 0
    if name not in done:
        path.append(name)
        done[name] = stack.get(name, 0) + max([worst(t) for t in calls.get(name, ())] or [0])
        path.pop()
    return done[name]
deepest = max((worst(n), n) for n in stack)
limit = int(sys.argv[2])
faults += ["its frame has no bound: " + n for n in dynamic]
if deepest[0] + EXTRA > limit:
    faults.append("%s needs %d bytes of stack, of %d" % (deepest[1], deepest[0] + EXTRA, limit))
print("\n".join(sorted(set(faults))) or "worst: %s, %d of %d bytes" % (deepest[1], deepest[0] + EXTRA, limit))
sys.exit(bool(faults))
END
judge() {
	python3 "$work/judge" "$@" >"$work/log" 2>&1
}

lines_within 4000 core/*.c core/include/mullion/*.h
ok $? "core is at most 4000 lines"
lines_within 5000 arch/x86/*.c arch/x86/*.S arch/x86/include/*.h
ok $? "arch/x86 is at most 5000 lines"
files_within 750 core/*.c core/include/mullion/*.h arch/x86/*.c arch/x86/include/*.h
ok $? "no file is longer than 750 lines"
plain core/*.c
ok $? "core has no conditional compilation"
bad=0
: >"$work/all"
for header in core/include/mullion/*.h arch/x86/include/*.h; do
	# Parts of other headers, included at their end; x86_asm.h is assembly's.
	case $header in */arch_inline.h | */owned_timer.h) continue ;; esac
	stands_alone "$header" || { bad=1 && cat "$work/log" >>"$work/all"; }
done
cp "$work/all" "$work/log"
ok $bad "every header stands alone"
size -A build/kernel/libkernel.a | awk '$1 ~ /^\.(text|rodata)/ { total += $2 }
	END { print total " bytes, at most 49152"; exit total > 49152 || total == 0 }' >"$work/log"
ok $? "text and constants of the kernel are at most 48 KiB"
# units_power_off is inlined into node_finish, too; long_mode is boot.S on its way into C; iommu_start, serve,
# iommu_block and iommu_pass call one of two drivers, whose stack is counted below.
indirect build/kernel/libkernel.a |
	grep -vxE 'units_power_off|node_finish|long_mode|iommu_start|serve|iommu_block|iommu_pass' >"$work/log"
[ ! -s "$work/log" ]
ok $? "nothing is called through a pointer but units' power_off, IOMMU drivers, and boot.S's way into C"
call_graph "$work/kernel" core/*.c arch/x86/*.c >"$work/log" 2>&1
ok $? "the kernel's call graph is known"
judge "$work/kernel" 8192
ok $? "no function recurses, and two pages of stack suffice for the longest path"
echo "# $(cat "$work/log")"

# Self-tests: every defect above, planted.
yes '' | head -n 4001 >"$work/long.c"
! lines_within 4000 "$work/long.c"
ok $? "too many lines are noticed"
yes '' | head -n 751 >"$work/long.c"
! files_within 750 "$work/long.c"
ok $? "a long file is noticed"
printf 'int x;\n  # ifdef Y\n#endif\n' >"$work/if.c"
! plain "$work/if.c"
ok $? "a condition is noticed"
echo 'static inline uint64_t f(void) { return 0; }' >"$work/needs.h"
! stands_alone "$work/needs.h"
ok $? "a header that needs another first is noticed"
mkdir "$work/planted"
plant() {
	rm -rf "$work/planted/out"
	cat >"$work/planted/planted.c"
	call_graph "$work/planted/out" "$work/planted/planted.c" >"$work/log" 2>&1
}
echo 'int f(volatile int *n); int f(volatile int *n) { return *n ? 1 + 2 * f(n + 1) * n[2] : n[1]; }' | plant
ok $? "a recursive function compiles"
! judge "$work/planted/out" 8192 && grep -q '^recursion' "$work/log"
ok $? "and is noticed"
echo 'void g(char *); void f(void); void f(void) { char a[8000]; g(a); }' | plant
! judge "$work/planted/out" 8192 && grep -q 'f needs' "$work/log"
ok $? "a large frame is noticed"
echo 'void g(char *); void f(int n); void f(int n) { char a[n]; g(a); }' | plant
! judge "$work/planted/out" 8192 && grep -q 'no bound' "$work/log"
ok $? "an array of variable length is noticed"
echo 'void f(void (*g)(void)); int x; void f(void (*g)(void)) { g(); x++; }' | plant
[ "$(indirect "$work"/planted/out/*.o)" = f ]
ok $? "a call through a pointer is noticed"
echo 'void g(char *); void h(void); void f(void); void h(void) { char a[5000]; g(a); g(a); }
	void f(void) { char a[4000]; g(a); h(); g(a); }' | plant
! judge "$work/planted/out" 8192 && grep -q 'needs' "$work/log"
ok $? "two frames that are too large together are noticed"
echo 'void f(void); int x; void f(void) { x++; }' | plant
judge "$work/planted/out" 8192
ok $? "a harmless function passes"
exit $status
