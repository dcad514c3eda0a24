# SPDX-License-Identifier: LGPL-3.0-or-later
"""What init and run refuse, and what a started node opens."""

import os
import shutil
import socket
import stat

from support.case import Case
from support.client import Client
from support.daemon import Daemon, quorlogd
from support.ports import free_address
from support.waiting import wait_until

MEMBERS = ("1=127.0.0.1:10/127.0.0.1:11,2=127.0.0.1:12/127.0.0.1:13,"
           "3=127.0.0.1:14/127.0.0.1:15")


class Refused(Case):
    """Programs that end at once."""

    def setUp(self):
        self.base = self.directory()
        self.data = os.path.join(self.base, "data")

    def refused(self, status, words, *texts, env=None):
        done = quorlogd(*words, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)
        return done

    def init(self, *words, **options):
        done = quorlogd("init", "--data-dir", self.data, *words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_an_uninitialised_directory_is_refused_with_what_to_run(self):
        os.mkdir(self.data)
        self.refused(1, ["run", "--data-dir", self.data],
                     "not initialised", "quorlogd init --data-dir", self.data)
        self.assertEqual(os.listdir(self.data), [])

    def test_a_file_in_place_of_the_directory_is_called_that(self):
        with open(self.data, "w", encoding="utf-8"):
            pass
        self.refused(1, ["run", "--data-dir", self.data],
                     "%s is no directory" % self.data)

    def test_init_refuses_a_quorum_size_that_is_not_the_majority(self):
        self.refused(2, ["init", "--data-dir", self.data, "--node", "1",
                         "--members", MEMBERS, "--quorum-size", "3"],
                     "majority of 3 voters is 2")
        self.assertFalse(os.path.exists(self.data))

    def test_init_takes_the_right_quorum_size(self):
        self.init("--node", "1", "--members", MEMBERS, "--quorum-size", "2")

    def test_init_refuses_bad_member_lists(self):
        bad = ["", "1", "1=127.0.0.1:10", "x=127.0.0.1:10/127.0.0.1:11",
               "0=127.0.0.1:10/127.0.0.1:11", MEMBERS + "," + MEMBERS,
               "1=127.0.0.1:10/127.0.0.1:11,2=127.0.0.1:10/127.0.0.1:12",
               "1=127.0.0.1:99999/127.0.0.1:11",
               "1=no host name:10/127.0.0.1:11",
               ",".join("%d=127.0.0.1:%d/127.0.0.1:%d" % (i, i + 100, i + 200)
                        for i in range(1, 11))]
        for members in bad:
            self.refused(2, ["init", "--data-dir", self.data, "--node", "1",
                             "--members", members], "members")
            self.assertFalse(os.path.exists(self.data), members)

    def test_init_refuses_a_node_that_is_no_member(self):
        self.refused(2, ["init", "--data-dir", self.data, "--node", "4",
                         "--members", MEMBERS], "not among the members")

    def test_init_of_several_members_needs_to_know_which_one_it_is(self):
        self.refused(2, ["init", "--data-dir", self.data, "--members",
                         MEMBERS], "--node")

    def test_joining_a_cluster_needs_its_secret(self):
        self.refused(2, ["init", "--data-dir", self.data, "--cluster",
                         "01234567-0123-0123-0123-0123456789ab"], "secret")
        self.refused(2, ["init", "--data-dir", self.data, "--cluster",
                         "01234567-0123-0123-0123-0123456789ab",
                         "--secret", "123"], "secret")

    def test_the_secret_may_come_from_the_environment(self):
        self.init("--cluster", "01234567-0123-0123-0123-0123456789ab",
                  env={"QUORLOGD_SECRET": "0f" * 32})

    def test_the_first_init_writes_a_secret_file_for_its_owner_only(self):
        secret = os.path.join(self.base, "secret")
        text = self.init("--secret-file", secret)
        self.assertEqual(stat.S_IMODE(os.stat(secret).st_mode), 0o600)
        with open(secret) as file:
            self.assertNotIn(file.read().strip(), text)

    def test_an_init_that_is_refused_leaves_no_secret_file(self):
        secret = os.path.join(self.base, "secret")
        os.mkdir(self.data)
        letter = os.path.join(self.data, "letter.txt")
        with open(letter, "w") as file:
            file.write("not ours")
        words = ["init", "--data-dir", self.data, "--secret-file", secret]
        self.refused(2, words, "letter.txt")
        self.assertFalse(os.path.exists(secret))
        os.unlink(letter)
        self.init("--secret-file", secret)
        self.refused(1, words, "secret exists")
        self.assertTrue(os.path.exists(secret))

    def test_a_second_init_of_the_same_directory_is_refused(self):
        self.init()
        with open(os.path.join(self.data, "identity")) as file:
            before = file.read()
        self.refused(1, ["init", "--data-dir", self.data],
                     "initialised already")
        with open(os.path.join(self.data, "identity")) as file:
            self.assertEqual(file.read(), before)

    def test_init_refuses_a_directory_that_holds_something_else(self):
        os.mkdir(self.data)
        with open(os.path.join(self.data, "letter.txt"), "w") as file:
            file.write("not ours")
        self.refused(2, ["init", "--data-dir", self.data], "letter.txt")

    def test_a_directory_of_another_cluster_is_refused(self):
        self.init()
        self.refused(1, ["run", "--data-dir", self.data, "--cluster",
                         "01234567-0123-0123-0123-0123456789ab"],
                     "belongs to cluster", "correct --cluster or --data-dir")

    def test_a_directory_of_another_node_is_refused(self):
        self.init()
        self.refused(1, ["run", "--data-dir", self.data, "--node", "2"],
                     "belongs to node 1", "correct --node or --data-dir")

    def test_a_damaged_identity_is_refused(self):
        self.init()
        path = os.path.join(self.data, "identity")
        with open(path, "r+b") as file:
            file.seek(20)
            byte = file.read(1)
            file.seek(20)
            file.write(bytes([byte[0] ^ 1]))
        self.refused(1, ["run", "--data-dir", self.data],
                     "identity cannot be trusted")

    def test_a_lost_identity_does_not_let_init_begin_anew(self):
        self.init()
        os.unlink(os.path.join(self.data, "identity"))
        self.refused(1, ["run", "--data-dir", self.data], "not initialised")
        self.refused(2, ["init", "--data-dir", self.data], "raft log")

    def test_unknown_words_get_the_nearest_name(self):
        self.refused(2, ["rnu"], "run")
        self.refused(2, ["run", "--data-dri", self.data], "--data-dir")
        self.refused(2, ["init", "--quorumsize", "2"], "--quorum-size")
        self.refused(2, ["dev", "--lsiten", "x"], "--listen")
        self.refused(2, ["run", "more"], "more")


class Started(Case):
    def test_a_second_daemon_on_the_same_directory_names_the_first(self):
        node = self.cluster(1).node(1)
        done = quorlogd("run", "--data-dir", node.directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is in use", done.stderr)
        self.assertIn(str(node.pid), done.stderr)
        self.assertEqual(node.status()["role"], "leader")

    def test_the_lock_of_a_killed_daemon_is_no_obstacle(self):
        cluster = self.cluster(1)
        node = cluster.node(1)
        node.kill()
        node.start()
        cluster.leader()

    def test_a_peer_port_in_use_is_said_and_ends_the_start(self):
        cluster = self.cluster(3)
        node = cluster.node(1)
        taken = node.peer_address
        other = cluster.node(2)
        other.stop()
        other.start("--listen-peer", taken)
        self.assertEqual(other.wait(), 1)
        self.assertIn(taken, other.log())
        self.assertIn("in use", other.log())

    def test_a_client_port_in_use_is_said_and_ends_the_start(self):
        cluster = self.cluster(1)
        taken = cluster.node(1).client_address
        data = os.path.join(self.directory(), "data")
        quorlogd("init", "--data-dir", data, check=True)
        done = quorlogd("run", "--data-dir", data, "--listen", taken)
        self.assertEqual(done.returncode, 1)
        self.assertIn(taken.split(":")[1], done.stderr)

    def test_it_listens_on_loopback_only(self):
        node = self.cluster(3).leader()
        found = listening(node.pid)
        self.assertEqual(found, sorted([node.client_address,
                                        node.peer_address]))

    def test_the_unix_socket_is_for_its_owner_only_and_serves(self):
        node = self.cluster(1).node(1)
        path = os.path.join(node.directory, "quorlogd.sock")
        mode = os.stat(path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        with Client(path) as client:
            self.assertEqual(client.call("server.hello", {"protocol": 1})
                             ["node"], 1)

    def test_the_socket_of_a_killed_daemon_is_replaced(self):
        cluster = self.cluster(1)
        node = cluster.node(1)
        node.kill()
        node.start()
        cluster.leader()
        path = os.path.join(node.directory, "quorlogd.sock")
        with Client(path) as client:
            client.call("server.ping")

    def test_dev_serves_from_a_directory_that_it_removes(self):
        base = self.directory()
        address = free_address()
        dev = Daemon(os.path.join(base, "log"), "dev", "--listen", address,
                     env={"TMPDIR": base})
        self.addCleanup(dev.kill)
        dev.start()
        dev.wait_for_log("export QUORLOG_ENDPOINTS=%s" % address)
        with Client(address) as client:
            client.call("log.create", {"log": "hello"})
            self.assertEqual(client.append("hello", "first"), 1)
        self.assertEqual(len(os.listdir(base)), 2)
        dev.stop()
        self.assertEqual(os.listdir(base), ["log"])

    def test_dev_that_cannot_start_leaves_nothing(self):
        base = self.directory()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = quorlogd("dev", "--listen",
                            "127.0.0.1:%d" % taken.getsockname()[1],
                            env={"TMPDIR": base})
        self.assertEqual(done.returncode, 1)
        self.assertIn("address already in use", done.stderr)
        self.assertEqual(os.listdir(base), [])

    def test_dev_refuses_an_address_before_it_makes_anything(self):
        base = self.directory()
        done = quorlogd("dev", "--listen", "127.0.0.1:22x",
                        env={"TMPDIR": base})
        self.assertEqual(done.returncode, 2)
        self.assertIn("--listen: port of address", done.stderr)
        self.assertEqual(os.listdir(base), [])

    def test_dev_that_is_stopped_while_it_loads_leaves_nothing(self):
        base = self.directory()
        dev = Daemon(os.path.join(base, "log"), "dev", "--listen",
                     free_address(), env={"TMPDIR": base})
        self.addCleanup(dev.kill)
        dev.start()
        wait_until("it makes its directory", lambda: os.listdir(base) != ["log"])
        dev.stop()
        self.assertEqual(os.listdir(base), ["log"])

    def test_a_data_directory_that_moved_is_still_the_node(self):
        cluster = self.cluster(1)
        node = cluster.node(1)
        node.ask("log.create", {"log": "kept"})
        node.stop()
        moved = node.directory + ".moved"
        shutil.move(node.directory, moved)
        node.words[node.words.index(node.directory)] = moved
        node.start()
        with cluster.leader().client() as client:
            self.assertEqual(client.stat("kept")["tail"], 1)


def listening(pid):
    """The TCP addresses on which a process listens."""
    inodes = set()
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            target = os.readlink("/proc/%d/fd/%s" % (pid, name))
        except FileNotFoundError:
            continue  # Closed meanwhile.
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        with open(table) as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] != "0A" or fields[9] not in inodes:
                    continue
                host, port = fields[1].split(":")
                if len(host) == 8:
                    host = ".".join(str(int(host[i:i + 2], 16))
                                    for i in (6, 4, 2, 0))
                found.append("%s:%d" % (host, int(port, 16)))
    return sorted(found)
