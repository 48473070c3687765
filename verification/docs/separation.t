#!/usr/bin/env python3
"""docs/separation.md is true: its intercepts are those of booted nodes, its tests exist, its lists are the sources'.

Two nodes are booted, one owned, one framed, and the control blocks and host state in their RAM are compared with
the document's rows, bit by bit. The attacker is booted to name its acts: every pattern in the document must name
some, and every act must be named. What a row says must be sayable: known decisions, tests that exist. Each of
these comparisons must notice a planted defect.
"""
import fnmatch
import glob
import importlib.util
import os
import re
import struct
import subprocess
import sys
import tempfile
from importlib.machinery import SourceFileLoader

sys.dont_write_bytecode = True
BUILD = os.environ.get("BUILD", "build")
KERNEL = os.environ.get("KERNEL", os.path.join(BUILD, "kernel"))
DOCUMENT = "docs/separation.md"
DEPLOYMENTS = "verification/system/deployments"
INTERCEPT_BYTES = 0x18  # 000h to 017h
BOOTED = {"owned": "rights-owned", "framed": "rights-framed"}
SET = {"no": (0, 0), "yes": (1, 1), "framed": (0, 1), "framed, TCG": (0, 1)}  # owned, framed; all under TCG here
DECISIONS = {"#UD", "#GP", "native", "emulated", "refused", "hidden", "rwx", "rw-", "r--"}
NO_TEST = ("hardware only", "not tested: ")
SAVED_CR4, SAVED_CR0, SAVED_EFER = 0x548, 0x558, 0x4d0  # of the state save area: vmcb.h
CR4_SMEP, CR4_SMAP, CR0_WP, EFER_NXE = 1 << 20, 1 << 21, 1 << 16, 1 << 11
PARTITION_TESTS = ("instructions", "rights", "leak", "apic", "smp", "timer", "wake", "violations")

loader = SourceFileLoader("separation", "verification/docs/separation")
separation = importlib.util.module_from_spec(importlib.util.spec_from_loader("separation", loader))
loader.exec_module(separation)
number = failed = 0


def ok(faults, words):
    global number, failed
    number += 1
    failed += bool(faults)
    print(f"{'not ok' if faults else 'ok'} {number} - {words}", flush=True)
    for fault in list(faults)[:20]:
        print("# " + fault.replace("\n", "\n# "), flush=True)


def notices(faults, words):
    ok([] if faults else ["it was not"], f"self-test: {words} is noticed")


# ---- The document

def tables(text):
    """[{column: cell}] of every table whose first column is so named, by that name."""
    found, head = {}, None
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            head = None
        elif head is None:
            head = cells
        elif not set(line) <= set("|-"):
            found.setdefault(head[0], []).append(dict(zip(head, cells)))
    return found


