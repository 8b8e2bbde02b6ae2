"""Trees, verifier keys, signed notes and Ed25519, held to docs/vectors."""

import base64
import hashlib
import unittest

import exports
import merkle

from verify_export import (
    LOG,
    WITNESS,
    Tree,
    is_included,
    is_signed,
    leaf_hash,
    node_hash,
    read_checkpoint,
    read_key,
    signs,
    split_notes,
)


def read_or_none(reader, *arguments):
    try:
        return reader(*arguments)
    except ValueError:
        return None


def leaf_of(id):
    return hashlib.sha256(b"entry %d" % id).digest()


class Trees(unittest.TestCase):
    def test_leaves_and_nodes_and_roots_are_those_of_the_vectors(self):
        vectors = exports.vectors("merkle.json")
        hashes, tree = vectors["hashes"], Tree()
        self.assertEqual(leaf_hash(leaf_of(1)).hex(), hashes["leaf_1"])
        leaves = [bytes.fromhex(hashes[name]) for name in ("leaf_1", "leaf_2")]
        self.assertEqual(node_hash(*leaves).hex(), hashes["node_1_2"])
        self.assertEqual(len(vectors["roots"]), 32)
        for case in vectors["roots"]:
            while tree.size < case["size"]:
                tree.append(leaf_of(tree.size + 1))
            self.assertEqual(tree.root().hex(), case["root"])

    def test_inclusion_holds_where_the_vectors_say_so_and_nowhere_else(self):
        cases = exports.vectors("merkle.json")["inclusion"]
        self.assertGreater(len(cases), 150)
        for case in cases:
            leaf = leaf_hash(bytes.fromhex(case["entry_hash"]))
            hashes = [base64.b64decode(hash) for hash in case["hashes"]]
            root = bytes.fromhex(case["root"])
            found = is_included(case["index"], case["size"], leaf, hashes, root)
            with self.subTest(index=case["index"], size=case["size"], why=case.get("why")):
                self.assertEqual(found, case["ok"])

    def test_every_leaf_of_every_small_tree_is_included_by_its_hashes_alone(self):
        leaves = [merkle.leaf(leaf_of(id)) for id in range(1, 41)]
        for size in range(1, len(leaves) + 1):
            for index in range(size):
                hashes, root = merkle.path(index, leaves[:size])
                leaf = leaves[index]
                self.assertTrue(is_included(index, size, leaf, hashes, root))
                self.assertFalse(is_included(index, size, leaf, [*hashes, root], root))
                for at, hash in enumerate(hashes):
                    flipped = bytes([hash[0] ^ 1]) + hash[1:]
                    altered = [*hashes[:at], flipped, *hashes[at + 1 :]]
                    self.assertFalse(is_included(index, size, leaf, altered, root))
                    less = [*hashes[:at], *hashes[at + 1 :]]
                    self.assertFalse(is_included(index, size, leaf, less, root))

    def test_a_tree_keeps_no_more_hashes_than_its_size_has_ones(self):
        tree = Tree()
        for id in range(1, 1001):
            tree.append(leaf_of(id))
            self.assertEqual(len(tree.subtrees), bin(id).count("1"))


class Signatures(unittest.TestCase):
    def setUp(self):
        self.vectors = exports.vectors("checkpoints.json")

    def test_ed25519_is_strict(self):
        self.assertGreater(len(self.vectors["ed25519"]), 40)
        for case in self.vectors["ed25519"]:
            values = [bytes.fromhex(case[n]) for n in ("public_key", "message", "signature")]
            with self.subTest(case["name"]):
                self.assertIs(is_signed(*values), case["ok"])

    def test_verifier_keys_are_read_or_refused(self):
        self.assertGreater(len(self.vectors["keys"]), 60)
        for case in self.vectors["keys"]:
            key = read_or_none(read_key, case["key"], case["type"])
            with self.subTest(case["name"]):
                self.assertEqual(key is not None, case["ok"])
                if key:
                    said = (case["origin"], case["key_id"], case["public_key"])
                    self.assertEqual((key.name, key.id.hex(), key.public_key.hex()), said)

    def test_notes_are_read_or_refused(self):
        self.assertGreater(len(self.vectors["notes"]), 90)
        for case in self.vectors["notes"]:
            data = bytes.fromhex(case["hex"]) if "hex" in case else case["note"].encode("utf-8")
            found = read_or_none(lambda data=data: read_checkpoint(data.decode("utf-8")))
            with self.subTest(case["name"]):
                self.assertEqual(found is not None, case["ok"])
                if found:
                    said = (case["origin"], case["size"], case["root"])
                    self.assertEqual((found.origin, found.size, found.root.hex()), said)

    def test_notes_are_signed_or_not(self):
        self.assertGreater(len(self.vectors["signatures"]), 50)
        for case in self.vectors["signatures"]:
            key = read_or_none(read_key, case["key"], LOG) or read_key(case["key"], WITNESS)
            with self.subTest(case["name"]):
                self.assertIs(signs(key, read_checkpoint(case["note"]).note), case["ok"])

    def test_half_of_a_surrogate_pair_is_neither_key_nor_note(self):
        case = self.vectors["signatures"][0]
        with self.assertRaises(ValueError):
            read_key("\ud800" + case["key"], LOG)
        with self.assertRaises(ValueError):
            read_checkpoint("\ud800" + case["note"])

    def test_files_hold_notes_one_after_another(self):
        self.assertGreater(len(self.vectors["files"]), 15)
        for case in self.vectors["files"]:
            notes = split_notes(case["text"])
            readable = notes and all(read_or_none(read_checkpoint, note) for note in notes)
            with self.subTest(case["name"]):
                self.assertEqual(notes if readable else None, case["notes"])


if __name__ == "__main__":
    unittest.main()
