#!/bin/sh
# Who may own what: trees of ports, with and without acs, and which rule speaks.
#
# base-pci.dtsi has: port (root) > up > left > one, two (functions of one device), and
# up > right > three; old (to conventional PCI) > four, five.
. verification/rules/lib.sh

# LACKING acs: labels, or -; NAV's functions; PROBE's; the rules expected, or none
table='
-           one         two,three   none
-           one,two     three       none
-           four,five   one         none
-           one         -           none
one         one,two     three       none
one         one         two         isolation-device
two         one         two         isolation-device
one,two     one         three       none
left        one,two     three       isolation-switch
right       one         three       isolation-switch
left        one,two,three -         none
left        one         two         isolation-bridge
left        one         two,three   isolation-bridge,isolation-switch
up          one         three       isolation-bridge
up          one,two     four,five   none
up          one         two         isolation-bridge
port        one         three       isolation-bridge
port        one,three   four,five   none
port,one    one         two         isolation-device
port        edu         one         none
-           four        five        isolation-conventional
-           four        -           none
old         four,edu    nvme        none
'
echo "1..$(($(echo "$table" | grep -c .) + 1))"
cp $here/*.dtsi "$work"

# references LIST: a devices property for the labels of a list, or none.
references() {
	[ "$1" = - ] && echo "/delete-property/ devices;" && return
	echo "devices = <&$(echo "$1" | sed 's/,/ \&/g')>;"
}

# judge LACKING NAV PROBE: the rules that refuse it, or none.
judge() {
	{
		printf '#include "base-pci.dtsi"\n'
		for label in $(echo "$1" | tr ',' ' '); do
			[ "$label" = - ] || printf '&%s { /delete-property/ acs; };\n' "$label"
		done
		printf '&nav { %s };\n' "$(references "$2")"
		printf '&probe { /delete-property/ interrupts; %s };\n' "$(references "$3")"
	} >"$work/tree.dts"
	said=$("$MULLION" check "$work/tree.dts" 2>&1) && [ -z "$said" ] && echo none && return
	echo "$said" | sed -n 's/.* error: \[\([a-z-]*\)\] .*/\1/p' | sort -u | paste -sd,
}

echo "$table" | grep . >"$work/table"
while read -r lacking nav probe expected; do
	found=$(judge "$lacking" "$nav" "$probe")
	[ "$found" = "$expected" ]
	ok $? "without acs in $lacking, $nav beside $probe: $expected"
	[ "$found" = "$expected" ] || echo "# found $found: $said"
done <"$work/table"

MULLION=true
[ "$(judge left one two)" != isolation-bridge ]
ok $? "a compiler that accepts every tree is noticed"
exit $failed
