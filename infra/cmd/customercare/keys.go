package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
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
	rotate.Flags().StringVar(&id, "id", "",
		"`ID` of the new key, 1 to 16 letters and digits (default: the next number)")
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

// keyring is the secret of a deployment.
type keyring struct {
	*deployment.Deployment
	text    string
	keys    digestkeys.Keys
	current string // id of the key that makes new digests
}

// keyring looks the deployment up and reads its secret. The current key is the one that
// the stack's parameter names, or the template's default, 1.
func (a *app) keyring(ctx context.Context) (k keyring, err error) {
	if k.Deployment, err = a.find(ctx); err != nil {
		return k, err
	}
	k.current = cmp.Or(k.Parameters["DigestKeyId"], "1")
	if k.text, err = k.Keys.Read(ctx); err == nil {
		k.keys, err = digestkeys.Parse(k.text)
	}
	return k, err
}

func (a *app) showKeys(ctx context.Context, _ []string) error {
	k, err := a.keyring(ctx)
	if err != nil {
		return err
	}
	type key struct {
		ID      string `json:"id"`
		Current bool   `json:"current"`
	}
	all, rows := []key{}, [][]string{{"KEY", "MAKES NEW DIGESTS"}}
	for _, id := range k.keys.IDs() {
		all = append(all, key{id, id == k.current})
		rows = append(rows, []string{id, yes(id == k.current)})
	}
	return a.print(all, rows)
}

func (a *app) checkKeys(ctx context.Context, _ []string) error {
	k, err := a.keyring(ctx)
	if err != nil {
		return err
	}
	faults := append([]string{}, k.keys.Faults(k.current)...)
	err = a.print(map[string]any{"keys": k.keys.IDs(), "current": k.current, "faults": faults}, [][]string{
		{"keys", strings.Join(k.keys.IDs(), " ")}, {"current", k.current}, {"faults", strconv.Itoa(len(faults))},
	})
	if err == nil && len(faults) > 0 {
		return found("%s: %s", k.Where, strings.Join(faults, "; "))
	}
	return err
}

func (a *app) rotateKeys(ctx context.Context, id string) error {
	k, err := a.keyring(ctx)
	if err != nil {
		return err
	}
	if faults := k.keys.Faults(k.current); len(faults) > 0 {
		return fmt.Errorf("the secret is not changed, because it has faults: %s", strings.Join(faults, "; "))
	}
	if id, err = k.keys.Add(id); err != nil {
		return err
	}
	if err := k.Keys.Replace(ctx, k.text, k.keys.Text()); err != nil {
		return err
	}
	a.tell("%s: the secret has a new key %s; key %s makes new digests still", k.Where, id, k.current)
	a.tell("next: write DigestKeyId=%s into parameter_overrides of samconfig.toml, in the table of this stack,"+
		" and run `make deploy` (CONFIG=prod for that table); it has to stay there", id)
	return a.print(map[string]string{"id": id, "current": k.current}, [][]string{{"DigestKeyId=" + id}})
}
