#!/usr/bin/python3
"""Has headless Chromium lay out a page and says what it drew: TAP-less lines for report.t to look at.

    measure.py PAGE PROFILE

A script is added to a copy of the page. Printed: `console LINE` for whatever the browser complained of, `wider` if
the page is wider than its window, `described NAME PERCENT` for each window of the described schedule, `used CPU NAME
PERCENT` for each piece of a bar, `overlap A / B` for two labels of a picture that cover one another.
"""
import json
import os
import re
import subprocess
import sys

SCRIPT = """<script>
const box = e => e.getBoundingClientRect(), found = [];
const round = x => Math.round(x * 10) / 10;
if (document.documentElement.scrollWidth > document.documentElement.clientWidth) found.push('wider');
for (const svg of document.querySelectorAll('svg')) {
	const rects = [...svg.querySelectorAll('rect')].filter(r => !r.closest('defs'));
	const top = Math.min(...rects.map(r => box(r).top));
	const frame = Math.max(...rects.map(r => box(r).width));
	for (const r of rects.filter(r => box(r).top === top && box(r).width < frame))
		found.push('described ' + r.textContent.trim().split(/[ ,:]/)[0] + ' ' + round(100 * box(r).width / frame));
	const labels = [...svg.querySelectorAll('text')];
	labels.forEach((a, i) => labels.slice(i + 1).forEach(b => {
		const p = box(a), q = box(b);
		if (p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom)
			found.push('overlap ' + a.textContent + ' / ' + b.textContent);
	}));
}
for (const bar of document.querySelectorAll('.cpu'))
	for (const piece of bar.querySelectorAll('.bar b'))
		found.push('used ' + bar.querySelector('span').textContent + ' ' + piece.textContent + ' ' +
			round(100 * box(piece).width / box(piece.parentElement).width));
document.body.innerHTML = '<pre id="found">' + JSON.stringify(found) + '</pre>';
</script></body>"""


def main(page, profile):
    copy = page + ".measured.html"
    with open(page, encoding="utf-8") as source, open(copy, "w", encoding="utf-8") as out:
        out.write(source.read().replace("</body>", SCRIPT))
    run = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
                          "--user-data-dir=" + profile, "--window-size=1240,1800", "--dump-dom",
                          "file://" + os.path.abspath(copy)], capture_output=True, text=True, timeout=250)
    for line in re.findall(r"CONSOLE[^ ]* (.*)", run.stderr):
        print("console", line)
    found = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.S)
    if not found:
        print("nothing was measured")
        return 1
    print("\n".join(json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))))
    return 0


sys.exit(main(*sys.argv[1:]))
