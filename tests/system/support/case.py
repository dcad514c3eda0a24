# SPDX-License-Identifier: LGPL-3.0-or-later
"""The base of all system tests."""

import tempfile
import unittest

from support.cli import Cli
from support.client import RpcError
from support.cluster import Cluster


class Case(unittest.TestCase):
    maxDiff = 2000

    def cluster(self, *args, start=True, **options):
        """A cluster of this test alone."""
        cluster = Cluster(*args, **options)
        self.addCleanup(cluster.close)
        return cluster.start() if start else cluster

    def directory(self):
        folder = tempfile.TemporaryDirectory(prefix="quorlog-test.")
        self.addCleanup(folder.cleanup)
        return folder.name

    def client(self, node, seconds=20):
        client = node.client(seconds)
        self.addCleanup(client.close)
        return client

    def leader_client(self, cluster):
        return self.client(cluster.leader())

    def assertRefused(self, name, call, *args, **params):
        """call(*args) must end with the error @name, which is returned."""
        with self.assertRaises(RpcError) as caught:
            call(*args, **params)
        self.assertEqual(caught.exception.name, name, caught.exception)
        return caught.exception


class SharedCase(Case):
    """One cluster for all tests of a class, which use logs of their own and
    leave it as they found it."""

    COUNT = 3
    OPTIONS = ()

    @classmethod
    def setUpClass(cls):
        cls.shared = Cluster(cls.COUNT, cls.OPTIONS)
        cls.addClassCleanup(cls.shared.close)
        cls.shared.start()
        cls.cli = Cli(cls.shared.endpoints())

    def new_log(self, **retention):
        """A log that no other test has; returns its name."""
        name = "%s/%s" % (type(self).__name__, self._testMethodName)
        with self.shared.leader().client() as client:
            client.call("log.create", {"log": name, "retention": retention})
        return name
