#!/usr/bin/env python3
"""A failure of the hardware costs the partition it strikes, is said with its cause, and stops the node only where
the kernel itself was struck, or can trust its CPU no more. The monitor of QEMU is what fails the hardware; it gives
its machine checks to the partition itself, so one without a handler is looked at: on hardware they are intercepted."""
import os
import re
import socket
import subprocess
import sys
import time

BUILD = os.environ.get("BUILD", "build")
KERNEL = os.environ.get("KERNEL", f"{BUILD}/kernel")
WORK = f"{BUILD}/system/machine-check"
TIMEOUT = float(os.environ.get("TIMEOUT", "120"))
DTS = "verification/system/deployments/machine-check.dts"

VALID, UNCORRECTED, ENABLED, CORRUPT = 1 << 63, 1 << 61, 1 << 60, 1 << 57
RESTARTABLE, IN_PROGRESS = 1, 4
STATUS = VALID | UNCORRECTED | ENABLED | 0x135
BANK = 2
VICTIM, RESTING = 2, 4  # as the board numbers the CPUs that are described as 1 and 2
count = failed = 0


def ok(good, sentence):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)


class Node:
    def __init__(self, name):
        self.log = f"{WORK}/{name}.serial"
        self.line = f"{WORK}/{name}.monitor"
        for path in (self.log, self.line):
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen(
            [f"{BUILD}/tools/mullion", "run", f"{WORK}/image", "--timeout", str(int(TIMEOUT)), "--serial", self.log,
             "--", "-monitor", f"unix:{self.line},server=on,wait=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def text(self):
        try:
            with open(self.log, encoding="ascii", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def says(self, pattern):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            if re.search(pattern, self.text(), re.M):
                return True
            if self.process.poll() is not None:
                return bool(re.search(pattern, self.text(), re.M))
            time.sleep(0.05)
        return False

    def fail(self, cpu, status):
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.line)
            line.recv(4096)
            line.sendall(f"mce {cpu} {BANK} {status:#x} {RESTARTABLE | IN_PROGRESS:#x} 0 0\n".encode())
            time.sleep(0.2)

    def end(self):
        try:
            return self.process.wait(TIMEOUT)
        finally:
            self.process.kill()


def struck_partition():
    node = Node("partition")
    ok(node.says(r"^\[victim\] bare") and node.says(r"^\[gone\] hello"), "the node runs, with one CPU at rest")
    node.fail(VICTIM, STATUS)
    ok(node.says(rf"health: victim: machine check {STATUS:#x}, rip 0x[0-9a-f]+.*; stopped$"),
       "what ran on the CPU that failed is stopped, and the log has the bank's status")
    ok(node.process.poll() is None and "nobody" not in node.text(), "the node goes on")
    node.fail(RESTING, STATUS + 1)
    ok(node.says(rf"^health: \(nobody\): machine check {STATUS + 1:#x}, rip 0x[0-9a-f]+; the node stops"),
       "one that strikes the kernel stops the node, and is said on its own line")
    ok(node.end() == 1, "as failed")


def struck_context():
    node = Node("context")
    node.says(r"^\[victim\] bare")
    ok(not re.search("machine check", node.text()), "without a failure none is said")
    node.fail(VICTIM, STATUS | CORRUPT)
    ok(node.says(rf"^health: \(nobody\): machine check {STATUS | CORRUPT:#x}"),
       "where the CPU's own state is corrupt, it is nobody's")
    ok(node.end() == 1 and "health: victim" not in node.text(), "and the node stops, whoever ran")


print("1..8", flush=True)
os.makedirs(WORK, exist_ok=True)
built = subprocess.run([f"{BUILD}/tools/mullion", "build", DTS, "-o", f"{WORK}/image", "--kernel", KERNEL, "--images",
                        f"{BUILD}/partitions"], capture_output=True, text=True, check=False)
if built.returncode:
    print(f"Bail out! {built.stderr}")
    sys.exit(1)
struck_partition()
struck_context()
sys.exit(failed != 0)
