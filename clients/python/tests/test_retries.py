"""Which request is sent again, and which never."""

import email.utils
import socket
import time
import unittest
from unittest import mock

from client_case import ClientTest
from server import REFERENCE, answer, cut_short, hang_up, made, problem

from ai_governance import Client
from ai_governance.retry import parse_retry_after, wait_before

OK = answer(200, {"ok": True})
DECISION = {"allowed": True, "reasons": []}


def log(client):
    return client.log("model.released", "m@1", True)


def register(client):
    return client.register("m", "1", "ann")


def erase(client):
    """A change that has no idempotency key."""
    return client.erase(7, "asked for", "GDPR Art. 17")


ERASURE = answer(200, {"count": 1, "audit": {**REFERENCE, "event_type": "audit.details_erased"}})


class Retries(ClientTest):
    def test_reads_and_decisions_are_sent_again_where_the_fault_can_pass(self):
        calls = {"read": Client.policies, "decision": lambda client: client.validate({})}
        passing = [hang_up, cut_short, *[problem(n, "overloaded") for n in (429, 502, 503, 504)]]
        for name, call in calls.items():
            for script in passing:
                client = self.serve(script, script, answer(200, DECISION))
                with self.subTest(name):
                    self.assertEqual(call(client), DECISION)
                    self.assertEqual(len(self.server.seen), 3)

    def test_one_request_keeps_its_id_when_it_is_sent_again(self):
        client = self.serve(problem(503, "overloaded"), ERASURE)
        erase(client)
        first, second = self.server.seen
        self.assertEqual(first, second)

    def test_a_change_is_sent_again_where_nothing_was_changed(self):
        for script in (problem(503, "overloaded"), problem(429, "too_many_requests")):
            client = self.serve(script, ERASURE)
            self.assertEqual(erase(client)["count"], 1)
            self.assertEqual(len(self.server.seen), 2)

    def test_a_change_without_a_key_whose_outcome_is_unknown_is_never_sent_again(self):
        scripts = {
            "connection": [hang_up, cut_short],
            "outcome_unknown": [problem(503, "outcome_unknown")],
            "upstream_timeout": [problem(504, "upstream_timeout")],
            "upstream_invalid": [problem(502, "upstream_invalid")],
            "internal_error": [problem(500, "internal_error")],
            # Not an answer of the control plane: what is in between knows nothing.
            "invalid_answer": [answer(503, b"<html>"), answer(200, b"<html>"), answer(204, b"")],
        }
        for code, faults in scripts.items():
            for script in faults:
                client = self.serve(script, ERASURE)
                with self.subTest(code):
                    error = self.fails(lambda client=client: erase(client), code)
                    self.assertTrue(error.outcome_unknown)
                    self.assertIn("may or may not", str(error))
                    self.assertEqual(len(self.server.seen), 1)

    def test_a_change_with_a_key_is_sent_again_with_the_same_key(self):
        faults = [hang_up, cut_short, problem(503, "outcome_unknown"), answer(503, b"<html>")]
        faults += [problem(502, "upstream_invalid"), problem(504, "upstream_timeout")]
        for call in (log, register):
            for fault in faults:
                client = self.serve(fault, fault, made())
                self.assertEqual(call(client)["id"], 7)
                first, second, third = self.server.seen
                self.assertRegex(first.headers["Idempotency-Key"], r"^[0-9a-f-]{36}$")
                self.assertEqual((first, second), (second, third))

    def test_each_call_has_a_key_of_its_own_unless_it_is_given_one(self):
        client = self.serve(made())
        keys = set()
        for call in (log, log, register):
            call(client)
            keys.add(self.server.seen[-1].headers["Idempotency-Key"])
        self.assertEqual(len(keys), 3)
        client.log("e", "s", True, idempotency_key="run-7")
        self.assertEqual(self.server.seen[-1].headers["Idempotency-Key"], "run-7")
        for key in ("", "a b", "é", "x" * 201, "a\n"):
            self.fails(
                lambda key=key: client.log("e", "s", True, idempotency_key=key), "invalid_argument"
            )
        self.assertEqual(len(self.server.seen), 4)

    def test_what_an_earlier_attempt_did_stays_unknown(self):
        for status, code in ((503, "overloaded"), (409, "idempotency_conflict")):
            client = self.serve(hang_up, problem(status, code), retries=1)
            error = self.fails(lambda client=client: log(client), code)
            self.assertTrue(error.outcome_unknown)
            self.assertIn("may or may not", str(error))

    def test_an_answer_that_does_not_fit_is_not_asked_for_again(self):
        client = self.serve(answer(200, b"<html>"), made())
        error = self.fails(lambda: log(client), "invalid_answer")
        self.assertTrue(error.outcome_unknown)
        self.assertEqual(len(self.server.seen), 1)

    def test_a_change_that_never_left_is_known_not_to_be_made(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            client = Client(f"http://127.0.0.1:{taken.getsockname()[1]}", retries=0)
            error = self.fails(lambda: log(client), "connection")
        self.assertEqual((error.status, error.outcome_unknown), (None, False))

    def test_a_refusal_is_not_sent_again(self):
        for status, code in ((400, "invalid_request"), (404, "not_found"), (500, "internal_error")):
            client = self.serve(problem(status, code), OK)
            error = self.fails(client.policies, code)
            self.assertEqual((error.status, error.outcome_unknown), (status, False))
            self.assertEqual(len(self.server.seen), 1)

    def test_a_redirect_is_not_followed(self):
        client = self.serve(answer(302, b"", Location="/mcp"), OK)
        self.fails(client.policies, "invalid_answer")
        self.assertEqual(len(self.server.seen), 1)

    def test_retries_end(self):
        client = self.serve(problem(503, "overloaded"), retries=2)
        self.fails(client.policies, "overloaded")
        self.assertEqual((len(self.server.seen), len(self.waits)), (3, 2))

    def test_no_wait_is_shorter_than_retry_after(self):
        client = self.serve(problem(503, "overloaded", Retry_After="7"), made())
        log(client)
        self.assertGreaterEqual(self.waits[0], 7)

    def test_a_wait_past_the_deadline_is_not_begun(self):
        client = self.serve(problem(503, "overloaded", Retry_After="31"), OK)
        error = self.fails(client.policies, "overloaded")
        self.assertEqual((error.retry_after, self.waits), (31, []))

    def test_waits_grow_with_jitter_and_have_an_end(self):
        with mock.patch("random.uniform", lambda low, high: high):
            self.assertEqual([wait_before(n, None) for n in (2, 3, 4)], [0.2, 0.4, 0.8])
            self.assertEqual(wait_before(60, 3), 8)

    def test_retry_after_is_seconds_or_a_date(self):
        self.assertEqual(parse_retry_after("12"), 12)
        soon = parse_retry_after(email.utils.formatdate(time.time() + 3600, usegmt=True))
        self.assertTrue(3000 < soon <= 3600)
        self.assertEqual(parse_retry_after("Mon, 01 Jan 2001 00:00:00 GMT"), 0)
        self.assertGreater(parse_retry_after("9" * 400), 1e9)
        for value in (None, "", "soon", "-1", "1.5", "\u0662"):
            self.assertIsNone(parse_retry_after(value))


if __name__ == "__main__":
    unittest.main()
