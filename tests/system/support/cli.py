# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command line tool, as a script would use it."""

import json
import subprocess

from support import build

RUN_SECONDS = 40


class Result:
    def __init__(self, words, done):
        self.words = words
        self.status = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr.decode(errors="replace")
        report = build.sanitizer_report(self.stderr)
        assert report is None, "a sanitizer reports:\n%s" % report

    def __str__(self):
        return "quorlog %s: exit %d\n%s%s" % (
            " ".join(self.words), self.status,
            self.stdout[:2000].decode(errors="replace"), self.stderr[:2000])

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def jsonl(self):
        return [json.loads(line) for line in self.stdout.splitlines()]


class Cli:
    def __init__(self, endpoints):
        self.endpoints = endpoints

    def command(self, *words):
        return [build.path("quorlog"), *words]

    def environment(self, env=None):
        return build.environment(dict({"QUORLOG_ENDPOINTS": self.endpoints},
                                      **(env or {})))

    def run(self, *words, input=b"", status=0, env=None):
        """Runs it; the exit status must be as expected (None: any)."""
        done = subprocess.run(self.command(*words), input=input,
                              env=self.environment(env), capture_output=True,
                              timeout=RUN_SECONDS * build.slowness())
        result = Result(words, done)
        assert status is None or result.status == status, \
            "expected exit %d; %s" % (status, result)
        return result

    def json(self, *words, **options):
        return self.run("-o", "json", *words, **options).json

    def start(self, *words, stdin=subprocess.DEVNULL):
        """In the background, with pipes to it. Stderr goes with stdout."""
        return subprocess.Popen(self.command(*words), env=self.environment(),
                                stdin=stdin, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
