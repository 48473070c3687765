#!/usr/bin/env python3
"""Talks to a node's control partition over QEMU's serial line, and judges what it says. TAP.

Usage: control.py MULLION BUILD WORK FLOOD
       control.py MULLION BUILD WORK cost BOUNDS

Boots BUILD with its serial line at a socket in WORK. With a number (deployments/control.dts): sends every
command, then requests that are damaged, replayed, unsigned or too long, then FLOOD requests at once, and ends
the node. With `cost` (deployments/control-owned.dts, where a tick is an instruction of control's): the most
each command's step took, against what the document BOUNDS states.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time

KEY = bytes(range(32))
WAIT_S = 300  # a machine may be busy; who answers does so at once
TESTS = 56
number = failed = 0


def ok(good, sentence, detail=""):
    global number, failed
    number += 1
    print("%sok %d - %s" % ("" if good else "not ", number, sentence), flush=True)
    if not good:
        failed += 1
        print("# " + str(detail)[:600], flush=True)


class Node:
    def __init__(self, mullion, build, work, options=(), more=()):
        path = os.path.join(work, "serial.socket")
        with open(os.path.join(build, "system.json"), encoding="utf-8") as system:
            self.image = json.load(system)["image_id"]
        words = shlex.split(subprocess.run([mullion, "run", build, "--dry-run", *options], check=True,
                                           capture_output=True, text=True).stdout)
        words[words.index("stdio")] = "unix:%s" % path
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        server.settimeout(WAIT_S)
        self.qemu = subprocess.Popen(words + list(more), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.line, _ = server.accept()
        self.rest, self.people, self.notices, self.id, self.seq = b"", [], [], 0, 0
        self.nonce = b""

    def send(self, data):
        self.line.settimeout(WAIT_S)
        self.line.sendall(data)

    def next_line(self, seconds=WAIT_S):
        """The next line, or None when there is none for so long."""
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self.line.settimeout(left)
            try:
                data = self.line.recv(65536)
            except (socket.timeout, ConnectionError):
                return None
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def answer(self, seconds=WAIT_S):
        """The next line of an answer; what else comes is kept aside."""
        while True:
            line = self.next_line(seconds)
            if line is None:
                return None
            if not line.startswith(b"{"):
                self.people.append(line.decode("ascii", "replace").rstrip("\r"))
                continue
            parsed = json.loads(line)
            if "event" not in parsed:
                return parsed
            self.notices.append(parsed)

    def sign(self, request, seq=None):
        """The request as a signed line, under the next number or this one."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        body = json.dumps(dict(request, seq=seq), separators=(",", ":"))
        mac = hmac.new(KEY, self.nonce + body.encode(), hashlib.sha256).hexdigest()
        return (body[:-1] + ',"mac":"%s"}\n' % mac).encode()

    def request(self, cmd, **members):
        self.id += 1
        return dict({"v": 1, "id": self.id, "cmd": cmd}, **members)

    def ask(self, cmd, **members):
        """All lines of an answer to a signed request."""
        self.send(self.sign(self.request(cmd, **members)))
        lines = []
        while True:
            line = self.answer()
            if line is None or line["id"] != self.id:
                return [{"ok": False, "error": "silent", "result": {}, "got": line}]
            lines.append(line)
            if not line.get("more"):
                return lines

    def one(self, cmd, **members):
        return self.ask(cmd, **members)[0]

    def entered(self, name):
        return sum(p["vcpus"][0][1] for line in self.ask("counters") for p in line["result"].get("partitions", [])
                   if p["name"] == name)

    def wait_state(self, name, state):
        for _ in range(200):
            last = self.one("info", partition=name)
            if last.get("result", {}).get("state") == state:
                return last["result"]
        return {}


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total > 0xffff:
        total = (total >> 16) + (total & 0xffff)
    return total ^ 0xffff


