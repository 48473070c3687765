#!/usr/bin/env python3
"""The device of a partition that is stopped is off the bus, and on it again when it is started; its memory can be
looked at then, and not while it runs. Seen from outside, through QEMU's monitor."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import BUILD, TIMEOUT, WORK, Node, compile_image, eventually, finish, ok  # noqa: E402

COMMAND = 0xb0020004  # of the device, in its configuration space
BUS_MASTER = 4
DESCRIPTION = "verification/system/deployments/rest.dts.in"
LINE = f"unix:{WORK}/line"


def master(node):
    """Whether the device may write into memory; None: the machine does not say."""
    said = re.search(r": (0x[0-9a-f]+)", node.ask(f"xp /1hx {COMMAND:#x}"))
    return bool(int(said.group(1), 16) & BUS_MASTER) if said else None


def ctl(*words):
    return subprocess.run([f"{BUILD}/tools/mullion", "ctl", "--timeout", str(int(TIMEOUT)), "-c", LINE, *words],
                          capture_output=True, text=True, check=False)


def dump():
    return ctl("dump", "teach", "-o", f"{WORK}/core").returncode


def stop_and_start(kind):
    with open(DESCRIPTION, encoding="ascii") as file:
        text = file.read()
    os.makedirs(WORK, exist_ok=True)
    with open(f"{WORK}/{kind}.dts", "w", encoding="ascii") as file:
        file.write(text.replace("/dts-v1/;", "/dts-v1/;\n#define OWNED" if kind == "owned" else "/dts-v1/;"))
    compile_image(f"{WORK}/{kind}.dts")
    node = Node(kind, LINE)
    ok(eventually(lambda: master(node)), f"{kind}: while it runs, its device is on the bus")
    ok(dump() == 1, f"{kind}: and its memory is its own")
    ok(ctl("stop", "teach").returncode == 0 and eventually(lambda: master(node) is False),
       f"{kind}: stopped, its device is off the bus")
    ok(dump() == 0, f"{kind}: and its memory can be looked at")
    ok(ctl("start", "teach").returncode == 0 and eventually(lambda: master(node)),
       f"{kind}: started again, its device is on the bus")
    ok(ctl("shutdown").returncode == 0 and node.end() == 0, f"{kind}: the node ends well")


print("1..12", flush=True)
stop_and_start("framed")
stop_and_start("owned")
finish()
