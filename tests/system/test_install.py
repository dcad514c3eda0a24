# SPDX-License-Identifier: LGPL-3.0-or-later
"""Chunks go from node to node: to one that lags, and to one with damage."""

import os

from support.case import Case
from support.waiting import wait_until

SMALL = ["--snapshot-entries", "64", "--snapshot-bytes", "1MiB"]
MIB = 1 << 20
LOGS = ("a", "b", "c")
EACH = 8  # MiB in each log
ROUNDS = 3


class Install(Case):
    def fill(self, client, mib=EACH):
        """Values that do not become smaller, about 64 KiB each."""
        for _ in range(mib * 16):
            ids = [client.send("log.append", {"appends": [
                {"log": log, "entries": [os.urandom(64 * 1024 - 24)]}]})
                for log in LOGS]
            for id in ids:
                client.answer(id)

    def filled(self, cluster, nodes):
        """The leader among @nodes, with data that a late node has to install."""
        leader = cluster.leader(nodes)
        client = self.client(leader, 60)
        for log in LOGS:
            client.call("log.create", {"log": log})
        self.fill(client)
        wait_until("a snapshot covers most of it",
                   lambda: self.is_mostly_covered(leader))
        return leader

    def is_mostly_covered(self, node):
        status = node.status()
        return status["snapshot_index"] > status["commit_index"] * 3 // 4

    def contents(self, node):
        with node.client(60) as client:
            return {log: client.read_all(log, stale=True) for log in LOGS}

    def assert_same(self, cluster, one, other):
        cluster.wait_all_applied([one, other])
        self.assertEqual(self.contents(other), self.contents(one))

    def late(self, options=()):
        """Two of three nodes with data, and the third not started yet."""
        cluster = self.cluster(3, [*SMALL, *options], start=False)
        cluster.init()
        one, two, three = cluster.nodes
        one.start()
        two.start()
        return cluster, self.filled(cluster, [one, two]), three

    def packs(self, node):
        folder = os.path.join(node.directory, "chunks")
        return sorted(os.path.join(folder, name)
                      for name in os.listdir(folder) if name.endswith(".pack"))

    def quarantined(self, node):
        folder = os.path.join(node.directory, "chunks", "quarantine")
        return len(os.listdir(folder))

    def missing(self, node):
        return node.status().get("store", {}).get("missing", 0)

    def test_a_node_that_starts_late_gets_all_chunks(self):
        cluster, leader, late = self.late()
        late.start()
        wait_until("it is filled", lambda: late.answers() and
                   late.status()["snapshot_index"] > 0)
        self.assert_same(cluster, leader, late)
        installed = late.status()["install"]
        self.assertEqual(installed.get("chunks_missing", 0), 0)
        self.assertGreater(installed["bytes_fetched"], EACH * MIB)
        # It is a whole member.
        third, = cluster.others(leader, late)
        third.kill()
        with leader.client() as client:
            client.append("a", "with it")

    def installed(self, node):
        """How many chunks of an install are there, of how many; or None."""
        status = node.status().get("install", {})
        if "chunks" not in status:
            return None
        return (status["chunks"] - status.get("chunks_missing", 0),
                status["chunks"])

    def test_an_install_that_is_killed_again_and_again_goes_on(self):
        cluster, leader, late = self.late(["--fetch-rate-bytes", "5MiB"])
        here = 0
        fetched = 0
        for _ in range(ROUNDS):
            late.start()
            wait_until("it answers", late.answers)
            first, _ = wait_until("an install is under way",
                                  lambda: self.installed(late))
            # What had come is not fetched again. The snapshot may be a newer
            # one, which names more.
            self.assertGreaterEqual(first, here)
            wait_until("some chunks have come",
                       lambda: self.installed(late)[0] >= first + 3)
            here, whole = self.installed(late)
            fetched += late.status()["install"]["bytes_fetched"]
            late.kill()
        self.assertLess(here, whole, "it was too fast to be interrupted")
        late.words += ["--fetch-rate-bytes", "0"]
        late.start()
        wait_until("it is filled", lambda: late.answers() and
                   late.status()["snapshot_index"] > 0)
        self.assert_same(cluster, leader, late)
        fetched += late.status()["install"]["bytes_fetched"]
        whole = EACH * MIB * len(LOGS)
        self.assertLess(fetched, whole + whole // 4)

    def test_an_install_outlives_the_leader_that_began_it(self):
        cluster, leader, late = self.late(["--fetch-rate-bytes", "5MiB"])
        late.start()
        wait_until("it answers", late.answers)
        wait_until("an install is under way", lambda: "chunks_missing" in
                   late.status().get("install", {}))
        other, = cluster.others(leader, late)
        leader.stop()
        leader.start()
        wait_until("it is filled", lambda:
                   late.status()["snapshot_index"] > 0, 60)
        self.assert_same(cluster, cluster.leader(), late)
        self.assert_same(cluster, other, late)

    def test_damaged_chunk_files_are_healed_by_the_other_nodes(self):
        cluster = self.cluster(3, SMALL)
        leader = self.filled(cluster, cluster.nodes)
        cluster.wait_all_applied()
        damaged = cluster.others(leader)[0]
        wait_until("its chunks are on disk", lambda: damaged.status()
                   ["store"].get("waiting_bytes", 0) == 0)
        damaged.stop()
        packs = self.packs(damaged)
        self.assertGreaterEqual(len(packs), 4)
        os.remove(packs[0])
        with open(packs[1], "r+b") as file:
            file.truncate(os.path.getsize(packs[1]) // 2)
        with open(packs[2], "r+b") as file:
            file.seek(os.path.getsize(packs[2]) - 1000)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 4]))
        with open(packs[3], "r+b") as file:
            file.seek(44)
            file.write(b"\xff\xff\xff\xff")
        damaged.start()
        wait_until("it answers", damaged.answers)
        # Also while it is not healed yet.
        self.assertEqual(self.contents(damaged), self.contents(leader))
        wait_until("it is healed", lambda: self.missing(damaged) == 0)
        wait_until("the files are set aside",
                   lambda: self.quarantined(damaged) >= 3)
        # From its own disk now.
        damaged.stop()
        damaged.start()
        wait_until("it answers", damaged.answers)
        self.assertEqual(self.missing(damaged), 0)
        self.assert_same(cluster, leader, damaged)

    def test_all_chunk_files_of_a_node_can_be_fetched_again(self):
        cluster = self.cluster(3, SMALL)
        leader = self.filled(cluster, cluster.nodes)
        cluster.wait_all_applied()
        damaged = cluster.others(leader)[0]
        wait_until("its chunks are on disk", lambda: damaged.status()
                   ["store"].get("waiting_bytes", 0) == 0)
        damaged.kill()
        for pack in self.packs(damaged):
            os.remove(pack)
        damaged.start()
        wait_until("it answers", damaged.answers)
        self.assertEqual(self.contents(damaged), self.contents(leader))
        wait_until("it is healed", lambda: self.missing(damaged) == 0)
