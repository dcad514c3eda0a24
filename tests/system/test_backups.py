# SPDX-License-Identifier: LGPL-3.0-or-later
"""Backups: when they are made, what they hold, and who may ask for what."""

import os
import subprocess
import unittest

from support import backups
from support.case import Case, SharedCase
from support.cli import Cli
from support.cluster import Cluster
from support.waiting import wait_until

MANY = 40  # values of 64 KiB: some chunks are sealed, one is open
BAD_NAMES = ("../escape", "a/b", "/etc/passwd", "", ".", "..", ".hidden",
             "x" * 65, "a b", "a\0b", "a\nb", "caf\u00e9")
TAKING_A_NAME = ("create", "show", "verify", "delete", "export")


class Schedule(Case):
    def test_the_schedule_makes_backups_and_keeps_the_newest_ones(self):
        cluster = self.cluster(3, ("--backup-interval", "1s",
                                   "--max-saved-backups", "3"))
        client = self.leader_client(cluster)
        client.call("log.create", {"log": "a"})
        first = None
        for _ in range(3):
            backups.fill(client, "a", 4)
            before = set(backups.listed(cluster.leader()))
            first = first or before
            wait_until("another one is made", lambda: set(backups.listed(
                cluster.leader())) - before)
        wait_until("the first is gone", lambda: not first & set(
            backups.listed(cluster.leader())))
        client.call("cluster.settings", {"backup_interval_ms": 0})
        cluster.wait_all_applied()
        wait_until("three are left", lambda: len(backups.listed(
            cluster.leader())) == 3)
        names = sorted(backups.listed(cluster.leader()))
        for name in names:
            self.assertRegex(name, r"^quorlog-backup-\d{4}(-\d\d){5}")
            backups.wait_for_state(cluster.nodes, name)
        for node in cluster.nodes:
            wait_until("only their files are left", lambda: names == sorted(
                name[:-9] for name in os.listdir(backups.folder(node))
                if name.endswith(".manifest")))
            for name in names:
                backups.check(node, name)

    def test_the_interval_outlives_a_change_of_leader(self):
        cluster = self.cluster(3, ("--backup-interval", "1s"))
        # A cluster in which nothing ever happened has nothing to save.
        self.leader_client(cluster).call("log.create", {"log": "a"})
        wait_until("one is made", lambda: backups.listed(cluster.node(1)))
        old = cluster.leader()
        old.kill()
        new = cluster.leader(cluster.others(old))
        before = set(backups.listed(new))
        wait_until("another one is made", lambda: set(backups.listed(new)) -
                   before)
        self.assertEqual(backups.said(new)["interval_ms"], 1000)

    def test_settings_of_the_cluster_win_over_flags(self):
        cluster = self.cluster(1, ("--backup-interval", "2h"))
        node = cluster.node(1)
        wait_until("the flag is taken", lambda: node.ask("cluster.settings").get(
            "backup_interval_ms") == 7200000)
        node.ask("cluster.settings", {"max_saved_backups": 7})
        node.stop()
        node.start("--backup-interval", "1s", "--max-saved-backups", "9")
        cluster.leader()
        self.assertEqual(node.ask("cluster.settings"), {
            "backup_interval_ms": 7200000, "max_saved_backups": 7})


