# SPDX-License-Identifier: LGPL-3.0-or-later
"""A feeder goes on while leaders die: nothing acknowledged is lost, nothing is
there twice, and the order is that of the lines."""

import os
import subprocess
import threading
import time

from support import build
from support.case import Case
from support.cli import Cli
from support.client import RpcError
from support.relay import Relay

RUNS = int(os.environ.get("QUORLOG_FAILOVER_RUNS", "1"))
KILL_SECONDS = 30
KILL_EVERY_SECONDS = 2
PAUSE_SECONDS = 10
LINES_A_SECOND = 2000
LINES_AT_ONCE = 20
CLIENTS = 8
FINISH_SECONDS = 60
# Generous: this is a bound, not a measurement (docs/performance.md, "Failover").
BACK_SECONDS = 2
# Longer than BACK_SECONDS, so that waiting for its end would be seen.
PATIENT_ELECTION_MS = 3000


class Feeder:
    """`quorlog log append --lines --acks`, fed with numbered lines at a steady
    rate until told to end."""

    def __init__(self, cli, log):
        self.process = cli.start("log", "append", log, "--lines", "--acks",
                                 stdin=subprocess.PIPE)
        self.count = 0  # lines given to it
        self.acks = {}  # line -> position
        self.noise = []
        self.ending = threading.Event()
        self.writer = threading.Thread(target=self._write)
        self.reader = threading.Thread(target=self._read)
        self.writer.start()
        self.reader.start()

    def _write(self):
        began = time.monotonic()
        pipe = self.process.stdin
        try:
            while not self.ending.is_set():
                if self.count < (time.monotonic() - began) * LINES_A_SECOND:
                    first = self.count + 1
                    pipe.write(b"".join(line_text(i) + b"\n" for i in range(
                        first, first + LINES_AT_ONCE)))
                    pipe.flush()
                    self.count += LINES_AT_ONCE
                else:
                    self.ending.wait(LINES_AT_ONCE / LINES_A_SECOND)
            pipe.close()
        except BrokenPipeError:
            pass  # it ended early, which its exit status tells

    def _read(self):
        for line in self.process.stdout:
            try:
                number, position = map(int, line.split())
            except ValueError:
                self.noise.append(line)
                continue
            self.acks[number] = position

    def end(self):
        """No more lines; waits until all are through. The exit status."""
        self.ending.set()
        status = self.process.wait(FINISH_SECONDS * build.slowness())
        self.writer.join()
        self.reader.join()
        self.process.stdout.close()
        return status

    def kill(self):
        self.ending.set()
        self.process.kill()
        self.process.wait()


def line_text(number):
    return b"line %08d" % number


