"""Defects of lock tables in a finished image.

Planted in the image "locks", built from what the fixtures of the rules about locks start from. The formats are those of
mullion/lock_image.h and mullion/lock_tables.h, written down here once more. As in plant.py.
"""
from plant import A, D, NX, P, U, W, bits, defect

LOCKS = 15
(GROUPS, NAMES, SLOTS, MEMBERS, PARTICIPANTS, MEMBER_SLOTS, OWN_SLOTS, JOINS, NODES, PROMISES, LOCALS) = range(11)
HEAD = {"magic": 0, "bytes": 8, "cluster": 16, "node": 24, "lockd": 26, "q_key": 28, "drift": 32, "reserved": 40}
GROUP = {"nodes": 0, "locks": 12, "session_guard": 40, "authority_guard": 56, "survive_guard": 72, "retransmit": 88}
LOCK = {"group": 0, "rank": 4, "slots": 12, "budget": 16, "discipline": 24, "options": 25, "name": 26}
SLOT = {"lock": 0, "member": 4, "own": 8, "priority": 12, "bound": 16}
MEMBER = {"participant": 0, "group": 4, "first": 8}
NODE = {"ipv4": 0, "qpn": 4, "mac": 8, "domain": 14}
PROMISE = {"delay": 8, "level": 44}
LOCAL = {"participant": 0, "partition": 4, "depth": 6, "request": 40, "answer": 64}


def block(i, partition="lockd"):
    return i.physical(partition, i.region_gpa(partition, LOCKS, "locks"))


def used(i):
    return i.get("<Q", block(i) + HEAD["bytes"])[0]


def place(i, array, index, field=0):
    offset, _, size = i.get("<QII", block(i) + 64 + 16 * array)
    return block(i) + offset + index * size + field


def seal(i):
    """The digest of what was altered, so that only what it means can give it away."""
    value = 0xCBF29CE484222325
    data = b"".join(i.get("<4s", block(i) + at)[0] for at in (28, 32, 36))
    for array in range(LOCALS):
        offset, count, size = i.get("<QII", block(i) + 64 + 16 * array)
        data += i.get(f"<{count * size}s", block(i) + offset)[0]
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    i.put("<Q", block(i) + HEAD["cluster"], value)


def change(rule, words, array, index, field, layout, value):
    """Set a number of the tables, and seal them."""
    @defect("locks", rule, words)
    def alter(i):
        at = place(i, array, index, field)
        i.put(layout, at, value(i.get(layout, at)[0]) if callable(value) else value)
        seal(i)


def head(rule, words, field, layout, value):
    @defect("locks", rule, words)
    def alter(i):
        i.put(layout, block(i) + HEAD[field], value)
        seal(i)


def tables(partition):
    return lambda i: i.leaf(partition, i.region_gpa(partition, LOCKS, "locks"))


# ---- Where they lie

bits("lock tables that a participant may write", "stage2-rights", tables("nav"), W | D, 0, "locks")
bits("lock tables that the lock partition may write", "stage2-rights", tables("lockd"), W | D, 0, "locks")
bits("lock tables that can be executed", "stage2-rights", tables("probe"), 0, NX, "locks")


@defect("locks", "info-region", "lock tables that claim to be writable")
def claim(i):
    i.put("<H", i.regions("nav")[LOCKS, "locks"] + 18, 3)


@defect("locks", "shared-ends", "other lock tables for a participant")
def other(i):
    i.put("<Q", tables("nav")(i), i.physical("nav", i.region_gpa("nav", 2, "nav")) | P | U | A | NX)


@defect("locks", "lock-digest", "lock tables that were altered and not sealed")
def unsealed(i):
    at = place(i, SLOTS, 0, SLOT["bound"])
    i.put("<Q", at, i.get("<Q", at)[0] - 1)


@defect("locks", "lock-image", "something between the arrays")
def between(i):
    i.put("<B", block(i) + 64 + 16 * 11 + 3, 1)


# ---- Head

head("lock-image", "lock tables without their mark", "magic", "<Q", 0)
head("lock-image", "lock tables longer than their pages", "bytes", "<Q", 1 << 40)
head("lock-image", "tables of a node that the cluster does not have", "node", "<H", 9)
head("lock-image", "tables of another node", "node", "<H", 3)
head("lock-image", "a lock partition that does not exist", "lockd", "<H", 77)
head("wanted-locks", "another key", "q_key", "<I", 0x1234)
head("lock-timing", "clocks that drift otherwise", "drift", "<I", 300)
head("lock-image", "a reserved word that says something", "reserved", "<Q", 1)


@defect("locks", "lock-image", "an array beyond the end")
def beyond(i):
    i.put("<I", block(i) + 64 + 16 * SLOTS + 8, 1 << 30)


@defect("locks", "lock-image", "elements of another size")
def size(i):
    i.put("<I", block(i) + 64 + 16 * NAMES + 12, 64)


# ---- What refers to what

