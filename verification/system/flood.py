#!/usr/bin/env python3
"""Floods a node's control by its serial line, until the node ends, or lets it alone.

Usage: flood.py MULLION BUILD WORK RAM quiet|flood|torrent

Boots BUILD (deployments/flood.dts.in) with its serial line at two pipes in WORK, and keeps its RAM in the file RAM.
Pipes hold what a booting kernel prints, whenever it is read; a socket that is not read would hold the kernel up. The
flood is lines as fast as the line takes them: commands with a mac, some of which stop and restart a partition; and
lines that are malformed, unsigned, replayed or too long. Prints a JSON object: `good`, whether each line was answered
once, in order, with what it deserves, and the node ended well; `answers` by kind; `hello`, the tick of its first
answer, after which the flood began. Exit status 0 if good.

What comes in does so in the host's time: QEMU's main thread hands over 14 bytes at a time, while the node goes on. A
torrent gives that thread precedence over the node's, on one CPU of the host, so that in the node's time the line is
nearly always full. It takes longer, and on a busy host much longer.
"""
import collections
import json
import os
import select
import shlex
import socket
import subprocess
import sys

from control import Node, WAIT_S, greet

AHEAD = 256  # lines sent and not answered yet: more than the line holds
CHUNK = 65536
# Of each hundred lines these are rubbish, and so is each tenth from the 11th on; the rest are commands.
RUBBISH = {1: "malformed", 3: "oversized", 5: "replayed", 7: "unauthenticated", 55: "replayed", 75: "unauthenticated"}
NAMES = ("version", "cpus", "schedule", "version", "list", "version", "health", "counters")
CHANGES = ("stop", "start", "restart", "restart")
CHANGE_EVERY = 250  # commands; between them, a partition has time to do what was said
LATER = {"not-now", "not-possible"}  # answers, too, to who would change what is changing


class Pipes:
    """What a Node needs of a socket, for QEMU's `-serial pipe:PATH`."""

    def __init__(self, path):
        for suffix in (".in", ".out"):
            if os.path.exists(path + suffix):
                os.unlink(path + suffix)
            os.mkfifo(path + suffix)
        self.to = os.open(path + ".in", os.O_RDWR | os.O_NONBLOCK)
        self.back = os.open(path + ".out", os.O_RDONLY | os.O_NONBLOCK)
        self.seconds = WAIT_S

    def settimeout(self, seconds):
        self.seconds = seconds

    def send(self, data):
        return os.write(self.to, data)

    def sendall(self, data):
        while data:
            if not select.select([], [self.to], [], self.seconds)[1]:
                raise socket.timeout
            data = data[self.send(data):]

    def recv(self, most):
        """b"" when the node has ended."""
        if not select.select([self.back], [], [], self.seconds)[0]:
            raise socket.timeout
        return os.read(self.back, most)


class PipedNode(Node):
    def __init__(self, mullion, build, work, ram):
        path = os.path.join(work, "serial")
        if os.path.exists(ram):
            os.unlink(ram)
        words = shlex.split(subprocess.run([mullion, "run", build, "--dry-run", "--ram", ram], check=True,
                                           capture_output=True, text=True).stdout)
        words[words.index("stdio")] = "pipe:%s" % path
        self.line = Pipes(path)
        self.qemu = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.rest, self.people, self.notices, self.id, self.seq, self.nonce = b"", [], [], 0, 0, b""

    def wait_for_control(self):
        """Until control has begun: what is sent before is nobody's, and comes in while the kernel boots."""
        line = b""
        while line is not None and b"consoles together" not in line:
            line = self.next_line()


class Flood:
    def __init__(self, node):
        self.node, self.sent, self.commands, self.signed = node, 0, 0, b""
        self.expected, self.answers = collections.deque(), collections.Counter()
        self.wrong = []

    def command(self):
        """A signed line, and the errors that it may be answered with besides success."""
        k, self.commands = self.commands, self.commands + 1
        change = CHANGES[k // CHANGE_EVERY % len(CHANGES)] if k % CHANGE_EVERY == 0 else None
        request = {"v": 1, "cmd": change or NAMES[k % len(NAMES)]}
        if change:
            request["partition"] = "nav"
        if change == "restart":
            request["cold"] = k // CHANGE_EVERY % 2 == 0
        self.signed = self.node.sign(request)
        return self.signed, "command", LATER if change else set()

    def next_line(self):
        place = self.sent % 100
        kind = RUBBISH.get(place, "malformed" if place % 10 == 1 else None)
        self.sent += 1
        if kind is None:
            return self.command()
        data = {"oversized": b'{"v":1,"x":"' + b"x" * 1100 + b'"}', "replayed": self.signed[:-1],
                "unauthenticated": b'{"v":1,"cmd":"stop","partition":"watch"}',
                "malformed": (b"\xff\x00\xfe", b"{" + b"[" * (self.sent % 50), b'{"v":1,"id":-1}')[self.sent // 10 % 3]}
        return data[kind] + b"\n", kind, {kind}

    def more(self):
        """What is to be sent now."""
        data = b""
        while len(self.expected) < AHEAD and len(data) < CHUNK:
            line, kind, errors = self.next_line()
            self.expected.append((kind, errors))
            data += line
        return data

    def take(self, line):
        if not line.startswith(b"{"):
            return
        try:
            answer = json.loads(line)
        except ValueError:
            self.wrong.append(line.decode("ascii", "replace"))
            return
        if answer.get("more"):
            return
        kind, errors = self.expected.popleft() if self.expected else ("none", set())
        self.answers[kind] += 1
        if (answer["ok"] and kind != "command") or (not answer["ok"] and answer["error"] not in errors):
            self.wrong.append(f"{kind}: {line.decode('ascii', 'replace')}")

    def run(self):
        line, waiting, rest = self.node.line, b"", self.node.rest
        while True:
            waiting = waiting or self.more()
            readable, writable, _ = select.select([line.back], [line.to] if waiting else [], [], WAIT_S)
            if not readable and not writable:
                self.wrong.append("the node is silent")
                return
            if writable:
                waiting = waiting[line.send(waiting):]
            if readable:
                data = line.recv(CHUNK)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for each in lines:
                    self.take(each)


def listen(node):
    """Until the node ends, without a word."""
    while node.next_line() is not None:
        pass


def prefer_input(pid):
    """Its main thread before all others of the process; by right, or by the others' stepping back."""
    cpu = {min(os.sched_getaffinity(0))}
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    for thread in threads:
        os.sched_setaffinity(thread, cpu)
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        for thread in threads:
            if thread != pid:
                os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))


def main():
    mullion, build, work, ram, how = sys.argv[1:6]
    node = PipedNode(mullion, build, work, ram)
    told = {}
    try:
        node.wait_for_control()
        if how != "quiet":
            told["hello"] = greet(node)["result"]["now"]
            flood = Flood(node)
            if how == "torrent":
                prefer_input(node.qemu.pid)
            flood.run()
            told.update(answers=dict(flood.answers), wrong=flood.wrong[:5])
        else:
            listen(node)
        told["status"] = node.qemu.wait(WAIT_S)
    finally:
        node.qemu.kill()
        node.qemu.wait()
    told["good"] = told["status"] == 33 and not told.get("wrong")
    print(json.dumps(told))
    return int(not told["good"])


sys.exit(main())
