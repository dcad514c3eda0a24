# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exclusive writers: a newer one shuts the older out, everywhere."""

from support.case import SharedCase


class Fencing(SharedCase):
    def acquire(self, client, log, name):
        return client.call("writer.acquire", {"log": log, "name": name})[
            "writer_epoch"]

    def test_the_old_holder_is_told_and_its_appends_are_refused(self):
        log = self.new_log()
        old = self.leader_client(self.shared)
        new = self.leader_client(self.shared)
        first = self.acquire(old, log, "old")
        old.append(log, "a", epoch=first)
        second = self.acquire(new, log, "new")
        self.assertEqual(old.notification("writer.fenced"),
                         {"log": log, "epoch": first, "newer": second})
        refused = self.assertRefused("FENCED", old.append, log, "b",
                                     epoch=first)
        self.assertEqual(refused.position, second)
        new.append(log, "c", epoch=second)
        self.assertEqual(new.read_texts(log), ["a", "c"])

    def test_an_old_epoch_stays_fenced_on_the_next_leader(self):
        log = self.new_log()
        leader = self.shared.leader()
        client = self.client(leader)
        first = self.acquire(client, log, "old")
        second = self.acquire(client, log, "new")
        leader.kill()
        after = self.client(self.shared.leader())
        self.assertRefused("FENCED", after.append, log, "x", epoch=first)
        self.assertEqual(after.append(log, "y", epoch=second), 1)
        self.assertGreater(self.acquire(after, log, "newest"), second)
        leader.start()
        self.shared.wait_all_applied()

    def test_an_append_without_an_epoch_to_a_held_log_is_refused(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        self.acquire(client, log, "holder")
        self.assertRefused("FENCED", client.append, log, "x")

    def test_a_log_given_back_is_open_and_its_epochs_stay_old(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        epoch = self.acquire(client, log, "holder")
        client.call("writer.release", {"log": log, "epoch": epoch})
        self.assertEqual(client.append(log, "by anybody"), 1)
        self.assertEqual(client.stat(log)["writer_name"], "")
        self.assertGreater(self.acquire(client, log, "next"), epoch)
        self.assertRefused("FENCED", client.append, log, "x", epoch=epoch)

    def test_the_end_of_the_log_ends_the_hold(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        epoch = self.acquire(client, log, "holder")
        client.call("log.delete", {"log": log})
        self.assertEqual(client.notification("writer.fenced"),
                         {"log": log, "epoch": epoch, "newer": 0})
