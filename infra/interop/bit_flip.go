package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// A bitFlip stands between their code and the log and changes one bit in the answers to some requests.
type bitFlip struct {
	base *url.URL
	next http.RoundTripper
	// Whether the answer to a path below the address of the log is changed.
	changes func(path string) bool
	// The bits to change in an answer of so many bytes.
	bits func(length int) []int
	// Answers that were changed, and requests that brought none: their code must refuse because of the former.
	changed, failed atomic.Int64
}

// newBitFlip changes one bit of one resource.
func newBitFlip(l *auditLog, path string, bit int) *bitFlip {
	return &bitFlip{
		base:    l.base,
		next:    l.http.Transport,
		changes: func(asked string) bool { return asked == path },
		bits:    func(int) []int { return []int{bit} },
	}
}

// RoundTrip sends the request on and may change the answer.
func (f *bitFlip) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := f.next.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusOK {
		f.failed.Add(1)
		return response, err
	}
	if !f.changes(pathIn(f.base, request.URL)) {
		return response, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		f.failed.Add(1)
		return nil, err
	}
	for _, bit := range f.bits(len(body)) {
		body = flipped(body, bit)
	}
	f.changed.Add(1)
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// happened is an error where no answer was changed, or one did not come: then a refusal says nothing.
func (f *bitFlip) happened() error {
	if f.changed.Load() == 0 || f.failed.Load() > 0 {
		return fmt.Errorf("the trial with changed answers failed: %d changed, %d not given", f.changed.Load(), f.failed.Load())
	}
	return nil
}

// pathIn is the path of a request below the address of the log.
func pathIn(base, requested *url.URL) string {
	return strings.TrimPrefix(requested.Path, base.Path)
}
