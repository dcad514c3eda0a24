# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nodes that write chunk files and have no room, or are killed at any moment."""

import hashlib
import os
import random
import threading
import time
import unittest

from support import build, packs
from support.case import Case
from support.client import RpcError
from support.waiting import wait_until
from test_disk_full import MIB, grow, mount, unmount

OPTIONS = ("--snapshot-entries", "32", "--snapshot-bytes", "256KiB")
VALUE = 64 * 1024 - 24
ROOM = 8 * MIB
LATE_LOG_MIB = 24
KILLS = 20
KILLS_SECONDS = 25
LOGS = 40  # with 16 MiB open in all they are sealed small, and merged
LOAD_BYTES = 96 * MIB


def value(size=VALUE):
    return os.urandom(size)


class Room(Case):
    """Only the chunk files are on a small file system, so the rest of the node
    has room and what is tested is what becomes of them."""

    def small_chunks(self, node):
        path = packs.folder(node)
        os.mkdir(path)
        try:
            mount(path, ROOM)
        except OSError as error:
            raise unittest.SkipTest("no small disk can be mounted here: %s" %
                                    error)
        self.addCleanup(unmount, path)
        self.addCleanup(node.kill)

    def take_room(self, node):
        """Something else has nearly all of it."""
        path = os.path.join(packs.folder(node), "foreign")
        with open(path, "wb") as file:
            file.write(bytes(ROOM - MIB))
        return path

    def append(self, client, kept):
        data = value()
        client.append("a", data)
        kept.append(data)

    def test_chunks_wait_in_memory_until_there_is_room(self):
        cluster = self.cluster(1, OPTIONS, start=False).init()
        node = cluster.node(1)
        self.small_chunks(node)
        foreign = self.take_room(node)
        cluster.start()
        client = self.client(node, 60)
        client.call("log.create", {"log": "a"})
        kept = []
        while "no space for a pack" not in node.log():
            self.assertLess(len(kept), 64)
            self.append(client, kept)
        self.assertTrue(node.status()["store"]["full"])
        os.unlink(foreign)
        wait_until("it has found room", lambda: "full" not in
                   node.status()["store"])
        for _ in range(16):
            self.append(client, kept)
        wait_until("all is written", lambda: node.status()["store"].get(
            "waiting_bytes", 0) == 0)
        self.assertTrue(client.read_all("a") == kept)
        node.stop()
        node.start()
        cluster.leader()
        self.assertTrue(self.client(node, 60).read_all("a") == kept)

    def test_a_node_without_room_for_chunks_ends_and_loses_nothing(self):
        cluster = self.cluster(3, OPTIONS, start=False).init()
        node = cluster.node(1)
        self.small_chunks(node)
        foreign = self.take_room(node)
        cluster.start()
        client = self.client(cluster.leader(cluster.others(node)) if
                             cluster.leader_now() is not node else
                             self.other_leader(cluster, node), 60)
        client.call("log.create", {"log": "a"})
        kept = []
        until = time.monotonic() + 40 * build.slowness()
        while node.is_running() and time.monotonic() < until:
            self.append(client, kept)
        self.assertEqual(node.wait(), 1)
        self.assertIn("storing chunks: no space left on the disk", node.log())
        for _ in range(4):
            self.append(client, kept)
        os.unlink(foreign)
        unmount(packs.folder(node))
        node.start()
        wait_until("it answers", node.answers)
        cluster.wait_all_applied()
        self.assertTrue(self.client(node, 60).read_all("a", stale=True) ==
                        kept)

    def other_leader(self, cluster, node):
        node.ask("cluster.transfer", {"to": cluster.others(node)[0].id})
        return cluster.leader(cluster.others(node))

    def test_an_install_without_room_goes_on_where_it_was(self):
        cluster = self.cluster(3, OPTIONS, start=False).init()
        one, two, late = cluster.nodes
        self.small_chunks(late)
        one.start()
        two.start()
        leader = cluster.leader([one, two])
        client = self.client(leader, 60)
        client.call("log.create", {"log": "a"})
        kept = []
        for _ in range(LATE_LOG_MIB * 16):
            self.append(client, kept)
        wait_until("a snapshot covers most of it", lambda: leader.status()
                   ["snapshot_index"] > len(kept) * 3 // 4)
        late.start()
        late.wait_for_log("is being installed")
        late.wait_for_log("no space for a pack")
        # The others do not mind, and it takes what there is room for.
        self.append(client, kept)
        self.assertGreater(len(packs.packs(late)), 0)
        self.assertEqual(late.wait(60), 1)
        self.assertIn("storing chunks: no space left on the disk", late.log())
        before = sum(map(os.path.getsize, packs.packs(late)))
        grow(packs.folder(late), 64 * MIB)
        late.start()
        wait_until("it is filled", lambda: late.answers() and
                   late.status()["snapshot_index"] > 0, 60)
        fetched = late.status()["install"]["bytes_fetched"]
        self.assertLess(fetched, (LATE_LOG_MIB + 1) * MIB - before // 2)
        cluster.wait_all_applied([late])
        self.assertTrue(self.client(late, 60).read_all("a", stale=True) ==
                        kept)


class Load(threading.Thread):
    """Appends and trims until it is told to end, at whoever leads."""

    def __init__(self, cluster, seed):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.dice = random.Random(seed)
        self.kept = {"log-%d" % i: {} for i in range(LOGS)}
        self.heads = dict.fromkeys(self.kept, 1)
        self.bytes = 0
        self.ends = False

    def run(self):
        while not self.ends:
            try:
                leader = self.cluster.leader_now()
                if leader is None:
                    time.sleep(0.02)
                    continue
                with leader.client() as client:
                    self.serve(client)
            except (OSError, EOFError, RpcError):
                continue  # what was not acknowledged may be there or not

    def serve(self, client):
        while not self.ends:
            log = self.dice.choice(list(self.kept))
            if self.dice.random() < 0.01 and self.kept[log]:
                before = max(self.kept[log]) // 2
                # It may be done although nobody hears that it was.
                self.heads[log] = max(self.heads[log], before)
                client.call("log.trim", {"log": log, "before": before})
            elif self.bytes < LOAD_BYTES:
                data = value(self.dice.choice((1000, 20000, 100000)))
                at = client.append(log, data)
                self.kept[log][at] = hashlib.md5(data).digest()
                self.bytes += len(data)
            else:
                time.sleep(0.02)


class Kills(Case):
    def read(self, client, log, at):
        """position -> digest of the value; @at: from there."""
        found = {}
        while True:
            page = client.call("log.read", {"log": log, "from": at,
                                            "stale": True})
            for entry in page["entries"]:
                found[entry[0]] = hashlib.md5(entry[3]).digest()
            at = page["next"]
            if at >= page["tail"]:
                return found

    def test_nodes_that_are_killed_at_any_moment_lose_nothing(self):
        cluster = self.cluster(3, OPTIONS)
        seed = random.randrange(1 << 32)
        with cluster.leader().client() as client:
            for i in range(LOGS):
                client.call("log.create", {"log": "log-%d" % i})
        load = Load(cluster, seed)
        dice = random.Random(seed)
        load.start()
        until = time.monotonic() + KILLS_SECONDS * build.slowness()
        kills = 0
        while kills < KILLS and time.monotonic() < until:
            time.sleep(dice.uniform(0.1, 1.0))
            node = dice.choice(cluster.nodes)
            node.kill()
            node.start()
            kills += 1
        wait_until("something more was appended",
                   lambda: cluster.leader_now() is not None)
        load.ends = True
        load.join()
        self.assertGreater(kills, KILLS // 4)
        self.assertGreater(load.bytes, 16 * MIB)
        for node in cluster.nodes:
            wait_until("node %d answers" % node.id, node.answers)
        cluster.wait_all_applied()
        for node in cluster.nodes:
            self.assertNotRegex(node.log(), " damaged|not on this disk|on no disk")
            self.check(node, load, "seed %d, node %d" % (seed, node.id))
        for log in load.kept:
            stats = [node.ask("log.stat", {"log": log, "stale": True})
                     for node in cluster.nodes]
            self.assertEqual(stats[1:], stats[:1] * 2)
        self.assertGreater(sum(len(packs.packs(node))
                               for node in cluster.nodes), 6)

    def check(self, node, load, where):
        with node.client(60) as client:
            for log, kept in load.kept.items():
                head = load.heads[log]
                found = self.read(client, log, head)
                lost = [at for at, digest in kept.items()
                        if at >= head and found.get(at) != digest]
                self.assertEqual(lost, [], "%s, %s" % (log, where))
