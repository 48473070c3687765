#!/bin/bash
# mullion ctl report: one page that needs nothing else, says what is so, and is drawn by a browser.
set -u
. verification/tools/node.sh
echo 1..36
system='{"name": "demo", "partitions": [{"name": "control"}, {"name": "probe"}, {"name": "nav"}, {"name": "watch"},
 {"name": "hog"}], "vcpus": [{"partition": "control", "index": 0, "cpu": 0}, {"partition": "probe", "index": 0, "cpu": 1},
 {"partition": "nav", "index": 0, "cpu": 0}, {"partition": "watch", "index": 0, "cpu": 0},
 {"partition": "hog", "index": 0, "cpu": 0}],
 "channels": [{"name": "pose", "type": "sampling", "from": "nav", "to": ["probe"], "message_bytes": 64, "refresh_ns": 2000000}],
 "schedules": [{"name": "normal", "startup": true, "major_frame_ns": 1000000, "cpus": [{"cpu": 0, "windows": [
 {"partition": "control", "offset_ns": 0, "duration_ns": 150000, "start_ticks": [0, 0], "end_ticks": [150000, 0]},
 {"partition": "nav", "offset_ns": 150000, "duration_ns": 200000, "start_ticks": [150000, 0], "end_ticks": [350000, 0]},
 {"partition": "hog", "offset_ns": 350000, "duration_ns": 450000, "start_ticks": [350000, 0], "end_ticks": [800000, 0]},
 {"partition": "watch", "offset_ns": 800000, "duration_ns": 200000, "start_ticks": [800000, 0], "end_ticks": [1000000, 0]}],
 "shares": [{"partition": "hog", "time_ns": 450000}]}]}]}'
printf '%s\n' "$system" >"$work/system.json"
ctl=("$mullion" ctl "${patient[@]}")
has() { matches "$work/page.html" "$@"; }

start_node --trouble noise
ends 0 "a node's page is written" "${ctl[@]}" report --system "$work/system.json" -o "$work/page.html"
python3 - "$work/page.html" >"$work/out" 2>&1 <<'END'
import html.parser, sys
class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "img", "line", "rect"}
    def __init__(self):
        super().__init__()
        self.open = []
    def handle_starttag(self, tag, attributes):
        if tag in ("script", "link", "img", "iframe") or any(a in ("src", "href") or a[:2] == "on" for a, _ in attributes):
            print("loads", tag)
        if tag not in self.VOID or tag == "rect":
            self.open.append(tag)
    def handle_startendtag(self, tag, attributes):
        pass
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            print("unbalanced", tag)
page = Page()
text = open(sys.argv[1], encoding="utf-8").read()
page.feed(text)
page.close()
print("open", page.open)
END
prints '^open \[\]$' "each element is closed"
! grep -q unbalanced "$work/out"
ok $? "in its place"
! grep -q loads "$work/out" && ! grep -q 'url(http\|@import' "$work/page.html"
ok $? "nothing is loaded from elsewhere, and there is no script"
has '1 window of the trace started late, by 700 ns at most; 1 health event; all partitions run' "the verdict comes first"
has '<h3>CPU 0, schedule normal</h3>' "the framed CPU is drawn"
has 'hog</td><td>350 us</td><td>450 us</td><td>100</td><td class="pass">on the tick' "a window on its tick"
has 'watch</td><td>800 us</td><td>200 us</td><td>100</td><td class="fail">700 ns' "and one that was late"
has '<td>45\.0</td><td>45\.0</td>' "shares, used and described"
has 'probe</td><td class="l">MSR</td><td>400</td>' "exits by cause"
has 'probe</td><td>0</td><td>0</td><td>25000</td><td>0</td>.*</tr>' "a second, too"
has '<td>pose</td>.*nav</td>.*probe</td><td>64</td><td>each 2 ms</td><td>500</td>' "ports, with what passes there"
has '<td>orders</td>.*control</td>.*hog</td><td>128</td><td>16 deep</td><td>100</td>.*<td>3</td>' "and waits"
has 'memory violation</td><td>1</td>' "health by kind"
[ "$(grep -c '<td class="l">log</td>' "$work/page.html")" -eq 9 ]
ok $? "and the journal, each entry"

