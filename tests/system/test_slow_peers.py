# SPDX-License-Identifier: LGPL-3.0-or-later
"""A follower that cannot keep up costs bounded memory, on either side, holds
nobody up and loses nothing."""

import os
import signal
import unittest

from support import build
from support.case import Case

STALLS = "tests/daemons/quorlogd_stalls"
COUNT = 160  # appends of 1 MiB each: far more than may wait for one peer
VALUE = 1 << 20
KEPT = 4 << 20
AT_ONCE = 4
# What a follower in trouble may cost beside what the same appends cost without
# one, in MiB. The leader: PEER_SEND_BYTES_MAX and one message more. The follower:
# APPENDING_BYTES_MAX twice, as the core's entries and on the way to the disk. The
# rest is how much two runs differ.
LEADER_MAX = 32 + 4 + 60
FOLLOWER_MAX = 2 * 64 + 60


class SlowPeers(Case):
    def setUp(self):
        self.slow = self.cluster_with_slow_node()
        cluster = self.slow.cluster
        self.leader = cluster.leader()
        self.calls = self.client_of(self.leader)
        if self.leader is self.slow:
            self.calls.call("cluster.transfer", {})
            self.leader = cluster.leader(cluster.others(self.slow))
            self.calls = self.client_of(self.leader)
        self.calls.call("log.create", {"log": "kept", "retention":
                                        {"bytes": KEPT}})
        self.calls.call("log.create", {"log": "all"})
        self.filled = 0
        self.fill()
        self.slow.cluster.wait_all_applied()

    def client_of(self, node):
        return self.client(node, 60)

    def cluster_with_slow_node(self):
        return self.cluster(3).node(3)

    def fill(self):
        """Much that is dropped again, and little that stays."""
        sent = []
        for i in range(COUNT):
            self.calls.append("all", "entry %d" % (self.filled + i))
            sent.append(self.calls.send("log.append", {"appends": [
                {"log": "kept", "entries": [os.urandom(VALUE)]}]}))
            if len(sent) == AT_ONCE:
                for id in sent:
                    self.calls.answer(id)
                sent = []
        for id in sent:
            self.calls.answer(id)
        self.filled += COUNT

    def assert_all_there(self):
        self.slow.cluster.wait_all_applied()
        expected = [b"entry %d" % i for i in range(self.filled)]
        for node in self.slow.cluster.nodes:
            with node.client(60) as client:
                self.assertEqual(client.read_all("all", stale=True), expected)
            self.assertTrue(node.is_running())

    def peak(self, node):
        return node.memory_peak_mib() / build.memory_factor()


class StalledDisk(SlowPeers):
    """A disk that takes nothing while messages still come."""

    def cluster_with_slow_node(self):
        if not os.path.exists(build.path(STALLS)):
            raise unittest.SkipTest("make " + STALLS)
        cluster = self.cluster(3, start=False)
        cluster.init()
        node = cluster.node(3)
        node.program = STALLS
        node.start("--wal-writer", "thread")
        cluster.start()
        return node

    def test_what_it_cannot_write_is_dropped_and_comes_again(self):
        leader, slow = self.peak(self.leader), self.peak(self.slow)
        term = self.leader.status()["term"]
        self.slow.signal(signal.SIGUSR1)
        self.fill()
        self.assertEqual(self.leader.status()["term"], term)
        self.assertLess(self.peak(self.leader) - leader, LEADER_MAX)
        self.assertLess(self.peak(self.slow) - slow, FOLLOWER_MAX)
        self.slow.signal(signal.SIGUSR2)
        self.assert_all_there()


class FrozenPeer(SlowPeers):
    """A process that stands still while its connections stay up."""

    def test_the_leader_keeps_a_bounded_queue(self):
        leader = self.peak(self.leader)
        self.slow.pause()
        self.fill()
        self.assertLess(self.peak(self.leader) - leader, LEADER_MAX)
        self.slow.resume()
        self.assert_all_there()
