"""Defects for finished images: each alters a few bytes of a mullion.elf, as an error or an attacker would.

The formats are those of tables.h, x86_tables.h and abi.h, written down here once more. DEFECTS lists
(name, image, rule, plant): `mullion audit` has to refuse that image with that rule after plant(image).
"""
import struct

P, W, U, PWT, PCD, A, D, LARGE, GLOBAL, NX = 1, 2, 4, 8, 16, 32, 64, 128, 256, 1 << 63
FRAME = 0x000FFFFFFFFFF000
INFO, START, SHARED, FREE = 0xFC000000, 0xFC002000, 0xFC003000, 0xFC0FF000  # FREE: no region of our deployments lies there
RX_DEVICE = P | W | U | A | D | NX
RWX = P | W | U | A | D
PARTITION, VCPU = 88, 24  # bytes of mullion_partition and mullion_vcpu
RESTORE, PEEK_ROOT, IO, MSR, CPUID, ASID = 8, 16, 24, 32, 40, 64  # in arch_vcpu_tables


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        offset, = self.file("<Q", 32)
        size, count = self.file("<HH", 54)
        self.headers = [offset + i * size for i in range(count)]
        self.segments = []
        for at in self.headers:
            kind, flags, place, _, base, filled, _, _ = self.file("<IIQQQQQQ", at)
            if kind == 1:
                self.segments.append((base, place, filled, at))
        self.sizes = {}
        self.symbols = dict(self.read_symbols())
        system = self.symbols["mullion_system"]
        self.system = system
        self.cpus, self.partitions, self.vcpus, self.schedules, self.ram = self.get("<5Q", system + 32)
        self.arch, = self.get("<Q", system + 112)
        self.kernel, self.data_base, self.data_end = self.get("<3Q", self.arch)
        count, = self.get("<H", system + 6)
        self.number = {self.text(self.get("<Q", self.partitions + PARTITION * p)[0]): p for p in range(count)}

    def file(self, layout, at):
        return struct.unpack_from(layout, self.bytes, at)

    def read_symbols(self):
        offset, = self.file("<Q", 40)
        size, count = self.file("<HH", 58)
        sections = [self.file("<IIQQQQIIQQ", offset + i * size) for i in range(count)]
        for kind, place, length, link in ((s[1], s[4], s[5], s[6]) for s in sections):
            if kind != 2:
                continue
            for at in range(place, place + length, 24):
                name, value, size = self.file("<I4xQQ", at)
                start = sections[link][4] + name
                text = self.bytes[start:self.bytes.index(0, start)].decode()
                self.sizes[text] = size
                yield text, value

    # ---- The image's memory

    def place(self, address):
        for base, place, filled, _ in self.segments:
            if base <= address < base + filled:
                return place + address - base
        raise ValueError(f"{address:#x} is not in the file")

    def get(self, layout, address):
        return struct.unpack_from(layout, self.bytes, self.place(address))

    def put(self, layout, address, *values):
        struct.pack_into(layout, self.bytes, self.place(address), *values)

    def text(self, address):
        at = self.place(address)
        return self.bytes[at:self.bytes.index(0, at)].decode()

    # ---- What the tables say

    def partition(self, name):
        return self.partitions + PARTITION * self.number[name]

    def vcpu(self, partition, index=0):
        first, = self.get("<H", self.partition(partition) + 8)
        return self.vcpus + VCPU * (first + index)

    def tables(self, partition, index=0):
        return self.get("<Q", self.vcpu(partition, index) + 16)[0]

    def root(self, partition):
        return self.get("<Q", self.tables(partition))[0]

    def peek(self, partition):
        return self.get("<Q", self.tables(partition) + PEEK_ROOT)[0]

    def restore(self, partition):
        return self.get("<Q", self.tables(partition) + RESTORE)[0]

    def io(self, partition, index=0):
        return self.get("<Q", self.tables(partition, index) + IO)[0]

    def msr(self, partition):
        return self.get("<Q", self.tables(partition) + MSR)[0]

    def path(self, root, address, lowest=1):
        """The entries' addresses from the root down to the leaf, or to level `lowest`."""
        entries, table = [], root
        for level in (4, 3, 2, 1):
            entries.append(table + 8 * (address >> (12 + 9 * (level - 1)) & 511))
            value, = self.get("<Q", entries[-1])
            if level == lowest or not value & P or (level < 4 and value & LARGE):
                return entries
            table = value & FRAME
        return entries

    def leaf(self, partition, gpa, lowest=1):
        return self.path(self.root(partition), gpa, lowest)[-1]

    def alter(self, at, set_bits=0, clear=0):
        value, = self.get("<Q", at)
        self.put("<Q", at, value & ~clear | set_bits)

    def physical(self, partition, gpa=0):
        return self.get("<Q", self.leaf(partition, gpa))[0] & FRAME

    def info(self, partition):
        return self.physical(partition, INFO)

    def regions(self, partition):
        """{(kind, name): address of the region}, of the info page."""
        info = self.info(partition)
        count, = self.get("<I", info + 72)
        found = {}
        for at in range(info + 88, info + 88 + 64 * count, 64):
            kind, = self.get("<H", at + 16)
            found[kind, self.get("<24s", at + 40)[0].split(b"\0")[0].decode()] = at
        return found

    def region_gpa(self, partition, kind, name):
        return self.get("<Q", self.regions(partition)[kind, name])[0]

    def flip(self, address, bit):
        self.bytes[self.place(address) + bit // 8] ^= 1 << bit % 8

    def windows(self, cpu=0):
        lists, = self.get("<Q", self.schedules + 32)
        return self.get("<Q", lists + 16 * cpu)[0]

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.bytes)


