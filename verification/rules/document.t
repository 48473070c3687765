#!/bin/sh
# docs/rules.md is what the compiler's rules say of themselves.
. verification/rules/lib.sh
echo "1..4"

$rules >"$work/rules.md"
cmp -s "$work/rules.md" docs/rules.md
ok $? "docs/rules.md is current (make rules-doc writes it)"

[ "$($rules --names | sort | uniq -d | wc -l)" -eq 0 ]
ok $? "no two rules have the same name"

[ "$($rules --names | wc -l)" -ge 50 ]
ok $? "there are at least 50 rules"

# What the layout and the plan refuse, but for what only an error of the compiler can be.
said=$(sed -n '/refuse(/,/;/s/.*"\([a-z]*-[a-z-]*\)",.*/\1/p' tools/mullion/layout.c tools/mullion/plan.c tools/mullion/assignment.c | sort -u)
missing=$(for name in $said; do $rules --names | grep -qx "$name" || echo "$name"; done)
[ "$(echo "$said" | wc -l)" -ge 8 ] && [ "$missing" = maps-consistent ]
ok $? "what is refused after the rules bears the name of a rule"
[ "$missing" = maps-consistent ] || echo "# not a rule: $missing"
exit $failed
