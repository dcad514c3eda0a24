# SPDX-License-Identifier: LGPL-3.0-or-later
"""What happens to a node whose chunk files or snapshots are not what it wrote."""

import os
import shutil

from support import packs
from support.case import Case, SharedCase
from support.client import RpcError
from support.cluster import Cluster
from support.daemon import quorlogd
from support.waiting import wait_until

OPTIONS = ("--snapshot-entries", "32", "--snapshot-bytes", "1MiB")
LOGS = ("a", "b")
VALUE = 64 * 1024 - 24
SOME = 10 * 16  # values of each log: 10 MiB, of which most is in chunk files


def fill(client, count=SOME):
    """Values that do not become smaller."""
    for _ in range(count):
        ids = [client.send("log.append", {"appends": [
            {"log": log, "entries": [os.urandom(VALUE)]}]}) for log in LOGS]
        for id in ids:
            client.answer(id)


def contents(node):
    with node.client(60) as client:
        return {log: client.read_all(log, stale=True) for log in LOGS}


def store(node):
    return node.status()["store"]


def is_settled(node):
    """All of its chunks are on the disk, and it has taken a snapshot of most."""
    status = node.status()
    waits = status["store"].get("waiting_bytes", 0) + \
        status["store"].get("merges_bytes", 0)
    return waits == 0 and \
        status["snapshot_index"] > status["commit_index"] * 3 // 4


def settle(cluster):
    for node in cluster.nodes:
        wait_until("its chunks are on disk", lambda: is_settled(node))


def inspect(node, status):
    done = quorlogd("inspect", node.directory)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


