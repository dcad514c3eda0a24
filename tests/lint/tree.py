# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the lint tests share: where the tree is, its files, and the verdict."""

import os
import pathlib
import re
import sys

SKIP = 77  # automake's "skipped"

_HERE = pathlib.Path(__file__).resolve()
# LINT_ROOT lets a broken copy of the tree be tried.
ROOT = pathlib.Path(os.environ.get("LINT_ROOT", _HERE.parents[2]))
BUILD = pathlib.Path(os.environ.get("builddir", "."))

CODE_FOLDERS = ("src", "include", "tests", "bench", "docs/examples")


def files(folders=CODE_FOLDERS, suffixes=(".c", ".h")):
    """The files below @folders with one of @suffixes, sorted."""
    found = []
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in suffixes:
                found.append(path)
    return sorted(found)


def name(path):
    """The path as people write it: from the root of the tree."""
    return path.relative_to(ROOT).as_posix()


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def includes(path):
    """(line number, "<" or '"', header) of each #include."""
    for number, line in enumerate(lines(path), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def finish(faults, checked):
    """Prints the faults and ends the process. Checking nothing is a fault too:
    it would hide a wrong path for ever."""
    if checked == 0:
        faults = ["nothing to check below %s" % ROOT]
    for fault in faults:
        print(fault)
    print("%d checked, %d faults" % (checked, len(faults)))
    sys.exit(1 if faults else 0)


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIP)
