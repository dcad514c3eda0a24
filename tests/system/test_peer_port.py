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
TIMES = 100
HELLO = 1  # the type of a frame
CALL, PROOF = 1, 3
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

    def refused(self, node):
        return node.status().get("peers_refused", 0)

    def assert_said_once(self, node, pattern, data):
        """One line however often it comes, and each counted."""
        before = self.refused(node)
        lines = node.log().count(pattern)
        self.assertLessEqual(lines, 1)
        for _ in range(TIMES):
            self.send(node, data)
        self.assertEqual(node.log().count(pattern), 1)
        self.assertEqual(self.refused(node), before + TIMES)

    def test_a_frame_that_claims_4_gib(self):
        for node in self.shared.nodes:
            self.assert_said_once(node, "does not speak quorlog's peer",
                                  struct.pack("<IHHI", 0xffffffff, HELLO, 0, 0))

    def test_a_stranger_that_is_no_node_at_all(self):
        for node in self.shared.nodes:
            self.assert_said_once(node, "does not speak quorlog's peer",
                                  b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_a_node_of_another_cluster(self):
        for node in self.shared.nodes:
            sender = self.shared.others(node)[0]
            self.assert_said_once(
                node, "as node %d belongs to another cluster" % sender.id,
                hello(sender.id, node.id, b"a" * 36))

    def test_a_node_of_another_version(self):
        for node in self.shared.nodes:
            sender = self.shared.others(node)[0]
            self.assert_said_once(
                node, "speaks another version of the peer protocol",
                hello(sender.id, node.id, self.cluster_id(), versions=(7, 9)))

    def test_a_stranger_that_knows_ids_but_no_secret(self):
        for node in self.shared.nodes:
            before = self.refused(node)
            for id in (0, node.id, 4, (1 << 64) - 1):
                self.send(node, hello(id, node.id, self.cluster_id()))
            self.assertEqual(self.refused(node), before + 4)
            # A right call is answered; only then a proof is due.
            self.assert_said_once(
                node, "does not know this cluster's secret",
                hello(self.shared.others(node)[0].id, node.id,
                      self.cluster_id()) + frame(proof(b"\0" * 32)))

    def cluster_id(self):
        return self.shared.id.encode()

    def test_strangers_that_stay(self):
        node = self.leader
        before = node.descriptors()
        for _ in range(300):
            self.addCleanup(connect(node.peer_address).close)
        self.assertLess(node.descriptors() - before, 100)

    def test_a_hello_without_end(self):
        """It must not be kept while it comes."""
        for node in self.shared.nodes:
            with connect(node.peer_address) as sock:
                try:
                    sock.sendall(struct.pack("<IHHI", 1 << 24, HELLO, 0, 0))
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


# ---- docs/formats.md, "Link" ----

def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def frame(payload):
    header = struct.pack("<IHH", len(payload), HELLO, 0)
    return header + struct.pack("<I", crc32c(header + payload)) + payload


def hello(sender, receiver, cluster, versions=(1, 1)):
    """The call of a node, framed."""
    return frame(b"quorlink" + bytes([CALL, 0]) + struct.pack("<HHH", *versions, 0)
                 + struct.pack("<QQ", sender, receiver) + cluster + b"c" * 36
                 + b"d" * 32 + b"n" * 32)


def proof(digest):
    return b"quorlink" + bytes([PROOF]) + b"\0" * 7 + digest
