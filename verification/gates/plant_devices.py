"""Defects of devices in finished images: functions, IOMMUs, DMA, interrupts, BARs, configuration space.

The images are built from audit_devices.dts.in, one for VT-d ("vtd") and one for AMD-Vi ("amdvi"). The formats are those
of x86_devices.h and of the two specifications, written down here once more. As in plant.py.
"""
import plant
from plant import A, FREE, NX, P, PCD, PWT, RX_DEVICE, W, bits, defect

BAR_GPA, ECAM, EDU, NVME, NET, SPARE = 0xF0000000, 0xB0000000, 0x20, 0x28, 0x30, 0x38
UNIT = {"vtd": 0xFED90000, "amdvi": 0xFED80000}
FUNCTION, REGISTER, MESSAGE, BAR = 136, 16, 24, 24
BOTH = ("vtd", "amdvi")


class Devices:
    """Where things lie in an image with devices."""

    def __init__(self, image):
        self.image = image
        self.units, self.functions = image.get("<2Q", image.arch + 80)
        self.count, = image.get("<H", image.arch + 74)
        self.vtd = image.get("<I", self.units + 8)[0] == 1
        self.root, = image.get("<Q", self.units + 24)
        self.remap, = image.get("<Q", self.units + 40)

    def function(self, bdf):
        return next(at for at in range(self.functions, self.functions + FUNCTION * self.count, FUNCTION)
                    if self.image.get("<H", at + 8)[0] == bdf)

    def register(self, bdf, offset):
        return self.image.get("<Q", self.function(bdf) + 32)[0] + REGISTER * (offset // 4)

    def bar(self, bdf, number=0):
        return self.image.get("<Q", self.function(bdf) + 40)[0] + BAR * number

    def message(self, bdf, number):
        return self.image.get("<Q", self.function(bdf) + 56)[0] + MESSAGE * number

    def entry(self, bdf):
        """The context or device table entry of a requester on bus 0."""
        if not self.vtd:
            return self.root + 32 * bdf
        return (self.image.get("<Q", self.root)[0] & plant.FRAME) + 16 * bdf

    def tree(self, bdf):
        return self.image.get("<Q", self.entry(bdf))[0] & plant.FRAME

    def leaf(self, bdf, address, lowest=1):
        """The entry that decides about an address, or the one at level `lowest`."""
        table = self.tree(bdf)
        for level in (4, 3, 2, 1):
            at = table + 8 * (address >> (12 + 9 * (level - 1)) & 511)
            value, = self.image.get("<Q", at)
            if level == lowest or not value or self.is_leaf(value):
                return at
            table = value & plant.FRAME
        return at

    def is_leaf(self, value):
        return bool(value & 0x80) if self.vtd else not value >> 9 & 7

    def page(self, physical, level=1):
        """A leaf as the compiler would print it."""
        if self.vtd:
            return physical | 3 | (0x80 if level > 1 else 0)
        return physical | 1 | 7 << 60

    def irte(self, bdf, number):
        """The remapping entry to which a message leads."""
        address, data = self.image.get("<QI", self.message(bdf, number))
        if self.vtd:
            return self.remap + 16 * (address >> 5 & 0x7FFF)
        return (self.image.get("<Q", self.entry(bdf) + 16)[0] & 0xFFFFFFFFFFFC0) + 4 * data


def on(images, rule, words):
    def take(alter):
        for image in [images] if isinstance(images, str) else images:
            defect(image, rule, f"{words} ({image})")(lambda i: alter(i, Devices(i)))
        return alter
    return take


def word(images, rule, words, find, layout, change):
    """Change one number; `change` is the new value, or a function of the old one."""
    @on(images, rule, words)
    def alter(i, d):
        at = find(i, d)
        i.put(layout, at, change(i.get(layout, at)[0]) if callable(change) else change)


def flip(images, rule, words, find, mask):
    word(images, rule, words, find, "<Q", lambda value: value ^ mask)


def copy(images, rule, words, source, target, count):
    @on(images, rule, words)
    def alter(i, d):
        i.put(f"<{count}Q", target(i, d), *i.get(f"<{count}Q", source(i, d)))


def entry(bdf, offset=0):
    return lambda i, d: d.entry(bdf) + offset


# ---- Who passes: VT-d

copy("vtd", "dma-entry", "a function of nobody let through", entry(NET), entry(SPARE), 2)
copy("vtd", "dma-entry", "an empty slot let through", entry(NET), entry(0xF8), 2)
copy("vtd", "constant-data", "another bus let through by the same table", lambda i, d: d.root,
     lambda i, d: d.root + 16 * 7, 1)
flip("vtd", "dma-fault-log", "a blocked function that can fill the fault log", entry(SPARE), 2)
flip("vtd", "dma-fault-log", "a function whose faults nobody hears of", entry(NVME), 2)
flip("vtd", "dma-fault-log", "a bus whose faults cannot be suppressed", lambda i, d: d.root + 16 * 200, 1)
flip("vtd", "dma-translation", "a function passed through", entry(NVME), 8)
flip("vtd", "dma-translation", "a function that may bring its own translations", entry(NVME), 4)
flip("vtd", "dma-blocked", "a function blocked", entry(NVME), 1)
flip("vtd", "dma-reserved", "a reserved bit in a context entry", entry(NVME, 8), 1 << 40)
flip("vtd", "dma-reserved", "something in a blocked context entry", entry(SPARE, 8), 1 << 8)
flip("vtd", "dma-reserved", "a reserved bit in a root entry", lambda i, d: d.root + 8, 1)
flip("vtd", "dma-levels", "another address width", entry(NVME, 8), 3)
flip("vtd", "domain", "a domain id shared with a neighbour", entry(NVME, 8), (2 ^ 3) << 8)
flip("vtd", "domain", "the hardware's domain id", entry(NVME, 8), 2 << 8)
word("vtd", "kernel-written", "a context table that quarantine cannot write", lambda i, d: d.root, "<Q",
     lambda value: 0x400000 | 1)
word("vtd", "constant-data", "a context table in a partition's memory", lambda i, d: d.root + 16, "<Q",
     lambda value: 0x1000000 | 1)

# ---- Who passes: AMD-Vi

copy("amdvi", "dma-entry", "a function of nobody let through", entry(NET), entry(SPARE), 4)
word("amdvi", "dma-entry", "an entry that is not valid", entry(SPARE), "<Q", 0)
flip("amdvi", "dma-entry", "an owned entry that is not valid", entry(NVME), 1)
flip("amdvi", "dma-entry", "an entry without translation", entry(SPARE), 2)
flip("amdvi", "dma-entry", "a blocked function that may read", entry(SPARE), 1 << 61)
flip("amdvi", "dma-levels", "an entry without levels", entry(NVME), 4 << 9)
flip("amdvi", "dma-blocked", "a function that may not write", entry(NVME), 1 << 62)
flip("amdvi", "dma-fault-log", "a blocked function that can fill the event log", entry(SPARE, 8), 3 << 33)
flip("amdvi", "dma-fault-log", "a function whose faults nobody hears of", entry(NVME, 8), 1 << 34)
flip("amdvi", "dma-reserved", "a function that may bring its own translations", entry(NVME, 8), 1 << 32)
flip("amdvi", "dma-reserved", "the exclusion range allowed", entry(NVME, 8), 1 << 39)
flip("amdvi", "dma-reserved", "guest translation", entry(NVME), 1 << 55)
flip("amdvi", "dma-reserved", "accessed bits written into constants", entry(NVME), 1 << 7)
flip("amdvi", "domain", "a domain id shared with a neighbour", entry(NVME, 8), 2 ^ 3)
flip("amdvi", "domain", "the hardware's domain id", entry(NVME, 8), 2)
flip("amdvi", "interrupt-entry", "interrupts passed on", entry(SPARE, 16), 1 << 60)
flip("amdvi", "interrupt-entry", "interrupts of an owned function passed on", entry(NVME, 16), 3 << 60)
flip("amdvi", "interrupt-entry", "an interrupt part that is not valid", entry(SPARE, 16), 1)
for number, name in ((56, "INIT"), (57, "ExtINT"), (58, "NMI"), (62, "LINT0"), (63, "LINT1")):
    flip("amdvi", "interrupt-pass", f"{name} passed on", entry(NVME, 16), 1 << number)
flip("amdvi", "interrupt-pass", "NMI of a function of nobody passed on", entry(SPARE, 16), 1 << 58)
flip("amdvi", "interrupt-reserved", "unmapped interrupts ignored", entry(NVME, 16), 1 << 5)
flip("amdvi", "interrupt-length", "a table shorter than what a message can select", entry(NVME, 16), (9 ^ 3) << 1)
flip("amdvi", "message-address", "a table shorter than its messages", entry(NVME, 16), (9 ^ 2) << 1)
flip("amdvi", "interrupt-length", "a table longer than it is", entry(NVME, 16), (9 ^ 10) << 1)
word("amdvi", "unit-record", "half a page of a device table", lambda i, d: d.units + 32, "<I", 2048)

# ---- What they reach

BASE = {NVME: 0x1000000, NET: 0x1800000}


def leaf(bdf, address=0, lowest=1):
    return lambda i, d: d.leaf(bdf, address, lowest)


@on(BOTH, "dma-frame", "a neighbour's memory in place of the own")
def dma_moved(i, d):
    i.put("<Q", d.leaf(NVME, 0x200000), d.page(i.physical("net"), 2))


@on(BOTH, "dma-surplus", "the kernel's text behind the own memory")
def dma_longer(i, d):
    i.put("<Q", d.leaf(NVME, 0x800000, 2), d.page(0x200000, 2))


@on(BOTH, "dma-surplus", "a shared page behind the own memory")
def dma_shared_page(i, d):
    i.put("<Q", d.leaf(NET, 0x802000), d.page(0x100000))


@on(BOTH, "iommu-reached", "the IOMMU's registers")
def dma_registers(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(UNIT["vtd" if d.vtd else "amdvi"]))


@on(BOTH, "bar-reached", "a neighbour's BAR")
def dma_bar(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(0xE0103000))


@on(BOTH, "msix-reached", "the own MSI-X table")
def dma_table(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(0xE0200000))


@on(BOTH, "dma-missing", "a page of memory missing")
def dma_shorter(i, d):
    i.put("<Q", d.leaf(NET, 0x801000), 0)


@on(BOTH, "dma-rights", "a page that cannot be written")
def dma_read_only(i, d):
    i.alter(d.leaf(NVME, 0x400000), 0, 2 if d.vtd else 1 << 62)


@on(BOTH, "entry-rights", "a right taken away above the leaves")
def dma_table_rights(i, d):
    i.alter(d.leaf(NVME, 0, 3), 0, 2 if d.vtd else 1 << 62)


@on(BOTH, "entry-absent", "an entry that is not present and not zero")
def dma_absent(i, d):
    i.put("<Q", d.leaf(NET, 0x900000, 2), 0x1800000)


@on(BOTH, "table-twice", "a table of the neighbour's tree in the own")
def dma_table_shared(i, d):
    i.put("<Q", d.leaf(NVME, 0x8000000000, 4), i.get("<Q", d.leaf(NET, 0, 4))[0])


@on(BOTH, "constant-data", "a table in the partition's own memory")
def dma_table_own(i, d):
    value, = i.get("<Q", d.leaf(NVME, 0, 4))
    i.put("<Q", d.leaf(NVME, 0x8000000000, 4), value & ~plant.FRAME | 0x1000000)


@on(BOTH, "dma-shared", "a neighbour's tree")
def dma_root(i, d):
    i.alter(d.entry(NVME), d.tree(NET), plant.FRAME)


@on(BOTH, "dma-root", "two functions of one partition with different trees")
def dma_second_root(i, d):
    i.alter(d.entry(NVME), d.leaf(NVME, 0, 3) & plant.FRAME, plant.FRAME)


flip("vtd", "entry-reserved", "a leaf with an ignored bit", leaf(NVME), 1 << 3)
flip("vtd", "entry-reserved", "a leaf with the transient bit", leaf(NVME), 1 << 62)
flip("amdvi", "entry-reserved", "a leaf that bypasses caches", leaf(NVME), 1 << 60)
flip("amdvi", "entry-reserved", "a leaf of variable size", leaf(NVME), 7 << 9)
flip("amdvi", "entry-reserved", "a table that skips a level", leaf(NVME, 0, 4), (3 ^ 2) << 9)

# ---- Interrupts


def irte(bdf, number, offset=0):
    return lambda i, d: d.irte(bdf, number) + offset


@on(BOTH, "interrupt-stray", "an entry that nothing was granted")
def stray(i, d):
    if d.vtd:
        i.put("<2Q", d.remap + 16 * 99, *i.get("<2Q", d.irte(NVME, 0)))
    else:
        i.put("<I", d.irte(NVME, 0) + 4 * 3, i.get("<I", d.irte(NVME, 0))[0])


def target(rule, words, vector, apic):
    @on(BOTH, rule, words)
    def alter(i, d):
        if d.vtd:
            i.put("<Q", d.irte(NVME, 0), 1 | vector << 16 | apic << 40)
        else:
            i.put("<I", d.irte(NVME, 0), 1 | apic << 8 | vector << 16)


target("interrupt-vector", "another vector", 0x52, 2)
target("vector-shared", "a vector that another message raises", 0x51, 2)
target("interrupt-cpu", "a CPU of a neighbour", 0x50, 4)
target("interrupt-cpu", "the CPU that partitions share", 0x50, 0)
target("interrupt-target", "a CPU that does not exist", 0x50, 77)
flip("vtd", "interrupt-source", "messages of another function", irte(NVME, 0, 8), NVME ^ SPARE)
flip("vtd", "interrupt-source", "messages of anybody", irte(NVME, 0, 8), 1 << 18)
flip("vtd", "interrupt-source", "messages of all functions of a device", irte(NVME, 0, 8), 3 << 16)
flip("vtd", "interrupt-mode", "a logical destination", irte(NVME, 0), 4)
flip("vtd", "interrupt-mode", "an NMI", irte(NVME, 0), 4 << 5)
flip("vtd", "interrupt-mode", "an INIT", irte(EDU, 0), 5 << 5)
flip("vtd", "interrupt-mode", "a posted interrupt", irte(EDU, 0), 1 << 15)
flip("vtd", "interrupt-missing", "an entry that is not present", irte(EDU, 0), 1)
flip("vtd", "interrupt-fault-log", "an entry whose faults nobody hears of", irte(EDU, 0), 2)
flip("vtd", "interrupt-reserved", "something in an unused entry", lambda i, d: d.remap + 16 * 200, 1 << 16)
flip("amdvi", "interrupt-mode", "a logical destination", irte(NVME, 0), 1 << 6)
flip("amdvi", "interrupt-mode", "an NMI", irte(NVME, 0), 4 << 2)
flip("amdvi", "interrupt-mode", "an interrupt to a guest", irte(NVME, 0), 1 << 7)
flip("amdvi", "interrupt-missing", "an entry that is not present", irte(EDU, 0), 1)
flip("amdvi", "interrupt-fault-log", "an entry whose faults nobody hears of", irte(EDU, 0), 2)
flip("amdvi", "interrupt-reserved", "something in an unused entry", irte(NVME, 0, 12), 1 << 16)
word("vtd", "unit-record", "a remapping table of odd length", lambda i, d: d.units + 36, "<I", 300)
word("vtd", "unit-record", "a remapping table longer than it is", lambda i, d: d.units + 36, "<I", 512)

# ---- Messages


def message(bdf, number, offset):
    return lambda i, d: d.message(bdf, number) + offset


word("vtd", "message-address", "a message to a neighbour's entry", message(NVME, 0, 0), "<Q", 0xFEE00010)
word("vtd", "message-address", "a message to no entry", message(NVME, 0, 0), "<Q", lambda value: value | 0x1000 << 5)
word("vtd", "message-address", "a message that is not remapped", message(NVME, 0, 0), "<Q", 0xFEE02000)
word("vtd", "message-address", "a message with a subhandle", message(NVME, 0, 0), "<Q", lambda value: value | 8)
word("vtd", "message-address", "a message with data", message(NVME, 0, 8), "<I", 1)
word("vtd", "interrupt-stray", "a message to another entry of its own", message(NVME, 0, 0), "<Q",
     lambda value: value + (5 << 5))
word("amdvi", "message-address", "two messages to one entry", message(NVME, 0, 8), "<I", 5)
word("amdvi", "interrupt-stray", "a message to another entry of its own", message(NVME, 0, 8), "<I", 6)
word("amdvi", "message-address", "a message written to memory", message(NVME, 0, 0), "<Q", 0x1800000)
word(BOTH, "interrupt-stray", "a message no longer granted", message(NVME, 5, 12), "<I", 0)
word(BOTH, "message-record", "a message granted by another number", message(NVME, 5, 12), "<I", 2)
word(BOTH, "message-address", "one message more granted", message(NVME, 1, 12), "<I", 1)
word(BOTH, "interrupt-vector", "another vector shown", message(NVME, 0, 20), "<I", 0x61)
word(BOTH, "message-record", "a vcpu shown that does not exist", message(NVME, 0, 16), "<I", 0xFEE01000)
word(BOTH, "message-record", "an exception shown as its vector", message(NVME, 0, 20), "<I", 14)
word(BOTH, "message-record", "something shown of a message not granted", message(NVME, 1, 20), "<I", 0x50)


@on(BOTH, "wanted-interrupts", "a message moved to another vector, consistently")
def consistent(i, d):
    i.put("<I", d.message(NVME, 0) + 20, 0x77)
    at = d.irte(NVME, 0)
    layout = "<Q" if d.vtd else "<I"
    i.put(layout, at, i.get(layout, at)[0] & ~(0xFF << 16) | 0x77 << 16)


# ---- Registers in stage 2 and in the kernel's map

def mapping(rule, words, partition, gpa, physical, flags=RX_DEVICE | PCD | PWT):
    @on(BOTH, rule, words)
    def alter(i, d):
        target = UNIT["vtd" if d.vtd else "amdvi"] if physical is None else physical
        i.put("<Q", i.leaf(partition, gpa), target | flags)


mapping("bar-reached", "a BAR in a neighbour's memory", "peer", FREE, 0xE0100000)
mapping("msix-reached", "a neighbour's MSI-X table", "peer", FREE, 0xE0102000)
mapping("msix-reached", "the own MSI-X table", "store", BAR_GPA + 0x102000, 0xE0102000)
mapping("msix-reached", "an MSI-X table of which nothing is granted", "net", BAR_GPA + 0x4000, 0xE0200000)
mapping("ecam-reached", "the own configuration space", "store", FREE, ECAM + (NVME << 12))
mapping("ecam-reached", "configuration space of an empty slot", "peer", FREE, ECAM)
mapping("iommu-reached", "the IOMMU's registers", "peer", FREE, None)
mapping("wanted-devices", "a BAR of nobody", "peer", FREE, 0xE0304000)
mapping("stage2-frame", "a neighbour's BAR in place of the own", "net", BAR_GPA, 0xE0100000)
mapping("frame-shared", "the own BAR a second time", "net", FREE, 0xE0204000)
mapping("stage2-missing", "a page of a BAR missing", "net", BAR_GPA + 0x1000, 0, 0)
mapping("stage2-rights", "a BAR that is cached", "net", BAR_GPA, 0xE0204000, RX_DEVICE)
mapping("stage2-rights", "a BAR that can be executed", "net", BAR_GPA, 0xE0204000, RX_DEVICE & ~NX | PCD | PWT)
mapping("stage2-rights", "memory that is not cached", "peer", 0xFC004000, 0x104000)
mapping("entry-attributes", "a BAR with half of uncached", "net", BAR_GPA, 0xE0204000, RX_DEVICE | PCD)


def kernel_page(rule, words, address, set_bits=0, clear=0, images=BOTH):
    for image in [images] if isinstance(images, str) else images:
        where = UNIT[image] if address is None else address
        bits(f"{words} ({image})", rule, lambda i, where=where: i.path(i.kernel, where)[-1], set_bits, clear, image)


kernel_page("kernel-rights", "the IOMMU's registers cached", None, 0, PCD | PWT)
kernel_page("entry-attributes", "configuration space half uncached", ECAM + (NVME << 12), 0, PCD)
kernel_page("kernel-w-xor-x", "the IOMMU's registers executable", None, 0, NX)
kernel_page("kernel-rights", "configuration space that cannot be written", ECAM + (NVME << 12), 0, W | plant.D)
kernel_page("entry-user", "an MSI-X table for user mode", 0xE0102000, plant.U)
kernel_page("kernel-missing", "an MSI-X table that is missing", 0xE0102000, 0, -1)
kernel_page("kernel-surplus", "configuration space of an empty slot", ECAM + 0x1000,
            (ECAM + 0x1000) | P | W | A | plant.D | NX | PCD | PWT)
kernel_page("kernel-surplus", "a partition's BAR in the kernel's map", 0xE0100000,
            0xE0100000 | P | W | A | plant.D | NX | PCD | PWT)

# ---- Configuration space


def config(rule, words, bdf, offset, field, change, images=BOTH):
    word(images, rule, words, lambda i, d: d.register(bdf, offset) + 4 * field, "<I", change)


VALUE, LIVE, KIND, WHICH = 0, 1, 2, 3
config("config-live", "I/O space that can be switched", NVME, 4, LIVE, lambda value: value | 1)
config("config-live", "INTx that can be switched", NVME, 4, LIVE, lambda value: value | 0x400)
config("config-live", "bus mastering that is not shown", NVME, 4, LIVE, lambda value: value & ~4)
config("config-value", "INTx shown on", NVME, 4, VALUE, lambda value: value & ~0x400)
config("config-value", "no chain announced", NVME, 4, VALUE, lambda value: value & ~(1 << 20))
config("config-writable", "a command register that cannot be written", NVME, 4, KIND, 0)
config("config-writable", "the identity writable", NVME, 0, KIND, 1)
config("config-value", "another identity", NVME, 0, VALUE, 0x11E81234)
config("wanted-config", "another class", NVME, 8, VALUE, 0x02000001)
config("config-value", "a bridge's header", NVME, 12, VALUE, 0x10000)
config("config-value", "an interrupt line", NVME, 0x3C, VALUE, 0x10A)
config("config-value", "an expansion ROM", NET, 0x30, VALUE, 0xFEB00001)
config("config-bar", "a BAR at another address", NVME, 0x10, VALUE, BAR_GPA + 0x200004)
config("config-bar", "a BAR of twice the size", NVME, 0x10, LIVE, lambda value: value & ~0x4000)
config("config-bar", "a BAR that answers as another", NVME, 0x10, WHICH, 1)
config("config-bar", "a BAR without sizing", NET, 0x20, KIND, 0)
config("config-value", "a BAR that does not exist", NVME, 0x18, VALUE, 0xE0304000)
config("config-chain", "power management on the chain", NVME, 0x80, VALUE, lambda value: value & ~0xFF | 1)
config("config-chain", "a chain that leads nowhere", NVME, 0x34, VALUE, 0x60)
config("config-chain", "a chain that comes back", NET, 0x40, VALUE, lambda value: value & ~0xFF00 | 0x4000)
config("config-hidden", "what lies off the chain", NVME, 0x64, VALUE, 0x00000008)
config("config-hidden", "the hardware behind the chain", NVME, 0xFC, LIVE, 0xFFFFFFFF)
config("config-writable", "a vendor's capability writable", NET, 0x50, KIND, 4)
config("config-live", "a kind that the hardware says", NET, 0x50, LIVE, lambda value: value | 0xFF)
config("config-writable", "the size of the MSI-X table switched", NVME, 0x40, LIVE, lambda value: value | 1 << 16)
config("config-writable", "MSI-X that cannot be enabled", NVME, 0x40, KIND, 0)
config("config-value", "more messages counted", NVME, 0x40, VALUE, lambda value: value | 0x7FF << 16)
config("config-value", "an MSI-X table elsewhere", NVME, 0x44, VALUE, 0x1000)
config("config-value", "pending bits in no BAR", NVME, 0x48, VALUE, 0x3003)
config("config-value", "several messages by MSI", EDU, 0x40, VALUE, lambda value: value | 1 << 17)
config("config-writable", "the number of messages switched", EDU, 0x40, LIVE, lambda value: value | 7 << 20)
config("config-value", "MSI shown to another CPU", EDU, 0x44, VALUE, 0xFEE01000)
config("config-value", "MSI shown with another vector", EDU, 0x4C, VALUE, 0x61)
config("config-writable", "the address of MSI writable", EDU, 0x44, KIND, 3)
config("config-chain", "messages that are not shown", EDU, 0x34, VALUE, 0)

# ---- Functions and BARs


def function(rule, words, bdf, offset, layout, change, images=BOTH):
    word(images, rule, words, lambda i, d: d.function(bdf) + offset, layout, change)


function("function-owner", "a function of a neighbour's", NVME, 12, "<H", 2)
function("function-owner", "a function that its owner does not find", NET, 12, "<H", 0xFFFF)
function("system-index", "a function of a partition that does not exist", NVME, 12, "<H", 77)
function("system-index", "a function behind an IOMMU that does not exist", NVME, 14, "<H", 1)
function("function-twice", "a function listed twice", EDU, 8, "<H", NVME)
function("requester-shared", "two functions with one requester id", NET, 10, "<H", NVME)
function("wanted-functions", "another requester id", EDU, 10, "<H", 0x21)
function("config-value", "another identity expected", NVME, 16, "<I", 0x00101B37)
function("function-record", "a neighbour's configuration space", NVME, 24, "<Q", ECAM + (NET << 12))
function("function-record", "a function of nobody with registers", SPARE, 56, "<Q", 0x400000)
function("system-index", "a function with more BARs than there are", NVME, 48, "<H", 7)
function("wanted-functions", "fewer messages than the hardware has", NVME, 50, "<H", 6)
function("config-chain", "MSI-X switched at another register", NVME, 53, "<B", 0x60)
function("msix-table", "an MSI-X table elsewhere", NVME, 64, "<Q", 0xE0103000)
function("msix-table", "an MSI-X table that is not kept", NVME, 84, "<I", 0)
function("msix-table", "an MSI-X table at a neighbour's address", NVME, 80, "<I", BAR_GPA)
function("msix-table", "an MSI-X table kept although nothing is granted", NET, 84, "<I", 4096)
copy(BOTH, "function-entry", "quarantine that blocks a neighbour", lambda i, d: d.function(NET) + 88,
     lambda i, d: d.function(NVME) + 88, 1)
word(BOTH, "bar-record", "a BAR at an odd address", lambda i, d: d.bar(NVME) + 16, "<I", lambda value: value + 0x1000)
word(BOTH, "bar-record", "a BAR below its place", lambda i, d: d.bar(NVME) + 16, "<I", 0xE0000000)
word(BOTH, "bar-record", "a BAR of half its width", lambda i, d: d.bar(NVME) + 21, "<B", 0)
word(BOTH, "stage2-frame", "a BAR programmed onto a neighbour's", lambda i, d: d.bar(NVME), "<Q", 0xE0204000)
word(BOTH, "device-place", "a BAR in RAM", lambda i, d: d.bar(NVME), "<Q", 0x1800000)
word(BOTH, "device-place", "a BAR where messages are written to", lambda i, d: d.bar(NVME), "<Q", 0xFEE00000)
word(BOTH, "function-owner", "a partition that finds a neighbour's function", lambda i, d: i.tables("peer") + 70, "<H", 1)
word(BOTH, "port-kernel", "a port of configuration space opened",
     lambda i, d: i.io("store") + 0xCF8 // 8, "<B", lambda value: value & ~1)


@defect("stress", "vcpu-rights", "one of two vcpus with other PCI functions")
def second_functions(i):
    i.put("<H", i.tables("pair", 1) + 70, 1)


# ---- IOMMUs


def unit(rule, words, offset, layout, change, images=BOTH):
    word(images, rule, words, lambda i, d: d.units + offset, layout, change)


unit("system-index", "an IOMMU of no kind", 8, "<I", 3)
unit("system-index", "five levels", 12, "<I", 5)
unit("kernel-missing", "registers elsewhere", 16, "<Q", 0xFED70000)
unit("keeper", "an owned CPU that looks for faults", 56, "<H", 1)
unit("keeper", "a CPU that does not exist and looks for faults", 56, "<H", 9)
unit("keeper", "a framed CPU that is interrupted", 58, "<B", 1)
unit("unit-record", "a root of another size", 32, "<I", 8192, "vtd")
unit("constant-data", "a root elsewhere", 24, "<Q", 0x1000000, "vtd")
unit("constant-data", "remapping that partitions can write", 40, "<Q", 0x1000000, "vtd")
unit("kernel-written", "storage in a partition's memory", 48, "<Q", 0x1000000)
unit("kernel-written", "a device table in a partition's memory", 24, "<Q", 0x1000000, "amdvi")


@on(BOTH, "kernel-written", "storage in a stack")
def storage_stack(i, d):
    i.put("<Q", d.units + 48, i.data_base + 0x1000)


@on(BOTH, "kernel-written", "storage in a page that a partition reads")
def storage_log(i, d):
    i.put("<Q", d.units + 48, i.get("<Q", i.system + 72)[0])


@on(BOTH, "kernel-written", "storage in what lets functions through")
def storage_entries(i, d):
    i.put("<Q", d.units + 48, d.entry(0))
