"""Defects of RDMA tables and areas in a finished image.

Planted in the image "rdma", built from what the fixtures of the rules about RDMA start from. The format is that of
rdma/table.h, written down here once more. As in plant.py.
"""
from plant import A, D, NX, P, U, W, bits, defect

RDMA, AREA, QUEUING = 16, 17, 6
HEAD = {"magic": 0, "link": 8, "ipv4": 16, "netmask": 20, "clients": 24, "neighbours": 28, "vlan": 32, "tagged": 34,
        "bus": 35, "reserved": 36, "pcp": 40, "dscp": 56, "high": 72, "high_count": 200, "low": 204, "low_count": 332,
        "limit": 336, "vl": 337, "padding": 353}
CLIENT, NEIGHBOUR, END = 360, 712, 1480
GRANT = {"name": 0, "rate": 24, "up": 32, "down": 40, "burst": 48, "qps": 52, "cqs": 56, "mrs": 60, "ahs": 64, "depth": 68,
         "pkey": 72, "first": 74, "last": 76, "partition": 78, "sl": 80, "reserved": 81}


def block(i, partition="verbs"):
    return i.physical(partition, i.region_gpa(partition, RDMA, "rdma"))


def number(rule, words, field, layout, value):
    """Another number in the head."""
    @defect("rdma", rule, words)
    def alter(i):
        i.put(layout, block(i) + field, value)


def head(rule, words, field, layout, value, more=0):
    number(rule, words, HEAD[field] + more, layout, value)


def grant(rule, words, client, field, layout, value):
    number(rule, words, CLIENT + 88 * client + GRANT[field], layout, value)


def region(partition, kind, name, field, rule, words, layout, value):
    """Another number in a region of an info page."""
    @defect("rdma", rule, words)
    def alter(i):
        i.put(layout, i.regions(partition)[kind, name] + field, value)


def leaf(partition, kind, name):
    return lambda i: i.leaf(partition, i.region_gpa(partition, kind, name))


# ---- Where they lie

bits("an RDMA table that its service may write", "stage2-rights", leaf("verbs", RDMA, "rdma"), W | D, 0, "rdma")
bits("an RDMA table that can be executed", "stage2-rights", leaf("second", RDMA, "rdma"), 0, NX, "rdma")
bits("an area that its reader may write", "stage2-rights", leaf("verbs", AREA, "nav-up"), W | D, 0, "rdma")
bits("an area that its writer may only read", "stage2-rights", leaf("nav", AREA, "nav-up"), 0, W, "rdma")
region("verbs", RDMA, "rdma", 18, "info-region", "an RDMA table that claims to be writable", "<H", 3)
region("verbs", AREA, "nav-up", 18, "shared-writers", "an area that both ends may write", "<H", 3)
region("verbs", AREA, "nav-up", 22, "rdma-areas", "an area of another client", "<H", 3)
region("nav", AREA, "nav-up", 8, "shared-ends", "an area of another size at one end", "<Q", 4096)


@defect("rdma", "frame-shared", "another service's table")
def other_table(i):
    i.put("<Q", leaf("second", RDMA, "rdma")(i), block(i) | P | U | A | NX)


@defect("rdma", "shared-ends", "another client's area")
def other_area(i):
    i.put("<Q", leaf("nav", AREA, "nav-down")(i),
          i.physical("probe", i.region_gpa("probe", AREA, "probe-down")) | P | U | A | NX)


# ---- Its form

head("rdma-table", "an RDMA table without its mark", "magic", "<Q", 0)
head("rdma-table", "more clients than a table holds", "clients", "<I", 5)
head("rdma-table", "no clients", "clients", "<I", 0)
head("rdma-table", "a client less than the areas say", "clients", "<I", 1)
head("rdma-areas", "a client less, all of whose row is gone", "clients", "<I", 1)
head("rdma-table", "more neighbours than a table holds", "neighbours", "<I", 65)
head("rdma-table", "a table of lanes that is too long", "high_count", "<I", 65)
head("rdma-table", "a reserved byte that says something", "reserved", "<B", 1)
head("rdma-table", "something behind the lanes", "padding", "<B", 1)
head("rdma-table", "a lane behind the last one", "high", "<B", 1, 2 * 2)
number("rdma-table", "something behind the table", END, "<B", 1)
number("rdma-table", "a neighbour behind the last one", NEIGHBOUR + 12 * 2, "<I", 0x0A090003)
grant("rdma-table", "a reserved byte of a grant", 0, "reserved", "<B", 1)