TIME, CONSOLE, SAMPLING, QUEUING, READER = 1, 2, 5, 6, 7
DEFECTS = []


def defect(image, rule, words):
    def take(plant):
        DEFECTS.append((words, image, rule, plant))
        return plant
    return take


# ---- Stage 2

def bits(words, rule, find, set_bits=0, clear=0, image="demo"):
    defect(image, rule, words)(lambda i: i.alter(find(i), set_bits, clear))


def mapping(words, rule, gpa, value, lowest, image="demo", partition="nav"):
    defect(image, rule, words)(lambda i: i.put("<Q", i.leaf(partition, gpa, lowest), value(i)))


def pose(i):
    return i.leaf("probe", i.region_gpa("probe", SAMPLING, "pose"))


bits("a reader's channel page made writable", "stage2-rights", pose, W | D)
bits("the same without the dirty bit", "entry-dirty", pose, W)
bits("a page of memory made read-only", "stage2-rights", lambda i: i.leaf("nav", 0x200000), 0, W | D)
bits("an info page made writable", "stage2-rights", lambda i: i.leaf("hog", INFO), W | D)
bits("a shared page made executable", "stage2-rights", pose, 0, NX)
bits("the execute bit taken from memory", "stage2-rights", lambda i: i.leaf("nav", 0), NX)
bits("the user bit cleared in a leaf", "entry-user", pose, 0, U)
bits("the user bit cleared in a root", "entry-user", lambda i: i.root("hog"), 0, U)
bits("a leaf that is no longer present", "stage2-missing", pose, 0, P)
bits("a present bit lost and the rest kept", "entry-absent", pose, 0, P)
bits("a reserved bit set", "entry-reserved", pose, 1 << 52)
bits("an address beyond the processor's", "ram-reached", pose, 1 << 51)
bits("a low address bit in a large page", "entry-reserved", lambda i: i.leaf("nav", 0), 1 << 13)
bits("the accessed bit cleared", "entry-accessed", pose, 0, A)
bits("the dirty bit cleared", "entry-dirty", lambda i: i.leaf("nav", 0), 0, D)
bits("the global bit set", "entry-attributes", pose, GLOBAL)
bits("a bit that software may use set", "entry-attributes", pose, 1 << 9)
bits("caching changed", "entry-attributes", pose, PCD)
bits("execution taken away in a table", "entry-rights", lambda i: i.root("nav"), NX)
bits("a table's entry made a large page", "stage2-surplus",
     lambda i: i.path(i.root("nav"), 0)[1], LARGE | D)

mapping("a neighbour's frame in place of the own", "frame-shared", 0x200000,
        lambda i: i.physical("hog") | LARGE | RWX, 2)
mapping("a neighbour's memory as a large page beside the own", "frame-shared", 0x10000000,
        lambda i: i.physical("control") | LARGE | RWX, 2)
