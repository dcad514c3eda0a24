# SPDX-License-Identifier: LGPL-3.0-or-later
"""bench/compare with quorlog alone: others are not there in every place."""

import json
import os
import subprocess

from support import build
from support.case import Case

PROGRAM = "bench/compare/compare"


class Compare(Case):
    @classmethod
    def setUpClass(cls):
        # Benchmarks are built when asked for.
        subprocess.run(["make", "-s", "-C", build.path("."), PROGRAM],
                       check=True, stdout=subprocess.DEVNULL)

    def run_program(self, *words):
        return subprocess.run(
            [build.path(PROGRAM), "--dir", self.directory(), "--offline",
             "--turns", "2", "--seconds", "0.2", "--warm", "0.1",
             "--outstanding", "1,256", *words],
            env=build.environment({"PATH": "/nonexistent"}),
            timeout=100 * build.slowness(), check=False,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True)

    def test_all_turns_are_told_and_stored_what_was_acknowledged(self):
        done = self.run_program("--peers", "quorlog", "--json",
                                "--failover", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        (peer,) = told["peers"]
        self.assertEqual(peer["name"], "quorlog")
        self.assertEqual(len(peer["turns"]), 2)
        for turn in peer["turns"]:
            self.assertTrue(turn["is_done"])
            self.assertGreater(turn["acknowledged"], 0)
            self.assertEqual(turn["stored"], turn["acknowledged"])
        self.assertGreater(peer["failover_seconds"]["median"], 0)
        self.assertEqual([point["outstanding"] for point in peer["points"]],
                         [1, 256])
        for point in peer["points"]:
            for name in ("ops_per_second", "p50_us", "p99_us", "client_cpu_us",
                         "rss_mib"):
                self.assertGreater(point[name]["median"], 0, name)

    def test_what_cannot_be_had_is_left_out_and_named(self):
        done = self.run_program("--peers", "quorlog,nats", "--turns", "1")
        if "nats: left out" not in done.stderr:
            self.skipTest("this machine has a server of NATS")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("quorlog", done.stdout)
        self.assertNotIn("nats", done.stdout)

    def test_what_is_wrong_with_the_command_line_is_said(self):
        for words, said in ((("--peers", "quorlog,nets"),
                             "--peers cannot be 'quorlog,nets'"),
                            (("--turns", "0"), "--turns cannot be '0'"),
                            (("now",), "'now' is one word too many"),
                            (("--nope",), "--nope"),
                            (("--dir", "/absent"), "no directory /absent")):
            done = self.run_program(*words)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(said, done.stderr)

    def test_failing_servers_are_a_failed_turn_and_leave_nothing(self):
        base = self.directory()
        done = self.run_program("--peers", "quorlog", "--daemon", "/bin/false",
                                "--dir", base)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("2 TURNS FAILED", done.stdout)
        self.assertEqual(os.listdir(base), [])
