# SPDX-License-Identifier: LGPL-3.0-or-later
"""Going back to a backup while the cluster runs: what is done and refused."""

import subprocess
import unittest

from support import backups, recovery
from support.case import Case
from support.cli import Cli
from support.client import RpcError
from support.waiting import wait_until

COUNT = 20  # values of 64 KiB in each log: one chunk sealed, one open
METHODS = {
    "stage": {"name": "x"}, "unload": {}, "status": {}, "print": {},
    "diff": {}, "delete": {"stage": 1, "revision": 1, "filter": {"from": 1}},
    "commit": {"stage": 1, "revision": 1, "operation": 1},
    "undo": {"operation": 1}}


class Recovery(Case):
    OPTIONS = backups.NONE

    def setUp(self):
        self.nodes = self.cluster(3, self.OPTIONS)
        self.scene = recovery.Scene(self.nodes, COUNT)
        self.cli = Cli(self.nodes.endpoints())

    def stage(self):
        return recovery.stage(self.nodes.leader(), self.scene.name)

    def test_commit_brings_the_backup_back_and_undo_what_it_replaced(self):
        client = self.leader_client(self.nodes)
        before = {log: client.stat(log) for log in ("kept", "changed")}
        staged = self.stage()
        self.scene.check(self.scene.now)
        answer = recovery.commit(self.nodes, staged)
        self.assertEqual(answer["kind"], "commit")
        self.assertEqual(answer["entries_after"], 3 * COUNT)
        self.scene.check(self.scene.then)
        client = self.leader_client(self.nodes)
        for log, stat in before.items():
            after = client.stat(log)
            self.assertGreater(after["incarnation"], stat["incarnation"])
            self.assertEqual(after["tail"], stat["tail"], log)
        # Positions are never given twice.
        self.assertEqual(client.append("changed", b"x"),
                         before["changed"]["tail"])
        recovery.undo(self.nodes)
        self.scene.check(self.scene.now)
        self.assertEqual(self.leader_client(self.nodes).append(
            "changed", b"y"), before["changed"]["tail"] + 1)

    def test_a_second_stage_is_refused_while_one_is_staged(self):
        staged = self.stage()
        leader = self.nodes.leader()
        error = self.assertRefused("EXISTS", leader.ask, "recovery.stage",
                                   {"name": self.scene.name})
        self.assertIn("unload", str(error))
        self.assertEqual(recovery.status(leader)["stage"], staged["stage"])
        leader.ask("recovery.unload")
        self.assertEqual(recovery.status(leader)["phase"], "none")
        self.stage()

    def test_a_commit_with_nothing_staged_is_refused(self):
        client = self.leader_client(self.nodes)
        error = self.assertRefused("NOT_FOUND", client.call,
                                   "recovery.commit", METHODS["commit"])
        self.assertIn("stage", str(error))
        self.assertRefused("NOT_FOUND", client.call, "recovery.undo",
                           METHODS["undo"])
        self.assertRefused("NOT_FOUND", client.call, "recovery.unload")
        self.assertRefused("NOT_FOUND", client.call, "recovery.print")
        self.assertRefused("NOT_FOUND", client.call, "recovery.diff")
        result = self.cli.run("recovery", "commit", "--yes",
                              "--discard-newer", status=6)
        self.assertIn("recovery stage NAME", result.stderr)
        self.scene.check(self.scene.now)

    def test_a_commit_is_refused_when_something_was_appended_since(self):
        staged = self.stage()
        client = self.leader_client(self.nodes)
        expected = client.call("recovery.print")["state_index"]
        client.append("changed", b"newer")
        self.scene.now["changed"].append(b"newer")
        error = self.assertRefused(
            "CONDITION_FAILED", client.call, "recovery.commit",
            recovery.commit_params(staged, expect_state=expected,
                                   discard_newer=False))
        self.assertEqual(error.position,
                         recovery.status(self.nodes.leader())["state_index"])
        self.scene.check(self.scene.now)
        result = self.cli.run("recovery", "commit", "--yes",
                              "--expect-state", str(expected), status=5)
        self.assertIn("--discard-newer", result.stderr)
        recovery.commit(self.nodes, staged, expect_state=expected)
        self.scene.check(self.scene.then)
        recovery.undo(self.nodes)
        self.scene.check(self.scene.now)

    def test_a_follower_sends_operators_to_the_leader(self):
        self.stage()
        leader = self.nodes.leader()
        for node in self.nodes.others(leader):
            client = self.client(node)
            for method, params in METHODS.items():
                error = self.assertRefused("NOT_LEADER", client.call,
                                           "recovery." + method, params)
                self.assertEqual(error.leader, leader.client_address)
        self.scene.check(self.scene.now)

    def test_an_operation_is_carried_out_once(self):
        staged = self.stage()
        params = recovery.commit_params(staged)
        leader = self.nodes.leader()
        term = leader.status()["term"]
        first = leader.ask("recovery.commit", params)
        recovery.await_step_down(self.nodes, term)
        self.leader_client(self.nodes).append("kept", b"after it")
        leader = self.nodes.leader()
        term = leader.status()["term"]
        self.assertEqual(leader.ask("recovery.commit", params), first)
        self.assertEqual(recovery.status(leader)["last"], first)
        self.scene.then["kept"] = self.scene.then["kept"] + [b"after it"]
        self.scene.check(self.scene.then)
        # It was nothing new, so nobody had to step down.
        self.assertEqual(self.nodes.leader().status()["term"], term)

    def test_one_of_two_operators_wins_and_the_other_is_told_what_to_do(self):
        staged = self.stage()
        leader = self.nodes.leader()
        term = leader.status()["term"]
        one, two = self.client(leader), self.client(leader)
        sent = [(client, client.send("recovery.commit",
                                     recovery.commit_params(staged)))
                for client in (one, two)]
        self.assertEqual(sent[0][0].answer(sent[0][1])["kind"], "commit")
        with self.assertRaises(RpcError) as caught:
            two.answer(sent[1][1])
        self.assertIn(caught.exception.name, ("NOT_FOUND", "NOT_LEADER", "NO_LEADER"))
        recovery.await_step_down(self.nodes, term)
        self.scene.check(self.scene.then)
        # Too late, at the new leader: it is said what happened.
        result = self.cli.run("recovery", "commit", "--yes",
                              "--discard-newer", status=6)
        self.assertIn("recovery status", result.stderr)

    def test_an_edit_by_another_operator_makes_a_commit_stale(self):
        staged = self.stage()
        leader = self.nodes.leader()
        edited = recovery.edit(leader, logs="kept", to=3)
        self.assertEqual(edited["deleted"], 2)
        error = self.assertRefused("CONDITION_FAILED", leader.ask,
                                   "recovery.commit",
                                   recovery.commit_params(staged))
        self.assertIn("look at it again", str(error))
        self.assertRefused("CONDITION_FAILED", leader.ask, "recovery.delete",
                           {"stage": staged["stage"], "revision":
                            staged["revision"], "filter": {"from": 1}})
        self.scene.check(self.scene.now)
        recovery.commit(self.nodes, edited)
        self.scene.then["kept"] = self.scene.then["kept"][2:]
        self.scene.check(self.scene.then)

    def test_what_is_edited_out_leaves_holes_that_readers_pass(self):
        self.stage()
        edited = recovery.edit(self.nodes.leader(), logs="chan*", **{
            "from": 5, "to": 8})
        edited = recovery.edit(self.nodes.leader(), logs="lost")
        self.assertEqual(edited["deleted"], 3 + COUNT)
        recovery.commit(self.nodes, edited)
        then = self.scene.then
        then["changed"] = then["changed"][:4] + then["changed"][7:]
        found = recovery.contents(self.nodes.leader())
        found.pop("lost", None)
        del then["lost"]
        self.assertTrue(found == then)
        page = self.leader_client(self.nodes).call("log.read", {
            "log": "changed", "from": 4})
        self.assertEqual([entry[0] for entry in page["entries"]][:2], [4, 8])

    def test_writers_are_fenced_and_producers_void(self):
        client = self.leader_client(self.nodes)
        epoch = client.call("writer.acquire", {
            "log": "kept", "name": "w"})["writer_epoch"]
        producer = client.call("producer.open")["producer"]
        client.append("changed", b"x", producer=producer, sequence=1)
        recovery.commit(self.nodes, self.stage())
        client = self.leader_client(self.nodes)
        for call in (
                lambda: client.append("changed", b"y", producer=producer,
                                      sequence=2),
                lambda: client.append("changed", b"x", producer=producer,
                                      sequence=1),
                lambda: client.call("append.status", {
                    "producer": producer, "sequence": 1}),
                lambda: client.call("producer.close", {
                    "producer": producer})):
            self.assertRefused("RESTORED", call)
        self.assertRefused("FENCED", client.append, "kept", b"z", epoch=epoch)
        self.assertGreater(client.call("writer.acquire", {
            "log": "kept", "name": "w"})["writer_epoch"], epoch)
        self.assertNotEqual(client.call("producer.open")["producer"],
                            producer)

    def test_followers_of_logs_are_told_on_every_node(self):
        streams = []
        for node in self.nodes.nodes:
            for log in ("kept", "changed"):
                client = self.client(node)
                opened = client.call("log.follow", {
                    "log": log, "from": 0, "credit": 1 << 24, "stale": True})
                streams.append((log, client, opened["incarnation"]))
        words = [self.cli.start("log", "follow", "changed", "--raw",
                                "--from", str(COUNT + 1)) for _ in range(2)]
        for process in words:
            self.addCleanup(process.stdout.close)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            process.stdout.read(1)  # it follows
        recovery.commit(self.nodes, self.stage())
        for log, client, incarnation in streams:
            event = client.notification("log.event")
            self.assertEqual(event["event"], "RESTORED", event)
            self.assertGreater(event["incarnation"], incarnation)
            # Never too late; exact to a chunk.
            self.assertLessEqual(event["position"], COUNT + 1)
        for process in words:
            rest = process.stdout.read()
            self.assertNotEqual(process.wait(20), 0)
            self.assertIn(b"what was read before position", rest[-600:])

    def test_a_program_that_appends_lines_is_told(self):
        process = self.cli.start("log", "append", "changed", "--lines",
                                 "--acks", stdin=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        process.stdin.write(b"first\n")
        process.stdin.flush()
        wait_until("it is acknowledged", lambda: self.leader_client(
            self.nodes).stat("changed")["entries"] == COUNT + 5)
        recovery.commit(self.nodes, self.stage())
        process.stdin.write(b"second\n")
        process.stdin.close()
        rest = process.stdout.read()
        self.assertNotEqual(process.wait(20), 0)
        self.assertIn(b"RESTORED", rest)
        self.scene.check(self.scene.then)

    def test_all_of_it_works_while_the_logs_are_frozen(self):
        client = self.leader_client(self.nodes)
        client.call("cluster.freeze", {"reason": "looking"})
        self.stage()
        edited = recovery.edit(self.nodes.leader(), logs="lost", to=2)
        recovery.commit(self.nodes, edited, discard_newer=False,
                        expect_state=recovery.status(
                            self.nodes.leader())["state_index"])
        self.scene.then["lost"] = self.scene.then["lost"][1:]
        self.scene.check(self.scene.then)
        client = self.leader_client(self.nodes)
        self.assertEqual(client.call("cluster.status")["frozen_reason"],
                         "looking")
        self.assertRefused("FROZEN", client.append, "kept", b"x")
        backups.create(self.nodes, "while-frozen")
        recovery.undo(self.nodes)
        self.scene.check(self.scene.now)
        client = self.leader_client(self.nodes)
        self.assertRefused("FROZEN", client.append, "kept", b"x")
        client.call("cluster.thaw")
        client.append("kept", b"x")

    def test_a_dry_run_says_what_the_commit_then_does(self):
        staged = self.stage()
        leader = self.nodes.leader()
        plan = leader.ask("recovery.commit", {
            "stage": staged["stage"], "revision": staged["revision"],
            "dry_run": True})
        self.assertEqual({key: plan.get(key, 0) for key in (
            "logs_created", "logs_removed", "logs_changed", "logs_same",
            "entries_lost", "entries_back")}, {
                "logs_created": 1, "logs_removed": 1, "logs_changed": 1,
                "logs_same": 1, "entries_lost": 8, "entries_back": COUNT})
        self.scene.check(self.scene.now)
        kinds = {log["name"]: log["kind"]
                 for log in leader.ask("recovery.diff")["logs"]}
        self.assertEqual(kinds, {"kept": "same", "changed": "live_ahead",
                                 "lost": "staged_only", "later": "live_only"})


class Frozen(Case):
    def test_a_node_started_frozen_takes_no_append_when_it_leads(self):
        cluster = self.cluster(3, (*backups.NONE, "--frozen"))
        client = self.leader_client(cluster)
        self.assertRefused("FROZEN", client.call, "log.create", {"log": "a"})
        status = client.call("cluster.status")
        self.assertEqual(status["frozen_reason"], "started with --frozen")
        client.call("cluster.thaw")
        client.call("log.create", {"log": "a"})
        # Once for each process: the next leader was started so, too.
        cluster.leader().kill()
        client = self.client(cluster.leader([node for node in cluster.nodes
                                             if node.is_running()]))
        self.assertRefused("FROZEN", client.append, "a", b"x")


if __name__ == "__main__":
    unittest.main()
