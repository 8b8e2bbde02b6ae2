"""The log through the client: batches, erasures, holds, checkpoints and proofs."""

import base64
import copy
import json
import unittest

import exports
import merkle
from client_case import ClientTest
from server import REFERENCE, answer, made, problem

from ai_governance import Client, verify_consistency, verify_inclusion
from ai_governance.proofs import is_consistent

EVENTS = [
    {"event_type": "e", "subject": "a", "decision": True, "details": {"n": 1}},
    {"event_type": "e", "subject": "b", "decision": False},
]
ENTRIES = [{"details": {}, **event, **REFERENCE, "id": 7 + n} for n, event in enumerate(EVENTS)]
ERASER = {**REFERENCE, "event_type": "audit.details_erased"}
HOLD = {
    "id": 3,
    "subject": "a",
    "first_id": None,
    "last_id": None,
    "reason": "a lawsuit",
    "created_at": "2026-01-01T00:00:00.000000Z",
    "released_at": None,
    "audit_id": 8,
}


class SignedLog:
    """Seven entries of the vectors, their checkpoint, and one of the first three."""

    def __init__(self):
        case = exports.export_vector("seven entries, signed by the pinned key")
        *self.entries, trailer = [json.loads(line) for line in case["text"].splitlines()]
        self.key, self.note = trailer["verifier_key"], trailer["checkpoint"]
        self.older = exports.export_vector("an earlier checkpoint that is smaller")
        self.older = self.older["options"]["earlier"][0]
        self.other_key = exports.export_vector("another key of the same name is pinned")
        self.other_key = self.other_key["options"]["key"]
        hashes = [bytes.fromhex(entry["entry_hash"]) for entry in self.entries]
        self.leaves = [merkle.leaf(hash) for hash in hashes]

    def inclusion(self, id):
        hashes = [base64.b64encode(hash).decode() for hash in merkle.path(id - 1, self.leaves)[0]]
        return {"index": id - 1, "size": 7, "hashes": hashes, "checkpoint": self.note}

    def consistency(self):
        """From size 3: the third leaf, the fourth, the first two, the last three."""
        a, b, c, d, e, f, g = self.leaves
        last = merkle.node(merkle.node(e, f), g)
        hashes = [base64.b64encode(hash).decode() for hash in (c, d, merkle.node(a, b), last)]
        return {"from": 3, "to": 7, "hashes": hashes, "checkpoint": self.note}


class AuditTest(ClientTest):
    def refused(self, call, *values, **options):
        """Each of these answers is none to this call."""
        for value in values:
            client = self.serve(answer(200, value))
            pinned = Client(self.server.url, **options)
            with self.subTest(value):
                self.fails(lambda pinned=pinned: call(pinned), "invalid_answer")
            self.assertEqual(client.base_url, pinned.base_url)


class Batches(AuditTest):
    def test_a_batch_is_one_request_with_one_key(self):
        client = self.serve(problem(503, "outcome_unknown"), answer(200, ENTRIES))
        self.assertEqual(client.log_batch(EVENTS), ENTRIES)
        first, second = self.server.seen
        self.assertEqual(first, second)
        self.assertEqual((first.method, first.target), ("POST", "/mcp-audit/log/batch"))
        self.assertEqual(json.loads(first.body), {"events": EVENTS})
        self.assertIn("Idempotency-Key", first.headers)

    def test_the_entries_are_those_of_the_events_in_their_order(self):
        other = {**ENTRIES[1], "subject": "x"}
        twice = {**ENTRIES[1], "id": 7}
        self.refused(
            lambda client: client.log_batch(EVENTS),
            {},
            [],
            ENTRIES[:1],
            ENTRIES[::-1],
            [*ENTRIES, ENTRIES[1]],
            [ENTRIES[0], other],
            [ENTRIES[0], twice],
            [ENTRIES[0], None],
        )

    def test_what_was_erased_since_is_still_the_entry_of_its_event(self):
        erased = {**ENTRIES[0], "details": None, "erased": True, "erased_by": 9}
        client = self.serve(answer(200, erased))
        self.assertEqual(client.log("e", "a", True, {"n": 1}, idempotency_key="k"), erased)
        self.refused(
            lambda client: client.log("e", "a", True, {"n": 1}),
            {**ENTRIES[0], "details": None},
            {**erased, "subject": "x"},
            {**erased, "erased_by": None},
        )


