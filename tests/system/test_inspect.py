# SPDX-License-Identifier: LGPL-3.0-or-later
"""quorlogd inspect, and directories that cannot be used."""

import hashlib
import os
import re

from support.case import Case
from support.daemon import quorlogd


def picture(directory):
    """Every file with its content and times."""
    found = {}
    for folder, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(folder, name)
            status = os.stat(path)
            with open(path, "rb") as file:
                found[path] = (hashlib.sha256(file.read()).hexdigest(),
                               status.st_mtime_ns, status.st_mode)
    return found


class Inspect(Case):
    def setUp(self):
        self.node = self.cluster(1).node(1)
        with self.node.client() as client:
            client.call("log.create", {"log": "orders"})
            client.append("orders", "first", "second")
        self.raft = os.path.join(self.node.directory, "raft")

    def inspect(self, *words, status=0):
        done = quorlogd("inspect", *words, self.node.directory)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def segment(self):
        return os.path.join(self.raft, "wal-0000000000000001")

    def change(self, path, offset, data):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def test_a_stopped_node_is_shown_and_not_touched(self):
        self.node.stop()
        before = picture(self.node.directory)
        text = self.inspect("--entries", "all", "--values").stdout
        self.assertEqual(picture(self.node.directory), before)
        self.assertIn("node 1\n", text)
        self.assertIn("both copies good", text)
        self.assertRegex(text, "wal-0000000000000001  entries 1 to [0-9]+  "
                               "[0-9]+ of 67108864 bytes  clean")
        self.assertIn("log.create orders", text)
        self.assertIn("reserve\n  67108864 bytes\n", text)
        self.assertIn('orders value "second" 6 bytes', text)
        self.assertIn("All is well", text)
        self.node.start()

    def test_some_entries_are_listed(self):
        self.node.stop()
        text = self.inspect("--entries", "1..1").stdout
        self.assertRegex(text, "  1  term 1  members  [0-9]+ bytes\n"
                               "    member 1  peers 127.0.0.1:[0-9]+\n"
                               "findings")
        self.assertNotIn("  2  term", text)
        for wrong in ("x", "2..1", "..", "1..x"):
            self.inspect("--entries", wrong, status=2)
        self.inspect("--values", status=2)
        self.assertEqual(quorlogd("inspect").returncode, 2)

    def test_a_running_node_is_left_alone(self):
        refused = self.inspect(status=1)
        self.assertIn("is in use", refused.stderr)
        self.assertIn(str(self.node.pid), refused.stderr)
        self.assertEqual(refused.stdout, "")

    def test_damage_is_told_with_what_to_do(self):
        self.node.stop()
        self.change(self.segment(), 8192 + 60, b"?")
        damaged = self.inspect(status=7)
        self.assertRegex(damaged.stdout, "CORRUPT: wal-0000000000000001 at "
                                         "[0-9]+: ")
        self.assertIn("bring back the undamaged files", damaged.stdout)
        self.change(os.path.join(self.raft, "vote"), 20, b"???")
        self.assertIn("first copy DAMAGED, second copy good",
                      self.inspect(status=7).stdout)

    def test_a_torn_tail_is_no_damage(self):
        with self.node.client() as client:
            client.append("orders", "x" * 20000)
        self.node.stop()
        used = int(re.search("entries 1 to [0-9]+  ([0-9]+) of",
                             self.inspect().stdout).group(1))
        # The end of the last write did not arrive.
        self.change(self.segment(), used - 8192, bytes(8192))
        text = self.inspect().stdout
        self.assertIn("torn tail", text)
        self.assertIn("nothing is to be done", text)

    def test_files_that_claim_much_take_no_memory(self):
        self.node.stop()
        for name in ("wal-00000000000000fe", "snapshot-00000000000000fe",
                     "wal-00000000000000ff.corrupt"):
            with open(os.path.join(self.raft, name), "wb") as file:
                file.truncate(1 << (36 if name.startswith("snap") else 40))
        text = self.inspect(status=7).stdout
        self.assertIn("1099511627776 bytes", text)
        os.mkfifo(os.path.join(self.raft, "wal-00000000000000fd"))
        self.assertIn("no ordinary file", self.inspect(status=1).stderr)

    def test_pipes_do_not_hold_it_up(self):
        self.node.stop()
        for name in ("identity", "lock"):
            path = os.path.join(self.node.directory, name)
            os.rename(path, path + ".kept")
            os.mkfifo(path)
        text = self.inspect(status=7).stdout
        self.assertIn("The identity cannot be read", text)
        self.assertIn("identity is no ordinary file", text)
        done = quorlogd("run", "--data-dir", self.node.directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no ordinary file", done.stderr)

    def test_what_is_no_directory_of_a_node_is_refused(self):
        empty = self.directory()
        for path in (empty, os.path.join(empty, "nowhere")):
            done = quorlogd("inspect", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn("is no data directory of a node", done.stderr)
            self.assertNotIn("whether a node uses", done.stderr)


class OlderFormat(Case):
    FILES = ("metadata1", "metadata2", "open-1",
             "0000000000000001-0000000000000012")

    def fill(self, directory):
        os.makedirs(directory, exist_ok=True)
        for name in self.FILES:
            with open(os.path.join(directory, name), "wb") as file:
                file.write(b"raft")

    def refuse(self, directory, *words):
        before = picture(directory)
        done = quorlogd(*words, directory)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("from before 0.1", done.stderr)
        after = picture(directory)
        after.pop(os.path.join(directory, "lock"), None)
        before.pop(os.path.join(directory, "lock"), None)
        self.assertEqual(after, before)

    def test_an_older_node_is_refused_untouched(self):
        cluster = self.cluster(1, start=False).init()
        directory = cluster.node(1).directory
        raft = os.path.join(directory, "raft")
        for name in os.listdir(raft):
            os.unlink(os.path.join(raft, name))
        self.fill(raft)
        self.refuse(directory, "run", "--data-dir")
        done = quorlogd("inspect", directory)
        self.assertEqual(done.returncode, 7)
        self.assertIn("from before 0.1", done.stdout)

    def test_a_node_with_such_names_beside_its_files_is_none(self):
        node = self.cluster(1).node(1)
        node.stop()
        self.fill(node.directory)
        self.fill(os.path.join(node.directory, "raft"))
        self.assertEqual(quorlogd("inspect", node.directory).returncode, 0)
        node.start()

    def test_older_files_without_an_identity_are_refused(self):
        for place in ("", "raft"):
            directory = self.directory()
            self.fill(os.path.join(directory, place))
            self.refuse(directory, "run", "--data-dir")
            self.refuse(directory, "init", "--data-dir")
