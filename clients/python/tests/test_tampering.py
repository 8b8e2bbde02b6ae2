"""Whatever is done to an export is found, and the verdict names where."""

import copy
import json
import unittest

import exports
import merkle

OTHER = {
    "id": 7,
    "event_type": "model.rejected",
    "subject": "somebody-else@1",
    "decision": None,  # the other truth value
    "details": {"n": 0},
    "details_salt": "00" * 16,
    "details_hash": "11" * 32,
    "actor": "key:ab12cd34",
    "request_id": None,
    "created_at": "2026-01-01T00:00:00.003001Z",
    "prev_hash": "22" * 32,
    "entry_hash": "33" * 32,
}


class Sound(unittest.TestCase):
    def test_a_sound_export_verifies_and_says_what_it_holds(self):
        chain = exports.make_chain(5)
        leaves = [merkle.leaf(bytes.fromhex(entry["entry_hash"])) for entry in chain]
        self.assertEqual(
            exports.verify(exports.export_of(chain)),
            {
                "ok": True,
                "result": "not_pinned",
                "entries": 5,
                "first_bad_id": None,
                "reason": None,
                "line": None,
                "first_id": 1,
                "last_id": 5,
                "last_entry_hash": chain[-1]["entry_hash"],
                "erased": 0,
                "unaccounted": 0,
                "complete": True,
                "warnings": [],
                "origin": None,
                "size": None,
                "root": merkle.path(0, leaves)[1].hex(),
                "signature": "none",
                "unjudged": 0,
                "witnesses": [],
            },
        )

    def test_an_empty_log_verifies(self):
        verdict = exports.verify(exports.export_of([]))
        self.assertEqual((verdict["ok"], verdict["entries"]), (True, 0))
        self.assertEqual(verdict["last_entry_hash"], "0" * 64)

    def test_a_range_verifies_with_a_warning_about_its_beginning(self):
        verdict = exports.verify(exports.export_of(exports.make_chain(3, first_id=11)))
        self.assertEqual((verdict["ok"], verdict["first_id"], verdict["last_id"]), (True, 11, 13))
        self.assertIn("entry_hash of entry 10", verdict["warnings"][0])

    def test_line_ends_blank_lines_and_a_missing_last_line_end_change_nothing(self):
        export = exports.export_of(exports.make_chain(2))
        for other in (export.replace(b"\n", b"\r\n"), export + b"\n \n", export[:-1]):
            self.assertTrue(exports.verify(other)["ok"])

    def test_entries_of_the_same_microsecond_verify(self):
        same = {"created_at": "2026-01-01T00:00:00.000001Z"}
        chain = exports.make_chain(3, changes={1: same, 2: same, 3: same})
        self.assertTrue(exports.verify(exports.export_of(chain))["ok"])