class Erasures(AuditTest):
    def test_details_are_erased_with_a_reason_and_a_legal_basis(self):
        client = self.serve(answer(200, {"count": 1, "audit": ERASER}))
        self.assertEqual(client.erase(5, "asked for", "GDPR Art. 17")["count"], 1)
        seen = self.server.seen[0]
        self.assertEqual(seen.target, "/mcp-audit/events/5/erase")
        body = {"reason": "asked for", "legal_basis": "GDPR Art. 17"}
        self.assertEqual(json.loads(seen.body), body)
        self.assertNotIn("Idempotency-Key", seen.headers)

    def test_an_erasure_that_nothing_attests_is_none(self):
        self.refused(
            lambda client: client.erase(5, "r", "b"),
            {},
            {"count": 1},
            {"count": 1, "audit": {}},
            {"count": True, "audit": ERASER},
            {"count": -1, "audit": ERASER},
            {"count": 1, "audit": {**ERASER, "event_type": "e"}},
        )

    def test_retention_erases_what_is_older(self):
        found = {"count": 4, "skipped_held": 1, "audit": ERASER}
        client = self.serve(answer(200, found))
        before = "2026-01-01T00:00:00Z"
        self.assertEqual(client.retention(before, "r", "b", event_type="e"), found)
        body = {"before": before, "reason": "r", "legal_basis": "b", "event_type": "e"}
        self.assertEqual(json.loads(self.server.seen[0].body), body)
        self.refused(
            lambda client: client.retention(before, "r", "b"), {"count": 4, "audit": ERASER}
        )

    def test_holds_are_made_listed_and_released(self):
        released = {**HOLD, "released_at": "2026-01-02T00:00:00.000000Z"}
        client = self.serve(answer(200, HOLD), answer(200, [HOLD]), answer(200, released))
        self.assertEqual(client.hold("a lawsuit", subject="a"), HOLD)
        self.assertEqual(client.holds(limit=5), [HOLD])
        self.assertEqual(client.release(3, "it is over"), released)
        made_by, listed, ended = self.server.seen
        body = {"reason": "a lawsuit", "subject": "a"}
        self.assertEqual(json.loads(made_by.body), body)
        self.assertEqual(listed.target, "/mcp-audit/holds?limit=5")
        self.assertEqual(ended.target, "/mcp-audit/holds/3/release")
        self.assertEqual(json.loads(ended.body), {"reason": "it is over"})

    def test_a_hold_is_the_one_that_was_asked_for(self):
        self.refused(
            lambda client: client.hold("a lawsuit", first_id=2, last_id=5),
            {},
            HOLD,
            {**HOLD, "first_id": 2, "last_id": 6},
            {**HOLD, "first_id": 2, "last_id": 5, "audit_id": None},
            {**HOLD, "first_id": 2, "last_id": 5, "released_at": "2026-01-02T00:00:00.000000Z"},
        )
        self.refused(lambda client: client.release(3, "r"), HOLD)


