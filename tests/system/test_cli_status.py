# SPDX-License-Identifier: LGPL-3.0-or-later
"""The state of a cluster, and its failures, as the tool shows them."""

import os
import socket
import subprocess

from support.case import Case
from support.cli import Cli
from support.ports import free_port
from support.waiting import wait_until


class Status(Case):
    def test_status_is_healthy_until_a_node_is_gone(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        leader = cluster.leader()

        def healthy():
            return cli.run("cluster", "status", status=None).status == 0
        wait_until("all nodes are reachable", healthy)
        status = cli.json("cluster", "status")
        self.assertEqual(status["cluster_id"], cluster.id)
        self.assertEqual((status["leader_id"], status["node_id"]),
                         (leader.id, leader.id))
        self.assertEqual((status["quorum_size"], status["quorum_size_ok"]),
                         (2, True))
        self.assertEqual([member["client_address"]
                          for member in status["members"]],
                         cluster.endpoints().split(","))
        self.assertRegex(status["disk_writer"],
                         "^(io_uring|thread), (direct|buffered)$")
        rows = cli.run("-o", "jsonl", "cluster", "status", "--all").jsonl
        self.assertEqual([row["node_id"] for row in rows], [1, 2, 3])

        gone = cluster.others(leader)[0]
        gone.kill()

        def unhealthy():
            return cli.run("cluster", "status", status=None).status == 7
        wait_until("status says so", unhealthy)
        status = cli.run("-o", "json", "cluster", "status", status=7).json
        self.assertEqual([member["id"] for member in status["members"]
                          if not member["reachable"]], [gone.id])
        table = cli.run("cluster", "status", status=7).stdout
        self.assertIn(b"NO", table)
        cli.run("cluster", "status", "--all", status=7)

    def test_frozen_logs_take_no_changes_until_they_are_thawed(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "a")
        cli.run("log", "append", "a", "x")
        cli.run("cluster", "freeze", status=2)
        cli.run("cluster", "freeze", "--reason", "moving house")
        refused = cli.run("log", "append", "a", "y", status=5)
        self.assertIn("frozen", refused.stderr)
        self.assertIn("cluster status", refused.stderr)
        cli.run("log", "delete", "a", "--yes", status=5)
        status = cli.run("-o", "json", "cluster", "status", status=7).json
        self.assertTrue(status["frozen"])
        self.assertEqual(status["frozen_reason"], "moving house")
        self.assertIn("@", status["frozen_by"])
        # On every node, and after a restart of all.
        for node in cluster.nodes:
            node.stop()
        cluster.start()
        for node in cluster.nodes:
            wait_until("node %d knows" % node.id, lambda: node.status()
                       .get("frozen_reason") == "moving house")
        with cluster.leader().client() as client:
            self.assertEqual(client.read_texts("a"), ["x"])
        cli.run("cluster", "thaw")
        cli.run("log", "append", "a", "y")
        with cluster.leader().client() as client:
            self.assertEqual(client.read_texts("a"), ["x", "y"])

    def test_a_node_that_was_never_heard_of_has_no_free_space(self):
        cluster = self.cluster(3, start=False).init()
        nodes = [cluster.node(1), cluster.node(2)]
        for node in nodes:
            node.start()
        cluster.leader(nodes)
        cli = Cli(cluster.endpoints())

        def told():
            members = cli.run("-o", "json", "cluster", "status",
                              status=None).json["members"]
            return [member["space_known"] for member in members] == [
                True, True, False]
        wait_until("both have told of their disks", told)
        status = cli.run("-o", "json", "cluster", "status", status=7).json
        self.assertGreater(status["members"][0]["free_bytes"], 0)
        self.assertEqual([status["members"][2][name] for name in
                          ("free_bytes", "total_bytes")], [None, None])
        table = cli.run("cluster", "status", status=7).stdout.decode()
        self.assertRegex(table, "3  voter +NO +- +- +- ")

    def test_a_wrong_statement_about_the_quorum_is_an_alarm(self):
        cluster = self.cluster(1, ["--quorum-size", "2"])
        self.assertIn("majority of 1 voters is 1", cluster.node(1).log())
        cli = Cli(cluster.endpoints())
        status = cli.run("-o", "json", "cluster", "status", status=7).json
        self.assertFalse(status["quorum_size_ok"])

    def test_transfer_hands_leadership_to_the_named_node(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        target = cluster.followers()[1]
        status = cli.json("cluster", "transfer", "--to", str(target.id))
        self.assertEqual(status["leader_id"], target.id)
        self.assertIs(cluster.leader(), target)
        cli.run("cluster", "transfer", "--to", "9", status=2)

    def test_transfer_to_a_node_that_is_down_is_said_to_have_failed(self):
        cluster = self.cluster(3)
        target = cluster.followers()[0]
        target.kill()
        done = Cli(cluster.endpoints()).run(
            "cluster", "transfer", "--to", str(target.id), status=4)
        self.assertIn("no other voter took over in time", done.stderr)

    def test_without_a_quorum_calls_end_with_4(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "log")
        for node in cluster.followers():
            node.kill()
        cli.run("--timeout", "2s", "log", "stat", "log", status=4)
        refused = cli.run("--timeout", "2s", "log", "append", "log", "x",
                          status=4)
        self.assertIn("cluster status --all", refused.stderr)

    def test_an_append_whose_fate_is_open_ends_with_9(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "log")
        feeder = cli.start("--timeout", "3s", "log", "append", "log",
                           "--lines", "--acks", stdin=subprocess.PIPE)
        self.addCleanup(feeder.stdout.close)
        self.addCleanup(feeder.kill)
        feeder.stdin.write(b"acknowledged\n")
        feeder.stdin.flush()
        self.assertEqual(feeder.stdout.readline(), b"1 1\n")
        for node in cluster.followers():
            node.pause()
        feeder.stdin.write(b"open\n")
        feeder.stdin.close()
        text = feeder.stdout.read()
        self.assertEqual(feeder.wait(30), 9, text)
        self.assertRegex(text, b"lines? 2: outcome unknown")

    def test_operators_calls_from_elsewhere_are_denied(self):
        address = own_address()
        if address is None:
            self.skipTest("this machine has no address beside loopback")
        cluster = self.cluster(1, start=False).init()
        node = cluster.node(1)
        outside = "%s:%d" % (address, free_port())
        node.words += ["--listen", "%s,%s" % (node.client_address, outside)]
        cluster.start()
        cli = Cli(outside)
        cli.run("cluster", "status")
        denied = cli.run("cluster", "transfer", status=8)
        self.assertIn("socket", denied.stderr)
        # On the socket it is taken, and fails for another reason.
        inside = Cli("unix:" + os.path.join(node.directory, "quorlogd.sock"))
        self.assertIn("no other voter",
                      inside.run("cluster", "transfer", status=None).stderr)


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") else address
