# SPDX-License-Identifier: LGPL-3.0-or-later
"""Appending with the command line tool, from all its sources."""

import os
import random

from support.case import SharedCase


class Append(SharedCase):
    COUNT = 1

    def append(self, log, *words, **options):
        return self.cli.json("log", "append", log, *words, **options)

    def raw(self, log):
        return self.cli.run("log", "read", log, "--raw").stdout

    def test_arguments_are_entries(self):
        log = self.new_log()
        done = self.append(log, "one", "", "three")
        self.assertEqual((done["first"], done["last"], done["count"]),
                         (1, 3, 3))
        self.assertEqual(self.raw(log), b"one\n\nthree\n")

    def test_lines_are_entries_also_empty_ones_and_the_last(self):
        log = self.new_log()
        done = self.append(log, "--lines", input=b"\none\n\n\ntwo\r\nlast")
        self.assertEqual(done["count"], 6)
        with self.shared.leader().client() as client:
            self.assertEqual(client.read_all(log), [
                b"", b"one", b"", b"", b"two\r", b"last"])

    def test_no_lines_are_no_entries(self):
        log = self.new_log()
        self.assertEqual(self.append(log, "--lines")["count"], 0)
        self.assertEqual(self.cli.json("log", "stat", log)["tail"], 1)

    def test_bytes_that_are_no_text_survive(self):
        log = self.new_log()
        data = bytes(byte for byte in range(256) if byte != 10)
        self.append(log, "--lines", input=data)
        self.assertEqual(self.raw(log), data + b"\n")
        row, = self.cli.json("log", "read", log)
        self.assertNotIn("value", row)
        self.assertIn("value_base64", row)

    def test_many_lines_come_back_byte_for_byte(self):
        log = self.new_log()
        dice = random.Random(7)
        data = b"".join(dice.randbytes(dice.randrange(200)).replace(
            b"\n", b" ") + b"\n" for _ in range(20000))
        done = self.append(log, "--lines", input=data)
        self.assertEqual(done["count"], 20000)
        self.assertEqual(self.raw(log), data)

    def test_a_line_as_large_as_an_entry_fits_and_a_larger_does_not(self):
        log = self.new_log()
        line = b"x" * (1 << 20)
        self.append(log, "--lines", input=line + b"\n" + line)
        refused = self.cli.run("log", "append", log, "--lines",
                               input=b"small\n" + line + b"y\nafter\n",
                               status=2)
        self.assertIn("line 2", refused.stderr)
        self.assertEqual(self.raw(log), line + b"\n" + line + b"\nsmall\n")

    def test_a_file_is_one_entry(self):
        log = self.new_log()
        path = os.path.join(self.directory(), "file")
        data = os.urandom(300000)
        with open(path, "wb") as file:
            file.write(data)
        self.append(log, "--file", path)
        self.append(log, "--file", "-", input=b"from standard input\n")
        self.append(log, "--file", "/dev/null")
        with self.shared.leader().client() as client:
            self.assertEqual(client.read_all(log), [
                data, b"from standard input\n", b""])

    def test_a_file_larger_than_an_entry_is_refused(self):
        log = self.new_log()
        refused = self.cli.run("log", "append", log, "--file", "-",
                               input=b"x" * ((1 << 20) + 1), status=2)
        self.assertIn("--lines", refused.stderr)
        self.assertEqual(self.cli.json("log", "stat", log)["tail"], 1)

    def test_a_missing_file_is_a_failure(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "--file", "/nonexistent", status=1)

    def test_expect_position_guards_an_append(self):
        log = self.new_log()
        self.append(log, "a", "--expect-position", "1")
        refused = self.cli.run("log", "append", log, "b",
                               "--expect-position", "1", status=5)
        self.assertIn("the next position is 2", refused.stderr)
        self.append(log, "--lines", "--expect-position", "2",
                    "--batch-entries", "2", input=b"b\nc\nd\ne\nf\n")
        self.assertEqual(self.raw(log), b"a\nb\nc\nd\ne\nf\n")

    def test_acks_name_every_line_and_its_position(self):
        log = self.new_log()
        self.append(log, "before")
        result = self.cli.run("log", "append", log, "--lines", "--acks",
                              "--batch-entries", "3", input=b"x\n" * 10)
        acks = sorted(tuple(map(int, line.split()))
                      for line in result.stdout.splitlines())
        self.assertEqual(acks, [(i, i + 1) for i in range(1, 11)])

    def test_values_from_two_sources_are_refused(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "x", "--lines", status=2)
        self.cli.run("log", "append", log, "x", "--file", "-", status=2)
        self.cli.run("log", "append", log, status=2)
        self.cli.run("log", "append", log, "x", "--acks", status=2)
        self.assertEqual(self.cli.json("log", "stat", log)["tail"], 1)

    def test_an_oversized_key_is_refused(self):
        log = self.new_log()
        self.cli.run("log", "append", log, "x", "--key", "k" * 1024)
        self.cli.run("log", "append", log, "x", "--key", "k" * 1025, status=2)
