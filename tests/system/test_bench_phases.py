# SPDX-License-Identifier: LGPL-3.0-or-later
"""quorlog-bench does harm to clusters of its own, says what it cost, and leaves
nothing behind; its page needs nothing beside itself."""

import html.parser
import json
import os
import subprocess
import time

from support import build
from support.case import Case

RUN_SECONDS = 120
VOID = {"meta", "!doctype"}


class Bench:
    """One run, with its directory."""

    def __init__(self, folder, *words, status=0):
        self.folder = folder
        self.json_file = os.path.join(folder, "result.json")
        self.html_file = os.path.join(folder, "result.html")
        self.data = os.path.join(folder, "data")
        os.mkdir(self.data)
        done = subprocess.run(
            [build.path("bench/quorlog-bench"), *words, "--quiet",
             *self.cluster_words(words), "--json-file", self.json_file, "--html", self.html_file],
            env=build.environment(), capture_output=True, text=True,
            timeout=RUN_SECONDS * build.slowness())
        report = build.sanitizer_report(done.stderr)
        assert report is None, "a sanitizer reports:\n%s" % report
        assert done.returncode == status, "exit %d\n%s%s" % (
            done.returncode, done.stdout, done.stderr)
        self.stdout = done.stdout
        self.stderr = done.stderr

    def cluster_words(self, words):
        if "--endpoints" in words:
            return ()
        return ("--daemon", build.path("quorlogd"), "--dir", self.data)

    def result(self):
        with open(self.json_file) as file:
            return json.load(file)

    def repetition(self):
        return self.result()["points"][0]["repetitions"][0]

    def page(self):
        with open(self.html_file) as file:
            return file.read()


