# SPDX-License-Identifier: LGPL-3.0-or-later
"""A disk that fails at the n-th call, for every n of a short life of a node: the
node goes on correctly, or it ends with a sentence and is complete when it starts
again."""

import concurrent.futures
import os
import re
import shutil

from support import build
from support.case import Case
from support.client import Client, RpcError
from support.life import (APPENDS, HARMLESS, LIFE_SECONDS, Life, PROGRAM,
                          check_end, value)
from support.waiting import wait_until

ERRNOS = ("ENOSPC", "EIO")
AT_ONCE = 2  # cases
CLUSTER_SEGMENT_BYTES = 512 << 10  # all values in one message must fit
CLUSTER_CALLS = range(6, 130, 8)  # that fail in one node of three


def run_case(folder, template, writer, fault):
    """None, or what is wrong."""
    life = Life(folder, template)
    process = None
    try:
        process = life.run(writer, fault)
        status = life.live(process)
        found = life.fault()
        if status == 0:
            assert found is None or HARMLESS.search(found.group(2)), \
                "it went on as if nothing had happened"
        else:
            check_end(life, status, fault[1])
        process = life.run(writer)
        client = life.connect(process)
        assert client is not None, "it does not start again"
        with client:
            life.check_kept(client)
        process.terminate()
        status = process.wait(LIFE_SECONDS * build.slowness())
        assert status == 0, "it ends with %d afterwards" % status
    except Exception as problem:
        return "%s, call %d, %s: %s: %s\n%s" % (
            writer, *fault, life.fault() and life.fault().group(2),
            repr(problem), life.log()[-3000:])
    finally:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        shutil.rmtree(folder)
    return None


def init_case(folder, fault):
    """None, or what is wrong."""
    life = Life(folder)
    process = None
    try:
        status = life.init(fault=fault)
        if status != 0:
            check_end(life, status, fault[1])
            assert life.init() == 0 or "initialised already" in life.log(), \
                "a second init is refused"
        process = life.run("auto")
        client = life.connect(process)
        assert client is not None, "it does not start"
        client.close()
    except Exception as problem:
        return "init, call %d, %s: %s: %s\n%s" % (
            *fault, life.fault() and life.fault().group(2), repr(problem),
            life.log()[-3000:])
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder)
    return None


class Trio:
    """Three nodes, of which one has the fault, and a client that asks whoever
    leads."""

    def __init__(self, folder, writer):
        os.mkdir(folder)
        self.writer = writer
        self.lives = [Life(os.path.join(folder, "node%d" % id))
                      for id in (1, 2, 3)]
        self.processes = [None] * 3
        self.client = None
        for life in self.lives:
            life.segment_bytes = CLUSTER_SEGMENT_BYTES
        secret = os.path.join(folder, "secret")
        members = ("--members", ",".join(
            life.member(id) for id, life in enumerate(self.lives, 1)))
        first = self.lives[0]
        assert first.init("--node", "1", "--secret-file", secret,
                          *members) == 0, first.log()
        cluster = re.search(r"cluster: *(\S+)", first.log()).group(1)
        for id, life in enumerate(self.lives[1:], 2):
            assert life.init("--node", str(id), "--cluster", cluster,
                             "--secret-file", secret, *members) == 0

    def start(self, at, fault=None):
        self.processes[at] = self.lives[at].run(self.writer, fault)

    def call(self, method, params):
        """Once, if it can be; None: who knows. Only log.create can be found
        done already."""
        try:
            if self.client is None:
                self.client = self.find_leader()
            return self.client and self.client.call(method, params)
        except (OSError, EOFError, RpcError) as problem:
            self.forget_leader()
            # Done by a call whose answer was lost.
            return getattr(problem, "name", None) == "EXISTS" or None

    def find_leader(self):
        for life in self.lives:
            try:
                client = Client(life.address, LIFE_SECONDS)
                client.call("log.list", {"max": 1})
                return client
            except (OSError, EOFError, RpcError):
                continue
        return None

    def forget_leader(self):
        if self.client is not None:
            self.client.close()
        self.client = None

    def must(self, method, params):
        return wait_until("%s is done" % method,
                          lambda: self.call(method, params), LIFE_SECONDS)

    def append_all(self, acked):
        self.must("log.create", {"log": "x"})
        for number in range(1, APPENDS + 1):
            done = self.must("log.append", {"appends": [
                {"log": "x", "entries": [value(number)]}]})
            acked[done["places"][0][0]] = number

    def check_caught_up(self, at, errno):
        """The node has all that was acknowledged, if need be in another life,
        since it may still have to meet its fault."""
        life = self.lives[at]
        commit = self.must("cluster.status", {})["commit_index"]

        def applied():
            if self.processes[at].poll() is not None:
                check_end(life, self.processes[at].returncode, errno)
                self.start(at)
            with Client(life.address, LIFE_SECONDS) as client:
                status = client.call("cluster.status")
                return status["applied_index"] >= commit

        def kept():
            with Client(life.address, LIFE_SECONDS) as client:
                life.check_kept(client, stale=True)
                return True
        wait_until("it has caught up", lambda: applied() and kept(),
                   LIFE_SECONDS)

    def stop(self):
        """In order; a fault that was not met yet may come now."""
        self.forget_leader()
        for process in self.processes:
            process.terminate()
        for at, process in enumerate(self.processes):
            status = process.wait(LIFE_SECONDS * build.slowness())
            assert status == 0 or self.lives[at].fault() is not None, \
                "node %d ends with %d" % (at + 1, status)

    def kill(self):
        self.forget_leader()
        for process in self.processes:
            if process is not None:
                process.kill()
                process.wait()


