"""The verifier's own formats, held to docs/vectors and to what ECMAScript prints."""

import hashlib
import json
import math
import random
import struct
import unittest

import exports
from context import TESTS, VECTORS

import verify_export
from verify_export import Fault, canonical, canonical_number, read_members


def vectors(name):
    return json.loads((VECTORS / name).read_text("utf-8"))


def read_json(text):
    """Any value: the reader of lines takes objects alone."""
    return read_members(f'{{"value":{text}}}')[0]["value"]


def canonical_bytes(source: bytes) -> bytes:
    return canonical(read_json(source.decode("utf-8"))).encode("utf-8")


class CanonicalJson(unittest.TestCase):
    def test_texts_get_their_canonical_form(self):
        for case in vectors("json.json")["canonical"]:
            with self.subTest(case["text"]):
                made = canonical_bytes(case["text"].encode("utf-8"))
                self.assertEqual(made, case["canonical"].encode("utf-8"))

    def test_a_canonical_form_is_its_own_canonical_form(self):
        for case in vectors("json.json")["canonical"]:
            with self.subTest(case["canonical"]):
                text = case["canonical"].encode("utf-8")
                self.assertEqual(canonical_bytes(text), text)

    def test_what_is_accepted_is_read(self):
        for text in vectors("json.json")["accepted"]:
            with self.subTest(text[:40]):
                canonical_bytes(text.encode("utf-8"))

    def test_what_is_refused_is_refused_unless_canonical_text_may_hold_it(self):
        # 1e20 is accepted and stored as a long integer; __proto__ harms JavaScript alone.
        other_rule = ("integer beyond", "__proto__", "constructor")
        held = 0
        for case in vectors("json.json")["refused"]:
            if case["why"].startswith(other_rule):
                continue
            held += 1
            with self.subTest(case["why"]), self.assertRaises((Fault, ValueError)):
                canonical_bytes(case["text"].encode("utf-8"))
        self.assertGreater(held, 15)

    def test_refused_bytes_are_refused(self):
        for case in vectors("json.json")["refused_bytes"]:
            with self.subTest(case["why"]), self.assertRaises((Fault, ValueError)):
                canonical_bytes(bytes.fromhex(case["hex"]))

    def test_bills_and_payloads_and_policies_have_their_digests(self):
        digests = vectors("digests.json")
        for case in digests["inputs"]:
            text = canonical(case["payload"])
            self.assertEqual(text, case["canonical"])
            digest = "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()
            self.assertEqual(digest, case["input_digest"])
        for case in digests["policies"]:
            files = sorted(case["files"], key=lambda file: file["name"])
            text = canonical({"files": files, "semantics": 1})
            self.assertEqual(text, case["canonical"])
            digest = "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()
            self.assertEqual(digest, case["policy_digest"])

    def test_lineage_records_have_their_hashes(self):
        for case in vectors("lineage-records.json")["records"]:
            aibom = case["aibom"] and canonical_bytes(case["aibom"].encode("utf-8"))
            record = {
                "aibom_sha256": aibom and hashlib.sha256(aibom).hexdigest(),
                "artifacts": case["artifacts"],
                "created_by": case["created_by"],
                "metadata": read_json(case["metadata"]),
                "model_id": case["model_id"],
                "parents": read_json(case["parents"]),
                "v": 1,
                "version": case["version"],
            }
            text = canonical(record)
            self.assertEqual(text, case["canonical"])
            self.assertEqual(hashlib.sha256(text.encode("utf-8")).hexdigest(), case["record_hash"])


class AuditEntries(unittest.TestCase):
    def export(self):
        entries, lines = [], []
        for case in vectors("audit-entries.json")["entries"]:
            made = ("created_at_us", "envelope", "event_hash", "details")
            entry = {name: value for name, value in case.items() if name not in made}
            line = exports.line_of(entry)[:-2].decode("utf-8")
            lines.append(f'{line},"details":{case["details"]}}}\n'.encode())
            entries.append(entry)
        return b"".join([*lines, exports.line_of(exports.trailer_of(entries))])

    def test_the_chain_of_the_vectors_verifies(self):
        verdict = exports.verify(self.export())
        self.assertEqual(verdict["reason"], None)
        self.assertEqual(verdict["entries"], 5)

    def test_times_are_microseconds(self):
        for case in vectors("audit-entries.json")["entries"]:
            self.assertEqual(verify_export.microseconds(case["created_at"]), case["created_at_us"])


class Exports(unittest.TestCase):
    def test_each_export_gets_its_verdict(self):
        cases = vectors("exports.json")["exports"]
        self.assertGreater(len(cases), 150)
        for case in cases:
            data = case["text"].encode("utf-8") if "text" in case else bytes.fromhex(case["hex"])
            verdict = exports.verify(data)
            with self.subTest(case["name"]):
                for name in ("ok", "first_bad_id", "reason", "unaccounted"):
                    self.assertEqual(verdict[name], case[name])
                self.assertEqual(len(verdict["warnings"]), case["warnings"])


class Numbers(unittest.TestCase):
    def test_the_samples_of_rfc_8785_are_printed_as_it_says(self):
        samples = {
            "0000000000000000": "0",
            "8000000000000000": "0",
            "0000000000000001": "5e-324",
            "8000000000000001": "-5e-324",
            "7fefffffffffffff": "1.7976931348623157e+308",
            "ffefffffffffffff": "-1.7976931348623157e+308",
            "4340000000000000": "9007199254740992",
            "c340000000000000": "-9007199254740992",
            "4430000000000000": "295147905179352830000",
            "44b52d02c7e14af5": "9.999999999999997e+22",
            "44b52d02c7e14af6": "1e+23",
            "44b52d02c7e14af7": "1.0000000000000001e+23",
            "444b1ae4d6e2ef4e": "999999999999999700000",
            "444b1ae4d6e2ef4f": "999999999999999900000",
            "444b1ae4d6e2ef50": "1e+21",
            "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
            "3eb0c6f7a0b5ed8d": "0.000001",
            "41b3de4355555553": "333333333.3333332",
            "41b3de4355555557": "333333333.33333343",
            "becbf647612f3696": "-0.0000033333333333333333",
            "43143ff3c1cb0959": "1424953923781206.2",
        }
        for bits, text in samples.items():
            (number,) = struct.unpack(">d", bytes.fromhex(bits))
            self.assertEqual(canonical_number(number), text)

    def test_a_thousand_numbers_are_printed_as_ecmascript_prints_them(self):
        numbers = json.loads((TESTS / "es_numbers.json").read_text("utf-8"))["numbers"]
        self.assertGreater(len(numbers), 900)
        for bits, text in numbers:
            (number,) = struct.unpack(">d", bytes.fromhex(bits))
            self.assertEqual(canonical_number(number), text)

    def test_any_number_reads_back_and_is_its_own_canonical_form(self):
        source = random.Random(8785)
        for _ in range(20_000):
            (number,) = struct.unpack(">d", source.getrandbits(64).to_bytes(8, "big"))
            if math.isfinite(number):
                text = canonical_number(number)
                self.assertEqual(float(text), number)
                self.assertEqual(canonical(read_json(text)), text)


if __name__ == "__main__":
    unittest.main()
