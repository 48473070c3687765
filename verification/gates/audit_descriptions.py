"""Descriptions with devices for the audit's gate, all from audit_devices.dts.in.

kind(): the one that defects are planted in, for each kind of IOMMU. VARIANTS: what boards and deployments can have
besides, each to be built and to be found without fault.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
# A disk of 16 KiB of registers, 65 messages of MSI-X and no other capability.
CONFIG = ("0x00101b36 0x00100107 0x01080202 0 0x4 0 0 0 0 0 0 0x11001af4 0 0x40 0 0x10a "
          "0x00400011 0x2000 0x3000")
UNIT = """	iommus {
		iommu1: iommu@fed91000 {
			compatible = "intel,vt-d"; reg = <0 0xfed91000 0 0x1000>; address-bits = <48>;
		};
	};
"""


def lifecycle():
    """The one that defects of restarts are planted in."""
    with open(os.path.join(HERE, "audit_lifecycle.dts.in"), encoding="ascii") as file:
        return file.read()


def base(name):
    """What the rules' fixtures about locks or RDMA start from: defects of their tables are planted in it."""
    with open(os.path.join(HERE, "..", "rules", f"base-{name}.dtsi"), encoding="ascii") as file:
        return file.read().replace("good.elf", "hello.elf")


def kind(name):
    with open(os.path.join(HERE, "audit_devices.dts.in"), encoding="ascii") as file:
        return file.read().replace("@KIND@", name)


def disk(label, slot, unit):
    return (f"\t\t\t{label}: disk@{0x100 + 8 * slot:x} {{ reg = <PCI(1, {slot}, 0)>; requester = <PCI(1, 0, 0)>; "
            f"iommu = <&{unit}>; bars = <0  0 {0xE0400000 + 0x100000 * slot:#x}  0 0x4000>; config = <{CONFIG}>; }};\n")


def bridge(text, unit, interrupts, nodes=""):
    """Two disks more for `store`, on a conventional bus: their requests bear one id."""
    nodes += ('\tpci {\n\t\tbridge@40 { reg = <PCI(0, 8, 0)>; type = "pci"; bus = <1>;\n'
              "\t\t\t#address-cells = <1>; #size-cells = <0>;\n" + disk("a", 0, unit) + disk("b", 1, unit) +
              "\t\t};\n\t};\n")
    text = text.replace("&nvme &edu>", "&nvme &edu &a &b>").replace("<&edu 0 1 0x60>", "<&edu 0 1 0x60>, " + interrupts)
    return text.replace("\tcpus {", nodes + "\tcpus {", 1)


def three_levels():
    """The board's own file stays as it is; the narrow one lies beside the description."""
    return kind("vtd").replace("boards/qemu-q35-vtd.dtsi", "narrow.dtsi")


def narrow_board():
    with open("config/boards/qemu-q35-vtd.dtsi", encoding="ascii") as file:
        text = file.read()
    return text.replace('#include "', '#include "boards/').replace("address-bits = <48>", "address-bits = <39>")


def no_windows():
    """No framed CPU: faults interrupt an owned one."""
    text = kind("vtd").replace('cpu@0 { mode = "framed"; };', 'cpu@0 { mode = "owned"; };')
    text = text.replace('image = "control.elf";', 'image = "control.elf"; cpus = <0>;')
    text = re.sub(r"\tschedules \{.*?\n\t\};\n", "", text, flags=re.S)
    return re.sub(r"\t\tnet: net \{.*?\};\n", "", text, flags=re.S)


VARIANTS = {
    "three levels of translation": three_levels,
    "no framed CPU": no_windows,
    "two functions with one requester id": lambda: bridge(
        kind("vtd"), "iommu0", "<&a 0 1 0x61>, <&b 0 1 0x62>, <&b 3 1 0x63>"),
    "two functions with one requester id behind AMD-Vi": lambda: bridge(kind("amdvi"), "iommu0", "<&a 0 1 0x61>"),
    "two IOMMUs for one partition": lambda: bridge(
        kind("vtd"), "iommu1", "<&a 0 1 0x61>, <&b 3 1 0x62>", UNIT),
}