class Wire(Node):
    """A station of our own on the node's network: frames by a socket of QEMU's, packets as RFCs 791, 768 and 792
    have them, a second opinion on the node's."""
    NODE_MAC, MAC = bytes.fromhex("525400000001"), bytes.fromhex("020000000099")
    NODE, ADDRESS, PORT = bytes([10, 0, 2, 15]), bytes([10, 0, 2, 99]), 7070

    @staticmethod
    def free_ports():
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in sockets]
        for one in sockets:
            one.close()
        return ports

    @staticmethod
    def arguments(ends):
        return ["-netdev", "socket,id=wire,udp=127.0.0.1:%d,localaddr=127.0.0.1:%d" % tuple(ends),
                "-netdev", "hubport,id=wireport,hubid=1,netdev=wire"]

    def __init__(self, ends, port=40000):
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", ends[0]))
        self.qemu_port, self.port = ends[1], port
        self.people, self.notices, self.id, self.seq, self.nonce = [], [], 0, 0, b""

    def put(self, frame):
        self.line.sendto(frame, ("127.0.0.1", self.qemu_port))

    def ethernet(self, kind, payload):
        return self.NODE_MAC + self.MAC + kind.to_bytes(2, "big") + payload

    def packet(self, protocol, payload, source=None, fragment=0, options=b"", damage=0):
        head = bytearray(bytes([0x45 + len(options) // 4, 0]) + (20 + len(options) + len(payload)).to_bytes(2, "big")
                         + bytes([0, 1]) + fragment.to_bytes(2, "big") + bytes([64, protocol, 0, 0])
                         + (source or self.ADDRESS) + self.NODE + options)
        head[10:12] = (checksum(bytes(head)) ^ damage).to_bytes(2, "big")
        return self.ethernet(0x0800, bytes(head) + payload)

    def datagram(self, data, port=None, source_port=None, damage=0):
        head = (source_port or self.port).to_bytes(2, "big") + (port or self.PORT).to_bytes(2, "big") + \
            (8 + len(data)).to_bytes(2, "big")
        pseudo = self.ADDRESS + self.NODE + bytes([0, 17]) + (8 + len(data)).to_bytes(2, "big")
        right = checksum(pseudo + head + b"\0\0" + data) or 0xffff
        return head + (right ^ damage).to_bytes(2, "big") + data

    def send(self, data, port=None):
        self.put(self.packet(17, self.datagram(data, port)))

    def echo(self, data):
        message = bytearray(bytes([8, 0, 0, 0, 0, 1, 0, 1]) + data)
        message[2:4] = checksum(bytes(message)).to_bytes(2, "big")
        self.put(self.packet(1, bytes(message)))

    def receive(self, seconds=WAIT_S):
        """The next frame for this station, or b""; what else is on the wire is not ours."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.line.settimeout(max(end - time.monotonic(), 0.001))
            try:
                frame = self.line.recv(2048)
            except socket.timeout:
                break
            if frame[:6] == self.MAC:
                return frame
        return b""

    def next_line(self, seconds=WAIT_S):
        """The line of the next datagram that is right in every checksum."""
        frame = self.receive(seconds)
        if not frame:
            return None
        packet = frame[14:14 + int.from_bytes(frame[16:18], "big")]
        udp = packet[20:]
        good = frame[12:14] == b"\x08\0" and packet[9] == 17 and checksum(packet[:20]) == 0 and \
            packet[12:16] == self.NODE and packet[16:20] == self.ADDRESS and \
            checksum(packet[12:20] + bytes([0, 17]) + udp[4:6] + udp) == 0 and \
            int.from_bytes(udp[4:6], "big") == len(udp) and udp[-1:] == b"\n"
        if not good:
            return b'{"v":1,"id":0,"ok":false,"error":"wrong frame"}'
        self.to_port = int.from_bytes(udp[2:4], "big")
        return udp[8:-1]


def result(lines, key):
    return lines[0].get("result", {}).get(key)


def commands(node):
    hello = greet(node)
    ok(hello["result"].get("node") == "control" and hello["result"].get("board") == "qemu-q35"
       and hello["result"].get("authenticated") is True, "hello names the node and asks for macs", hello)
    ok(len(set(node.nonce)) > 4 and hello["result"]["hz"] == [1000000000, 1], "it has a nonce and a clock", hello)
    lines = node.ask("list")
    ok([p["name"] for p in result(lines, "partitions") or []] == ["control", "nav", "other"]
       and all(p["state"] == "running" for p in result(lines, "partitions")), "list names every partition", lines)
    any(node.entered("nav") for _ in range(200))  # its first window may be yet to come
    info = node.one("info", partition="nav")
    ok(info["ok"] and info["result"]["memory"] == 8 << 20 and info["result"]["vcpus"][0]["entered"] > 0,
       "info tells memory and what the vcpu did", info)
    cpus = [c for line in node.ask("cpus") for c in line["result"].get("cpus", [])]
    ok([(c["mode"], c["vcpus"]) for c in cpus] == [("framed", ["control/0", "nav/0"]), ("owned", ["other/0"])],
       "cpus tells who is where", cpus)
    version = node.one("version")
    image = version.get("result", {}).pop("image", "")
    ok(version["ok"] and version["result"] == {"abi": 1, "protocol": 1, "boots": 1} and image == node.image,
       "version tells versions, and the image", (version, image))
    entered = [node.entered("nav") for _ in range(5)]
    ok(entered == sorted(entered) and entered[-1] > entered[0], "counters go on", entered)
    exits(node)


CAUSES = ("cpuid", "msr", "port", "memory", "hypercall", "interrupt", "halt", "nmi", "other")


def exits(node):
    """What control counted of each vcpu against what the kernel did: all that its trace holds are exits but few."""
    lines = node.ask("counters")
    rows = {p["name"]: p["vcpus"][0] for line in lines for p in line["result"].get("partitions", [])}
    nav = dict(zip(CAUSES, rows["nav"][4]))
    ok(lines[0]["result"]["unseen"] == 0, "exits are counted without a gap", lines[0])
    ok(nav["msr"] > 0 and nav["halt"] > 0 and nav["port"] == nav["memory"] == nav["hypercall"] == 0,
       "by what caused them", nav)
    ok(0.5 * rows["nav"][0] <= sum(rows["nav"][4]) <= rows["nav"][0] + 2, "each once", rows["nav"])
    causes = node.one("info", partition="control")["result"]["vcpus"][0]["causes"]
    before = dict(zip(CAUSES, rows["control"][4]))
    ok(before["hypercall"] > 0 and set(causes) <= set(CAUSES) and all(causes.get(c, 0) >= n for c, n in before.items()),
       "info tells them by name", (before, causes))
    trace = node.ask("trace", cpu=1, **{"from": 0})
    data = b"".join(base64.b64decode(line["result"]["records"]) for line in trace)
    kinds = [data[i + 8:i + 16] for i in range(0, len(data), 32)]
    counted = sum(dict(zip(CAUSES, rows["other"][4])).values())
    ok(0 < counted == sum(k[0:2] == b"\1\0" for k in kinds[:counted + 50]), "as the trace has them", (counted, len(kinds)))


def logs(node):
    log, at = "", 0
    for _ in range(40):
        part = node.one("log", **{"from": at})
        if not part["ok"] or at == part["result"]["head"]:
            break
        log += part["result"]["text"]
        at = part["result"]["to"]
    ok("Mullion: control on qemu-q35" in log and "owned by other" in log, "log is the kernel's, from its start", log)
    trace = node.ask("trace", cpu=0, **{"from": 0})
    data = b"".join(base64.b64decode(line["result"]["records"]) for line in trace if line["ok"])
    tscs = [int.from_bytes(data[i:i + 8], "little") for i in range(0, len(data), 32)]
    head = trace[0]["result"].get("head", 0)
    ok(0 < len(tscs) == min(head, 256) and tscs == sorted(tscs), "trace tells records in the order of time", (len(tscs), trace[:1]))


def consoles(node):
    answer = node.one("console", partition="nav", attach=True)
    node.one("restart", partition="nav")
    text, end = "", time.monotonic() + WAIT_S
    while time.monotonic() < end:
        node.one("version")
        text = "".join(n["text"] for n in node.notices if n["event"] == "console" and n["partition"] == "nav")
        if "\n" in text:
            break
    ok(answer["ok"] and "\n" in text, "an attached console tells its text by notices", (answer, text))
    ok(node.one("console", partition="nav", attach=False)["result"] == {"attached": False}, "and is let go")
    refused = node.one("console", partition="nav", input="x")
    ok(refused.get("error") == "not-possible", "input has nowhere to go", refused)


def block(line):
    """The bytes that a line of a dump tells."""
    result = line.get("result", {})
    return bytes(512 * result["zeros"]) if "zeros" in result else base64.b64decode(result.get("data", ""))


def loads(node, memory):
    """What is put back is there, and nothing else has changed."""
    def put(page, part, data):
        return node.one("load", partition="nav", page=page, part=part, data=base64.b64encode(data).decode())

    def page_now(page):
        return b"".join(map(block, node.ask("dump", partition="nav", page=page)))

    before, text = memory[600 << 12:601 << 12], bytes(range(256)) * 2
    answer = put(600, 3, text)
    ok(answer.get("result") == {"page": 600, "part": 3}, "a block of it can be put back", answer)
    ok(page_now(600) == before[:1536] + text + before[2048:], "which changes it alone")
    zeros = node.one("load", partition="nav", page=600, part=2, zeros=4)
    ok(zeros.get("result") == {"page": 600, "part": 2, "zeros": 4} and
       page_now(600) == before[:1024] + bytes(2048) + before[3072:], "and zeros, by their number", zeros)
    for part in range(8):
        put(600, part, before[part * 512:part * 512 + 512])
    ok(page_now(600) == before, "and all is as it was")
    beyond = [put(2048, 0, text).get("error"), node.one("load", partition="nav", page=2047, part=7, zeros=2).get("error")]
    ok(beyond == ["bad-argument"] * 2, "there is nothing to put beyond its memory", beyond)
    ok(put(0, 0, text[:511]).get("error") == "bad-argument", "a part of a block is refused")


def lives(node):
    health = node.ask("health", attach=True)
    ok(health[-1]["ok"], "health can be attached to", health)
    stop = node.one("stop", partition="nav")
    ok(stop["ok"] and stop["result"]["state"] == "stopped", "stop stops", stop)
    info = node.one("info", partition="nav")
    ok(info["result"].get("reason") == "command", "and the reason is known", info)
    dump = node.ask("dump", partition="nav", page=512)
    data = b"".join(map(block, dump))
    ok(len(data) == 4096 and any(data), "a stopped partition's memory can be read", dump[:1])
    registers = node.one("dump", partition="nav", vcpu=0)
    rip = base64.b64decode(registers.get("result", {}).get("data", ""))[128:136]
    ok(registers["ok"] and 0x200000 <= int.from_bytes(rip, "little") < 0x400000, "and its registers", registers)
    whole = [line for page in range(0, 2048, 256) for line in node.ask("dump", partition="nav", page=page, pages=256)]
    memory = b"".join(map(block, whole))
    ok(len(memory) == 8 << 20 and memory[512 << 12:513 << 12] == data, "all of it in a few answers", whole[:1])
    ok(len(whole) < 3000, "zeros in runs, a line each", len(whole))
    loads(node, memory)
    beyond = node.one("dump", partition="nav", page=2048)
    ok(beyond.get("error") == "bad-argument", "but nothing beyond its memory", beyond)
    start = node.one("start", partition="nav")
    ok(start["ok"] and node.wait_state("nav", "running") != {}, "start starts it again", start)
    running = [node.one("dump", partition="nav", page=0).get("error"),
               node.one("load", partition="nav", page=0, part=0, zeros=1).get("error")]
    ok(running == ["not-now"] * 2, "a running partition's memory can be neither read nor written", running)
    again = node.one("start", partition="nav")
    ok(again.get("error") == "not-possible", "what runs cannot be started", again)
    before = node.wait_state("nav", "running").get("restarts", -1)
    cold = node.one("restart", partition="nav", cold=True)
    after = node.wait_state("nav", "running")
    ok(cold["ok"] and after.get("restarts") == before + 1, "restart --cold restarts", (cold, before, after))
    owned = node.one("restart", partition="other")
    ok(owned["ok"] and node.wait_state("other", "running").get("restarts") == 1, "on a CPU of its own, too", owned)
    itself = node.one("stop", partition="control")
    ok(itself.get("error") == "not-possible", "control does not stop itself", itself)


def schedules(node):
    now = node.one("schedule")
    ok(now["ok"] and now["result"]["schedule"] == "normal" and now["result"]["schedules"] == ["normal", "degraded"],
       "schedule lists them", now)
    switch = node.one("schedule", name="degraded")
    ok(switch["ok"] and switch["result"]["next"] == "degraded", "schedule switches", switch)
    for _ in range(200):
        now = node.one("schedule")
        if now["result"].get("schedule") == "degraded":
            break
    ok(now["result"].get("schedule") == "degraded", "and the other is in force soon", now)
    unknown = node.one("schedule", name="other")
    ok(unknown.get("error") == "unknown-schedule", "one that does not exist is refused", unknown)


def refusals(node):
    def raw(data):
        node.send(data)
        return (node.answer() or {}).get("error")

    bad = [b"garbage\n", b"{}}\n", b'{"v":1,"id":1,"cmd":"list",}\n', b'\xff\xfe\x00\n', b'{"v":1,"id":-1}\n']
    errors = [raw(data) for data in bad]
    ok(errors == ["malformed"] * len(bad), "what is malformed is refused as that", errors)
    ok(raw(b"{" + b"x" * 1100 + b"\n") == "oversized", "a line of 1,102 bytes is oversized")
    ok(raw(b'{"v":1,"id":1,"cmd":"stop","partition":"nav"}\n') == "unauthenticated", "without a mac nobody commands")
    signed = node.sign(node.request("version"))
    damaged = signed.replace(b'"version"', b'"counters"')
    ok(raw(damaged) == "unauthenticated", "a mac is for its own line alone")
    node.send(signed)
    good = node.answer() or {"ok": False}
    node.send(signed)
    replay = node.answer() or {}
    ok(good["ok"] and replay.get("error") == "replayed", "what was heard once is not heard again", (good, replay))
    ok(raw(node.sign(node.request("reboot"))) == "unknown-command", "an unknown command is refused")
    ok(raw(node.sign(node.request("stop", partition="navi"))) == "unknown-partition", "an unknown partition, too")
    ok(raw(node.sign(node.request("list", extra=1))) == "bad-argument", "and a member nobody knows")
    node.send(b'{"v":1,"id":9,"cmd":"hel')
    time.sleep(0.5)
    node.send(b'lo"}\n')
    half = node.answer()
    ok(half is not None and half["ok"] and half["id"] == 9, "half a line waits for its other half", half)
    refused = result(node.ask("health"), "refused") or {}
    ok(refused.get("malformed", 0) >= 5 and refused.get("replayed") == 1 and refused.get("oversized") == 1,
       "what was refused is counted by its kind", refused)
    again = node.one("hello")
    ok(again["result"].get("seq") == node.seq - 1, "hello tells the last number that was heard", (again, node.seq))


def flood(node, count):
    """Lines good and bad as fast as the line takes them; each has one answer, in their order."""
    lines, expected = [], []
    for i in range(count):
        if i % 4 == 0:
            lines.append(node.sign(node.request("version")))
            expected.append(None)
        elif i % 4 == 1:
            lines.append(b'{"v":1,"id":5,"cmd":"stop","partition":"nav"}\n')
            expected.append("unauthenticated")
        else:
            lines.append(b"{" + b"[" * (i % 50) + b"\n")
            expected.append("malformed")
    got, sent, begun = [], 0, time.monotonic()
    while len(got) < count:
        while sent < count and sent - len(got) < 16:
            node.send(lines[sent])
            sent += 1
        answer = node.answer()
        if answer is None:
            break
        got.append(answer.get("error"))
    ok(got == expected, "each of %d lines of a flood gets its one answer" % count,
       "%d of %d answers after %.1f s" % (len(got), count, time.monotonic() - begun))
    print("# %d lines in %.1f s" % (count, time.monotonic() - begun))
    nav = node.one("info", partition="nav")
    ok(nav["ok"] and nav["result"]["state"] == "running" and nav["result"]["vcpus"][0]["latest_start"] == 0,
       "and no window of the neighbour began late", nav)


def end(node):
    answer = node.one("shutdown")
    ok(answer["ok"] and answer["result"] == {}, "shutdown is answered", answer)
    try:
        status = node.qemu.wait(WAIT_S)
    except subprocess.TimeoutExpired:
        status = "none"
    ok(status == 33, "and then the node powers off, well", status)


def stated(path):
    """What the table of the document says a step of each command executes at most."""
    rows = re.findall(r"^\| ((?:`[a-z]+`(?:, )?)+) \| ([0-9,]+) \|$", open(path).read(), re.M)
    return {name: int(most.replace(",", "")) for names, most in rows for name in re.findall(r"[a-z]+", names)}


def greet(node):
    node.send(b'\n{"v":1,"id":0,"cmd":"hello"}\n')
    hello = node.answer() or {"result": {}}
    node.nonce = bytes.fromhex(hello["result"].get("nonce", ""))
    return hello


def cost(node, path, facts, wire):
    """Worst cases as far as they are known: the longest line, full rings, a page without zeros; kept as `facts`."""
    greet(node)
    bounds = stated(path)
    line = node.sign(dict(node.request("version"), id=1))
    node.send(line)
    node.answer()
    filler = {"x%d" % i: "\\" * 90 for i in range(5)}
    node.send(node.sign(dict(node.request("list"), **filler)))
    node.answer()
    for cmd, members in (("list", {}), ("info", {"partition": "other"}), ("cpus", {}), ("schedule", {}),
                         ("counters", {}), ("version", {}), ("log", {"from": 0}), ("journal", {"from": 0}),
                         ("trace", {"cpu": 0, "from": 0}), ("trace", {"cpu": 0, "from": 0, "marks": True}), ("restart", {"partition": "other", "cold": True}),
                         ("stop", {"partition": "other"}), ("dump", {"partition": "other", "page": 512}),
                         ("dump", {"partition": "other", "page": 256, "pages": 256}),
                         ("load", {"partition": "other", "page": 600, "part": 0, "zeros": 2000}),
                         ("load", {"partition": "other", "page": 600, "part": 0, "data": base64.b64encode(b"\xff" * 512).decode()}),
                         ("dump", {"partition": "other", "page": 599, "pages": 3}),
                         ("dump", {"partition": "other", "vcpu": 0}), ("start", {"partition": "other"}),
                         ("health", {}), ("health", {})):
        node.ask(cmd, **members)
        if cmd == "restart":
            node.wait_state("other", "running")
    longest = result(node.ask("health"), "longest") or {}
    cost_of_datagrams(node, wire)
    by_datagrams = result(node.ask("health"), "longest") or {}
    ok(by_datagrams.get("frame", 0) > 0 and any(by_datagrams[name] > longest.get(name, 0) for name in by_datagrams),
       "datagrams cost more than lines", (longest, by_datagrams))
    longest = by_datagrams
    for name in sorted(bounds):
        ok(0 < longest.get(name, 0) <= bounds[name], "a step of %s stays within what is stated" % name,
           (longest.get(name), bounds[name]))
        print("# %s: %s of %d" % (name, longest.get(name), bounds[name]))
    ok(set(longest) <= set(bounds), "every command has a bound", longest)
    with open(facts, "w", encoding="ascii") as file:
        json.dump({"steps": {name: {"stated": bounds[name], "measured": longest.get(name, 0)}
                             for name in sorted(bounds)}}, file)


def cost_of_datagrams(node, wire):
    """The same by datagrams, and the longest frames that are no request."""
    wire.nonce, wire.seq = node.nonce, node.seq
    filler = {"x%d" % i: "\\" * 90 for i in range(5)}
    wire.send(wire.sign(dict(wire.request("list"), **filler)))
    wire.answer()
    for cmd, members in (("list", {}), ("info", {"partition": "other"}), ("cpus", {}), ("schedule", {}),
                         ("counters", {}), ("version", {}), ("log", {"from": 0}), ("journal", {"from": 0}),
                         ("trace", {"cpu": 0, "from": 0}), ("stop", {"partition": "other"}),
                         ("dump", {"partition": "other", "page": 512}), ("dump", {"partition": "other", "vcpu": 0}),
                         ("health", {}), ("health", {})):
        wire.ask(cmd, **members)
    wire.send(b'{"v":1,"id":1,"cmd":"hello"}')
    wire.answer()
    wire.echo(bytes(1472))
    wire.receive()
    wire.send(bytes(1472), port=7071)
    wire.ask("version")
    node.seq = wire.seq


def main():
    mullion, build, work, count = sys.argv[1:5]
    tests = len(stated(sys.argv[5])) + 2 if count == "cost" else TESTS
    print("1..%d" % tests, flush=True)
    ends = Wire.free_ports() if count == "cost" else None
    node = Node(mullion, build, work, more=Wire.arguments(ends) if ends else ())
    try:
        if count == "cost":
            cost(node, sys.argv[5], os.path.join(work, "cost.json"), Wire(ends))
            return 1 if failed or number != tests else 0
        commands(node)
        logs(node)
        consoles(node)
        lives(node)
        schedules(node)
        refusals(node)
        flood(node, int(count))
        end(node)
    finally:
        node.qemu.kill()
        node.qemu.wait()
    if failed:
        print("# people: " + "\n# people: ".join(node.people[-20:]))
    return 1 if failed or number != TESTS else 0


if __name__ == "__main__":
    sys.exit(main())
