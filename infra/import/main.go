// Command import loads a file of JSON lines into the tables; see package importer for what it promises.
//
//	go run ./infra/import [-from line] file      "-" is standard input
//
// The tables are those of a stack in AWS, STACK, or of the local one; see package deployment for the variables.
//
// It exits with 1 when any line was not loaded, the load stopped early, or the file is not lines of JSON at all; with 2
// when it is called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"customercare/infra/deployment"
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
	to, err := deployment.Find(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("loading into %s\n", to.Where)
	bar := newBar(file)
	options := importer.Options{Client: to.DB, Tables: to.Tables.Tables, From: from, Progress: bar.add, Report: bar.report}
	counts, err := importer.Load(ctx, options, file)
	bar.finish()
	if _, ok := errors.AsType[importer.Misformed](err); ok {
		return fmt.Errorf("%w; nothing is loaded", err)
	}
	fmt.Printf("loaded into %s: %s\n", to.Where, counts)
	if stopped, ok := errors.AsType[*importer.Stopped](err); ok {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted at line %d: load the file again, or the rest with FROM=%d", stopped.Line, stopped.Line)
		}
		return fmt.Errorf("%w: load the file again, or the rest with FROM=%d", stopped, stopped.Line)
	}
	return err
}
