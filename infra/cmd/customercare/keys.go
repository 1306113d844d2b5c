package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/digestkeys"
)

func (a *app) keysCommand() *cobra.Command {
	var id string
	rotate := a.does(page("keys", "rotate"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.rotateKeys(ctx, d, id)
	})
	rotate.Flags().StringVar(&id, "id", "",
		"`ID` of the new key, 1 to 16 letters and digits (default: the year)")
	checked := ""
	check := a.does(page("keys", "check"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.checkKeys(ctx, d, cmp.Or(checked, current(d)))
	})
	check.Flags().StringVar(&checked, "id", "",
		"`ID` of the key that is to make new digests (default: the deployed one)")
	return group(page("", "keys"), a.does(page("keys", "show"), a.showKeys), rotate, check, a.destroyCommand())
}

// readKeys reads the secret of a deployment: the keys in it, and its version.
func readKeys(ctx context.Context, d *deployment.Deployment) (keys digestkeys.Keys, version string, err error) {
	text, version, err := d.Keys.Read(ctx)
	if err == nil {
		keys, err = digestkeys.Parse(text)
	}
	return keys, version, err
}

// current is the id of the key that makes new digests: the stack's parameter names it, or
// it is the template's default.
func current(d *deployment.Deployment) string { return cmp.Or(d.Parameters["DigestKeyId"], "1") }

func (a *app) showKeys(ctx context.Context, d *deployment.Deployment, _ []string) error {
	keys, _, err := readKeys(ctx, d)
	if err != nil {
		return err
	}
	type key struct {
		ID      string `json:"id"`
		Current bool   `json:"current"`
	}
	all, rows := []key{}, [][]any{{"KEY", "MAKES NEW DIGESTS"}}
	for _, id := range keys.IDs() {
		all = append(all, key{id, id == current(d)})
		rows = append(rows, []any{id, id == current(d)})
	}
	return a.print(all, rows...)
}

func (a *app) checkKeys(ctx context.Context, d *deployment.Deployment, current string) error {
	keys, _, err := readKeys(ctx, d)
	if err != nil {
		return err
	}
	faults := append([]string{}, keys.Faults(current)...)
	lost, destroyed := map[string]bool{}, []string{}
	err = inUse(d).Digests(ctx, time.Time{}, func(digest string) error {
		id, _, _ := strings.Cut(digest, ".")
		if _, there := keys[id]; !there {
			lost[id] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(lost)) {
		at, err := inUse(d).KeyDestroyed(ctx, id)
		if err != nil {
			return err
		}
		if at != nil {
			destroyed = append(destroyed, id)
			continue
		}
		faults = append(faults, fmt.Sprintf("the key %q is missing, with which digests in the ledger were made:"+
			" put it back, or nobody can tell any more whom they are about", id))
	}
	err = a.print(map[string]any{"keys": keys.IDs(), "current": current, "destroyed": destroyed, "faults": faults},
		[]any{"keys", keys.IDs()}, []any{"current", current}, []any{"destroyed, with digests in the ledger", destroyed},
		[]any{"faults", len(faults)})
	if err == nil && len(faults) > 0 {
		return found("%s: %s", d.Where, strings.Join(faults, "; "))
	}
	return err
}

// newKey adds a key to those that there are, and gives its id: the one that is asked for,
// or "" for the year. An id that a destroyed key had is used up: digests in the ledger
// name it.
func (a *app) newKey(
	ctx context.Context, d *deployment.Deployment, keys digestkeys.Keys, id string,
) (string, error) {
	var failed error
	destroyed := func(id string) bool {
		at, err := inUse(d).KeyDestroyed(ctx, id)
		failed = cmp.Or(failed, err)
		return at != nil
	}
	if id == "" {
		id = keys.Propose(time.Now().UTC().Year(), destroyed)
	} else if destroyed(id) {
		return "", fmt.Errorf("a key %q was destroyed, and digests in the ledger name it: choose another id", id)
	}
	return id, cmp.Or(failed, keys.Add(id))
}

func (a *app) rotateKeys(ctx context.Context, d *deployment.Deployment, id string) error {
	keys, version, err := readKeys(ctx, d)
	if err != nil {
		return err
	}
	if faults := keys.Faults(current(d)); len(faults) > 0 {
		return fmt.Errorf("the secret is not changed, because it has faults: %s", strings.Join(faults, "; "))
	}
	if id, err = a.newKey(ctx, d, keys, id); err != nil {
		return err
	}
	if err := d.Keys.Replace(ctx, version, keys.Text()); err != nil {
		return err
	}
	a.tell("%s: the secret has a new key %s; key %s makes new digests still", d.Where, id, current(d))
	next := "next: write DigestKeyId=%s into parameter_overrides of samconfig.toml, in the table of this stack," +
		" and run `make deploy` (CONFIG=prod for that table); it has to stay there"
	if d.Parameters == nil { // of `make run`, whose secret is made anew at each start
		next = "next: end the local stack, and start it with `PARAMETERS=DigestKeyId=%s make run`:" +
			" it makes a key of that id itself"
	}
	a.tell(next, id)
	return a.print(map[string]string{"id": id, "current": current(d)}, []any{"DigestKeyId=" + id})
}
