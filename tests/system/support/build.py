# SPDX-License-Identifier: LGPL-3.0-or-later
"""The programs under test, and how much slower they are than usual."""

import os

_directory = None
_sanitized = False

# What a sanitizer writes when it found something.
SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                   "WARNING: ThreadSanitizer", "runtime error:")


def use(directory):
    """Sets the build directory for the whole run."""
    global _directory, _sanitized
    _directory = os.path.abspath(directory)
    for name in ("quorlogd", "quorlog"):
        if not os.access(path(name), os.X_OK):
            raise SystemExit("%s is missing: build it first" % path(name))
    _sanitized = any(_has_sanitizer(file) for file in
                     (path("quorlogd"), path(".libs/quorlogd")))


def path(name):
    return os.path.join(_directory, name)


def is_sanitized():
    return _sanitized


def slowness():
    """Deadlines are multiplied by it."""
    return 4 if _sanitized else 1


def memory_factor():
    """So is memory: a sanitizer has shadow bytes and a quarantine."""
    return 4 if _sanitized else 1


def environment(extra=None):
    """Ours, without what would configure the programs from outside."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("QUORLOG") and name != "NOTIFY_SOCKET"}
    # As without it, malloc() may fail: libraft asks for what strangers claim.
    env["ASAN_OPTIONS"] = ("detect_leaks=1:quarantine_size_mb=16:"
                           "allocator_may_return_null=1")
    env["UBSAN_OPTIONS"] = "print_stacktrace=1"
    env.update(extra or {})
    return env


def sanitizer_report(text):
    """The lines from the first report on, or None."""
    for mark in SANITIZER_MARKS:
        at = text.find(mark)
        if at >= 0:
            return text[text.rfind("\n", 0, at) + 1:][:8000]
    return None


def _has_sanitizer(file):
    try:
        with open(file, "rb") as binary:
            return b"__asan_init" in binary.read()
    except FileNotFoundError:
        return False
