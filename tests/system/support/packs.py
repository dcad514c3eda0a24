# SPDX-License-Identifier: LGPL-3.0-or-later
"""The chunk files of a node (docs/formats.md, "Pack"), to be damaged."""

import os
import struct

HEADER_BYTES, ROW_BYTES = 48, 112
VERSION_AT, NUMBER_AT, CLUSTER_AT, ROWS_AT, CRC_AT = 12, 16, 24, 40, 44


def folder(node):
    return os.path.join(node.directory, "chunks")


def packs(node):
    """Their paths, the oldest first."""
    return sorted(os.path.join(folder(node), name)
                  for name in os.listdir(folder(node))
                  if name.endswith(".pack"))


def quarantined(node):
    return sorted(os.listdir(os.path.join(folder(node), "quarantine")))


def snapshots(node):
    """The paths of the good ones, the oldest first."""
    raft = os.path.join(node.directory, "raft")
    return sorted(os.path.join(raft, name) for name in os.listdir(raft)
                  if name.startswith("snapshot-") and "." not in name)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def flip(path, at):
    """One bit of the byte there; negative: from the end."""
    data = bytearray(read(path))
    data[at] ^= 4
    with open(path, "r+b") as file:
        file.write(data)


def rows(data):
    return struct.unpack_from("<I", data, ROWS_AT)[0]


def frames_at(data):
    return HEADER_BYTES + rows(data) * ROW_BYTES


def with_front(data, at, format, *values):
    """As if it had been written with those values in its header."""
    data = bytearray(data)
    struct.pack_into("<" + format, data, at, *values)
    covered = data[8:CRC_AT] + data[HEADER_BYTES:frames_at(data)]
    struct.pack_into("<I", data, CRC_AT, crc32c(covered))
    return bytes(data)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
