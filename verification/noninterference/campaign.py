"""What the non-interference programs share: how B behaves, how one run is built and booted, what A recorded."""
import json
import os
import re
import shutil
import struct
import subprocess
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_S = 600
MODES = ("spin cpuid vmmcall wrmsr rdmsr port mmio hlt clihlt clispin fpu exits mix triple wild "
         "write").split()
GROUPS = ("memory addresses ports msrs instructions controls apic hypercalls cpuid storms").split()
LASTS = ("triple-fault gates-abroad tables-abroad stack-abroad jump-abroad write-abroad spin-deaf "
         "halt-deaf exit").split()
IDLE = {"hog.elf": "mode=clihlt", "attacker.elf": "groups=none last=halt-deaf"}

MAGIC = b"MSAMPLS1"  # samples.h
HEADER = 8192
NAME_AT, NAME_BYTES, CAPACITY_AT, TOTALS_AT, STATE_AT, COMPLETE = 16, 32, 148, 184, 256, 2

TRACE_MAGIC, TRACE_HEAD_AT, TRACE_HEADER = 0x31435254494C554D, 16, 4096  # abi.h
RECORD, EXIT = "<QHHIQQ", 1

Stream = namedtuple("Stream", "n least most values")  # `values`: of the samples its ring still holds


def behaviours():
    """(image, arguments) of every B that is compared with its idle one."""
    return ([("hog.elf", "mode=" + m) for m in MODES] +
            [("attacker.elf", f"groups={g} for-ever=1") for g in GROUPS] + [("attacker.elf", "for-ever=1")] +
            [("attacker.elf", "groups=none last=" + last) for last in LASTS])


def remark(words):
    print("# " + words.strip().replace("\n", "\n# "), flush=True)


class Campaign:
    """A directory of runs, all linked from copies of the same files, whatever is built meanwhile."""

    def __init__(self, build, name, template):
        self.mullion = os.path.join(build, "tools", "mullion")
        self.out = os.path.join(build, "noninterference", name)
        with open(os.path.join(HERE, template), encoding="ascii") as file:
            self.template = file.read()
        for part in ("kernel/libkernel.a", "kernel/cflags", "partitions/jitter.elf",
                     *(f"partitions/{image}" for image in IDLE)):
            os.makedirs(os.path.dirname(os.path.join(self.out, part)), exist_ok=True)
            shutil.copy(os.path.join(build, part), os.path.join(self.out, part))

    def boot(self, name, values):
        """The directory of one run, with system.json and ram in it; None if it did not end well."""
        place = os.path.join(self.out, re.sub("[^a-z0-9]+", "-", name))
        text = self.template
        for old, new in values:
            text = text.replace(old, new)
        with open(place + ".dts", "w", encoding="ascii") as source:
            source.write(text)
        for words in ((self.mullion, "build", place + ".dts", "-o", place, "--kernel",
                       os.path.join(self.out, "kernel"), "--images", os.path.join(self.out, "partitions")),
                      (self.mullion, "run", place, "--timeout", str(TIMEOUT_S), "--serial",
                       os.path.join(place, "serial"), "--ram", os.path.join(place, "ram"))):
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                remark(done.stdout + done.stderr)
                return None
        return place


def forget(place):
    os.unlink(os.path.join(place, "ram"))


def read(place, base, size):
    with open(os.path.join(place, "ram"), "rb") as ram:
        ram.seek(base)
        return ram.read(size)


def memory(place, partition):
    with open(os.path.join(place, "system.json"), encoding="ascii") as description:
        found = next(p["memory"] for p in json.load(description)["partitions"] if p["name"] == partition)
    return read(place, found["base"], found["bytes"])


def kernel_work(place, cpu):
    """What the kernel did on a CPU: (how many trace records, those it still holds without their times)."""
    lines = subprocess.run(["nm", os.path.join(place, "mullion.elf")], capture_output=True, text=True, check=True)
    base = next(int(line.split()[0], 16) for line in lines.stdout.splitlines() if line.endswith(" traces"))
    size = struct.calcsize(RECORD)
    magic, _, capacity, head = struct.unpack("<QIIQ", read(place, base, TRACE_HEAD_AT + 8))
    base += cpu * (TRACE_HEADER + size * capacity)
    magic, number, _, head = struct.unpack("<QIIQ", read(place, base, TRACE_HEAD_AT + 8))
    if magic != TRACE_MAGIC or number != cpu:
        raise ValueError(f"{place}: no trace of CPU {cpu} where the symbol says")
    held = list(struct.iter_unpack(RECORD, read(place, base + TRACE_HEADER, size * min(head, capacity))))
    first = head % capacity if head > capacity else 0
    return head, [(kind, cause, a, b) if kind == EXIT else (kind, cause)
                  for _, kind, _, cause, a, b in held[first:] + held[:first]]


def stream(block, at):
    capacity, = struct.unpack_from("<I", block, at + CAPACITY_AT)
    n, _, _, least, most = struct.unpack_from("<QQqqq", block, at + TOTALS_AT)
    held = struct.unpack_from(f"<{2 * min(n, capacity)}q", block, at + HEADER)
    return Stream(n, least, most, held[1::2])


def streams(place, partition):
    """{name: Stream} of the complete streams in the partition's memory."""
    block, found = memory(place, partition), {}
    at = block.find(MAGIC)
    while at >= 0:
        if at % 4096 == 0 and struct.unpack_from("<I", block, at + STATE_AT)[0] == COMPLETE:
            found[block[at + NAME_AT:at + NAME_AT + NAME_BYTES].split(b"\0")[0].decode()] = stream(block, at)
        at = block.find(MAGIC, at + 1)
    return found
