"""The client against a real server: what it sends, again or not, and what it raises."""

import json
import unittest
from unittest import mock
from urllib.parse import parse_qs, urlsplit

from client_case import ClientTest
from server import answer, made, problem

import ai_governance
from ai_governance import Client

OK = answer(200, {"ok": True})
DECISION = {"allowed": True, "reasons": []}


def log(client):
    return client.log("model.released", "m@1", True)


class Requests(ClientTest):
    def test_a_post_carries_what_was_given_and_nothing_else(self):
        client = self.serve(made())
        found = client.log("e", "é", False, {"n": [1, None]}, request_id="r-1")
        self.assertEqual((found["id"], found["subject"]), (7, "é"))
        seen = self.server.seen[0]
        self.assertEqual((seen.method, seen.target), ("POST", "/mcp-audit/log"))
        self.assertEqual(seen.headers["Content-Type"], "application/json")
        self.assertEqual(seen.headers["X-Request-ID"], "r-1")
        body = {"event_type": "e", "subject": "é", "decision": False, "details": {"n": [1, None]}}
        self.assertEqual(json.loads(seen.body), body)

    def test_registering_leaves_out_what_is_not_given(self):
        client = self.serve(made())
        client.register("m", "1", "ann", artifacts=[])
        body = {"model_id": "m", "version": "1", "created_by": "ann", "artifacts": []}
        self.assertEqual(json.loads(self.server.seen[0].body), body)

    def test_any_text_travels_in_a_query(self):
        client = self.serve(answer(200, []))
        model_id = "org/a%2F;b&c=d +é?#😀"
        client.lineage(model_id, at="2026-01-01T00:00:00+01:00", limit=5)
        target = urlsplit(self.server.seen[0].target)
        query = parse_qs(target.query, strict_parsing=True)
        self.assertEqual(target.path, "/mcp-lineage/lineage")
        at = "2026-01-01T00:00:00+01:00"
        self.assertEqual(query, {"model_id": [model_id], "at": [at], "limit": ["5"]})

    def test_filters_of_events_become_query_names(self):
        client = self.serve(answer(200, []))
        client.events(decision=False, from_="2026-01-01T00:00:00Z", limit=2)
        query = parse_qs(urlsplit(self.server.seen[0].target).query)
        said = {"decision": ["false"], "from": ["2026-01-01T00:00:00Z"], "limit": ["2"]}
        self.assertEqual(query, said)

    def test_events_are_walked_page_by_page_to_the_end(self):
        pages = [[{"id": 9}, {"id": 7}], [{"id": 2}], []]
        client = self.serve(*[answer(200, page) for page in pages])
        self.assertEqual([entry["id"] for entry in client.iterate_events(actor="a")], [9, 7, 2])
        targets = [seen.target.partition("?")[2] for seen in self.server.seen]
        self.assertEqual(targets, ["actor=a", "actor=a&before=7", "actor=a&before=2"])

    def test_a_request_says_which_version_it_comes_from(self):
        self.serve(OK)
        Client(self.server.url).policies()
        agent = self.server.seen[0].headers["User-Agent"]
        self.assertEqual(agent, f"ai-governance-client-python/{ai_governance.__version__}")

    def test_an_address_may_have_a_path_in_front(self):
        self.serve(OK)
        Client(self.server.url + "/governance/").policies()
        self.assertEqual(self.server.seen[0].target, "/governance/mcp-policy/policies")

    def test_all_steps_of_verification_are_walked(self):
        step = {"ok": True, "first_bad_id": None, "reason": None}
        client = self.serve(
            answer(200, {**step, "entries": 5, "next_from_id": 6}),
            answer(200, {**step, "entries": 2, "next_from_id": None}),
            answer(200, {**step, "records": 3, "next_from_id": None}),
        )
        found = client.verify()
        self.assertEqual((found["ok"], found["audit"]["checked"]), (True, 7))
        self.assertEqual(self.server.seen[1].target, "/mcp-audit/verify?from_id=6")

    def test_what_is_no_json_is_never_sent(self):
        client = self.serve(OK)
        for details in ({"n": float("nan")}, {"t": "\ud800"}, {"o": object()}):
            self.fails(
                lambda details=details: client.log("e", "s", True, details), "invalid_argument"
            )
        self.fails(lambda: client.log("e", "s", True, request_id="a b"), "invalid_argument")
        self.assertEqual(self.server.seen, [])


