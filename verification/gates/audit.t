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
import audit_descriptions  # noqa: E402
import plant  # noqa: E402
import plant_devices  # noqa: E402, F401: adds its defects to those of plant
import plant_lifecycle  # noqa: E402, F401: as well
import plant_locks  # noqa: E402
import plant_rdma  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
MULLION = os.environ.get("MULLION", os.path.join(BUILD, "tools", "mullion"))
DEPLOYMENTS = {name: f"config/deployments/{name}.dts" for name in ("demo", "devices", "hello", "jitter", "lifecycle", "stress")}
IOMMUS = ("vtd", "amdvi")  # images of audit_devices.dts.in
FLIPS = 300
# Tables of devices, by the beginning of their names: no padding in them but that of iommus[] and functions[].
TABLES = ("vtd_context_", "vtd_root_", "vtd_remap_", "vtd_blocked", "amdvi_devices_", "amdvi_remap_", "dma_", "bars_",
          "messages_", "registers_", "functions", "iommus")
# Those of restarts and watches, and what all tables hang on, less their padding and what the journal knows the image by.
RECORDS = ("partitions", "channels", "doorbells_", "writable_", "image_", "vcpus", "mullion_system", "node_page")
# A piece of an image may end in zeros, so the low bits of its length may change nothing.
PADDING = {"partitions": (88, (86, 87)), "channels": (16, (4, 5, 6, 7)), "mullion_system": (168, (134, 135, *range(152, 160))),
           "image_": (24, (16, 17)), "functions": (136, (20, 21, 22, 23, 132, 133, 134, 135)),
           "iommus": (64, (59, 60, 61, 62, 63))}
count = 0


def ok(good, words, why=""):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {words}", flush=True)
    if not good:
        print("".join(f"# {line}\n" for line in why.split("\n")), end="", flush=True)


def audit(image, *words):
    return subprocess.run([MULLION, "audit", "-q", image, *words], capture_output=True, text=True,
                          errors="replace", timeout=600)


def finds(image, description, rule):
    result = audit(image, "-d", description)
    good = result.returncode == 1 and f"error: [{rule}] " in result.stderr
    return good, f"exit status {result.returncode}, expected [{rule}]\n" + result.stderr[:2000]


def check_clean(words, image, name):
    result = audit(image, "-d", DEPLOYMENTS[name])
    ok(result.returncode == 0 and not result.stderr, f"{words}: it allows what its description grants",
       result.stderr)
    result = audit(image)
    ok(result.returncode == 0, f"{words}: it is consistent without its description", result.stderr)


def check_flips(image, path):
    """One bit at a time in the pages of tables, bitmaps, info and start pages, and in no padding."""
    numbers, missed = random.Random(3), []
    first, end = image.symbols["msr_bitmaps"], image.symbols["tables_end"]
    for _ in range(FLIPS):
        address, bit = numbers.randrange(first, end), numbers.randrange(8)
        image.flip(address, bit)
        image.save(path)
        image.flip(address, bit)
        if audit(path, "-d", DEPLOYMENTS["demo"]).returncode != 1:
            missed.append(f"{address:#x} bit {bit}")
    ok(not missed, f"each of {FLIPS} single flipped bits in the tables is found", " ".join(missed))


def table_bytes(image, tables):
    """Addresses of all bytes of these tables, table by table."""
    for name, base in image.symbols.items():
        if base < 0x400000 or not name.startswith(tables) or (name.startswith("functions") and name != "functions"):
            continue
        every, unused = next((PADDING[start] for start in PADDING if name.startswith(start)), (1, ()))
        yield [base + k for k in range(image.sizes[name]) if k % every not in unused]


def check_table_flips(name, image, path, prefixes, least):
    """One bit at a time, as often in a small table as in a large one."""
    numbers, missed = random.Random(5), []
    tables = list(table_bytes(image, prefixes))
    for _ in range(FLIPS):
        address, bit = numbers.choice(numbers.choice(tables)), numbers.randrange(8)
        image.flip(address, bit)
        image.save(path)
        image.flip(address, bit)
        if audit(path, "-d", DEPLOYMENTS[name]).returncode != 1:
            missed.append(f"{address:#x} bit {bit}")
    ok(not missed and len(tables) > least, f"each of {FLIPS} single flipped bits in the tables of {name} is found",
       f"{len(tables)} tables; missed: " + " ".join(missed))


def check_block_flips(name, image, path, base, used):
    """One bit at a time, anywhere in what a service is told."""
    numbers, missed = random.Random(7), []
    for _ in range(FLIPS):
        address, bit = base + numbers.randrange(used), numbers.randrange(8)
        image.flip(address, bit)
        image.save(path)
        image.flip(address, bit)
        if audit(path, "-d", DEPLOYMENTS[name]).returncode != 1:
            missed.append(f"{address - base:#x} bit {bit}")
    ok(not missed and used > 1024, f"each of {FLIPS} single flipped bits in what is told of {name} is found", " ".join(missed))


