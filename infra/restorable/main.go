// Command restorable makes a restore safe: of a table that was restored from a backup it prints what nobody has erased since,
// as lines for `make import`. A restore brings back what was erased after its time; the ledger knows whom, by digests.
//
//	STACK=customercare restorable -since 2026-01-02T03:04:05Z restored-table <keys >records.ndjson
//
// The table is one of customers or of contacts, as of the time since. The keys are the text of the secret DigestKeys, on
// standard input, so that they are in no file and no list of processes. The ledger is that of the stack, which stays in
// use; see package deployment for the variables. It only reads, and says on standard error how much it left out, and names
// each item that it could not read, by digests: of such an item nobody can say whom it is about, so it is not printed. Then
// it exits with 1, as it does when anything fails; with 2 when it is called wrongly.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"customercare/infra/deployment"
	"customercare/shared/erasure"
	"customercare/shared/rfc3339"
)

func main() {
	since := flag.String("since", "", "`time` that the table was restored to, RFC 3339")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: restorable -since time table <keys >records.ndjson")
		flag.PrintDefaults()
	}
	flag.Parse()
	at, ok := rfc3339.Parse(*since)
	if flag.NArg() != 1 || flag.Arg(0) == "" || !ok {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := bufio.NewWriter(os.Stdout)
	if err := errors.Join(run(ctx, flag.Arg(0), at, os.Stdin, out), out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "restorable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, table string, since time.Time, keys io.Reader, out io.Writer) error {
	digests, err := readKeys(keys)
	if err != nil {
		return err
	}
	to, err := deployment.Find(ctx)
	if err != nil {
		return err
	}
	r := restore{db: to.DB, table: table, ledger: to.Tables.Erasures, since: since, digests: digests, out: out, notes: os.Stderr}
	err = r.print(ctx)
	fmt.Fprintf(os.Stderr, "%s with the ledger of %s: %d records can be restored, %d items are left out because they were erased since %s\n",
		table, to.Where, r.printed, r.erased, since.Format(time.RFC3339))
	if err == nil && r.unknown > 0 {
		err = fmt.Errorf("%d items are none that can be loaded, and were left out", r.unknown)
	}
	return err
}

// readKeys reads the text of the secret: an object from key id to key. Its errors do not quote it.
func readKeys(from io.Reader) (erasure.Digester, error) {
	var text map[string]string
	if err := json.NewDecoder(from).Decode(&text); err != nil || len(text) == 0 {
		return erasure.Digester{}, errors.New("standard input is not the text of the secret DigestKeys, an object from key id to key")
	}
	digests := erasure.Digester{Keys: map[string][]byte{}}
	for id, key := range text {
		// Nothing new is made, so any may be the current one: the last, for the names of what is left out.
		digests.Current, digests.Keys[id] = max(digests.Current, id), []byte(key)
	}
	return digests, nil
}
