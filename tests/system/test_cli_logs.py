# SPDX-License-Identifier: LGPL-3.0-or-later
"""Logs through the command line tool: what it prints and how it ends."""

import json

from support.case import SharedCase
from support.cli import Cli
from support.waiting import wait_until


class Logs(SharedCase):
    COUNT = 1

    def test_create_shows_the_new_log(self):
        made = self.cli.json("log", "create", "create/a",
                             "--retention-entries", "5",
                             "--retention-bytes", "2MiB",
                             "--retention-age", "2h")
        self.assertEqual((made["log"], made["head"], made["tail"]),
                         ("create/a", 1, 1))
        self.assertEqual((made["retention_entries"], made["retention_bytes"],
                          made["retention_age_ms"]), (5, 2 << 20, 7200000))
        self.assertEqual(self.cli.json("log", "stat", "create/a"), made)

    def test_creating_a_log_twice_fails_unless_that_is_wanted(self):
        self.cli.run("log", "create", "twice")
        self.cli.run("log", "create", "twice", status=5)
        again = self.cli.json("log", "create", "twice", "--if-not-exists")
        self.assertEqual(again["log"], "twice")

    def test_bad_names_are_refused_as_usage(self):
        for name in ("", "a//b", "../a", "a b", "/a", "a/", "ü", "x" * 256):
            self.cli.run("log", "create", name, status=2)
        self.cli.run("log", "create", "x" * 255)
        self.cli.run("log", "delete", "x" * 255, "--yes")

    def test_a_missing_log_is_not_found(self):
        for words in (["stat"], ["read"], ["follow"], ["append", "x"],
                      ["trim", "--before", "1"], ["delete", "--yes"],
                      ["configure", "--retention-entries", "1"]):
            result = self.cli.run("log", words[0], "no/such", *words[1:],
                                  status=6)
            self.assertIn("no/such", result.stderr)

    def test_list_takes_a_prefix_and_prints_json_and_jsonl(self):
        for name in ("list/b", "list/a", "listed"):
            self.cli.run("log", "create", name)
        rows = self.cli.json("log", "list", "--prefix", "list/")
        self.assertEqual([row["log"] for row in rows], ["list/a", "list/b"])
        lines = self.cli.run("-o", "jsonl", "log", "list", "--prefix",
                             "list/").jsonl
        self.assertEqual(lines, rows)
        self.assertEqual(self.cli.json("log", "list", "--prefix", "none/"),
                         [])
        table = self.cli.run("log", "list", "--prefix", "list").stdout
        self.assertIn(b"listed", table)

    def test_a_list_longer_than_a_page_is_complete(self):
        with self.shared.leader().client() as client:
            ids = [client.send("log.create", {"log": "page/%04d" % i})
                   for i in range(1100)]
            for id in ids:
                client.answer(id)
        rows = self.cli.run("-o", "jsonl", "log", "list", "--prefix",
                            "page/").jsonl
        self.assertEqual([row["log"] for row in rows],
                         ["page/%04d" % i for i in range(1100)])

    def test_configure_changes_only_what_is_given(self):
        log = self.new_log(entries=7, bytes=8)
        changed = self.cli.json("log", "configure", log,
                                "--retention-entries", "9")
        self.assertEqual((changed["retention_entries"],
                          changed["retention_bytes"]), (9, 8))
        self.cli.run("log", "configure", log, status=2)

    def test_trim_drops_what_is_before_a_position(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "a", "b", "c")
        plan = self.cli.json("log", "trim", log, "--before", "3", "--dry-run")
        self.assertEqual(plan["positions"], 2)
        self.assertEqual(self.cli.json("log", "stat", log)["head"], 1)
        trimmed = self.cli.json("log", "trim", log, "--before", "3")
        self.assertEqual((trimmed["head"], trimmed["tail"]), (3, 4))
        self.assertEqual(self.values(log), ["c"])
        gone = self.cli.run("log", "read", log, "--from", "1", status=6)
        self.assertIn("--from 3", gone.stderr)
        self.cli.run("log", "trim", log, "--before", "0", status=2)
        self.cli.run("log", "trim", log, status=2)

    def test_delete_asks_or_is_told_yes(self):
        log = self.new_log()
        self.cli.run("log", "delete", log, status=2)  # nobody to ask
        self.cli.run("log", "delete", log, "--dry-run")
        self.cli.run("log", "stat", log)
        self.cli.run("log", "delete", log, "--yes")
        self.cli.run("log", "stat", log, status=6)

    def test_read_is_bounded_by_from_to_and_count(self):
        log = self.new_log()
        self.cli.run("log", "append", log, *"abcdefgh")
        self.assertEqual(self.values(log, "--from", "3", "--to", "6"),
                         ["c", "d", "e"])
        self.assertEqual(self.values(log, "--from", "7", "--count", "1"),
                         ["g"])
        self.assertEqual(self.values(log, "--count", "0"), [])
        self.assertEqual(self.values(log, "--from", "9"), [])

    def test_read_prints_position_time_key_and_value(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "v", "--key", "k")
        row, = self.cli.json("log", "read", log)
        self.assertEqual((row["position"], row["key"], row["value"]),
                         (1, "k", "v"))
        stat = self.cli.json("log", "stat", log)
        self.assertEqual(row["time_ms"], stat["last_time_ms"])

    def test_follow_prints_entries_as_they_come(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "before")
        follower = self.cli.start("-o", "jsonl", "log", "follow", log,
                                  "--count", "3")
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.kill)
        self.assertEqual(json.loads(follower.stdout.readline())["value"],
                         "before")
        for value in ("one", "two"):
            self.cli.run("log", "append", log, value)
            self.assertEqual(json.loads(follower.stdout.readline())["value"],
                             value)
        self.assertEqual(follower.wait(20), 0)

    def test_follow_ends_well_on_interrupt(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "x")
        follower = self.cli.start("log", "follow", log, "--raw")
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.kill)
        self.assertEqual(follower.stdout.readline(), b"x\n")
        follower.send_signal(2)
        self.assertEqual(follower.wait(20), 0)

    def test_writers_take_and_give_back_a_log(self):
        log = self.new_log()
        first = self.cli.json("writer", "acquire", log, "--name", "one")
        self.cli.run("log", "append", log, "a", "--epoch",
                     str(first["writer_epoch"]))
        second = self.cli.json("writer", "acquire", log, "--name", "two")
        self.assertGreater(second["writer_epoch"], first["writer_epoch"])
        fenced = self.cli.run("log", "append", log, "b", "--epoch",
                              str(first["writer_epoch"]), status=5)
        self.assertIn(str(second["writer_epoch"]), fenced.stderr)
        shown = self.cli.json("writer", "show", log)
        self.assertEqual(shown["writer_name"], "two")
        self.cli.run("writer", "release", log, "--epoch",
                     str(first["writer_epoch"]), status=5)
        self.cli.run("writer", "release", log, "--epoch",
                     str(second["writer_epoch"]))
        shown = self.cli.json("writer", "show", log)
        self.assertFalse(shown["writer_name"])
        self.assertEqual(self.values(log), ["a"])

    def test_usage_mistakes_end_with_2_and_the_nearest_name(self):
        for words, near in ((["log", "creat", "x"], "create"),
                            (["lgo", "create", "x"], "log"),
                            (["log", "list", "--prefxi", "x"], "--prefix"),
                            (["-o", "jsno", "log", "list"], "json"),
                            (["log"], "--help"),
                            (["log", "stat"], "LOG"),
                            (["log", "stat", "a", "b"], "b")):
            self.assertIn(near, self.cli.run(*words, status=2).stderr)

    def test_nobody_there_is_exit_status_3(self):
        cli = Cli("127.0.0.1:9")
        result = cli.run("--timeout", "1s", "log", "list", status=3)
        self.assertIn("--endpoints", result.stderr)

    def test_a_reader_that_has_seen_enough_is_no_error(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "--lines",
                     input=b"a line of text\n" * 20000)
        reader = self.cli.start("log", "read", log)
        reader.stdout.readline()
        reader.stdout.close()
        self.assertEqual(wait_until("it ends", lambda: reader.poll()
                                    is not None and "yes"), "yes")
        self.assertEqual(reader.returncode, 0)

    def values(self, log, *words):
        return [row["value"] for row in
                self.cli.run("-o", "jsonl", "log", "read", log, *words).jsonl]
