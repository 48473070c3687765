#!/usr/bin/python3
"""Runs a program on a terminal of 80 x 24, types keys at it, and prints what the screen shows then.

    terminal.py WHEN KEYS [WHEN KEYS]... -- PROGRAM [ARGUMENT]...

KEYS are typed as soon as the screen matches the regular expression WHEN, line by line; `!COMMAND` is a shell's instead. The
screen is printed before the last ones, which should end the program. Exits as the program does; 98 if the screen did
not come to match, 99 if the program does not end.
"""
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pyte

COLUMNS, LINES, DEADLINE_S = 80, 24, 120


class Terminal:
    def __init__(self, command):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "linux"
            os.execvp(command[0], command)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.screen, self.closed = pyte.Screen(COLUMNS, LINES), False
        self.stream = pyte.ByteStream(self.screen)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, condition):
        """Reads until it is so, or nothing more comes; whether it is."""
        end = time.monotonic() + DEADLINE_S
        while not condition() and not self.closed and (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self.take()
        return condition()

    def take(self):
        try:
            self.stream.feed(os.read(self.master, 4096))
        except OSError:
            self.closed = True

    def shows(self, pattern):
        return self.until(lambda: re.search(pattern, self.text(), re.M) is not None)

    def type(self, keys):
        if keys.startswith("!"):
            subprocess.run(keys[1:], shell=True, check=True)
        elif not self.closed:
            os.write(self.master, keys.encode())

    def end(self):
        """How the program ended; 99: it did not."""
        if self.until(lambda: self.closed):
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.kill(self.pid, 9)
        return 99


def main(steps, command):
    terminal, shown = Terminal(command), True
    for number, (when, keys) in enumerate(zip(steps[::2], steps[1::2]), 1):
        shown &= terminal.shows(when)
        if 2 * number == len(steps):
            print(terminal.text())
        terminal.type(keys)
    status = terminal.end()
    return status if shown else 98


if __name__ == "__main__":
    middle = sys.argv.index("--")
    sys.exit(main(sys.argv[1:middle], sys.argv[middle + 1:]))
