package main

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// A consistencyAnswer is that of GET /proof/consistency.
type consistencyAnswer struct {
	From       uint64   `json:"from"`
	To         uint64   `json:"to"`
	Hashes     [][]byte `json:"hashes"`
	Checkpoint string   `json:"checkpoint"`
}

// checkConsistency proves that the newest tree continues older ones: the log's proof and those that Tessera and Go
// build out of tiles must be the same bytes and verify, from the root that Go computes for the older size, which
// must be the one that the log signs for it.
func checkConsistency(ctx context.Context, l *auditLog, head *head, count int, counts *tally) error {
	tree, err := newTreeOfTiles(ctx, l, head)
	if err != nil {
		return err
	}
	for _, from := range append(positions(head.Size, count), head.Size) {
		root, err := tlog.TreeHash(int64(from), tree.tlog)
		if err != nil {
			return err
		}
		if err := tree.checkContinued(ctx, l, from, root[:], counts); err != nil {
			return err
		}
		if from == 0 {
			continue
		}
		if err := checkOlderHead(ctx, l, tree, from, root[:], counts); err != nil {
			return err
		}
	}
	return nil
}

func (t *treeOfTiles) checkContinued(ctx context.Context, l *auditLog, from uint64, root []byte, counts *tally) error {
	to := t.head.Size
	var answer consistencyAnswer
	if err := l.getJSON(ctx, fmt.Sprintf("proof/consistency?from=%d&to=%d", from, to), &answer); err != nil {
		return err
	}
	under, err := l.open([]byte(answer.Checkpoint), counts)
	if err != nil {
		return err
	}
	if answer.From != from || answer.To != to || under.Size != to {
		return fmt.Errorf(
			"from %d to %d was asked for, and from %d to %d under a checkpoint of %d given",
			from, to, answer.From, answer.To, under.Size,
		)
	}
	if err := areHashes(answer.Hashes); err != nil {
		return err
	}
	proof := consistency{from: from, to: to, fromRoot: root, toRoot: t.head.Hash, hashes: answer.Hashes}
	if err := proof.verifyBothWays(counts); err != nil {
		return err
	}
	if from == 0 {
		return nil // Neither builds a proof from nothing.
	}
	byTessera, err := t.tessera.ConsistencyProof(ctx, from, to)
	if err != nil {
		return err
	}
	byTlog, err := tlog.ProveTree(int64(to), int64(from), t.tlog)
	if err != nil {
		return err
	}
	for how, hashes := range map[string][][]byte{"Tessera": byTessera, "sumdb/tlog": byteHashes(byTlog)} {
		if err := sameProof(answer.Hashes, hashes); err != nil {
			return fmt.Errorf("from %d to %d by %s: %w", from, to, how, err)
		}
		counts.consistency++
	}
	return nil
}

// checkOlderHead checks the checkpoint that the log signs for an older size, and under it the proof of the leaf that
// was the last one then.
func checkOlderHead(ctx context.Context, l *auditLog, tree *treeOfTiles, size uint64, root []byte, counts *tally) error {
	leaf, err := tree.tlog.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(size-1))})
	if err != nil {
		return err
	}
	proof, err := servedInclusion(ctx, l, size-1, size, leaf[0][:], counts)
	if err != nil {
		return err
	}
	if !bytes.Equal(proof.root, root) {
		return fmt.Errorf("the log signs the root %x for size %d, and its tiles give %x", proof.root, size, root)
	}
	return proof.verifyBothWays(counts)
}
