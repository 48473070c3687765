"""Frames of a capture between two of the marks that dlm_node sends, on the wire of the lock manager."""
import struct

import counts

DLM_PORT, MARK_PORT = 21064, 18603
HEADER, FRAME = struct.Struct("<IHHIIII"), struct.Struct("<IIII")
PCAP_MAGIC = 0xA1B2C3D4


def captured(data):
    """(ns, frame) of each, from the bytes of a file that QEMU's filter-dump wrote."""
    if len(data) < HEADER.size or HEADER.unpack_from(data)[0] != PCAP_MAGIC:
        raise counts.Unusable("the capture is none")
    at = HEADER.size
    while at < len(data):
        if at + FRAME.size > len(data):
            raise counts.Unusable("the capture breaks off")
        seconds, microseconds, kept, whole = FRAME.unpack_from(data, at)
        at += FRAME.size
        if kept != whole or at + kept > len(data):
            raise counts.Unusable("the capture breaks off")
        yield (seconds * 1_000_000 + microseconds) * 1000, data[at:at + kept]
        at += kept


def transport(frame):
    """Protocol, ports and payload of IPv4's TCP and UDP; None else."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] not in (6, 17):
        return None
    at = 14 + 4 * (frame[14] & 15)
    source, to = struct.unpack_from(">HH", frame, at)
    end = 14 + struct.unpack_from(">H", frame, 16)[0]
    return frame[23], {source, to}, frame[at + (8 if frame[23] == 17 else 4 * (frame[at + 12] >> 4)):end]


def between(data, name):
    """Frames of the lock manager between `NAME begins` and `NAME ends`: how many, with something in them, their bytes."""
    counting, seen, frames, full, size = False, [], 0, 0, 0
    for _, frame in captured(data):
        what = transport(frame)
        if what is None:
            continue
        protocol, ports, payload = what
        if protocol == 17 and MARK_PORT in ports:
            seen += [payload]
            counting = payload == f"{name} begins".encode()
        elif counting and protocol == 6 and DLM_PORT in ports:
            frames, full, size = frames + 1, full + bool(payload), size + len(frame)
    if seen.count(f"{name} begins".encode()) != 1 or f"{name} ends".encode() not in seen:
        raise counts.Unusable(f"the capture does not tell where {name} begins and ends")
    return {"frames": frames, "with_payload": full, "bytes": size}
