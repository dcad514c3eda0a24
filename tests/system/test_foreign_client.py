# SPDX-License-Identifier: LGPL-3.0-or-later
"""MessagePack-RPC clients written by others, for other servers."""

import os
import socket

import msgpack

from support.case import SharedCase
from support.waiting import wait_until

try:
    from pynvim.msgpack_rpc import tcp_session
    from pynvim.msgpack_rpc import socket_session
except ImportError:
    tcp_session = None


class ForeignClient(SharedCase):
    def setUp(self):
        if tcp_session is None:
            self.skipTest("python3-pynvim is not installed")

    def session(self, node):
        host, port = node.client_address.split(":")
        session = tcp_session(host, int(port))
        self.addCleanup(session.close)
        # Its own idea of an error is that of another server.
        session.error_wrapper = ForeignError
        return session

    def test_it_creates_a_log_appends_and_reads(self):
        session = self.session(self.shared.leader())
        stat = session.request("log.create", {"log": "foreign"})
        self.assertEqual(stat["tail"], 1)
        done = session.request("log.append", {"appends": [
            {"log": "foreign", "entries": ["one", ["key", "two"]]}]})
        self.assertEqual(done["places"], [[1, 2]])
        page = session.request("log.read", {"log": "foreign", "from": 0})
        self.assertEqual([(entry[0], as_text(entry[2]), as_text(entry[3]))
                          for entry in page["entries"]],
                         [(1, None, "one"), (2, "key", "two")])

    def test_a_follower_tells_it_where_the_leader_is(self):
        leader = self.shared.leader()
        follower = self.shared.others(leader)[0]
        # It hears of the leader a moment after the leader itself.
        wait_until("a follower knows the leader",
                   lambda: follower.status()["leader_id"] == leader.id)
        session = self.session(follower)
        with self.assertRaises(Exception) as caught:
            session.request("log.list", {})
        self.assertIsInstance(caught.exception, ForeignError)
        error = caught.exception.args[0]
        self.assertEqual(error["name"], "NOT_LEADER")
        self.assertEqual(error["leader"], leader.client_address)

    def test_it_may_come_by_the_unix_socket(self):
        leader = self.shared.leader()
        session = socket_session(os.path.join(leader.directory,
                                              "quorlogd.sock"))
        self.addCleanup(session.close)
        self.assertEqual(session.request("server.hello", {"protocol": 1})
                         ["node"], leader.id)


class OldFormat(SharedCase):
    COUNT = 1

    def test_a_client_without_the_bin_type_is_served(self):
        """MessagePack before 2013 had one type for text and bytes."""
        name = self.new_log()
        host, port = self.shared.node(1).client_address.split(":")
        with socket.create_connection((host, int(port)), 20) as sock:
            unpacker = msgpack.Unpacker(raw=True, strict_map_key=False)

            def call(id, method, params):
                sock.sendall(msgpack.packb([0, id, method, [params]],
                                           use_bin_type=False))
                for message in iter(lambda: next(unpacker, None), 0):
                    if message is not None:
                        self.assertEqual(message[:3], [1, id, None])
                        return message[3]
                    unpacker.feed(sock.recv(65536))
            call(1, "log.append", {"appends": [
                {"log": name, "entries": [b"\xff\x00 bytes"]}]})
            page = call(2, "log.read", {"log": name, "from": 0})
            self.assertEqual(page[b"entries"][0][3], b"\xff\x00 bytes")


class ForeignError(Exception):
    pass


def as_text(value):
    return value.decode() if isinstance(value, bytes) else value
