"""Defects of restarts, watchdogs, status, doorbells and schedules in finished images.

Most are planted in the image "restart", built from audit_lifecycle.dts.in. The formats are those of tables.h and abi.h,
written down here once more. As in plant.py.
"""
import plant
from plant import A, D, FREE, INFO, LARGE, NX, P, PARTITION, PCD, PEEK, PWT, RESTORE, RX_DEVICE, U, W, bits, defect, mapping
from plant_devices import BOTH, EDU, NET, NVME, SPARE, flip, on, word

PRISTINE = 0xFFFF808000000000
RW, RO = P | W | A | D | NX, P | A | NX
CONSOLE, SAMPLING, QUEUING, STATUS, NODE, WATCHDOG, EXCHANGE, JOURNAL = 2, 5, 6, 8, 9, 10, 11, 12
CHANNEL, READER = 13, 14  # as control sees channels of others
SYSTEM = {"log": 72, "channels": 120, "channels_count": 128, "watchdogs_count": 130, "timekeeper": 132, "node": 136,
          "journal": 144, "exchange": 160}
PART = {"actions": 16, "escalate_action": 27, "escalate_count": 28, "health_schedule": 30, "escalate_ticks": 32,
        "watchdog_ticks": 40, "status": 48, "watchdog": 56, "writable": 64, "image": 72, "writable_count": 80,
        "own_count": 82, "image_count": 84}
GPA, SOURCE, BYTES = 0, 8, 16  # of mullion_copy; of mullion_span: 0 and 8


def part(name, field):
    return lambda i: i.partition(name) + PART[field]


def system(field):
    return lambda i: i.system + SYSTEM[field]


def number(rule, words, find, layout, change, image="restart"):
    """Change one number; `change` is the new value, or a function of the image and the old one."""
    @defect(image, rule, words)
    def alter(i):
        at = find(i)
        i.put(layout, at, change(i, i.get(layout, at)[0]) if callable(change) else change)


def follow(find):
    return lambda i: i.get("<Q", find(i))[0]


def piece(partition, index, field):
    return lambda i: follow(part(partition, "image"))(i) + 24 * index + field


def span(partition, index, field=0):
    return lambda i: follow(part(partition, "writable"))(i) + 16 * index + field


def source(i, partition, index=0):
    return i.get("<Q", piece(partition, index, SOURCE)(i))[0]


def pristine(i, partition):
    return source(i, partition) & plant.FRAME


# ---- Restore maps

def restored(partition, address, lowest=1):
    return lambda i: i.path(i.restore(partition), address, lowest)[-1]


def copied(partition):
    return lambda i: i.path(i.restore(partition), PRISTINE + pristine(i, partition))[-1]


def entry(rule, words, find, value, image="restart"):
    defect(image, rule, words)(lambda i: i.put("<Q", find(i), value(i)))


def shared(partition, kind, name):
    return lambda i: i.path(i.restore(partition), PEEK + i.region_gpa(partition, kind, name))[-1]


bits("memory that a restart can execute", "restore-rights", restored("nav", PEEK), 0, NX, "restart")
bits("memory that a restart cannot write", "restore-rights", restored("nav", PEEK), 0, W | D, "restart")
bits("a pristine image that a restart can write", "restore-rights", copied("nav"), W | D, 0, "restart")
bits("a pristine image that can be executed", "restore-rights", copied("hog"), 0, NX, "restart")
bits("a restore map for user mode", "entry-user", restored("nav", PEEK), U, 0, "restart")
bits("a restore map with uncached memory", "entry-attributes", restored("nav", PEEK), PCD | PWT, 0, "restart")
bits("a restore map whose tables take writing away", "entry-rights", restored("nav", PEEK, 3), 0, W, "restart")
bits("a restore map with another kernel part", "restore-kernel", lambda i: i.restore("nav"), PCD, 0, "restart")
entry("restore-frame", "a neighbour's memory restored in place of the own", restored("nav", PEEK + 0x200000),
      lambda i: i.physical("hog") | LARGE | RW)
