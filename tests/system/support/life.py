# SPDX-License-Identifier: LGPL-3.0-or-later
"""A short life of a node whose disk fails (quorlogd_fails.c)."""

import os
import re
import shutil
import subprocess
import time

from support import build
from support.client import Client, RpcError
from support.ports import free_address

PROGRAM = "tests/daemons/quorlogd_fails"
APPENDS = 40
VALUE_BYTES = 12000  # 16 KiB of the raft log each, in a write of its own
SEGMENT_BYTES = 128 << 10
TRIMS = {20: 15, 35: 30}  # after so many appends: what goes
OPTIONS = ("--snapshot-entries", "16", "--snapshot-bytes", "64KiB",
           "--reserve-bytes", "16KiB",
           "--election-timeout", "150ms", "--heartbeat", "25ms")
LIFE_SECONDS = 20

# What the node may do without. No room: for a segment prepared ahead and for the
# reserve; a segment that is needed and a snapshot then take the reserve; a file of
# chunks is written again later, or removed. And the fast ways to write. And all of
# its backups: that is told, and tried again.
HARMLESS = re.compile(
    r"(openat|ftruncate|fallocate|pwrite|pwritev2|fsync|unlinkat|renameat)"
    r" \S*(wal-spare|reserve|reserve\.new|snapshot\.new): ENOSPC"
    r"|renameat (wal|snapshot)-\w+: ENOSPC"
    r"|(openat|pwritev2|renameat|unlinkat) \S*[0-9a-f]{16}\.(tmp|pack): ENOSPC"
    r"|(openat|pwrite) \S*disk\.probe: ENOSPC"
    r"|io_uring write \S*disk\.probe: \w+"
    r"|\w+ \S*(quorlog-(pack|manifest|checked)\.tmp|backups\S*): \w+")
REASON = {"ENOSPC": r"[Nn]o space left", "EIO": "Input/output error"}


def value(number):
    """Of the entry @number; nothing that compresses well."""
    line = b"".join(b"%08x" % (number * 2654435761 + i * 40503 & 0xffffffff)
                    for i in range(VALUE_BYTES // 8))
    return b"%06d" % number + line[6:]


class Life:
    """One node and one client of it; problems are said, not raised."""

    def __init__(self, folder, template=None):
        self.folder = folder
        self.directory = os.path.join(folder, "node")
        self.log_path = os.path.join(folder, "log")
        self.address = free_address()
        self.peer_address = free_address()
        self.segment_bytes = SEGMENT_BYTES
        self.acked = {}      # position -> number
        self.late = False    # something sent after the fault was acknowledged
        self.trimmed = 0
        os.mkdir(folder)
        if template is not None:
            shutil.copytree(template, self.directory)

    def spawn(self, *words, fault=None):
        env = build.environment({"SEGMENT_BYTES": str(self.segment_bytes)})
        if fault is not None:
            env.update(FAULT_AT=str(fault[0]), FAULT_ERRNO=fault[1])
        with open(self.log_path, "ab") as log:
            return subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", build.path(PROGRAM),
                 *words], env=env, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def member(self, id):
        return "%d=%s/%s" % (id, self.peer_address, self.address)

    def init(self, *words, fault=None):
        process = self.spawn("init", "--data-dir", self.directory, *(
            words or ("--members", self.member(1))), fault=fault)
        return process.wait(LIFE_SECONDS * build.slowness())

    def run(self, writer, fault=None):
        return self.spawn("run", "--data-dir", self.directory, "--wal-writer",
                          writer, "--listen", self.address, "--listen-peer",
                          self.peer_address, *OPTIONS, fault=fault)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def fault(self):
        """What failed and when, or None."""
        return re.search(r"FAULT at ([\d.]+): (.*)", self.log())

    def counted(self):
        """The calls of the process that ended last."""
        return int(re.findall(r"counted (\d+) calls", self.log())[-1])

    def connect(self, process):
        """A client of a node that leads; None: the process has ended."""
        deadline = time.monotonic() + LIFE_SECONDS * build.slowness()
        while process.poll() is None:
            try:
                client = Client(self.address, LIFE_SECONDS)
                client.call("log.list", {"max": 1})
                return client
            except (OSError, EOFError, RpcError):
                assert time.monotonic() < deadline, "it neither leads nor ends"
                time.sleep(0.005)
        return None

    def live(self, process):
        """Appends and trims until all is done or the process ends; its exit
        status."""
        client = self.connect(process)
        try:
            if client is not None:
                self.append_all(client)
        except (OSError, EOFError):
            pass
        else:
            process.terminate()
        finally:
            if client is not None:
                client.close()
        return process.wait(LIFE_SECONDS * build.slowness())

    def append_all(self, client):
        self.call(client, "log.create", {"log": "x"})
        for number in range(1, APPENDS + 1):
            fault = self.fault()
            place = self.call(client, "log.append", {"appends": [
                {"log": "x", "entries": [value(number)]}]})
            if place is not None:
                self.acked[place["places"][0][0]] = number
                self.late = fault is not None
            if number in TRIMS:
                self.trimmed = TRIMS[number]
                self.call(client, "log.trim",
                          {"log": "x", "before": self.trimmed})

    @staticmethod
    def call(client, method, params):
        try:
            return client.call(method, params)
        except RpcError:
            return None  # refused: nothing was promised

    def check_kept(self, client, **more):
        """Every acknowledged entry is there."""
        entries, at = {}, self.trimmed
        while self.acked:
            page = client.call("log.read", dict(more, log="x", **{"from": at}))
            entries.update((entry[0], entry[3]) for entry in page["entries"])
            at = page["next"]
            if at >= page["tail"]:
                break
        for position, number in self.acked.items():
            if position >= self.trimmed:
                assert entries.get(position) == value(number), \
                    "acknowledged entry %d is lost" % position


def check_end(life, status, errno):
    """The process has ended by itself after the fault."""
    fault, text = life.fault(), life.log()
    assert status > 0, "signal %d" % -status
    assert build.sanitizer_report(text) is None, "a sanitizer reports"
    assert fault is not None, "it ended without a fault"
    said = text[fault.end():]
    assert re.search(REASON[errno], said), "it does not say why it ended"
    if re.search(r"raft/(wal-0|vote)", fault.group(2)):
        assert not life.late, "it acknowledged after the fault"