class Evidence(ClientTest):
    def refused(self, call, script, unknown):
        client = self.serve(script)
        error = self.fails(lambda: call(client), "invalid_answer")
        self.assertEqual((error.status, error.outcome_unknown), (200, unknown))
        self.assertEqual(error.request_id, self.server.seen[0].headers["X-Request-ID"])
        self.assertEqual(len(self.server.seen), 1)

    def test_a_decision_allows_by_true_alone_and_never_with_reasons_against_it(self):
        self.serve(answer(200, {"allowed": False, "reasons": ["no"]}))
        for value in (
            {},
            [],
            {"allowed": "true", "reasons": []},
            {"allowed": "false", "reasons": []},
            {"allowed": 1, "reasons": []},
            {"allowed": True},
            {"allowed": True, "reasons": ["no"]},
            {"allowed": False, "reasons": [1]},
        ):
            with self.subTest(value):
                self.refused(lambda client: client.validate({}), answer(200, value), False)

    def test_an_entry_is_evidence_of_exactly_the_event_that_was_sent(self):
        for script in (
            answer(200, {}),
            answer(200, {"id": 7}),
            made(id="7"),
            made(id=0),
            made(entry_hash="xy"),
            made(subject="other"),
            made(decision=1),
            made(event_type="other"),
            made(details={"n": True}),
            made(details=None),
        ):
            self.refused(lambda client: client.log("e", "s", True, {"n": 1}), script, True)

    def test_what_travels_in_another_spelling_is_the_same(self):
        client = self.serve(made(details={"n": 1, "t": [1, 2], "1": 10**20}))
        self.assertEqual(client.log("e", "s", True, {"n": 1.0, "t": (1, 2), 1: 1e20})["id"], 7)

    def test_a_record_is_evidence_of_exactly_what_was_registered(self):
        for script in (
            answer(200, {}),
            made(record_hash=None),
            made(audit={}),
            made(revision="1"),
            made(version="2"),
            made(artifacts=["sha256:cd"]),
            made(metadata={"a": 1}),
            made(aibom={}),
        ):
            self.refused(
                lambda client: client.register("m", "1", "a", artifacts=["sha256:ab"]), script, True
            )

    def test_answers_that_bring_nothing_new_end_a_loop(self):
        client = self.serve(answer(200, [{"id": 7}]))
        self.fails(lambda: list(client.iterate_events()), "invalid_answer")
        step = {"ok": True, "first_bad_id": None, "reason": None, "entries": 1, "next_from_id": 1}
        client = self.serve(answer(200, step))
        self.fails(client.verify, "invalid_answer")


class Deadlines(ClientTest):
    def test_a_server_that_does_not_answer_is_a_deadline(self):
        client = self.serve(lambda _: self.server.over.wait(30), timeout=0.3)
        self.assertFalse(self.fails(client.policies, "deadline").outcome_unknown)
        self.assertTrue(self.fails(lambda: log(client), "deadline").outcome_unknown)
        self.assertEqual(len(self.server.seen), 2)

    def test_a_server_that_sends_byte_by_byte_is_left_at_the_deadline(self):
        finished = []

        def drip(handler, text):
            for byte in text:
                handler.wfile.write(bytes([byte]))
                if self.server.over.wait(0.01):
                    return
            finished.append(text)

        head = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Long: " + b"x" * 500 + b"\r\n\r\n"
        body = b"HTTP/1.1 200 OK\r\nContent-Length: 511\r\n\r\n" + b" " * 500
        for text in (head + b'{"ok":true}', body + b'{"ok":true}'):
            client = self.serve(lambda handler, text=text: drip(handler, text), timeout=0.3)
            self.fails(client.policies, "deadline")
        self.assertEqual(finished, [])

    def test_a_timeout_must_be_a_number_of_seconds(self):
        for timeout in (0, -1, float("inf"), float("nan"), "5"):
            with self.subTest(timeout):
                self.fails(lambda timeout=timeout: Client(timeout=timeout), "invalid_argument")


class Errors(ClientTest):
    def test_problem_details_become_an_error(self):
        items = [{"path": "decision", "message": "is missing"}]
        body = {"code": "invalid_request", "detail": "d", "request_id": "r", "errors": items}
        error = self.fails(self.serve(answer(400, body)).policies, "invalid_request")
        said = (error.status, error.request_id, error.detail, error.errors)
        self.assertEqual(said, (400, "r", "d", items))

    def test_problem_details_of_wrong_types_do_no_harm(self):
        for body in ([], {"code": 1, "errors": 5}, {"code": None, "detail": {}}, "x", b"\xff", b""):
            error = self.fails(self.serve(answer(400, body)).policies, "invalid_answer")
            self.assertEqual((error.status, error.errors), (400, []))

    def test_an_answer_that_is_too_large_is_refused(self):
        client = self.serve(answer(200, b" " * 3000))
        with mock.patch("ai_governance.exchange.MAX_ANSWER", 2000):
            self.fails(client.policies, "answer_too_large")

    def test_what_is_no_http_is_no_answer(self):
        client = self.serve(lambda handler: handler.wfile.write(b"SSH-2.0\r\n"), retries=0)
        self.fails(client.policies, "connection")

    def test_an_answer_before_the_body_was_read_is_seen(self):
        client = self.serve(problem(413, "body_too_large"))
        self.server.reads_bodies = False
        self.fails(lambda: client.log("e", "s", True, {"t": "x" * 9_000_000}), "body_too_large")

    def test_not_ready_is_a_status(self):
        missing = {"code": "not_ready", "errors": [{"path": "database", "message": "is away"}]}
        client = self.serve(
            answer(200, {"services": ["mcp-audit"]}), OK, answer(503, missing, Retry_After="1")
        )
        status = client.status()
        self.assertFalse(status["ready"])
        audit = {"ready": False, "missing": ["database is away"]}
        self.assertEqual(status["services"], {"mcp-audit": audit})
        self.assertEqual(self.waits, [])


if __name__ == "__main__":
    unittest.main()