entry("restore-frame", "a neighbour's console restored", shared("nav", CONSOLE, "nav"),
      lambda i: i.physical("hog", i.region_gpa("hog", CONSOLE, "hog")) | RW)
entry("restore-frame", "another pristine image in place of the own", copied("nav"), lambda i: pristine(i, "hog") | RO)
entry("restore-surplus", "a neighbour's memory beside the own in a restore map", restored("nav", PEEK + 0x10000000, 2),
      lambda i: i.physical("hog") | LARGE | RW)
entry("restore-surplus", "the kernel's text in a restore map", restored("nav", PEEK + 0x10000000, 2),
      lambda i: 0x200000 | LARGE | RW)
entry("restore-surplus", "the info page in a restore map", restored("nav", PEEK + INFO), lambda i: i.info("nav") | RW)
entry("restore-surplus", "a status page in a restore map", shared("nav", STATUS, "relay"),
      lambda i: i.physical("nav", i.region_gpa("nav", STATUS, "relay")) | RW)
entry("restore-surplus", "a channel that the partition reads in its restore map", shared("nav", QUEUING, "orders"),
      lambda i: i.physical("nav", i.region_gpa("nav", QUEUING, "orders")) | RW)
entry("restore-surplus", "the own restore map in itself", restored("nav", PEEK + FREE), lambda i: i.restore("nav") | RW)
entry("restore-surplus", "a page behind the pristine image",
      lambda i: i.path(i.restore("relay"), PRISTINE + pristine(i, "relay") + 0x20000)[-1],
      lambda i: 0x101000 | RO)
entry("restore-surplus", "a BAR in a restore map", lambda i: i.path(i.restore("store"), PEEK + FREE)[-1],
      lambda i: 0xE0100000 | RW, "vtd")
entry("restore-missing", "a page of memory that a restart lacks", restored("nav", PEEK), lambda i: 0)
entry("restore-missing", "a watchdog that a restart cannot zero", shared("nav", WATCHDOG, "nav"), lambda i: 0)
entry("restore-missing", "a pristine image that is not mapped", copied("nav"), lambda i: 0)
entry("table-twice", "a vcpu restored by its neighbour's map", lambda i: i.tables("nav") + RESTORE,
      lambda i: i.restore("hog"))
entry("table-twice", "a table of a neighbour's restore map in the own", restored("nav", PEEK + (1 << 30), 3),
      lambda i: i.get("<Q", i.path(i.restore("hog"), PEEK, 3)[-1])[0])
entry("constant-data", "a table of a restore map in the partition's memory", restored("nav", PEEK + (1 << 30), 3),
      lambda i: i.physical("nav") | P | W | A)
entry("table-reached", "a table of its restore map in a partition's reach", lambda i: i.leaf("nav", FREE),
      lambda i: i.restore("nav") | RX_DEVICE)


@defect("stress", "vcpu-rights", "one of two vcpus with another restore map")
def second_restore(i):
    i.put("<Q", i.tables("pair", 1) + RESTORE, i.restore("probe"))


# ---- Who reaches a pristine image

def reached(words, partition, physical, image="restart"):
    mapping(words, "restore-reached", FREE, lambda i: physical(i) | P | U | A | NX, 1, image, partition)


reached("the own pristine image, read-only", "nav", lambda i: pristine(i, "nav"))
reached("a neighbour's pristine image", "hog", lambda i: pristine(i, "nav"))
reached("the journal, read-only", "nav", lambda i: i.get("<Q", i.system + SYSTEM["journal"])[0])
entry("restore-reached", "a neighbour's pristine image in a restore map",
      lambda i: i.path(i.restore("nav"), PRISTINE + 0x1000)[-1],
      lambda i: pristine(i, "hog") | RO)
entry("restore-reached", "the own pristine image where memory is restored", restored("nav", PEEK + FREE),
      lambda i: pristine(i, "nav") | RW)
entry("restore-reached", "a pristine image in the kernel's map", lambda i: i.path(i.kernel, pristine(i, "nav"))[-1],
      lambda i: pristine(i, "nav") | RO)
