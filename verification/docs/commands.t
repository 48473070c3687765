#!/usr/bin/env python3
"""What the documents say can be done, is done here: README.md, SUPPORT.md and docs/*.md.

Invariant: a document that names a command, option, make target, file or heading that does not exist fails.
Of its fenced blocks, `sh` are commands that must end with 0, `console` are commands after `$ ` with what
they print: each quoted line must appear, in order; a line `...` stands for any, a line's end `...` for its
rest. A block whose fence says `elsewhere` is for another machine and is not run. Each document gets a
scratch copy of the tree with a copy of what is built. Long make targets are not run, only looked up.
"""
import functools
import glob
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.environ.get("BUILD", "build")
COPIED = ("kernel", "tools", "partitions", "rtdrivers", "verification")  # what quick make targets may refresh
QUICK = {"help", "image", "run", "tools", "partitions", "kernel", "locksim"}
ROOMS = ("arch", "config", "core", "docs", "partitions", "rtdrivers", "tools", "verification", ".ci")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|var/tmp)/\S+")
TIMEOUT_S = 900  # ends what hangs; how long a command takes on a busy machine is nobody's fault


def say(*words):
    print(*words, flush=True)


# ---- A scratch tree ----

def make_scratch(directory):
    for name in os.listdir("."):
        if name not in (BUILD, "partitions", ".git"):
            os.symlink(os.path.abspath(name), os.path.join(directory, name))
    os.mkdir(os.path.join(directory, "partitions"))
    for name in os.listdir("partitions"):
        os.symlink(os.path.abspath("partitions/" + name), os.path.join(directory, "partitions", name))
    os.mkdir(os.path.join(directory, "build"))
    for name in COPIED:
        if os.path.isdir(os.path.join(BUILD, name)):
            subprocess.run(["cp", "-a", os.path.join(BUILD, name), os.path.join(directory, "build")],
                           check=True)
    os.symlink(os.path.abspath(os.path.join(BUILD, "newlib")), os.path.join(directory, "build/newlib"))
    return directory


# ---- Commands ----

def fences(text):
    """[(line number, info string, [lines])] of the fenced blocks."""
    blocks, start = [], None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("```"):
            if start:
                blocks[-1][2].append(line)
        elif start:
            start = None
        else:
            start = number
            blocks.append((number, line[3:].strip(), []))
    return blocks


def commands(text):
    """[(line number, command, [quoted output])]; continuation lines are joined."""
    found = []
    for start, info, lines in fences(text):
        if info not in ("sh", "console"):
            continue
        joined = None
        for number, line in enumerate(lines, start + 1):
            if joined:
                joined = (joined[0], joined[1] + "\n" + line)
            elif info == "sh":
                if not line.strip() or line.startswith("#"):
                    continue
                joined = (number, line)
            elif line.startswith("$ "):
                joined = (number, line[2:])
            elif found:
                found[-1][2].append(line)
                continue
            if joined and not joined[1].endswith("\\"):
                found.append((joined[0], joined[1], []))
                joined = None
    return found


def quoted_line_missing(quoted, output):
    """The first quoted line that does not appear after those before it; None if all do."""
    lines = iter([line.rstrip() for line in output.replace("\r", "").split("\n")])
    for line in (line.rstrip() for line in quoted):
        if line in ("", "..."):
            continue
        matches = (lambda got: got.startswith(line[:-3])) if line.endswith("...") else \
            (lambda got: got == line)
        if not any(matches(got) for got in lines):
            return line
    return None


