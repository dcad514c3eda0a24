# SPDX-License-Identifier: LGPL-3.0-or-later
"""Backup directories that are full, read-only or gone, files in them that are not
what was written, and nodes that are killed while they write."""

import ctypes
import os
import shutil
import struct
import time
import unittest

from support import backups, recovery
from support.case import Case
from support.cli import Cli
from support.client import RpcError
from support.packs import CLUSTER_AT, VERSION_AT, crc32c, flip, with_front
from support.waiting import wait_until
from test_disk_full import MIB, mount, unmount

SPARE = 64 * MIB  # is left free
ROOM = SPARE + 16 * MIB
COUNT = 48  # values of 64 KiB: 3 MiB
KILLS = 8
HEAL_SECONDS = 60  # a node tries again after 5 s, then less and less often
MS_RDONLY, MS_REMOUNT = 1, 32

_libc = ctypes.CDLL(None, use_errno=True)


def remount(path, flags):
    if _libc.mount(b"quorlog-test", path.encode(), b"tmpfs",
                   MS_REMOUNT | flags, b"size=%d" % ROOM) != 0:
        raise OSError(ctypes.get_errno(), "remount")


class Directory(Case):
    """Backups of each node are on a file system of their own."""

    def setUp(self):
        self.nodes = self.cluster(3, backups.NONE, start=False).init()
        self.addCleanup(lambda: [node.kill() for node in self.nodes.nodes])
        for node in self.nodes.nodes:
            path = backups.folder(node)
            os.mkdir(path)
            try:
                mount(path, ROOM)
            except OSError as error:
                raise unittest.SkipTest("no small disk can be mounted here: "
                                        "%s" % error)
            self.addCleanup(unmount, path)
        self.nodes.start()
        with self.nodes.leader().client() as client:
            client.call("log.create", {"log": "a"})
        self.append(COUNT)

    def append(self, count):
        with self.nodes.leader().client(60) as client:
            return backups.fill(client, "a", count)

    def fill(self, node):
        path = os.path.join(backups.folder(node), "foreign")
        with open(path, "wb") as file:
            try:
                while True:
                    file.write(bytes(MIB // 4))
                    file.flush()
            except OSError:
                pass
        return path

    def check_alarm(self, node, pattern):
        wait_until("it says so", lambda: backups.problem(node), HEAL_SECONDS)
        self.assertRegex(backups.problem(node), pattern)
        self.assertRegex(backups.said(node)["problem"], pattern)
        Cli(self.nodes.endpoints()).run("cluster", "status", "--all", status=7)
        self.append(4)
        self.assertTrue(node.is_running())

    def check_healed(self, node, name):
        backups.wait_for_state([node], name, seconds=HEAL_SECONDS)
        wait_until("nothing is wrong", lambda: not backups.problem(node))
        backups.check(node, name, deep=True)

    def test_a_full_directory_is_an_alarm_and_is_made_good_later(self):
        for node in (self.nodes.leader(), self.nodes.followers()[0]):
            foreign = self.fill(node)
            name = backups.create(self.nodes, wait=False)
            self.check_alarm(node, "[Nn]o space")
            backups.wait_for_state(self.nodes.others(node), name)
            os.unlink(foreign)
            self.check_healed(node, name)

    def test_a_read_only_directory_is_an_alarm_and_is_made_good_later(self):
        node = self.nodes.followers()[0]
        backups.create(self.nodes, "before")
        remount(backups.folder(node), MS_RDONLY)
        name = backups.create(self.nodes, wait=False)
        self.check_alarm(node, "[Rr]ead-only")
        backups.wait_for_state(self.nodes.others(node), name)
        backups.check(node, "before")
        remount(backups.folder(node), 0)
        self.check_healed(node, name)

    def test_the_only_good_backup_is_not_rotated_away(self):
        good = backups.create(self.nodes, "good")
        foreign = [self.fill(node) for node in self.nodes.nodes]
        leader = self.nodes.leader()
        leader.ask("cluster.settings", {"max_saved_backups": 1})
        self.append(2 * COUNT)
        names = []
        for _ in range(3):
            names.append(backups.create(self.nodes, wait=False))
            self.append(4)
        for node in self.nodes.nodes:
            wait_until("it says so", lambda: backups.problem(node),
                       HEAL_SECONDS)
        # Several looks of the leader at what may go.
        time.sleep(2)
        for node in self.nodes.nodes:
            self.assertEqual(backups.state(node, good), "verified")
        backups.check(leader, good, deep=True)
        for path in foreign:
            os.unlink(path)
        wait_until("the newest alone is left", lambda: set(backups.listed(
            leader)) == {names[-1]}, HEAL_SECONDS)
        backups.wait_for_state(self.nodes.nodes, names[-1],
                               seconds=HEAL_SECONDS)


class Gone(Case):
    def test_a_directory_that_vanished_is_an_alarm_and_is_made_good(self):
        cluster = self.cluster(3, backups.NONE, start=False).init()
        base = self.directory()
        for node in cluster.nodes:
            os.mkdir("%s/disk%d" % (base, node.id))
            node.start("--backup-dir", "%s/disk%d/backups" % (base, node.id))
        node = cluster.followers()[0]
        with cluster.leader().client(60) as client:
            client.call("log.create", {"log": "a"})
            backups.fill(client, "a", COUNT)
            backups.create(cluster, "first")
            disk = "%s/disk%d" % (base, node.id)
            shutil.rmtree(disk)
            name = backups.create(cluster, wait=False)
            wait_until("it says so", lambda: backups.problem(node),
                       HEAL_SECONDS)
            backups.fill(client, "a", 4)
        backups.wait_for_state(cluster.others(node), name)
        os.mkdir(disk)
        wait_until("it works again", lambda: not backups.problem(node),
                   HEAL_SECONDS)
        for each in ("first", name):
            backups.wait_for_state([node], each, seconds=HEAL_SECONDS)
            backups.check(node, each, deep=True)


class Files(Case):
    """One node's files are changed while it is down."""

    def setUp(self):
        self.nodes = self.cluster(3, backups.NONE)
        with self.nodes.leader().client(60) as client:
            client.call("log.create", {"log": "a"})
            backups.fill(client, "a", COUNT)
        backups.create(self.nodes, "saved")
        self.node = self.nodes.followers()[0]

    def after(self, change):
        """Restarts the node with its files changed."""
        self.node.stop()
        change()
        self.node.start()
        wait_until("it answers", self.node.answers)

    def check_mended(self):
        backups.wait_for_state([self.node], "saved", seconds=HEAL_SECONDS)
        answer = backups.check(self.node, "saved", deep=True)
        self.assertEqual(answer["entries"], COUNT)

    def found(self):
        """By the check of an operator, at the latest."""
        wait_until("it is ready", lambda: backups.listed(self.node))
        error = backups.verify_error(self.node, "saved")
        if error is not None:
            self.assertIn(error.name, ("CORRUPT", "NOT_FOUND", "BUSY"), error)

    def test_a_flipped_bit_in_a_pack_is_found_and_mended(self):
        for at in (9, 60, -9):
            self.after(lambda: flip(backups.packs(self.node)[0], at))
            self.found()
            self.check_mended()

    def test_a_pack_that_is_cut_off_or_gone_is_mended(self):
        for size in (None, 0, 20, 100, 5000):
            path = backups.packs(self.node)[0]
            self.after(lambda: os.unlink(path) if size is None else
                       os.truncate(path, size))
            self.found()
            self.check_mended()

    def test_a_flipped_bit_in_a_manifest_is_found_and_mended(self):
        path = backups.manifest(self.node, "saved")
        size = os.path.getsize(path)
        for at in (1, 9, 13, 21, 60, 100, 115, 190, 260, size // 2, size - 3):
            self.after(lambda: flip(path, at))
            self.check_kept_or_mended(path)

    def test_a_manifest_that_is_cut_off_is_mended(self):
        path = backups.manifest(self.node, "saved")
        size = os.path.getsize(path)
        for length in (0, 7, 100, 255, 300, size - 1):
            self.after(lambda: os.truncate(path, length))
            self.check_kept_or_mended(path)

    def check_kept_or_mended(self, path):
        """A file that is not like ours any more stays as it is, and the
        operator is told."""
        try:
            wait_until("it is whole", lambda: backups.state(
                self.node, "saved") == "verified", 5)
        except AssertionError:
            self.assertIn("stay as they are", self.node.log())
            self.after(lambda: os.unlink(path))
        self.check_mended()

    def test_files_of_a_newer_version_are_not_taken_for_damage(self):
        path = backups.manifest(self.node, "saved")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        struct.pack_into("<I", data, 12, 9)
        struct.pack_into("<I", data, 16, crc32c(data[4:16] + data[20:256]))
        self.after(lambda: self.write(path, data))
        wait_until("it is ready", lambda: backups.listed(self.node))
        self.assertNotEqual(backups.state(self.node, "saved"), "verified")
        self.assertIn("version", str(backups.verify_error(
            self.node, "saved")) + self.node.log() +
            backups.listed(self.node)["saved"].get("error", ""))
        self.assertEqual(open(path, "rb").read(), bytes(data))

    def test_files_of_another_cluster_stay_as_they_are(self):
        pack = backups.packs(self.node)[0]
        with open(pack, "rb") as file:
            data = file.read()
        foreign = with_front(data, CLUSTER_AT, "16s", b"x" * 16)
        newer = with_front(data, VERSION_AT, "I", 9)
        pool = os.path.dirname(pack)
        added = {os.path.join(pool, "%016x.pack" % 77): foreign,
                 os.path.join(pool, "%016x.pack" % 78): newer,
                 os.path.join(pool, "notes.txt"): b"mine",
                 os.path.join(backups.folder(self.node),
                              "x.manifest"): b"mine"}
        self.after(lambda: [self.write(*each) for each in added.items()])
        self.check_mended()
        self.nodes.leader().ask("backup.delete", {"name": "saved"})
        wait_until("its files are gone", lambda: not os.path.exists(pack))
        for path, data in added.items():
            with open(path, "rb") as file:
                self.assertEqual(file.read(), data, path)

    def test_no_link_is_followed(self):
        outside = os.path.join(self.directory(), "outside")
        self.write(outside, b"not a backup")
        folder = backups.folder(self.node)
        names = ("next.manifest", "quorlog-manifest.tmp", "quorlog-pack.tmp",
                 "quorlog-checked.tmp", "chunks/%016x.pack" % 99)

        def change():
            for name in names:
                path = os.path.join(folder, name)
                if os.path.lexists(path):
                    os.unlink(path)
                os.symlink(outside, path)
        self.after(change)
        self.check_mended()
        with self.nodes.leader().client(60) as client:
            backups.fill(client, "a", COUNT)
        backups.create(self.nodes, "next", wait=False)
        backups.wait_for_state(self.nodes.others(self.node), "next")
        wait_until("it is written or refused", lambda: backups.state(
            self.node, "next") == "verified" or backups.problem(self.node) or
            backups.listed(self.node)["next"].get("error"), HEAL_SECONDS)
        with open(outside, "rb") as file:
            self.assertEqual(file.read(), b"not a backup")
        backups.check(self.node, "saved")

    @staticmethod
    def write(path, data):
        with open(path, "wb") as file:
            file.write(data)


class Kills(Case):
    def test_a_node_killed_while_it_writes_has_whole_backups_later(self):
        cluster = self.cluster(3, backups.NONE)
        leader = cluster.leader()
        client = self.client(leader, 60)
        client.call("log.create", {"log": "a"})
        names, caught = [], 0
        for round in range(KILLS):
            backups.fill(client, "a", COUNT)
            node = cluster.others(leader)[round % 2]
            names.append(backups.create(cluster, "b%d" % round, wait=False))
            caught += self.kill_while_writing(node, names[-1])
            left = os.listdir(backups.folder(node))
            node.start()
            wait_until("it answers", node.answers)
            if caught and round == 0:
                self.assertTrue(left)
        for name in names:
            backups.wait_for_state(cluster.nodes, name, seconds=HEAL_SECONDS)
            for node in cluster.nodes:
                backups.check(node, name)
        for node in cluster.nodes:
            self.assertEqual([], [name for name in os.listdir(backups.folder(
                node)) if name.endswith(".tmp")])
        self.assertGreater(caught, 0)

    def kill_while_writing(self, node, name):
        """As soon as it has begun; true: before it had ended."""
        folder = backups.folder(node)
        path = backups.manifest(node, name)
        until = time.monotonic() + 20
        while time.monotonic() < until and not os.path.exists(path):
            if any(each.endswith(".tmp") for each in os.listdir(folder)):
                break
        node.kill()
        return not os.path.exists(path)


class Lost(Case):
    def test_damage_that_nobody_can_mend_is_said_and_never_staged(self):
        cluster = self.cluster(1, backups.NONE)
        node = cluster.node(1)
        with node.client(60) as client:
            client.call("log.create", {"log": "a"})
            backups.fill(client, "a", COUNT)
            backups.create(cluster, "saved")
            client.call("log.delete", {"log": "a"})
            client.call("log.create", {"log": "live"})
            client.append("live", b"x")
        node.stop()
        for path in backups.packs(node):
            flip(path, -9)
        node.start()
        cluster.leader()
        wait_until("it is ready", lambda: backups.listed(node))
        error = backups.verify_error(node, "saved")
        self.assertEqual(error.name, "CORRUPT", error)
        backups.wait_for_state([node], "saved", "damaged")
        with self.assertRaises((RpcError, AssertionError)):
            node.ask("recovery.stage", {"name": "saved"})
            recovery.wait_staged(node)
        found = node.ask("recovery.status")
        self.assertIn(found["phase"], ("none", "interrupted"))
        with node.client() as client:
            self.assertEqual(client.read_all("live"), [b"x"])


if __name__ == "__main__":
    unittest.main()
