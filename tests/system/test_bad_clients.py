# SPDX-License-Identifier: LGPL-3.0-or-later
"""Clients that take nothing, take their time, or want too much at once."""

import socket
import threading

from support import build
from support.case import SharedCase
from support.client import RpcError, connect, pack_request
from support.waiting import wait_until

PINGS = 100000
# Answers that nobody takes: 8 clients, SESSION_OUTPUT_MAX each, and what goes
# with them.
UNREAD_CLIENTS = 8
UNREAD_MIB = UNREAD_CLIENTS * 16 + 64
VALUE = b"x" * (1 << 20)


class BadClients(SharedCase):
    COUNT = 1
    # Room for what all of them read at once: with less a page may be shorter.
    OPTIONS = ("--cache-bytes", "16MiB")

    def setUp(self):
        self.node = self.shared.node(1)
        self.good = self.client(self.node)

    def assert_good_client_works(self, log):
        position = self.good.append(log, "good")
        page = self.good.call("log.read", {"log": log, "from": position})
        self.assertEqual(page["entries"][0][3], b"good")

    def test_clients_that_never_read_are_held_back(self):
        log = self.new_log()
        for _ in range(8):
            self.good.append(log, VALUE)
        self.node.forget_memory_peak()
        before = self.node.memory_peak_mib()
        requests = b"".join(
            pack_request(id, "log.read", {"log": log, "from": 1,
                                          "bytes_max": 2 << 20})
            for id in range(1000))
        follow = pack_request(1000, "log.follow", {"log": log, "from": 1,
                                                   "credit": 16 << 20})
        greedy = []
        for _ in range(UNREAD_CLIENTS):
            sock = connect(self.node.client_address)
            self.addCleanup(sock.close)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(follow)
            sock.setblocking(False)
            try:
                sock.send(requests)
            except BlockingIOError:
                pass
            greedy.append(sock)
        for _ in range(20):
            self.assert_good_client_works(log)
        grown = self.node.memory_peak_mib() - before
        self.assertLess(grown, UNREAD_MIB * build.memory_factor())

    def test_a_reader_that_wakes_up_gets_all_its_answers(self):
        log = self.new_log()
        for _ in range(4):
            self.good.append(log, VALUE)
        late = self.client(self.node, 60)
        ids = [late.send("log.read", {"log": log, "from": 1,
                                      "bytes_max": 2 << 20})
               for _ in range(60)]
        self.assert_good_client_works(log)
        for id in ids:
            page = late.answer(id)
            self.assertEqual([entry[0] for entry in page["entries"]], [1, 2])

    def test_a_request_may_come_byte_by_byte(self):
        log = self.new_log()
        slow = self.client(self.node)
        for byte in pack_request(1, "log.append", {
                "appends": [{"log": log, "entries": ["slow"]}]}):
            slow.socket.sendall(bytes([byte]))
        self.assertEqual(slow.answer(1)["places"], [[1, 1]])

    def test_an_unfinished_request_holds_nobody_up(self):
        log = self.new_log()
        slow = self.client(self.node)
        slow.socket.sendall(pack_request(1, "log.append", {
            "appends": [{"log": log, "entries": ["x" * 100000]}]})[:-1])
        self.assert_good_client_works(log)

    def test_100000_pipelined_pings_are_all_answered(self):
        eager = self.client(self.node, 120)
        self.node.forget_memory_peak()
        before = self.node.memory_peak_mib()
        data = b"".join(pack_request(id, "server.ping")
                        for id in range(1, PINGS + 1))
        sender = threading.Thread(target=eager.socket.sendall, args=(data,))
        sender.start()
        for id in range(1, PINGS + 1):
            eager.answer(id)
        sender.join()
        grown = self.node.memory_peak_mib() - before
        self.assertLess(grown, 64 * build.memory_factor())

    def test_100000_pings_whose_answers_nobody_reads_are_held_back(self):
        log = self.new_log()
        self.node.forget_memory_peak()
        before = self.node.memory_peak_mib()
        data = b"".join(pack_request(id, "server.ping")
                        for id in range(1, PINGS + 1))
        deaf = connect(self.node.client_address)
        self.addCleanup(deaf.close)
        deaf.setblocking(False)
        sent = 0
        try:
            while sent < 10 * len(data):
                sent += deaf.send(data)
                self.good.call("server.ping")
        except (BlockingIOError, ConnectionError):
            pass
        self.assert_good_client_works(log)
        grown = self.node.memory_peak_mib() - before
        self.assertLess(grown, 64 * build.memory_factor())

    def test_more_calls_than_a_session_may_have_wait_their_turn(self):
        log = self.new_log()
        eager = self.client(self.node, 60)
        ids = [eager.send("log.append", {"appends": [
            {"log": log, "entries": ["%d" % i]}]}) for i in range(5000)]
        self.assert_good_client_works(log)
        positions = [eager.answer(id)["places"][0][0] for id in ids]
        self.assertEqual(len(set(positions)), 5000)
        self.assertEqual(positions, sorted(positions))

    def test_more_streams_than_a_session_may_have_are_refused(self):
        log = self.new_log()
        client = self.client(self.node)
        refused = 0
        for _ in range(70):
            try:
                client.call("log.follow", {"log": log, "from": 0,
                                           "credit": 100})
            except RpcError as error:
                self.assertIn(error.name, ("BUSY", "LIMIT", "TOO_LARGE"))
                refused += 1
        self.assertEqual(refused, 70 - 64)

    def test_connections_that_come_and_go_leave_nothing_behind(self):
        def settled():
            return self.node.descriptors()
        self.good.call("server.ping")
        before = settled()
        for _ in range(2000):
            connect(self.node.client_address).close()
        for _ in range(200):
            with self.node.client() as client:
                client.send("server.ping")
        wait_until("all of them are closed", lambda: settled() <= before)
