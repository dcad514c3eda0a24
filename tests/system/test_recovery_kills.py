# SPDX-License-Identifier: LGPL-3.0-or-later
"""Leaders that are killed in the middle of a recovery, and nodes that were away:
either the state before or the one after, on every node, never a mix."""

import os
import unittest

from support import backups, recovery
from support.case import Case
from support.client import RpcError
from support.waiting import wait_until
from test_disk_full import DISK, MIB, clear, fill, mount, unmount

COUNT = 20  # values of 64 KiB in each of the logs
MUCH = 24 * 16  # 24 MiB in each: staging them takes a while
ROUNDS = 6  # commits that are cut off
SNAPSHOTS = ("--snapshot-entries", "32", "--snapshot-bytes", "256KiB")
KEPT_BEHIND = 160  # entries of 64 KiB: no raft log goes on so far
SPACE_SECONDS = 40
STAGINGS = 8
SPARE = 64 * MIB  # is left free beside backups


class Kills(Case):
    OPTIONS = backups.NONE

    def scene(self, count=COUNT, options=()):
        self.nodes = self.cluster(3, (*self.OPTIONS, *options))
        return recovery.Scene(self.nodes, count)

    def kill_leader(self):
        """Returns the one that leads then; the killed one is up again."""
        old = self.nodes.leader()
        old.kill()
        new = self.nodes.leader(self.nodes.others(old))
        old.start()
        wait_until("it answers", old.answers)
        return new

    def test_staging_is_interrupted_by_a_kill_and_can_be_repeated(self):
        scene = self.scene(MUCH)
        self.nodes.leader().ask("recovery.stage", {"name": scene.name})
        new = self.kill_leader()
        found = recovery.status(new)
        scene.check(scene.now)
        if found["phase"] == "staged":
            staged = found  # It was very quick.
        else:
            self.assertEqual(found["phase"], "interrupted", found)
            self.assertRefused("NOT_FOUND", new.ask, "recovery.commit",
                               {"stage": found["stage"], "revision": 1,
                                "operation": recovery.operation()})
            staged = recovery.stage(new, scene.name)
        scene.check(scene.now)
        recovery.commit(self.nodes, staged)
        scene.check(scene.then)

    def test_what_is_staged_outlives_every_leader(self):
        scene = self.scene()
        staged = recovery.stage(self.nodes.leader(), scene.name)
        for _ in range(3):
            found = recovery.status(self.kill_leader())
            self.assertEqual(found["phase"], "staged")
            self.assertEqual(found["stage"], staged["stage"])
        for node in self.nodes.nodes:
            node.kill()
        self.nodes.start()
        found = recovery.status(self.nodes.leader())
        self.assertEqual(found["phase"], "staged")
        scene.check(scene.now)
        recovery.commit(self.nodes, found)
        scene.check(scene.then)

    def test_an_edit_that_is_cut_off_leaves_what_was_staged(self):
        scene = self.scene(MUCH)
        staged = recovery.stage(self.nodes.leader(), scene.name)
        filter = {"logs": "*", "from": 2, "to": 4}
        self.nodes.leader().ask("recovery.delete", {
            "stage": staged["stage"], "revision": staged["revision"],
            "filter": filter})
        new = self.kill_leader()
        found = recovery.status(new)
        self.assertEqual(found["phase"], "staged", found)
        self.assertIn((found["revision"], found["entries"]), (
            (staged["revision"], staged["entries"]),
            (staged["revision"] + 1, staged["entries"] - 6)))
        if found["revision"] == staged["revision"]:
            found = recovery.edit(new, **filter)
        self.assertEqual(found["entries"], staged["entries"] - 6)
        scene.check(scene.now)
        recovery.commit(self.nodes, found)
        for values in scene.then.values():
            del values[1:3]
        scene.check(scene.then)

    def test_a_commit_that_is_cut_off_happened_everywhere_or_nowhere(self):
        """The operation id tells which, and the repetition is done once."""
        scene = self.scene()
        cut = 0
        for round in range(ROUNDS):
            leader = self.nodes.leader()
            staged = recovery.stage(leader, scene.name)
            params = recovery.commit_params(staged)
            client = self.client(leader)
            id = client.send("recovery.commit", params)
            if round % 2 == 1:
                # It has come to the raft log of the leader at least.
                wait_until("it is under way", lambda: leader.status()[
                    "last_index"] > staged["stage"])
            leader.kill()
            try:
                client.answer(id)
                answered = True
            except (OSError, EOFError):
                answered = False
                cut += 1
            new = self.nodes.leader(self.nodes.others(leader))
            done = recovery.last_operation(new) == params["operation"]
            if answered:
                self.assertTrue(done)
            leader.start()
            wait_until("it answers", leader.answers)
            scene.check(scene.then if done else scene.now)
            leader = self.nodes.leader()
            term = leader.status()["term"]
            answer = leader.ask("recovery.commit", params)
            self.assertEqual(answer["operation"], params["operation"])
            if not done:
                recovery.await_step_down(self.nodes, term)
            scene.check(scene.then)
            recovery.undo(self.nodes)
            scene.check(scene.now)

    def test_a_leader_killed_before_it_stepped_down_brings_nothing_back(self):
        scene = self.scene()
        for _ in range(3):
            leader = self.nodes.leader()
            staged = recovery.stage(leader, scene.name)
            term = leader.status()["term"]
            leader.ask("recovery.commit", recovery.commit_params(staged))
            leader.kill()
            new = self.nodes.leader(self.nodes.others(leader))
            self.assertGreater(new.status()["term"], term)
            # What is appended now is in the new state.
            position = new.ask("log.append", {"appends": [
                {"log": "changed", "entries": [b"after"]}]})["places"][0][0]
            self.assertEqual(position, COUNT + 5 if _ == 0 else position)
            leader.start()
            wait_until("it answers", leader.answers)
            after = dict(scene.then, changed=scene.then["changed"] +
                         [b"after"])
            scene.check(after)
            recovery.undo(self.nodes)
            scene.check(scene.now)

    def test_every_acknowledged_append_is_in_one_state_or_the_other(self):
        """Appends go on while the commit is made: before it they are in the undo
        state, after it in the new one."""
        scene = self.scene()
        leader = self.nodes.leader()
        staged = recovery.stage(leader, scene.name)
        client = self.client(leader)
        sent = [client.send("log.append", {"appends": [
            {"log": "kept", "entries": [b"%d" % number]}]})
            for number in range(40)]
        commit = client.send("recovery.commit",
                             recovery.commit_params(staged))
        sent += [client.send("log.append", {"appends": [
            {"log": "kept", "entries": [b"%d" % number]}]})
            for number in range(40, 80)]
        acked = []
        for number, id in enumerate(sent):
            try:
                client.answer(id)
                acked.append(b"%d" % number)
            except RpcError as error:
                self.assertIn(error.name, ("NOT_LEADER", "NO_LEADER", "BUSY",
                                           "OUTCOME_UNKNOWN"))
        client.answer(commit)
        self.assertGreater(len(acked), 39)
        self.nodes.leader()
        self.nodes.wait_all_applied()
        after = recovery.contents(self.nodes.leader())["kept"][COUNT:]
        recovery.undo(self.nodes)
        before = recovery.contents(self.nodes.leader())["kept"][COUNT:]
        for value in acked:
            self.assertEqual((before + after).count(value), 1, value)
        self.assertEqual(set(before) & set(after), set())


