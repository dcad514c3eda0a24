# SPDX-License-Identifier: LGPL-3.0-or-later
"""A way between nodes that can be held up."""

import socket
import threading

from support.ports import free_address

PUMP_BYTES = 1 << 16


class Relay:
    """What is sent to @node by its peers goes through here. Call it before the
    node is started, and close() in the end."""

    def __init__(self, node):
        host, port = node.peer_address.rsplit(":", 1)
        target = free_address()
        node.words += ["--listen-peer", target]
        self.target = (host, int(target.rsplit(":", 1)[1]))
        self.flows = threading.Event()
        self.flows.set()
        self.sockets = []
        self.listener = socket.create_server((host, int(port)))
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        """From now on bytes wait here; connections stay."""
        self.flows.clear()

    def release(self):
        self.flows.set()

    def close(self):
        self.flows.set()
        for sock in [self.listener, *self.sockets]:
            shut(sock)

    def _accept(self):
        while True:
            try:
                incoming, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(incoming)
            try:
                outgoing = socket.create_connection(self.target)
            except OSError:
                shut(incoming)
                continue
            self.sockets.append(outgoing)
            for pair in ((incoming, outgoing), (outgoing, incoming)):
                threading.Thread(target=self._pump, args=pair,
                                 daemon=True).start()

    def _pump(self, source, sink):
        try:
            while data := source.recv(PUMP_BYTES):
                self.flows.wait()
                sink.sendall(data)
        except OSError:
            pass
        shut(source)
        shut(sink)


def shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
