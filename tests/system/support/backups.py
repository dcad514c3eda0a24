# SPDX-License-Identifier: LGPL-3.0-or-later
"""The backups of a cluster: its calls, and the files of its nodes."""

import os

from support.client import RpcError
from support.waiting import wait_until

# Backups by hand only.
NONE = ("--backup-interval", "0")
VALUE = 64 * 1024 - 24
SECONDS = 40


def folder(node):
    """Where it keeps them, unless it was told otherwise."""
    return os.path.join(node.directory, "backups")


def manifest(node, name):
    return os.path.join(folder(node), name + ".manifest")


def packs(node):
    """Paths of the pool's files, the oldest first."""
    pool = os.path.join(folder(node), "chunks")
    return sorted(os.path.join(pool, name) for name in os.listdir(pool)
                  if name.endswith(".pack"))


def has_room(client, log, value):
    """A small disk may be short of it for a moment: for a snapshot, or a file
    that takes the place of others."""
    try:
        client.append(log, value)
        return True
    except RpcError as refusal:
        if refusal.name != "NO_SPACE":
            raise
        return False


def fill(client, log, count):
    """Values of 64 KiB that do not become smaller; returns them."""
    values = [os.urandom(VALUE) for _ in range(count)]
    for value in values:
        wait_until("there is room", lambda value=value: has_room(
            client, log, value))
    return values


def listed(node):
    """What the node says of all: name -> map."""
    return {each["name"]: each
            for each in node.ask("backup.list")["backups"]}


def said(node):
    return node.ask("backup.list")


def state(node, name):
    return listed(node).get(name, {}).get("state", "gone")


def wait_for_state(nodes, name, word="verified", seconds=SECONDS):
    for node in nodes:
        wait_until("%s is %s on node %d" % (name, word, node.id),
                   lambda: node.answers() and state(node, name) == word,
                   seconds)


def create(cluster, name=None, wait=True):
    """On all running nodes, and verified there; its name."""
    with cluster.leader().client() as client:
        answer = client.call("backup.create", {"name": name} if name else {})
    name = answer["backup"]["name"]
    if wait:
        wait_for_state([node for node in cluster.nodes if node.is_running()],
                       name)
    return name


def check(node, name, deep=False):
    """Reads all of it once more."""
    return wait_until("it has time for that", lambda: ask_unless_busy(
        node, "backup.verify", {"name": name, "deep": deep}), SECONDS)


def ask_unless_busy(node, method, params):
    try:
        return node.ask(method, params, 60)
    except RpcError as error:
        if error.name == "BUSY":
            return None
        raise


def problem(node):
    return node.status().get("backups", {}).get("problem", "")


def exported(node, name):
    """The whole stream."""
    data, total = b"", 1
    with node.client(60) as client:
        while len(data) < total:
            piece = client.call("backup.export", {
                "name": name, "offset": len(data), "len": 1 << 20})
            total = piece["total"]
            assert piece["bytes"], "it ends early"
            data += piece["bytes"]
    return data


def verify_error(node, name):
    """The error of the check; None: it is whole."""
    try:
        check(node, name)
    except RpcError as error:
        return error
    return None