entry("restore-reached", "a pristine image in a peek map", lambda i: i.path(i.peek("relay"), PEEK + 0x802000)[-1],
      lambda i: pristine(i, "nav") | RO)


@on(BOTH, "restore-reached", "a pristine image behind an IOMMU")
def dma_pristine(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(pristine(i, "net")))


@on(BOTH, "restore-reached", "the journal behind an IOMMU")
def dma_journal(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(0x100000))


@on(BOTH, "dma-surplus", "a restore map behind an IOMMU")
def dma_restore(i, d):
    i.put("<Q", d.leaf(NET, 0x803000), d.page(i.restore("net")))


# ---- Images and what they are copied from

@defect("restart", "pristine-bytes", "a bit of a pristine image")
def pristine_bit(i):
    i.flip(source(i, "nav", 1) + 100, 3)


@defect("restart", "pristine-bytes", "a bit of what is loaded")
def loaded_bit(i):
    gpa, = i.get("<Q", piece("nav", 1, GPA)(i))
    i.flip((i.physical("nav", gpa) | gpa & 0x1FFFFF) + 100, 3)


@defect("restart", "pristine-bytes", "the last byte of a pristine image")
def pristine_end(i):
    at = piece("nav", 0, GPA)(i)
    _, start, length = i.get("<3Q", at)
    i.flip(start + length - 1, 0)


number("pristine-bytes", "a piece copied from the next line", piece("nav", 0, SOURCE), "<Q", lambda i, old: old + 64)
number("constant-data", "a piece copied from memory that can be written", piece("nav", 0, SOURCE), "<Q",
       lambda i, old: i.physical("hog"))
number("constant-data", "a piece copied from nowhere", piece("nav", 0, SOURCE), "<Q", 0xDEAD0000)
number("pristine-place", "a piece copied from the kernel", piece("nav", 0, SOURCE), "<Q", 0x400000)
number("pristine-place", "a piece copied from a neighbour's image", piece("nav", 0, SOURCE), "<Q",
       lambda i, old: pristine(i, "hog"))
number("image-piece", "a piece copied behind the memory", piece("nav", 0, GPA), "<Q", 0x800000)
number("image-piece", "a piece copied across the memory's end", piece("nav", 0, GPA), "<Q", 0x7FF000)
number("image-piece", "a piece copied onto another", piece("nav", 1, GPA), "<Q",
       lambda i, old: i.get("<Q", piece("nav", 0, GPA)(i))[0])
number("image-piece", "a piece without bytes", piece("nav", 0, BYTES), "<Q", 0)
number("image-missing", "a piece that is shorter", piece("nav", 0, BYTES), "<Q", lambda i, old: old - 64)
number("image-missing", "an image that lacks a piece", part("nav", "image_count"), "<H", lambda i, old: old - 1)
number("image-missing", "a partition without an image", part("nav", "image_count"), "<H", 0)
number("constant-data", "pieces listed in a partition's memory", part("nav", "image"), "<Q", lambda i, old: i.physical("nav"))
number("system-counts", "more pieces than anybody has", part("nav", "image_count"), "<H", 0xFFFF)


@defect("restart", "segment-place", "constants beside the pristine images")
def pristine_longer(i):
    base = min(pristine(i, name) for name in i.number)
    at = next(header for start, _, _, header in i.segments if start == base)
    plant.struct.pack_into("<Q", i.bytes, at + 40, i.file("<Q", at + 40)[0] + 0x1000)


# ---- What a partition may write

number("writable-span", "memory restored in part", span("nav", 0, 8), "<Q", lambda i, old: old - 4096)
number("writable-span", "a span elsewhere", span("nav", 1), "<Q", FREE)
number("writable-span", "a console that is not listed", part("nav", "writable_count"), "<H", lambda i, old: old - 1)
number("writable-span", "one span listed too many", part("nav", "writable_count"), "<H", lambda i, old: old + 1)
number("writable-span", "a console that a cold restart zeroes", part("nav", "own_count"), "<H", lambda i, old: old + 1)
number("writable-span", "a watchdog that a cold restart keeps", part("nav", "own_count"), "<H", lambda i, old: old - 1)
number("writable-span", "a page that the partition only reads", span("nav", 1), "<Q",
       lambda i, old: i.region_gpa("nav", STATUS, "relay"))
