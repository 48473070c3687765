#!/usr/bin/env python3
"""The arithmetic of the measured Linux peers, on what consoles and plugin left, written by hand: every way in which a run
is no measurement must be refused. And the plugin counts what a machine of a few instructions executes."""
import importlib.machinery
import importlib.util
import os
import struct
import subprocess
import sys
import tempfile

PEERS = os.path.join("verification", "peers")
sys.path.insert(0, PEERS)
import counts # noqa: E402
import frames # noqa: E402

number = 0


def script(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(PEERS, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def ok(good, sentence, shown=""):
    global number
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {sentence}")
    if not good:
        print("#", shown)


def refused(sentence, words, act):
    try:
        result = act()
    except counts.Unusable as error:
        ok(words in str(error), sentence, str(error))
    else:
        ok(False, sentence, f"was taken: {result}")


MARKS = "mark 10 1000\nmark 11 501000\nmark 20 600000\nmark 21 11100000\n"
LOG = "noise\nbusy sleep 10 480000 500\nbusy send 20 10080000 500\nnaps 510\n"
RECEIVER = {"receive": {"counted": 9_100_000, "clock": 9_000_000, "work": 500},
            "blocked": {"counted": 100_000, "clock": 90_000, "work": 1}}


def rxe_facts(marks=MARKS, log=LOG, receiver=RECEIVER):
    return script("rxe").facts(counts.spans(marks, log), log, receiver)


sys.dont_write_bytecode = True
print("1..31")
known = rxe_facts()
ok(known["post_send_64B"] == {"counted": 19980, "clock": 19181, "n": 500},
   "a message costs what is left when its sleeps are taken off", known)
ok(known["receive_64B"] == {"counted": 18000, "clock": 17820, "n": 500}, "and received, without being blocked", known)
refused("a mark that the plugin did not see", "saw no mark", lambda: rxe_facts(marks=MARKS.replace("mark 21", "mark 22")))
refused("a mark executed twice", "twice", lambda: rxe_facts(marks=MARKS + "mark 21 5\n"))
refused("a span that the console did not tell", "nothing was measured of send",
        lambda: rxe_facts(log=LOG.replace("busy send", "busy sendoff")))
refused("a span in which nothing was done", "instructions for 0", lambda: rxe_facts(log=LOG.replace("10080000 500", "10080000 0")))
refused("fewer sleeps than messages", "how often it slept", lambda: rxe_facts(log=LOG.replace("naps 510", "naps 499")))
refused("sleeps that cost more than all", "nothing is left", lambda: rxe_facts(log=LOG.replace("naps 510", "naps 20000")))
refused("two ways to count that differ", "differ by more than",
        lambda: rxe_facts(log=LOG.replace("10080000", "8080000")))
refused("a counter that stood still", "instructions for 500", lambda: rxe_facts(marks=MARKS.replace("11100000", "600000")))
try:
    counts.run("false")
    ok(False, "a command that fails is an error")
except counts.Unusable:
    ok(True, "a command that fails is an error")

# ---- The lock manager


def framed(protocol, port, payload):
    head = bytes(12) + b"\x08\x00\x45\x00" + struct.pack(">H", 20 + (20 if protocol == 6 else 8) + len(payload)) + bytes(5)
    head += bytes([protocol]) + bytes(10) + struct.pack(">HH", 40000, port)
    return (head + (bytes(8) + b"\x50" + bytes(7) if protocol == 6 else bytes(4)) + payload).ljust(60, b"\0")


def capture(*all_frames):
    return struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65536, 1) + b"".join(
        struct.pack("<IIII", 1, 2, len(frame), len(frame)) + frame for frame in all_frames)


def mark(words):
    return framed(17, 18603, words.encode())


DLM, ACK, OTHER = framed(6, 21064, b"message"), framed(6, 21064, b""), framed(6, 22, b"other")
WIRE = [DLM, mark("remote begins")] + [DLM, ACK, OTHER] * 1000 + [mark("remote ends"), DLM, mark("local begins"), mark("local ends"),
                                                                 mark("handoff begins")] + [DLM] * 1200 + [mark("handoff ends"), DLM]
known = frames.between(capture(*WIRE), "remote")
ok(known == {"frames": 2000, "with_payload": 1000, "bytes": 1000 * (len(DLM) + len(ACK))},
   "frames of the lock manager alone are counted, and only between the marks", known)
refused("a capture that breaks off", "breaks off", lambda: frames.between(capture(*WIRE)[:-1], "remote"))
refused("a capture of something else", "is none", lambda: frames.between(b"\0" * 100, "remote"))
refused("a capture without its mark", "does not tell",
        lambda: frames.between(capture(*[f for f in WIRE if f != mark("remote ends")]), "remote"))

SPANS = {"remote": {"counted": 50_000_000, "clock": 45_000_000, "work": 500}, "local": {"counted": 5_000_000, "clock": 5_000_000, "work": 500},
         "handoff": {"counted": 40_000_000, "clock": 38_000_000, "work": 200}}
MASTER = {"master": {"counted": 30_000_000, "clock": 29_000_000, "work": 500}}
TIMES = "remote_ns 600000\nhandoff_ns 400000\n"
dlm = script("dlm")
known = dlm.pair_facts(SPANS, TIMES, MASTER, capture(*WIRE))
ok((known["remote"]["frames"], known["remote"]["counted"], known["local"]["frames"], known["handoff"]["frames"])
   == (4.0, 100000, 0, 3.0), "a lock costs its frames and instructions over how many there were", known)
refused("a remote lock that no message left for", "not remote",
        lambda: dlm.pair_facts(SPANS, TIMES, MASTER, capture(*[f for f in WIRE if f != ACK])))
refused("both ways to count far apart", "differ by more than", lambda: dlm.pair_facts(
    {**SPANS, "remote": {**SPANS["remote"], "clock": 30_000_000}}, TIMES, MASTER, capture(*WIRE)))

SURVIVED = """dlm: bench: dlm_recover 1 generation 1 done: 224 ms
held 5000
recovery_ns 900000000
calm_ns 1000000
bystander_ns 890000000
grants 700
dlm: bench: dlm_recover 3 generation 2 done: 860 ms
"""
known = dlm.recovery_facts([SURVIVED, SURVIVED.replace("ns 9", "ns 8")])
ok(known["ns"] == 900000000 and known["kernel_ms"] == 860 and known["locks"] == 5000, "of both survivors the slower one counts", known)
refused("a survivor that did not recover", "recoveries",
        lambda: dlm.recovery_facts([SURVIVED, SURVIVED.replace("generation 2", "failed")]))
refused("locks that were not held", "locks held", lambda: dlm.recovery_facts([SURVIVED, SURVIVED.replace("held 5000", "held 4999")]))

# ---- Ours

locks = script("locks")
LEADER = [f"[lockd] lockd: at {at} group {group} {phase} epoch {epoch}" for at, group, phase, epoch in (
    (100, 0, "campaigning", 1), (700, 1, "collecting", 1), (900, 0, "following", 1), (5000, 0, "campaigning", 2),
    (6000, 0, "collecting", 2), (6100, 1, "serving", 3), (8000, 0, "sweeping", 2), (8200, 0, "building", 2))] + [
    "[lockd] lockd: at 8500 group 0 serving epoch 2, 4000 ns after the last leader was heard, bound 9000"]


def spans(partition, *rows):
    return [f"[{partition}] holder: held={held} longest={wait} grants={grants} at={at}" for held, wait, grants, at in rows]


def survivor(held=4999, waited=70, after=3, clock=0):
    return spans("holder", (4999, 50, 9, clock + 4000), (held, 3500, 1, clock + 9000)) + spans(
        "bystander", *((0, 40, 9, clock + 1000 * k) for k in (1, 2, 3)), *((0, waited, 9, clock + 6000 + 1000 * k) for k in range(after))) + [
        f"[lockd] lockd: at {clock + at} group 0 following epoch {epoch}" for at, epoch in ((900, 1), (6000, 2))]


known = locks.facts(5000, LEADER, [survivor(), survivor(waited=90, clock=500000)])
ok(known == {"locks": 5000, "holders": 2, "rebuild_ns": 2500, "silent_ns": 4000, "bound_ns": 9000, "holder_ns": 3500,
             "bystander_before_ns": 40, "bystander_ns": 90}, "a recovery is from the election to the service of that group", known)
refused("a leader that does not serve", "no survivor serves", lambda: locks.facts(5000, LEADER[:-1], [survivor(), survivor()]))
refused("an election after the last service", "no survivor serves",
        lambda: locks.facts(5000, LEADER + ["[lockd] lockd: at 9000 group 0 collecting epoch 3"], [survivor(), survivor()]))
refused("locks that a survivor lost", "not all the time", lambda: locks.facts(5000, LEADER, [survivor(), survivor(held=4998)]))
refused("a survivor that held nothing", "not all the time", lambda: locks.facts(5000, LEADER, [survivor(), []]))
refused("a survivor that knows of no new leader", "no new leader", lambda: locks.facts(5000, LEADER, [survivor(), survivor()[:-1]]))
refused("a bystander that did not go on", "a bystander reported",
        lambda: locks.facts(5000, LEADER, [survivor(), survivor(after=2)]))
refused("a leader that does not say how long there was none", "does not say how long",
        lambda: locks.facts(5000, LEADER[:-1] + ["lockd: at 8500 group 0 serving epoch 2"], [survivor(), survivor()]))
done = subprocess.run([os.path.join(PEERS, "many"), "7"], capture_output=True, text=True, check=True).stdout
ok(done.count("group = <&g0>") == 7 and done.count("group = <&g1>") == 1 and "adder" not in done.split("partitions {")[1],
   "the description with many locks has them, and nothing else of the one that it is made of", done)

# Multiboot; between the marks a loop of 1,000 turns.
MACHINE = """
	.long 0x1badb002, 0, -0x1badb002
	.globl _start
_start:	mov $1000, %ecx
	.byte 0x0f, 0x1f, 0x84, 0, 7, 1, 'M', 'U'
0:	dec %ecx
	jnz 0b
	.byte 0x0f, 0x1f, 0x84, 0, 8, 1, 'M', 'U'
	mov $0x10, %al
	out %al, $0xf4
	hlt
"""
with tempfile.TemporaryDirectory() as work:
    image, marks = os.path.join(work, "machine"), os.path.join(work, "marks")
    counter = counts.plugin(work)
    subprocess.run(["cc", "-m32", "-nostdlib", "-static", "-Wl,-Ttext=0x100000,--build-id=none,-N", "-x", "assembler", "-", "-o", image],
                   input=MACHINE, text=True, check=True, stderr=subprocess.DEVNULL)
    subprocess.run(f"timeout 600 qemu-system-x86_64 -accel tcg -icount shift=0 -display none -nodefaults -no-reboot "
                   f"-kernel {image} -device isa-debug-exit,iobase=0xf4 -plugin {counter},out={marks}",
                   shell=True, check=False, capture_output=True)
    with open(marks, encoding="ascii") as written:
        lines = written.read().split()
ok(lines[1::3] == ["263", "264"] and int(lines[5]) - int(lines[2]) == 2001,
   "the plugin counts every instruction between two marks", lines)