def check_matrix(name, image):
    """The matrix says what a device reaches and raises, and says it the same in text."""
    result = audit(image, "--json", "-d", DEPLOYMENTS[name])
    told = json.loads(result.stdout)
    store = next(p for p in told["partitions"] if p["name"] == "store")
    memory = next(m for m in store["memory"] if m["what"] == "its memory")
    functions = {f["name"]: f for f in store["functions"]}
    reach = [(f["dma"][0]["physical"], f["dma"][0]["bytes"], f["dma"][0]["rights"]) for f in functions.values()]
    vectors = [(v["message"], v["cpu"], v["vector"]) for v in functions["nvme@28"]["vectors"]]
    nobody = {f["name"]: f["dma"] + f["vectors"] for f in told["unowned_functions"]}
    text = subprocess.run([MULLION, "audit", image], capture_output=True, text=True, timeout=600).stdout
    ok(reach == [(memory["physical"], memory["bytes"], "rw-")] * 2 and vectors == [(0, 1, 0x50), (5, 1, 0x51)] and
       nobody == {"ethernet@38": [], None: []} and told["iommus"][0]["keeper"] == "polled",
       f"the matrix of {name} says what each function reaches and raises", result.stdout)
    ok(text.count("vector 0x50 at CPU 1") == 1 and text.count("BAR 0 of nvme@28") == 2 and "  dma " in text,
       f"the matrix of {name} as text says so, too", text)


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
    ok(finds(path, DEPLOYMENTS["hello"], "wanted-partitions")[0], "an image of another description is refused")


def check_told(name, image):
    """The compiler's system.json and the image's tables say the same of every function."""
    told = json.loads(audit(image, "--json").stdout)
    with open(os.path.join(os.path.dirname(image), "system.json"), encoding="ascii") as file:
        system = json.load(file)
    cpus = {cpu: p["name"] for p in told["partitions"] for cpu in [v["cpu"] for v in p["vcpus"]]}
    found = {f["name"]: (p["name"],
                         [(b["index"], int(b["physical"], 16), b["bytes"], int(b["gpa"], 16)) for b in f["bars"]],
                         [(v["message"], v["cpu"], v["vector"], v["entry"], cpus[v["cpu"]]) for v in f["vectors"]])
             for p in told["partitions"] for f in p["functions"]}
    meant = {f["name"]: (f["partition"], [(b["index"], b["base"], b["bytes"], b["gpa"]) for b in f["bars"]],
                         [(i["message"], i["cpu"], i["vector"], i["handle"], f["partition"]) for i in f["interrupts"]])
             for f in system["functions"] if f["partition"]}
    units = [(u["name"], u["kind"], u["levels"], int(u["base"], 16), u["bytes"], u["keeper_cpu"], u["keeper"])
             for u in told["iommus"]]
    same = [tuple(u[k] for k in ("name", "kind", "levels", "base", "bytes", "keeper_cpu", "keeper"))
            for u in system["iommus"]]
    ok(len(found) == 3 and found == meant and units == same, f"system.json of {name} tells what its tables say",
       f"{found}\n{meant}\n{units}\n{same}")


def build(work, name):
    image = os.path.join(work, name)
    built = subprocess.run([MULLION, "build", DEPLOYMENTS[name], "-o", image,
                            "--kernel", os.path.join(BUILD, "kernel"), "--images", os.path.join(BUILD, "partitions")],
                           capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stderr)
    return os.path.join(image, "mullion.elf")


def describe(work, name, text):
    DEPLOYMENTS[name] = os.path.join(work, name + ".dts")
    with open(DEPLOYMENTS[name], "w", encoding="ascii") as file:
        file.write(text)


def check_variants(work):
    with open(os.path.join(work, "narrow.dtsi"), "w", encoding="ascii") as file:
        file.write(audit_descriptions.narrow_board())
    for number, (words, text) in enumerate(audit_descriptions.VARIANTS.items()):
        name = f"variant{number}"
        describe(work, name, text())
        check_clean(words, build(work, name), name)


def main(work):
    describe(work, "restart", audit_descriptions.lifecycle())
    for name in ("locks", "rdma"):
        describe(work, name, audit_descriptions.base(name))
    for kind in IOMMUS:
        describe(work, kind, audit_descriptions.kind(kind))
    plain = len(DEPLOYMENTS) + len(audit_descriptions.VARIANTS)
    print(f"1..{2 * plain + len(plant.DEFECTS) + 7 + 4 * len(IOMMUS)}", flush=True)
    images = {name: build(work, name) for name in DEPLOYMENTS}
    for name, image in images.items():
        check_clean(name, image, name)
    check_variants(work)
    damaged = os.path.join(work, "damaged.elf")
    for words, name, rule, alter in plant.DEFECTS:
        image = plant.Image(images[name])
        alter(image)
        image.save(damaged)
        ok(*((lambda good, why: (good, f"{rule}: {words}", why))(*finds(damaged, DEPLOYMENTS[name], rule))))
    check_flips(plant.Image(images["demo"]), damaged)
    check_table_flips("restart", plant.Image(images["restart"]), damaged, RECORDS, 12)
    locks, rdma = plant.Image(images["locks"]), plant.Image(images["rdma"])
    check_block_flips("locks", locks, damaged, plant_locks.block(locks), plant_locks.used(locks))
    check_block_flips("rdma", rdma, damaged, plant_rdma.block(rdma), plant_rdma.END)
    for kind in IOMMUS:
        check_table_flips(kind, plant.Image(images[kind]), damaged, TABLES, 12)
        check_matrix(kind, images[kind])
        check_told(kind, images[kind])
    shutil.copy(images["demo"], damaged)
    check_kinds(damaged)


with tempfile.TemporaryDirectory() as directory:
    main(directory)
