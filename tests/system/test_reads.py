# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a read may and may not show, and streams of entries."""

from support.case import Case, SharedCase
from support.client import RpcError
from support.waiting import wait_until


class Reads(SharedCase):
    def test_followers_send_to_the_leader_and_answer_stale_reads(self):
        log = self.new_log()
        leader = self.shared.leader()
        with leader.client() as client:
            client.append(log, "a", "b")
        self.shared.wait_all_applied()
        for node in self.shared.others(leader):
            client = self.client(node)
            for method, params in (
                    ("log.read", {"log": log, "from": 0}),
                    ("log.stat", {"log": log}), ("log.list", {}),
                    ("log.append", {"appends": [{"log": log,
                                                 "entries": ["x"]}]}),
                    ("log.follow", {"log": log, "from": 0, "credit": 1}),
                    ("producer.open", {}),
                    ("writer.acquire", {"log": log, "name": "me"})):
                refused = self.assertRefused("NOT_LEADER", client.call,
                                             method, params)
                self.assertEqual(refused.leader, leader.client_address)
            self.assertEqual(client.read_texts(log, stale=True), ["a", "b"])
            self.assertEqual(client.stat(log, stale=True)["tail"], 3)
            listed = client.call("log.list", {"stale": True, "prefix": log})
            self.assertEqual(len(listed["logs"]), 1)

    def test_all_nodes_have_the_same_digest(self):
        log = self.new_log()
        with self.shared.leader().client() as client:
            for i in range(20):
                client.append(log, "entry %d" % i, [b"key", b"\x00\xff"])
        self.shared.wait_all_applied()
        stats = [self.client(node).stat(log, stale=True)
                 for node in self.shared.nodes]
        self.assertEqual(stats[0], stats[1])
        self.assertEqual(stats[0], stats[2])
        self.assertNotEqual(stats[0]["digest"], bytes(16))

    def test_a_stream_has_what_was_there_and_what_comes(self):
        log = self.new_log()
        reader = self.leader_client(self.shared)
        writer = self.leader_client(self.shared)
        writer.append(log, "a", "b")
        stream = reader.call("log.follow", {"log": log, "from": 0,
                                            "credit": 1 << 20})
        values = []
        for expected in (["a", "b"], ["c"], ["d"]):
            if expected[0] not in ("a", "b"):
                writer.append(log, *expected)
            while len(values) < len(expected):
                event = reader.notification("log.entries")
                self.assertEqual(event["follow"], stream["follow"])
                values += [entry[3].decode() for entry in event["entries"]]
            self.assertEqual(values, expected)
            values = []

    def test_a_stream_stops_at_its_credit_and_goes_on_with_more(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        client.append(log, *["x" * 100] * 50)
        stream = client.call("log.follow", {"log": log, "from": 0,
                                            "credit": 500})
        spent = self.entries_until_ping(client)
        self.assertGreater(len(spent), 0)
        self.assertLess(len(spent), 10)
        client.call("log.credit", {"follow": stream["follow"],
                                   "bytes": 1 << 20})
        while len(spent) < 50:
            spent += client.notification("log.entries")["entries"]
        self.assertEqual([entry[0] for entry in spent],
                         list(range(1, 51)))
        client.call("log.unfollow", {"follow": stream["follow"]})
        client.append(log, "unseen")
        self.assertEqual(self.entries_until_ping(client), [])

    @staticmethod
    def entries_until_ping(client):
        """What a stream had sent when a later call was answered."""
        client.call("server.ping")
        client.call("log.list", {"max": 1})
        entries = []
        for method, params in client.notifications:
            assert method == "log.entries", method
            entries += params["entries"]
        client.notifications.clear()
        return entries

    def test_a_stream_tells_of_trims_and_of_the_end_of_its_log(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        client.append(log, *["x" * 100] * 20)
        client.call("log.follow", {"log": log, "from": 0, "credit": 200})
        client.call("log.trim", {"log": log, "before": 15})
        client.call("log.credit", {"follow": 1, "bytes": 1})
        event = client.notification("log.event")
        self.assertEqual((event["event"], event["position"]), ("TRIMMED", 15))
        client.call("log.delete", {"log": log})
        self.assertEqual(client.notification("log.event")["event"], "DELETED")


class Failover(Case):
    def test_the_next_leader_shows_all_that_was_acknowledged(self):
        cluster = self.cluster(3)
        with cluster.leader().client() as client:
            client.call("log.create", {"log": "log"})
        acknowledged = 0
        for _ in range(3):
            leader = cluster.leader()
            client = self.client(leader)
            for _ in range(30):
                acknowledged += 1
                client.append("log", "%d" % acknowledged)
            leader.kill()
            with cluster.leader().client() as after:
                self.assertEqual(after.read_texts("log"), [
                    "%d" % i for i in range(1, acknowledged + 1)])
            leader.start()
            cluster.wait_all_applied()

    def test_a_leader_that_was_away_never_shows_the_old_state(self):
        cluster = self.cluster(3)
        old = cluster.leader()
        with old.client() as client:
            client.call("log.create", {"log": "log"})
            client.append("log", "before")
        asked = [self.client(old) for _ in range(3)]
        for client in asked:
            client.call("server.ping")
        old.pause()
        # These wait in the sockets of a leader that does not run.
        ids = [client.send("log.read", {"log": "log", "from": 1})
               for client in asked]
        with cluster.leader().client() as client:
            client.append("log", "after")
        old.resume()
        ids = list(zip(asked, ids))
        ids += [(client, client.send("log.read", {"log": "log", "from": 1}))
                for client in asked]
        for client, id in ids:
            try:
                page = client.answer(id)
                self.assertEqual([entry[3] for entry in page["entries"]],
                                 [b"before", b"after"])
            except RpcError as refused:
                self.assertIn(refused.name, ("NOT_LEADER", "NO_LEADER"))

    def test_a_leader_cut_off_from_its_followers_answers_no_read(self):
        cluster = self.cluster(3)
        leader = cluster.leader()
        with leader.client() as client:
            client.call("log.create", {"log": "log"})
        client = self.client(leader)
        for node in cluster.others(leader):
            node.pause()
        with self.assertRaises(RpcError) as caught:
            client.call("log.read", {"log": "log", "from": 0})
        self.assertIn(caught.exception.name, ("NOT_LEADER", "NO_LEADER"))
        self.assertEqual(client.read_texts("log", stale=True), [])
        for node in cluster.others(leader):
            node.resume()
        cluster.leader()

    def test_a_stream_on_a_leader_that_lost_its_place_says_so(self):
        cluster = self.cluster(3)
        leader = cluster.leader()
        client = self.client(leader)
        client.call("log.create", {"log": "log"})
        client.call("log.follow", {"log": "log", "from": 0, "credit": 1000})
        client.call("cluster.transfer")
        event = client.notification("log.event")
        self.assertEqual(event["event"], "LEADER_CHANGED")
        wait_until("another node leads",
                   lambda: cluster.leader_now() not in (None, leader))
