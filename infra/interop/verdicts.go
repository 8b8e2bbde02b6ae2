package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
)

var hasher = rfc6962.DefaultHasher

// Verdicts are what the two verifiers say of one proof; nil is yes.
type verdicts struct {
	merkle, tlog error
}

// accepted is nil where both say yes.
func (v verdicts) accepted() error {
	return errors.Join(v.merkle, v.tlog)
}

// refused is an error where both say no.
func (v verdicts) refused() error {
	if v.merkle == nil || v.tlog == nil {
		return nil
	}
	return v.accepted()
}

// An inclusion is a proof with what it is about.
type inclusion struct {
	index, size uint64
	leaf, root  []byte
	hashes      [][]byte
}

// verify asks transparency-dev/merkle and sumdb/tlog.
func (p inclusion) verify() verdicts {
	return verdicts{
		merkle: proof.VerifyInclusion(hasher, p.index, p.size, p.leaf, p.hashes, p.root),
		tlog: tlog.CheckRecord(
			tlogHashes(p.hashes), int64(p.size), tlog.Hash(p.root), int64(p.index), tlog.Hash(p.leaf),
		),
	}
}

// verifyBothWays verifies the proof, and that it is refused with a bit changed in each of its hashes, in the leaf or
// in the root, with a hash more or less, and for another index.
func (p inclusion) verifyBothWays(counts *tally) error {
	if err := p.verify().accepted(); err != nil {
		return fmt.Errorf("leaf %d in %d: %w", p.index, p.size, err)
	}
	counts.inclusion++
	for what, hashes := range changedProofs(p.hashes, int(p.index)) {
		changed := p
		changed.hashes = hashes
		if err := counts.refusal(changed.verify().refused(), "leaf %d in %d: %s", p.index, p.size, what); err != nil {
			return err
		}
	}
	leaf, root, other := p, p, p
	leaf.leaf = flipped(p.leaf, int(p.index%256))
	root.root = flipped(p.root, int(p.index%256))
	other.index ^= 1
	for what, changed := range map[string]inclusion{"leaf": leaf, "root": root, "index": other} {
		if err := counts.refusal(changed.verify().refused(), "leaf %d in %d: %s", p.index, p.size, what); err != nil {
			return err
		}
	}
	return nil
}

// A consistency is a proof with what it is about.
type consistency struct {
	from, to         uint64
	fromRoot, toRoot []byte
	hashes           [][]byte
}

// verify asks transparency-dev/merkle and, where there is an older tree, sumdb/tlog: it knows no proof from nothing.
func (p consistency) verify() verdicts {
	first := proof.VerifyConsistency(hasher, p.from, p.to, p.hashes, p.fromRoot, p.toRoot)
	if p.from == 0 {
		return verdicts{merkle: first, tlog: first}
	}
	return verdicts{
		merkle: first,
		tlog: tlog.CheckTree(
			tlogHashes(p.hashes), int64(p.to), tlog.Hash(p.toRoot), int64(p.from), tlog.Hash(p.fromRoot),
		),
	}
}

// verifyBothWays verifies the proof, and that it is refused with a bit changed in each of its hashes or in one of
// the roots, and with a hash more or less.
func (p consistency) verifyBothWays(counts *tally) error {
	if err := p.verify().accepted(); err != nil {
		return fmt.Errorf("from %d to %d: %w", p.from, p.to, err)
	}
	counts.consistency++
	changed := map[string]consistency{}
	for what, hashes := range changedProofs(p.hashes, int(p.from)) {
		one := p
		one.hashes = hashes
		changed[what] = one
	}
	// Every tree continues the empty one, whatever its root.
	if p.from > 0 {
		older, newer := p, p
		older.fromRoot = flipped(p.fromRoot, int(p.from%256))
		newer.toRoot = flipped(p.toRoot, int(p.from%256))
		changed["older root"], changed["newer root"] = older, newer
	}
	for what, one := range changed {
		if err := counts.refusal(one.verify().refused(), "from %d to %d: %s", p.from, p.to, what); err != nil {
			return err
		}
	}
	return nil
}

// changedProofs are proofs that differ from a right one in one bit of one hash, or by one hash. `seed` varies the bit.
func changedProofs(hashes [][]byte, seed int) map[string][][]byte {
	changed := map[string][][]byte{"one hash more": append(slices.Clone(hashes), make([]byte, 32))}
	for i := range hashes {
		other := slices.Clone(hashes)
		other[i] = flipped(hashes[i], (seed*31+i)%256)
		changed[fmt.Sprintf("hash %d", i)] = other
	}
	if len(hashes) > 0 {
		changed["one hash less"] = hashes[:len(hashes)-1]
	}
	return changed
}

// sameProof compares a proof of the log with one that their code built out of tiles.
func sameProof(served, built [][]byte) error {
	if !slices.EqualFunc(served, built, bytes.Equal) {
		return fmt.Errorf("the log proves it by %x, and its tiles give %x", served, built)
	}
	return nil
}

func tlogHashes(hashes [][]byte) []tlog.Hash {
	all := make([]tlog.Hash, len(hashes))
	for i, hash := range hashes {
		all[i] = tlog.Hash(hash)
	}
	return all
}

func byteHashes(hashes []tlog.Hash) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}

// positions are all numbers below size or, where these are more than count, those around which trees change their
// shape and count others, evenly between.
func positions(size uint64, count int) []uint64 {
	chosen := map[uint64]bool{}
	if size <= uint64(count) {
		for at := range size {
			chosen[at] = true
		}
		return slices.Sorted(maps.Keys(chosen))
	}
	for power := uint64(1); power <= size; power *= 2 {
		for _, at := range []uint64{power - 1, power, power + 1, size - power, size - power/2 - 1} {
			if at < size {
				chosen[at] = true
			}
		}
	}
	for i := range uint64(count) {
		chosen[i*size/uint64(count)] = true
	}
	return slices.Sorted(maps.Keys(chosen))
}
