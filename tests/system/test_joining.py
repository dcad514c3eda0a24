# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who may be a peer: wiped, foreign and wrongly initialised nodes may not."""

import os

from support import build
from support.case import Case
from support.client import RpcError
from support.waiting import holds_for, wait_until

# Many election timeouts: a node that could be elected would have been.
WATCH_SECONDS = 2.5


class Joining(Case):
    def assert_no_quorum(self, cluster, nodes):
        """None of them leads, and none takes an append."""
        def nobody():
            for node in nodes:
                with node.client() as client:
                    try:
                        client.append("log", "must not be there")
                        return False
                    except RpcError as refused:
                        self.assertIn(refused.name,
                                      ("NOT_LEADER", "NO_LEADER",
                                       "OUTCOME_UNKNOWN"))
            return True
        holds_for("nothing can be appended", nobody,
                  WATCH_SECONDS * build.slowness())
        self.assertIsNone(cluster.leader_now(nodes))

    def test_a_wiped_node_is_refused_and_is_no_voter(self):
        cluster = self.cluster(3)
        leader = cluster.leader()
        wiped, other = cluster.others(leader)
        with leader.client() as client:
            client.call("log.create", {"log": "log"})
            client.append("log", "acknowledged")
        for node in cluster.nodes:
            wait_until("node %d knows the others" % node.id,
                       lambda: node.peers_seen() == 2)
        cluster.wait_all_applied()
        wiped.kill()
        wiped.wipe()
        wiped.init_again()
        wiped.start()
        for node in (leader, other):
            node.wait_for_log("node %d presents another instance: its data "
                              "directory was wiped" % wiped.id)
        # The two that remember still work.
        with cluster.leader([leader, other]).client() as client:
            client.append("log", "acknowledged too")
        other.kill()
        self.assert_no_quorum(cluster, [leader, wiped])
        other.start()
        with cluster.leader([leader, other]).client() as client:
            values = client.read_texts("log")
        self.assertEqual(values[:2], ["acknowledged", "acknowledged too"])

    def test_nodes_that_only_follow_know_each_other_too(self):
        cluster = self.cluster(3)
        for node in cluster.nodes:
            wait_until("node %d knows the others" % node.id,
                       lambda: node.peers_seen() == 2)

    def test_a_wiped_leader_is_refused_by_both_followers(self):
        cluster = self.cluster(3)
        wiped = cluster.leader()
        for node in cluster.nodes:
            wait_until("node %d knows the others" % node.id,
                       lambda: node.peers_seen() == 2)
        wiped.kill()
        wiped.wipe()
        wiped.init_again()
        wiped.start()
        for node in cluster.others(wiped):
            node.wait_for_log("node %d presents another instance" % wiped.id)
        self.assertIsNot(cluster.leader(), wiped)

    def test_a_restarted_node_is_no_wiped_node(self):
        cluster = self.cluster(3)
        for node in cluster.nodes:
            node.kill()
            node.start()
            cluster.leader()
        for node in cluster.nodes:
            self.assertNotIn("another instance", node.log())

    def test_a_node_with_another_secret_cannot_join(self):
        cluster = self.cluster(3, start=False)
        self.init_two(cluster)
        wrong = os.path.join(cluster.base, "wrong")
        with open(wrong, "w") as file:
            file.write("ab" * 32)
        cluster.node(3).init_again(secret_file=wrong)
        self.assert_third_stays_out(cluster, r"node 3 \(.*\) does not know "
                                    "this cluster's secret")

    def test_a_node_with_another_member_list_cannot_join(self):
        cluster = self.cluster(3, start=False)
        self.init_two(cluster)
        one, two, three = cluster.nodes
        # It believes in a fourth member.
        cluster.node(3).init_again(members=cluster.members() +
                                   ",4=127.0.0.1:9/127.0.0.1:10")
        self.assert_third_stays_out(cluster, r"node 3 \(.*\) was initialised "
                                    "with another member list")

    def test_a_node_of_another_cluster_cannot_join(self):
        cluster = self.cluster(3, start=False)
        self.init_two(cluster)
        cluster.node(3).init()
        self.assert_third_stays_out(cluster, "node 3 belongs to another "
                                    "cluster")

    def init_two(self, cluster):
        """The first two members; the third is not initialised yet."""
        one, two, _ = cluster.nodes
        text = one.init("--secret-file", cluster.secret_file)
        cluster.id = text.split("cluster:")[1].split()[0]
        two.init_again()

    def assert_third_stays_out(self, cluster, said):
        one, two, three = cluster.nodes
        for node in cluster.nodes:
            node.start()
        with cluster.leader([one, two]).client() as client:
            client.call("log.create", {"log": "log"})
            client.append("log", "by two")
        for node in (one, two):
            node.wait_for_log(said)
        two.kill()
        self.assert_no_quorum(cluster, [one, three])
        two.start()
        with cluster.leader([one, two]).client() as client:
            self.assertEqual(client.read_texts("log")[0], "by two")
