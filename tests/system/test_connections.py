# SPDX-License-Identifier: LGPL-3.0-or-later
"""Thousands of connections that do nothing."""

import resource
import select
import socket

from support import build
from support.case import Case
from support.client import pack_request
from support.waiting import wait_until

CONNECTIONS = 10000
IDLE_MIB = 100  # for all of them


class Connections(Case):
    def open(self, node, count):
        """Sockets that have said one thing and then keep silent."""
        host, port = node.client_address.split(":")
        ping = pack_request(1, "server.ping")
        sockets = []

        def close_all():
            for sock in sockets:
                sock.close()
        self.addCleanup(close_all)
        for _ in range(count):
            sock = socket.create_connection((host, int(port)), 60)
            sockets.append(sock)
            try:
                sock.sendall(ping)
            except ConnectionError:
                pass  # turned away already
        return sockets

    def count_open(self, sockets):
        """How many were answered; the others must be closed."""
        opened = 0
        for sock in sockets:
            try:
                opened += len(sock.recv(100)) > 0
            except ConnectionError:
                pass
        return opened

    def scaled(self):
        """10,000, or what the limit on descriptors allows."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return min(CONNECTIONS, limit - 500)

    def test_more_than_the_limit_are_closed_and_a_good_client_works(self):
        cluster = self.cluster(1, ["--max-connections", "4096"])
        node = cluster.leader()
        good = self.client(node)
        good.call("log.create", {"log": "log"})
        count = self.scaled()
        sockets = self.open(node, count)
        self.assertEqual(self.count_open(sockets), min(4095, count))
        self.assertEqual(good.append("log", "good"), 1)
        self.assertIn("turned away", node.log())
        for sock in sockets:
            sock.close()
        wait_until("there is room again", lambda: self.served(node))

    def test_idle_connections_cost_little(self):
        cluster = self.cluster(1, ["--max-connections", "12000"])
        node = cluster.leader()
        good = self.client(node)
        good.call("log.create", {"log": "log"})
        node.forget_memory_peak()
        before = node.memory_peak_mib()
        count = self.scaled()
        sockets = self.open(node, count)
        self.assertEqual(self.count_open(sockets), count)
        self.assertGreaterEqual(node.status()["sessions"], count)
        self.assertEqual(good.append("log", "good"), 1)
        grown = node.memory_peak_mib() - before
        self.assertLess(grown, IDLE_MIB * build.memory_factor())
        # None has been closed, nor told anything.
        poll = select.poll()
        for sock in sockets:
            poll.register(sock, select.POLLIN)
        self.assertEqual(poll.poll(0), [])

    @staticmethod
    def served(node):
        with node.client() as client:
            client.call("server.ping")
            return True

    def test_a_connection_that_idles_too_long_is_closed(self):
        cluster = self.cluster(1, ["--idle-timeout", "1s"])
        node = cluster.leader()
        with node.client() as client:
            client.call("log.create", {"log": "log"})
        idle = self.client(node)
        idle.call("server.ping")
        following = self.client(node)
        following.call("log.follow", {"log": "log", "from": 0,
                                      "credit": 1000})
        with self.assertRaises(EOFError):
            idle.notification("never")
        with node.client() as client:
            client.append("log", "x")
        following.notification("log.entries")