# ---- The port

head("rdma-address", "everybody's address", "ipv4", "<I", 0x0A0900FF)
head("rdma-address", "a netmask that is none", "netmask", "<I", 0xFF00FF00)
head("rdma-address", "a VLAN without a tag", "tagged", "<B", 0)
head("rdma-address", "a VLAN that does not exist", "vlan", "<H", 4095)
number("rdma-neighbour", "a neighbour of another network", NEIGHBOUR, "<I", 0x0A090102)
number("rdma-neighbour", "two neighbours with one address", NEIGHBOUR, "<I", 0x0A0900FE)
number("rdma-neighbour", "a neighbour that is a group of stations", NEIGHBOUR + 4, "<B", 0x53)
head("rdma-lanes", "weight for the lane of management", "high", "<B", 15)
head("rdma-lanes", "a lane without weight", "low", "<B", 0, 1)
head("rdma-lanes", "connections on a lane that never sends", "vl", "<B", 14)
head("rdma-lanes", "a mark that Ethernet does not have", "pcp", "<B", 8, 2)
head("rdma-lanes", "a mark that IPv4 does not have", "dscp", "<B", 64, 2)

# ---- Grants

grant("rdma-grant", "a level on a lane that never sends", 0, "sl", "<B", 9)
grant("rdma-grant", "a P_Key of nothing", 0, "pkey", "<H", 0x8000)
grant("rdma-grant", "no rate", 0, "rate", "<Q", 0)
grant("rdma-grant", "more than the link carries", 1, "rate", "<Q", 1000001)
grant("rdma-grant", "a burst below a frame", 1, "burst", "<I", 1513)
grant("rdma-grant", "more queue pairs than there are", 0, "qps", "<I", 9)
grant("rdma-grant", "no depth", 0, "depth", "<I", 0)
grant("rdma-grant", "memory of half a page", 1, "up", "<Q", 2048)
grant("rdma-grant", "ports in the wrong order", 0, "last", "<H", 6999)
grant("rdma-grant", "a port of two clients", 1, "first", "<H", 7009)
grant("rdma-areas", "more memory than there is", 1, "down", "<Q", 16384)
grant("rdma-table", "a client that is another partition", 0, "partition", "<H", 3)
grant("rdma-table", "a client that is the service", 0, "partition", "<H", 0)
grant("rdma-table", "a client that does not exist", 0, "partition", "<H", 77)
grant("rdma-table", "a client by another name", 0, "name", "<B", ord("N"))
region("verbs", QUEUING, "nav-ask", 40, "rdma-channels", "a channel by another name", "<B", ord("N"))
region("nav", AREA, "nav-up", 40, "rdma-areas", "an area by another name", "<B", ord("N"))

# ---- What was wanted

head("wanted-rdma", "another address", "ipv4", "<I", 0x0A090009)
head("wanted-rdma", "another link", "link", "<Q", 21300001)
head("wanted-rdma", "a card on another bus", "bus", "<B", 1)
head("wanted-rdma", "another limit", "limit", "<B", 17)
head("wanted-rdma", "another VLAN", "vlan", "<H", 8)
head("wanted-rdma", "another weight", "high", "<B", 65, 1)
head("wanted-rdma", "another lane for a level", "vl", "<B", 2, 4)
head("wanted-rdma", "another mark", "pcp", "<B", 6, 2)
number("wanted-rdma", "a neighbour with another MAC", NEIGHBOUR + 4 + 5, "<B", 9)
grant("wanted-rdma", "another level", 0, "sl", "<B", 5)
grant("wanted-rdma", "another P_Key", 0, "pkey", "<H", 0x8003)
grant("wanted-rdma", "a lower rate", 0, "rate", "<Q", 10000000)
grant("wanted-rdma", "another burst", 0, "burst", "<I", 65537)
grant("wanted-rdma", "one queue pair more", 0, "qps", "<I", 3)
grant("wanted-rdma", "another port", 0, "first", "<H", 6999)
