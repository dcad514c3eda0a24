# SPDX-License-Identifier: LGPL-3.0-or-later
"""Disks that fill up: small ones, mounted for the test."""

import ctypes
import os
import time
import unittest

from support import build
from support.case import Case
from support.cli import Cli
from support.client import RpcError
from support.waiting import wait_until

MIB = 1 << 20
# Two segments of the WAL, the reserve, and room for some snapshots.
DISK = 208 * MIB
OPTIONS = ["--snapshot-bytes", "4MiB", "--low-space-bytes", "16MiB",
           "--reserve-bytes", "8MiB"]
ENTRY = 256 * 1024
# Entries that are trimmed later; with what is left their room is above the mark.
HELD = 100
LEFT = 8 * MIB
SPACE_SECONDS = 40
REFUSED_SECONDS = 6

_libc = ctypes.CDLL(None, use_errno=True)


def mount(path, size):
    """A file system of that size in memory. OSError."""
    if _libc.mount(b"quorlog-test", path.encode(), b"tmpfs", 0,
                   b"size=%d,mode=700" % size) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def grow(path, size):
    """The same one with what is in it."""
    MS_REMOUNT = 32
    if _libc.mount(b"quorlog-test", path.encode(), b"tmpfs", MS_REMOUNT,
                   b"size=%d" % size) != 0:
        raise OSError(ctypes.get_errno(), "mount")


def unmount(path):
    _libc.umount2(path.encode(), 2)  # MNT_DETACH


def free_bytes(path):
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def fill(node, leave):
    """Something else takes the disk, but for @leave bytes."""
    with open(os.path.join(node.directory, "foreign"), "wb") as file:
        while free_bytes(node.directory) > leave:
            count = min(MIB, free_bytes(node.directory) - leave)
            try:
                file.write(b"x" * count)
                file.flush()
            except OSError:
                return  # The node was quicker.


def clear(node):
    os.unlink(os.path.join(node.directory, "foreign"))


