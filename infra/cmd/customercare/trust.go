package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/tiles"
)

// trust is whose signatures a command believes: that of one key, or of those that a
// policy file names.
type trust struct{ vkey, policy string }

func (t *trust) flags(command *cobra.Command, otherwise string) {
	command.Flags().StringVar(&t.policy, "policy", "", "trust the logs that the policy `FILE` names"+otherwise)
	command.Flags().StringVar(&t.vkey, "vkey", "", "trust the log with this `KEY` alone, as GET /ledger/key gives it")
	_ = command.MarkFlagFilename("policy") // it fails where there is no such flag
}

// check refuses a call that names both, or none where it must.
func (t *trust) check(needed bool) error {
	switch {
	case t.vkey != "" && t.policy != "":
		return errors.New("--policy and --vkey are both given: one of them says whose signature counts")
	case needed && t.vkey == "" && t.policy == "":
		return errors.New("--policy or --vkey must say whose signature counts")
	}
	return nil
}

// keys are those that are trusted; policy is the file to take where none is named.
func (t *trust) keys(a *app, policy string) (note.Verifiers, error) {
	if t.vkey != "" {
		key, err := note.NewVerifier(t.vkey)
		if err != nil {
			return nil, errors.New("--vkey is no verifier key: it looks like <log's name>+<8 hex digits>+<base64>," +
				" and is given itself, not as the name of a file")
		}
		return note.VerifierList(key), nil
	}
	beside := t.policy == ""
	policy = cmp.Or(t.policy, policy)
	text, err := a.readAll(policy)
	switch {
	case err != nil && beside:
		return nil, fmt.Errorf("%w; without it, --policy or --vkey must say whose signature counts", err)
	case err != nil:
		return nil, err
	case beside:
		a.tell("trusting the key in %s, which came with the log: compare it with one that you have from elsewhere", policy)
	}
	return tiles.Policy(string(text))
}

// maxFile is more than any receipt, checkpoint or policy has.
const maxFile = 1 << 20

// readAll reads a small file, "-" is standard input.
func (a *app) readAll(name string) ([]byte, error) {
	file, err := a.open(name)
	if err != nil {
		return nil, err
	}
	if file != os.Stdin {
		defer file.Close()
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, errors.New("the file " + name + " cannot be read")
	case len(text) > maxFile:
		return nil, errors.New("the file " + name + " is too large to be what it should be")
	}
	return text, nil
}
