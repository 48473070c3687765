#!/bin/sh
# All errors of a run, in source order, none twice, each where the user wrote it.
. verification/rules/lib.sh
cp $here/base.dtsi "$work"
echo "1..17"

# check TEXT: the answer to base.dtsi and TEXT, in $work/said.
check() {
	printf '#include "base.dtsi"\n%s\n' "$1" >"$work/x.dts"
	"$MULLION" check "$work/x.dts" >"$work/out" 2>"$work/said"
	status=$?
}

# says LINE SENTENCE: the answer has this beginning of a line.
says() {
	grep -Fq -- "$work/x.dts:$1" "$work/said"
	says_status=$?
	ok $says_status "$2"
	[ $says_status -eq 0 ] || sed 's/^/# /' "$work/said"
}

check '&nav { memory = <5000>; role = "pilot"; };
&pose { message-size = <0>; };
&orders { depth = <3>; };
&probe { imag = "x"; };'
[ $status -eq 1 ] && [ "$(wc -l <"$work/said")" -eq 5 ]
ok $? "five mistakes of five kinds are five errors of one run"
cut -d: -f2 "$work/said" >"$work/lines"
sort -n "$work/lines" | cmp -s - "$work/lines"
ok $? "errors come in the order of the source"
[ "$(sort "$work/said" | uniq -d | wc -l)" -eq 0 ]
ok $? "no error is printed twice"
[ ! -s "$work/out" ]
ok $? "errors go to standard error only"

check '&nav { memory = "much"; };'
[ "$(wc -l <"$work/said")" -eq 1 ]
ok $? "what follows from an error is not said again"

check '&nav { /* a comment */ args = "memory"; /* more */ memory = <us(5)>; };'
says '2:52: error: [memory-alignment]' "comments and strings before it do not move an error"
check '&nav { memory-base = <MiB(64)>; memory = <(MiB(1) + 1)>; };'
says '2:33: error: [memory-alignment]' "an expanded macro before it does not move an error"
check '#define NAV_MEMORY memory = <5000>
&nav {
	NAV_MEMORY;
};'
says '4:' "an error inside a macro is placed on the line that uses it"
check '&nav { memory = <&nope &probe>; };'
says '2:18: error: [reference]' "a wrong reference is placed on the reference itself"
check '&nav { args = "x" };'
says '2:' "a syntax error is placed on its line"
check '#error stop here'
says '2:' "an error of the preprocessor is placed on its line"

printf '/dts-v1/;\n/ { };\n' >"$work/x.dts"
"$MULLION" check "$work/x.dts" 2>"$work/said"
[ "$(grep -c 'x.dts:2:.*: error: \[' "$work/said")" -ge 6 ] && ! grep -v ': error: \[' "$work/said"
ok $? "an empty description is told all that it lacks, and nothing else"
printf '' >"$work/x.dts"
"$MULLION" check "$work/x.dts" 2>"$work/said"
[ $? -eq 1 ] && grep -q 'error: \[syntax\]' "$work/said"
ok $? "an empty file is refused"

mkdir "$work/tmp"
for text in '' '&nav { memory = <0>; };' '&nav { memory = ; };' '#error x'; do
	printf '#include "base.dtsi"\n%s\n' "$text" >"$work/x.dts"
	TMPDIR=$work/tmp "$MULLION" check "$work/x.dts" 2>/dev/null
done
[ -z "$(ls -A "$work/tmp")" ]
ok $? "no temporary file is left behind, whatever the verdict"

TMPDIR=$work/nowhere "$MULLION" check config/deployments/demo.dts 2>"$work/said"
[ $? -eq 1 ] && grep -q 'demo.dts: error: \[readable\] no directory for temporary files.*TMPDIR' "$work/said"
ok $? "a machine without room for temporary files is told so"

program=$(realpath "$MULLION")
mkdir "$work/bin"
PATH=$work/bin "$program" check config/deployments/demo.dts 2>"$work/said"
[ $? -eq 1 ] && grep -q 'error: \[preprocess\] .*cpp.*not installed; install' "$work/said"
ok $? "a machine without cpp is told what to install"
ln -s "$(command -v cpp)" "$work/bin/cpp"
PATH=$work/bin "$program" check config/deployments/demo.dts 2>"$work/said"
[ $? -eq 1 ] && grep -q 'error: \[syntax\] .*dtc.*not installed; install' "$work/said"
ok $? "a machine without dtc is told what to install"
exit $failed
