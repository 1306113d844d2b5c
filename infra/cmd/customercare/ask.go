package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/term"
)

// mostSecret is more than any secret may have, so that what is too long is refused as
// that.
const mostSecret = 4096

// askSecret gets a new secret: asked for twice on a terminal, where it is not shown, or
// else the one line of standard input. One that check refuses is not asked for again.
func (a *app) askSecret(ctx context.Context, what string, check func(secret string) error) (string, error) {
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
		return line, check(line)
	}
	first, err := a.askHidden(ctx, "New "+what+": ")
	if err == nil {
		err = check(first)
	}
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
	text, err := answer(ctx, func() (string, error) {
		return term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{a.in, a.errs}, "").ReadPassword(question)
	})
	_ = term.Restore(terminal, before)
	if err != nil {
		fmt.Fprintln(a.errs) // what is told next begins a line
		return "", context.Canceled
	}
	return text, nil
}

// confirm asks whether what cannot be undone is meant. Without a terminal nobody can be
// asked, and --yes must say it.
func (a *app) confirm(ctx context.Context, question string) error {
	return a.expect(ctx, question+"? [y/N] ", "y", "yes")
}

// expect asks a question and goes on when one of the answers is given.
func (a *app) expect(ctx context.Context, question string, answers ...string) error {
	if !term.IsTerminal(int(a.in.Fd())) {
		what, _, _ := strings.Cut(question, "?")
		return misused("%s: nobody can be asked here, so say --yes", what)
	}
	fmt.Fprint(a.errs, question)
	line, _ := answer(ctx, func() (string, error) { return bufio.NewReader(a.in).ReadString('\n') })
	if slices.Contains(answers, strings.ToLower(strings.TrimSpace(line))) {
		return ctx.Err()
	}
	return errors.New("nothing is changed")
}

// answer is what read gives, or ctx's error when it ends first: nothing else interrupts a
// read from a terminal.
func answer(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	results := make(chan result, 1)
	go func() {
		text, err := read()
		results <- result{text, err}
	}()
	select {
	case got := <-results:
		return got.text, got.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// generate makes a secret of 160 random bits, in letters and digits that any form takes.
func generate() string { return strings.ToLower(rand.Text() + rand.Text()[:6]) }
