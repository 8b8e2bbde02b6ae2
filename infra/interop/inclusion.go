package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	formatsproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/tlog"
)

// An inclusionAnswer is that of GET /proof/inclusion.
type inclusionAnswer struct {
	Index      uint64   `json:"index"`
	Size       uint64   `json:"size"`
	Hashes     [][]byte `json:"hashes"`
	Checkpoint string   `json:"checkpoint"`
}

// A treeOfTiles builds proofs out of tiles alone, by Tessera's client and by Go's tree code.
type treeOfTiles struct {
	head    *head
	tessera *client.ProofBuilder
	tlog    tlog.HashReader
}

func newTreeOfTiles(ctx context.Context, l *auditLog, head *head) (*treeOfTiles, error) {
	builder, err := client.NewProofBuilder(ctx, head.Size, l.fetcher.ReadTile)
	if err != nil {
		return nil, err
	}
	return &treeOfTiles{head, builder, tlog.TileHashReader(head.tree, newTileReader(ctx, l))}, nil
}

// checkInclusion proves leaves of the newest tree, each in the four ways there are: the log's proof as JSON and as
// tlog-proof, and those that Tessera and Go build out of tiles. They must be the same bytes and verify.
func checkInclusion(ctx context.Context, l *auditLog, head *head, count int, counts *tally) error {
	tree, err := newTreeOfTiles(ctx, l, head)
	if err != nil {
		return err
	}
	var bundle api.EntryBundle
	read := ^uint64(0)
	for _, index := range positions(head.Size, count) {
		if at := index / layout.EntryBundleWidth; at != read {
			if bundle, err = client.GetEntryBundle(ctx, l.fetcher.ReadEntryBundle, at, head.Size); err != nil {
				return err
			}
			read = at
		}
		entry := bundle.Entries[index%layout.EntryBundleWidth]
		if err := isEntry(ctx, l, index, entry); err != nil {
			return err
		}
		if err := tree.checkLeaf(ctx, l, index, entry, counts); err != nil {
			return err
		}
	}
	return nil
}

func (t *treeOfTiles) checkLeaf(ctx context.Context, l *auditLog, index uint64, entry []byte, counts *tally) error {
	proof, err := servedInclusion(ctx, l, index, t.head.Size, hasher.HashLeaf(entry), counts)
	if err != nil {
		return err
	}
	if !bytes.Equal(proof.root, t.head.Hash) {
		return fmt.Errorf("leaf %d is proved under another root of size %d", index, t.head.Size)
	}
	if err := proof.verifyBothWays(counts); err != nil {
		return err
	}
	text, err := inclusionText(ctx, l, index, t.head.Size, counts)
	if err != nil {
		return fmt.Errorf("leaf %d as text: %w", index, err)
	}
	byTessera, err := t.tessera.InclusionProof(ctx, index)
	if err != nil {
		return err
	}
	byTlog, err := tlog.ProveRecord(t.head.tree.N, int64(index), t.tlog)
	if err != nil {
		return err
	}
	for how, hashes := range map[string][][]byte{"text": text, "Tessera": byTessera, "sumdb/tlog": byteHashes(byTlog)} {
		if err := sameProof(proof.hashes, hashes); err != nil {
			return fmt.Errorf("leaf %d by %s: %w", index, how, err)
		}
		counts.inclusion++
	}
	return nil
}

// servedInclusion is the log's proof of a leaf in the tree of so many entries, under the root of the checkpoint
// that came with it.
func servedInclusion(ctx context.Context, l *auditLog, index, size uint64, leaf []byte, counts *tally) (inclusion, error) {
	var answer inclusionAnswer
	if err := l.getJSON(ctx, fmt.Sprintf("proof/inclusion?id=%d&size=%d", index+1, size), &answer); err != nil {
		return inclusion{}, err
	}
	return answer.proof(l, index, size, leaf, counts)
}

// proof is the answer as the verifiers take it, once its checkpoint was opened.
func (a inclusionAnswer) proof(l *auditLog, index, size uint64, leaf []byte, counts *tally) (inclusion, error) {
	under, err := l.open([]byte(a.Checkpoint), counts)
	if err != nil {
		return inclusion{}, err
	}
	if a.Index != index || a.Size != size || under.Size != size {
		return inclusion{}, fmt.Errorf(
			"leaf %d in %d was asked for, and leaf %d in %d under a checkpoint of %d given",
			index, size, a.Index, a.Size, under.Size,
		)
	}
	if err := areHashes(a.Hashes); err != nil {
		return inclusion{}, err
	}
	return inclusion{index: index, size: size, leaf: leaf, root: under.Hash, hashes: a.Hashes}, nil
}

// inclusionText is the proof as tlog-proof, read by formats/proof, which must also write it so.
func inclusionText(ctx context.Context, l *auditLog, index, size uint64, counts *tally) ([][]byte, error) {
	text, err := l.get(ctx, fmt.Sprintf("proof/inclusion?id=%d&size=%d", index+1, size), "text/plain")
	if err != nil {
		return nil, err
	}
	var read formatsproof.TLogProof
	if err := read.Unmarshal(text); err != nil {
		return nil, err
	}
	if again := read.Marshal(); !bytes.Equal(again, text) {
		return nil, fmt.Errorf("formats/proof writes it as %q, and the log as %q", again, text)
	}
	under, err := l.open(read.Checkpoint, counts)
	if err != nil {
		return nil, err
	}
	if read.Index != index || under.Size != size {
		return nil, fmt.Errorf("it is about leaf %d in %d", read.Index, under.Size)
	}
	hashes := make([][]byte, len(read.Hashes))
	for i := range read.Hashes {
		hashes[i] = read.Hashes[i][:]
	}
	return hashes, nil
}

// isEntry compares a leaf with the entry that the log answers at this position.
func isEntry(ctx context.Context, l *auditLog, index uint64, leaf []byte) error {
	var entry struct {
		EntryHash string `json:"entry_hash"`
	}
	if err := l.getJSON(ctx, fmt.Sprintf("events/%d", index+1), &entry); err != nil {
		return err
	}
	if entry.EntryHash != hex.EncodeToString(leaf) {
		return fmt.Errorf("entry %d has the entry_hash %s, and its bundle holds %x", index+1, entry.EntryHash, leaf)
	}
	return nil
}

func areHashes(hashes [][]byte) error {
	for i, hash := range hashes {
		if len(hash) != tlog.HashSize {
			return fmt.Errorf("hash %d of the proof has %d bytes", i, len(hash))
		}
	}
	return nil
}
