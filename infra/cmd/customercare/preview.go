package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/shared/erasure"
	"customercare/shared/identifier"
	"customercare/shared/store"
)

const (
	// mostNumbers is how many numbers an erasure has at most (docs/contracts.md,
	// operation 4).
	mostNumbers = 1000
	// previewFor is how long a preview looks.
	previewFor = 5 * time.Minute
)

func (a *app) previewCommand() *cobra.Command {
	customer := a.does(page("preview", "customer ACCOUNT CODE"), func(ctx context.Context, d *deployment.Deployment, args []string) error {
		if args[1] == "-" {
			lines, err := a.lines("-", 1)
			if err != nil {
				return err
			}
			args[1] = lines[0]
		}
		return a.preview(ctx, d, func(p erasure.Preview, until time.Time) (erasure.Previewed, error) {
			return p.Customer(ctx, args[0], args[1], until)
		}, args...)
	})
	numbers := a.does(page("preview", "numbers TENANT FILE"), func(ctx context.Context, d *deployment.Deployment, args []string) error {
		lines, err := a.lines(args[1], mostNumbers)
		if err != nil {
			return err
		}
		return a.preview(ctx, d, func(p erasure.Preview, until time.Time) (erasure.Previewed, error) {
			return p.Numbers(ctx, args[0], lines, until)
		}, append(lines, args[0])...)
	})
	return group(page("", "preview"), customer, numbers)
}

// lines are those of a file, or of standard input ("-"), that are not empty: 1 to most.
func (a *app) lines(name string, most int) (lines []string, err error) {
	file, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if line := strings.TrimSuffix(scanner.Text(), "\r"); line != "" {
			lines = append(lines, line)
		}
		if len(lines) > most {
			return nil, fmt.Errorf("%s has more than %s", name, plural(most, "line", "lines"))
		}
	}
	if scanner.Err() != nil {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is empty", name)
	}
	return lines, nil
}

// preview prints what look finds. identifiers are what it was asked for.
func (a *app) preview(
	ctx context.Context, d *deployment.Deployment,
	look func(erasure.Preview, time.Time) (erasure.Previewed, error), identifiers ...string,
) error {
	for _, text := range identifiers {
		if text == "" || len(text) > identifier.MaxShort || !identifier.Sayable(text) {
			return fmt.Errorf("an account, code, tenant or number must have 1 to %d bytes of valid text", identifier.MaxShort)
		}
	}
	keys, err := a.keysFrom(ctx, d, "")
	if err != nil {
		return err
	}
	p := erasure.NewPreview(
		store.Erasures{DB: d.DB, Table: d.Tables.Erasures}, store.Customers{DB: d.DB, Table: d.Tables.Customers},
		store.Contacts{DB: d.DB, Table: d.Tables.Contacts}, holdsOf(d), keys.Digester(), time.Now,
	)
	seen, err := look(p, time.Now().Add(previewFor))
	if err != nil {
		return deployment.Explain(ctx, "a table of "+d.Where, err)
	}
	rows := [][]any{
		{"customers", seen.Found.Customers}, {"transactions", seen.Found.Transactions}, {"others", seen.Found.Others},
		{"contacts", seen.Found.Contacts}, {"held", seen.Held},
	}
	for _, c := range seen.Campaigns {
		rows = append(rows, []any{"campaign " + c.Campaign, c.Transactions})
	}
	if seen.Open != nil {
		rows = append(rows, []any{"open", *seen.Open})
	}
	if err := a.print(seen, rows...); err != nil {
		return err
	}
	if seen.AtLeast {
		return found("there is more: %d items are what was seen in %s", seen.Found.Sum(), previewFor)
	}
	return nil
}
