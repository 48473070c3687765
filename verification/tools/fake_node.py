#!/usr/bin/env python3
"""A node that speaks docs/control.md and is none: for tests of the host's side.

    fake_node.py unix:PATH | udp:PATH | pty:PATH [--key HEX] [--record FILE] [--trouble WORD]...

PATH is there once it listens: its socket, a file with its host and port, or a link to its terminal. It plays the demo: control, nav, hog and watch in windows of CPU 0, probe on CPU 1. Its counters follow its
clock by formula, so what a tool makes of them is known. Trouble: `silent` never answers, `slow:SECONDS` answers late,
`deaf:CMD` loses the first request of CMD, `mute:CMD` its first answer, `gap` a line of the first long answer,
`echoes` brings the first line of each answer twice, `torn` writes byte by byte, `noise` shares the line with text, notices and
others' answers, `crowd` has 40 ports, `damaged` finds the first request after hello malformed, `closing` hangs up instead of
answering list, `storm` has three records of CPU 0 left, `deaf-trace` misses exits,
`ahead` has heard requests far in the future, `refuse:CMD=ERROR` refuses, `nonsense` sends data that cannot be.
"""
import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import sys
import time
import tty

LINE = 1024
HZ = 1000000000
NONCE = bytes(range(16))
PARTITIONS = ("control", "probe", "nav", "watch", "hog")
CPU_OF = (0, 1, 0, 0, 0)
WINDOWS = ((0, 0, 150000), (2, 150000, 350000), (4, 350000, 800000), (3, 800000, 1000000))
EVENTS = ("memory", "port", "msr", "instruction", "triple-fault", "overrun", "raise", "exit", "dma",
          "watchdog", "machine-check")
FRAME, RECORDS = 1000000, 700
MEMORY, PAGE, PART = 65536, 4096, 512
EXIT, WINDOW, HEALTH, INJECT, START, STOP, RESTART, SCHEDULE = 1, 2, 4, 5, 6, 7, 8, 9
NONE = 0xffff
IMAGE = "fedcba9876543210"


class Refusal(Exception):
    def __init__(self, error, text=""):
        super().__init__(text)
        self.error = error


def record(tsc, kind, vcpu, cause, a=0, b=0):
    return struct.pack("<QHHIQQ", tsc, kind, vcpu, cause, a, b)


