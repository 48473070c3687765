#!/usr/bin/python3
"""The longest gap of a partition, across frames and switches, agrees with laying the frames out.

For schedules made at random, every ordered pair is laid out frame after frame and the longest time
without a window of nav is looked up, on each CPU by itself. `mullion check` must accept exactly that as
max-gap-ns, refuse one nanosecond less, and name the gap. MULLION names the program.
"""
import os
import random
import re
import subprocess
import sys

CASES = 40
UNIT = 10000  # the shortest window of the board; odd sizes are added below
HEAD = """/dts-v1/;
#include "boards/qemu-q35.dtsi"

/ {
	compatible = "mullion,system";
	model = "gaps";
	cpus { cpu@0 { mode = "framed"; }; cpu@1 { mode = "framed"; }; };
	partitions {
		other: other { image = "other.elf"; memory = <MiB(8)>; };
		nav: nav { image = "nav.elf"; memory = <MiB(8)>; max-gap-ns = <%d>; };
	};
	schedules {
%s	};
};
"""


def make_list(rng, must_run):
    """[(offset, duration, partition)] and where the last ends; pauses are 0 or long enough."""
    at, windows = rng.choice([0, UNIT + rng.randrange(5 * UNIT)]), []
    for _ in range(rng.randint(2, 5)):
        duration = UNIT + rng.randrange(6 * UNIT)
        windows.append([at, duration, rng.choice(["nav", "other"])])
        at += duration + rng.choice([0, UNIT + rng.randrange(9 * UNIT)])
    if must_run and all(name != "nav" for _, _, name in windows):
        windows[rng.randrange(len(windows))][2] = "nav"
    return windows, windows[-1][0] + windows[-1][1]


def make_schedules(rng):
    """[(frame, {cpu: windows})]: every one runs nav on CPU 0, and all or none on CPU 1."""
    on_both = rng.random() < 0.5
    schedules = []
    for _ in range(rng.randint(1, 4)):
        lists = {0: make_list(rng, True), 1: make_list(rng, on_both)}
        if not on_both:
            for window in lists[1][0]:
                window[2] = "other"
        end = max(end for _, end in lists.values())
        frame = end + rng.choice([UNIT, UNIT + rng.randrange(20 * UNIT)])
        schedules.append((frame, {cpu: windows for cpu, (windows, _) in lists.items()}))
    return schedules


def text_of(schedules, max_gap):
    text = ""
    for number, (frame, lists) in enumerate(schedules):
        text += f"\t\ts{number} {{\n\t\t\tmajor-frame-ns = <{frame}>;\n"
        for cpu, windows in lists.items():
            text += f"\t\t\tcpu@{cpu} {{\n"
            for offset, duration, name in windows:
                text += (f"\t\t\t\twindow@{offset} {{ partition = <&{name}>; "
                         f"duration-ns = <{duration}>; }};\n")
            text += "\t\t\t};\n"
        text += "\t\t};\n"
    return HEAD % (max_gap, text)


def longest_pause(schedules, cpu, sequence):
    """Lay the frames out one after another, and look for nav's longest pause."""
    start, last, longest = 0, None, 0
    for number in sequence:
        frame, lists = schedules[number]
        for offset, duration, name in lists[cpu]:
            if name != "nav":
                continue
            if last is not None:
                longest = max(longest, start + offset - last)
            last = start + offset + duration
        start += frame
    return longest


def expected(schedules):
    """The longest pause, and whether a schedule alone already has it."""
    count = range(len(schedules))
    alone = max(longest_pause(schedules, cpu, [i, i]) for cpu in (0, 1) for i in count)
    across = max(longest_pause(schedules, cpu, [i, k]) for cpu in (0, 1) for i in count
                 for k in count)
    return max(alone, across), alone == max(alone, across)


def check(text, scratch):
    """(status, [(rule, line)]) of `mullion check`."""
    path = os.path.join(scratch, "gaps.dts")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    said = subprocess.run([os.environ.get("MULLION", "build/tools/mullion"), "check", path],
                          capture_output=True, text=True, check=False)
    lines = [(match[1], line) for line in said.stderr.splitlines()
             if (match := re.search(r"error: \[([a-z-]+)\]", line))]
    return said.returncode, lines


def wrong_with(schedules, longest, alone, scratch):
    """None if the program agrees that this is the longest pause."""
    status, lines = check(text_of(schedules, longest), scratch)
    if status != 0:
        return f"{longest} is refused: {lines}"
    status, lines = check(text_of(schedules, longest - 1), scratch)
    rule = "gap-schedule" if alone else "gap-switch"
    if status != 1 or not lines:
        return f"{longest - 1} is accepted"
    if any(name not in ("gap-schedule", "gap-switch") for name, _ in lines):
        return f"another rule is broken: {lines}"
    if not any(name == rule and f" {longest} ns on CPU" in line and
               "1 ns more than its max-gap-ns" in line and f"to {longest}" in line
               for name, line in lines):
        return f"no [{rule}] names {longest}: {lines}"
    return None


def main():
    scratch = os.path.join(os.environ.get("BUILD", "build"), "rules", "gap")
    os.makedirs(scratch, exist_ok=True)
    rng = random.Random(4)
    print(f"1..{CASES + 4}", flush=True)
    verdicts, seen = [], set()
    for _ in range(CASES):
        schedules = make_schedules(rng)
        longest, alone = expected(schedules)
        seen.add(alone)
        wrong = wrong_with(schedules, longest, alone, scratch)
        verdicts.append((wrong is None, f"{len(schedules)} schedules keep nav waiting {longest} ns"
                         f"{' within one of them' if alone else ' across a switch'}"
                         f"{'' if wrong is None else ': ' + wrong}"))
    verdicts.append((seen == {True, False}, "both kinds of longest gap were met"))
    verdicts.append((wrong_with(schedules, longest - 1, alone, scratch) is not None,
                     "a program that misses a nanosecond is noticed"))
    verdicts.append((wrong_with(schedules, longest + 1, alone, scratch) is not None,
                     "a program that sees a nanosecond too many is noticed"))
    verdicts.append((wrong_with(schedules, longest, not alone, scratch) is not None,
                     "a program that names the wrong cause is noticed"))
    for number, (good, sentence) in enumerate(verdicts, 1):
        print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    sys.exit(0 if all(good for good, _ in verdicts) else 1)


main()