mapping("RAM that nobody owns", "stage2-surplus", 0x10000000, lambda i: 0x10000000 | LARGE | RWX, 2)
mapping("the kernel's text", "kernel-reached", 0x10000000, lambda i: 0x200000 | LARGE | RWX, 2)
mapping("the kernel's stacks", "kernel-reached", FREE, lambda i: (i.data_base + 0x1000) | RX_DEVICE, 1)
mapping("the trampoline", "kernel-reached", FREE, lambda i: 0x8000 | RX_DEVICE, 1)
mapping("the local APIC", "apic-reached", FREE, lambda i: 0xFEE00000 | RX_DEVICE, 1)
mapping("another device's registers", "wanted-devices", FREE, lambda i: 0xFED00000 | RX_DEVICE, 1)
mapping("the own page table", "table-reached", FREE, lambda i: i.root("nav") | RX_DEVICE, 1)
mapping("a neighbour's page table", "table-reached", FREE, lambda i: i.root("hog") | RX_DEVICE, 1)
mapping("the I/O bitmaps", "kernel-reached", FREE, lambda i: i.io("nav") | RX_DEVICE, 1)
mapping("a neighbour's console", "frame-shared", FREE,
        lambda i: i.physical("hog", i.region_gpa("hog", CONSOLE, "hog")) | RX_DEVICE, 1)
mapping("the own memory a second time", "frame-shared", 0x10000000,
        lambda i: i.physical("nav") | LARGE | RWX, 2)
mapping("a neighbour's time page", "stage2-frame", SHARED, lambda i: i.physical("hog", SHARED) | P | U | A | NX, 1)
mapping("a neighbour's info page", "info-page", INFO, lambda i: i.info("hog") | P | U | A | NX, 1)
mapping("the second half of a neighbour's info page", "stage2-frame", INFO + 0x1000,
        lambda i: (i.info("hog") + 0x1000) | P | U | A | NX, 1)
mapping("a channel's page replaced at one end", "shared-ends", SHARED + 0x2000,
        lambda i: (i.physical("nav", SHARED + 0x2000) + 0x1000) | RX_DEVICE, 1)


@defect("demo", "stage2-frame", "two neighbours' frames exchanged")
def swap(i):
    a, b = i.leaf("control", 0x200000), i.leaf("hog", 0x400000)
    (x,), (y,) = i.get("<Q", a), i.get("<Q", b)
    i.put("<Q", a, y)
    i.put("<Q", b, x)


@defect("demo", "table-twice", "a root that contains itself")
def loop(i):
    i.put("<Q", i.root("nav") + 8, i.root("nav") | P | W | U | A)


@defect("demo", "table-twice", "a neighbour's table in the own tree")
def share(i):
    theirs, = i.get("<Q", i.path(i.root("hog"), 0)[1])
    i.put("<Q", i.path(i.root("nav"), 0x80000000, 3)[-1], theirs)


@defect("demo", "constant-data", "a table in the partition's own memory")
def own(i):
    i.put("<Q", i.root("nav") + 8, i.physical("nav") | P | W | U | A)


@defect("demo", "table-twice", "a vcpu that uses its neighbour's root")
def root(i):
    i.put("<Q", i.tables("nav"), i.root("hog"))


@defect("stress", "vcpu-rights", "one of two vcpus with another root")
def second_root(i):
    i.put("<Q", i.tables("pair", 1), i.root("probe"))


@defect("stress", "vcpu-rights", "one of two vcpus with more ports")
def second_ports(i):
    i.put("<Q", i.tables("pair", 1) + IO, i.io("watch"))


@defect("stress", "vcpu-rights", "one of two vcpus with another address-space id")
def second_asid(i):
    i.put("<I", i.tables("pair", 1) + ASID, 77)


@defect("demo", "asid", "an address-space id used twice")
def asid_twice(i):
    i.put("<I", i.tables("nav") + ASID, i.get("<I", i.tables("hog") + ASID)[0])


@defect("demo", "asid", "the kernel's address-space id")
def asid_zero(i):
    i.put("<I", i.tables("nav") + ASID, 0)


@defect("demo", "asid", "an address-space id that no processor need have")
def asid_large(i):
    i.put("<I", i.tables("nav") + ASID, 9000)