class Failover(Case):
    def feed(self, cluster, disturb, seconds, at_end=lambda: None):
        """Calls disturb(leader) every KILL_EVERY_SECONDS while feeding."""
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "log")
        feeder = Feeder(cli, "log")
        self.addCleanup(feeder.kill)
        began = time.monotonic()
        disturbed = 0
        while time.monotonic() - began < seconds:
            wait_for_tick(began, disturbed)
            disturb(cluster.leader())
            disturbed += 1
        at_end()
        status = feeder.end()
        self.assertEqual(status, 0, feeder.noise)
        self.assertEqual(feeder.noise, [])
        self.check(cluster, cli, feeder)
        print("[%d lines, %d times] " % (feeder.count, disturbed), end="")

    def check(self, cluster, cli, feeder):
        lines = [line_text(i) for i in range(1, feeder.count + 1)]
        kept = cli.run("log", "read", "log", "--raw").stdout.split(b"\n")[:-1]
        self.assertEqual(len(kept), len(set(kept)), "an entry is there twice")
        lost = {line_text(i) for i in feeder.acks} - set(kept)
        self.assertEqual(lost, set(), "acknowledged lines are lost")
        self.assertTrue(kept == lines, "not all lines, or not in order")
        self.assertEqual(len(feeder.acks), feeder.count)
        for number, position in feeder.acks.items():
            self.assertEqual(kept[position - 1], line_text(number))
        cluster.wait_all_applied()
        stats = [node.ask("log.stat", {"log": "log", "stale": True})
                 for node in cluster.nodes]
        self.assertEqual(stats[0], stats[1])
        self.assertEqual(stats[0], stats[2])

    def test_killed_leaders_lose_nothing_that_was_acknowledged(self):
        for _ in range(RUNS):
            cluster = self.cluster(3)

            def kill(leader):
                leader.kill()
                leader.start()
            self.feed(cluster, kill, KILL_SECONDS)
            cluster.close()

    def test_killed_leaders_that_stay_away_a_while_lose_nothing(self):
        cluster = self.cluster(3, ["--snapshot-entries", "64",
                                   "--snapshot-bytes", "64KiB"])
        away = []

        def kill(_):
            all_return()
            cluster.wait_all_applied()
            leader = cluster.leader()
            leader.kill()
            away[:] = [leader]

        def all_return():
            for node in away:
                node.start()
        self.feed(cluster, kill, PAUSE_SECONDS, all_return)

    def test_a_killed_leader_is_not_waited_for(self):
        cluster = self.cluster(3, election_ms=PATIENT_ELECTION_MS)
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "log")
        time.sleep(1)  # connections that have not lasted are no evidence
        leader = cluster.leader()
        term = leader.status()["term"]
        leader.kill()
        began = time.monotonic()
        cli.run("log", "append", "log", "after")
        took = time.monotonic() - began
        self.assertLess(took, BACK_SECONDS * build.slowness())
        self.assertGreater(cluster.leader().status()["term"], term)

    def test_a_client_with_one_open_call_leaves_a_stopped_leader(self):
        cluster = self.cluster(3)
        cli = Cli(cluster.endpoints())
        cli.run("log", "create", "log")
        process = cli.start("log", "append", "log", "--lines", "--acks",
                            stdin=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.append_line(process, 1)
        leader = cluster.leader()
        leader.pause()
        began = time.monotonic()
        # Nothing else happens in that client that could wake it.
        self.append_line(process, 2)
        took = time.monotonic() - began
        self.assertLess(took, BACK_SECONDS * build.slowness())
        leader.resume()
        process.stdin.close()
        self.assertEqual(process.wait(FINISH_SECONDS), 0)
        process.stdout.close()

    def append_line(self, process, number):
        process.stdin.write(line_text(number) + b"\n")
        process.stdin.flush()
        said = process.stdout.readline()
        self.assertEqual(said, b"%d %d\n" % (number, number), said)

    def test_paused_leaders_lose_nothing_that_was_acknowledged(self):
        cluster = self.cluster(3)

        def pause(leader):
            leader.pause()
            cluster.leader()
            leader.resume()
        self.feed(cluster, pause, PAUSE_SECONDS)


class StoppedLeader(Case):
    """A leader that does not run while another is elected still thinks that it
    leads when it goes on, and finds in its sockets what clients have sent to it
    meanwhile. Its own absence counts as nobody's silence, so only what others
    say may decide what it answers."""

    def setUp(self):
        self.shared = self.cluster(3, start=False)
        self.ways = {node: Relay(node) for node in self.shared.nodes}
        for way in self.ways.values():
            self.addCleanup(way.close)
        self.shared.start()
        self.old = self.shared.leader()
        with self.old.client() as client:
            client.call("log.create", {"log": "log"})
            client.append("log", "before")
        self.clients = [self.client(self.old) for _ in range(CLIENTS)]
        for client in self.clients:
            client.call("server.ping")

    def stop_and_append_elsewhere(self):
        """Returns calls that wait in the stopped leader's sockets."""
        term = self.old.status()["term"]
        self.old.pause()
        calls = self.send_calls("found when it goes on")
        new = self.shared.leader()
        self.assertGreater(new.status()["term"], term)
        with new.client() as client:
            client.append("log", "after")
        return calls

    def send_calls(self, value):
        """A read and an append by turns, of each client one."""
        append = {"appends": [{"log": "log", "entries": [value]}]}
        return [(client, client.send("log.append", append) if i % 2 else
                 client.send("log.read", {"log": "log", "from": 1}))
                for i, client in enumerate(self.clients)]

    def check_refused(self, calls):
        """A read may also show the state of the other leader."""
        for client, id in calls:
            try:
                answer = client.answer(id)
            except RpcError as refused:
                # The last one is for an append that it had taken.
                self.assertIn(refused.name, ("NOT_LEADER", "NO_LEADER",
                                             "OUTCOME_UNKNOWN"))
                continue
            self.assertIn("entries", answer, "an append is acknowledged")
            self.assertEqual([entry[3] for entry in answer["entries"]],
                             [b"before", b"after"])

    def check_log(self):
        self.shared.wait_all_applied()
        for node in self.shared.nodes:
            with node.client() as client:
                self.assertEqual(client.read_texts("log", stale=True),
                                 ["before", "after"])

    def test_it_shows_and_acknowledges_nothing_of_its_old_term(self):
        calls = self.stop_and_append_elsewhere()
        self.old.resume()
        calls += self.send_calls("sent when it goes on")
        self.check_refused(calls)
        self.check_log()

    def test_it_does_not_either_as_long_as_nobody_tells_it(self):
        self.ways[self.old].hold()
        calls = self.stop_and_append_elsewhere()
        self.old.resume()
        calls += self.send_calls("sent when it goes on")
        self.check_refused(calls)
        self.ways[self.old].release()
        self.check_log()


def wait_for_tick(began, count):
    """The rhythm of the test itself: nothing is waited for."""
    left = began + count * KILL_EVERY_SECONDS - time.monotonic()
    if left > 0:
        time.sleep(left)