change("lock-image", "a lock of another group", NAMES, 0, LOCK["group"], "<I", 1)
change("lock-image", "a lock that has one slot more", NAMES, 0, LOCK["slots"], "<I", lambda v: v + 1)
change("lock-image", "two locks with one rank", NAMES, 1, LOCK["rank"], "<I", 20)
change("wanted-locks", "a lock with another rank", NAMES, 0, LOCK["rank"], "<I", 11)
change("wanted-locks", "a hold budget below what is described", NAMES, 0, LOCK["budget"], "<Q", 1000000)
change("lock-image", "a discipline that does not exist", NAMES, 0, LOCK["discipline"], "<B", 2)
change("wanted-locks", "a lock that is not revoked any more", NAMES, 0, LOCK["options"], "<B", 0)
change("wanted-locks", "a lock by another name", NAMES, 0, LOCK["name"], "<B", ord("d"))
change("lock-image", "a slot of another lock", SLOTS, 0, SLOT["lock"], "<I", 1)
change("lock-image", "a slot of another member", SLOTS, 0, SLOT["member"], "<I", 1)
change("lock-image", "a slot that its participant has elsewhere", SLOTS, 0, SLOT["own"], "<I", lambda v: v + 1)
change("lock-image", "a priority that does not exist", SLOTS, 0, SLOT["priority"], "<B", 4)
change("wanted-locks", "a more urgent participant", SLOTS, 5, SLOT["priority"], "<B", 0)
change("lock-image", "a wait without a bound", SLOTS, 0, SLOT["bound"], "<Q", (1 << 64) - 1)
change("wanted-locks", "a bound that no lock can keep", SLOTS, 0, SLOT["bound"], "<Q", 1000000)
change("wanted-locks", "a bound beyond the deadline", SLOTS, 0, SLOT["bound"], "<Q", 3000000001)
change("lock-image", "a member of another group", MEMBERS, 0, MEMBER["group"], "<I", 1)
change("lock-image", "a member of another participant", MEMBERS, 0, MEMBER["participant"], "<I", 3)
change("lock-image", "a member with another's slots", MEMBERS, 0, MEMBER["first"], "<I", lambda v: v + 1)
change("lock-image", "a list that names a slot twice", MEMBER_SLOTS, 0, 0, "<I", 1)
change("lock-image", "locks that are not by rising rank", OWN_SLOTS, 0, 0, "<I", 0)
change("lock-image", "a member that another has", JOINS, 0, 0, "<I", 1)
change("lock-image", "a participant on a node that does not exist", PARTICIPANTS, 3, 0, "<H", 44)
change("wanted-locks", "a participant on another node", PARTICIPANTS, 3, 0, "<H", 2)

# ---- Groups and nodes

change("lock-domains", "a group with one node twice", GROUPS, 0, GROUP["nodes"], "<H", 1)
change("lock-domains", "two nodes of a group that fail together", GROUPS, 0, GROUP["nodes"] + 2, "<H", 3)
change("wanted-locks", "a group on another node", GROUPS, 0, GROUP["nodes"] + 4, "<H", 3)
change("lock-image", "a group on a node that does not exist", GROUPS, 1, GROUP["nodes"], "<H", 9)
change("lock-image", "a group with one lock more", GROUPS, 0, GROUP["locks"], "<I", 2)
change("lock-timing", "a guard that is too short", GROUPS, 0, GROUP["session_guard"], "<Q", lambda v: v - 1)
change("lock-timing", "a promise that is kept too long", GROUPS, 0, GROUP["authority_guard"], "<Q", lambda v: v + 1)
change("lock-timing", "a leader that does not wait for its predecessor's sessions", GROUPS, 0,
       GROUP["survive_guard"], "<Q", 0)
change("lock-timing", "messages repeated while their answers are on the way", GROUPS, 1, GROUP["retransmit"], "<Q", 1000)
change("lock-lane", "a lane that everybody uses", PROMISES, 0, PROMISE["level"], "<B", 0)
change("wanted-locks", "another lane", PROMISES, 0, PROMISE["level"], "<B", 5)
change("wanted-locks", "a shorter way than described", PROMISES, 0, PROMISE["delay"], "<Q", 1000)
change("lock-image", "two nodes with one address", NODES, 1, NODE["ipv4"], "<I", 0x0A4D0001)
change("wanted-locks", "a node at another address", NODES, 1, NODE["ipv4"], "<I", 0x0A4D0009)
change("lock-image", "a node that is a group of stations", NODES, 1, NODE["mac"], "<B", 0x53)
change("lock-image", "a queue pair that is for management", NODES, 1, NODE["qpn"], "<I", 1)
change("wanted-locks", "two nodes that fail together, and are to fail apart", NODES, 3, NODE["domain"], "<H", 7)

# ---- This node

change("lock-image", "another's participant", LOCALS, 0, LOCAL["participant"], "<I", 3)
change("lock-image", "a participant that is another partition", LOCALS, 0, LOCAL["partition"], "<H", 2)
change("lock-channels", "a channel that does not exist", LOCALS, 0, LOCAL["request"], "<B", ord("L"))
change("lock-channels", "a channel of another depth", LOCALS, 0, LOCAL["depth"], "<H", 64)


@defect("locks", "lock-channels", "the two channels exchanged")
def exchanged(i):
    at = place(i, LOCALS, 0)
    request, answer = i.get("<24s", at + LOCAL["request"])[0], i.get("<24s", at + LOCAL["answer"])[0]
    i.put("<24s24s", at + LOCAL["request"], answer, request)


@defect("locks", "lock-told", "a partition that sees lock tables and takes no part")
def told(i):
    i.put("<I", block(i) + 64 + 16 * LOCALS + 8, 1)
    i.put("<88s", place(i, LOCALS, 1), bytes(88))
