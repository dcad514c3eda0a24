# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flags, variables and the file: which wins, and what is refused."""

import os

from support.case import Case
from support.daemon import quorlogd
from support.waiting import wait_until


class Configuration(Case):
    def setUp(self):
        self.file = os.path.join(self.directory(), "quorlogd.conf")

    def write(self, text):
        with open(self.file, "w") as file:
            file.write(text)

    def check(self, *words, env=None):
        """--check-config's rows: name -> (value, source)."""
        done = quorlogd("run", "--check-config", *words, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = (line.split() for line in done.stdout.splitlines())
        return {row[0]: (row[1], row[2]) for row in rows}

    def refused(self, *words, env=None):
        done = quorlogd("run", "--check-config", *words, env=env)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_flags_win_over_variables_and_these_over_the_file(self):
        self.write("# a comment\n[quorlogd]\nmax-connections = 11\n"
                   "idle-timeout = 11s\nheartbeat = 11ms\n")
        rows = self.check("--config", self.file, "--max-connections", "33",
                          env={"QUORLOGD_MAX_CONNECTIONS": "22",
                               "QUORLOGD_IDLE_TIMEOUT": "22s"})
        self.assertEqual(rows["max-connections"], ("33", "flag"))
        self.assertEqual(rows["idle-timeout"], ("22000ms", "environment"))
        self.assertEqual(rows["heartbeat"], ("11ms", "file"))
        self.assertEqual(rows["election-timeout"], ("600ms", "default"))

    def test_the_file_may_be_named_by_a_variable(self):
        self.write("log-level = debug\n")
        rows = self.check(env={"QUORLOGD_CONFIG": self.file})
        self.assertEqual(rows["log-level"], ("debug", "file"))

    def test_check_config_needs_no_initialised_directory(self):
        rows = self.check("--data-dir", "/nonexistent")
        self.assertEqual(rows["data-dir"], ("/nonexistent", "flag"))

    def test_an_unknown_key_is_refused_with_its_line_and_the_nearest(self):
        self.write("heartbeat = 50ms\nmax-conections = 5\n")
        text = self.refused("--config", self.file)
        self.assertIn("line 2", text)
        self.assertIn("max-connections", text)

    def test_an_unknown_variable_is_refused_with_the_nearest(self):
        text = self.refused(env={"QUORLOGD_LSITEN": "127.0.0.1:1"})
        self.assertIn("QUORLOGD_LISTEN", text)

    def test_an_unknown_section_is_refused(self):
        self.write("[quorlog]\nheartbeat = 50ms\n")
        self.assertIn("[quorlog]", self.refused("--config", self.file))

    def test_a_missing_file_is_refused(self):
        self.assertIn(self.file, self.refused("--config", self.file))

    def test_bad_values_are_refused_with_the_option_and_the_reason(self):
        for name, value in (("max-connections", "many"),
                            ("max-connections", "-1"),
                            ("max-connections", "99999999"),
                            ("max-request-bytes", "5MiB"),
                            ("idle-timeout", "5ms"),
                            ("heartbeat", "500ms"),
                            ("election-timeout", "1h"),
                            ("snapshot-entries", "3"),
                            ("log-level", "loud"),
                            ("low-space-bytes", "-1"),
                            ("reserve-bytes", "2GiB"),
                            ("cache-bytes", "2000GiB"),
                            ("scrub-rate-bytes", "-1"),
                            ("fetch-rate-bytes", "fast"),
                            ("backup-interval", "5ms"),
                            ("max-saved-backups", "0"),
                            ("wal-writer", "pencil"),
                            ("listen", "127.0.0.1:1,,"),
                            ("listen", "unix:/x")):
            text = self.refused("--%s" % name, value)
            self.assertIn(name, text, (name, value))

    def test_an_option_without_its_value_is_refused(self):
        self.assertIn("heartbeat", self.refused("--heartbeat"))

    def test_a_variable_reaches_the_running_daemon(self):
        cluster = self.cluster(1, start=False).init()
        node = cluster.node(1)
        self.write("max-connections = 50\n")
        node.env = {"QUORLOGD_MAX_CONNECTIONS": "2",
                    "QUORLOGD_CONFIG": self.file}
        cluster.start()
        first = wait_until("there is room", lambda: self.served(node))
        second = wait_until("there is room", lambda: self.served(node))
        with self.assertRaises((EOFError, ConnectionError)):
            self.served(node)
        first.call("server.ping")
        second.call("server.ping")

    def served(self, node):
        client = self.client(node)
        client.call("server.ping")
        return client