number("constant-data", "spans listed in a partition's memory", part("nav", "writable"), "<Q", lambda i, old: i.physical("nav"))


# ---- What is told, and to whom

def leaf(partition, kind, name):
    return lambda i: i.leaf(partition, i.region_gpa(partition, kind, name))


def region(partition, kind, name, offset):
    return lambda i: i.regions(partition)[kind, name] + offset


bits("a status page that control can write", "stage2-rights", leaf("control", STATUS, "nav"), W | D, 0, "restart")
bits("a status page that a partner can write", "stage2-rights", leaf("nav", STATUS, "relay"), W | D, 0, "restart")
bits("the node's page writable", "stage2-rights", leaf("control", NODE, "control"), W | D, 0, "restart")
bits("the journal writable for control", "stage2-rights", leaf("control", JOURNAL, "control"), W | D, 0, "restart")
bits("an exchange page that cannot be written", "stage2-rights", leaf("control", EXCHANGE, "control"), 0, W | D, "restart")
bits("a watchdog that cannot be written", "stage2-rights", leaf("nav", WATCHDOG, "nav"), 0, W | D, "restart")
bits("a watchdog that can be executed", "stage2-rights", leaf("nav", WATCHDOG, "nav"), 0, NX, "restart")
bits("the journal executable for the kernel", "kernel-w-xor-x", lambda i: i.path(i.kernel, 0x100000)[-1], 0, NX, "restart")
bits("a journal that the kernel cannot write", "kernel-rights", lambda i: i.path(i.kernel, 0x100000)[-1], 0, W | D, "restart")
number("info-region", "a status page said to be writable", region("nav", STATUS, "relay", 18), "<H", 3)
number("info-region", "the journal said to be writable", region("control", JOURNAL, "control", 18), "<H", 3)
number("info-region", "an exchange page said to be read-only", region("control", EXCHANGE, "control", 18), "<H", 1)
number("info-region", "a node page of two pages", region("control", NODE, "control", 8), "<Q", 8192)
number("info-region", "the status of a partition that does not exist", region("nav", STATUS, "relay", 20), "<H", 9)
entry("stage2-frame", "a neighbour's status in place of a partner's", leaf("nav", STATUS, "relay"),
      lambda i: i.get("<Q", i.partition("hog") + PART["status"])[0] | P | U | A | NX)
mapping("a neighbour's watchdog", "kernel-reached", FREE,
        lambda i: i.get("<Q", i.partition("nav") + PART["watchdog"])[0] | RX_DEVICE, 1, "restart", "hog")
mapping("the exchange page", "kernel-reached", FREE,
        lambda i: i.get("<Q", i.system + SYSTEM["exchange"])[0] | RX_DEVICE, 1, "restart", "hog")
mapping("a neighbour's status", "kernel-reached", FREE,
        lambda i: i.get("<Q", i.partition("nav") + PART["status"])[0] | P | U | A | NX, 1, "restart", "hog")


@defect("restart", "told", "the status of a partition that is no partner, told consistently")
def other_status(i):
    at = i.regions("nav")[STATUS, "relay"]
    gpa, = i.get("<Q", at)
    i.put("<HH", at + 20, i.number["hog"], i.number["hog"])
    i.put("<24s", at + 40, b"hog")
    i.put("<Q", i.leaf("nav", gpa), i.get("<Q", i.partition("hog") + PART["status"])[0] | P | U | A | NX)


def told(words, kind, rule="told", name="control", partition="nav"):
    @defect("restart", rule, words)
    def alter(i):
        page, source_at = i.info(partition), i.regions("control")[kind, name]
        count, = i.get("<I", page + 72)
        record = page + 88 + 64 * count
        i.put("<64s", record, i.get("<64s", source_at)[0])
        i.put("<Q", record, FREE)
        i.put("<I", page + 72, count + 1)
        i.put("<Q", i.leaf(partition, FREE), i.get("<Q", i.leaf("control", i.get("<Q", source_at)[0]))[0])


