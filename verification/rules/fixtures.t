#!/bin/sh
# Every rule has a fixture that breaks it, and it alone.
. verification/rules/lib.sh

fixtures=$(ls $here/*.dts)
deployments=$(ls config/deployments/*.dts)
planted='wrong-rule wrong-line wrong-repair two-errors no-error'
# shellcheck disable=SC2086
echo "1..$(($(echo $fixtures $deployments $planted | wc -w) + 6))"

$here/images "$work/images"

for file in $fixtures; do
	said=$($here/fixture "$file" "$work/images")
	ok $? "a description that breaks $(basename "$file" .dts) is refused by it alone"
	[ -z "$said" ] || echo "$said" | sed 's/^/# /'
done

for file in $deployments; do
	said=$("$MULLION" check "$file" 2>&1)
	ok $? "$file breaks no rule"
	[ -z "$said" ] || echo "$said" | sed 's/^/# /'
done

for file in $fixtures; do basename "$file" .dts; done | sort >"$work/fixtures"
$rules --names | sort >"$work/rules"
missing=$(comm -13 "$work/fixtures" "$work/rules")
[ -s "$work/rules" ] && [ -z "$missing" ]
ok $? "every rule has a fixture"
[ -z "$missing" ] || echo "# without a fixture: $missing"
[ -z "$(comm -23 "$work/fixtures" "$work/rules")" ]
ok $? "every fixture has a rule"

cp $here/*.dtsi "$work"
for base in base base-pci base-locks base-rdma; do
	printf '#include "%s.dtsi"\n' $base >"$work/$base.dts"
	"$MULLION" check "$work/$base.dts" --images "$work/images" 2>"$work/base.said"
	ok $? "what the fixtures start from breaks no rule: $base"
done

# The judge is judged: each of these must be refused by it.
plant() {
	printf '#include "base.dtsi"\n\n%s\n' "$2" >"$work/$1.dts"
}
mkdir "$work/rule"
plant rule/memory-size '&nav { memory = <5000>; }; /* expect: memory-size: write 8192 */'
plant memory-alignment '/* expect: memory-alignment: write 8192 */
&nav { memory = <5000>; };'
mv "$work/memory-alignment.dts" "$work/line.dts"
mkdir "$work/line" "$work/repair" "$work/two" "$work/none"
for kind in rule line repair two none; do cp $here/base.dtsi "$work/$kind"; done
mv "$work/line.dts" "$work/line/memory-alignment.dts"
plant repair/memory-alignment '&nav { memory = <5000>; }; /* expect: memory-alignment: write 4096 */'
plant two/memory-alignment '&nav { memory = <5000>; }; /* expect: memory-alignment: write 8192 */
&control { memory = <0>; };'
plant none/memory-alignment '&nav { memory = <8192>; }; /* expect: memory-alignment: write 8192 */'

refuses() {
	! $here/fixture "$1" "$work/images" >"$work/refused"
	ok $? "$2"
}
refuses "$work/rule/memory-size.dts" "a fixture that expects a wrong rule is noticed"
refuses "$work/line/memory-alignment.dts" "a fixture that expects a wrong line is noticed"
refuses "$work/repair/memory-alignment.dts" "a fixture that expects a wrong repair is noticed"
refuses "$work/two/memory-alignment.dts" "a fixture that breaks two rules is noticed"
refuses "$work/none/memory-alignment.dts" "a fixture that breaks nothing is noticed"
exit $failed
