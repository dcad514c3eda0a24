# SPDX-License-Identifier: LGPL-3.0-or-later
"""Going back to a backup, and telling the state before from the one after."""

import itertools

from support import backups
from support.client import RpcError
from support.waiting import wait_until

STAGE_SECONDS = 40

_operations = itertools.count(1)


def operation():
    """An id that no other commit has."""
    return next(_operations)


def status(node):
    return node.ask("recovery.status")


def stage(node, name):
    """Stages it on the node that leads, and waits for it; what is staged."""
    node.ask("recovery.stage", {"name": name})
    return wait_staged(node)


def wait_staged(node):
    def staged():
        found = status(node)
        assert found["phase"] in ("staging", "editing", "staged"), found
        return found if found["phase"] == "staged" else None
    return wait_until("it is staged", staged, STAGE_SECONDS)


def edit(node, **filter):
    """Takes entries out of what is staged."""
    found = status(node)
    node.ask("recovery.delete", {"stage": found["stage"], "revision":
                                 found["revision"], "filter": filter})
    return wait_staged(node)


def commit_params(staged, **more):
    return dict({"stage": staged["stage"], "revision": staged["revision"],
                 "operation": operation(), "discard_newer": True}, **more)


def commit(cluster, staged, **more):
    """On the leader; returns when a newer one leads and all have applied it."""
    leader = cluster.leader()
    term = leader.status()["term"]
    answer = leader.ask("recovery.commit", commit_params(staged, **more))
    await_step_down(cluster, term)
    return answer


def undo(cluster, **more):
    leader = cluster.leader()
    term = leader.status()["term"]
    answer = leader.ask("recovery.undo", dict(
        {"operation": operation(), "discard_newer": True}, **more))
    await_step_down(cluster, term)
    return answer


def await_step_down(cluster, term):
    wait_until("a new term begins", lambda: cluster.leader().status()["term"] >
               term)
    cluster.wait_all_applied([node for node in cluster.nodes
                              if node.is_running()])


def contents(node):
    """Log -> its values, of what the node itself has applied."""
    with node.client(60) as client:
        logs = client.call("log.list", {"stale": True})["logs"]
        return {log["name"]: client.read_all(log["name"], stale=True)
                for log in logs}


def check_everywhere(cluster, *states):
    """All nodes have one and the same of these states; it is returned."""
    cluster.wait_all_applied()
    found = [contents(node) for node in cluster.nodes]
    for node, each in zip(cluster.nodes, found):
        assert each in states, "node %d has a mix: %s" % (
            node.id, {log: len(values) for log, values in each.items()})
    assert all(each == found[0] for each in found), "nodes differ"
    return found[0]


class Scene:
    """Logs, a backup of them, and what was done to them after it."""

    def __init__(self, cluster, count):
        self.cluster = cluster
        with cluster.leader().client(60) as client:
            for log in ("kept", "changed", "lost"):
                client.call("log.create", {"log": log})
            self.then = {"kept": backups.fill(client, "kept", count),
                         "changed": backups.fill(client, "changed", count),
                         "lost": backups.fill(client, "lost", count)}
            self.name = backups.create(cluster)
            client.call("log.delete", {"log": "lost"})
            client.call("log.create", {"log": "later"})
            self.now = {"kept": list(self.then["kept"]),
                        "changed": self.then["changed"] +
                        backups.fill(client, "changed", 4),
                        "later": backups.fill(client, "later", 4)}

    def check(self, *states):
        return check_everywhere(self.cluster, *(states or (self.now,
                                                           self.then)))


def last_operation(node):
    try:
        return status(node).get("last", {}).get("operation", 0)
    except RpcError:
        return None
