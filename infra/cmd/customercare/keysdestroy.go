package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/digestkeys"
)

// minRetention is for how many months an erasure can be shown to whom it was about, at
// least: so long its key stays (docs/evidence.md).
const minRetention = 24

// maxRetention is a century: a calendar that is asked for far more gives any date, one in
// the future too, under which every key would look old.
const maxRetention = 1200

func (a *app) destroyCommand() *cobra.Command {
	var yes bool
	var months int
	destroy := page("keys", "destroy ID")
	destroy.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case months < minRetention:
			return fmt.Errorf("--older-than must be at least %d: so many months erasures can be shown", minRetention)
		case months > maxRetention:
			return fmt.Errorf("--older-than must be at most %d months", maxRetention)
		}
		return nil
	}
	destroy.Flags().IntVar(&months, "older-than", minRetention,
		"refuse while an erasure under the key ended less than `MONTHS` ago")
	destroy.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return a.does(destroy, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		return a.destroyKey(ctx, d, args[0], months, yes)
	})
}

// destroyKey takes a key out of the secret, then out of the secret's other versions, and
// then puts the statement on record. When it dies in between, the next call does what is
// left: each step finds done what was done.
func (a *app) destroyKey(ctx context.Context, d *deployment.Deployment, id string, months int, yes bool) error {
	keys, version, err := readKeys(ctx, d)
	if err != nil {
		return err
	}
	_, there := keys[id]
	at, err := inUse(d).KeyDestroyed(ctx, id)
	switch {
	case err != nil:
		return err
	case id == current(d):
		return fmt.Errorf("the key %q makes new digests: deploy another one first (`customercare keys rotate`)", id)
	}
	if err := a.mayDestroy(ctx, d, id, months, there || at != nil); err != nil {
		return err
	}
	if at == nil && !yes {
		question := fmt.Sprintf("destroy the key %s of %s for good? Nobody can tell then whom %s about."+
			" Type its id to go on: ", id, d.Where, "the records under it are")
		if err := a.expect(ctx, question, strings.ToLower(id)); err != nil {
			return err
		}
	}
	if there {
		left := maps.Clone(keys)
		delete(left, id)
		if faults := left.Faults(current(d)); len(faults) > 0 {
			return fmt.Errorf("the secret is not changed, because it has faults: %s", strings.Join(faults, "; "))
		}
		if err := d.Keys.Replace(ctx, version, left.Text()); err != nil {
			return err
		}
	}
	kept, err := d.Keys.Forget(ctx, func(text string) bool {
		old, err := digestkeys.Parse(text)
		return err != nil || old[id] != ""
	})
	if err == nil { // where there is one already, it stays as it is
		at, err = inUse(d).DestroyKey(ctx, id, time.Now())
	}
	if err != nil {
		return fmt.Errorf("%w; call this again to do what is left", err)
	}
	a.tell("%s: the key %s is destroyed, and its statement is on record since %s", d.Where, id, cell(at))
	if kept > 0 {
		a.tell("Secrets Manager keeps %s with it until it deletes them in the background, and no call does that at"+
			" once: call this again later to see whether they are gone", plural(kept, "old version", "old versions"))
	}
	return a.print(map[string]any{"id": id, "destroyed": at, "versionsKept": kept})
}

// errYoung ends the search for digests under the key.
var errYoung = errors.New("found")

// mayDestroy refuses while the key is needed, and an id that no key has or had.
func (a *app) mayDestroy(ctx context.Context, d *deployment.Deployment, id string, months int, known bool) error {
	under := func(digest string) error {
		if keyID, _, _ := strings.Cut(digest, "."); keyID == id {
			return errYoung
		}
		return nil
	}
	err := inUse(d).Digests(ctx, time.Now().AddDate(0, -months, 0), under)
	switch {
	case errors.Is(err, errYoung):
		return fmt.Errorf("the key %q stays: an erasure under it is open, or ended less than %d months ago", id, months)
	case err != nil || known:
		return err
	}
	err = inUse(d).Digests(ctx, time.Time{}, under)
	switch {
	case errors.Is(err, errYoung): // a call that died took it out of the secret
		return nil
	case err == nil:
		return fmt.Errorf("there is no key %q: `customercare keys show` has the ids", id)
	}
	return err
}
