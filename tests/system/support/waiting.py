# SPDX-License-Identifier: LGPL-3.0-or-later
"""Waiting for something to become true, never for time to pass."""

import time

from support import build

POLL_SECONDS = 0.02


def wait_until(what, check, seconds=20):
    """Polls check() until it returns something true, and returns that.
    Exceptions of the network count as false."""
    deadline = time.monotonic() + seconds * build.slowness()
    problem = None
    while True:
        try:
            found = check()
            if found:
                return found
        except (OSError, EOFError) as caught:
            problem = caught
        if time.monotonic() > deadline:
            raise AssertionError("gave up waiting until %s%s" % (
                what, " (%s)" % problem if problem else ""))
        time.sleep(POLL_SECONDS)


def holds_for(what, check, seconds):
    """The other way round: check() must stay true for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not check():
            raise AssertionError("it did not stay so: %s" % what)
        time.sleep(POLL_SECONDS)
