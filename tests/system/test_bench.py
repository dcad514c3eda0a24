# SPDX-License-Identifier: LGPL-3.0-or-later
"""quorlog-bench: what it says is what happened."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time

from support import build, waiting
from support.case import Case

SHORT = ("--duration", "400ms", "--warm-up", "100ms", "--repetitions", "1",
         "--no-floor")
RUN_SECONDS = 100
STALL_SECONDS = 0.3
COLUMNS = 40
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Bench(Case):
    def command(self, *words):
        return [build.path("bench/quorlog-bench"), *words]

    def bench(self, *words, status=0, cwd=None):
        done = subprocess.run(
            self.command(*words), stdin=subprocess.DEVNULL,
            env=build.environment(), cwd=cwd or "/", capture_output=True,
            timeout=RUN_SECONDS * build.slowness(), universal_newlines=True)
        self.assertIsNone(build.sanitizer_report(done.stderr))
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def measure(self, mode, *words, **options):
        """The JSON document of a short run."""
        done = self.bench(mode, "--json", *SHORT, *words, **options)
        return json.loads(done.stdout)

    def own(self, mode, *words):
        """The same, against a cluster that it starts itself."""
        base = self.directory()
        result = self.measure(mode, "--nodes", "3", "--dir", base, *words)
        self.assertEqual(os.listdir(base), [])
        self.assertTrue(result["own_cluster"])
        self.assertEqual(result["nodes"], 3)
        return result

    def only(self, items):
        self.assertEqual(len(items), 1, items)
        return items[0]

    def check_track(self, track, seconds):
        latency = track["latency"]
        self.assertGreater(track["ops"], 0)
        self.assertEqual(track["errors"]["count"], 0, track["errors"])
        self.assertAlmostEqual(track["ops_per_second"], track["ops"] / seconds,
                               delta=1)
        steps = ("min_us", "p50_us", "p90_us", "p99_us", "p99_9_us", "max_us")
        for lower, higher in zip(steps, steps[1:]):
            self.assertLessEqual(latency[lower], latency[higher])
        self.assertEqual(sum(count for _, count in track["histogram"]),
                         latency["count"])
        self.assertEqual(sum(slice["count"] for slice in
                             track["series"]["slices"]), latency["count"])

    def check_repetition(self, repetition, *names):
        self.assertEqual([track["name"] for track in repetition["tracks"]],
                         list(names))
        self.assertAlmostEqual(repetition["seconds"], 0.4)
        for track in repetition["tracks"]:
            self.check_track(track, repetition["seconds"])
        self.assertGreater(repetition["client_cpu_seconds"], 0)
        self.assertEqual(repetition["warm_up_failed"], 0)


class OwnCluster(Bench):
    def test_appends_are_measured_with_what_they_cost(self):
        result = self.own("append", "--outstanding", "1,64")
        self.assertEqual([point["outstanding"] for point in result["points"]],
                         [1, 64])
        for point in result["points"]:
            repetition = self.only(point["repetitions"])
            self.check_repetition(repetition, "append")
            self.assertEqual([node["id"] for node in repetition["nodes"]],
                             [1, 2, 3])
            for node in repetition["nodes"]:
                self.assertTrue(node["running"])
                self.assertGreater(node["rss_bytes"], 1 << 20)

    def test_reads_are_measured(self):
        for words in ((), ("--stale",), ("--tail", "--batch", "10")):
            result = self.own("read", "--outstanding", "16", *words)
            point = self.only(result["points"])
            self.check_repetition(point["repetitions"][0], "read")

    def test_mixed_calls_have_a_track_each(self):
        result = self.own("mixed", "--outstanding", "16", "--reads", "75")
        repetition = self.only(result["points"])["repetitions"][0]
        self.check_repetition(repetition, "append", "read")
        append, read = (track["latency"]["count"]
                        for track in repetition["tracks"])
        self.assertGreater(read, append)

    def test_mixed_calls_may_all_be_reads(self):
        result = self.own("mixed", "--outstanding", "4", "--reads", "100",
                          "--duration", "1s", "--phase", "300ms:backup")
        repetition = self.only(result["points"])["repetitions"][0]
        append, read = repetition["tracks"]
        self.assertEqual(append["latency"], {"count": 0})
        self.assertGreater(read["ops"], 0)
        # What a phase costs is told of the reads.
        phase = self.only(repetition["phases"])
        self.assertLess(phase["outage_us"], 1e6)
        self.assertGreater(phase["before_p50_us"], 0)

    def test_open_loop_is_given_room_where_none_is_named(self):
        point = self.only(self.own("append", "--rate", "100")["points"])
        self.assertEqual(point["outstanding"], 1024)
        self.assertEqual(point["connections"], 1)

    def test_what_was_due_and_never_sent_has_failed(self):
        result = self.own("append", "--rate", "5000000", "--outstanding", "2",
                          "--threads", "2", "--timeout", "500ms")
        repetition = self.only(result["points"])["repetitions"][0]
        track = self.only(repetition["tracks"])
        self.assertEqual(track["latency"]["count"] + track["errors"]["count"],
                         400 * 5000)
        self.assertEqual(track["errors"]["by_code"],
                         {"TIMEOUT": track["errors"]["count"]})
        self.assertEqual(sum(slice["failed"]
                             for slice in track["series"]["slices"]),
                         track["errors"]["count"])

    def test_names_that_are_no_text_leave_a_valid_document(self):
        base = os.path.join(os.fsencode(self.directory()), b"\xff")
        os.mkdir(base)
        done = subprocess.run(
            self.command("append", "--json", *SHORT[:-1], "-o1", "--dir",
                         base),
            env=build.environment(), cwd="/", capture_output=True,
            check=False, timeout=RUN_SECONDS * build.slowness())
        self.assertEqual(done.returncode, 0, done.stderr)
        for floor_dir in json.loads(done.stdout)["floor"]["dirs"]:
            self.assertIn("/?/", floor_dir["path"])

    def test_progress_never_wraps_in_a_narrow_terminal(self):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, COLUMNS, 0, 0))
        run = subprocess.Popen(
            self.command("append", "--dir", self.directory(), *SHORT,
                         "--outstanding", "16"),
            env=build.environment(), cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=theirs)
        self.addCleanup(run.kill)
        os.close(theirs)
        self.addCleanup(os.close, ours)
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # its end is closed
                break
        self.assertEqual(run.wait(RUN_SECONDS), 0)
        lines = said.split(b"\r\x1b[K")
        self.assertIn(b"append, 16 outstanding, 1 of 1",
                      b"".join(lines))
        self.assertLess(max(map(len, lines)), COLUMNS)
        self.assertTrue(said.endswith(b"\r\x1b[K"), said[-80:])

    def test_each_follower_is_waited_for(self):
        result = self.own("follow", "--followers", "7", "--connections", "2")
        repetition = self.only(result["points"])["repetitions"][0]
        self.check_repetition(repetition, "last delivery", "delivery",
                              "append")
        last, delivery, append = (track["latency"]["count"]
                                  for track in repetition["tracks"])
        self.assertEqual(delivery, 7 * last)
        self.assertEqual(append, last)

    def test_many_connections_and_logs_are_all_used(self):
        result = self.own("append", "--outstanding", "32", "--connections",
                          "100", "--logs", "50", "--threads", "2",
                          "--key-size", "16", "--batch", "3")
        repetition = self.only(result["points"])["repetitions"][0]
        self.check_repetition(repetition, "append")
        track = repetition["tracks"][0]
        self.assertEqual(track["entries"], 3 * track["ops"])

    def test_floor_is_measured_and_latencies_are_multiples_of_it(self):
        base = self.directory()
        done = self.bench("append", "--dir", base, "--outstanding", "1",
                          *SHORT[:-1])
        self.assertIn("floor", done.stdout)
        self.assertRegex(done.stdout, r"1 at once +\d+ +\d+-\d+ .* \d+\.\d\d ")
        self.assertEqual(os.listdir(base), [])

    def test_a_signal_leaves_no_files_and_no_nodes(self):
        base = self.directory()
        run = subprocess.Popen(
            self.command("append", "--dir", base, "--duration", "60s",
                         "--no-floor", "--outstanding", "1"),
            env=build.environment(), cwd="/", stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.kill)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(20 * build.slowness()), 128 + signal.SIGINT)
        self.assertEqual(os.listdir(base), [])


class GivenCluster(Bench):
    def test_the_log_has_exactly_what_was_acknowledged(self):
        cluster = self.cluster(3)
        result = self.measure("append", "--endpoints", cluster.endpoints(),
                              "--log", "kept", "--keep", "--batch", "2",
                              "--outstanding", "8,16", "--connections", "3")
        self.assertFalse(result["own_cluster"])
        acknowledged = 0
        for point in result["points"]:
            repetition = self.only(point["repetitions"])
            self.assertEqual(repetition["entries_unknown"], 0)
            self.assertEqual(repetition["nodes"], [])
            acknowledged += repetition["entries_acknowledged"]
        stat = self.leader_client(cluster).call("log.stat", {"log": "kept"})
        self.assertEqual(stat["entries"], acknowledged)

    def test_nothing_is_left_behind_and_other_logs_stay(self):
        cluster = self.cluster(1)
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "mine"})
        self.measure("mixed", "--endpoints", cluster.endpoints(), "--logs",
                     "3", "--outstanding", "4")
        self.measure("append", "--endpoints", cluster.endpoints(), "--log",
                     "mine", "--outstanding", "4")
        logs = [log["name"] for log in client.call("log.list")["logs"]]
        self.assertEqual(logs, ["mine"])

    def stalled(self, *words):
        """The latencies of a run during which the server does nothing for
        STALL_SECONDS."""
        cluster = self.cluster(1)
        node = cluster.node(1)

        def stall():
            node.pause()
            time.sleep(STALL_SECONDS)
            node.resume()

        timer = threading.Timer(1.5, stall)
        timer.start()
        result = self.measure("append", "--endpoints", cluster.endpoints(),
                              "--duration", "3s", "--outstanding", "4", *words)
        timer.join()
        track = result["points"][0]["repetitions"][0]["tracks"][0]
        self.assertGreaterEqual(track["latency"]["max_us"],
                                STALL_SECONDS * 1e6)
        self.assertGreaterEqual(max(gap["to_us"] - gap["from_us"]
                                    for gap in track["gaps"]),
                                STALL_SECONDS * 1e6)
        return track["latency"]

    def test_open_loop_counts_what_a_stall_held_up(self):
        latency = self.stalled("--rate", "500")
        self.assertEqual(latency["count"], 3 * 500)
        self.assertGreaterEqual(latency["p99_9_us"], 250e3)
        # A fifth of the three seconds' calls were due in it or just after.
        self.assertGreaterEqual(latency["p95_us"], 100e3)

    def test_closed_loop_sees_a_stall_in_the_calls_under_way_alone(self):
        latency = self.stalled()
        held_up = 4
        self.assertGreater(latency["count"], 100 * held_up)
        self.assertLess(latency["p95_us"], 100e3)

    def test_floor_does_without_a_node_that_does_not_answer(self):
        cluster = self.cluster(1)
        for endpoints in ("127.0.0.1:1," + cluster.endpoints(),
                          cluster.endpoints() + ",127.0.0.1:1"):
            done = self.bench("append", "--json", *SHORT[:-1], "-o1",
                              "--endpoints", endpoints)
            floor = json.loads(done.stdout)["floor"]
            self.assertTrue(floor["trips_real"])
            self.assertGreater(floor["client_trip"]["p50_us"], 0)

    def test_second_signal_does_not_wait_for_a_cluster_that_is_silent(self):
        cluster = self.cluster(1)
        # A shell's programs in the background have it ignored.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            run = subprocess.Popen(
                self.command("append", "--endpoints", cluster.endpoints(),
                             "--duration", "60s", "--no-floor"),
                env=build.environment(), cwd="/", stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE)
        finally:
            signal.signal(signal.SIGINT, before)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.kill)
        client = self.leader_client(cluster)
        waiting.wait_until("the bench has made its log",
                           lambda: client.call("log.list")["logs"])
        cluster.node(1).pause()
        self.addCleanup(cluster.node(1).resume)
        run.send_signal(signal.SIGINT)
        self.assertIn(b"once more", run.stderr.readline() +
                      run.stderr.readline())
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(20 * build.slowness()), -signal.SIGINT)

    def test_failing_calls_are_counted_by_their_code(self):
        cluster = self.cluster(1)
        client = self.leader_client(cluster)

        def freeze():
            client.call("cluster.freeze", {"reason": "for a test"})

        timer = threading.Timer(1.0, freeze)
        timer.start()
        result = self.measure("append", "--endpoints", cluster.endpoints(),
                              "--duration", "3s", "--outstanding", "4",
                              "--log", "kept", "--keep")
        timer.join()
        repetition = result["points"][0]["repetitions"][0]
        errors = repetition["tracks"][0]["errors"]
        self.assertEqual(list(errors["by_code"]), ["FROZEN"])
        self.assertEqual(errors["by_code"]["FROZEN"], errors["count"])
        stat = client.call("log.stat", {"log": "kept"})
        self.assertEqual(stat["entries"], repetition["entries_acknowledged"])


class EndedNodes(Bench):
    def test_what_was_measured_and_who_ended_is_told(self):
        base = self.directory()
        run = subprocess.Popen(
            self.command("append", "--dir", base, "--json", "--no-floor", "-o4",
                         "--duration", "4s", "--repetitions", "2",
                         "--timeout", "1s"),
            env=build.environment(), cwd="/", stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)
        self.addCleanup(run.kill)
        tasks = "/proc/%d/task" % run.pid
        # The main thread, one for signals, and one for the load.
        waiting.wait_until("the load runs",
                           lambda: len(os.listdir(tasks)) == 3)
        with open("%s/%d/children" % (tasks, run.pid)) as file:
            nodes = [int(pid) for pid in file.read().split()]
        time.sleep(2)  # of the five that it warms up and measures
        os.kill(nodes[1], signal.SIGKILL)
        out, said = run.communicate(timeout=RUN_SECONDS * build.slowness())
        self.assertEqual(run.returncode, 1)
        self.assertIn("node 2 was ended by signal 9", said)
        told = json.loads(out)
        self.assertIn("ended early: node 2 was ended", told["notes"][-1])
        repetition = self.only(told["points"][0]["repetitions"])
        self.assertEqual([node["running"] for node in repetition["nodes"]],
                         [True, False, True])
        self.assertEqual(os.listdir(base), [])


class CommandLine(Bench):
    def test_what_is_wrong_with_it_is_said(self):
        for words, said in (
                ((), "what is to be measured"),
                (("apend",), "did you mean 'append'"),
                (("append", "--outstandin", "3"), "--outstanding"),
                (("append", "--outstanding", "1,,2"), "--outstanding"),
                (("append", "--connections", "5000"), "--connections is"),
                (("append", "--batch", "10000", "--size", "1KiB"), "3 MiB"),
                (("follow", "--size", "4"), "--size is at least 8"),
                (("append", "--nodes", "10"), "--nodes is 1 to 9"),
                (("append", "--endpoints", ""), "names no node"),
                (("append", "--endpoints", "a b"), "a b"),
                (("append", "--endpoints", "a", "--nodes", "3"),
                 "--nodes: only where it starts"),
                (("append", "--floor-dir", "/"), "only with --endpoints"),
                (("append", "--pause"), "--pause: only of failover"),
                (("append", "--reads", "50"), "--reads: only of mixed"),
                (("append", "--duration", "0"), "86400000 ms"),
                (("frob",), "append, read, follow, mixed, failover or"),
                (("append", "--keys", "9"), "--keys: only with --key-size"),
                (("read", "--prefill", "0"), "nothing to read"),
                (("failover", "--duration", "5s"), "not of failover"),
                (("failover", "--rate", "9"), "not of failover"),
                (("failover", "-o", "1,2"), "--outstanding is one number"),
                (("snapshot", "-o", "1,2"), "--outstanding is one number"),
                (("append", "--html", "/dev/null"), "no file"),
                (("append", "--json-file", "/"), "no file"),
                (("read", "--log", "../x"), "log")):
            done = self.bench(*words, status=2)
            self.assertIn(said, done.stderr)

    def test_a_cluster_that_is_not_there_is_exit_status_3(self):
        done = self.bench("append", "--endpoints", "127.0.0.1:1",
                          "--timeout", "1s", status=3)
        self.assertIn("127.0.0.1:1", done.stderr)

    def test_files_that_cannot_be_written_are_found_before_the_run(self):
        base = self.directory()
        for option in ("--html", "--json-file"):
            done = self.bench("append", "--dir", base, option,
                              os.path.join(base, "absent", "file"), status=6)
            self.assertIn("absent", done.stderr)
            self.assertEqual(os.listdir(base), [])

    def test_program_that_is_no_daemon_is_told_why(self):
        base = self.directory()
        done = self.bench("append", "--dir", base, "--daemon", base, status=1)
        self.assertIn("Permission denied", done.stderr)
        self.assertEqual(os.listdir(base), [])

    def complete(self, program, *words):
        """What bash offers for the last one of @words."""
        name = os.path.basename(program)
        script = os.path.join(TOP, "contrib", "completion",
                              name + ".bash")
        line = 'source "$1"; shift; COMP_WORDS=("$@"); ' \
            'COMP_CWORD=$(($# - 1)); "_${0//-/_}" "$1"; ' \
            'printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(
            ["bash", "-c", line, name, script, build.path(program), *words],
            env=build.environment(), capture_output=True, check=True,
            universal_newlines=True)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_completion_knows_modes_options_and_metrics(self):
        bench = "bench/quorlog-bench"
        self.assertEqual(sorted(self.complete(bench, "")),
                         sorted(["append", "read", "follow", "mixed",
                                 "failover", "snapshot"]))
        self.assertEqual(self.complete(bench, "append", "--outs"),
                         ["--outstanding"])
        self.assertEqual(self.complete(bench, "append", "--dir", "/et"),
                         ["/etc"])
        self.assertEqual(self.complete("quorlog", "cluster", "me"),
                         ["metrics"])
        self.assertIn("--interval",
                      self.complete("quorlog", "cluster", "metrics", "--"))

    def test_help_names_all_modes_and_version_is_told(self):
        help = self.bench("--help").stdout
        for mode in ("append", "read", "follow", "mixed", "failover",
                     "snapshot"):
            self.assertRegex(help, r"\n  %s " % mode)
        self.assertRegex(self.bench("--version").stdout,
                         r"^quorlog-bench \d+\.\d+")