class Checkpoints(AuditTest):
    def setUp(self):
        self.log = SignedLog()

    def test_a_checkpoint_and_its_key_are_texts(self):
        client = self.serve(answer(200, self.log.note.encode()))
        self.assertEqual(client.checkpoint(), self.log.note)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/checkpoint")
        client = self.serve(answer(200, self.log.key.encode() + b"\n"))
        self.assertEqual(client.checkpoint_key(), self.log.key)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/checkpoint/key")

    def test_a_checkpoint_is_one_that_the_pinned_key_signed(self):
        self.serve(answer(200, self.log.note.encode()))
        pinned = Client(self.server.url, audit_key=self.log.key)
        self.assertEqual(pinned.checkpoint(), self.log.note)
        forged = self.log.note.replace("\n7\n", "\n8\n").encode()
        self.refused(lambda client: client.checkpoint(), forged, b"x", audit_key=self.log.key)
        good = self.log.note.encode()
        self.refused(lambda client: client.checkpoint(), good, audit_key=self.log.other_key)
        self.refused(lambda client: client.checkpoint(), b"x", b"\xff", {})
        self.fails(lambda: Client(audit_key="x"), "invalid_argument")

    def test_an_inclusion_proof_is_asked_for_by_id_and_held_against_an_entry(self):
        proof = self.log.inclusion(5)
        client = self.serve(answer(200, proof))
        self.assertEqual(client.inclusion_proof(5, size=7), proof)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/proof/inclusion?id=5&size=7")
        right, other = (self.log.entries[n]["entry_hash"] for n in (4, 3))
        self.assertTrue(verify_inclusion(proof, right, self.log.key))
        self.assertFalse(verify_inclusion(proof, other, self.log.key))
        self.assertFalse(verify_inclusion(proof, "x", self.log.key))
        self.assertFalse(verify_inclusion(proof, right, self.log.other_key))
        self.fails(lambda: verify_inclusion(proof, right, "x"), "invalid_argument")
        for other in self.damaged(proof):
            self.assertFalse(verify_inclusion(other, right, self.log.key))
        self.refused(lambda client: client.inclusion_proof(4), proof, {}, [], None)

    def test_a_consistency_proof_is_held_against_a_checkpoint_that_was_kept(self):
        proof = self.log.consistency()
        client = self.serve(answer(200, proof))
        self.assertEqual(client.consistency_proof(3), proof)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/proof/consistency?from=3")
        self.assertTrue(verify_consistency(proof, self.log.older, self.log.key))
        self.assertFalse(verify_consistency(proof, self.log.note, self.log.key))
        self.assertFalse(verify_consistency(proof, self.log.older, self.log.other_key))
        forged = self.log.older.replace("\n3\n", "\n2\n")
        self.assertFalse(verify_consistency(proof, forged, self.log.key))
        for other in self.damaged(proof):
            self.assertFalse(verify_consistency(other, self.log.older, self.log.key))
        self.refused(lambda client: client.consistency_proof(2), proof, {}, [], None)

    def damaged(self, proof):
        """The proof with each of its members left out, of another type or another value."""
        for name, value in proof.items():
            for other in (None, "x", -1, 2**53, True, 2.0, [], ["x"], [None], {}):
                yield {**proof, name: other}
            yield {member: said for member, said in proof.items() if member != name}
            if name == "hashes":
                for at in range(len(value)):
                    yield {**proof, name: value[:at] + value[at + 1 :]}
                    yield {**proof, name: [*value[:at], "A" * 43 + "=", *value[at + 1 :]]}
        yield {**proof, "checkpoint": proof["checkpoint"].replace("\n7\n", "\n8\n")}

    def test_an_event_is_logged_with_its_proof(self):
        entry = self.log.entries[4]
        event = [entry[name] for name in ("event_type", "subject", "decision", "details")]
        found = {**entry, "proof": self.log.inclusion(5)}

        def call(client):
            return client.log(*event, proof=True)

        for key in (None, self.log.key):
            self.serve(answer(200, found))
            self.assertEqual(call(Client(self.server.url, audit_key=key)), found)
            self.assertEqual(self.server.seen[0].target, "/mcp-audit/log?proof=true")
        # Logged, and no signature over it: that is said, and not taken for a failure.
        unproven = {
            **entry,
            "proof": None,
            "proof_error": {"code": "signer_refused", "detail": "d"},
        }
        self.serve(answer(200, unproven))
        self.assertEqual(call(Client(self.server.url, audit_key=self.log.key)), unproven)
        self.refused(call, entry, {**entry, "proof": None}, {**found, "proof": {}})
        self.refused(call, {**found, "proof": self.log.inclusion(4)})
        self.refused(call, found, audit_key=self.log.other_key)

    def test_a_proof_is_one_of_what_the_entry_says(self):
        entry = self.log.entries[4]
        event = [entry[name] for name in ("event_type", "subject", "decision", "details")]
        found = {**entry, "proof": self.log.inclusion(5)}
        for name, value in (
            ("created_at", "2026-01-01T00:00:00.005001Z"),
            ("created_at", "yesterday"),
            ("actor", "key:x"),
            ("prev_hash", "00" * 32),
            ("details_salt", "00" * 16),
            ("entry_hash", self.log.entries[3]["entry_hash"]),
        ):
            altered = copy.deepcopy(found)
            altered[name] = value
            self.refused(
                lambda client: client.log(*event, proof=True), altered, audit_key=self.log.key
            )


class Consistency(unittest.TestCase):
    def test_consistency_holds_where_the_vectors_say_so_and_nowhere_else(self):
        cases = exports.vectors("merkle.json")["consistency"]
        self.assertGreater(len(cases), 150)
        for case in cases:
            roots = [bytes.fromhex(case[name]) for name in ("from_root", "to_root")]
            hashes = [base64.b64decode(hash) for hash in case["hashes"]]
            sizes = (case["from"], case["to"])
            with self.subTest(sizes=sizes, why=case.get("why")):
                self.assertEqual(is_consistent(*sizes, *roots, hashes), case["ok"])


class Replays(ClientTest):
    def test_a_change_that_was_made_before_is_answered_like_one_that_is_made_now(self):
        client = self.serve(made())
        first = client.log("e", "s", True, idempotency_key="k")
        self.assertEqual(client.log("e", "s", True, idempotency_key="k"), first)


if __name__ == "__main__":
    unittest.main()
