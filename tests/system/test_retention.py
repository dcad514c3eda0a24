# SPDX-License-Identifier: LGPL-3.0-or-later
"""A log that keeps its newest entries only stays small for ever."""

from support import build
from support.case import Case
from support.waiting import wait_until

ENTRIES = 1000
VALUE = "x" * 1000
APPENDS = 240
ENTRIES_EACH = 500  # 120,000 entries, 120 MB in all
SNAPSHOT_MIB = 4

# However fast or slow the machine is: docs/consensus.md, "How much of it there
# is". A chunk, TICK_BYTES and an append under way beyond what is kept.
LOGS_MIB = 1 + 1 + 8 + 1
STATE_MIB = 1 + 1  # an open chunk, tables
APART_MIB = max(16, SNAPSHOT_MIB + STATE_MIB)  # SNAPSHOT_OVERRUN_BYTES
# The state, as frozen, its snapshot while it grows; the raft log with what trails
# (TRAILING_BYTES_MAX); two writes of the WAL; chunks that wait, the pack that is
# made, the cache and the chunks that are read; the program and its connections.
MEMORY_MIB = (4 * STATE_MIB + APART_MIB + 4 + 2 * 4 + 16 + 3 * 4 + 4 + 2 * 4 +
              30)
SEGMENTS = -(-3 * APART_MIB // 57) + 2
RESERVE_MIB = 64  # RESERVE_BYTES
CHUNKS_MIB = 4 * (LOGS_MIB + 3 * APART_MIB) + 4 * 8
DISK_MIB = 64 * SEGMENTS + 3 * STATE_MIB + CHUNKS_MIB + RESERVE_MIB


class Retention(Case):
    def test_memory_and_disk_stay_bounded(self):
        cluster = self.cluster(1, ["--snapshot-bytes",
                                   "%dMiB" % SNAPSHOT_MIB,
                                   "--snapshot-entries", "256"])
        node = cluster.leader()
        client = self.client(node, 60)
        client.call("log.create", {"log": "log", "retention":
                                   {"entries": ENTRIES}})
        for _ in range(APPENDS):
            client.append("log", *[VALUE] * ENTRIES_EACH)
        stat = wait_until("old entries are dropped", lambda: self.small(
            client))
        self.assertEqual(stat["tail"], APPENDS * ENTRIES_EACH + 1)
        self.assertGreaterEqual(stat["entries"], ENTRIES)
        self.assertEqual(stat["tail"] - stat["head"], stat["entries"])
        self.assertLess(node.memory_peak_mib(),
                        MEMORY_MIB * build.memory_factor())
        self.assertLess(node.disk_bytes() >> 20, DISK_MIB)
        self.assertRefused("TRIMMED", client.call, "log.read",
                           {"log": "log", "from": 1})

    @staticmethod
    def small(client):
        """Whole chunks are dropped, so a little more is kept."""
        stat = client.stat("log")
        return stat if stat["bytes"] < 4 << 20 else None

    def test_age_retention_drops_what_is_old(self):
        cluster = self.cluster(1)
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "log", "retention":
                                   {"age_ms": 500}})
        # Only sealed chunks are dropped: more than two of them.
        for _ in range(6):
            client.append("log", *["x" * 500000] * 1)
        wait_until("the oldest is gone",
                   lambda: client.stat("log")["head"] > 1)

    def test_all_nodes_drop_the_same(self):
        cluster = self.cluster(3)
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "log", "retention": {"bytes": 1}})
        for _ in range(8):
            client.append("log", *[VALUE] * 1000)
        wait_until("something is dropped",
                   lambda: client.stat("log")["head"] > 1)
        cluster.wait_all_applied()
        heads = {node.ask("log.stat", {"log": "log", "stale": True})["head"]
                 for node in cluster.nodes}
        self.assertEqual(len(heads), 1)
