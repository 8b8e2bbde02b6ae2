package main

import (
	"encoding/base64"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
)

// checkWitness verifies by formats/note that a witness cosigned a checkpoint of the log, and that the cosignature is
// refused with any bit of it changed.
func checkWitness(l *auditLog, raw []byte, witness note.Verifier, counts *tally) error {
	cosignature, err := l.cosignature(raw, witness)
	if err != nil {
		return err
	}
	counts.cosigned++
	bytes, err := base64.StdEncoding.DecodeString(cosignature)
	if err != nil {
		return err
	}
	for at := range len(bytes) * 8 {
		_, err := l.cosignature(replaceSignature(raw, cosignature, flipped(bytes, at)), witness)
		if err := counts.refusal(err, "bit %d of the cosignature", at); err != nil {
			return err
		}
	}
	return nil
}

// cosignature is the verified cosignature of a witness on a note of the log, in base64.
func (l *auditLog) cosignature(raw []byte, witness note.Verifier) (string, error) {
	_, _, opened, err := log.ParseCheckpoint(raw, l.verifier.Name(), l.verifier, witness)
	if err != nil {
		return "", err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == witness.Name() && signature.Hash == witness.KeyHash() {
			return signature.Base64, nil
		}
	}
	return "", fmt.Errorf("it is not cosigned by %s", witness.Name())
}
