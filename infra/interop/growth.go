package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/tlog"
)

// checkGrowth has Tessera's tracker continue from the checkpoint that the last run saw, through tiles alone. It must
// refuse to where the tiles are others.
func checkGrowth(ctx context.Context, l *auditLog, head *head, seenFile string, counts *tally) error {
	seen, err := seenCheckpoint(seenFile)
	if err != nil {
		return err
	}
	if seen == nil {
		counts.grewFrom = "nothing seen yet"
		return nil
	}
	older, err := l.open(seen, counts)
	if err != nil {
		return fmt.Errorf("the checkpoint in %s: %w", seenFile, err)
	}
	counts.grewFrom = fmt.Sprintf("grew from %d", older.Size)
	if err := continues(ctx, l, seen, head); err != nil {
		return err
	}
	if older.Size == 0 || older.Size == head.Size {
		return nil // Then there is nothing that a tile could contradict.
	}
	flip := newBitFlip(l, "", 0)
	flip.changes = func(path string) bool { return strings.HasPrefix(path, "tile/") }
	flip.bits = eachHash
	changed, err := l.through(flip)
	if err != nil {
		return err
	}
	err = continues(ctx, changed, seen, head)
	if err := flip.happened(); err != nil {
		return err
	}
	var inconsistent client.ErrInconsistency
	if !errors.As(err, &inconsistent) {
		return fmt.Errorf("Tessera's tracker does not call changed tiles inconsistent, but says: %v", err)
	}
	return counts.refusal(err, "the tiles, to Tessera's tracker")
}

// continues is an error where the tracker, started with an older checkpoint, does not arrive at `head`.
func continues(ctx context.Context, l *auditLog, seen []byte, head *head) error {
	// The checkpoint that was verified already: a log in use may have grown meanwhile.
	newest := client.UnilateralConsensus(func(context.Context) ([]byte, error) { return head.raw, nil })
	tracker, err := client.NewLogStateTracker(ctx, l.fetcher.ReadTile, seen, l.verifier, l.verifier.Name(), newest)
	if err != nil {
		return err
	}
	_, _, arrived, err := tracker.Update(ctx)
	if err != nil {
		return err
	}
	if latest := tracker.Latest(); latest.Size != head.Size || !bytes.Equal(latest.Hash, head.Hash) {
		return fmt.Errorf("the tracker arrived at %q and not at %q: the log shrank, or signed two trees of one size", arrived, head.raw)
	}
	return nil
}

// eachHash is one bit in each hash of a tile.
func eachHash(length int) []int {
	var bits []int
	for at := 0; at < length; at += tlog.HashSize {
		bits = append(bits, at*8+at%256)
	}
	return bits
}
