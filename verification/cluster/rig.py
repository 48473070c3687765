"""Nodes of a cluster in QEMU, the switch between them, and the store that they count in.

A node's cards hang at one hub, whose uplink is a pair of datagram sockets. The switch knows whose each MAC is; it loses
one frame in a hundred and sends another one twice, and can cut a node's lock traffic off. The store adds one for whoever shows a greater token than it ever saw; it can leave a
node without an answer, so that its adder stays at the lock. What happens is kept in order.
"""
import json
import os
import random
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

STORE_MAC = bytes.fromhex("5254004d00fe")
STORE_ADDRESS = bytes([10, 78, 0, 254])
STORE_PORT = 7174
MAGIC = 0x524f5453
REQUEST = struct.Struct("<IIQQQ")
ANSWER = struct.Struct("<IIQQ")
ACCEPTED, REFUSED = 1, 2
ETHERNET, IPV4, UDP = 14, 20, 8
LOST, TWICE = 0.01, 0.01
PATIENCE_S = 0  # for a node that takes nothing now; 0: the frame is lost


class Write:
    """What was asked of the store, and what it said."""

    def __init__(self, node, serial, token, held, verdict, value, planted):
        self.node, self.serial = node, serial
        self.token, self.held, self.verdict, self.value, self.planted = token, held, verdict, value, planted


class Store:
    """A counter that believes tokens alone. `lenient`: a planted defect, it takes smaller tokens."""

    def __init__(self):
        self.value, self.greatest, self.lenient, self.planted = 0, 0, False, False
        self.answers, self.writes = {}, []
        self.withheld, self.waiting = set(), {}  # whom it leaves without an answer; what they asked last: node: held

    def decide(self, node, participant, serial, token, held):
        known = self.answers.get((participant, serial, token))
        if known:
            return known
        verdict = ACCEPTED if token > self.greatest or self.lenient else REFUSED
        if verdict == ACCEPTED:
            self.value += 1
            self.greatest = max(self.greatest, token)
        write = Write(node, serial, token, held, verdict, self.value, self.planted)
        self.writes.append(write)
        self.answers[(participant, serial, token)] = write
        return write

    def take(self, node, payload):
        """A datagram's answer, or None."""
        if len(payload) != REQUEST.size:
            return None
        magic, participant, serial, token, held = REQUEST.unpack(payload)
        if magic != MAGIC:
            return None
        if node in self.withheld:
            self.waiting[node] = held
            return None
        write = self.decide(node, participant, serial, token, held)
        if held == 0 and write.held != 0:  # the same again, after the session was lost
            write.held = 0
            write.planted = write.planted or self.planted
        return ANSWER.pack(MAGIC, write.verdict, token, write.value)

    def accepted(self, nodes=None):
        return sum(w.verdict == ACCEPTED and (nodes is None or w.node in nodes) for w in list(self.writes))


