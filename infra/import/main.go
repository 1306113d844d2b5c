// Command import loads a file of JSON lines into the tables; see package importer for what it promises.
//
//	go run ./infra/import [-from line] file      "-" is standard input
//
// The tables are those of DYNAMODB_ENDPOINT: an address (default http://127.0.0.1:8000, the local stack), or aws for
// AWS with the credentials and the region that its tools would use. Their names are in USERS_TABLE, CUSTOMERS_TABLE,
// CONTACTS_TABLE and PRINCIPALS_TABLE (default Users, Customers, Contacts, Principals).
//
// It exits with 1 when any line was not loaded, or the load stopped early; with 2 when it is called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"customercare/infra/importer"
)

func main() {
	from := flag.Int("from", 1, "first `line` to load, as a stopped load names it")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: import [-from line] file    (- is standard input)")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || flag.Arg(0) == "" || *from < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := load(flag.Arg(0), *from); err != nil {
		fmt.Fprintln(os.Stderr, "import:", err)
		os.Exit(1)
	}
}

func load(name string, from int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once, also while it waits for standard input

	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return err
		}
		defer file.Close()
	}
	client, where, err := connect(ctx)
	if err != nil {
		return err
	}
	bar := newBar(file)
	options := importer.Options{Client: client, Tables: tables(), From: from, Progress: bar.add, Report: bar.report}
	counts, err := importer.Load(ctx, options, file)
	bar.finish()
	fmt.Printf("loaded into %s: %s\n", where, counts)
	if stopped, ok := errors.AsType[*importer.Stopped](err); ok {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted at line %d: load the file again, or the rest with FROM=%d", stopped.Line, stopped.Line)
		}
		return fmt.Errorf("%w: load the file again, or the rest with FROM=%d", stopped, stopped.Line)
	}
	return err
}

func tables() importer.Tables {
	name := func(variable, usual string) string {
		if v := os.Getenv(variable); v != "" {
			return v
		}
		return usual
	}
	return importer.Tables{
		Users:      name("USERS_TABLE", "Users"),
		Customers:  name("CUSTOMERS_TABLE", "Customers"),
		Contacts:   name("CONTACTS_TABLE", "Contacts"),
		Principals: name("PRINCIPALS_TABLE", "Principals"),
	}
}
