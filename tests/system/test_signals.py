# SPDX-License-Identifier: LGPL-3.0-or-later
"""TERM, INT and HUP."""

import os
import signal
import time
import unittest

from support import build
from support.case import Case
from support.client import RpcError, pack_request
from support.waiting import wait_until

SLOW_ELECTION_MS = 3000
STALLS = "tests/daemons/quorlogd_stalls"


class Ending(Case):
    def test_term_on_the_leader_hands_leadership_over(self):
        cluster = self.cluster(3, election_ms=SLOW_ELECTION_MS)
        leader = cluster.leader()
        term = leader.status()["term"]
        began = time.monotonic()
        leader.signal(signal.SIGTERM)
        successor = cluster.leader(cluster.others(leader))
        took = time.monotonic() - began
        self.assertLess(took, SLOW_ELECTION_MS / 1000 / 2 * build.slowness(),
                        "followers waited for the election timeout")
        self.assertEqual(leader.wait(), 0)
        self.assertGreater(successor.status()["term"], term)

    def test_int_on_a_follower_disturbs_nobody(self):
        cluster = self.cluster(3)
        leader = cluster.leader()
        term = leader.status()["term"]
        follower = cluster.others(leader)[0]
        follower.signal(signal.SIGINT)
        self.assertEqual(follower.wait(), 0)
        self.assertEqual(leader.ask("log.list"), {"logs": [], "more": False})
        self.assertEqual(leader.status()["term"], term)

    def test_a_single_node_ends_and_keeps_what_it_had(self):
        cluster = self.cluster(1)
        with cluster.leader().client() as client:
            client.call("log.create", {"log": "kept"})
            client.append("kept", "a", "b")
        cluster.node(1).stop()
        cluster.node(1).start()
        with cluster.leader().client() as client:
            self.assertEqual(client.read_texts("kept"), ["a", "b"])

    def test_an_end_that_waits_for_its_disk_says_so(self):
        if not os.path.exists(build.path(STALLS)):
            raise unittest.SkipTest("make " + STALLS)
        cluster = self.cluster(1, ["--wal-writer", "thread"], start=False)
        node = cluster.node(1)
        node.program = STALLS
        cluster.start()
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "kept"})
        node.signal(signal.SIGUSR1)
        client.send("log.append", {"appends": [{"log": "kept",
                                                "entries": ["a"]}]})
        client.call("server.ping")  # It has been taken.
        node.signal(signal.SIGTERM)
        node.wait_for_log("stopping takes long: it waits for what is in flight",
                          seconds=40)
        self.assertTrue(node.is_running())
        node.signal(signal.SIGUSR2)
        self.assertEqual(node.wait(), 0)

    def test_appends_in_flight_are_answered(self):
        cluster = self.cluster(3)
        leader = cluster.leader()
        client = self.client(leader)
        client.call("log.create", {"log": "busy"})
        count = 400
        ids = range(1000, 1000 + count)
        client.socket.sendall(b"".join(
            pack_request(id, "log.append", {"appends": [
                {"log": "busy", "entries": ["%d" % id]}]}) for id in ids))
        client.answer(ids[0])
        leader.signal(signal.SIGTERM)
        done = [ids[0]]
        for id in ids[1:]:
            try:
                client.answer(id)
                done.append(id)
            except RpcError as refused:
                self.assertIn(refused.name, ("NOT_LEADER", "SHUTTING_DOWN",
                                             "OUTCOME_UNKNOWN", "NO_LEADER"))
        self.assertEqual(leader.wait(), 0)
        with cluster.leader(cluster.others(leader)).client() as other:
            kept = [int(value) for value in other.read_texts("busy")]
        self.assertEqual(sorted(set(kept)), kept)
        self.assertLessEqual(set(done), set(kept))

    def test_a_follower_of_a_log_sees_the_connection_end(self):
        cluster = self.cluster(1)
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "followed"})
        client.call("log.follow", {"log": "followed", "from": 0,
                                   "credit": 1000})
        cluster.node(1).stop()
        with self.assertRaises((EOFError, ConnectionError)):
            while True:
                client.notification("log.entries")