class Tampering(unittest.TestCase):
    def setUp(self):
        self.chain = exports.make_chain(5)
        self.lines = exports.lines_of(self.chain)
        self.trailer = exports.line_of(exports.trailer_of(self.chain))

    def refused(self, export, id, reason):
        verdict = exports.verify(export)
        self.assertFalse(verdict["ok"])
        self.assertEqual((verdict["first_bad_id"], verdict["reason"]), (id, reason))

    def altered(self, name, value):
        chain = copy.deepcopy(self.chain)
        chain[2][name] = value
        return exports.export_of(chain)

    def test_each_altered_member_of_an_entry_is_found_at_that_entry(self):
        for name, value in OTHER.items():
            other = not self.chain[2]["decision"] if name == "decision" else value
            verdict = exports.verify(self.altered(name, other))
            with self.subTest(name):
                self.assertFalse(verdict["ok"])
                self.assertEqual((verdict["first_bad_id"], verdict["line"]), (3, 3))
                self.assertEqual(verdict["entries"], 2)

    def test_each_missing_member_of_an_entry_is_found_at_that_entry(self):
        for name in OTHER:
            chain = copy.deepcopy(self.chain)
            del chain[2][name]
            with self.subTest(name):
                verdict = exports.verify(exports.export_of(chain))
                self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 3))

    def test_a_member_that_the_format_does_not_have_is_found(self):
        reason = "an entry does not have exactly the members of the format"
        self.refused(self.altered("note", "x"), 3, reason)

    def test_the_reasons_are_those_of_the_service(self):
        reasons = {
            "prev_hash": "prev_hash is not the entry_hash of the entry before",
            "details": "details do not match details_hash",
            "subject": "entry_hash does not match the content",
            "id": "the entry is missing",
        }
        for name, reason in reasons.items():
            with self.subTest(name):
                self.refused(self.altered(name, OTHER[name]), 3, reason)

    def test_an_entry_that_was_hashed_anew_is_found_by_the_next(self):
        self.chain[2]["subject"] = "somebody-else@1"
        exports.seal(self.chain[2])
        reason = "prev_hash is not the entry_hash of the entry before"
        self.refused(exports.export_of(self.chain), 4, reason)

    def test_time_that_goes_back_by_a_microsecond_is_found(self):
        chain = exports.make_chain(
            3,
            changes={
                2: {"created_at": "2026-01-01T00:00:00.500001Z"},
                3: {"created_at": "2026-01-01T00:00:00.500000Z"},
            },
        )
        reason = "created_at is earlier than that of the entry before"
        self.refused(exports.export_of(chain), 3, reason)

    def test_details_that_are_not_spelled_canonically_are_found(self):
        spellings = [b'"n":3.0', b'"n": 3', b'"n":3,"n":3', b'"\\u006e":3', b'"n":3e0']
        for spelling in spellings:
            line = self.lines[2].replace(b'"n":3', spelling)
            self.assertNotEqual(line, self.lines[2])
            with self.subTest(spelling):
                verdict = exports.verify(self.with_line(2, line))
                self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 3))

    def test_canonical_details_inside_of_details_do_not_stand_in_for_them(self):
        inner = {"details": {"a": 1}}
        chain = exports.make_chain(1, changes={1: {"details": inner}})
        export = exports.export_of(chain)
        self.assertTrue(exports.verify(export)["ok"])
        spelled = export.replace(b'"details":{"details":{', b'"details":{"details": {')
        self.assertNotEqual(spelled, export)
        self.refused(spelled, 1, "details are not canonical JSON")

    def with_line(self, index, *lines):
        parts = [*self.lines[:index], *lines, *self.lines[index + 1 :], self.trailer]
        return b"".join(parts)

    def test_a_line_that_cannot_be_read_is_named_by_its_place(self):
        for first_id in (1, 11):
            lines = exports.lines_of(exports.make_chain(3, first_id=first_id))
            for index in range(3):
                broken = [*lines]
                broken[index] = broken[index].replace(b"production", b"\xff")
                verdict = exports.verify(b"".join(broken))
                self.assertEqual(verdict["first_bad_id"], first_id + index)

    def test_a_removed_entry_is_found_wherever_it_was(self):
        self.refused(self.with_line(2), 3, "the entry is missing")
        last = "count of the trailer is not that of the entries"
        self.refused(self.with_line(4), None, last)
        self.refused(self.with_line(0), None, last)

    def test_swapped_entries_are_found(self):
        lines = [*self.lines]
        lines[1], lines[2] = lines[2], lines[1]
        self.refused(b"".join([*lines, self.trailer]), 2, "the entry is missing")

    def test_an_inserted_entry_is_found(self):
        self.refused(self.with_line(2, self.lines[2], self.lines[2]), 4, "the entry is missing")
        forged = exports.make_entry(3, self.chain[1]["entry_hash"], subject="forged")
        self.refused(
            self.with_line(2, *exports.lines_of([forged])),
            4,
            "prev_hash is not the entry_hash of the entry before",
        )

    def test_each_altered_member_of_the_trailer_is_found(self):
        values = {
            "trailer": False,
            "count": 4,
            "first_id": 2,
            "last_id": 4,
            "last_entry_hash": "0" * 64,
            "checkpoint": 1,
            "verifier_key": {},
        }
        for name, value in values.items():
            with self.subTest(name):
                verdict = exports.verify(exports.export_of(self.chain, **{name: value}))
                self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, None))

    def test_a_count_of_another_type_is_found(self):
        chain = exports.make_chain(1)
        for value in (True, 1.0, "1"):
            verdict = exports.verify(exports.export_of(chain, count=value))
            self.assertFalse(verdict["ok"])

    def test_something_after_the_trailer_is_found(self):
        for more in (self.trailer, self.lines[4], b"x"):
            export = b"".join([*self.lines, self.trailer, more])
            self.refused(export, None, "something follows the trailer")

    def test_an_export_without_trailer_is_incomplete_and_names_no_entry(self):
        verdict = exports.verify(b"".join(self.lines))
        self.assertEqual((verdict["ok"], verdict["complete"]), (False, False))
        self.assertEqual((verdict["first_bad_id"], verdict["entries"]), (None, 5))
        self.assertIn("incomplete", verdict["reason"])

    def test_an_export_cut_at_any_byte_is_incomplete(self):
        export = exports.export_of(self.chain[:2])
        for length in range(len(export) - 1):
            verdict = exports.verify(export[:length])
            self.assertIn("incomplete", verdict["reason"])
            self.assertEqual(verdict["first_bad_id"], None)


class Flips(unittest.TestCase):
    def test_no_flipped_bit_verifies_unless_the_same_values_are_read(self):
        hard = {"subject": "\x0b\x7f é \U0001f600 \\\" '", "details": {"a": "\x0bé", "z": [10, 9]}}
        export = exports.export_of(exports.make_chain(2, changes={1: hard}))
        said = [json.loads(line) for line in export.splitlines()]
        spellings = set()
        for at in range(len(export)):
            for bit in range(8):
                flipped = bytearray(export)
                flipped[at] ^= 1 << bit
                if exports.verify(bytes(flipped))["ok"]:
                    read = [json.loads(line) for line in bytes(flipped).split(b"\n") if line]
                    self.assertEqual(read, said)
                    spellings.add((export[at - 5 : at + 1], bytes(flipped[at - 5 : at + 1])))
        # All that is let through: another spelling of the same escape in a subject.
        self.assertEqual(spellings, {(b"\\u000b", b"\\u000B")})


if __name__ == "__main__":
    unittest.main()
