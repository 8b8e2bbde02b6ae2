"""Whatever the file holds, there is a verdict: no traceback, no unbounded memory."""

import io
import json
import random
import tracemalloc
import unittest

import exports

import verify_export

WRONG = [None, True, False, 0, -1, 1.5, 2**60, 10**30, "", "x", "\0", [], [1], {}, {"a": 1}]


class Endless(io.RawIOBase):
    """A stream that never ends and never has a line end."""

    def __init__(self, pattern=b"a"):
        self.pattern = pattern
        self.given = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        buffer[:] = (self.pattern * (len(buffer) // len(self.pattern) + 1))[: len(buffer)]
        self.given += len(buffer)
        return len(buffer)


class Hostile(unittest.TestCase):
    def refused(self, export, reason=None):
        verdict = exports.verify(export)
        self.assertFalse(verdict["ok"])
        self.assertTrue(verdict["reason"])
        if reason:
            self.assertIn(reason, verdict["reason"])
        return verdict

    def with_details(self, text):
        """An export whose one entry has this text as details, with the hash of it."""
        entry = exports.make_entry(1, exports.ZERO_HASH)
        exports.seal(entry, details_text=text)
        line = exports.lines_of([entry])[0]
        plain = exports.plain_canonical(entry["details"]).encode("utf-8")
        self.assertIn(plain, line)
        return line.replace(plain, text.encode("utf-8")) + exports.line_of(
            exports.trailer_of([entry])
        )

    def test_the_helper_itself_makes_sound_exports(self):
        self.assertTrue(exports.verify(self.with_details('{"n":100000000000000000000}'))["ok"])
        self.assertTrue(exports.verify(self.with_details('{"n":9007199254740992}'))["ok"])

    def test_a_wrong_type_at_any_member_is_a_verdict(self):
        for name in exports.make_entry(1, exports.ZERO_HASH):
            for value in WRONG:
                entry = exports.make_entry(1, exports.ZERO_HASH)
                if value == entry[name] and type(value) is type(entry[name]):
                    continue
                if name == "details" and isinstance(value, dict):
                    continue
                entry[name] = value
                line = exports.line_of(entry)
                with self.subTest(member=name, value=value):
                    self.refused(line + exports.line_of(exports.trailer_of([entry])))

    def test_a_wrong_type_is_refused_though_the_hashes_are_made_for_it(self):
        wrong = {
            "event_type": [None, 1, []],
            "subject": [None, True],
            "actor": [1, {}],
            "request_id": [False, []],
            "decision": [None, 1, "true"],
        }
        for name, values in wrong.items():
            for value in values:
                with self.subTest(member=name, value=value):
                    entry = exports.make_entry(1, exports.ZERO_HASH, **{name: value})
                    self.refused(exports.export_of([entry]), name)

    def test_hashes_in_upper_case_are_refused(self):
        entry = exports.make_entry(11, "AB" * 32)
        self.refused(exports.export_of([entry]), "lower-case")

    def test_lines_that_are_no_entries_are_a_verdict(self):
        for line in (b"[]", b"1", b'"x"', b"null", b"{}", b'{"id":1}', b"{", b"x", b"\0", b"\xff"):
            self.refused(line + b"\n")
            self.refused(line)
        self.refused(b"")

    def test_a_byte_order_mark_is_refused(self):
        self.refused(b"\xef\xbb\xbf" + exports.export_of(exports.make_chain(1)))

    def test_deep_nesting_is_a_verdict(self):
        self.refused(b"[" * 1_000_000 + b"\n")
        self.refused(b'{"a":' * 500_000 + b"\n")
        for depth in (65, 200, 10_000):
            self.refused(self.with_details('{"a":' * depth + "1" + "}" * depth), "nested")
        deepest = '{"a":' * 64 + "1" + "}" * 64
        self.assertTrue(exports.verify(self.with_details(deepest))["ok"])

    def test_numbers_that_canonical_json_does_not_have_are_refused(self):
        for number in (
            "1e999",
            "-1e999",
            "NaN",
            "Infinity",
            "-Infinity",
            "-0",
            "1.0",
            "1E5",
            "01",
            "+1",
            ".5",
            "1" * 5000,
            "0." + "1" * 5000,
            "9007199254740993",
        ):
            with self.subTest(number[:20]):
                self.refused(self.with_details('{"n":' + number + "}"))

    def test_a_number_of_a_million_digits_is_a_verdict(self):
        self.refused(b'{"id":' + b"9" * 1_000_000 + b"}\n", "number")

    def test_texts_that_are_no_text_are_refused(self):
        for text in ("\\ud800", "\\udc00", "\\udc00\\ud800", "\\u0000", "\t", "\\x"):
            with self.subTest(text):
                self.refused(self.with_details('{"t":"' + text + '"}'))
                self.refused(self.with_details('{"' + text + '":1}'))
        for text in ("\\ud800", "\\u0000"):
            entry = exports.make_entry(1, exports.ZERO_HASH, subject="S")
            line = exports.lines_of([entry])[0].replace(b'"S"', b'"' + text.encode() + b'"')
            self.refused(line + exports.line_of(exports.trailer_of([entry])))

    def test_times_that_are_none_are_refused(self):
        for time in (
            "2026-02-30T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01T00:00:60.000000Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000000+00:00",
            "0000-01-01T00:00:00.000000Z",
            "\uff12\uff1026-01-01T00:00:00.000000Z",
        ):
            entry = exports.make_entry(1, exports.ZERO_HASH)
            entry["created_at"] = time
            self.refused(exports.export_of([entry]), "created_at")

    def test_a_line_without_end_is_read_no_further_than_the_bound(self):
        stream = Endless()
        verdict = verify_export.verify(io.BufferedReader(stream))
        self.assertIn("longer than", verdict["reason"])
        self.assertLess(stream.given, verify_export.MAX_LINE + 1024 * 1024)

    def test_a_line_of_millions_of_values_is_refused_before_they_are_made(self):
        for values in (b"[" + b"0," * 6_000_000, b"[" + b"{}," * 4_000_000, b'["",' * 3_000_000):
            with self.subTest(values[:8]):
                self.refused(b'{"a":' + values + b"\n", "values")

    def test_a_long_text_full_of_commas_is_one_value(self):
        long = "," * 2_000_000 + '\\"' * 10
        self.assertTrue(exports.verify(self.with_details('{"t":"' + long + '"}'))["ok"])

    def test_a_trailer_full_of_anything_is_a_verdict(self):
        chain = exports.make_chain(1)
        note = exports.export_vector("one entry, signed by the pinned key")
        trailer = json.loads(note["text"].splitlines()[-1])
        key = trailer["verifier_key"]
        for checkpoint in (
            "\n\n" * 1_000_000,
            "\u2014 a AAAAAAA=\n" * 1_000_000,
            "x\n1\n" + "A" * 10_000_000 + "\n\n\u2014 a AAAAAAA=\n",
            f"x\n{'9' * 60_000}\n\n\u2014 a AAAAAAA=\n",
            f"x\n1\n{'A' * 60_000}\n\n\u2014 a AAAAAAA=\n",
        ):
            export = exports.export_of(chain, checkpoint=checkpoint, verifier_key=key)
            self.refused(export, "checkpoint of the trailer cannot be read")
        for verifier_key in ("+" * 1_000_000, "x+00000000+" + "A" * 10_000_000, "\ud7ff"):
            export = exports.export_of(
                chain, checkpoint=trailer["checkpoint"], verifier_key=verifier_key
            )
            self.refused(export, "verifier_key of the trailer cannot be read")
        hashes = ["A" * 43 + "="] * 400_000
        self.refused(exports.export_of(chain, inclusion=hashes), "inclusion and no checkpoint")

    def test_memory_does_not_grow_with_the_number_of_entries(self):
        def peak(count):
            stream = io.BytesIO(exports.export_of(exports.make_chain(count)))
            tracemalloc.start()
            self.assertTrue(verify_export.verify(stream)["ok"])
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        peak(10)
        self.assertLess(peak(5000), peak(500) + 20_000)

    def test_random_damage_is_a_verdict(self):
        source = random.Random(4)
        export = exports.export_of(exports.make_chain(4))
        said = [json.loads(line) for line in export.splitlines()]
        for _ in range(3000):
            damaged = bytearray(export)
            for _ in range(source.randint(1, 4)):
                begin = source.randrange(len(damaged))
                end = begin + source.randrange(12)
                damaged[begin:end] = source.randbytes(source.randrange(8))
            verdict = exports.verify(bytes(damaged))
            if verdict["ok"]:
                self.assertEqual([json.loads(line) for line in damaged.splitlines()], said)


if __name__ == "__main__":
    unittest.main()