ends 0 "it is written without a description, too" "${ctl[@]}" report -o "$work/plain.html"
grep -q 'not known: --system tells' "$work/plain.html" && grep -q 'on the tick' "$work/plain.html"
ok $? "and says what is not known"
"${ctl[@]}" stop nav >"$work/out"
"${ctl[@]}" report --system "$work/system.json" -o "$work/page.html"
has '1 partition not running' "a stopped partition is told"
has 'nav <span class="fail">stopped</span>' "at its ports, too"
start_node --trouble storm
"${ctl[@]}" report --system "$work/system.json" -o "$work/page.html"
has 'Every window of the trace started on its tick' "a schedule is seen in spite of a storm of exits"
start_node --trouble crowd
"${ctl[@]}" report -o "$work/page.html"
has '<td>more&lt;7&gt;</td>' "names are escaped"
start_node --trouble refuse:journal=not-now
ends 1 "a node that does not tell all has no page" "${ctl[@]}" report -o "$work/half.html"
[ -z "$(find "$work" -name 'half*')" ]
ok $? "not even half a page"

# ---- In a browser
start_node
"${ctl[@]}" report --system "$work/system.json" -o "$work/page.html"
measure() {
	verification/tools/measure.py "$1" "$work/profile" >"$work/out" 2>"$work/err"
}
ends 0 "a browser lays it out" verification/tools/measure.py "$work/page.html" "$work/profile"
cp "$work/out" "$work/measured"
! grep -q '^console' "$work/out"
ok $? "without a complaint"
! grep -q '^wider\|^overlap' "$work/out"
ok $? "within its window, no label on another"
[ "$(sed -n 's/^described //p' "$work/out" | paste -sd,)" = "control 15,nav 20,hog 45,watch 20" ]
ok $? "each described window as wide as it lasts"
[ "$(sed -n 's/^used //p' "$work/out" | paste -sd,)" = \
	"CPU 0 control 7.5,CPU 0 nav 10,CPU 0 watch 10,CPU 0 hog 45,CPU 1 probe 100" ]
ok $? "and each share as wide as what was used"
sed -e 's/<\/main>/<p style="width:3000px">x<\/p>&/' -e 's/<\/body>/<script>none()<\/script>&/' \
	-e 's/<\/svg>/<text x="300" y="20">a<\/text><text x="302" y="20">b<\/text>&/' \
	-e 's/\(width="\)[0-9.]*\(" height="[0-9.]*" fill="#8466ae"\)/\1200\2/' "$work/page.html" >"$work/planted.html"
measure "$work/planted.html"
grep -q '^console.*none' "$work/out"
ok $? "a script that fails would be noticed"
grep -q '^wider' "$work/out"
ok $? "so would a page wider than its window"
grep -q '^overlap a / b$' "$work/out"
ok $? "a label on another"
grep -q '^described hog [12][0-9]' "$work/out"
ok $? "and a window drawn with another width"

shot() { # PAGE PICTURE
	timeout "$deadline_s" chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
		--window-size=1240,1800 --screenshot="$2" "file://$1" >"$work/out" 2>"$work/err"
}
# What share of a stripe through the described schedule is hog's colour; it lasts 45 % of the frame.
purple() {
	convert "$1" -crop 990x1+158+290 +repage -fuzz 4% -fill white +opaque '#8466ae' -fill black -opaque '#8466ae' \
		-format '%[fx:round(100*(1-mean))]' info:
}
# A picture with something in it: its brightness varies.
is_drawn() {
	[ "$(convert "$1" -format '%[fx:standard_deviation>0.05]' info:)" = 1 ]
}
shot "$work/page.html" "$work/page.png" && is_drawn "$work/page.png"
ok $? "its picture is not blank"
share=$(purple "$work/page.png")
[ "$share" -ge 38 ] && [ "$share" -le 47 ]
ok $? "in the colours of the schedule"
[ "$share" -ge 38 ] || echo "# hog's colour fills $share % of the stripe"
sed 's/#8466ae/#ffffff/g' "$work/page.html" >"$work/pale.html"
shot "$work/pale.html" "$work/pale.png"
[ "$(purple "$work/pale.png")" -eq 0 ]
ok $? "a page without them would be noticed"
echo '<p></p>' >"$work/blank.html"
shot "$work/blank.html" "$work/blank.png"
! is_drawn "$work/blank.png"
ok $? "and so would a blank one"
