#!/usr/bin/env python3
"""A failure of the hardware costs the partition it strikes, is said with its cause, and stops the node only where
the kernel itself was struck, or can trust its CPU no more. The monitor of QEMU is what fails the hardware; it gives
its machine checks to the partition itself, so one without a handler is looked at: on hardware they are intercepted."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from monitored import Node, compile_image, finish, ok  # noqa: E402

VALID, UNCORRECTED, ENABLED, CORRUPT = 1 << 63, 1 << 61, 1 << 60, 1 << 57
RESTARTABLE, IN_PROGRESS = 1, 4
STATUS = VALID | UNCORRECTED | ENABLED | 0x135
BANK = 2
VICTIM, RESTING = 2, 4  # as the board numbers the CPUs that are described as 1 and 2


def fail(node, cpu, status):
    node.ask(f"mce {cpu} {BANK} {status:#x} {RESTARTABLE | IN_PROGRESS:#x} 0 0")


def struck_partition():
    node = Node("partition")
    ok(node.says(r"^\[victim\] bare") and node.says(r"^\[gone\] hello"), "the node runs, with one CPU at rest")
    fail(node, VICTIM, STATUS)
    ok(node.says(rf"health: victim: machine check {STATUS:#x}, rip 0x[0-9a-f]+.*; stopped$"),
       "what ran on the CPU that failed is stopped, and the log has the bank's status")
    ok(node.alive() and "nobody" not in node.text(), "the node goes on")
    fail(node, RESTING, STATUS + 1)
    ok(node.says(rf"^health: \(nobody\): machine check {STATUS + 1:#x}, rip 0x[0-9a-f]+; the node stops"),
       "one that strikes the kernel stops the node, and is said on its own line")
    ok(node.end() == 1, "as failed")


def struck_context():
    node = Node("context")
    ok(node.says(r"^\[victim\] bare") and "machine check" not in node.text(), "without a failure none is said")
    fail(node, VICTIM, STATUS | CORRUPT)
    ok(node.says(rf"^health: \(nobody\): machine check {STATUS | CORRUPT:#x}"),
       "where the CPU's own state is corrupt, it is nobody's")
    ok(node.end() == 1 and "health: victim" not in node.text(), "and the node stops, whoever ran")


print("1..8", flush=True)
compile_image("verification/system/deployments/machine-check.dts")
struck_partition()
struck_context()
finish()
