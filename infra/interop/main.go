// Interop reads an audit log with code that is not ours: the note reader and the tree code of Go's checksum
// database, and the client, the proof verifier and the log checker of Tessera. They get what the log serves,
// unchanged, and must accept it; then they get it with single bits changed, and must refuse it.
//
//	go run . -log http://127.0.0.1:8080/mcp-audit -key <verifier key>
//
// Progress and faults go to standard error, one line of counts to standard output.
//
// Exit codes: 0 all of it was verified; 1 something was not, or tampered evidence was accepted; 2 wrong
// arguments; 3 the log gives no checkpoint, so there is no verdict.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	formatsnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"k8s.io/klog/v2"
)

const (
	exitVerified    = 0
	exitNotVerified = 1
	exitUsage       = 2
	exitNoVerdict   = 3
)

type options struct {
	base      string
	verifier  note.Verifier
	witness   note.Verifier
	seenFile  string
	positions int
	appends   int
	size      int64
}

func main() {
	os.Exit(run())
}

func run() int {
	chosen, err := readOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return exitVerified
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	log, err := newAuditLog(chosen.base, chosen.verifier)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	silenceTessera()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if _, err := log.fetcher.ReadCheckpoint(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "There is no checkpoint to check. Is -log the address of mcp-audit, and can it sign? %v\n", err)
		return exitNoVerdict
	}
	counts, err := check(ctx, log, chosen)
	if err != nil {
		fmt.Fprintf(os.Stderr, "not verified: %v\n", err)
		return exitNotVerified
	}
	fmt.Println(counts)
	return exitVerified
}

func readOptions(args []string) (options, error) {
	var chosen options
	flags := flag.NewFlagSet("interop", flag.ContinueOnError)
	flags.StringVar(&chosen.base, "log", "", "`address` of mcp-audit, directly or through the gateway")
	key := flags.String("key", "", "verifier `key` of the log, from a source other than the log")
	witness := flags.String("witness", "", "verifier `key` of a witness, who must have cosigned the newest checkpoint")
	flags.StringVar(&chosen.seenFile, "seen", "", "`file` with the checkpoint that the last run saw: the log must continue it. Written anew")
	flags.IntVar(&chosen.positions, "positions", 1000, "how many leaves and older sizes to prove; a log of no more is proved whole")
	flags.Int64Var(&chosen.size, "size", -1, "`number` of entries that the log must have; -1 for any")
	flags.IntVar(&chosen.appends, "append", 0, "append so many entries first, all at once, and check the proof in each answer")
	if err := flags.Parse(args); err != nil {
		return chosen, err
	}
	switch {
	case flags.NArg() > 0:
		return chosen, fmt.Errorf("%q is no option; -help lists them", flags.Arg(0))
	case chosen.base == "" || *key == "":
		return chosen, errors.New("-log and -key are needed; -help tells more")
	case chosen.positions < 1 || chosen.appends < 0:
		return chosen, errors.New("-positions must be at least 1, and -append at least 0")
	}
	var err error
	if chosen.verifier, err = note.NewVerifier(*key); err != nil {
		return chosen, fmt.Errorf("-key is not a verifier key that sumdb/note can read: %v", err)
	}
	if *witness == "" {
		return chosen, nil
	}
	if chosen.witness, err = formatsnote.NewVerifierForCosignatureV1(*witness); err != nil {
		return chosen, fmt.Errorf("-witness is not a verifier key that formats/note can read: %v", err)
	}
	return chosen, nil
}

// silenceTessera keeps the notices of Tessera's logger away and lets its errors through.
func silenceTessera() {
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "ERROR"} {
		if err := flags.Set(name, value); err != nil {
			panic(err)
		}
	}
	klog.SetOutput(io.Discard)
}
