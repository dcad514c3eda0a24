# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nodes on loopback, their directories, and who leads them."""

import os
import shutil
import tempfile

from support import build
from support.client import Client, RpcError
from support.daemon import Daemon, quorlogd
from support.ports import free_address
from support.waiting import wait_until

START_SECONDS = 30

live = []  # clusters whose logs are worth showing when a test fails


class Node(Daemon):
    """A member: its addresses and directory."""

    def __init__(self, cluster, id):
        self.cluster = cluster
        self.id = id
        self.directory = os.path.join(cluster.base, "node%d" % id)
        self.peer_address = free_address()
        self.client_address = free_address()
        super().__init__(os.path.join(cluster.base, "node%d.log" % id),
                         "run", "--data-dir", self.directory,
                         *cluster.options)

    def init(self, *more, members=None):
        words = ["init", "--data-dir", self.directory, "--node", str(self.id),
                 "--members", members or self.cluster.members(), *more]
        done = quorlogd(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def init_again(self, members=None, secret_file=None):
        """As the other nodes of the cluster; a wiped one, for example."""
        self.init("--cluster", self.cluster.id, "--secret-file",
                  secret_file or self.cluster.secret_file, members=members)

    def wipe(self):
        shutil.rmtree(self.directory)

    def client(self, seconds=20):
        return Client(self.client_address, seconds)

    def ask(self, method, params=None, seconds=20):
        """One call on a connection of its own."""
        with self.client(seconds) as client:
            return client.call(method, params)

    def status(self):
        return self.ask("cluster.status", seconds=5)

    def answers(self):
        try:
            return self.is_running() and self.status()
        except (OSError, EOFError):
            return False

    def peers_seen(self):
        """How many other members it knows by their instance."""
        with open(os.path.join(self.directory, "peers")) as file:
            return sum(line.startswith("peer = ") for line in file)

    def disk_bytes(self):
        total = 0
        for folder, _, files in os.walk(self.directory):
            for file in files:
                try:
                    path = os.path.join(folder, file)
                    total += os.stat(path).st_blocks * 512
                except FileNotFoundError:
                    pass
        return total


class Cluster:
    """Ready to be used when start() returns. close() is the caller's duty."""

    def __init__(self, count=3, options=(), election_ms=300):
        self.base = tempfile.mkdtemp(prefix="quorlog-test.")
        self.options = [
            "--election-timeout", "%dms" % (election_ms * self._patience()),
            "--heartbeat", "%dms" % (election_ms * self._patience() // 6),
            *options]
        self.secret_file = os.path.join(self.base, "secret")
        self.nodes = [Node(self, id) for id in range(1, count + 1)]
        self.id = None
        live.append(self)

    @staticmethod
    def _patience():
        return 2 if build.slowness() > 1 else 1

    def members(self):
        return ",".join("%d=%s/%s" % (node.id, node.peer_address,
                                      node.client_address)
                        for node in self.nodes)

    def endpoints(self):
        return ",".join(node.client_address for node in self.nodes)

    def init(self):
        text = self.nodes[0].init("--secret-file", self.secret_file)
        self.id = text.split("cluster:")[1].split()[0]
        for node in self.nodes[1:]:
            node.init_again()
        return self

    def start(self):
        if self.id is None:
            self.init()
        for node in self.nodes:
            if not node.is_running():
                node.start()
        self.leader()
        for node in self.nodes:
            wait_until("node %d answers" % node.id, node.answers,
                       START_SECONDS)
        return self

    def close(self):
        """Ends everything; fails when a sanitizer had something to say. May be
        called again."""
        if self not in live:
            return
        live.remove(self)
        for node in self.nodes:
            node.kill()
        logs = [node.log() for node in self.nodes]
        shutil.rmtree(self.base)
        for log in logs:
            report = build.sanitizer_report(log)
            if report is not None:
                raise AssertionError("a sanitizer reports:\n%s" % report)

    def node(self, id):
        return self.nodes[id - 1]

    def others(self, *nodes):
        return [node for node in self.nodes if node not in nodes]

    def leader_now(self, among=None):
        """The node that leads and serves, or None."""
        for node in among or self.nodes:
            if not node.is_running() or node.paused:
                continue
            try:
                with node.client(5) as client:
                    if client.call("cluster.status")["role"] != "leader":
                        continue
                    # A linearizable read: it is ready and has its quorum.
                    client.call("log.list", {"max": 1})
                    return node
            except (OSError, EOFError, RpcError):
                continue
        return None

    def leader(self, among=None, seconds=START_SECONDS):
        return wait_until("a node leads", lambda: self.leader_now(among),
                          seconds)

    def have_lead(self, node):
        """Returns when it does."""
        leader = self.leader()
        if leader is not node:
            leader.ask("cluster.transfer", {"to": node.id})
        wait_until("node %d leads" % node.id,
                   lambda: self.leader_now() is node)

    def followers(self):
        return self.others(self.leader())

    def wait_all_applied(self, nodes=None):
        """Until the nodes have applied all that the leader has now."""
        index = self.leader().status()["commit_index"]
        for node in nodes or self.nodes:
            wait_until("node %d has caught up" % node.id, lambda: node.status()
                       ["applied_index"] >= index, START_SECONDS)