def checksum(octets):
    total = sum(struct.unpack("!%dH" % (len(octets) // 2), octets))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def answer_frame(frame, payload):
    """The datagram `payload` back to where `frame` came from, without UDP's checksum."""
    udp = struct.pack("!HHHH", STORE_PORT, int.from_bytes(frame[34:36], "big"), UDP + len(payload), 0)
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, IPV4 + UDP + len(payload), 0, 0, 64, 17, 0, STORE_ADDRESS, frame[26:30])
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return frame[6:12] + STORE_MAC + b"\x08\x00" + head + udp + payload


LRH, IP_AT, UDP_AT, BTH_AT, DETH_AT, MESSAGE_AT = 8, 18, 38, 46, 58, 66  # of a lock frame: tagged, over IPv4
ROUTERS_CHANGE = (IP_AT + 1, IP_AT + 8, IP_AT + 10, IP_AT + 11, UDP_AT + 6, UDP_AT + 7, BTH_AT + 4)


def with_icrc(frame):
    """The same frame with a right ICRC: CRC-32, ones for a link's header and for what routers change."""
    octets = bytearray(frame[:-4])
    for at in ROUTERS_CHANGE:
        octets[at] = 0xff
    return frame[:-4] + struct.pack("<I", zlib.crc32(b"\xff" * LRH + octets[IP_AT:]))


def forgeries(frame, other):
    """(counter, frame): what a lock frame could be made into by who sends it, in the name of node `other`."""
    named = frame[:MESSAGE_AT + 6] + bytes([other, 0]) + frame[MESSAGE_AT + 8:]
    keyed = frame[:DETH_AT] + b"\x00\x00\x00\x01" + frame[DETH_AT + 4:]
    nobody = frame[:MESSAGE_AT + 6] + b"\x09\x00" + frame[MESSAGE_AT + 8:]
    return [("frame_icrc", named), ("wire_source", with_icrc(named)), ("verbs_qkey", with_icrc(keyed)),
            ("wire_node", with_icrc(nobody))]


class Switch(threading.Thread):
    """Frames between the nodes' uplinks, and to the store."""

    def __init__(self, directory, nodes, store):
        super().__init__(daemon=True)
        self.directory, self.store = directory, store
        self.cut, self.frames, self.stopped, self.random = set(), 0, False, random.Random(1)
        self.sockets, self.latest = [], {}
        for node in range(nodes):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            line.bind(self.path(node, "switch"))
            line.setblocking(False)
            self.sockets.append(line)

    def path(self, node, end):
        return os.path.join(self.directory, "%d.%s" % (node, end))

    def send(self, node, frame):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.sockets[node].sendto(frame, self.path(node, "qemu"))
            except BlockingIOError:
                if time.monotonic() < end:
                    time.sleep(0.00002)
                    continue
            except OSError:
                pass  # nobody is there: the frame is lost
            return

    def forward(self, node, frame):
        if len(frame) >= ETHERNET + IPV4 + UDP and frame[:6] == STORE_MAC:
            answer = self.store.take(node, frame[ETHERNET + IPV4 + UDP:][:REQUEST.size])
            if answer:
                self.send(node, answer_frame(frame, answer))
        elif frame[:5] == bytes.fromhex("5254004d00") and 1 <= frame[5] <= len(self.sockets):
            to = frame[5] - 1
            self.frames += 1
            self.latest[node, to] = frame
            if node in self.cut or to in self.cut or self.random.random() < LOST:
                return
            self.send(to, frame)
            if self.random.random() < TWICE:
                self.send(to, frame)

    def run(self):
        poll = select.poll()
        of = {}
        for node, line in enumerate(self.sockets):
            poll.register(line, select.POLLIN)
            of[line.fileno()] = node
        while not self.stopped:
            for number, _ in poll.poll(100):
                try:
                    while True:
                        self.forward(of[number], self.sockets[of[number]].recv(4096))
                except BlockingIOError:
                    pass


class Boot:
    """One life of a node: its QEMU and what it said."""

    def __init__(self, node, command, log):
        self.node, self.log = node, log
        self.killed, self.position, self.rest, self.lines = False, 0, b"", []
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=open(log + ".qemu", "wb"), stderr=subprocess.STDOUT)

    def read(self):
        """Lines so far, without carriage returns."""
        if os.path.exists(self.log):
            with open(self.log, "rb") as file:
                file.seek(self.position)
                octets = file.read()
            self.position += len(octets)
            *whole, self.rest = (self.rest + octets).split(b"\n")
            self.lines += [line.decode("ascii", "replace").rstrip("\r") for line in whole]
        return self.lines

    def matching(self, pattern):
        return [m for m in (re.search(pattern, line) for line in self.read()) if m]


class Node:
    """A node in all its lives."""

    def __init__(self, number, mullion, build, directory, switch):
        self.number, self.mullion, self.build, self.directory = number, mullion, build, directory
        self.switch, self.boots, self.paused = switch, [], False

    def path(self, name):
        return os.path.join(self.directory, "node-%d.%s" % (self.number, name))

    def start(self):
        uplink = self.switch.path(self.number, "qemu")
        log = self.path("serial.%d" % len(self.boots))
        for stale in (uplink, log, self.path("qmp")):
            if os.path.exists(stale):
                os.unlink(stale)
        words = [self.mullion, "run", self.build, "--dry-run", "--serial", log, "--",
                 "-netdev", "dgram,id=up,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s"
                 % (uplink, self.switch.path(self.number, "switch")),
                 "-netdev", "hubport,id=h9,hubid=1,netdev=up",
                 "-qmp", "unix:%s,server=on,wait=off" % self.path("qmp")]
        command = shlex.split(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
        self.boots.append(Boot(self.number, command, log))

    @property
    def boot(self):
        return self.boots[-1]

    def kill(self):
        self.boot.killed = True
        self.boot.process.kill()
        self.boot.process.wait()

    def qmp(self, *commands):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.connect(self.path("qmp"))
        file = line.makefile("rw")
        file.readline()
        for command in ("qmp_capabilities",) + commands:
            file.write(json.dumps({"execute": command}) + "\n")
            file.flush()
            while "return" not in json.loads(file.readline()):
                pass
        line.close()

    def pause(self, by_signal):
        """The processor stands, and its clock with it, whether the emulator is stopped or the process."""
        self.paused = by_signal
        if by_signal:
            os.kill(self.boot.process.pid, signal.SIGSTOP)
        else:
            self.qmp("stop")

    def resume(self):
        if self.paused:
            os.kill(self.boot.process.pid, signal.SIGCONT)
        else:
            self.qmp("cont")

    def phase(self):
        """What its server said last, and its epoch: ("serving", 3)."""
        said = self.boot.matching(r"lockd: at \d+ group 0 (\w+) epoch (\d+)")
        return (said[-1].group(1), int(said[-1].group(2))) if said else ("silent", 0)


class Cluster:
    """Three nodes, built in `builds`."""

    def __init__(self, mullion, builds, directory):
        self.store = Store()
        self.switch = Switch(directory, len(builds), self.store)
        self.nodes = [Node(i, mullion, build, directory, self.switch) for i, build in enumerate(builds)]

    def start(self):
        self.switch.start()
        for node in self.nodes:
            node.start()

    def stop(self):
        for node in self.nodes:
            if node.boots and node.boot.process.poll() is None:
                node.boot.process.kill()
                node.boot.process.wait()
        self.switch.stopped = True
        self.switch.join()

    def leader(self):
        """The number of who serves in the highest epoch; None: nobody does."""
        serving = [(n.phase()[1], n.number) for n in self.nodes
                   if n.phase()[0] == "serving" and n.boot.process.poll() is None]
        return max(serving)[1] if serving else None


def wait(condition, seconds):
    """True as soon as it is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())
