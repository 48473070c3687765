#!/usr/bin/env python3
"""Judges what an rdma service sent, from a capture with the machine's own time.

Usage: rdma_wire.py CAPTURE MAC PKEY:PCP:DSCP:RATE:BURST...

Every RoCEv2 frame from MAC bears a P_Key that was granted, and the PCP and DSCP of its SL; of each P_Key no stretch
of WINDOW_S or more has more bytes than RATE (a second) and BURST allow. Prints what it found; exit 1: something did
not hold.
"""
import struct
import sys

WINDOW_S = 0.05
SLACK_S = 0.001  # between a frame's being charged and its being captured


def frames(path):
    with open(path, "rb") as file:
        data = file.read()
    magic, = struct.unpack_from("<I", data)
    if magic != 0xa1b2c3d4:
        sys.exit("error: %s is no capture" % path)
    at = 24
    while at + 16 <= len(data):
        seconds, microseconds, kept, _ = struct.unpack_from("<IIII", data, at)
        yield seconds + microseconds / 1e6, data[at + 16:at + 16 + kept]
        at += 16 + kept


class Share:
    """What one P_Key may do, and what it did."""

    def __init__(self, words):
        self.pkey, self.pcp, self.dscp, self.rate, self.burst = (int(word, 0) for word in words.split(":"))
        self.seen, self.marked_wrong = [], 0

    def take(self, time, frame):
        pcp = frame[14] >> 5 if frame[12:14] == b"\x81\x00" else -1
        ip = frame[18:] if pcp >= 0 else frame[14:]
        if pcp != self.pcp or ip[1] >> 2 != self.dscp:
            self.marked_wrong += 1
        self.seen.append((time, len(frame)))

    def too_much(self):
        """The stretch that is the furthest above what is allowed: bytes, seconds; None: there is none."""
        worst, times = None, self.seen
        sums = [0]
        for _, size in times:
            sums.append(sums[-1] + size)
        ends = range(len(times))
        for first in ends:
            for last in ends[first:]:
                span = times[last][0] - times[first][0]
                over = sums[last + 1] - sums[first] - self.burst - self.rate * (span + SLACK_S)
                if span >= WINDOW_S and over > 0 and (worst is None or over > worst[0]):
                    worst = (over, sums[last + 1] - sums[first], span)
        return worst

    def judge(self):
        if not self.seen:
            print("%#x: no frame" % self.pkey)
            return False
        span = self.seen[-1][0] - self.seen[0][0]
        total = sum(size for _, size in self.seen)
        worst = self.too_much()
        print("%#x: %d frames, %d bytes in %.3f s, %d marked otherwise" % (self.pkey, len(self.seen), total, span, self.marked_wrong))
        if worst:
            print("%#x: %d bytes in %.3f s are more than it may send" % (self.pkey, worst[1], worst[2]))
        return not self.marked_wrong and not worst


def main():
    mac = bytes.fromhex(sys.argv[2].replace(":", ""))
    shares = {share.pkey: share for share in map(Share, sys.argv[3:])}
    strangers = 0
    for time, frame in frames(sys.argv[1]):
        start = 18 if frame[12:14] == b"\x81\x00" else 14
        ip = frame[start:]
        if frame[6:12] != mac or frame[start - 2:start] != b"\x08\x00" or ip[9] != 17 or ip[22:24] != b"\x12\xb7":
            continue
        pkey = int.from_bytes(ip[30:32], "big")
        if pkey in shares:
            shares[pkey].take(time, frame)
        else:
            strangers += 1
    good = [share.judge() for share in shares.values()]
    if strangers:
        print("%d frames of a P_Key that nobody was granted" % strangers)
    sys.exit(0 if all(good) and not strangers else 1)


main()