@defect("demo", "constant-data", "a root that is not on a page")
def unaligned(i):
    i.put("<Q", i.arch, i.kernel + 7)


# ---- The kernel's maps

def kernel(address):
    return lambda i: i.path(i.kernel, address)[-1]


def data(i):
    return i.path(i.kernel, i.data_base + 0x1000)[-1]


bits("kernel text writable", "kernel-w-xor-x", kernel(0x200000), W | D)
bits("kernel data executable", "kernel-w-xor-x", data, 0, NX)
bits("kernel constants executable", "kernel-rights", kernel(0x400000), 0, NX)
bits("kernel tables writable", "kernel-rights", kernel(0x400000), W | D)
bits("kernel data for user mode", "entry-user", data, U)
bits("a stack that is missing", "kernel-missing", data, 0, -1)
bits("the local APIC cached", "kernel-rights", kernel(0xFFFFFFFFFEE00000), 0, PCD | PWT)
bits("a writable root lost its right", "entry-rights", lambda i: i.kernel, 0, W)


@defect("demo", "guard-page", "a guard page that is present")
def guard(i):
    i.put("<Q", i.path(i.kernel, i.data_base)[-1], i.data_base | P | W | A | D | NX)


@defect("demo", "kernel-surplus", "a partition's memory in the kernel's map")
def kernel_partition(i):
    i.put("<Q", i.path(i.kernel, i.physical("nav"), 2)[-1], i.physical("nav") | LARGE | P | A | NX)


@defect("demo", "kernel-frame", "a stack on a partition's frame")
def kernel_frame(i):
    i.put("<Q", data(i), i.physical("nav") | P | W | A | D | NX)


@defect("demo", "stack-place", "one stack for two CPUs")
def stack(i):
    i.put("<Q", i.cpus + 24 + 16, i.get("<Q", i.cpus + 16)[0])


@defect("demo", "kernel-data", "data that begins within the constants")
def data_base(i):
    i.put("<Q", i.arch + 8, 0x1000)


# ---- Peek maps

PEEK = 0xFFFF800000000000


@defect("demo", "peek-rights", "a peek map writable")
def peek_write(i):
    path = i.path(i.peek("nav"), PEEK)
    for at in path:
        i.alter(at, W | (D if at == path[-1] else 0))


bits("a peek map's leaf alone writable", "entry-rights",
     lambda i: i.path(i.peek("nav"), PEEK)[-1], W | D)
bits("a peek map executable", "peek-rights", lambda i: i.path(i.peek("nav"), PEEK)[-1], 0, NX)
bits("a peek map for user mode", "entry-user", lambda i: i.path(i.peek("nav"), PEEK)[-1], U)


@defect("demo", "peek-frame", "a peek map of a neighbour")
def peek_other(i):
    i.put("<Q", i.path(i.peek("nav"), PEEK)[-1], i.physical("hog") | LARGE | P | A | NX)


@defect("demo", "peek-surplus", "a peek map of more than the partition")
def peek_more(i):
    i.put("<Q", i.path(i.peek("nav"), PEEK + 0x10000000, 2)[-1], i.physical("hog") | LARGE | P | A | NX)


@defect("demo", "peek-missing", "a peek map of less than the partition")
def peek_less(i):
    i.put("<Q", i.path(i.peek("nav"), PEEK)[-1], 0)


@defect("demo", "peek-kernel", "a peek map with another kernel part")
def peek_kernel(i):
    i.alter(i.peek("nav"), PCD)


@defect("demo", "table-twice", "a vcpu that peeks by its neighbour's root")
def peek_root(i):
    i.put("<Q", i.tables("nav") + PEEK_ROOT, i.peek("hog"))


# ---- Ports and MSRs

def port(words, rule, number, partition="probe", image="demo"):
    defect(image, rule, words)(lambda i: i.flip(i.io(partition), number))


port("a keyboard controller's port opened", "wanted-ports", 0x60, "control")
port("a granted port closed", "wanted-ports", 0x3F8, "control")
port("a port granted to two", "port-twice", 0x3F8)
port("the power-off port opened", "port-kernel", 0xF4)
port("the bitmap open beyond the last port", "port-beyond", 65537)
defect("demo", "port-kernel", "the kernel writing to a partition's console")(
    lambda i: i.put("<B", i.arch + 46, 0))


