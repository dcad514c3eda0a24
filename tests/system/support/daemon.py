# SPDX-License-Identifier: LGPL-3.0-or-later
"""One quorlogd process, started again and again over the same directory."""

import os
import re
import signal
import subprocess

from support import build
from support.waiting import wait_until

STOP_SECONDS = 20


def quorlogd(*words, env=None, **options):
    """Runs it to its end."""
    return subprocess.run(
        [build.path("quorlogd"), *words], env=build.environment(env),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        timeout=STOP_SECONDS * build.slowness(), **options)


class Daemon:
    program = "quorlogd"

    def __init__(self, log_path, *words, env=None):
        self.words = list(words)
        self.env = env
        self.log_path = log_path
        self.process = None
        self.paused = False

    def start(self, *more):
        assert not self.is_running(), "it runs already"
        with open(self.log_path, "ab") as log:
            # It must not outlive a test run that was killed.
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", build.path(self.program),
                 *self.words, *more],
                env=build.environment(self.env), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        self.paused = False

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        self.signal(signal.SIGSTOP)
        wait_until("process %d is stopped" % self.pid,
                   lambda: self.status_field("State").startswith("T"))
        self.paused = True

    def resume(self):
        self.signal(signal.SIGCONT)
        self.paused = False

    def kill(self):
        if self.is_running():
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def wait(self, seconds=STOP_SECONDS):
        return self.process.wait(seconds * build.slowness())

    def stop(self):
        """An orderly end, which must succeed."""
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, "it ended with %d after SIGTERM" % status

    def log(self):
        try:
            with open(self.log_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for_log(self, pattern, count=1, seconds=20):
        def found():
            return len(re.findall(pattern, self.log())) >= count
        wait_until("the log says %r" % pattern, found, seconds)

    def status_field(self, name):
        with open("/proc/%d/status" % self.pid) as file:
            for line in file:
                key, _, value = line.partition(":")
                if key == name:
                    return value.strip()
        raise KeyError(name)

    def forget_memory_peak(self):
        with open("/proc/%d/clear_refs" % self.pid, "w") as file:
            file.write("5")

    def memory_peak_mib(self):
        """Since the start or forget_memory_peak()."""
        return int(self.status_field("VmHWM").split()[0]) / 1024

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))
