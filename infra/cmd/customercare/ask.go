package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// mostSecret is more than any secret may have, so that what is too long is refused as
// that.
const mostSecret = 4096

// askSecret gets a new secret: asked for twice on a terminal, where it is not shown, or
// else the one line of standard input.
func (a *app) askSecret(ctx context.Context, what string) (string, error) {
	if !term.IsTerminal(int(a.in.Fd())) {
		text, err := io.ReadAll(io.LimitReader(a.in, mostSecret))
		line := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		switch {
		case err != nil:
			return "", errors.New("standard input cannot be read")
		case line == "":
			return "", fmt.Errorf("the %s is read from standard input, which is empty:"+
				" call this on a terminal to be asked", what)
		case strings.ContainsAny(line, "\r\n"):
			return "", fmt.Errorf("the %s is read from standard input, which has more than one line", what)
		}
		return line, nil
	}
	first, err := a.askHidden(ctx, "New "+what+": ")
	if err != nil {
		return "", err
	}
	again, err := a.askHidden(ctx, "The same again: ")
	if err == nil && again != first {
		err = errors.New("the two differ, so nothing is changed")
	}
	return first, err
}

// askHidden asks a question on the terminal and reads the answer without showing it.
// The terminal hides what is typed before the question is there, and shows it again
// however this ends: by an answer, by Ctrl-C, or with ctx.
func (a *app) askHidden(ctx context.Context, question string) (string, error) {
	terminal := int(a.in.Fd())
	before, err := term.MakeRaw(terminal)
	if err != nil {
		return "", errors.New("the terminal cannot be used")
	}
	answered := false
	defer func() {
		_ = term.Restore(terminal, before)
		if !answered {
			fmt.Fprintln(a.errs) // what is told next begins a line
		}
	}()
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{a.in, a.errs}, "").ReadPassword(question)
		answers <- answer{text, err}
	}()
	select {
	case got := <-answers:
		if answered = got.err == nil; !answered { // Ctrl-C or Ctrl-D
			return "", context.Canceled
		}
		return got.text, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// confirm asks whether what cannot be undone is meant. Without a terminal nobody can be
// asked, and --yes must say it.
func (a *app) confirm(ctx context.Context, question string) error {
	if !term.IsTerminal(int(a.in.Fd())) {
		return misused("%s: nobody can be asked here, so say --yes", question)
	}
	fmt.Fprintf(a.errs, "%s? [y/N] ", question)
	answers := make(chan string, 1)
	go func(from *os.File) {
		line, _ := bufio.NewReader(from).ReadString('\n')
		answers <- line
	}(a.in)
	select {
	case line := <-answers:
		if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
			return errors.New("nothing is changed")
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// generate makes a secret of 160 random bits, in letters and digits that any form takes.
func generate() string { return strings.ToLower(rand.Text() + rand.Text()[:6]) }
