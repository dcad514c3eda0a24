# SPDX-License-Identifier: LGPL-3.0-or-later
"""Snapshots: the state survives, those who lag catch up, the disk is bounded."""

import os

from support.case import Case
from support.waiting import wait_until

SMALL = ["--snapshot-entries", "16", "--snapshot-bytes", "64KiB"]
MIB = 1 << 20

# What the directory of a log that keeps 2 MiB may take, however fast or slow the
# machine is: docs/consensus.md, "How much of it there is". In MiB; the values are
# random, so nothing becomes smaller.
KEPT = 2
AT_ONCE = 8  # appends of 1 MiB each
LOGS = KEPT + 1 + 8 + AT_ONCE  # a chunk, TICK_BYTES
SNAPSHOT = 1 + 1 + 1  # an open chunk with its last entry, tables
APART = max(16, 16, 2 * SNAPSHOT)  # between snapshots: entries, OVERRUN, sizes
SEGMENTS = -(-3 * APART // 57) + 2  # 57 of entries in 64; cut ones, the prepared
CHUNKS = 4 * (LOGS + 3 * APART) + 4 * 8  # a quarter in use; the newest files
RESERVE = 64  # RESERVE_BYTES
DISK_MAX = (64 * SEGMENTS + 3 * SNAPSHOT + CHUNKS + RESERVE) * MIB


class Snapshots(Case):
    def fill(self, client, log, count, size=1000):
        ids = []
        for i in range(count):
            ids.append(client.send("log.append", {"appends": [
                {"log": log, "entries": [b"%06d" % i + os.urandom(size)]}]}))
            if len(ids) == 8:
                for id in ids:
                    client.answer(id)
                ids = []
        for id in ids:
            client.answer(id)

    def stats(self, node):
        with node.client() as client:
            return client.call("log.list", {"stale": True})["logs"]

    def stats_at_one_state(self, cluster):
        """Of each node, or None if a command came in between: retention ticks."""
        before = [node.status()["state_index"] for node in cluster.nodes]
        stats = [self.stats(node) for node in cluster.nodes]
        after = [node.status()["state_index"] for node in cluster.nodes]
        return stats if len(set(before + after)) == 1 else None

    def assert_equal_everywhere(self, cluster):
        cluster.wait_all_applied()
        first, *others = wait_until(
            "all nodes are at one state",
            lambda: self.stats_at_one_state(cluster))
        for other in others:
            self.assertEqual(other, first)
        return first

    def test_the_state_survives_the_death_of_all_nodes(self):
        cluster = self.cluster(3, SMALL)
        client = self.leader_client(cluster)
        for log in ("a", "b/c", "deleted"):
            client.call("log.create", {"log": log,
                                       "retention": {"entries": 1000000}})
        self.fill(client, "a", 300)
        self.fill(client, "b/c", 100)
        client.call("log.delete", {"log": "deleted"})
        client.call("log.trim", {"log": "a", "before": 100})
        epoch = client.call("writer.acquire", {"log": "b/c", "name": "me"})[
            "writer_epoch"]
        producer = client.call("producer.open")["producer"]
        request = {"appends": [{"log": "a", "entries": ["once"]}],
                   "producer": producer, "sequence": 1}
        answer = client.call("log.append", request)
        before = self.assert_equal_everywhere(cluster)
        for node in cluster.nodes:
            wait_until("node %d has a snapshot" % node.id,
                       lambda: node.status()["snapshot_index"] > 0)
        for node in cluster.nodes:
            node.kill()
        cluster.start()
        self.assertEqual(self.assert_equal_everywhere(cluster), before)
        client = self.leader_client(cluster)
        self.assertEqual(client.call("log.append", request), answer)
        self.assertRefused("FENCED", client.append, "b/c", "x")
        client.append("b/c", "x", epoch=epoch)
        page = client.call("log.read", {"log": "a", "from": 100})
        self.assertEqual(page["entries"][0][3][:6], b"000099")

    def test_a_node_that_was_away_catches_up_from_a_snapshot(self):
        cluster = self.cluster(3, SMALL)
        leader = cluster.leader()
        away = cluster.others(leader)[0]
        client = self.client(leader, 60)
        client.call("log.create", {"log": "log", "retention":
                                   {"bytes": 4 * MIB}})
        client.append("log", "before")
        cluster.wait_all_applied()
        away.kill()
        # More than the others keep behind a snapshot.
        self.fill(client, "log", 40, MIB - 100)
        last_seen = wait_until("a snapshot covers it", lambda: leader.status()
                               ["snapshot_index"])
        away.start()
        wait_until("it has installed a snapshot", lambda: away.status()
                   ["snapshot_index"] >= last_seen)
        self.assert_equal_everywhere(cluster)
        client.append("log", "after")
        self.assert_equal_everywhere(cluster)
        # And it is a whole member: the other two may go one by one.
        third, = cluster.others(leader, away)
        third.kill()
        client.append("log", "with it")

    def test_a_node_that_was_away_again_and_again_catches_up(self):
        cluster = self.cluster(3, SMALL)
        leader = cluster.leader()
        client = self.client(leader, 60)
        client.call("log.create", {"log": "log"})
        for turn in range(4):
            away = cluster.others(leader)[turn % 2]
            away.kill()
            self.fill(client, "log", 60)
            away.start()
            self.fill(client, "log", 60)
            # The next one to go leaves no majority without it.
            wait_until("it is back", away.answers)
        self.assert_equal_everywhere(cluster)

    def test_the_directory_stays_bounded(self):
        cluster = self.cluster(1, SMALL)
        node = cluster.leader()
        client = self.client(node, 60)
        client.call("log.create", {"log": "log", "retention":
                                   {"bytes": 2 * MIB}})
        most = 0
        for _ in range(10):
            self.fill(client, "log", 32, MIB - 100)
            most = max(most, node.disk_bytes())
        self.assertLess(most, DISK_MAX)
        node.kill()
        node.start()
        cluster.leader()
        self.assertLess(node.disk_bytes(), DISK_MAX)
