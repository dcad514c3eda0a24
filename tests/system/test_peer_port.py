# SPDX-License-Identifier: LGPL-3.0-or-later
"""Strangers at the port for peers: they get nothing and disturb nobody."""

import errno
import random
import socket
import struct

from support import build
from support.case import SharedCase
from support.client import connect

MEMORY_MIB = 64
GONE = (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN)


class PeerPort(SharedCase):
    def setUp(self):
        self.leader = self.shared.leader()
        self.term = self.leader.status()["term"]
        self.log = self.new_log()
        for node in self.shared.nodes:
            node.forget_memory_peak()
        self.before = [node.memory_peak_mib() for node in self.shared.nodes]

    def tearDown(self):
        """The same leader in the same term, and appends go on."""
        status = self.leader.status()
        self.assertEqual((status["role"], status["term"]),
                         ("leader", self.term))
        with self.leader.client() as client:
            client.append(self.log, "good")
        for node, before in zip(self.shared.nodes, self.before):
            self.assertTrue(node.is_running())
            self.assertLess(node.memory_peak_mib() - before,
                            MEMORY_MIB * build.memory_factor())

    def send(self, node, data):
        """Sends bytes and waits until the node has closed the connection."""
        with connect(node.peer_address) as sock:
            try:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
            except OSError as gone:
                self.assertIn(gone.errno, GONE)

    def test_random_bytes(self):
        dice = random.Random(987)
        for _ in range(60):
            for node in self.shared.nodes:
                self.send(node, dice.randbytes(
                    dice.choice((1, 8, 23, 24, 100, 5000))))

    def test_an_address_that_claims_to_be_huge(self):
        claims = [0, 1, 1 << 20, 1 << 40, (1 << 63) - 8, (1 << 64) - 8,
                  (1 << 64) - 1]
        if not build.is_sanitized():
            claims.append(1 << 32)  # a sanitizer takes seconds to allocate it
        for claimed in claims:
            for node in self.shared.nodes:
                self.send(node, handshake(1, b"x" * 64, claimed))

    def test_a_stranger_that_knows_ids_but_no_secret(self):
        for id in (0, 1, 2, 3, 4, (1 << 64) - 1):
            for node in self.shared.nodes:
                self.send(node, handshake(id, b"127.0.0.1:7421"))
                self.send(node, handshake(id, b"127.0.0.1:7421|1|" + b"a" * 36
                                          + b"|" + b"b" * 32 + b"|"
                                          + b"c" * 36 + b"|" + b"d" * 64))
                self.send(node, handshake(id, b"y" * 4096))

    def test_strangers_that_stay(self):
        node = self.leader
        before = node.descriptors()
        for _ in range(300):
            self.addCleanup(connect(node.peer_address).close)
        self.assertLess(node.descriptors() - before, 100)

    def test_an_address_without_end(self):
        """It must not be kept while it comes."""
        for node in self.shared.nodes:
            with connect(node.peer_address) as sock:
                try:
                    sock.sendall(handshake(1, b"", 1 << 34))
                    for _ in range(4 * MEMORY_MIB):
                        sock.sendall(b"x" * (1 << 20))
                except OSError as gone:
                    self.assertIn(gone.errno, GONE)

    def test_a_stranger_that_says_nothing(self):
        for node in self.shared.nodes:
            host, port = node.peer_address.split(":")
            for _ in range(50):
                # Its short queue of new connections may be full: no waiting.
                sock = socket.socket()
                self.addCleanup(sock.close)
                sock.setblocking(False)
                sock.connect_ex((host, int(port)))
        with self.leader.client() as client:
            for _ in range(20):
                client.append(self.log, "meanwhile")


def handshake(id, address, claimed=None):
    """The first message of a peer: version, id, length, address."""
    length = (len(address) + 8) // 8 * 8
    return struct.pack("<QQQ", 1, id, length if claimed is None else claimed) \
        + address.ljust(length, b"\0")
