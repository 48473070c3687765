"""Instructions between two marks in a Linux peer, counted by QEMU's plugin and by the guest's own clocks.

The plugin (counter.c) leaves lines `mark NUMBER COUNT`, the guest (marks.h) lines `busy NAME NUMBER COUNT WORK`, where
NUMBER is the mark of the beginning and NUMBER + 1 that of the end. Idle time is none of either; the guest's clocks miss
the way into and out of it, so its count is the smaller one.
"""
import os
import re
import subprocess

TOLERANCE = 0.10 # by which the two may differ, where an idle span comes with each message; more of them, more


class Unusable(Exception):
    """What a run left cannot be a measurement."""


def spans(marks, log):
    """{name: {"counted", "clock", "work"}} from the texts of both."""
    at = {}
    for number, count in re.findall(r"^mark (\d+) (\d+)$", marks, re.M):
        if number in at:
            raise Unusable(f"the mark {number} was executed twice")
        at[number] = int(count)
    found = {}
    for name, number, clock, work in re.findall(r"^busy (\S+) (\d+) (\d+) (\d+)\s*$", log, re.M):
        end = str(int(number) + 1)
        if number not in at or end not in at:
            raise Unusable(f"{name}: the plugin saw no mark {number} or no mark {end}")
        found[name] = {"counted": at[end] - at[number], "clock": int(clock), "work": int(work)}
    return found


def take(found, *names):
    """Of these names, with something done."""
    for name in names:
        span = found.get(name)
        if span is None:
            raise Unusable(f"nothing was measured of {name}")
        if span["work"] < 1 or span["counted"] < span["work"]:
            raise Unusable(f"{name}: {span['counted']} instructions for {span['work']}")
    return [found[name] for name in names]


def each(span, baseline, baselines, tolerance=TOLERANCE):
    """Both counts of one piece of work, after so many pieces of the baseline are taken off."""
    def of(way):
        return round((span[way] - baseline[way] * baselines / baseline["work"]) / span["work"])
    result = {"counted": of("counted"), "clock": of("clock"), "n": span["work"]}
    if min(result["counted"], result["clock"]) <= 0:
        raise Unusable(f"nothing is left when the baseline is taken off: {result}")
    if abs(result["clock"] - result["counted"]) > tolerance * result["counted"]:
        raise Unusable(f"the two ways differ by more than {tolerance:.0%}: {result}")
    return result


# ---- Runs

HERE = os.path.dirname(os.path.abspath(__file__))
INTEROP = os.path.join(os.path.dirname(HERE), "interop")
STRICT = "-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wpedantic -Wshadow -Werror".split()


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        raise Unusable(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def compiled(source, output, *words):
    os.makedirs(os.path.dirname(output), exist_ok=True)
    run("cc", *STRICT, os.path.join(HERE, source), *words, "-o", output)
    return output


def plugin(directory):
    return compiled("counter.c", os.path.join(directory, "counter.so"), "-fPIC", "-shared")


def linux():
    """The version of the kernel that is the peer."""
    said = run("apt-cache", "depends", "linux-image-amd64")
    return re.search(r"Depends: linux-image-(\d\S*)", said).group(1)


def emulator():
    return run("qemu-system-x86_64", "--version").split()[3]


def peer(build, directory, name, number, other, script, words, files, seconds, counter=None, options=""):
    """One Linux under icount, begun, card and clock as Debian has them; with the plugin, NAME.marks is what it wrote."""
    out = os.path.join(directory, name + ".marks")
    for old in (out, os.path.join(directory, name + ".log")):
        if os.path.exists(old):
            os.unlink(old)
    counting = f"-plugin {os.path.abspath(counter)},out={os.path.abspath(out)}" if counter else ""
    return subprocess.Popen(
        [os.path.join(INTEROP, "peer"), build, directory, name, str(number), other, os.path.join(HERE, script), *words,
         "virtio_net.napi_tx=1", "tsc_early_khz=0"],
        env={**os.environ, "PEER_FILES": files, "PEER_SECONDS": str(seconds),
             "PEER_OPTIONS": f"-icount shift=0 {counting} {options}"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def ended(*peers):
    said = [process.communicate()[1] for process in peers]
    if any(process.returncode for process in peers):
        raise Unusable("; ".join(line.strip() for line in said if line.strip()))


def read(directory, name, suffix):
    with open(os.path.join(directory, name + suffix), encoding="ascii", errors="replace") as file:
        return file.read().replace("\r", "")


def console(directory, name):
    return read(directory, name, ".log")


def told(directory, name):
    """What plugin and console say, and the console."""
    return spans(read(directory, name, ".marks"), console(directory, name)), console(directory, name)
