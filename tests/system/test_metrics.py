# SPDX-License-Identifier: LGPL-3.0-or-later
"""What nodes count of themselves, as the tool shows it."""

from support.case import Case
from support.cli import Cli

PARTS = ("append_decode", "append_batch", "append_replicate", "append_apply",
         "append_reply")
APPENDS = 200


class Metrics(Case):
    def test_leader_tells_where_the_time_of_appends_went(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        leader = cluster.leader()
        cli.run("log", "create", "orders")
        lines = b"".join(b"entry %d\n" % i for i in range(APPENDS))
        cli.run("log", "append", "orders", "--lines", "--batch-entries", "1",
                input=lines)
        cli.run("log", "stat", "nothing", status=6)
        metrics = cli.json("cluster", "metrics")
        self.assertEqual((metrics["node_id"], metrics["role"]),
                         (leader.id, "leader"))
        counters = metrics["counters"]
        self.assertGreaterEqual(counters["appends"], APPENDS)
        self.assertGreaterEqual(counters["append_entries"], APPENDS)
        self.assertGreater(counters["wal_writes"], 0)
        self.assertGreaterEqual(counters["commands"], counters["batches"])
        self.assertGreaterEqual(counters["terms_led"], 1)
        self.assertEqual(metrics["refusals"]["NOT_FOUND"], 1)

        times = {times["name"]: times for times in metrics["histograms"]}
        total = times["append_total"]
        self.assertGreater(total["count"], 0)
        self.assertEqual(sum(times[part]["sum"] for part in PARTS),
                         total["sum"])
        for each in times.values():
            self.assertEqual(sum(count for _, _, count in each["buckets"]),
                             each["count"])
            self.assertLessEqual(each["p50"], each["max"])

        other = cluster.others(leader)[0]
        followers = cli.json("cluster", "metrics", "--node", str(other.id))
        self.assertEqual((followers["node_id"], followers["role"]),
                         (other.id, "follower"))
        self.assertEqual(followers["counters"]["appends"], 0)
        self.assertGreater(followers["counters"]["wal_writes"], 0)

        quiet = cli.json("cluster", "metrics", "--interval", "100ms")
        self.assertEqual(quiet["counters"]["appends"], 0)
        self.assertLess(quiet["uptime_ms"], metrics["uptime_ms"] + 60000)
        table = cli.run("cluster", "metrics").stdout
        self.assertIn(b"append_replicate", table)
        cli.run("cluster", "metrics", "--node", "9", status=6)
        cli.run("cluster", "metrics", "--node", "1", "--endpoint", "x:1",
                status=2)