class Starting(Case):
    """A node that loads, held up where it reads a file that is a pipe."""

    def setUp(self):
        self.node = self.cluster(3).node(3)
        wait_until("it knows the others", lambda: self.node.peers_seen() == 2)
        self.node.stop()
        self.pipe = os.path.join(self.node.directory, "peers")
        with open(self.pipe) as file:
            self.peers = file.read()
        os.unlink(self.pipe)
        os.mkfifo(self.pipe)

    def start(self):
        before = self.node.log().count("raft log in ")
        self.node.start()
        self.node.wait_for_log("raft log in ", before + 1)

    def test_term_and_int_end_it_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.start()
            self.node.signal(number)
            self.assertEqual(self.node.wait(), 0)
        self.node.wait_for_log("stopped by SIGTERM before the node had started")
        self.node.wait_for_log("stopped by SIGINT before the node had started")

    def test_hup_waits(self):
        self.start()
        self.node.signal(signal.SIGHUP)
        with open(self.pipe, "w") as pipe:
            os.unlink(self.pipe)
            pipe.write(self.peers)
        self.node.wait_for_log("configuration read again")


class StartingAgain(Case):
    """What a node does when a configuration was rolled back (rule J)."""

    def setUp(self):
        if not os.path.exists(build.path("tests/daemons/quorlogd_rolls_back")):
            self.skipTest("make tests/daemons/quorlogd_rolls_back")

    def test_the_process_stays_and_the_node_goes_on(self):
        cluster = self.cluster(3)
        with self.leader_client(cluster) as client:
            client.call("log.create", {"log": "kept"})
            client.append("kept", "a", "b")
        node = cluster.followers()[0]
        node.stop()
        node.program = "tests/daemons/quorlogd_rolls_back"
        node.start()
        node.wait_for_log("clients connect to", 2)
        descriptors = None
        name = node.status_field("Name")
        for again in range(1, 4):
            pid = node.pid
            with self.leader_client(cluster) as client:
                client.append("kept", "c")
            if cluster.leader() is node:
                node.ask("cluster.transfer")
            node.signal(signal.SIGUSR1)
            node.wait_for_log("info: starts again", again)
            node.wait_for_log("clients connect to", 2 + again)
            cluster.wait_all_applied()
            self.assertTrue(node.is_running())
            self.assertEqual(node.pid, pid)
            self.assertEqual(node.status_field("Name"), name)
            # Nothing of the life before is still open.
            if descriptors is not None:
                self.assertLessEqual(node.descriptors(), descriptors + 4)
            descriptors = node.descriptors()
        node.stop()
        node.start()
        cluster.leader()
        with self.leader_client(cluster) as client:
            self.assertEqual(client.read_texts("kept"),
                             ["a", "b", "c", "c", "c"])


class Reloading(Case):
    def setUp(self):
        self.file = os.path.join(self.directory(), "quorlogd.conf")
        self.write("log-level = info\nmax-connections = 100\n")
        self.node = self.cluster(1, ["--config", self.file]).node(1)

    def write(self, text):
        with open(self.file, "w") as file:
            file.write(text)

    def hup(self):
        self.node.signal(signal.SIGHUP)

    def one_more_connection_is_refused(self):
        """With max-connections at 1 and one connection open."""
        with self.node.client() as client:
            try:
                client.call("server.ping")
                return False
            except (EOFError, ConnectionError):
                return True

    def test_hup_changes_the_log_level(self):
        open_one = self.client(self.node)
        open_one.call("server.ping")
        self.write("log-level = error\nmax-connections = 1\n")
        self.hup()
        wait_until("the new limit holds", self.one_more_connection_is_refused)
        self.assertNotIn("read again", self.node.log())
        self.assertNotIn("turned away", self.node.log())
        self.write("log-level = info\nmax-connections = 100\n")
        self.hup()
        self.node.wait_for_log("configuration read again")

    def test_hup_with_a_mistake_changes_nothing(self):
        self.write("log-level = error\nmax-connections = 1\nnonsense = 1\n")
        self.hup()
        self.node.wait_for_log("nothing changed: .*line 3")
        clients = [self.client(self.node) for _ in range(5)]
        for client in clients:
            client.call("server.ping")
        self.write("max-connections = 100\n")
        self.hup()
        self.node.wait_for_log("configuration read again")

    def test_hup_with_a_lost_file_changes_nothing(self):
        os.unlink(self.file)
        self.hup()
        self.node.wait_for_log("nothing changed")
        self.assertEqual(self.node.status()["role"], "leader")