def msr(words, rule, number, write, partition="nav"):
    vector = {0: 0, 0xC000: 1, 0xC001: 2}[number >> 16]
    bit = vector * 0x4000 + 2 * (number & 0x1FFF) + write
    defect("demo", rule, words)(lambda i: i.flip(i.msr(partition), bit))


msr("reading the APIC base", "msr-surplus", 0x1B, 0)
msr("writing the TSC", "msr-surplus", 0x10, 1)
msr("reading EFER", "msr-surplus", 0xC0000080, 0)
msr("writing EFER", "msr-surplus", 0xC0000080, 1)
msr("reading the host's save area", "msr-surplus", 0xC0010117, 0)
msr("writing VM_CR", "msr-surplus", 0xC0010114, 1)
msr("the last MSR of all", "msr-surplus", 0xC0011FFF, 1)
msr("FS_BASE closed", "msr-missing", 0xC0000100, 1)
defect("demo", "msr-reserved", "the MSR bitmap's reserved part open")(
    lambda i: i.put("<B", i.msr("nav") + 6144 + 7, 0xFE))


# ---- Info and start pages

def info(words, rule, layout, field, value, partition="nav"):
    defect("demo", rule, words)(lambda i: i.put(layout, i.info(partition) + field, value))


def region(words, rule, layout, field, value, kind=SAMPLING, name="pose", partition="probe"):
    defect("demo", rule, words)(
        lambda i: i.put(layout, i.regions(partition)[kind, name] + field, value))


region("an info page that promises more rights", "stage2-rights", "<H", 18, 3)
region("an info page that promises fewer pages", "stage2-surplus", "<Q", 0, FREE)
region("two regions at one address", "info-region", "<Q", 0, SHARED + 0x1000)
region("a region outside the shared pages", "info-region", "<Q", 0, 0x1000)
region("a region of no kind", "info-region", "<H", 16, 0x7FFF)
region("a region of another partition", "wanted-regions", "<H", 22, 4)
region("a channel under another name", "wanted-regions", "<5s", 40, b"posy")
region("a channel with longer messages", "wanted-regions", "<I", 24, 65)
region("a time page that can be written", "info-region", "<H", 18, 3, TIME, "probe")
info("more memory than there is", "info-page", "<Q", 48, 64 << 20)
info("the role of control claimed", "info-page", "<I", 76, 1)
info("another partition's number", "info-page", "<H", 12, 0)
info("a UART that was not granted", "info-page", "<H", 80, 0x3F8)
info("more regions than fit", "info-page", "<I", 72, 4000)
info("a message behind the regions", "info-page", "<B", 4090, 1)


@defect("demo", "shared-writers", "a channel with two writers")
def two_writers(i):
    i.put("<H", i.regions("probe")[SAMPLING, "pose"] + 18, 3)
    i.alter(pose(i), W | D)


@defect("demo", "wanted-regions", "a region that was not described, well-formed and mapped")
def stolen(i):
    page = i.info("nav")
    count, = i.get("<I", page + 72)
    source = i.regions("hog")[CONSOLE, "hog"]
    record = i.get("<64s", source)[0]
    i.put("<64s", page + 88 + 64 * count, record)
    i.put("<QQHH", page + 88 + 64 * count, FREE, 4096, CONSOLE, 1)
    i.put("<I", page + 72, count + 1)
    frame = i.physical("hog", i.region_gpa("hog", CONSOLE, "hog"))
    i.put("<Q", i.leaf("nav", FREE), frame | P | U | A | NX)


@defect("demo", "start-page", "a start page with more memory")
def start_map(i):
    page = i.physical("nav", START)
    at, = i.get("<Q", page + 40)
    i.put("<Q", page + (at - START) + 8, 64 << 20)


@defect("demo", "wanted-args", "other arguments")
def start_args(i):
    page = i.physical("nav", START)
    at, = i.get("<Q", page + 24)
    i.put("<6s", page + (at - START), b"Period")


# ---- Time, CPUs, health, CPUID

@defect("demo", "window", "two windows that overlap")
def overlap(i):
    at = i.windows()
    i.put("<Q", at + 16, i.get("<Q", at + 40)[0] + 1)


