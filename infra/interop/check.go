package main

import (
	"context"
	"fmt"
	"os"
)

// A tally counts what their code accepted, and the changed evidence that it refused.
type tally struct {
	checkpoints, cosigned, answers, inclusion, consistency, tiles, bundles, refused int
	size                                                                            uint64
	grewFrom                                                                        string
}

// String is one line, as wide for each size.
func (t tally) String() string {
	return fmt.Sprintf(
		"size %6d  %-17s checkpoints %4d  cosigned %d  answers %2d  inclusion %5d  consistency %5d  tiles %3d  bundles %3d  refused %7d",
		t.size, t.grewFrom, t.checkpoints, t.cosigned, t.answers, t.inclusion, t.consistency, t.tiles, t.bundles, t.refused,
	)
}

// refusal counts the error with which their code refused changed evidence. Errors: there was none.
func (t *tally) refusal(err error, format string, args ...any) error {
	if err == nil {
		return fmt.Errorf("accepted although it was changed: "+format, args...)
	}
	t.refused++
	return nil
}

// check runs every check on the log and, if all of them pass, keeps its checkpoint for the next run.
func check(ctx context.Context, log *auditLog, chosen options) (*tally, error) {
	counts := &tally{}
	say := func(what string) { fmt.Fprintf(os.Stderr, "  %s\n", what) }
	if chosen.appends > 0 {
		say(fmt.Sprintf("appending %d, with proofs in the answers", chosen.appends))
	}
	if err := checkAnswers(ctx, log, chosen.appends, counts); err != nil {
		return nil, fmt.Errorf("answers of POST /log: %w", err)
	}
	head, err := readHead(ctx, log, counts)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if chosen.size >= 0 && head.Size != uint64(chosen.size) {
		return nil, fmt.Errorf("the log has %d entries, and must have %d", head.Size, chosen.size)
	}
	counts.size = head.Size
	if chosen.witness != nil {
		if err := checkWitness(log, head.raw, chosen.witness, counts); err != nil {
			return nil, fmt.Errorf("witness: %w", err)
		}
	}
	say(fmt.Sprintf("growth to %d entries", head.Size))
	if err := checkGrowth(ctx, log, head, chosen.seenFile, counts); err != nil {
		return nil, fmt.Errorf("growth: %w", err)
	}
	say("tiles and entry bundles")
	if err := checkTiles(ctx, log, head, counts); err != nil {
		return nil, fmt.Errorf("tiles: %w", err)
	}
	say("inclusion")
	if err := checkInclusion(ctx, log, head, chosen.positions, counts); err != nil {
		return nil, fmt.Errorf("inclusion: %w", err)
	}
	say("consistency")
	if err := checkConsistency(ctx, log, head, chosen.positions, counts); err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	if chosen.seenFile != "" {
		if err := os.WriteFile(chosen.seenFile, head.raw, 0o600); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// seenCheckpoint is what the run before left, nil where there was none.
func seenCheckpoint(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil, nil
	}
	return raw, err
}