class Asking(SharedCase):
    """What a backup is, and what is refused."""

    OPTIONS = backups.NONE

    def test_an_unknown_name_is_refused_by_every_call(self):
        leader = self.client(self.shared.leader())
        params = {"name": "nobody-made-it", "len": 1000}
        for method in TAKING_A_NAME[1:]:
            self.assertRefused("NOT_FOUND", leader.call, "backup." + method,
                               params)
        error = self.assertRefused("NOT_FOUND", leader.call, "recovery.stage",
                                   params)
        self.assertIn("backup list", str(error))

    def test_a_name_that_leads_elsewhere_is_refused_by_every_call(self):
        leader = self.client(self.shared.leader())
        before = sorted(os.listdir(self.shared.base))
        for name in BAD_NAMES:
            for method in TAKING_A_NAME:
                if method == "create" and name == "":
                    continue  # it is called by the time
                self.assertRefused("INVALID", leader.call, "backup." + method,
                                   {"name": name, "len": 1000})
            self.assertRefused("INVALID", leader.call, "recovery.stage",
                               {"name": name})
        self.assertEqual(sorted(os.listdir(self.shared.base)), before)

    def test_a_name_is_taken_once(self):
        leader = self.client(self.shared.leader())
        leader.call("backup.create", {"name": "once"})
        self.assertRefused("EXISTS", leader.call, "backup.create",
                           {"name": "once"})
        leader.call("backup.delete", {"name": "once"})
        for node in self.shared.nodes:
            wait_until("its file is gone", lambda: not os.path.exists(
                backups.manifest(node, "once")))

    def test_followers_answer_for_themselves_and_refuse_changes(self):
        backups.create(self.shared, "everywhere")
        follower = self.client(self.shared.followers()[0])
        self.assertEqual(backups.check(self.shared.followers()[0],
                                       "everywhere", deep=True)["entries"],
                         follower.call("backup.show", {
                             "name": "everywhere"})["backup"].get("entries",
                                                                  0))
        for method in ("create", "delete"):
            error = self.assertRefused("NOT_LEADER", follower.call,
                                       "backup." + method, {"name": "other"})
            self.assertEqual(error.leader,
                             self.shared.leader().client_address)

    def test_a_backup_is_the_state_of_one_moment(self):
        log = self.new_log()
        leader = self.client(self.shared.leader())
        kept = backups.fill(leader, log, MANY)
        backups.create(self.shared, "moment")
        backups.fill(leader, log, 4)
        for node in self.shared.nodes:
            with node.client() as client:
                shown = client.call("backup.show", {"name": "moment"})
            stat = [each for each in shown["logs"] if each["name"] == log][0]
            self.assertEqual(stat["entries"], MANY)
            self.check_raw(backups.exported(node, "moment"), kept)

    def check_raw(self, data, kept):
        """The raw entries have @kept, in their order."""
        raw, at = self.unpacked(data), 0
        for value in kept:
            at = raw.find(value, at)
            self.assertGreaterEqual(at, 0, "an entry is missing")
            at += len(value)

    @staticmethod
    def unpacked(data):
        return subprocess.run(["lz4", "-dc"], input=data, check=True,
                              stdout=subprocess.PIPE).stdout

    def test_the_second_backup_takes_only_what_is_new(self):
        log = self.new_log()
        leader = self.client(self.shared.leader())
        backups.fill(leader, log, MANY)
        backups.create(self.shared, "second-1")
        backups.fill(leader, log, 4)
        backups.create(self.shared, "second-2")
        for node in self.shared.nodes:
            second = backups.listed(node)["second-2"]
            self.assertLess(second.get("new_bytes", 0), MANY *
                            backups.VALUE // 2)


class Elsewhere(Case):
    """Exports, imports, and what other nodes have."""

    def setUp(self):
        self.here = self.cluster(3, backups.NONE)
        self.cli = Cli(self.here.endpoints())
        client = self.leader_client(self.here)
        client.call("log.create", {"log": "a"})
        self.values = backups.fill(client, "a", MANY)
        backups.create(self.here, "saved")

    def pipe(self, source, target, *words):
        """export | import, as in a shell; the result of the import."""
        export = subprocess.Popen(
            source.command("backup", "export", "saved", "-"),
            env=source.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE)
        done = subprocess.run(
            target.command("backup", "import", "-", *words),
            env=target.environment(), stdin=export.stdout,
            capture_output=True, text=True, timeout=60)
        export.stdout.close()
        self.assertEqual(export.wait(20), 0)
        return done

    def test_a_pipe_brings_a_deleted_backup_back(self):
        file = os.path.join(self.directory(), "saved.qlb")
        self.cli.run("backup", "export", "saved", file)
        self.leader_client(self.here).call("backup.delete", {"name": "saved"})
        with open(file, "rb") as data:
            done = subprocess.run(
                self.cli.command("backup", "import", "-"), stdin=data,
                env=self.cli.environment(), capture_output=True, text=True,
                timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        backups.wait_for_state(self.here.nodes, "saved")
        for node in self.here.nodes:
            answer = backups.check(node, "saved", deep=True)
            self.assertEqual(answer["entries"], MANY)

    def test_a_file_is_taken_in_again_after_each_deletion(self):
        """By the same leader, which knows the upload that has ended."""
        file = os.path.join(self.directory(), "saved.qlb")
        self.cli.run("backup", "export", "saved", file)
        for _ in range(3):
            self.leader_client(self.here).call("backup.delete",
                                               {"name": "saved"})
            for node in self.here.nodes:
                path = backups.manifest(node, "saved")
                wait_until("the files are gone",
                           lambda path=path: not os.path.exists(path))
            self.cli.run("backup", "import", file)
            backups.wait_for_state(self.here.nodes, "saved")

    def test_lz4_alone_gives_the_entries_of_an_export(self):
        file = os.path.join(self.directory(), "saved.qlb")
        self.cli.run("backup", "export", "saved", file)
        raw = subprocess.run(["lz4", "-dc", file], check=True,
                             stdout=subprocess.PIPE).stdout
        at = 0
        for value in self.values:
            at = raw.find(value, at)
            self.assertGreaterEqual(at, 0)
            at += len(value)

    def test_a_foreign_backup_is_taken_only_when_it_is_called_so(self):
        there = Cluster(1, backups.NONE)
        self.addCleanup(there.close)
        there.start()
        target = Cli(there.endpoints())
        done = self.pipe(self.cli, target)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--foreign", done.stderr)
        self.assertEqual(backups.listed(there.node(1)), {})
        done = self.pipe(self.cli, target, "--foreign")
        self.assertEqual(done.returncode, 0, done.stderr)
        backups.wait_for_state(there.nodes, "saved")
        self.assertTrue(backups.listed(there.node(1))["saved"]["foreign"])
        target.run("recovery", "stage", "saved")
        target.run("recovery", "commit", "--yes", "--discard-newer")
        there.leader()
        self.assertTrue(self.leader_client(there).read_all("a") ==
                        self.values)

    def test_an_export_with_a_flipped_bit_or_an_end_too_soon_is_refused(self):
        data = backups.exported(self.here.leader(), "saved")
        self.leader_client(self.here).call("backup.delete", {"name": "saved"})
        file = os.path.join(self.directory(), "bad.qlb")
        for at in (9, 13, 120, 300, len(data) // 2, len(data) - 3):
            with open(file, "wb") as out:
                out.write(data[:at] + bytes((data[at] ^ 4,)) + data[at + 1:])
            result = self.cli.run("backup", "import", file, status=None)
            self.assertNotEqual(result.status, 0, "byte %d" % at)
        for size in (0, 5, 100, 1000, len(data) // 2, len(data) - 1):
            with open(file, "wb") as out:
                out.write(data[:size])
            result = self.cli.run("backup", "import", file, status=None)
            self.assertNotEqual(result.status, 0, "%d bytes" % size)
        with open(file, "wb") as out:
            out.write(data + b"more")
        result = self.cli.run("backup", "import", file, status=None)
        self.assertNotEqual(result.status, 0, "more than all")
        for node in self.here.nodes:
            self.assertEqual(backups.listed(node), {})
            self.assertTrue(node.is_running())
        with open(file, "wb") as out:
            out.write(data)
        self.cli.run("backup", "import", file)
        backups.wait_for_state(self.here.nodes, "saved")

    def test_a_node_that_was_down_gets_it_from_another(self):
        late = self.here.followers()[0]
        late.stop()
        client = self.leader_client(self.here)
        client.call("log.trim", {"log": "a", "before": MANY // 2})
        backups.fill(client, "a", MANY)
        name = backups.create(self.here, "without-one")
        # Nobody has these entries live any more: only the backup has.
        client.call("log.delete", {"log": "a"})
        late.start()
        backups.wait_for_state([late], name)
        backups.check(late, name, deep=True)

    def test_a_node_that_was_down_does_not_bring_a_deleted_backup_back(self):
        late = self.here.followers()[0]
        late.stop()
        self.leader_client(self.here).call("backup.delete", {"name": "saved"})
        late.start()
        wait_until("it has heard of that", lambda: late.answers() and
                   backups.state(late, "saved") in ("gone", "orphan"))
        self.here.wait_all_applied()
        for node in self.here.others(late):
            self.assertEqual(backups.listed(node), {})
        self.assertRefused("NOT_FOUND", self.leader_client(self.here).call,
                           "recovery.stage", {"name": "saved"})


if __name__ == "__main__":
    unittest.main()