told("the node's page told to another than control", NODE)
told("the journal told to another than control", JOURNAL)
told("the exchange page told to another than control", EXCHANGE)
told("the exchange page written by two", EXCHANGE, "frame-shared")
told("a channel shown to who is no end of it", CHANNEL, "told", "alarm", "hog")
told("the reader's page of a channel shown to who is no end of it", READER, "told", "orders", "hog")
told("a channel shown to its reader once more", CHANNEL, "told", "alarm", "relay")
told("a channel shown to control twice", CHANNEL, "frame-shared", "alarm", "control")
bits("a channel of others that control can write", "stage2-rights", leaf("control", CHANNEL, "alarm"), W | D, 0, "restart")
bits("a reader's page of others that control can write", "stage2-rights", leaf("control", READER, "orders"), W | D, 0, "restart")
bits("a channel of others that control does not see", "stage2-missing", leaf("control", CHANNEL, "orders"), 0, P, "restart")
number("info-region", "a channel of others said to be writable", region("control", CHANNEL, "alarm", 18), "<H", 3)
number("info-region", "a reader's page of others of two pages", region("control", READER, "orders", 8), "<Q", 8192)
number("told", "a channel of others that the kernel does not know", region("control", CHANNEL, "alarm", 20), "<H", 9)
number("wanted-regions", "a channel of others under another writer", region("control", CHANNEL, "alarm", 22), "<H",
       lambda i, old: i.number["hog"])
number("wanted-regions", "a queue of others of another depth", region("control", CHANNEL, "orders", 28), "<I", 16)
entry("shared-ends", "another channel in place of the one that control is told of", leaf("control", CHANNEL, "alarm"),
      lambda i: i.physical("relay", i.region_gpa("relay", QUEUING, "orders")) | P | U | A | NX)


@defect("restart", "shared-object", "a watchdog in a stack, mapped as the kernel is told")
def watchdog_stack(i):
    stack, gpa = i.data_base + 0x1000, i.region_gpa("nav", WATCHDOG, "nav")
    i.put("<Q", i.partition("nav") + PART["watchdog"], stack)
    i.put("<Q", i.leaf("nav", gpa), stack | RX_DEVICE)
    i.put("<Q", i.path(i.restore("nav"), PEEK + gpa)[-1], stack | RW)


@defect("restart", "shared-object", "an exchange page in the kernel's state, mapped as the kernel is told")
def exchange_state(i):
    state, gpa = i.symbols["system_partitions"] & plant.FRAME, i.region_gpa("control", EXCHANGE, "control")
    i.put("<Q", i.system + SYSTEM["exchange"], state)
    i.put("<Q", i.leaf("control", gpa), state | RX_DEVICE)
    i.put("<Q", i.path(i.restore("control"), PEEK + gpa)[-1], state | RW)


number("shared-object", "status written into a neighbour's page", part("nav", "status"), "<Q",
       lambda i, old: i.get("<Q", i.partition("hog") + PART["status"])[0])
number("shared-object", "status written into the kernel's log", part("nav", "status"), "<Q",
       lambda i, old: i.get("<Q", i.system + SYSTEM["log"])[0])
number("shared-object", "the log written into a trace", system("log"), "<Q", lambda i, old: i.get("<Q", i.cpus + 8)[0])
number("shared-object", "the node's page in a status page", system("node"), "<Q",
       lambda i, old: i.get("<Q", i.partition("hog") + PART["status"])[0])


# ---- What the node page tells: struct mullion_node

def told_of_node(words, offset, layout, change):
    number("node-page", words, lambda i: follow(system("node"))(i) + offset, layout, change)