class Damage(SharedCase):
    """One node after the other is damaged while it is down, and healed."""

    OPTIONS = OPTIONS

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.shared.leader().client(60) as client:
            for log in LOGS:
                client.call("log.create", {"log": log})
            fill(client)
        cls.shared.wait_all_applied()
        settle(cls.shared)

    def setUp(self):
        self.leader = self.shared.leader()
        self.node = self.shared.followers()[0]
        self.whole = contents(self.leader)
        self.node.stop()
        self.pack = packs.packs(self.node)[0]
        self.log_before = len(self.node.log())

    def start(self):
        self.node.start()
        wait_until("it answers", self.node.answers)
        self.shared.wait_all_applied([self.node])

    def assert_whole(self):
        # The difference of so much is not worth to be printed.
        self.assertTrue(contents(self.node) == self.whole)

    def said(self):
        return self.node.log()[self.log_before:]

    def assert_healed(self, aside=True):
        """It serves all at once, and then from its own disk."""
        before = packs.quarantined(self.node)
        self.start()
        self.assert_whole()
        wait_until("it is healed", lambda: store(self.node).get(
            "missing", 0) == 0 and is_settled(self.node))
        if aside:
            name = os.path.basename(self.pack)
            wait_until("the file is set aside", lambda: name in
                       packs.quarantined(self.node))
            self.assertEqual(packs.quarantined(self.node), before + [name])
            self.assertGreaterEqual(store(self.node)["damaged"], 1)
            self.assertEqual(store(self.node)["quarantined"], len(before) + 1)
            self.assertIn(name, self.said())
        self.node.stop()
        self.assertIn("All is well", inspect(self.node, 0)
                      if not aside and not before else "All is well")
        self.start()
        self.assertEqual(store(self.node).get("missing", 0), 0)
        self.assert_whole()

    def test_a_pack_that_is_gone_is_fetched_again(self):
        os.unlink(self.pack)
        self.assertRegex(inspect(self.node, 7), "chunks that the newest "
                         "snapshot names are not here. The node fetches them")
        self.assert_healed(aside=False)
        self.assertRegex(self.said(), "chunks that the state at raft index "
                         "[0-9]+ ")

    def test_a_pack_that_is_cut_off_is_set_aside(self):
        with open(self.pack, "r+b") as file:
            file.truncate(os.path.getsize(self.pack) // 2)
        self.assertIn(os.path.basename(self.pack), inspect(self.node, 7))
        self.assert_healed()

    def test_an_empty_pack_is_set_aside(self):
        packs.write(self.pack, b"")
        self.assertIn(os.path.basename(self.pack), inspect(self.node, 7))
        self.assert_healed()

    def flipped(self, at):
        packs.flip(self.pack, at)
        text = inspect(self.node, 7)
        self.assertIn(os.path.basename(self.pack), text)
        self.assertIn("sets them aside", text)
        self.assert_healed()

    def test_a_flipped_bit_in_the_header_is_found_at_the_start(self):
        self.flipped(packs.NUMBER_AT)
        self.assertIn("checksum of the front is wrong", self.said())

    def test_a_flipped_bit_in_a_row_is_found_at_the_start(self):
        self.flipped(packs.HEADER_BYTES + 16)

    def test_a_flipped_bit_in_a_frame_is_found_by_who_reads_it(self):
        self.flipped(packs.frames_at(packs.read(self.pack)) + 1000)

    def test_a_flipped_bit_at_the_end_is_found_by_who_reads_it(self):
        self.flipped(-1)

    def test_a_damaged_snapshot_gives_way_to_the_one_before(self):
        newest = packs.snapshots(self.node)[-1]
        packs.flip(newest, os.path.getsize(newest) // 2)
        self.assertRegex(inspect(self.node, 7), "1 of [12] snapshots is damaged")
        self.assert_healed(aside=False)
        self.assertTrue(os.path.exists(newest + ".corrupt"))
        self.assertRegex(self.said(), "1 damaged snapshot is in .* set aside")
        os.unlink(newest + ".corrupt")

    def test_with_all_snapshots_damaged_nothing_is_lost(self):
        found = packs.snapshots(self.node)
        for path in found:
            packs.flip(path, 70)
        inspect(self.node, 7)
        self.assert_healed(aside=False)
        for path in found:
            os.unlink(path + ".corrupt")

    def test_a_pack_of_a_newer_version_stops_the_start(self):
        good = packs.read(self.pack)
        packs.write(self.pack,
                    packs.with_front(good, packs.VERSION_AT, "I", 2))
        self.node.start()
        self.assertEqual(self.node.wait(), 1)
        self.assertRegex(self.said(), os.path.basename(self.pack) +
                         ".* version 2")
        self.assertTrue(os.path.exists(self.pack), "it was touched")
        packs.write(self.pack, good)
        self.assert_healed(aside=False)

    def test_a_pack_of_another_cluster_stops_the_start(self):
        other = Cluster(1, OPTIONS)
        self.addCleanup(other.close)
        other.start()
        with other.node(1).client(60) as client:
            for log in LOGS:
                client.call("log.create", {"log": log})
            fill(client, 2 * 16)
        wait_until("it has a pack", lambda: packs.packs(other.node(1)))
        foreign = os.path.join(packs.folder(self.node), "00000000000fffff.pack")
        shutil.copy(packs.packs(other.node(1))[0], foreign)
        self.assertIn("of another cluster", inspect(self.node, 7))
        self.node.start()
        self.assertEqual(self.node.wait(), 1)
        self.assertRegex(self.said(), os.path.basename(foreign) +
                         ".* of another cluster")
        self.assertTrue(os.path.exists(foreign), "it was touched")
        os.unlink(foreign)
        self.assert_healed(aside=False)

    def test_names_of_logs_are_no_paths(self):
        self.start()
        client = self.leader_client(self.shared)
        for name in ("../../x", "/x", "a/../x", "chunks/.."):
            self.assertRefused("INVALID", client.call, "log.create",
                               {"log": name})
        name = "chunks/0000000000000001.pack"
        client.call("log.create", {"log": name})
        for _ in range(2 * 16):
            client.append(name, os.urandom(VALUE))
        settle(self.shared)
        self.assertRegex(" ".join(os.listdir(packs.folder(self.node))),
                         r"^(([0-9a-f]{16}\.pack|quarantine)( |$))+$")
        client.call("log.delete", {"log": name})
        self.shared.wait_all_applied()


class Alone(Case):
    def test_a_node_alone_says_what_it_has_lost_and_serves_the_rest(self):
        cluster = self.cluster(1, OPTIONS)
        node = cluster.node(1)
        with node.client(60) as client:
            for log in LOGS:
                client.call("log.create", {"log": log})
            fill(client)
        settle(cluster)
        node.stop()
        lost = packs.packs(node)[0]
        os.rename(lost, lost + ".kept")
        self.assertIn("There is no other node to fetch them from",
                      inspect(node, 7))
        node.start()
        cluster.leader()
        self.assertGreater(store(node)["missing"], 0)
        client = self.client(node, 60)
        refused = 0
        for log in LOGS:
            try:
                client.read_all(log)
            except RpcError as error:
                self.assertEqual(error.name, "CORRUPT", error)
                refused += 1
            tail = client.stat(log)["tail"]
            page = client.call("log.read", {"log": log, "from": tail - 1})
            self.assertEqual(len(page["entries"]), 1)
            client.append(log, "it goes on")
        self.assertGreater(refused, 0)
        self.assertRegex(node.log(), "positions [0-9]+ to [0-9]+ of the log "
                         "with uid [0-9]+ are on no disk")
        node.stop()
        # Somebody has a copy of the file.
        os.rename(lost + ".kept", lost)
        node.start()
        cluster.leader()
        self.assertEqual(store(node).get("missing", 0), 0)
        client = self.client(node, 60)
        for log in LOGS:
            self.assertEqual(len(client.read_all(log)), SOME + 1)
