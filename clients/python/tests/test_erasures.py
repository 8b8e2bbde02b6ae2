"""Entries without details verify only if a later entry accounts for them."""

import unittest

import exports

import verify_export

UNACCOUNTED = "details are missing and no erasure accounts for it"


def verify(count, changes, first_id=1):
    chain = exports.make_chain(count, first_id=first_id, changes=changes)
    return exports.verify(exports.export_of(chain))


class Erasures(unittest.TestCase):
    def refused(self, verdict, id, reason):
        self.assertFalse(verdict["ok"])
        self.assertEqual((verdict["first_bad_id"], verdict["reason"]), (id, reason))

    def test_an_erasure_that_accounts_for_its_entries_verifies(self):
        erased = exports.erased_by(4)
        verdict = verify(5, {2: erased, 3: erased, 4: exports.erasure(2, 3, 2)})
        self.assertEqual((verdict["ok"], verdict["reason"]), (True, None))
        self.assertEqual((verdict["erased"], verdict["warnings"]), (2, []))
        self.assertIn("2 of them with erased details", verify_export.report(verdict))

    def test_an_erasure_leaves_out_what_another_erased_before(self):
        changes = {
            1: exports.erased_by(5),
            2: exports.erased_by(4),
            3: exports.erased_by(5),
            4: exports.erasure(2, 2, 1),
            5: exports.erasure(1, 3, 2),
        }
        self.assertTrue(verify(5, changes)["ok"])

    def test_missing_details_without_an_erasure_are_a_fault(self):
        changes = {2: {"details": None, "details_salt": None, "details_hash": "cd" * 32}}
        self.refused(verify(3, changes), 2, UNACCOUNTED)

    def test_an_erasure_by_an_entry_of_another_type_is_a_fault(self):
        self.refused(verify(4, {2: exports.erased_by(4)}), 2, UNACCOUNTED)

    def test_an_entry_outside_of_the_range_of_its_erasure_is_a_fault(self):
        for first_id, last_id in ((2, 2), (3, 3)):
            changes = {
                2: exports.erased_by(4),
                3: exports.erased_by(4),
                4: exports.erasure(first_id, last_id, 2),
            }
            outside = 3 if last_id == 2 else 2
            self.refused(verify(4, changes), outside, UNACCOUNTED)

    def test_an_erasure_that_counts_more_or_less_than_name_it_is_a_fault(self):
        for count in (0, 2, True, -1):
            with self.subTest(count):
                changes = {2: exports.erased_by(4), 4: exports.erasure(1, 3, count)}
                verdict = verify(5, changes)
                self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 4))

    def test_an_erasure_of_entries_that_still_have_details_is_a_fault(self):
        verdict = verify(4, {4: exports.erasure(1, 3, 3)})
        self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 4))

    def test_an_erasure_by_an_earlier_entry_or_itself_is_a_fault(self):
        for eraser in (2, 3):
            changes = {2: exports.erasure(1, 1, 0), 3: exports.erased_by(eraser)}
            self.refused(verify(4, changes), 3, UNACCOUNTED)

    def test_what_the_control_plane_attests_is_never_erased(self):
        for event_type in ("lineage.registered", "policy.activated", "audit.details_erased"):
            erased = {**exports.erased_by(4), "event_type": event_type}
            verdict = verify(4, {2: erased, 4: exports.erasure(2, 2, 1)})
            self.refused(verdict, 2, "an entry of this type is never erased")

    def test_an_erased_entry_that_still_has_details_is_a_fault(self):
        for kept in ({"details": {}}, {"details_salt": "00" * 16}):
            changes = {2: {**exports.erased_by(4), **kept}, 4: exports.erasure(2, 2, 1)}
            if "details" in kept:
                changes[2]["details_salt"] = "00" * 16
            verdict = verify(4, changes)
            self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 2))

    def test_an_eraser_past_the_end_of_a_range_is_a_warning(self):
        verdict = verify(3, {12: exports.erased_by(99)}, first_id=11)
        self.assertTrue(verdict["ok"])
        self.assertIn("up to 99", " ".join(verdict["warnings"]))

    def test_an_erasure_that_reaches_back_before_the_range_is_a_warning(self):
        changes = {12: exports.erased_by(13), 13: exports.erasure(5, 12, 4)}
        verdict = verify(3, changes, first_id=11)
        self.assertTrue(verdict["ok"])
        self.assertIn("reach back", " ".join(verdict["warnings"]))

    def test_an_erasure_counts_no_less_than_name_it_even_if_it_reaches_back(self):
        changes = {
            11: exports.erased_by(13),
            12: exports.erased_by(13),
            13: exports.erasure(5, 12, 1),
        }
        verdict = verify(3, changes, first_id=11)
        self.assertEqual((verdict["ok"], verdict["first_bad_id"]), (False, 13))


if __name__ == "__main__":
    unittest.main()
