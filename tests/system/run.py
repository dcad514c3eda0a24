#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs the system tests: run.py --build DIR [NAME...]

NAME is a module (test_start), a class or a test in it (test_start.Start.x).
The last line is "N passed, N failed"."""

import argparse
import importlib
import os
import resource
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from support import build, cluster  # noqa: E402

MODULES = (
    "test_start",
    "test_configuration",
    "test_signals",
    "test_joining",
    "test_cli_logs",
    "test_cli_append",
    "test_cli_status",
    "test_exactly_once",
    "test_fencing",
    "test_reads",
    "test_foreign_client",
    "test_bad_messages",
    "test_bad_clients",
    "test_connections",
    "test_metrics",
    "test_peer_port",
    "test_snapshots",
    "test_install",
    "test_chunks",
    "test_chunks_trouble",
    "test_integrity",
    "test_recover",
    "test_disk_faults",
    "test_retention",
    "test_inspect",
    "test_disk_full",
    "test_failover",
    "test_slow_peers",
    "test_backups",
    "test_backups_trouble",
    "test_recovery",
    "test_recovery_kills",
    "test_drill",
    "test_bench",
    "test_bench_phases",
)

LOG_LINES_SHOWN = 30


class Result(unittest.TestResult):
    """A line for each test, and the daemons' logs when one failed."""

    passed = 0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        print("%s ... " % name_of(test), end="", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self._print_end("ok")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._print_end("skipped: %s" % reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._print_failure(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._print_failure(test, self.errors[-1][1])

    def _print_end(self, text):
        print("%s (%.1f s)" % (text, time.monotonic() - self.started),
              flush=True)

    def _print_failure(self, test, text):
        print("FAILED\n%s\n%s" % (name_of(test), text))
        for each in cluster.live:
            for node in each.nodes:
                lines = node.log().splitlines()[-LOG_LINES_SHOWN:]
                print("---- %s\n%s" % (node.log_path, "\n".join(lines)))
        print("----", flush=True)


def name_of(test):
    return test.id().replace("test_", "", 1).replace(".test_", ": ") \
        .replace("_", " ")


def raise_descriptor_limit():
    """Ours, and by that the daemons'."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, metavar="DIR",
                        help="where quorlogd and quorlog were built")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    build.use(options.build)
    raise_descriptor_limit()
    os.chdir("/")  # nothing may depend on where we are

    loader = unittest.TestLoader()
    result = Result()
    for name in options.names or MODULES:
        importlib.import_module(name.split(".")[0])
        loader.loadTestsFromName(name).run(result)
    failed = len({test.id() for test, _ in result.failures + result.errors})
    print("%d passed, %d failed" % (result.passed, failed), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