def bits(words):
    """`00Ch.6-9`: [(offset of the byte, bit in it)]."""
    match = re.fullmatch(r"`([0-9A-F]{3})h\.(\d+)(?:-(\d+))?`", words)
    if not match:
        raise ValueError(f"{words} is no field")
    base, first = int(match.group(1), 16), int(match.group(2))
    return [(base + bit // 8, bit % 8) for bit in range(first, int(match.group(3) or first) + 1)]


def named(row):
    """[(who tests, pattern)] of a row; files stand for themselves."""
    found = []
    for span in re.findall(r"`([^`]+)`", row["tested by"]):
        who, colon, pattern = span.partition(": ")
        found.append((who, pattern) if colon else ("file", span))
    return found


# ---- What there is

def sh(*words):
    result = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{result.stdout}{result.stderr}")
    return result.stdout


def boot(work, name, source, *options):
    mullion, place = os.path.join(BUILD, "tools", "mullion"), os.path.join(work, name)
    sh(mullion, "build", source, "-o", place, "--kernel", KERNEL, "--images", os.path.join(BUILD, "partitions"))
    sh(mullion, "run", place, "--timeout", "600", "--serial", place + ".serial", *options)
    return place


def ends_of(symbols, name):
    start, length = symbols[name]
    return start, start + length


def images_of(place, facts):
    """(control blocks of all vcpus, host save areas of all CPUs) in the RAM of a node that has ended."""
    lines = sh("nm", "-S", os.path.join(place, "mullion.elf")).splitlines()
    symbols = {w[3]: (int(w[0], 16), int(w[1], 16)) for w in map(str.split, lines) if len(w) == 4}
    with open(place + ".ram", "rb") as ram:
        def pages(name, step, offset):
            start, end = ends_of(symbols, name)
            for at in range(start, end, step):
                ram.seek(at + offset)
                yield ram.read(4096)
        return (list(pages("system_vcpus", facts["vcpu_bytes"], 0)),
                list(pages("system_cpus", facts["cpu_bytes"], facts["host_save"])))


def listed(work, name, text):
    """The names of the acts of a deployment, as the attacker itself lists them."""
    source = os.path.join(work, name + ".dts")
    with open(source, "w", encoding="ascii") as file:
        file.write(text.replace("one-owned.dtsi", os.path.abspath(f"{DEPLOYMENTS}/one-owned.dtsi")))
    place = boot(work, name, source)
    with open(place + ".serial", encoding="ascii", errors="replace") as file:
        return re.findall(r"^act (\S+)", file.read().replace("\r", ""), re.M)


def acts(work):
    """With and without a device; of its messages those of every format."""
    with open(f"{DEPLOYMENTS}/attacker-owned.dts", encoding="ascii") as file:
        plain = file.read().replace('image = "attacker.elf";', 'image = "attacker.elf"; args = "list=1";')
    with open(f"{DEPLOYMENTS}/attacker-device-owned.dts.in", encoding="ascii") as file:
        device = file.read().replace("BOARD", "qemu-q35-vtd")
    ways = ("groups=config,registers,messages,dma", "groups=messages messages=remappable self=0")
    found = listed(work, "acts", plain)
    for k, way in enumerate(ways):
        found += listed(work, f"acts{k}", device.replace("ARGS", way + " list=1"))
    return sorted(set(found))


def test_names():
    names = {who: set() for who in PARTITION_TESTS}
    for who in PARTITION_TESTS:
        for path in glob.glob(f"partitions/tests/{who}/*.c"):
            with open(path, encoding="utf-8") as file:
                names[who] |= set(re.findall(r'"([a-z0-9]+(?:_[a-z0-9]+)+)"', file.read()))
    names["audit"] = set()
    for path in [*glob.glob("verification/gates/plant*.py"), "verification/gates/audit.t"]:
        with open(path, encoding="utf-8") as file:
            names["audit"] |= set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', file.read()))
    return names


def deepest_stack():
    said = subprocess.run(["verification/gates/sizes.t"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"^# worst: \w+, (\d+) of (\d+) bytes", said, re.M)
    return (int(found.group(1)), int(found.group(2))) if found else None


# ---- Comparisons: what is wrong, in words

def bit_of(block, at):
    return block[at[0]] >> at[1] & 1


def field_of(block, field):
    return sum(bit_of(block, at) << k for k, at in enumerate(field))


def wrong_intercepts(rows, blocks):
    faults, seen = [], {}
    for row in rows:
        if row["set"] not in SET:
            faults.append(f"{row['bits']}: nothing is known of \"{row['set']}\"")
            continue
        for at in bits(row["bits"]):
            seen[at] = seen.get(at, 0) + 1
            for kind, expected in zip(BOOTED, SET[row["set"]]):
                if any(bit_of(block, at) != expected for block in blocks[kind]):
                    faults.append(f"{row['bits']} ({row['what']}): \"{row['set']}\" is not so on a CPU that is {kind}")
    for at in ((byte, bit) for byte in range(INTERCEPT_BYTES) for bit in range(8)):
        if seen.get(at, 0) != 1:
            faults.append(f"bit {at[1]} of byte {at[0]:#x} has {seen.get(at, 0)} rows")
    return faults


def value(words):
    return int(words[:-1], 16) if words.endswith("h") else int(words)


def wrong_fields(rows, blocks):
    return [f"{row['field']} ({row['what']}): on a CPU that is {kind} it is {field_of(block, bits(row['field'])):#x}"
            for row in rows for kind in BOOTED for block in blocks[kind]
            if field_of(block, bits(row["field"])) not in map(value, row[kind].split(", "))]


def wrong_host(areas):
    faults = []
    for kind, areas_of in areas.items():
        for area in areas_of:
            cr4, cr0, efer = (struct.unpack_from("<Q", area, at)[0] for at in (SAVED_CR4, SAVED_CR0, SAVED_EFER))
            if not (cr4 & CR4_SMEP and cr4 & CR4_SMAP and cr0 & CR0_WP and efer & EFER_NXE):
                faults.append(f"a CPU that is {kind} has CR4 {cr4:#x}, CR0 {cr0:#x}, EFER {efer:#x}")
    return faults


def is_named(name, pattern):
    """An act's name begins with its group, which a pattern may leave out."""
    return fnmatch.fnmatchcase(name if "/" in pattern else name.rpartition("/")[2], pattern)


def wrong_tests(rows, names):
    faults = []
    for row in rows:
        first = next(iter(row.values()))
        rest = re.sub(r"`[^`]+`", "", row["tested by"]).strip(" ,;")
        if not named(row) and not rest.startswith(NO_TEST) or (rest and not rest.startswith(NO_TEST)):
            faults.append(f"{first}: no test, and no reason for that: {rest}")
        for who, pattern in named(row):
            if who == "file":
                if not os.path.exists(pattern):
                    faults.append(f"{first}: there is no {pattern}")
            elif not any(is_named(name, pattern) for name in names.get(who, ())):
                faults.append(f"{first}: {who} has no test {pattern}")
    return faults


def unnamed_acts(rows, names):
    patterns = [pattern for row in rows for who, pattern in named(row) if who == "attacker"]
    return [f"no row names the act {act}" for act in names["attacker"]
            if not any(is_named(act, pattern) for pattern in patterns)]


def wrong_words(rows):
    """Every row has a reason, and where there is a decision a known one."""
    faults = [f"{next(iter(row.values()))}: an empty cell" for row in rows if not all(row.values())]
    return faults + [f"{row['what']}: {row['decision']} is no decision" for row in rows
                     if "decision" in row and not set(re.split(r", ", row["decision"])) <=
                     DECISIONS | {"writes refused"}]


def wrong_stack(text, deepest):
    stated = re.search(r"At most ([\d,]+) of ([\d,]+) bytes", text)
    if not stated or not deepest:
        return ["the document or the gate does not say how deep the stack is"]
    bound, room = (int(number.replace(",", "")) for number in stated.groups())
    return [] if deepest[0] <= bound <= room == deepest[1] else [f"the deepest path takes {deepest[0]} of {deepest[1]} bytes"]


# ---- All of it

def flipped(blocks, kind, at):
    block = bytearray(blocks[kind][0])
    block[at[0]] ^= 1 << at[1]
    return {**blocks, kind: [bytes(block), *blocks[kind][1:]]}


def check_intercepts(intercepts, fields, blocks):
    ok(wrong_intercepts(intercepts, blocks), "each of the 192 intercept bits has one row, and is set where it says")
    ok(wrong_fields(fields, blocks), "so are the other fields of the control block")
    unseen = [f"byte {byte} bit {bit} of {kind}" for kind in BOOTED for byte in range(INTERCEPT_BYTES)
              for bit in range(8) if not wrong_intercepts(intercepts, flipped(blocks, kind, (byte, bit)))]
    ok(unseen, "self-test: each of 384 flipped bits is noticed")
    notices(wrong_intercepts(intercepts[1:], blocks), "a row that is missing")
    notices(wrong_intercepts(intercepts + intercepts[:1], blocks), "a row that is there twice")
    notices(wrong_fields(fields, flipped(blocks, "framed", (0x90, 1))), "a control that was opened")


def check_tests(rows, names):
    ok(wrong_tests(rows, names), "every test that is named exists")
    ok(unnamed_acts(rows, names), f"every one of the attacker's {len(names['attacker'])} acts is named by a row")
    ok(wrong_words(rows), "every row says what is decided, and why")
    row = {**rows[0], "tested by": "`attacker: flying`"}
    notices(wrong_tests([row], names), "a test that does not exist")
    notices(wrong_tests([{**row, "tested by": "somehow"}], names), "a row without a test")
    notices(unnamed_acts(rows, {"attacker": ["flying"]}), "an act that no row names")
    notices(wrong_words([{**row, "why": ""}]), "a row without a reason")


def check_parts(text, work):
    rendered = separation.parts(separation.Images(BUILD, work))
    current = separation.with_parts(text, rendered)
    ok([] if current == text else ["make separation-doc"], "the lists are those of the sources and of audited images")
    altered = text.replace("ports 0x3f8 to 0x3ff", "ports 0x3f8 to 0x400", 1)
    notices(altered != text and separation.with_parts(altered, rendered) != altered, "a right that is not there")
    moved = text.replace("| `10` | TSC | read |", "| `10` | TSC | read, write |", 1)
    notices(moved != text and separation.with_parts(moved, rendered) != moved, "an MSR that is not so open")


def main():
    print("1..23", flush=True)
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    found = tables(text)
    rows = found["bits"] + found["what"]
    with tempfile.TemporaryDirectory() as work:
        facts = separation.Images(BUILD, work).facts()
        seen = {kind: images_of(boot(work, name, f"{DEPLOYMENTS}/{name}.dts", "--ram", os.path.join(work, name + ".ram")), facts)
                for kind, name in BOOTED.items()}
        blocks, areas = ({kind: pair[k] for kind, pair in seen.items()} for k in (0, 1))
        check_intercepts(found["bits"], found["field"], blocks)
        ok(wrong_host(areas), "the kernel runs with SMEP, SMAP, write protection and NX")
        notices(wrong_host({"owned": [bytes(4096)]}), "a kernel without them")
        names = {**test_names(), "attacker": acts(work)}
        check_tests(rows, names)
        check_parts(text, work)
    ok(wrong_words(found["field"]), "every field has a reason")
    deepest = deepest_stack()
    ok(wrong_stack(text, deepest), "the stack is as deep as it says")
    notices(wrong_stack(text, (4096, 8192)), "a deeper one")
    ok([] if len(names["attacker"]) >= 300 else ["fewer than 300 acts"], "the attacker has at least 300 acts")
    ok([] if all(len(blocks[kind]) for kind in BOOTED) else ["no vcpus"], "there were vcpus to look at")
    sys.exit(1 if failed else 0)


main()
