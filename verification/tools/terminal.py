#!/usr/bin/python3
"""Runs a program on a terminal of 80 x 24, types keys at it, and prints what the screen shows then.

    terminal.py KEYS PROGRAM [ARGUMENT]...

KEYS are typed one every 0.7 s from the first picture on, `.` is a pause; the screen is printed before the last one, which should end the
program. Exits as the program does; 99 if it does not end.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

import pyte

COLUMNS, LINES, STEP_S, FIRST_S = 80, 24, 0.7, 20


def read_for(seconds, master, stream):
    """False when the program has closed its terminal."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([master], [], [], left)[0]:
            try:
                stream.feed(os.read(master, 4096))
            except OSError:
                return False
    return True


def main(keys, command):
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "linux"
        os.execvp(command[0], command)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    begun = time.monotonic()
    while not any(line.strip() for line in screen.display) and time.monotonic() < begun + FIRST_S:
        if not read_for(0.1, master, stream):
            break
    for key in keys[:-1]:
        if key != ".":
            os.write(master, key.encode())
        read_for(STEP_S, master, stream)
    print("\n".join(line.rstrip() for line in screen.display))
    os.write(master, keys[-1].encode())
    for _ in range(10):
        if not read_for(STEP_S, master, stream):
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.kill(pid, 9)
    return 99


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
