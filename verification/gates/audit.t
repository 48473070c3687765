#!/usr/bin/env python3
"""The audit passes what was built, and finds every defect that is planted in it.

First each shipped deployment, with and without its description; then every defect of plant.py, by its rule;
then one flipped bit at a time, anywhere in the tables, whatever it means.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plant  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
MULLION = os.environ.get("MULLION", os.path.join(BUILD, "tools", "mullion"))
DEPLOYMENTS = ["demo", "hello", "jitter", "stress"]
FLIPS = 300
count = 0


def ok(good, words, why=""):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {words}", flush=True)
    if not good:
        print("".join(f"# {line}\n" for line in why.split("\n")), end="", flush=True)


def dts(name):
    return f"config/deployments/{name}.dts"


def audit(image, *words):
    return subprocess.run([MULLION, "audit", "-q", image, *words], capture_output=True, text=True,
                          errors="replace", timeout=60)


def finds(image, description, rule):
    result = audit(image, "-d", description)
    good = result.returncode == 1 and f"error: [{rule}] " in result.stderr
    return good, f"exit status {result.returncode}, expected [{rule}]\n" + result.stderr[:2000]


def check_clean(name, image):
    result = audit(image, "-d", dts(name))
    ok(result.returncode == 0 and not result.stderr, f"{name} allows what its description grants",
       result.stderr)
    result = audit(image)
    ok(result.returncode == 0, f"{name} is consistent without its description", result.stderr)


def check_flips(image, path):
    """One bit at a time in the pages of tables, bitmaps, info and start pages, and in no padding."""
    numbers, missed = random.Random(3), []
    first, end = image.symbols["msr_bitmaps"], image.symbols["tables_end"]
    for _ in range(FLIPS):
        address, bit = numbers.randrange(first, end), numbers.randrange(8)
        image.flip(address, bit)
        image.save(path)
        image.flip(address, bit)
        if audit(path, "-d", dts("demo")).returncode != 1:
            missed.append(f"{address:#x} bit {bit}")
    ok(not missed, f"each of {FLIPS} single flipped bits in the tables is found", " ".join(missed))


def check_kinds(path):
    result = audit(path, "--json")
    ok(result.returncode == 0 and '"good": true' in result.stdout, "JSON says that it is good", result.stdout)
    image = plant.Image(path)
    image.put("<B", image.msr("nav") + 2, 0)
    image.save(path + ".json.elf")
    result = audit(path + ".json.elf", "--json")
    told = json.loads(result.stdout)
    ok(result.returncode == 1 and not told["good"] and told["findings"] and
       told["findings"][0]["rule"] == "msr-surplus", "JSON carries the findings of a damaged one", result.stdout)
    ok(finds(path, dts("hello"), "wanted-partitions")[0], "an image of another description is refused")


def main(work):
    print(f"1..{2 * len(DEPLOYMENTS) + len(plant.DEFECTS) + 4}", flush=True)
    images = {}
    for name in DEPLOYMENTS:
        images[name] = os.path.join(work, name, "mullion.elf")
        built = subprocess.run([MULLION, "build", dts(name), "-o", os.path.join(work, name),
                                "--kernel", os.path.join(BUILD, "kernel"),
                                "--images", os.path.join(BUILD, "partitions")],
                               capture_output=True, text=True)
        if built.returncode:
            sys.exit(built.stderr)
        check_clean(name, images[name])
    damaged = os.path.join(work, "damaged.elf")
    for words, name, rule, alter in plant.DEFECTS:
        image = plant.Image(images[name])
        alter(image)
        image.save(damaged)
        ok(*((lambda good, why: (good, f"{rule}: {words}", why))(*finds(damaged, dts(name), rule))))
    check_flips(plant.Image(images["demo"]), damaged)
    shutil.copy(images["demo"], damaged)
    check_kinds(damaged)


with tempfile.TemporaryDirectory() as directory:
    main(directory)