def make_trace(cpu, epoch):
    """Frames of the demo: hog's CPUID in every window, now and then more."""
    if cpu:
        return [record(epoch, START, 1, 0, epoch)] + \
            [record(epoch + 5000 + 40000 * k, EXIT, 1, 0x7c, 0x6e0) for k in range(400)]
    records = []
    for frame in range(RECORDS // 7 + 1):
        for index, (vcpu, start, _) in enumerate(WINDOWS):
            due = epoch + frame * FRAME + start
            late = 700 if vcpu == 3 and frame == 9 else 0
            records.append(record(due + late, WINDOW, vcpu, index, due, frame))
            if vcpu == 4:
                records.append(record(due + 2000, EXIT, 4, 0x72, 4))
                records.append(record(due + 9000, EXIT, 4, 0x7b, 0x3f8))
            if vcpu == 2:
                records.append(record(due + 1500, INJECT, 2, 32, due + 1000))
            if vcpu == 4 and frame == 20:
                records.append(record(due + 9500, HEALTH, 4, 0 << 8 | 5, 0xe0000000, 0x201000))
            if vcpu == 4 and frame == 21:
                records.append(record(due + 4000, RESTART, 4, 1, 3000))
        if frame == 40:
            records.append(record(epoch + 41 * FRAME - 10, SCHEDULE, NONE, 0, epoch + 41 * FRAME, 41))
    return sorted(records, key=lambda one: struct.unpack_from("<Q", one))


def memory_page(page):
    """Page 2 greets; page 5 has a pattern in its last part; all else is zero: partitions share it."""
    if page == 2:
        return b"greetings from nav\0".ljust(PAGE, b"\0")
    if page == 5:
        return bytes(PAGE - PART) + bytes(range(256)) * 2
    return bytes(PAGE)


class Node:
    def __init__(self, key, trouble):
        self.key, self.trouble = key, trouble
        self.start = time.monotonic_ns()
        self.epoch = 1000000
        self.states = dict.fromkeys(PARTITIONS, "running")
        self.restarts = dict.fromkeys(PARTITIONS, 0)
        self.schedule, self.next = "normal", "normal"
        self.seq, self.heard, self.attached, self.ended = 1 << 62 if "ahead" in trouble else 0, 0, set(), False
        self.traces = [make_trace(cpu, self.epoch) for cpu in (0, 1)]
        self.refused = {}
        self.memory = bytearray(b"".join(map(memory_page, range(MEMORY // PAGE))))

    def now(self):
        return self.epoch + time.monotonic_ns() - self.start

    # ---- Commands: a list of results, one a line

    def hello(self, _):
        return [{"node": "demo", "board": "qemu-q35", "version": "1", "abi": 1, "nonce": NONCE.hex(),
                 "authenticated": self.key is not None, "schedule": self.schedule, "hz": [HZ, 1],
                 "epoch": self.epoch, "now": self.now(), "seq": self.seq}]

    def list(self, _):
        return [{"partitions": [self.brief(n)]} for n in PARTITIONS]

    def brief(self, name):
        return {"name": name, "state": self.states[name], "restarts": self.restarts[name], "vcpus": 1}

    def sampled(self):
        """The ticks that all of one answer's counts are of: a whole number of each count's periods, so that rates are
        exact however late a busy host is."""
        return (self.now() - self.epoch) // (10 * FRAME) * (10 * FRAME)

    def counts(self, index, ticks):
        """exits, entered, latest start, ran, exits by cause: hog runs all its 450 of 1,000 us, the others half."""
        frames = ticks // FRAME
        if index == 1:
            return [frames * 25, 1, 0, ticks, [0, frames * 25] + [0] * 7]
        width = next(end - start for vcpu, start, end in WINDOWS if vcpu == index)
        hog = frames if index == 4 else 0
        return [hog * 2, frames, 700 if index == 3 else 0, ticks * width // (FRAME if index == 4 else 2 * FRAME),
                [hog, 0, hog] + [0] * 6]

    def ports(self, ticks):
        """pose: 500 messages a second; orders: 100, of which three wait, and a tenth was refused."""
        frames = ticks // FRAME
        return [{"name": "pose", "from": "nav", "bytes": 64, "written": frames // 2},
                {"name": "orders", "from": "control", "to": "hog", "bytes": 128, "depth": 16, "sent": frames // 10 + 3,
                 "taken": frames // 10, "overflows": frames // 100}] + \
            [{"name": "more<%d>" % k, "from": "nav", "bytes": 8, "written": k} for k in range(38 if "crowd" in self.trouble else 0)]

    def info(self, request):
        name = self.partition(request)
        index = PARTITIONS.index(name)
        exits, entered, late, ran, causes = self.counts(index, self.sampled())
        return [{"partition": name, "state": self.states[name], "since": self.epoch + 2500000,
                 "reason": "command" if self.states[name] == "stopped" else "none", "action": "stop",
                 "restarts": self.restarts[name], "memory": MEMORY, "events": {"raise": 2},
                 "vcpus": [{"vcpu": 0, "cpu": CPU_OF[index], "exits": exits, "entered": entered,
                            "latest_start": late, "ran": ran, "causes": {"cpuid": causes[0], "port": causes[2]}}]}]

    def cpus(self, _):
        return [{"cpus": [{"cpu": 0, "mode": "framed", "vcpus": ["control/0", "nav/0", "watch/0", "hog/0"]}]},
                {"cpus": [{"cpu": 1, "mode": "owned", "vcpus": ["probe/0"]}]}]

    def console(self, request):
        name = self.partition(request)
        if "input" in request:
            raise Refusal("not-possible", "consoles have no input")
        (self.attached.add if request["attach"] else self.attached.discard)(name)
        return [{"attached": request["attach"]}]

    def stop(self, request):
        self.states[self.partition(request)] = "stopped"
        return [{"state": "stopped"}]

    def begin(self, request):
        self.states[self.partition(request)] = "running"
        return [{"state": "running"}]

    def restart(self, request):
        self.restarts[self.partition(request)] += 1
        return [{"state": "restarting"}]

    def switch(self, request):
        if "name" in request and request["name"] not in ("normal", "safe"):
            raise Refusal("unknown-schedule")
        self.next = request.get("name", self.next)
        return [{"schedule": self.schedule, "next": self.next, "frame": 4711, "schedules": ["normal", "safe"]}]

    def health(self, _):
        return [{"partitions": [{"name": "hog", "events": {"memory": 1, "port": 12}},
                                {"name": "nav", "events": {"raise": 2}}], "refused": self.refused}]

    def log(self, request):
        text = "".join("mullion: line %d of the log\n" % n for n in range(40))
        begin = request["from"]
        return [{"from": begin, "to": min(begin + 300, len(text)), "head": len(text),
                 "text": text[begin:begin + 300]}]

    def journal(self, request):
        entries = [{"at": k, "tsc": 2000000 + 1000000 * k, "partition": "hog" if k % 2 else "nav", "vcpu": 0,
                    "event": EVENTS[k % 11], "action": "log", "boot": 1 + k // 6,
                    "detail": "0xffffffff81000000" if k == 3 else 57344, "rip": 0x201000 + k} for k in range(9)]
        chosen = [e for e in entries if e["at"] >= request["from"]][:4]
        return [{"head": 9, "entries": chosen[:2]}, {"entries": chosen[2:]}]

    def counters(self, _):
        ticks = self.sampled()
        now, ports = self.epoch + ticks, self.ports(ticks)
        return [{"now": now, "unseen": now if "deaf-trace" in self.trouble else 0, "schedule": self.schedule, "partitions": [
            {"name": n, "state": self.states[n], "restarts": self.restarts[n], "first": 0,
             "events": [19456 if n == "hog" and "crowd" in self.trouble else 1 if n == "hog" else 0] + [0] * 10,
             "vcpus": [self.counts(i, ticks)]}]}
            for i, n in enumerate(PARTITIONS)] + [{"ports": ports[k:k + 8]} for k in range(0, len(ports), 8)]

    def trace(self, request):
        records, begin = self.traces[request["cpu"]], max(request["from"], 10 if request["cpu"] == 0 else 0)
        if "storm" in self.trouble and request["cpu"] == 0:
            begin = max(begin, len(records) - 3)
        if request.get("marks"):
            records = [r for r in records if r[8] in (WINDOW, START, STOP, RESTART, SCHEDULE)][-127:]
            begin = request["from"]
        chosen = records[begin:begin + 256]
        data = [b"".join(chosen[k:k + 16]) for k in range(0, len(chosen), 16)] or [b""]
        if "nonsense" in self.trouble:
            data[0] = data[0][:-3]
        return [{"from": begin + 16 * k, "head": len(records), "records": base64.b64encode(d).decode()}
                for k, d in enumerate(data)]

    def dump(self, request):
        name = self.partition(request)
        if self.states[name] != "stopped":
            raise Refusal("not-possible", "it is running")
        if "vcpu" in request:
            registers = list(range(100, 132))
            registers[16], registers[19] = 0x201234, 0x9ff0  # rip, rsp
            return [{"vcpu": request["vcpu"], "data": base64.b64encode(struct.pack("<32Q", *registers)).decode()}]
        lines, at = [], request["page"] * 8
        end = min(at + request.get("pages", 1) * 8, MEMORY // PART)
        while at < end:
            run = at
            while run < end and not any(self.block(run)):
                run += 1
            lines.append({"page": at // 8, "part": at % 8,
                          **({"zeros": run - at} if run > at else {"data": base64.b64encode(self.block(at)).decode()})})
            at = max(run, at + 1)
        if "nonsense" in self.trouble:
            lines[1]["part"] = 7
        return lines

    def block(self, number):
        return self.memory[number * PART:(number + 1) * PART]

    def load(self, request):
        if self.states[self.partition(request)] != "stopped":
            raise Refusal("not-now", "it is running")
        data = bytes(PART * request["zeros"]) if "zeros" in request else base64.b64decode(request["data"], validate=True)
        begin = (request["page"] * 8 + request["part"]) * PART
        if len(data) % PART or begin + len(data) > MEMORY:
            raise Refusal("bad-argument")
        self.memory[begin:begin + len(data)] = data
        return [{k: request[k] for k in ("page", "part", "zeros") if k in request}]

    def version(self, _):
        return [{"abi": 1, "protocol": 1, "boots": 2, "image": IMAGE}]

    def shutdown(self, _):
        self.ended = True
        return [{}]

    def partition(self, request):
        if request["partition"] not in PARTITIONS:
            raise Refusal("unknown-partition", "list names them")
        return request["partition"]

    # ---- The protocol

    def authenticate(self, line, request):
        if self.key is None or request["cmd"] == "hello":
            return
        head, found, mac = line.partition(',"mac":"')
        good = hmac.new(self.key, NONCE + head.encode() + b"}", hashlib.sha256).hexdigest()
        if not found or mac != good + '"}':
            raise Refusal("unauthenticated")
        if request["seq"] <= self.seq:
            raise Refusal("replayed")
        self.seq = request["seq"]

    def results(self, line, request):
        self.authenticate(line, request)
        command = request["cmd"]
        for word in self.trouble:
            if word.startswith("refuse:%s=" % command):
                raise Refusal(word.split("=")[1], "so it was told")
        if "closing" in self.trouble and command == "list":
            raise ConnectionError
        name = {"schedule": "switch", "start": "begin"}.get(command, command)
        if command.startswith("_") or not hasattr(self, name):
            raise Refusal("unknown-command")
        return getattr(self, name)(request)

    def answer(self, line):
        """Lines that answer one."""
        if not line:
            return []
        self.heard += 1
        if "damaged" in self.trouble and self.heard == 2:
            return [json.dumps({"v": 1, "id": 0, "ok": False, "error": "malformed"})]
        request = json.loads(line)
        if "silent" in self.trouble or self.is_first("deaf", request):
            return []
        for word in self.trouble:
            time.sleep(float(word[5:]) if word.startswith("slow:") else 0)
        head = {"v": 1, "id": request["id"]}
        try:
            results = self.results(line, request)
        except Refusal as refusal:
            self.refused[refusal.error] = self.refused.get(refusal.error, 0) + 1
            return [json.dumps({**head, "ok": False, "error": refusal.error, "text": str(refusal)})]
        lines = [json.dumps({**head, **({"line": k} if k else {}), "ok": True, "result": r,
                             **({"more": True} if k + 1 < len(results) else {})},
                            separators=(",", ":")) for k, r in enumerate(results)]
        if self.is_first("mute", request):
            return []
        if "gap" in self.trouble and len(lines) > 2:
            self.trouble.remove("gap")
            del lines[1]
        if "echoes" in self.trouble:
            lines = [lines[0], *lines]
        assert all(len(answer) < LINE for answer in lines), lines
        return lines + self.notices()

    def is_first(self, trouble, request):
        """Whether it is the first request that such trouble was asked for."""
        word = "%s:%s" % (trouble, request["cmd"])
        if word not in self.trouble:
            return False
        self.trouble.remove(word)
        return True

    def notices(self):
        return [json.dumps({"v": 1, "event": "console", "partition": name, "text": "%s says hello\n" % name})
                for name in sorted(self.attached)]

    def noise(self):
        other = json.dumps({"v": 1, "id": 2147483000, "ok": True, "result": {"partitions": [{"name": "wrong"}]}})
        return ["[nav] {\"text\": 7}", "half of a line\"}", "{ no JSON", "{\"v\":2,\"id\":1,\"ok\":true}", other, "{" * 3000,
                json.dumps({"v": 1, "event": "health", "partition": "hog", "what": "memory", "action": "stop",
                            "detail": 57344}), "\x01\xff\x1b[2J", ""]

    def serve(self, line):
        lines = self.answer(line)
        if "noise" in self.trouble:
            lines = self.noise() + [n for one in lines for n in (one, "[hog] text between")]
        return "".join(line + "\r\n" for line in lines).encode("latin-1")


def write(put, data, torn):
    if not torn:
        return put(data)
    for k in range(0, len(data), 7):
        put(data[k:k + 7])
        time.sleep(0.0005)
    return None


def serve_stream(node, get, put, keep):
    """Until the other end closes."""
    pending = b""
    while not node.ended:
        data = get()
        if not data:
            return
        pending += data
        while b"\n" in pending:
            line, pending = pending.split(b"\n", 1)
            keep(line.decode())
            write(put, node.serve(line.decode()), "torn" in node.trouble)


def serve_unix(node, path, keep):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + ".new")
    server.listen(4)
    os.rename(path + ".new", path)
    while not node.ended:
        peer, _ = server.accept()
        try:
            serve_stream(node, lambda: peer.recv(4096), peer.sendall, keep)
        except ConnectionError:
            pass
        peer.close()


def serve_udp(node, path, keep):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write("%s:%d\n" % server.getsockname())
    os.rename(path + ".new", path)
    while not node.ended:
        line, peer = server.recvfrom(4096)
        keep(line.decode().rstrip("\n"))
        for answer in node.serve(line.decode().rstrip("\n")).split(b"\r\n"):
            server.sendto(answer, peer)


def serve_pty(node, link, keep):
    master, slave = os.openpty()
    tty.setraw(slave)
    os.symlink(os.ttyname(slave), link)
    serve_stream(node, lambda: os.read(master, 4096), lambda data: os.write(master, data), keep)


def main(arguments):
    kind, _, place = arguments[0].partition(":")
    options = list(zip(arguments[1::2], arguments[2::2]))
    keys = [bytes.fromhex(v) for k, v in options if k == "--key"]
    files = [v for k, v in options if k == "--record"]
    node = Node(keys[0] if keys else None, [v for k, v in options if k == "--trouble"])

    def keep(line):
        for path in files:
            with open(path, "a", encoding="utf-8") as out:
                out.write(line + "\n")

    {"unix": serve_unix, "udp": serve_udp, "pty": serve_pty}[kind](node, place, keep)


if __name__ == "__main__":
    main(sys.argv[1:])
