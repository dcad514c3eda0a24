# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bad requests: each gets a clear error or a closed connection, a good client
works meanwhile and after, and the daemon's memory stays bounded."""

import random
import socket

import msgpack

from support import build
from support.case import SharedCase
from support.client import connect, pack_request

# What one misbehaving client may add to the daemon's memory.
MEMORY_MIB = 64


class BadMessages(SharedCase):
    COUNT = 1

    def setUp(self):
        self.node = self.shared.node(1)
        self.good = self.client(self.node)
        self.log = self.new_log()
        self.node.forget_memory_peak()
        self.memory = self.node.memory_peak_mib()

    def tearDown(self):
        """The good client works on the connection that it had all along."""
        position = self.good.append(self.log, "good")
        page = self.good.call("log.read", {"log": self.log, "from": position})
        self.assertEqual(page["entries"][0][3], b"good")
        grown = self.node.memory_peak_mib() - self.memory
        self.assertLess(grown, MEMORY_MIB * build.memory_factor())

    def refused(self, name, method, params):
        """The answer is an error, and the connection stays."""
        client = self.client(self.node)
        refused = self.assertRefused(name, client.call, method, params)
        self.assertGreater(len(refused.error["message"]), 5)
        client.call("server.ping")
        return refused

    def closed(self, data):
        """The daemon closes the connection for these bytes; what it answered
        before is returned."""
        with connect(self.node.client_address) as sock:
            try:
                sock.sendall(data)
            except ConnectionError:
                pass  # it needs not read to the end
            received = b""
            try:
                while True:
                    more = sock.recv(65536)
                    if not more:
                        break
                    received += more
            except ConnectionError:
                pass
        unpacker = msgpack.Unpacker(raw=False)
        unpacker.feed(received)
        return list(unpacker)

    # ---- Sound messages that ask for what cannot be ----

    def append_params(self, *entries, **part):
        return {"appends": [dict(part, log=self.log, entries=list(entries))]}

    def test_an_oversized_entry_is_refused(self):
        refused = self.refused("TOO_LARGE", "log.append",
                               self.append_params("x" * ((1 << 20) + 1)))
        self.assertIn("1048576", refused.error["message"])
        self.assertEqual(self.good.append(self.log, "x" * (1 << 20)), 1)

    def test_an_oversized_key_is_refused(self):
        self.refused("TOO_LARGE", "log.append",
                     self.append_params(["k" * 1025, "x"]))

    def test_an_oversized_append_is_refused(self):
        self.refused("TOO_LARGE", "log.append",
                     self.append_params(*["x" * 1000000] * 4))

    def test_bad_log_names_are_refused(self):
        for name in ("", "a//b", "..", "a/../b", "/a", "a/", "a b", "a\0b",
                     "\u00fc", "x" * 256, "-\n"):
            self.refused("INVALID", "log.create", {"log": name})

    def test_an_unknown_method_is_refused(self):
        for method in ("log.apend", "", "x" * 1000, "LOG.APPEND"):
            self.refused("UNKNOWN_METHOD", method, {})

    def test_wrong_types_are_refused_with_the_field(self):
        for method, params, field in (
                ("log.create", {"log": 5}, "log"),
                ("log.create", {"log": ["x"]}, "log"),
                ("log.create", {}, "log"),
                ("log.create", {"log": "x", "retention": 5}, "retention"),
                ("log.create", {"log": "x", "retention":
                                {"entries": "many"}}, "entries"),
                ("log.append", {"appends": "x"}, "appends"),
                ("log.append", {"appends": []}, "appends"),
                ("log.append", {"appends": [5]}, "map"),
                ("log.append", self.append_params(5), "the value"),
                ("log.append", self.append_params(), "entries"),
                ("log.append", self.append_params(["k"]), "entry 0"),
                ("log.append", self.append_params("x", epoch=-1), "epoch"),
                ("log.append", self.append_params("x", epoch=1.5), "epoch"),
                ("log.append", dict(self.append_params("x"), producer=1),
                 "sequence"),
                ("log.read", {"log": self.log, "from": "1"}, "from"),
                ("log.read", {"log": self.log, "from": 1, "stale": 1},
                 "stale"),
                ("log.follow", {"log": self.log, "from": 0, "credit": 0},
                 "credit"),
                ("log.trim", {"log": self.log, "before": 0}, "before"),
                ("writer.acquire", {"log": self.log}, "name"),
                ("server.hello", {"protocol": 99}, "protocol")):
            refused = self.refused("INVALID", method, params)
            self.assertIn(field, refused.error["message"])

    def test_params_that_are_no_single_map_are_refused(self):
        client = self.client(self.node)
        for params in ([5], ["x"], [{}, {}], [[]], 5, {}, None):
            client.socket.sendall(msgpack.packb([0, 7, "server.ping", params]))
            self.assertRefused("INVALID", client.answer, 7)
        client.socket.sendall(msgpack.packb([0, 7, "server.ping", []]))
        client.answer(7)

    def test_notifications_get_no_answer_also_bad_ones(self):
        client = self.client(self.node)
        for message in ([2, "no.such.method", [{}]], [2, 5, [{}]],
                        [2, "log.create", [{"log": 5}]],
                        [2, "server.ping", [1, 2, 3]]):
            client.socket.sendall(msgpack.packb(message))
        client.call("server.ping")
        self.assertEqual((client.answers, client.notifications), ({}, []))

    # ---- Bytes that are no message ----

    def test_no_messagepack_rpc_ends_the_connection(self):
        for value in (5, None, "GET / HTTP/1.1", {}, [], [0], [9, 1, "x", []],
                      [0, "id", "server.ping", []], [0, -1, "server.ping", []],
                      [0, 1 << 40, "server.ping", []], [1, 1, None, None]):
            self.closed(msgpack.packb(value))

    def test_http_ends_the_connection(self):
        self.closed(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def test_a_byte_that_no_messagepack_has_is_answered_and_ends_it(self):
        answers = self.closed(b"\x94\x00\x07\xabserver.ping\x91\xc1")
        self.assertEqual((answers[0][:2], answers[0][2]["name"]),
                         ([1, 7], "PROTOCOL"))

    def test_five_bytes_that_claim_96_gib_are_refused(self):
        for head in (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff",
                     b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
                     b"\xc9\xff\xff\xff\xff\x01"):
            self.closed(head)
            answers = self.closed(b"\x94\x00\x07\xaalog.append\x91" + head)
            self.assertEqual((answers[0][:2], answers[0][2]["name"]),
                             ([1, 7], "TOO_LARGE"))

    def test_deep_nesting_is_refused(self):
        for level in (b"\x91", b"\x81\x01", b"\xdc\x00\x01"):
            self.closed(level * 200000)
            answers = self.closed(b"\x94\x00\x07\xaalog.append\x91" +
                                  level * 200000)
            self.assertEqual(answers[0][2]["name"], "TOO_LARGE")

    def test_many_tiny_items_are_refused(self):
        answers = self.closed(b"\x94\x00\x07\xaalog.append\x91" +
                              b"\xdd\x00\x10\x00\x00" + b"\x01" * (1 << 20))
        self.assertEqual(answers[0][2]["name"], "TOO_LARGE")

    def test_a_message_larger_than_the_limit_is_refused(self):
        answers = self.closed(pack_request(
            7, "log.append", self.append_params("x" * (5 << 20))))
        self.assertEqual((answers[0][:2], answers[0][2]["name"]),
                         ([1, 7], "TOO_LARGE"))

    def test_a_request_cut_off_by_the_end_of_the_connection_is_dropped(self):
        whole = pack_request(1, "log.append", self.append_params("x" * 5000))
        for cut in (1, 2, 10, 30, 100, len(whole) - 1):
            with connect(self.node.client_address) as sock:
                sock.sendall(whole[:cut])
        # With its sending half closed the daemon has all that will come.
        with connect(self.node.client_address) as sock:
            sock.sendall(whole[:-1])
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(sock.recv(100), b"")
        self.assertEqual(self.good.stat(self.log)["tail"], 1)

    def test_random_bytes_disturb_nobody(self):
        dice = random.Random(20260722)
        for _ in range(300):
            data = dice.randbytes(dice.choice((1, 7, 50, 3000, 100000)))
            with connect(self.node.client_address) as sock:
                try:
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):
                        pass
                except ConnectionError:
                    pass
            self.good.call("server.ping")

    def test_requests_with_flipped_bytes_disturb_nobody(self):
        dice = random.Random(4711)
        whole = pack_request(1, "log.append", {
            "appends": [{"log": self.log + "/none", "entries":
                         ["a", ["k", "v"]], "expect_position": 3}],
            "producer": 5, "sequence": 6})
        for _ in range(500):
            data = bytearray(whole)
            for _ in range(dice.randrange(1, 4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            with connect(self.node.client_address) as sock:
                try:
                    sock.sendall(data)
                    sock.shutdown(socket.SHUT_WR)
                    while sock.recv(65536):
                        pass
                except ConnectionError:
                    pass
        self.good.call("server.ping")
