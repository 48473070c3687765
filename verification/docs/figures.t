#!/bin/sh
# README's table of figures: what was measured is shown, what missed its target or was not measured is said.
set -u
figures=$(pwd)/verification/docs/figures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
echo 1..9
number=0

ok() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi
}

cat >bench.json <<'END'
{ "exit.cpuid": { "value": 97, "unit": "ns", "target": 120, "met": true, "n": 10000, "seconds": 0.5,
	"conditions": "between two reads; QEMU TCG, planted" },
  "exit.eoi": { "value": 121, "unit": "ns", "target": 120, "met": false, "n": 10000, "seconds": 0.5,
	"conditions": "QEMU TCG, planted" } }
END
printf 'before\n<!-- figures: x -->\nold\n<!-- figures end -->\nafter\n' >page.md

"$figures" bench.json page.md
ok $? 'a page with both markers is written'
grep -q '| ≤ 120 | 97 |.*| between two reads; n = 10,000, 0.5 s (1) |' page.md
ok $? 'a figure has its target, its value and its conditions'
grep -q '| ≤ 120 | 121 (missed) |' page.md
ok $? 'a figure beyond its target says so'
grep -q '`framed.drift` | | not measured |' page.md
ok $? 'a figure that was not measured says so'
[ "$(head -n 1 page.md)" = before ] && [ "$(tail -n 1 page.md)" = after ] && ! grep -q '^old$' page.md
ok $? 'the rest of the page is kept, the old table is not'
cp page.md first.md && "$figures" bench.json page.md && cmp -s first.md page.md
ok $? 'writing it again changes nothing'
"$figures" bench.json page.md --check
ok $? 'a page that shows the figures of the file passes the check'
sed -i 's/| 97 |/| 96 |/' page.md
"$figures" bench.json page.md --check >said
[ $? -eq 1 ] && grep -q 'readme-figures' said
ok $? 'a figure that nobody measured is noticed'
cp page.md before.md && sed -i '/figures end/d' page.md && cp page.md unmarked.md
"$figures" bench.json page.md 2>said
[ $? -eq 1 ] && cmp -s unmarked.md page.md && grep -q 'needs one line' said
ok $? 'a page without its markers is refused and not touched'
