package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// An appendAnswer is that of POST /log?proof=true.
type appendAnswer struct {
	ID        uint64           `json:"id"`
	EntryHash string           `json:"entry_hash"`
	Proof     *inclusionAnswer `json:"proof"`
}

// checkAnswers appends entries, all at once, and verifies the proof in each answer: it must be about the entry of the
// same answer, under a checkpoint of the log.
func checkAnswers(ctx context.Context, l *auditLog, count int, counts *tally) error {
	answers := make([]appendAnswer, count)
	faults := make([]error, count)
	var all sync.WaitGroup
	for i := range count {
		all.Go(func() {
			event := map[string]any{"event_type": "interop.checked", "subject": fmt.Sprintf("interop@%d", i), "decision": true}
			faults[i] = l.postJSON(ctx, "log?proof=true", event, &answers[i])
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		return err
	}
	for _, answer := range answers {
		entry, err := hex.DecodeString(answer.EntryHash)
		if err != nil || answer.Proof == nil || answer.ID == 0 {
			return fmt.Errorf("the answer to entry %d has no proof of it", answer.ID)
		}
		proof, err := answer.Proof.proof(l, answer.ID-1, answer.Proof.Size, hasher.HashLeaf(entry), counts)
		if err != nil {
			return err
		}
		if err := proof.verifyBothWays(counts); err != nil {
			return err
		}
		counts.answers++
	}
	return nil
}