class Away(Case):
    """Nodes that are down while it happens."""

    def away(self, options=()):
        self.nodes = self.cluster(3, (*backups.NONE, *options))
        scene = recovery.Scene(self.nodes, COUNT)
        late = self.nodes.followers()[0]
        late.kill()
        leader = self.nodes.leader(self.nodes.others(late))
        staged = recovery.stage(leader, scene.name)
        term = leader.status()["term"]
        leader.ask("recovery.commit", recovery.commit_params(staged))
        wait_until("a new term begins", lambda: self.nodes.leader(
            self.nodes.others(late)).status()["term"] > term)
        return scene, late

    def test_a_node_that_was_down_replays_the_commit_from_the_log(self):
        scene, late = self.away()
        late.start()
        wait_until("it answers", late.answers)
        scene.check(scene.then)
        recovery.undo(self.nodes)
        scene.check(scene.now)

    def test_a_node_that_was_down_gets_the_new_state_by_a_snapshot(self):
        scene, late = self.away(SNAPSHOTS)
        leader = self.nodes.leader(self.nodes.others(late))
        behind = leader.status()["last_index"]
        with leader.client(60) as client:
            while leader.status()["snapshot_index"] <= behind + KEPT_BEHIND:
                scene.then["kept"] += backups.fill(client, "kept", 16)
        late.start()
        late.wait_for_log("is being installed")
        wait_until("it answers", late.answers)
        scene.check(scene.then)
        # It has the undo state as well, and can lead.
        leader = self.nodes.leader()
        if leader is not late:
            leader.ask("cluster.transfer", {"to": late.id})
            self.assertIs(self.nodes.leader(), late)
        recovery.undo(self.nodes)
        scene.check(scene.now)


