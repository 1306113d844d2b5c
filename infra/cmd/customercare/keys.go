package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/infra/digestkeys"
)

func (a *app) keysCommand() *cobra.Command {
	var id string
	rotate := a.does(&cobra.Command{
		Use:   "rotate",
		Short: "Put a new key into the secret",
		Long: `Put a new key of 256 random bits into the secret DigestKeys, beside all that are in it,
and say what has to be deployed next: functions make new digests with the key that the
parameter DigestKeyId names. No key is ever changed or removed, because nobody could
show any more whom the records are about that were made with it.`,
		Example: `  customercare keys rotate --stack customercare
  customercare keys rotate --id 2027a --stack customercare --json`,
		Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.rotateKeys(ctx, id) })
	rotate.Flags().StringVar(&id, "id", "", "`ID` of the new key, 1 to 16 letters and digits (default: the next number)")
	return group(&cobra.Command{
		Use:   "keys",
		Short: "Show, rotate and check the keys of the digests",
		Long: `Show, rotate and check the keys of the digests that stand in the ledger for those who
were erased. They are in the secret DigestKeys of the stack, and no command prints one.`,
		Example: `  customercare keys check --stack customercare
  customercare keys rotate --stack customercare`,
	}, a.does(&cobra.Command{
		Use:   "show",
		Short: "List the ids of the keys, and which one makes new digests",
		Long:  `List the ids of all keys in the secret, and which one makes new digests.`,
		Example: `  customercare keys show --stack customercare
  customercare keys show --json`,
		Args: cobra.NoArgs,
	}, a.showKeys), rotate, a.does(&cobra.Command{
		Use:   "check",
		Short: "Check that the functions can work with the keys",
		Long: `Check that the secret has its form, that every key is long enough, and that the key is
there which the parameter DigestKeyId names: functions do not start otherwise.

Exit code: 3 when a fault was found.`,
		Example: `  customercare keys check --stack customercare && make deploy`,
		Args:    cobra.NoArgs,
	}, a.checkKeys))
}

// key is what is told of a key.
type key struct {
	ID      string `json:"id"`
	Current bool   `json:"current"`
}

// readSecret looks the deployment up and reads its keys, with the id of the one that makes
// new digests: the stack's parameter, or 1, which is the template's default.
func (a *app) readSecret(ctx context.Context) (d *deployment.Deployment, keys digestkeys.Keys, current string, err error) {
	if d, err = a.find(ctx); err != nil {
		return nil, nil, "", err
	}
	keys, err = a.readKeys(ctx, d, "")
	return d, keys, cmp.Or(d.Parameters["DigestKeyId"], "1"), err
}

func (a *app) showKeys(ctx context.Context, _ []string) error {
	_, keys, current, err := a.readSecret(ctx)
	if err != nil {
		return err
	}
	all, rows := []key{}, [][]string{{"KEY", "MAKES NEW DIGESTS"}}
	for _, id := range keys.IDs() {
		all = append(all, key{id, id == current})
		rows = append(rows, []string{id, yes(id == current)})
	}
	if a.json {
		return a.printJSON(all)
	}
	return a.printTable(rows)
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func (a *app) checkKeys(ctx context.Context, _ []string) error {
	d, keys, current, err := a.readSecret(ctx)
	if err != nil {
		return err
	}
	faults := keys.Faults(current)
	if a.json {
		err = a.printJSON(map[string]any{"keys": len(keys), "current": current, "faults": append([]string{}, faults...)})
	} else if len(faults) == 0 {
		fmt.Fprintf(a.out, "%s: %d keys are right, and key %s makes new digests\n", d.Where, len(keys), current)
	}
	if err == nil && len(faults) > 0 {
		return found("%s: %s", d.Where, strings.Join(faults, "; "))
	}
	return err
}

func (a *app) rotateKeys(ctx context.Context, id string) error {
	d, keys, current, err := a.readSecret(ctx)
	if err != nil {
		return err
	}
	if faults := keys.Faults(current); len(faults) > 0 {
		return fmt.Errorf("the secret is not changed, because it has faults: %s", strings.Join(faults, "; "))
	}
	if id, err = keys.Add(id); err != nil {
		return err
	}
	if err := d.Keys.Write(ctx, keys.Text()); err != nil {
		return err
	}
	a.tell("%s: the secret has a new key %s; key %s makes new digests still", d.Where, id, current)
	a.tell("next: write DigestKeyId=%s into parameter_overrides of samconfig.toml, in the table of this stack, "+
		"and run `make deploy` (CONFIG=prod for that table); it has to stay there", id)
	if a.json {
		return a.printJSON(map[string]string{"id": id, "current": current, "deploy": "DigestKeyId=" + id})
	}
	_, err = fmt.Fprintln(a.out, "DigestKeyId="+id)
	return err
}
