package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// An auditLog is what an outsider has of a log: its address and its key.
type auditLog struct {
	base     *url.URL
	http     *http.Client
	verifier note.Verifier
	// Tessera's reader of checkpoints, tiles and entry bundles.
	fetcher *client.HTTPFetcher
}

// newAuditLog takes the address with or without a slash at its end. Errors: it is no http or https URL.
func newAuditLog(base string, verifier note.Verifier) (*auditLog, error) {
	parsed, err := url.Parse(strings.TrimSuffix(base, "/") + "/")
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, fmt.Errorf("-log must be an http or https address, such as http://127.0.0.1:8080/mcp-audit, and is %q", base)
	}
	log := &auditLog{base: parsed, verifier: verifier}
	// Tessera's checker asks for every tile at once; a log on one machine is not to be stormed.
	return log.through(&http.Transport{MaxConnsPerHost: 8, MaxIdleConnsPerHost: 8})
}

// through is the same log, reached by another transport.
func (l *auditLog) through(transport http.RoundTripper) (*auditLog, error) {
	seen := *l
	seen.http = &http.Client{Transport: transport, Timeout: time.Minute}
	fetcher, err := client.NewHTTPFetcher(l.base, seen.http)
	if err != nil {
		return nil, err
	}
	seen.fetcher = fetcher
	return &seen, nil
}

// get reads a path of the log, such as "checkpoint/key", as text or as JSON. Errors: the log does not answer with 200.
func (l *auditLog) get(ctx context.Context, path, accept string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base.String()+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", accept)
	return l.send(request)
}

// getJSON reads a path of the log into `into`.
func (l *auditLog) getJSON(ctx context.Context, path string, into any) error {
	body, err := l.get(ctx, path, "application/json")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// postJSON sends `value` and reads the answer into `into`.
func (l *auditLog) postJSON(ctx context.Context, path string, value, into any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := l.send(request)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("POST %s: %w", path, err)
	}
	return nil
}

func (l *auditLog) send(request *http.Request) ([]byte, error) {
	response, err := l.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.URL, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s answers %d: %s", request.Method, request.URL, response.StatusCode, body)
	}
	return body, nil
}