@defect("demo", "window", "a window beyond its frame")
def beyond(i):
    i.put("<Q", i.windows() + 3 * 40 + 16, 1 << 40)


@defect("demo", "window", "a window of another CPU's vcpu")
def foreign(i):
    i.put("<H", i.windows() + 32, (i.vcpu("probe") - i.vcpus) // 24)


@defect("demo", "wanted-windows", "two partitions' windows exchanged")
def exchanged(i):
    i.put("<H", i.windows() + 32, (i.vcpu("hog") - i.vcpus) // 24)


@defect("demo", "wanted-windows", "a window one tick longer")
def longer(i):
    at = i.windows() + 3 * 40
    i.put("<Q", at, i.get("<Q", at)[0] - 1)
    i.put("<Q", at - 40 + 16, i.get("<Q", at)[0])


@defect("demo", "cpu-owner", "an owned CPU given to another")
def owner(i):
    i.put("<H", i.cpus + 24 + 6, (i.vcpu("hog") - i.vcpus) // 24)


@defect("demo", "wanted-cpus", "a CPU with another APIC id")
def apic_id(i):
    i.put("<I", i.cpus + 24, 4)


@defect("demo", "wanted-clock", "a shorter switch guard")
def guard_ticks(i):
    i.put("<Q", i.system + 96, i.get("<Q", i.system + 96)[0] - 1)


@defect("demo", "wanted-clock", "a timer that counts half")
def timer(i):
    i.put("<Q", i.arch + 24, 1 << 31)


@defect("demo", "wanted-health", "a health action changed")
def health(i):
    i.put("<B", i.partition("hog") + 16, 0)


@defect("demo", "cpuid-hidden", "SVM shown")
def svm(i):
    table, = i.get("<Q", i.tables("nav") + CPUID)
    cells, = i.get("<Q", table + 4 * 96)
    first, = i.get("<H", table + 4 * 65)
    i.flip(cells + 16 * first + 8, 2)


@defect("demo", "cpuid-identity", "another vcpu's APIC id")
def cpuid_id(i):
    table, = i.get("<Q", i.tables("nav") + CPUID)
    cells, = i.get("<Q", table + 4 * 96)
    first, = i.get("<H", table + 4)
    i.put("<B", cells + 16 * first + 7, 3)


@defect("demo", "constant-data", "CPUID answers outside the image")
def cpuid_outside(i):
    table, = i.get("<Q", i.tables("nav") + CPUID)
    i.put("<H", table + 4, 60000)


@defect("demo", "node-needs", "a node without nested paging accepted")
def needs(i):
    count, = i.get("<H", i.arch + 56)
    at, = i.get("<Q", i.arch + 64)
    for need in range(at, at + 24 * count, 24):
        if i.get("<I", need)[0] == 0x8000000A:
            i.put("<I", need + 12, 0)


# ---- The file

@defect("demo", "ram-reached", "a list of RAM that lacks some")
def ram(i):
    count, = i.get("<H", i.system + 14)
    at = i.ram + 16 * (count - 1)
    i.put("<Q", at + 8, i.get("<Q", at + 8)[0] - 4096)


def segment(words, rule, address, flags):
    @defect("demo", rule, words)
    def plant(i):
        at = next(header for base, _, _, header in i.segments if base == address)
        struct.pack_into("<I", i.bytes, at + 4, flags)


segment("code that is loaded writable", "segment-flags", 0x200000, 7)
segment("constants that are loaded writable", "constant-data", 0x400000, 6)


@defect("demo", "segment-large", "a segment of a tebibyte")
def tebibyte(i):
    struct.pack_into("<Q", i.bytes, i.segments[-1][3] + 40, 1 << 40)


@defect("demo", "image-format", "a file that breaks off")
def cut(i):
    del i.bytes[len(i.bytes) // 2:]


@defect("demo", "system-version", "tables of another version")
def version(i):
    i.put("<I", i.system, 99)


@defect("demo", "system-index", "a vcpu of a partition that does not exist")
def no_partition(i):
    i.put("<H", i.vcpu("hog"), 99)


@defect("demo", "constant-data", "a pointer to nowhere")
def nowhere(i):
    i.put("<Q", i.system + 48, 0xDEAD0000)
