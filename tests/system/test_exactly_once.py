# SPDX-License-Identifier: LGPL-3.0-or-later
"""Producers on the wire: a repeated append is never a second one."""

from support.case import SharedCase

WINDOW = 1024  # PRODUCER_WINDOW_WIDE


class ExactlyOnce(SharedCase):
    def open(self, client):
        return client.call("producer.open")["producer"]

    def test_a_repeated_sequence_gets_the_same_answer_and_no_entry(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        request = {"appends": [{"log": log, "entries": ["a", "b"]}],
                   "producer": producer, "sequence": 1}
        first = client.call("log.append", request)
        self.assertEqual(client.call("log.append", request), first)
        self.assertEqual(first["places"], [[1, 2]])
        self.assertEqual(client.read_texts(log), ["a", "b"])

    def test_a_repeat_is_judged_by_its_number_not_its_content(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        client.append(log, "a", producer=producer, sequence=1)
        self.assertEqual(client.append(log, "other", producer=producer,
                                       sequence=1), 1)
        self.assertEqual(client.read_texts(log), ["a"])

    def test_a_gap_is_out_of_order_and_may_be_filled(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        client.append(log, "1", producer=producer, sequence=1)
        self.assertRefused("OUT_OF_ORDER", client.append, log, "3",
                           producer=producer, sequence=3)
        client.append(log, "2", producer=producer, sequence=2)
        client.append(log, "3", producer=producer, sequence=3)
        self.assertEqual(client.read_texts(log), ["1", "2", "3"])

    def test_a_refused_append_uses_up_its_number(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        for _ in range(2):
            self.assertRefused("CONDITION_FAILED", client.append, log, "x",
                               producer=producer, sequence=1,
                               expect_position=9)
        client.append(log, "y", producer=producer, sequence=2)
        self.assertEqual(client.read_texts(log), ["y"])

    def test_an_answer_too_old_to_be_kept_is_said_so(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        last = WINDOW + 16
        for sequence in range(1, last + 1):
            client.append(log, "x", producer=producer, sequence=sequence)
        for sequence in (17, last):
            self.assertEqual(client.append(log, "x", producer=producer,
                                           sequence=sequence), sequence)
        self.assertRefused("DUPLICATE_UNKNOWN", client.append, log, "x",
                           producer=producer, sequence=16)
        self.assertRefused("DUPLICATE_UNKNOWN", client.call, "append.status",
                           {"producer": producer, "sequence": 1})
        self.assertEqual(client.stat(log)["tail"], last + 1)

    def test_an_unknown_producer_is_never_taken_as_new(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        client.call("producer.close", {"producer": producer})
        self.assertRefused("PRODUCER_EXPIRED", client.append, log, "x",
                           producer=producer, sequence=1)
        self.assertEqual(client.stat(log)["tail"], 1)

    def test_status_tells_what_became_of_an_append(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        producer = self.open(client)
        client.append(log, "a", producer=producer, sequence=1)

        def status(sequence):
            return client.call("append.status", {
                "producer": producer, "sequence": sequence})
        self.assertEqual(status(1)["places"], [[1, 1]])
        self.assertRefused("NOT_FOUND", status, 2)
        self.assertRefused("CONDITION_FAILED", client.append, log, "x",
                           producer=producer, sequence=2, expect_position=9)
        self.assertRefused("CONDITION_FAILED", status, 2)

    def test_an_append_to_several_logs_is_whole_or_nothing(self):
        log = self.new_log()
        client = self.leader_client(self.shared)
        client.call("log.create", {"log": log + "/2"})
        done = client.call("log.append", {"appends": [
            {"log": log, "entries": ["a", ["k", "b"]]},
            {"log": log + "/2", "entries": ["c"]}]})
        self.assertEqual(done["places"], [[1, 2], [1, 1]])
        self.assertRefused("NOT_FOUND", client.call, "log.append", {
            "appends": [{"log": log, "entries": ["x"]},
                        {"log": log + "/3", "entries": ["x"]}]})
        self.assertEqual(client.stat(log)["tail"], 3)

    def test_a_repeat_on_the_next_leader_gets_the_same_answer(self):
        log = self.new_log()
        leader = self.shared.leader()
        client = self.client(leader)
        producer = self.open(client)
        requests = [{"appends": [{"log": log, "entries": ["%d" % i]}],
                     "producer": producer, "sequence": i}
                    for i in range(1, 11)]
        answers = [client.call("log.append", each) for each in requests]
        leader.kill()
        successor = self.shared.leader()
        after = self.client(successor)
        self.assertEqual([after.call("log.append", each)
                          for each in requests], answers)
        self.assertEqual(after.call("append.status", {
            "producer": producer, "sequence": 10}), answers[-1])
        after.append(log, "11", producer=producer, sequence=11)
        self.assertEqual(after.read_texts(log),
                         ["%d" % i for i in range(1, 12)])
        leader.start()
        self.shared.wait_all_applied()
