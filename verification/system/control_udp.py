#!/usr/bin/env python3
"""Talks to a node's control partition over a network, and judges what it says. TAP.

Usage: control_udp.py MULLION BUILD WORK FLOOD

Boots BUILD, of config/deployments/control-net.dts, with a port that mullion run leads to it: commands of mullion
ctl. Then with a socket for frames made here at the other end of its wire: what has to be refused and counted, who
is answered, FLOOD datagrams at once, and the end.
"""
import os
import re
import signal
import subprocess
import sys
import time

import control
from control import KEY, Node, Wire, checksum, greet, ok, result

TESTS = 39
QUIET_S = 1.5  # nothing comes within it: then nothing was sent


class Ctl:
    """mullion ctl with this node."""

    def __init__(self, mullion, work, port):
        self.mullion, self.work, self.address = mullion, work, "udp:127.0.0.1:%d" % port
        self.key = self.write_key("key", KEY)

    def write_key(self, name, key):
        path = os.path.join(self.work, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
        return path

    def words(self, *words, key="", command="ctl"):
        options = ["--timeout", "900", "-c", self.address] + (["--key", key or self.key] if key is not None else [])
        return [self.mullion, command, *options, *words]

    def run(self, *words, **how):
        done = subprocess.run(self.words(*words, **how), capture_output=True, text=True, timeout=1200, check=False)
        return done.returncode, done.stdout, done.stderr

    def console(self, partition):
        """Attached to until it has heard that it is, which it waits for before it catches signals; then ended by one."""
        with subprocess.Popen(self.words("console", partition), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and not catches(process.pid, signal.SIGTERM):
                time.sleep(0.02)
            process.terminate()
            out, err = process.communicate(timeout=1200)
        return process.returncode, out, err

    def say(self, sentence, pattern, *words, status=0, **how):
        """One test: how it ends and what it prints, on either way."""
        got, out, err = self.run(*words, **how)
        ok(got == status and re.search(pattern, out + err, re.M), sentence, (got, out, err))


def catches(pid, number):
    """Whether a process catches that signal; False also when it has ended."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as status:
            caught = re.search(r"^SigCgt:\s*(\w+)", status.read(), re.M)
    except FileNotFoundError:
        return False
    return bool(caught and int(caught.group(1), 16) >> (number - 1) & 1)


def wait_running(ctl):
    for _ in range(50):
        if "running" in ctl.run("info", "nav")[1]:
            break


def commands(ctl):
    ctl.say("a node is reached by UDP", r"^idle +running +0 +1$", "list")
    ctl.say("a partition is stopped", r"^nav: stopped$", "stop", "nav")
    ctl.say("and says so", r"^reason: +command$", "info", "nav")
    core = os.path.join(ctl.work, "nav.core")
    ctl.say("its memory is dumped", r"^nav: 8192 KiB and 1 vcpu in ", "dump", "nav", "-o", core)
    ctl.say("and is the same when it is loaded", r"^nav: 8192 KiB as in .*, 0 bytes of it sent$", "load", "nav", core)
    ctl.say("it is started again", r"^nav: ", "start", "nav")
    wait_running(ctl)
    ctl.say("and restarted", r"^nav: restarting$", "restart", "--cold", "nav")
    wait_running(ctl)
    ctl.say("schedules are told", r"^in force: normal$", "schedule")
    ctl.say("the kernel's log is told, whole", r"^CPU: +1 apic 2 owned by idle$", "log")
    ctl.say("top shows the node", r"^nav +running", "--once", "-d", "0.1", command="top")
    text = os.path.join(ctl.work, "trace.txt")
    status = ctl.run("--text", text, command="trace")
    ok(status[0] == 0 and re.search(r" nav +window 0|nav.*window", open(text, encoding="ascii").read()),
       "and the trace comes in order", status)
    page = os.path.join(ctl.work, "page.html")
    ctl.say("the page is written", "^$", "report", "-o", page)
    status, out, err = ctl.console("idle")
    ok(status == 0 and out == "", "a console is attached to, and let go", (status, out, err))


def keys(ctl):
    ctl.say("who has no key is told", "obeys only who has its key", "list", key=None, status=1)
    ctl.say("another key is refused", "does not accept the key", "stop", "nav",
            key=ctl.write_key("other", bytes(32)), status=1)


def neighbours(wire):
    """ARP and ICMP."""
    ask = bytes([0, 1, 8, 0, 6, 4, 0, 1]) + wire.MAC + wire.ADDRESS + bytes(6) + wire.NODE
    wire.put(b"\xff" * 6 + wire.MAC + b"\x08\x06" + ask)
    frame = wire.receive()
    ok(frame[6:12] == wire.NODE_MAC and frame[12:42] == b"\x08\x06" + bytes([0, 1, 8, 0, 6, 4, 0, 2]) + wire.NODE_MAC
       + wire.NODE + wire.MAC + wire.ADDRESS and len(frame) >= 60, "who asks for the address is told the MAC", frame.hex())
    data = bytes(range(256)) * 5
    wire.echo(data)
    frame = wire.receive()
    packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
    ok(packet[9:10] == b"\1" and checksum(packet[:20]) == 0 and packet[20:22] == b"\0\0" and
       checksum(packet[20:]) == 0 and packet[28:] == data, "an echo comes back, right to the byte", frame.hex())


def refusals(wire):
    def error(data):
        wire.send(data)
        return (wire.answer() or {}).get("error")

    bad = [b"garbage", b"{}}", b'{"v":1,"id":1,"cmd":"list",}', b'\xff\xfe\x00', b'{"v":1,"cmd":"hello"}\n' * 2, b'{"v":1,']
    errors = [error(data) for data in bad]
    ok(errors == ["malformed"] * len(bad), "what is no line is malformed", errors)
    ok(error(b"{" + b"x" * 1024) == "oversized" and error(b"x" * 1472) == "oversized", "a datagram of more than 1,024 bytes is oversized")
    plain = b'{"v":1,"id":1,"cmd":"stop","partition":"nav"}'
    ok(error(plain) == "unauthenticated", "without a mac nobody commands, though the serial line is open")
    signed = wire.sign(wire.request("version"))
    ok(error(signed.replace(b'"version"', b'"counters"')) == "unauthenticated", "a mac is for its own line alone")
    wire.send(signed)
    good = wire.answer() or {}
    ok(good.get("ok") and error(signed) == "replayed", "what was heard once is not heard again", good)
    wire.send(b"")
    wire.send(b"\n")
    ok(wire.answer(QUIET_S) is None, "an empty datagram is nothing")
    ok(wire.one("version").get("ok"), "and after all that the node listens")


def damaged(wire):
    """Frames that nobody answers, with the counter of each."""
    udp = wire.datagram(b'{"v":1,"cmd":"hello"}')
    hello = wire.packet(17, udp)
    return [("ipv4-fragment", wire.packet(17, udp, fragment=0x2000)), ("ipv4-fragment", wire.packet(17, udp, fragment=3)),
            ("ipv4-checksum", wire.packet(17, udp, damage=1)), ("ipv4-options", wire.packet(17, udp, options=bytes([1, 1, 1, 0]))),
            ("ipv4-malformed", wire.ethernet(0x0800, b"\x65" + hello[15:])), ("ipv4-malformed", hello[:40]),
            ("udp-checksum", wire.packet(17, wire.datagram(b'{"v":1,"cmd":"hello"}', damage=2))),
            ("udp-malformed", wire.packet(17, udp + b"more")), ("udp-malformed", wire.packet(17, udp[:7])),
            ("other-port", wire.packet(17, wire.datagram(b'{"v":1,"cmd":"hello"}', port=7071))),
            ("source", wire.packet(17, udp, source=wire.NODE)), ("source", wire.packet(17, udp, source=bytes([224, 0, 0, 1]))),
            ("foreign", wire.packet(6, udp)), ("foreign", wire.ethernet(0x86dd, hello[14:])),
            ("icmp-malformed", wire.packet(1, bytes([8, 0, 1, 2, 0, 1, 0, 1]))),
            ("arp-malformed", wire.ethernet(0x0806, bytes(28)))]


def network(wire):
    return next((line["result"]["network"] for line in wire.ask("health") if "network" in line.get("result", {})), {})


def frames(wire):
    before = network(wire)
    sent = damaged(wire)
    for _, frame in sent:
        wire.put(frame)
    ok(wire.receive(QUIET_S) == b"", "damaged and foreign frames are not answered")
    after = network(wire)
    counted = {reason: after.get(reason, 0) - before.get(reason, 0) for reason, _ in sent}
    wanted = {reason: sum(r == reason for r, _ in sent) for reason, _ in sent}
    # Other stations' frames for everybody may have come, too.
    ok(all(counted[r] == wanted[r] or (r == "foreign" and counted[r] > wanted[r]) for r in wanted),
       "and are counted, each by its reason", (counted, wanted))


def peers(wire, other):
    wire.send(wire.sign(wire.request("trace", cpu=0, **{"from": 0})))
    wire.seq += 1
    other.send(other.sign(dict(other.request("version"), id=77), seq=wire.seq))
    answers, port_of = [], {}
    while len(answers) < 200:
        answer = wire.answer()
        if answer is None:
            break
        answers.append(answer)
        port_of.setdefault(answer["id"], set()).add(wire.to_port)
        if answer["id"] == 77:
            break
    trace = [a for a in answers if a["id"] == wire.id]
    ok(len(trace) > 1 and [a.get("line", 0) for a in trace] == list(range(len(trace))) and not trace[-1].get("more"),
       "an answer of many datagrams has them numbered", trace[:2])
    ok(port_of == {wire.id: {wire.port}, 77: {other.port}}, "each peer has its own answer, one after the other", port_of)
    mine = wire.one("console", partition="nav", attach=True)
    wire.seq += 1
    other.send(other.sign(dict(other.request("console", partition="nav", attach=True), id=78), seq=wire.seq))
    theirs = wire.answer()
    ok(mine.get("ok") and theirs.get("error") == "not-now" and theirs["id"] == 78,
       "one peer at a time is attached", (mine, theirs))
    wire.one("restart", partition="nav")
    end = time.monotonic() + control.WAIT_S
    while not wire.notices and time.monotonic() < end:
        wire.one("version")
    ok(wire.notices and wire.notices[0]["partition"] == "nav" and wire.to_port == wire.port,
       "and has what nav prints", wire.notices[:1])
    ok(wire.one("console", partition="nav", attach=False).get("result") == {"attached": False}, "until it lets go")


def flood(wire, count):
    """More than the card holds: what comes through is answered, and nobody else is late."""
    def nav():
        line = next(p for part in wire.ask("counters") for p in part["result"]["partitions"] if p["name"] == "nav")
        return line["vcpus"][0]

    before, begun = nav(), time.monotonic()
    for i in range(count):
        wire.send((b'{"v":1,"id":5,"cmd":"stop","partition":"nav"}', b"{" * 1400, b"{[")[i % 3])
        if i % 50 == 49:
            time.sleep(0.02)
    answers = 0
    for _ in range(20):
        while wire.answer(QUIET_S) is not None:
            answers += 1
        if wire.one("version").get("ok"):
            break
    after = nav()
    print("# %d of %d answered in %.1f s" % (answers, count, time.monotonic() - begun))
    ok(0 < answers <= count and wire.one("version").get("ok"), "a flood is answered as far as it is heard, and commands after it", answers)
    ok(after[1] > before[1] and after[2] == 0, "and no window of the neighbour began late", (before, after))


def ended(node):
    try:
        return node.qemu.wait(control.WAIT_S)
    except subprocess.TimeoutExpired:
        return "none"


def by_ctl(mullion, build, work):
    """A node on QEMU's network."""
    port = Wire.free_ports()[0]
    node = Node(mullion, build, work, ["--udp", "127.0.0.1:%d" % port])
    try:
        greet(node)  # it has booted
        ctl = Ctl(mullion, work, port)
        commands(ctl)
        keys(ctl)
        ctl.say("the node is shut down, though nobody reads its serial line", "^the node powers off$", "shutdown")
        status = ended(node)
        ok(status == 33, "and then powers off, well", status)
    finally:
        node.qemu.kill()
        node.qemu.wait()


def by_frames(mullion, build, work, count):
    """Another on a wire with nobody but us: QEMU's network would answer, too."""
    ends = Wire.free_ports()
    node = Node(mullion, build, work, more=Wire.arguments(ends))
    try:
        hello = greet(node)
        ok(hello["result"].get("authenticated") is False, "the serial line is open, as described", hello)
        wire = Wire(ends)
        other = Wire.__new__(Wire)
        other.__dict__.update(wire.__dict__, port=40001)
        neighbours(wire)
        wire.send(b'{"v":1,"cmd":"hello"}')
        hello = wire.answer() or {"result": {}}
        ok(hello["result"].get("authenticated") is True and hello["result"].get("node") == "control-net",
           "by UDP, hello asks for macs", hello)
        wire.seq = other.seq = int(hello["result"].get("seq", 0))
        wire.nonce = other.nonce = bytes.fromhex(hello["result"].get("nonce", ""))
        refusals(wire)
        frames(wire)
        peers(wire, other)
        flood(wire, count)
        node.send(b'\n{"v":1,"id":3,"cmd":"version"}\n')
        ok((node.answer() or {}).get("ok"), "the serial line has answered all the while")
        answer = wire.one("shutdown")
        ok(answer.get("ok") and ended(node) == 33, "and the node ends after its answer to that", answer)
    finally:
        node.qemu.kill()
        node.qemu.wait()


def main():
    mullion, build, work, count = sys.argv[1:5]
    print("1..%d" % TESTS, flush=True)
    by_ctl(mullion, build, work)
    os.remove(os.path.join(work, "serial.socket"))
    by_frames(mullion, build, work, int(count))
    return 1 if control.failed or control.number != TESTS else 0


if __name__ == "__main__":
    sys.exit(main())