told_of_node("an epoch before there is one", 0, "<Q", 1)
told_of_node("a schedule in force before the kernel says so", 16, "<I", 1)
told_of_node("one partition more", 40, "<H", lambda i, old: old + 1)
told_of_node("another node's name", 48, "<5s", b"other")
told_of_node("another board's name", 80, "<5s", b"other")
told_of_node("a partition with more memory", 112, "<Q", lambda i, old: 2 * old)
told_of_node("a vcpu on another CPU", 624, "<H", 1)
told_of_node("an owned CPU called framed", 1136 + 2, "<H", 2)
told_of_node("a schedule under another name", 1648 + 32, "<5s", b"worse")
told_of_node("something behind the node's page", 4088, "<Q", 1)
number("wanted-windows", "a schedule that was not described", lambda i: follow(lambda i: i.schedules + 40)(i), "<8s", b"improved")
number("shared-object", "a time page within another", lambda i: i.vcpu("hog") + 8, "<Q", lambda i, old: old + 64)
number("shared-object", "a trace in another CPU's", lambda i: i.cpus + 8, "<Q", lambda i, old: old + 0x21000)
number("shared-object", "an exchange page that does not exist", system("exchange"), "<Q", 0)
number("shared-object", "an exchange page without control", system("exchange"), "<Q", 0x600000, "hello")
number("journal-place", "a journal in a console", system("journal"), "<Q", lambda i, old: old + 0x1000)
number("journal-place", "a journal in what the kernel clears", system("journal"), "<Q", lambda i, old: i.data_base + 0x1000)
number("journal-place", "a journal on no page", system("journal"), "<Q", lambda i, old: old + 64)
number("journal-place", "a journal in no RAM", system("journal"), "<Q", 0xFEC00000)
number("restore-reached", "a journal in a partition's memory", system("journal"), "<Q", lambda i, old: i.physical("hog") + 0x700000)

# ---- Watchdogs

number("watchdog", "a watchdog that nobody looks at", part("nav", "watchdog"), "<Q", 0)
number("watchdog", "a watchdog without a time", part("nav", "watchdog_ticks"), "<Q", 0)
number("watchdog", "a time without a watchdog", part("hog", "watchdog_ticks"), "<Q", 1 << 20)
number("watchdog", "watchdogs that are not counted", system("watchdogs_count"), "<H", 0)
number("wanted-watchdog", "a watchdog with another time", part("nav", "watchdog_ticks"), "<Q", lambda i, old: old + 1)
number("timekeeper", "an owned CPU that looks at watchdogs", system("timekeeper"), "<H", 1)
number("timekeeper", "no CPU that looks at watchdogs", system("timekeeper"), "<H", 0xFFFF)

# ---- Health

number("health-action", "an action that does not exist", part("nav", "actions"), "<B", 8)
number("health-action", "an exit answered by going on", lambda i: part("nav", "actions")(i) + 7, "<B", 0)
number("health-action", "a fault injected where there is no instruction", lambda i: part("nav", "actions")(i) + 9, "<B", 1)
number("health-action", "a switch to a schedule that does not exist", part("hog", "health_schedule"), "<H", 2)
number("health-escalation", "escalation by the first event", part("nav", "escalate_count"), "<H", 1)
number("health-escalation", "escalation by more events than are counted", part("nav", "escalate_count"), "<H", 9)
number("health-escalation", "escalation to a log", part("nav", "escalate_action"), "<B", 0)
number("health-escalation", "escalation without a time", part("nav", "escalate_ticks"), "<Q", 0)
number("health-escalation", "escalation to a reset that the node cannot do", lambda i: i.arch + 52, "<H", 0)
number("health-escalation", "an escalation that never comes", part("hog", "escalate_action"), "<B", 2)
number("wanted-health", "a later escalation", part("nav", "escalate_count"), "<H", 4)
number("wanted-health", "a milder escalation", part("nav", "escalate_action"), "<B", 4)
number("wanted-health", "escalation within a longer time", part("nav", "escalate_ticks"), "<Q", lambda i, old: old * 2)
number("wanted-health", "a switch to another schedule", part("hog", "health_schedule"), "<H", 0)
number("wanted-health", "a warm restart in place of a cold one", lambda i: part("nav", "actions")(i) + 9, "<B", 4)
number("wanted-reset", "another value for the reset", lambda i: i.arch + 54, "<B", 4)
number("wanted-reset", "another port for the reset", lambda i: i.arch + 52, "<H", 0x92)
defect("restart", "port-kernel", "the reset port opened")(lambda i: i.flip(i.io("nav"), 0xCF9))


