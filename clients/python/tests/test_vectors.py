"""The verifier's own formats, held to docs/vectors and to what ECMAScript prints."""

import hashlib
import json
import math
import random
import struct
import unittest

import exports
from context import TESTS
from exports import vectors

import verify_export
from verify_export import Fault, canonical, canonical_number, canonical_slowly, read_members


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
        self.assertGreater(len(cases), 400)
        for case in cases:
            if case["verdict"] is None:
                continue
            found = exports.verify(exports.bytes_of(case), **case.get("options", {}))
            found["warnings"] = len(found["warnings"])
            with self.subTest(case["name"]):
                self.assertEqual({**found, **case["verdict"]}, found)

    def test_what_a_person_gives_and_does_not_fit_is_wrong_usage(self):
        cases = [c for c in vectors("exports.json")["exports"] if c["verdict"] is None]
        self.assertGreater(len(cases), 15)
        for case in cases:
            with self.subTest(case["name"]), self.assertRaises(verify_export.WrongUsage):
                exports.verify(exports.bytes_of(case), **case["options"])


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

    def test_the_fast_way_to_canonical_form_gives_what_the_slow_one_gives(self):
        source = random.Random(3)
        odd = ["\ue000", "\U0001f600", "\ud7ff", "é", "a", "\x7f", "1.0", "2e+05", '"', "\\", "\n"]

        def make(levels):
            kind = source.randrange(9 if levels else 6)
            if kind < 2:
                return source.choice([0.0, -0.0, 1e16, 1e21, 5e-5, 1e-7, 40.0, 12.5, 2**53 - 1, -1])
            if kind < 4:
                return "".join(source.choices(odd, k=source.randrange(4)))
            if kind < 6:
                return source.choice([None, True, False, [], {}])
            if kind < 7:
                return [make(levels - 1) for _ in range(3)]
            return {"".join(source.choices(odd, k=2)): make(levels - 1) for _ in range(3)}

        for _ in range(5_000):
            value = make(3)
            self.assertEqual(canonical(value), canonical_slowly(value))

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