def trio_case(folder, writer, at, fault):
    """None, or what is wrong."""
    trio = None
    try:
        trio = Trio(folder, writer)
        life = trio.lives[at]
        for each in range(3):
            trio.start(each, fault if each == at else None)
        trio.append_all(life.acked)
        for each in range(3):
            trio.lives[each].acked = life.acked
            trio.check_caught_up(each, fault[1])
        trio.stop()
    except Exception as problem:
        return "%s, node %d, call %d, %s: %r\n%s" % (
            writer, at + 1, *fault, problem,
            trio and "\n".join(each.log()[-2000:] for each in trio.lives))
    finally:
        if trio is not None:
            trio.kill()
        shutil.rmtree(folder)
    return None


class DiskFaults(Case):
    def setUp(self):
        self.assertTrue(os.access(build.path(PROGRAM), os.X_OK),
                        "make %s first" % PROGRAM)
        self.base = self.directory()

    def folder(self, *name):
        return os.path.join(self.base, "-".join(map(str, name)))

    def assertNone(self, calls):
        """No call may return a problem. Some at a time."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            done = [pool.submit(*call) for call in calls]
            problems = [each.result() for each in done]
        problems = [each for each in problems if each is not None]
        self.assertEqual(len(problems), 0, "\n".join(problems[:4]))

    def every_call_fails(self, writer):
        first = Life(self.folder("first"))
        self.assertEqual(first.init(), 0)
        template = self.folder("template")
        shutil.copytree(first.directory, template)
        self.assertEqual(first.live(first.run(writer)), 0, first.log())
        self.assertEqual(len(first.acked), APPENDS)
        count = first.counted()
        self.assertGreater(count, 2 * APPENDS)
        # Some more, because a thread of the node may be faster next time.
        self.assertNone(
            (run_case, self.folder(writer, n, errno), template,
             writer, (n, errno))
            for n in range(1, count + 3) for errno in ERRNOS)

    def test_every_call_may_fail_with_io_uring(self):
        self.every_call_fails("io_uring")

    def test_every_call_may_fail_with_the_thread(self):
        self.every_call_fails("thread")

    def test_every_call_of_init_may_fail(self):
        life = Life(self.folder("first"))
        self.assertEqual(life.init(), 0)
        self.assertNone((init_case, self.folder(n, errno), (n, errno))
                        for n in range(1, life.counted() + 3)
                        for errno in ERRNOS)

    def test_one_node_of_three_may_fail(self):
        self.assertNone(
            (trio_case, self.folder(writer, n), writer, n // 8 % 3,
             (n, ERRNOS[n // 24 % 2]))
            for writer in ("io_uring", "thread") for n in CLUSTER_CALLS)
