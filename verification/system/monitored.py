"""A booted node whose machine is looked at, and meddled with, through QEMU's monitor. TAP as everywhere."""
import os
import re
import socket
import subprocess
import sys
import time

BUILD = os.environ.get("BUILD", "build")
KERNEL = os.environ.get("KERNEL", f"{BUILD}/kernel")
TIMEOUT = float(os.environ.get("TIMEOUT", "600"))
WORK = f"{BUILD}/system/{os.path.basename(sys.argv[0]).removesuffix('.t')}"
PROMPT = "(qemu) "
count = failed = 0


def ok(good, sentence):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}", flush=True)


def compile_image(dts):
    os.makedirs(WORK, exist_ok=True)
    built = subprocess.run([f"{BUILD}/tools/mullion", "build", dts, "-o", f"{WORK}/image", "--kernel", KERNEL,
                            "--images", f"{BUILD}/partitions"], capture_output=True, text=True, check=False)
    if built.returncode:
        print(f"Bail out! {built.stderr}")
        sys.exit(1)


def eventually(look):
    """What look() gives once it gives something; the last of it if it never does."""
    end = time.monotonic() + TIMEOUT
    while not (seen := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return seen


def until_prompt(line):
    """What is heard until the prompt, or until the machine has ended."""
    heard = ""
    while PROMPT not in heard and (more := line.recv(4096)):
        heard += more.decode()
    return heard


class Node:
    """serial: a file of our own, unless a socket for `mullion ctl` is wanted."""

    def __init__(self, name, serial=None):
        self.log, self.line = f"{WORK}/{name}.serial", f"{WORK}/{name}.monitor"
        for path in (self.log, self.line):
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen(
            [f"{BUILD}/tools/mullion", "run", f"{WORK}/image", "--timeout", str(int(TIMEOUT)), "--serial",
             serial or self.log, "--", "-monitor", f"unix:{self.line},server=on,wait=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def text(self):
        try:
            with open(self.log, encoding="ascii", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.process.poll() is None

    def says(self, pattern):
        eventually(lambda: re.search(pattern, self.text(), re.M) or not self.alive())
        return bool(re.search(pattern, self.text(), re.M))

    def ask(self, command):
        """A command of the monitor, and what it prints."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(TIMEOUT)
            eventually(lambda: os.path.exists(self.line) or not self.alive())
            line.connect(self.line)
            until_prompt(line)
            line.sendall(f"{command}\n".encode())
            return until_prompt(line)

    def end(self):
        try:
            return self.process.wait(TIMEOUT)
        finally:
            self.process.kill()


def finish():
    sys.exit(failed != 0)