@functools.lru_cache(maxsize=None)
def make_targets():
    """make's own list, without running anything: a recipe line with + would run even with -n."""
    result = subprocess.run(["make", "-pq", "BUILD=" + BUILD, "help"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, check=False)
    found, real = set(), True
    for line in result.stdout.decode().split("\n"):
        if re.match(r"[\w./-]+:(?!=)", line) and real:
            found.add(line.split(":")[0])
        real = line != "# Not a target:"
    return found


def softened(command):
    """A long make target is not run; one that does not exist fails."""
    words = command.split()
    targets = [w for w in words[1:] if "=" not in w and not w.startswith("-")]
    if words[0] != "make" or all(t in QUICK or t.startswith("build/") for t in targets):
        return command
    unknown = [t for t in targets if t not in make_targets()]
    return "echo make has no target %s; false" % unknown[0] if unknown else "true"


def run_commands(text, scratch):
    faults = []
    for number, command, quoted in commands(text):
        try:
            result = subprocess.run(["bash", "-c", softened(command)], cwd=scratch, timeout=TIMEOUT_S,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, env={**os.environ, "BUILD": "build", "NO_COLOR": "1"})
        except subprocess.TimeoutExpired:
            faults.append("%d: `%s` takes longer than %d s" % (number, command, TIMEOUT_S))
            continue
        output = result.stdout.decode(errors="replace")
        missing = quoted_line_missing(quoted, output)
        if result.returncode:
            faults.append("%d: `%s` ends with %d: %s" % (number, command, result.returncode, output[-400:]))
        elif missing is not None:
            faults.append("%d: `%s` does not print `%s`; it prints:\n%s" % (
                number, command, missing, output[-1500:]))
    return faults


# ---- Links ----

def slug(heading):
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower()).replace(" ", "-")


def prose(text):
    """The text without its fenced blocks; line numbers are kept."""
    lines = text.split("\n")
    for start, _, block in fences(text):
        for number in range(start - 1, min(start + len(block) + 1, len(lines))):
            lines[number] = ""
    return "\n".join(lines)


def headings(path):
    with open(path, encoding="utf-8") as document:
        return {slug(m.group(1)) for m in re.finditer(r"^#+ (.*)$", prose(document.read()), re.M)}


