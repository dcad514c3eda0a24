# SPDX-License-Identifier: LGPL-3.0-or-later
"""quorlogd recover: a new cluster when most of the old one is gone."""

import os
import shutil

from support.case import Case
from support.cluster import Cluster
from support.daemon import quorlogd
from support.waiting import wait_until
from test_inspect import picture

ENTRIES = 300
VALUE = "x" * 9000  # several chunks


class Recover(Case):
    def setUp(self):
        """Two of three directories are lost; all appends were acknowledged."""
        self.old = self.cluster(3, ("--snapshot-entries", "16"))
        with self.old.leader().client() as client:
            client.call("log.create", {"log": "orders"})
            for first in range(0, ENTRIES, 10):
                client.append("orders", *("%d %s" % (number, VALUE) for number
                                          in range(first, first + 10)))
        # All have it all: which one is left is a matter of luck.
        self.old.wait_all_applied()

    def lose_two(self):
        for node in self.old.nodes[1:]:
            node.kill()
            node.wipe()
        self.old.node(1).stop()
        return self.old.node(1)

    def recover(self, *words, status=0):
        done = quorlogd("recover", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def new_cluster(self):
        """Addresses and directories, and nothing in them."""
        new = Cluster(3)
        self.addCleanup(new.close)
        shutil.copy(self.old.secret_file, new.secret_file)
        new.id = "recovered"
        return new

    def apply(self, node, *sources, more=(), status=0):
        return self.recover("--apply", "--data-dir", node.directory, "--node-id",
                            str(node.id), "--members", node.cluster.members(),
                            *more, *sources, status=status)

    def check_entries(self, cluster):
        with cluster.leader().client() as client:
            values = client.read_all("orders")
        self.assertEqual(len(values), ENTRIES)
        for number, value in enumerate(values):
            self.assertEqual(value, ("%d %s" % (number, VALUE)).encode())

    def test_one_directory_of_three_gives_a_new_cluster(self):
        survivor = self.lose_two()
        before = picture(survivor.directory)
        plan = self.recover("--plan", survivor.directory, status=7).stdout
        self.assertEqual(picture(survivor.directory), before)
        self.assertIn("only 1 of 3 voters are here", plan)
        self.assertIn("logs: 1, entries: %d" % ENTRIES, plan)

        new = self.new_cluster()
        export = os.path.join(new.base, "export")
        self.apply(new.node(1), survivor.directory,
                   more=("--export", export))
        self.apply(new.node(2), survivor.directory)
        self.apply(new.node(3), export,
                   more=("--secret-file", new.secret_file))
        # All that was there is as it was.
        after = picture(survivor.directory)
        self.assertEqual({path: after[path] for path in before}, before)
        self.assertEqual([os.path.basename(path) for path in after
                          if path not in before], ["recovered-to"])

        new.start()
        status = new.leader().status()
        self.assertNotEqual(status["cluster_id"], self.old.id)
        self.check_entries(new)
        with new.leader().client() as client:
            self.assertRefused("FROZEN", client.append, "orders", "early")
            client.call("cluster.thaw")
            stat = client.call("log.stat", {"log": "orders"})
            self.assertGreater(stat["incarnation"], 1)
            client.append("orders", "behind all others")
            stat = client.call("log.stat", {"log": "orders"})
            self.assertEqual(stat["tail"], ENTRIES + 2)
        new.wait_all_applied()

    def test_a_second_run_and_the_old_node_are_refused(self):
        survivor = self.lose_two()
        new = self.new_cluster()
        self.apply(new.node(1), survivor.directory)
        # The same node elsewhere, other members, the same place.
        other = self.new_cluster()
        done = self.recover("--apply", "--data-dir", other.node(1).directory,
                            "--node-id", "1", "--members", new.members(),
                            survivor.directory, status=1)
        self.assertIn("vote twice", done.stderr)
        done = self.apply(other.node(2), survivor.directory, status=1)
        self.assertIn("was recovered from before", done.stderr)
        self.assertFalse(os.path.exists(other.node(2).directory))
        done = self.apply(new.node(1), survivor.directory, status=1)
        self.assertIn("initialised already", done.stderr)

        survivor.start()
        self.assertEqual(survivor.wait(), 1)
        self.assertIn("was recovered from", survivor.log())
        self.recover("--plan", survivor.directory, status=7)

    def test_init_makes_no_member_of_a_recovered_cluster(self):
        """It would begin with an empty log."""
        survivor = self.lose_two()
        new = self.new_cluster()
        made = self.apply(new.node(1), survivor.directory).stdout
        id = made.split("of cluster ")[-1].split(",")[0]
        done = quorlogd("init", "--data-dir", new.node(2).directory, "--node",
                        "2", "--members", new.members(), "--cluster", id,
                        "--secret-file", new.secret_file)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("never with an empty log", done.stderr)

    def test_a_directory_in_use_is_refused(self):
        done = self.recover("--plan", self.old.node(1).directory, status=1)
        self.assertIn("is in use", done.stderr)
        self.assertIn("stop its node first", done.stderr)

    def test_a_file_that_is_no_backup_is_called_that(self):
        path = os.path.join(self.directory(), "notes")
        with open(path, "w", encoding="utf-8") as file:
            file.write("nothing of ours")
        done = self.recover("--plan", path, status=1)
        self.assertIn("%s cannot be used as a backup" % path, done.stderr)

    def test_what_two_have_is_complete(self):
        """The one that is taken has lost chunks, and the other has them."""
        for node in self.old.nodes:
            node.stop()
        self.old.node(3).wipe()
        chunks = os.path.join(self.old.node(1).directory, "chunks")
        packs = [name for name in os.listdir(chunks)
                 if name.endswith(".pack")]
        for name in packs:
            os.unlink(os.path.join(chunks, name))
        one, two = (node.directory for node in self.old.nodes[:2])
        self.assertIn("are in none of the sources",
                      self.recover("--plan", one, status=7).stdout)
        self.recover("--plan", one, two)
        new = self.new_cluster()
        for node in new.nodes:
            self.apply(node, one, two)
        new.start()
        self.check_entries(new)

    def test_a_backup_gives_a_new_cluster_when_all_is_lost(self):
        with self.old.leader().client() as client:
            client.call("backup.create", {"name": "last"})
        keeper = self.old.node(2)
        manifest = os.path.join(keeper.directory, "backups", "last.manifest")
        wait_until("the backup is there", lambda: os.path.exists(manifest))
        for node in self.old.nodes:
            node.kill()
        new = self.new_cluster()
        done = self.apply(new.node(1), manifest, status=2)
        self.assertIn("--secret-file", done.stderr)
        for node in new.nodes:
            self.apply(node, manifest,
                       more=("--secret-file", new.secret_file))
        new.start()
        self.check_entries(new)

    def test_the_old_backups_are_its_own(self):
        with self.old.leader().client() as client:
            client.call("backup.create", {"name": "last"})
        backups = os.path.join(self.old.node(1).directory, "backups")
        wait_until("the backup is there", lambda: os.path.exists(
            os.path.join(backups, "last.manifest")))
        self.old.wait_all_applied()
        survivor = self.lose_two()
        new = self.new_cluster()
        for node in new.nodes:
            self.apply(node, survivor.directory)
        shutil.copytree(backups, os.path.join(new.node(1).directory,
                                              "backups"))
        new.start()

        def is_verified():
            with new.node(1).client() as client:
                return any(item["name"] == "last" and
                           item["state"] == "verified" and
                           not item.get("foreign")
                           for item in
                           client.call("backup.list")["backups"])
        wait_until("the old backup is verified", is_verified, 60)