@defect("restart", "health-action", "a reset of a node that cannot")
def no_reset(i):
    i.put("<B", part("nav", "actions")(i), 7)
    i.put("<H", i.arch + 52, 0)


@defect("restart", "port-kernel", "a port of a partition's with which the node resets")
def reset_uart(i):
    i.put("<H", i.arch + 52, 0x3F8)


# ---- Channels and doorbells

def channel(number_, offset):
    return lambda i: follow(system("channels"))(i) + 16 * number_ + offset


def bell(offset):
    return lambda i: follow(channel(0, 8))(i) + offset


def vcpu_of(name):
    return lambda i, old: (i.vcpu(name) - i.vcpus) // plant.VCPU


number("channel-record", "a channel rung by its reader", channel(0, 0), "<H", lambda i, old: i.number["relay"])
number("channel-record", "a channel of a partition that does not exist", channel(1, 0), "<H", 77)
number("told", "a channel that the kernel does not know", system("channels_count"), "<H", 1)
number("wanted-channels", "no channels", system("channels_count"), "<H", 0)
number("constant-data", "channels listed in a partition's memory", system("channels"), "<Q", lambda i, old: i.physical("nav"))
number("doorbell", "a partition rung that does not receive", bell(0), "<H", vcpu_of("hog"))
number("doorbell", "the sender rung", bell(0), "<H", vcpu_of("nav"))
number("doorbell", "a vcpu rung that does not exist", bell(0), "<H", 99)
number("doorbell", "an exception as a doorbell", bell(2), "<H", 14)
number("doorbell", "the kernel's vector as a doorbell", bell(2), "<H", 255)
number("wanted-doorbells", "another vector rung", bell(2), "<H", 0x71)
number("wanted-doorbells", "a doorbell that nobody hears", channel(0, 2), "<H", 0)
number("constant-data", "doorbells listed in a partition's memory", channel(0, 8), "<Q", lambda i, old: i.physical("nav"))
number("doorbell", "a device's vector rung", bell(2), "<H", 0x60, "vtd")


@defect("restart", "doorbell", "a partition in windows rung")
def framed_bell(i):
    i.put("<HHIQ", channel(1, 0)(i), i.number["relay"], 1, 0, follow(channel(0, 8))(i))
    i.put("<H", bell(0)(i), vcpu_of("nav")(i, 0))


@defect("restart", "doorbell", "a vcpu rung twice")
def bell_twice(i):
    at = follow(channel(0, 8))(i)
    i.put("<H", channel(0, 2)(i), 2)
    i.put("<2H", at + 4, *i.get("<2H", at))


# ---- Schedules

@defect("restart", "schedule-denominator", "two schedules that count in other parts of a tick")
def denominators(i):
    at = i.schedules + 40 + 24
    i.put("<Q", at, i.get("<Q", at)[0] * 2)


# ---- Devices that are let through again


def passed(bdf, index):
    return lambda i, d: d.function(bdf) + 96 + 8 * index


for index, mask, name in ((0, 1 << 12, "another tree"), (0, 1, "nothing"), (1, 1 << 3, "another domain")):
    flip(BOTH, "function-pass", f"a restart that lets through {name}", passed(NVME, index), mask)
flip("amdvi", "function-pass", "a restart that passes interrupts on", passed(NVME, 2), 3 << 60)
flip(BOTH, "function-pass", "a restart that writes more than the entry", passed(NVME, 3), 1)
flip(BOTH, "function-pass", "a restart that lets a function of nobody through", passed(SPARE, 0), 1)
word(BOTH, "function-pass", "a function of nobody reset", lambda i, d: d.function(SPARE) + 128, "<H", 0x88)
word(BOTH, "wanted-functions", "a function reset by another register", lambda i, d: d.function(NVME) + 128, "<H",
     lambda value: value + 4)
word(BOTH, "wanted-functions", "advanced features that a function does not have", lambda i, d: d.function(EDU) + 130, "<H", 0x54)