def check_links(path, text):
    faults = []
    for number, line in enumerate(prose(text).split("\n"), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            full = os.path.join(os.path.dirname(path), name) if name else path
            if not os.path.exists(full):
                faults.append("%d: the link %s leads nowhere" % (number, target))
            elif anchor and anchor not in headings(full):
                faults.append("%d: %s has no heading #%s" % (number, full, anchor))
    return faults


# ---- Names in the running text ----

@functools.lru_cache(maxsize=None)
def subcommand_help(name):
    result = subprocess.run([os.path.join(BUILD, "tools/mullion"), name, "--help"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return result.stdout.decode() if result.returncode == 0 else ""


@functools.lru_cache(maxsize=None)
def subcommands():
    said = subprocess.run([os.path.join(BUILD, "tools/mullion"), "help"], stdout=subprocess.PIPE, check=True).stdout
    return tuple(re.findall(r"^  ([a-z]+)  ", said.decode(), re.M))


def name_fault(span):
    """Why a span of code names what does not exist; None if it does not."""
    words = span.split()
    if not words:
        return None
    if words[0] == "make" and len(words) > 1:
        return None if words[1] in make_targets() or words[1][0] == "-" else "make has no target %s" % words[1]
    options = [w.split("=")[0].rstrip(",;.") for w in words if re.match(r"--[a-z]", w)]
    if words[0] == "mullion" or (options and words[0].startswith("--")):
        known = [words[1]] if len(words) > 1 and words[1] in subcommands() else subcommands()
        if words[0] == "mullion" and len(words) > 1 and words[1][0] != "-" and \
                words[1] not in subcommands() + ("SUBCOMMAND",):
            return "mullion has no subcommand %s" % words[1]
        for option in options:
            if option not in ("--help", "--version") and \
                    not any(re.search(re.escape(option) + r"\b", subcommand_help(s)) for s in known):
                return "mullion %s has no option %s" % (words[1] if len(known) == 1 else "", option)
        return None
    if len(words) == 1 and words[0].split("/")[0] in ROOMS and "/" in words[0] and \
            not re.search(r"NAME|…|<", words[0]):
        pattern = re.sub(r":\d+$", "", words[0])
        return None if glob.glob(pattern) else "there is no %s" % pattern
    return None


def check_names(text):
    faults = []
    for number, line in enumerate(prose(text).split("\n"), 1):
        for span in re.findall(r"`([^`]+)`", line):
            fault = name_fault(span)
            if fault:
                faults.append("%d: %s" % (number, fault))
    return faults


def check_machine_paths(text):
    return ["%d: %s is a path of one machine" % (number, m.group(0))
            for number, line in enumerate(text.split("\n"), 1) for m in MACHINE_PATH.finditer(line)]


# ---- Tests ----

count = 0
failed = False


def report(good, sentence, faults=()):
    global count, failed
    count += 1
    failed |= not good
    say("%s %d - %s" % ("ok" if good else "not ok", count, sentence))
    for fault in faults:
        say("# " + fault.replace("\n", "\n#   "))


def judge(path):
    with open(path, encoding="utf-8") as document:
        text = document.read()
    with tempfile.TemporaryDirectory() as directory:
        faults = run_commands(text, make_scratch(directory))
    number = len(commands(text))
    report(not faults, "%s: its commands do what it says (%d)" % (path, number), faults)
    faults = check_links(path, text)
    report(not faults, "%s: its links lead somewhere" % path, faults)
    faults = check_names(text)
    report(not faults, "%s: targets, options and files it names exist" % path, faults)
    faults = check_machine_paths(text)
    report(not faults, "%s: it names no path of one machine" % path, faults)


# name, planted text, whether it is wrong
PLANTED = (
    ("a command that fails", "```sh\nfalse\n```", True),
    ("a command that works", "```sh\ntrue \\\n  --really\n```", False),
    ("an option mullion does not have", "```sh\nbuild/tools/mullion check --fast x.dts\n```", True),
    ("a make target that is not there", "```sh\nmake nonsense\n```", True),
    ("output that is not printed", "```console\n$ echo yes\nno\n```", True),
    ("output in another order", "```console\n$ printf 'a\\nb\\n'\nb\na\n```", True),
    ("output that is printed", "```console\n$ printf 'a\\nb\\ncdef\\n'\na\n...\ncd...\n```", False),
    ("a command for elsewhere", "```sh elsewhere\nfalse\n```", False),
)
PLANTED_NAMES = (("`make nonsense`", True), ("`make test`", False), ("`mullion jitter --htm=x`", True),
                 ("`mullion jitter --html=x`", False), ("`--bund`", True), ("`mullion fly`", True),
                 ("`core/nobody.c`", True), ("`core/window.c`", False), ("`core/*.c`", False))
PLANTED_LINKS = (("[x](nowhere.md)", True), ("[x](description.md#nothing)", True),
                 ("[x](description.md#root)", False))


def self_test():
    with tempfile.TemporaryDirectory() as directory:
        make_scratch(directory)
        for name, text, wrong in PLANTED:
            faults = run_commands(text, directory)
            report(bool(faults) == wrong, "self-test: %s is %s" % (name, "noticed" if wrong else "accepted"),
                   [] if wrong else faults)
    for text, wrong in PLANTED_NAMES:
        report(bool(check_names(text)) == wrong, "self-test: %s is %s" % (text, "noticed" if wrong else "accepted"))
    for text, wrong in PLANTED_LINKS:
        report(bool(check_links("docs/x.md", text)) == wrong,
               "self-test: %s is %s" % (text, "noticed" if wrong else "accepted"))
    report(bool(check_machine_paths("see " + "/ho" + "me/me/x")), "self-test: a path of one machine is noticed")


def main(arguments):
    documents = arguments or ["README.md", "SUPPORT.md"] + sorted(glob.glob("docs/*.md"))
    tests = len(PLANTED) + len(PLANTED_NAMES) + len(PLANTED_LINKS) + 1
    say("1..%d" % (4 * len(documents) + tests))
    self_test()
    for path in documents:
        judge(path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