class DiskFull(Case):
    def small_cluster(self, small=(1, 2, 3)):
        cluster = self.cluster(3, OPTIONS, start=False)
        for id in small:
            path = cluster.node(id).directory
            os.mkdir(path)
            try:
                mount(path, DISK)
            except OSError as error:
                raise unittest.SkipTest("no small disk can be mounted here: "
                                        "%s" % error)
            self.addCleanup(unmount, path)
        # Before the mounts go.
        self.addCleanup(lambda: [node.kill() for node in cluster.nodes])
        return cluster.start()

    @staticmethod
    def value(number):
        """Large, and not to be compressed."""
        head = b"%020d" % number
        return head + os.urandom(ENTRY - len(head))

    def append(self, client, kept):
        value = self.value(len(kept))
        kept[client.append("a", value)] = value

    def append_until_refused(self, client, kept, count_max=400):
        for _ in range(count_max):
            try:
                self.append(client, kept)
            except RpcError as error:
                self.assertEqual(error.name, "NO_SPACE", error)
                return error
        self.fail("%d appends were taken" % count_max)

    def append_in_spite(self, client, seconds):
        """Some at a time, as fast as it goes."""
        params = {"appends": [{"log": "a", "entries": [self.value(0)]}]}
        until = time.monotonic() + seconds
        sent = []
        while sent or time.monotonic() < until:
            while len(sent) < 8 and time.monotonic() < until:
                sent.append(client.send("log.append", params))
            with self.assertRaises(RpcError) as caught:
                client.answer(sent.pop(0))
            self.assertIn(caught.exception.name, ("NO_SPACE", "BUSY"))

    def wait_for_appends(self, client, kept):
        """Until they come back by themselves."""
        def taken():
            try:
                self.append(client, kept)
                return True
            except RpcError as error:
                self.assertEqual(error.name, "NO_SPACE", error)
                return False
        wait_until("appends are taken again", taken, SPACE_SECONDS)

    def trim(self, client, kept, before):
        client.call("log.trim", {"log": "a", "before": before})
        for position in [one for one in kept if one < before]:
            del kept[position]

    def assert_all_there(self, client, kept, **params):
        self.assertEqual([kept[position] for position in sorted(kept)],
                         client.read_all("a", **params))

    def test_full_cluster_refuses_and_a_trim_brings_appends_back(self):
        cluster = self.small_cluster()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        refusal = self.append_until_refused(client, kept)
        self.assertGreaterEqual(refusal.error["retry_after_ms"], 1)
        self.assertGreater(len(kept), 10)
        self.assertRefused("NO_SPACE", client.call, "log.create",
                           {"log": "b"})
        status = client.call("cluster.status")
        self.assertTrue(status["no_space"])
        self.assertGreaterEqual(
            sum(member["space_low"] for member in status["members"]), 2)
        self.assert_all_there(client, kept)
        # Twice: it must come back each time.
        for _ in range(2):
            self.trim(client, kept, max(kept) - 2)
            self.wait_for_appends(client, kept)
            self.append_until_refused(client, kept)
            self.assert_all_there(client, kept)
        self.assertTrue(all(node.is_running() for node in cluster.nodes))
        cluster.leader().wait_for_log("appends are refused")
        client.call("log.delete", {"log": "a"})
        wait_until("status says so", lambda: not client.call(
            "cluster.status")["no_space"], SPACE_SECONDS)

    def test_backup_that_finds_no_room_gives_back_what_it_holds(self):
        """Else no trim could make room, and no backup either."""
        cluster = self.small_cluster()
        cluster.have_lead(cluster.node(1))
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        for _ in range(HELD):
            self.append(client, kept)
        for node in cluster.nodes[:2]:
            fill(node, LEFT)
        wait_until("appends are refused", lambda: client.call(
            "cluster.status")["no_space"], SPACE_SECONDS)
        client.call("backup.create", {"name": "full"})

        def full():
            return [one for one in client.call("backup.list")["backups"]
                    if one["name"] == "full"][0]
        wait_until("it is given up",
                   lambda: full()["state"] == "missing", SPACE_SECONDS)
        self.assertIn("given up", full()["error"])
        self.trim(client, kept, max(kept) - 2)
        self.wait_for_appends(client, kept)
        self.assert_all_there(client, kept)

    def test_who_waits_for_a_backup_hears_that_it_is_given_up(self):
        cluster = self.small_cluster()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        self.append(client, {})
        for node in cluster.nodes:
            fill(node, LEFT)
        done = Cli(cluster.endpoints()).run("backup", "create", "--name",
                                            "full", status=4)
        self.assertIn("given up", done.stderr)

    def test_full_nodes_start_again_and_a_trim_makes_room(self):
        """Also when there is not one byte left for what a start may write."""
        cluster = self.small_cluster()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        self.append_until_refused(client, kept)
        client.call("backup.create", {"name": "full"})
        for node in cluster.nodes:
            node.kill()
            fill(node, 0)
        for node in cluster.nodes:
            node.start()
        client = self.leader_client(cluster)
        self.assertRefused("NO_SPACE", client.append, "a", b"x")
        self.assert_all_there(client, kept)
        for node in cluster.nodes:
            clear(node)
        self.trim(client, kept, max(kept) - 2)
        self.wait_for_appends(client, kept)
        self.assert_all_there(client, kept)
        self.assertTrue(all(node.is_running() for node in cluster.nodes))

    def test_who_goes_on_after_a_refusal_fills_no_disk(self):
        """What is refused is in the raft log, too, and snapshots go on."""
        cluster = self.small_cluster()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        self.append_until_refused(client, kept)
        self.append_in_spite(client, REFUSED_SECONDS)
        self.assertTrue(all(node.is_running() for node in cluster.nodes))
        self.assert_all_there(client, kept)
        self.trim(client, kept, max(kept) - 2)
        self.wait_for_appends(client, kept)
        self.assert_all_there(client, kept)

    def test_space_taken_by_others_comes_back_without_a_trim(self):
        cluster = self.small_cluster()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        for _ in range(4):
            self.append(client, kept)
        for node in cluster.nodes[:2]:
            fill(node, 12 * MIB)
        wait_until("appends are refused", lambda: client.call(
            "cluster.status")["no_space"], SPACE_SECONDS)
        self.assertRefused("NO_SPACE", client.append, "a", b"x")
        for node in cluster.nodes[:2]:
            clear(node)
        self.wait_for_appends(client, kept)
        self.assert_all_there(client, kept)
        self.assertTrue(all(node.is_running() for node in cluster.nodes))

    def test_full_follower_ends_when_it_is_told_to(self):
        """It has a snapshot under way whose chunks find no room."""
        cluster = self.small_cluster()
        leader = cluster.leader()
        node = cluster.others(leader)[0]
        client = self.client(leader)
        client.call("log.create", {"log": "a"})
        kept = {}
        self.append(client, kept)
        fill(node, 0)
        wait_until("chunks find no room",
                   lambda: self.append(client, kept) or
                   "no space for a pack" in node.log(), SPACE_SECONDS)
        for _ in range(32):  # Two snapshots are due
            self.append(client, kept)
        node.stop()
        clear(node)
        node.start()
        cluster.wait_all_applied([node])
        self.assert_all_there(client, kept)

    def test_one_full_follower_stops_alone(self):
        # The others have room, so that they are never low beside it.
        cluster = self.small_cluster(small=[3])
        node = cluster.node(3)
        cluster.have_lead(cluster.node(1))
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        kept = {}
        for _ in range(4):
            self.append(client, kept)
        fill(node, 0)
        # What it needs next is room for a snapshot; the reserve is the first.
        for _ in range(400):
            self.append(client, kept)
            if len(kept) > 20:
                self.trim(client, kept, min(kept) + 1)
            if not node.is_running():
                break
        self.assertEqual(node.wait(), 1)
        self.assertRegex(node.log(), "no space left on the disk: nothing "
                         "acknowledged is lost, but this process cannot go on")
        self.append(client, kept)
        self.assertFalse(client.call("cluster.status")["no_space"])
        for other in cluster.others(node):
            self.assertTrue(other.is_running())
        clear(node)
        node.start()
        cluster.wait_all_applied([node])
        self.assert_all_there(client, kept)
        with node.client() as direct:
            self.assert_all_there(direct, kept, stale=True)


if __name__ == "__main__":
    unittest.main()
