package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A head is a checkpoint whose signature was verified.
type head struct {
	*log.Checkpoint
	// The note as the log gave it.
	raw []byte
	// The same for Go's tree code.
	tree tlog.Tree
}

// readHead reads the newest checkpoint in the ways that their code has for it, and checks that they refuse it
// with any bit of its text or its signature changed, and under another key of the same name.
func readHead(ctx context.Context, l *auditLog, counts *tally) (*head, error) {
	if err := checkKey(ctx, l); err != nil {
		return nil, err
	}
	_, raw, _, err := client.FetchCheckpoint(ctx, l.fetcher.ReadCheckpoint, l.verifier, l.verifier.Name())
	if err != nil {
		return nil, err
	}
	opened, err := l.open(raw, counts)
	if err != nil {
		return nil, err
	}
	if err := refusesChangedNote(l, raw, counts); err != nil {
		return nil, err
	}
	return opened, refusesOtherKey(l, raw, counts)
}

// checkKey compares the key that the log gives out with the one that is trusted, and has both key readers read it.
func checkKey(ctx context.Context, l *auditLog) error {
	text, err := l.get(ctx, "checkpoint/key", "text/plain")
	if err != nil {
		return err
	}
	for _, read := range []func(string) (note.Verifier, error){note.NewVerifier, formatsnote.NewVerifier} {
		served, err := read(strings.TrimSuffix(string(text), "\n"))
		if err != nil {
			return err
		}
		if served.Name() != l.verifier.Name() || served.KeyHash() != l.verifier.KeyHash() {
			return fmt.Errorf("the log gives out the key %s, and %s+%08x is trusted", text, l.verifier.Name(), l.verifier.KeyHash())
		}
	}
	return nil
}

// open verifies a note by sumdb/note and by formats/log, and reads the tree head in it.
func (l *auditLog) open(raw []byte, counts *tally) (*head, error) {
	opened, err := note.Open(raw, note.VerifierList(l.verifier))
	if err != nil {
		return nil, err
	}
	checkpoint, extensions, _, err := log.ParseCheckpoint(raw, l.verifier.Name(), l.verifier)
	if err != nil {
		return nil, err
	}
	if again := string(checkpoint.Marshal()) + string(extensions); again != opened.Text {
		return nil, fmt.Errorf("formats/log writes the checkpoint as %q, and the log as %q", again, opened.Text)
	}
	root, err := tlog.ParseHash(base64.StdEncoding.EncodeToString(checkpoint.Hash))
	if err != nil {
		return nil, err
	}
	counts.checkpoints++
	return &head{Checkpoint: checkpoint, raw: raw, tree: tlog.Tree{N: int64(checkpoint.Size), Hash: root}}, nil
}

func refusesChangedNote(l *auditLog, raw []byte, counts *tally) error {
	text := bytes.LastIndex(raw, []byte("\n\n")) + 1
	for at := range text * 8 {
		_, err := l.open(flipped(raw, at), counts)
		if err := counts.refusal(err, "bit %d of the checkpoint", at); err != nil {
			return err
		}
	}
	opened, err := note.Open(raw, note.VerifierList(l.verifier))
	if err != nil {
		return err
	}
	encoded := opened.Sigs[0].Base64
	// The bytes and not their base64: that has bits that mean nothing, and Go's decoder passes over them.
	signature, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	for at := range len(signature) * 8 {
		_, err := l.open(replaceSignature(raw, encoded, flipped(signature, at)), counts)
		if err := counts.refusal(err, "bit %d of the signature", at); err != nil {
			return err
		}
	}
	return nil
}

func refusesOtherKey(l *auditLog, raw []byte, counts *tally) error {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	key, err := note.NewEd25519VerifierKey(l.verifier.Name(), public)
	if err != nil {
		return err
	}
	other, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	_, err = note.Open(raw, note.VerifierList(other))
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		err = nil
	}
	return counts.refusal(err, "the key")
}

// replaceSignature is a note with other bytes in the place of a signature, which is given in base64.
func replaceSignature(raw []byte, encoded string, other []byte) []byte {
	return bytes.Replace(raw, []byte(encoded), []byte(base64.StdEncoding.EncodeToString(other)), 1)
}

// flipped is a copy with one bit changed.
func flipped(data []byte, bit int) []byte {
	changed := slices.Clone(data)
	changed[bit/8] ^= 1 << (bit % 8)
	return changed
}
