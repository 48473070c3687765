#!/bin/sh
# docs/rules.md is what the compiler's rules say of themselves.
. verification/rules/lib.sh
echo "1..3"

$rules >"$work/rules.md"
cmp -s "$work/rules.md" docs/rules.md
ok $? "docs/rules.md is current (make rules-doc writes it)"

[ "$($rules --names | sort | uniq -d | wc -l)" -eq 0 ]
ok $? "no two rules have the same name"

[ "$($rules --names | wc -l)" -ge 50 ]
ok $? "there are at least 50 rules"
exit $failed
