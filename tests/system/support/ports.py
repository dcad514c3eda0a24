# SPDX-License-Identifier: LGPL-3.0-or-later
"""Free ports on loopback."""

import os
import random
import socket

# Below the range from which the kernel takes the ports of clients.
FIRST, LAST = 10000, 32000

_given = set()
_random = random.Random(os.getpid())


def free_port():
    """Nothing listens there, and this process did not get it before."""
    while True:
        port = _random.randrange(FIRST, LAST)
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def free_address():
    return "127.0.0.1:%d" % free_port()
