# SPDX-License-Identifier: LGPL-3.0-or-later
"""A plain MessagePack-RPC client: an independent reading of the protocol."""

import socket

import msgpack

from support import build

REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
RECEIVE_BYTES = 1 << 18


class RpcError(Exception):
    """An error map that the server answered."""

    def __init__(self, error):
        super().__init__("%s: %s" % (error["name"], error["message"]))
        self.error = error
        self.code = error["code"]
        self.name = error["name"]
        self.leader = error.get("leader")
        self.position = error.get("position")


def connect(address, seconds=20):
    """A socket to "HOST:PORT" or to the path of a unix socket."""
    timeout = seconds * build.slowness()
    if address.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout)
        sock.connect(address)
        return sock
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def pack_request(id, method, params=None):
    return msgpack.packb([REQUEST, id, method, [params or {}]],
                         use_bin_type=True)


class Client:
    def __init__(self, address, seconds=20):
        self.address = address
        self.socket = connect(address, seconds)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False,
                                         max_buffer_size=1 << 27)
        self.next_id = 1
        self.answers = {}        # id -> (error, result), not fetched yet
        self.notifications = []  # (method, params), in order

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, method, params=None):
        """Sends a request and returns its id."""
        id = self.next_id
        self.next_id += 1
        self.socket.sendall(pack_request(id, method, params))
        return id

    def notify(self, method, params):
        self.socket.sendall(msgpack.packb([NOTIFICATION, method, [params]],
                                          use_bin_type=True))

    def answer(self, id):
        """The result of a request, or RpcError. EOFError: the connection
        ended first."""
        while id not in self.answers:
            self._receive()
        error, result = self.answers.pop(id)
        if error is not None:
            raise RpcError(error)
        return result

    def call(self, method, params=None):
        return self.answer(self.send(method, params))

    def notification(self, method):
        """The next one of that method, waiting for it."""
        while True:
            for at, (name, params) in enumerate(self.notifications):
                if name == method:
                    del self.notifications[at]
                    return params
            self._receive()

    def _receive(self):
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise EOFError("%s closed the connection" % self.address)
        self.unpacker.feed(data)
        for message in self.unpacker:
            if message[0] == RESPONSE:
                _, id, error, result = message
                assert (error is None) != (result is None), message
                self.answers[id] = (error, result)
            else:
                _, method, params = message
                assert len(params) == 1, message
                self.notifications.append((method, params[0]))

    # ---- Shorthands ----

    def append(self, log, *values, producer=None, sequence=None, **part):
        """Returns the position of the first entry."""
        params = {"appends": [dict(part, log=log, entries=list(values))]}
        if producer is not None:
            params.update(producer=producer, sequence=sequence)
        return self.call("log.append", params)["places"][0][0]

    def read_all(self, log, **params):
        """The values of all entries, as bytes."""
        values, at = [], 0
        while True:
            page = self.call("log.read", dict(params, log=log, **{"from": at}))
            values += [entry[3] for entry in page["entries"]]
            at = page["next"]
            if at >= page["tail"]:
                return values

    def read_texts(self, log, **params):
        return [value.decode() for value in self.read_all(log, **params)]

    def stat(self, log, stale=False):
        return self.call("log.stat", {"log": log, "stale": stale})