class NoRoom(Case):
    def test_staging_without_room_is_refused_and_repeated_with_room(self):
        self.nodes = self.cluster(3, (
            *backups.NONE, "--snapshot-bytes", "4MiB", "--low-space-bytes",
            "16MiB", "--reserve-bytes", "8MiB"), start=False)
        for node in self.nodes.nodes[:2]:
            self.small_disk(node.directory, DISK + SPARE)
        self.addCleanup(lambda: [node.kill() for node in self.nodes.nodes])
        self.nodes.start()
        scene = recovery.Scene(self.nodes, COUNT)
        for node in self.nodes.nodes[:2]:
            fill(node, 12 * MIB)
        wait_until("space is low", lambda: self.nodes.leader().status()[
            "no_space"], SPACE_SECONDS)
        leader = self.nodes.leader()
        self.assertRefused("NO_SPACE", leader.ask, "recovery.stage",
                           {"name": scene.name})
        self.assertEqual(recovery.status(leader)["phase"], "none")
        for node in self.nodes.nodes[:2]:
            clear(node)
        wait_until("there is room", lambda: not self.nodes.leader().status()[
            "no_space"], SPACE_SECONDS)
        scene.check(scene.now)
        recovery.commit(self.nodes, recovery.stage(self.nodes.leader(),
                                                   scene.name))
        scene.check(scene.then)

    def test_staging_that_fills_the_disks_ends_and_unload_gives_it_back(self):
        self.nodes = self.cluster(3, (
            *backups.NONE, "--snapshot-bytes", "4MiB", "--low-space-bytes",
            "16MiB", "--reserve-bytes", "8MiB"), start=False)
        base = self.directory()
        for node in self.nodes.nodes:
            self.small_disk(node.directory)
        self.addCleanup(lambda: [node.kill() for node in self.nodes.nodes])
        self.nodes.init()
        for node in self.nodes.nodes:
            node.start("--backup-dir", "%s/%d" % (base, node.id))
        leader = self.nodes.leader()
        with leader.client(60) as client:
            client.call("log.create", {"log": "a"})
            kept = backups.fill(client, "a", 40 * 16)
            name = backups.create(self.nodes)
            client.call("log.delete", {"log": "a"})
            client.call("log.create", {"log": "b"})
            client.append("b", b"live")
        self.fill_while_staging(name)
        now = {"b": [b"live"]}
        recovery.check_everywhere(self.nodes, now)
        for node in self.nodes.nodes:
            clear(node)
        if recovery.status(self.nodes.leader())["phase"] != "none":
            self.nodes.leader().ask("recovery.unload")
        wait_until("there is room", lambda: not self.nodes.leader().status()[
            "no_space"], SPACE_SECONDS)
        self.nodes.leader().ask("log.append", {"appends": [
            {"log": "b", "entries": [b"more"]}]})
        recovery.commit(self.nodes, recovery.stage(self.nodes.leader(), name))
        recovery.check_everywhere(self.nodes, {"a": kept})

    def fill_while_staging(self, name):
        """A job may have been quicker: then it is begun again."""
        for _ in range(STAGINGS):
            leader = self.nodes.leader()
            leader.ask("recovery.stage", {"name": name})
            while recovery.status(leader)["phase"] == "staging":
                for node in self.nodes.nodes:
                    fill(node, 12 * MIB)
            found = recovery.status(leader)
            if found["phase"] != "staged":
                self.assertIn("nearly full", found["job_error"])
                return
            for node in self.nodes.nodes:
                clear(node)
            leader.ask("recovery.unload")
            wait_until("there is room", lambda: not leader.status()[
                "no_space"], SPACE_SECONDS)
        self.fail("it was staged without room")

    def small_disk(self, path, size=DISK):
        os.mkdir(path)
        try:
            mount(path, size)
        except OSError as error:
            raise unittest.SkipTest("no small disk can be mounted here: %s" %
                                    error)
        self.addCleanup(unmount, path)


if __name__ == "__main__":
    unittest.main()
