# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nodes whose states differ: found, mended where a majority is right, frozen where
there is none."""

import glob
import os

from support import build
from support.case import Case
from support.waiting import wait_until

FLIPS = "tests/daemons/quorlogd_flips"
MARK = "flip-me"
# Digests where entries are few come each 10 s (DIGEST_QUIET_MS); an odd node
# compares once before and once after each new start.
SECONDS = 90


class Integrity(Case):
    def cluster_that_flips(self, options=()):
        if not os.path.exists(build.path(FLIPS)):
            self.skipTest("make %s" % FLIPS)
        cluster = self.cluster(3, options, start=False)
        for node in cluster.nodes:
            node.program = FLIPS
        return cluster.start()

    def flip(self, cluster, *nodes, once=False):
        """Each of the @nodes will get the entry that has MARK wrong, in a way of
        its own."""
        for node in nodes:
            node.kill()
            node.env = {"FLIP_TEXT": MARK, "FLIP_TO": "%d" % node.id}
            if once:
                node.env["FLIP_ONCE"] = "1"
            node.start()
        leader = cluster.leader()
        cluster.wait_all_applied()
        return leader

    def agreed(self, cluster):
        """All nodes have compared their states, and they are the same."""
        every = [node.status() for node in cluster.nodes]
        newest = max(status["applied_index"] for status in every)
        return all(status["integrity"] == "agreed" and
                   status.get("agreed_index", 0) >= newest - 8 and
                   all(member.get("digest_same") for member in status["members"])
                   for status in every)

    def wait_until_agreed(self, cluster):
        wait_until("all nodes have one state", lambda: all(
            node.answers() for node in cluster.nodes) and
            self.agreed(cluster), SECONDS)

    def append(self, cluster, values):
        with cluster.leader().client() as client:
            for value in values:
                client.append("a", value)

    def values_of(self, node):
        with node.client() as client:
            return client.read_texts("a", stale=True)

    def test_states_are_compared_all_the_time(self):
        cluster = self.cluster(3)
        self.leader_client(cluster).call("log.create", {"log": "a"})
        self.append(cluster, ["x"])
        self.wait_until_agreed(cluster)

    def test_a_single_node_has_nobody_to_compare_with(self):
        cluster = self.cluster(1)
        self.assertEqual(cluster.node(1).status()["integrity"], "alone")

    def test_what_only_memory_had_wrong_a_new_start_mends(self):
        cluster = self.cluster_that_flips()
        self.leader_client(cluster).call("log.create", {"log": "a"})
        odd = cluster.followers()[0]
        self.flip(cluster, odd, once=True)
        self.append(cluster, ["before", MARK, "after"])
        odd.wait_for_log("FLIPPED", seconds=SECONDS)
        odd.wait_for_log("a majority has another state", seconds=SECONDS)
        odd.wait_for_log("has the state of the others again", seconds=SECONDS)
        self.wait_until_agreed(cluster)
        self.assertEqual(self.values_of(odd), ["before", MARK, "after"])
        self.assertEqual(odd.status().get("mend_attempts", 0), 1)
        self.assertEqual(self.suspects(odd), [])
        self.assertFalse(odd.status().get("frozen", False))

    def test_what_is_on_the_disk_comes_from_a_node_of_the_majority(self):
        cluster = self.cluster_that_flips(["--snapshot-entries", "16",
                                           "--snapshot-bytes", "64KiB"])
        self.leader_client(cluster).call("log.create", {"log": "a"})
        odd = cluster.followers()[0]
        self.flip(cluster, odd, once=True)
        values = ["before", MARK] + ["after %d" % i for i in range(100)]
        self.append(cluster, values)
        term_and_vote = self.vote_of(odd)
        odd.wait_for_log("has the state of the others again", seconds=SECONDS)
        self.wait_until_agreed(cluster)
        self.assertEqual(self.values_of(odd), values)
        self.assertEqual(odd.status().get("mend_attempts", 0), 2)
        self.assertTrue(self.suspects(odd))
        self.assertEqual(self.vote_of(odd), term_and_vote)
        # It is as good as any other.
        cluster.leader().kill()
        cluster.leader(among=[node for node in cluster.nodes
                              if node.is_running()])
        self.append(cluster, ["at last"])

    def test_an_odd_leader_hands_over_first(self):
        cluster = self.cluster_that_flips()
        self.leader_client(cluster).call("log.create", {"log": "a"})
        odd = cluster.leader()
        other = cluster.others(odd)[0]
        self.flip(cluster, odd, once=True)
        cluster.have_lead(odd)
        self.append(cluster, [MARK])
        odd.wait_for_log("has the state of the others again", seconds=SECONDS)
        self.wait_until_agreed(cluster)
        self.assertNotEqual(other.status()["leader_id"], odd.id)
        self.assertEqual(self.values_of(odd), [MARK])

    def test_without_a_majority_the_logs_are_frozen(self):
        cluster = self.cluster_that_flips()
        self.leader_client(cluster).call("log.create", {"log": "a"})
        self.flip(cluster, *cluster.followers())
        self.append(cluster, ["before", MARK])
        wait_until("the logs are frozen", lambda: cluster.leader().status()
                   .get("frozen", False), SECONDS)
        client = self.leader_client(cluster)
        status = client.call("cluster.status")
        self.assertEqual(status["integrity"], "split")
        self.assertIn("differ at raft index", status["frozen_reason"])
        self.assertRefused("FROZEN", client.append, "a", "x")
        self.assertRefused("FROZEN", client.call, "log.delete", {"log": "a"})
        # Whoever knows better may go on.
        client.call("cluster.thaw")
        client.append("a", "after")
        self.assertFalse(wait_until(
            "another digest was compared", lambda: self.thawed(cluster),
            SECONDS).get("frozen", False))
        for node in cluster.nodes:
            self.assertEqual(node.status().get("mend_attempts", 0), 0)

    def thawed(self, cluster):
        """The leader's status when it has compared the state after the thaw."""
        status = cluster.leader().status()
        newest = max(member.get("digest_index", 0)
                     for member in status["members"])
        return status if newest + 1 >= status["applied_index"] else None

    def test_a_node_that_cannot_be_mended_serves_nobody(self):
        cluster = self.cluster_that_flips()
        self.leader_client(cluster).call("log.create", {"log": "a"})
        odd = cluster.followers()[0]
        self.flip(cluster, odd)
        self.append(cluster, [MARK])

        def given_up():
            # Whatever it begins with, it gets the next one wrong.
            self.append(cluster, [MARK])
            return odd.answers() and odd.status()["integrity"] == "given-up"

        wait_until("it gives up", given_up, 2 * SECONDS)
        with odd.client() as client:
            self.assertRefused("NOT_LEADER", client.stat, "a", stale=True)
            self.assertRefused("NOT_LEADER", client.read_all, "a", stale=True)
        self.assertEqual(odd.status()["mend_attempts"], 4)
        # Nor does it lead, but it still votes.
        leader = cluster.leader()
        other = cluster.others(odd, leader)[0]
        leader.kill()
        self.assertIs(cluster.leader(among=[odd, other]), other)
        self.append(cluster, ["x"])

    def suspects(self, node):
        return glob.glob(os.path.join(node.directory, "raft", "*.suspect*"))

    def vote_of(self, node):
        with open(os.path.join(node.directory, "raft", "vote"), "rb") as file:
            return file.read()