class Page(html.parser.HTMLParser):
    """Fails when elements are not nested; collects what refers elsewhere."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.counts = {}
        self.references = []
        self.words = []
        self.feed(text)
        self.close()
        assert not self.open, "left open: %s" % self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.references += [value for name, value in attributes
                            if name in ("src", "href", "data", "action")]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, \
            "</%s> where %s is open" % (tag, self.open)

    def handle_data(self, data):
        self.words.append(data)

    def text(self):
        return " ".join(self.words)


class Phases(Case):
    def bench(self, *words, status=0):
        return Bench(self.directory(), *words, status=status)

    def loaded(self, *words):
        """A short run of appends with as many phases as told."""
        return self.bench("append", "--outstanding", "4", "--repetitions",
                          "1", "--warm-up", "500ms", "--no-floor", *words)

    def test_killed_leader_is_a_gap_and_appends_go_on(self):
        bench = self.loaded("--duration", "6s",
                            "--phase", "1s:kill-leader=2s")
        repetition = bench.repetition()
        track = repetition["tracks"][0]
        phase, = repetition["phases"]
        self.assertEqual(phase["what"], "kill-leader")
        self.assertAlmostEqual(phase["begun_seconds"], 1, delta=0.9)
        self.assertGreater(phase["ended_seconds"],
                           phase["begun_seconds"] + 1.9)
        self.assertGreater(phase["outage_us"], 10000)
        gap, = [gap for gap in track["gaps"]
                if abs(gap["to_us"] - gap["from_us"] - phase["outage_us"]) < 1]
        self.assertGreater(gap["to_us"] / 1e6, phase["begun_seconds"])
        # The load went on behind the gap.
        slices = track["series"]["slices"]
        self.assertGreater(slices[-2]["count"] + slices[-1]["count"], 0)
        self.assertGreater(phase["before_p50_us"], 0)
        # What was killed runs again at the end.
        self.assertTrue(all(node["running"] for node in repetition["nodes"]) or
                        phase["ended_seconds"] > repetition["seconds"])
        self.assertIn("kill-leader", bench.stdout)
        self.assertEqual(os.listdir(bench.data), [])

    def test_backup_and_snapshot_are_taken_beside_the_load(self):
        bench = self.loaded("--duration", "5s",
                            "--phase", "1s:backup,3s:snapshot")
        backup, snapshot = bench.repetition()["phases"]
        self.assertIn("quorlog-backup-", backup["note"])
        self.assertIn("until it was stored", snapshot["note"])
        self.assertGreater(snapshot["begun_seconds"],
                           backup["begun_seconds"] + 1)

    def test_paused_leader_goes_on(self):
        phase, = self.loaded("--duration", "6s", "--phase",
                             "1s:pause-leader=1s").repetition()["phases"]
        self.assertIn("silent for 1000 ms", phase["note"])
        self.assertGreater(phase["outage_us"], 10000)

    def test_slow_disk_is_slow_or_refused_with_a_reason(self):
        words = ("append", "--outstanding", "1", "--repetitions", "1",
                 "--warm-up", "500ms", "--no-floor", "--nodes", "1",
                 "--duration", "4s", "--phase", "1s:slow-disk=leader:50ms:2s")
        try:
            bench = self.bench(*words)
        except AssertionError as refused:
            self.assertIn("slow a disk down", str(refused))
            return
        repetition = bench.repetition()
        phase, = repetition["phases"]
        self.assertIn("a write each 50 ms", phase["note"])
        slices = repetition["tracks"][0]["series"]["slices"]
        counts = sorted(slice["count"] for slice in slices[13:27])
        self.assertLessEqual(counts[len(counts) // 2], 4)

    def test_what_cannot_be_done_is_refused_before_anything_starts(self):
        for words, reason in (
                (("--phase", "1s:explode"), "no phase is called explode"),
                (("--phase", "99s:backup"), "the measurement ends before"),
                (("--phase", "1s:slow-disk=7:1ms"), "there are 3 nodes"),
                (("--endpoints", "127.0.0.1:1", "--phase", "1s:kill-leader"),
                 "starts the cluster itself"),
                (("failover", "--phase", "1s:backup"), "phases of its own"),
                (("failover", "--nodes", "2"), "3 nodes or more"),
                (("snapshot", "--endpoints", "127.0.0.1:1"),
                 "leave --endpoints out")):
            began = time.monotonic()
            mode = () if not words[0].startswith("-") else ("append",)
            bench = self.bench(*mode, *words, status=2)
            self.assertIn(reason, bench.stderr)
            self.assertLess(time.monotonic() - began, 5 * build.slowness())
            self.assertEqual(os.listdir(bench.data), [])


class Running(Case):
    def test_backup_snapshot_and_floor_of_a_running_cluster(self):
        cluster = self.cluster()
        folder = self.directory()
        disk = self.directory()
        bench = Bench(folder, "append", "--endpoints", cluster.endpoints(),
                      "--outstanding", "4", "--repetitions", "1",
                      "--duration", "4s", "--warm-up", "500ms",
                      "--floor-dir", disk, "--phase",
                      "1s:backup,2s:snapshot")
        result = bench.result()
        backup, snapshot = bench.repetition()["phases"]
        self.assertIn("quorlog-backup-", backup["note"])
        self.assertIn("until it was stored", snapshot["note"])
        names = [backup["name"] for backup in
                 cluster.leader().ask("backup.list")["backups"]]
        self.assertIn(backup["note"].split(":")[0], names)
        self.assertTrue(result["floor"]["trips_real"])
        self.assertGreater(result["floor"]["p50_us"], 0)
        self.assertEqual(os.listdir(disk), [])
        # The log that brought the snapshot on is gone.
        logs = cluster.leader().ask("log.list")["logs"]
        self.assertEqual(logs, [])

    def test_floor_without_directories_says_what_it_does_not_know(self):
        cluster = self.cluster()
        bench = Bench(self.directory(), "append", "--endpoints",
                      cluster.endpoints(), "--outstanding", "1",
                      "--repetitions", "1", "--duration", "1s", "--warm-up",
                      "100ms")
        self.assertFalse(bench.result()["floor"]["disks_known"])
        self.assertIn("disks are not known", bench.stdout)
        self.assertIn("disks are not known", Page(bench.page()).text())


class Failover(Case):
    def rounds(self, *words):
        bench = Bench(self.directory(), "failover", "--repetitions", "2",
                      *words)
        repetition = bench.repetition()
        track = repetition["tracks"][0]
        self.assertEqual(track["latency"]["count"], 2)
        self.assertEqual(len(repetition["phases"]), 2)
        self.assertEqual(os.listdir(bench.data), [])
        return bench, repetition

    def test_leaders_are_killed_and_come_back(self):
        bench, repetition = self.rounds()
        first, second = repetition["phases"]
        # The first append after the signal was not the dead leader's.
        self.assertGreater(first["outage_us"], 1000)
        self.assertGreater(second["begun_seconds"], first["ended_seconds"])
        self.assertIn("2 leaders ended by SIGKILL", bench.stdout)
        Page(bench.page())

    def test_leaders_fall_silent_and_come_back(self):
        bench, repetition = self.rounds("--pause")
        self.assertGreater(repetition["phases"][0]["outage_us"], 10000)
        self.assertIn("2 leaders paused by SIGSTOP", bench.stdout)


class Snapshots(Case):
    def test_three_ways_are_told_apart(self):
        bench = Bench(self.directory(), "snapshot", "--repetitions", "1",
                      "--duration", "2s", "--warm-up", "500ms", "--size",
                      "1KiB", "--no-floor")
        points = bench.result()["points"]
        self.assertEqual([point["label"] for point in points],
                         ["neither", "snapshots", "backups"])
        for point in points:
            self.assertGreater(
                point["repetitions"][0]["tracks"][0]["ops"], 0)
        self.assertIn("backups were made", " ".join(bench.result()["notes"]))


class Html(Case):
    def test_page_has_all_and_needs_nothing_beside_itself(self):
        bench = Bench(self.directory(), "append", "--outstanding", "1,8",
                      "--repetitions", "1", "--duration", "2s", "--warm-up",
                      "500ms", "--phase", "1s:backup")
        text = bench.page()
        page = Page(text)
        self.assertEqual(page.references, [])
        for word in ("http:", "https:", "//", "url(", "@import", "<script"):
            self.assertNotIn(word, text)
        words = page.text()
        for word in ("Results", "Percentiles", "Latency over time", "Phases",
                     "The floor", "1 at once", "8 at once", "backup"):
            self.assertIn(word, words)
        stages = {stage["name"]: stage["times"]["mean_us"]
                  for stage in bench.result()["points"][1]["stages"]}
        self.assertAlmostEqual(
            sum(stages[name] for name in ("decode", "batch", "replicate",
                                          "apply", "reply")),
            stages["total"], delta=stages["total"] / 100)
        self.assertIn("Where the time went", words)
        # One for the percentiles, one for each number of calls at once.
        self.assertGreaterEqual(page.counts["figure"], 3)
        self.assertEqual(os.listdir(bench.data), [])
        self.assertEqual(sorted(os.listdir(bench.folder)),
                         ["data", "result.html", "result.json"])
