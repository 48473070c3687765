#!/usr/bin/env python3
"""The far end of a wire: frames to partitions of test-net in the role echo, by a socket, and what comes back.

usage: frames.py OURS THEIRS FRAMES REFUSED MAC...: to each MAC FRAMES numbered frames, a few at a time, with all that is
no frame of theirs in between: runts, giants, other protocols; REFUSED of them are frames to the card and not to the driver.
The MAC named last is greeted first, so that the others hear it answer before anybody speaks to them, and told last that
this is the end. Frames go when all have answered, and the end is told when all are back: a card that takes everything
hears the same each time. Prints a line per MAC. Exit 0: each frame came back, once, in order, right to the byte, and
nothing else.
"""
import os
import random
import socket
import struct
import sys
import time

ETHERTYPE, HELLO, DATA, DONE = 0x88B5, 1, 2, 3
LEAST, MOST, WINDOW, PATIENCE_S = 60, 1514, 8, 300
OUR_MAC = bytes.fromhex("525400000009")


def data_bytes(number):
    return LEAST + number * 37 % (MOST - LEAST + 1)


def frame(to, kind, number):
    """As partitions/tests/net/station.c makes and judges them."""
    length = data_bytes(number)
    header = to + OUR_MAC + struct.pack(">H", ETHERTYPE) + struct.pack("<HII", kind, number, length)
    base = number * 7 + (number >> 8)
    return header + bytes((base + i * 13 + (i >> 8)) & 0xFF for i in range(length - len(header)))


def nonsense(to, chance):
    """What is no frame, or none of theirs; all but the first kind never become one at the card."""
    yield to + OUR_MAC + b"\x08\x06" + chance.randbytes(46)  # another protocol, malformed
    yield to[:chance.randrange(1, 6)]
    yield (to + OUR_MAC)[:12] + chance.randbytes(1)
    yield to + OUR_MAC + b"\x08\x00" + chance.randbytes(chance.choice((1600, 4000, 9000, 40000)))
    yield bytes(6) + OUR_MAC + b"\x88\xb6" + bytes(50)  # to somebody else


class Far:
    def __init__(self, wire, theirs, mac, frames, refused):
        self.wire, self.theirs, self.mac, self.frames = wire, theirs, mac, frames
        self.met = self.done = False
        self.next = self.expected = self.wrong = 0
        self.chance = random.Random(mac)
        self.giants = [mac + OUR_MAC + b"\x08\x00" + bytes(1515 - 14 + i % 4) for i in range(refused)]
        self.knocked = 0.0

    def send(self, data):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                return self.wire.sendto(data, self.theirs)
            except (TimeoutError, FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.001)
        raise SystemExit(f"{self.mac.hex(':')}: nobody takes frame {self.next}, {self.expected} came back, met {self.met}")

    def knock(self, kind):
        if time.monotonic() - self.knocked > 0.2:
            self.send(frame(self.mac, kind, 0))
            self.knocked = time.monotonic()

    def back(self):
        return self.expected == self.frames

    def exchange(self):
        if self.giants:
            self.send(self.giants.pop())
        elif self.next < self.frames and self.next - self.expected < WINDOW:
            if self.next % 10 == 3:
                for other in nonsense(self.mac, self.chance):
                    self.send(other)
            self.send(frame(self.mac, DATA, self.next))
            self.next += 1

    def take(self, data):
        kind, number, length = struct.unpack_from("<HII", data, 14)
        if kind == DATA:
            wanted = frame(self.mac, DATA, self.expected)
            if data[12:] == wanted[12:] and data[:6] == OUR_MAC and length == len(data):
                self.expected += 1
            else:
                self.wrong += 1
        self.met |= kind == HELLO
        self.done |= kind == DONE


def step(fars):
    """What is next on this wire: a greeting, a frame for each, or a good-bye."""
    strange = [far for far in fars if not far.met]
    staying = [far for far in fars if not far.done]
    if strange:
        strange[-1].knock(HELLO)
    elif all(far.back() for far in fars):
        staying[0].knock(DONE)
    else:
        for far in fars:
            far.exchange()


def main():
    ours, theirs = sys.argv[1:3]
    frames, refused = map(int, sys.argv[3:5])
    macs = [bytes.fromhex(word.replace(":", "")) for word in sys.argv[5:]]
    if os.path.exists(ours):
        os.unlink(ours)
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    wire.bind(ours)
    wire.settimeout(0.002)
    fars = {mac: Far(wire, theirs, mac, frames, refused) for mac in macs}
    strangers, end = 0, time.monotonic() + PATIENCE_S
    while not all(far.done for far in fars.values()) and time.monotonic() < end:
        step(list(fars.values()))
        try:
            data = wire.recv(65536)
        except TimeoutError:
            continue
        if len(data) >= 24 and data[6:12] in fars and data[12:14] == struct.pack(">H", ETHERTYPE):
            fars[data[6:12]].take(data)
            end = time.monotonic() + PATIENCE_S
        else:
            strangers += 1
    for mac, far in fars.items():
        print(f"{mac.hex(':')}: {far.expected} of {far.frames} frames came back right, {far.wrong} wrong, "
              f"met {far.met}, done {far.done}")
    print(f"strangers: {strangers}")
    good = all(far.done and far.back() and far.wrong == 0 for far in fars.values())
    sys.exit(0 if good and strangers == 0 else 1)


main()
