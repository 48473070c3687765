#!/bin/sh
# The bindings say the same as the rules, as far as dt-schema can say it: syntax and types.
#
# dt-validate ends with 0 whatever it finds, and ignores a schema that is broken: its words decide.
. verification/rules/lib.sh
schemas=config/bindings
list=$here/schema-refuses
fixtures=$(grep -l 'include "base' $here/*.dts)
deployments=$(ls config/deployments/*.dts)
echo "1..$((4 + $(echo "$deployments" | wc -l)))"

# compile FILE: to $work/NAME.dtb, if cpp and dtc accept it.
compile() {
	name=$(basename "$1" .dts)
	cpp -nostdinc -undef -x assembler-with-cpp -I config/include -I config "$1" -o "$work/$name.i" \
		2>/dev/null &&
		dtc -q -O dtb -o "$work/$name.dtb" "$work/$name.i" 2>/dev/null
}

# validate FILE...: the names of the files that are refused, one per line; all words in $work/said.
validate() {
	dt-validate -l mullion, -s $schemas "$@" >"$work/said" 2>&1
	sed -n "s|^.*/\([a-z-]*\)\.dtb: .*|\1|p" "$work/said" | sort -u
}

for file in $fixtures $deployments; do compile "$file"; done

said=$(dt-doc-validate -u $schemas $schemas 2>&1)
[ -z "$said" ]
ok $? "the bindings are valid dt-schema"
[ -z "$said" ] || echo "$said" | sed 's/^/# /'

validate "$work"/*.dtb >"$work/refused"
cp "$work/said" "$work/all"
! grep -q 'Traceback\|ignoring, error in schema\|no schema found' "$work/all"
ok $? "dt-validate reads every binding and every file"

for file in $deployments; do
	[ -f "$work/$(basename "$file" .dts).dtb" ] && ! grep -qx "$(basename "$file" .dts)" "$work/refused"
	ok $? "$file fits the bindings"
done

grep -v '^#' $list >"$work/expected"
cmp -s "$work/expected" "$work/refused"
ok $? "dt-schema refuses the fixtures whose rules the bindings state, and no others"
diff "$work/expected" "$work/refused" | sed 's/^/# /'

# A planted defect: what is wrong only in type must not pass.
mkdir "$work/planted"
cp $here/base.dtsi "$work/planted"
printf '#include "base.dtsi"\n&pose { message-size = "large"; };\n' >"$work/planted/planted.dts"
compile "$work/planted/planted.dts"
[ "$(validate "$work/planted.dtb")" = planted ]
ok $? "a planted error of type is noticed"
exit $failed
