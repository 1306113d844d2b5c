package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/shared/erasure"
	"customercare/shared/identifier"
	"customercare/shared/store"
)

// holdFor is how long a command goes on with a hold. Cleanup does afterwards.
const holdFor = 5 * time.Minute

// placing is a call of `holds place`.
type placing struct{ customer, number, reason, until, by string }

func (a *app) placeCommand() *cobra.Command {
	var p placing
	command := page("holds", "place ID SUBJECT --reason TEXT --by NAME")
	flags := command.Flags()
	flags.StringVar(&p.customer, "customer", "", "SUBJECT is the code of a customer of this `ACCOUNT`")
	flags.StringVar(&p.number, "number", "", "SUBJECT is a customer number of this `TENANT`")
	flags.StringVar(&p.reason, "reason", "", "`TEXT` that says why, and names nobody")
	flags.StringVar(&p.until, "until", "", "the `TIME` at which it is released by itself, RFC 3339")
	flags.StringVar(&p.by, "by", "", "`NAME` of who places it, for the statement")
	var hold store.Hold
	command.PreRunE = func(_ *cobra.Command, args []string) (err error) {
		hold, err = p.hold(args[0], time.Now())
		return err
	}
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		hold.Subject = args[1]
		if hold.Subject == "-" {
			lines, err := a.lines("-", 1)
			if err != nil {
				return err
			}
			hold.Subject = lines[0]
		}
		for _, text := range []string{hold.Scope, hold.Subject} {
			if text == "" || len(text) > identifier.MaxShort || !identifier.Sayable(text) {
				return fmt.Errorf("an account, code, tenant or number must have 1 to %d bytes of valid text", identifier.MaxShort)
			}
		}
		return a.placeHold(ctx, d, hold)
	})
}

// hold is the hold that the flags ask for, without its subject.
func (p placing) hold(id string, now time.Time) (hold store.Hold, err error) {
	hold = store.Hold{
		ID: id, Kind: store.HoldOfCustomer, Scope: cmp.Or(p.customer, p.number), Reason: p.reason, By: p.by,
	}
	if p.number != "" {
		hold.Kind = store.HoldOfNumber
	}
	if p.until != "" {
		var ok bool
		if hold.Until, ok = erasure.HoldUntil(p.until); !ok {
			return hold, errors.New("--until must be a time like 2027-01-02T03:04:05Z")
		}
	}
	switch {
	case !erasure.IsHoldID(id):
		return hold, fmt.Errorf("ID must be 1 to %d small letters, digits and hyphens, with a letter or digit at both ends",
			erasure.MaxHoldID)
	case (p.customer == "") == (p.number == ""):
		return hold, errors.New("say either --customer ACCOUNT or --number TENANT")
	case !erasure.IsHoldReason(p.reason):
		return hold, fmt.Errorf("--reason must say why, in 1 to %d characters without control characters", erasure.MaxHoldReason)
	case p.until != "" && !hold.Until.After(now):
		return hold, errors.New("--until must be in the future")
	}
	return hold, checkBy(p.by, "places the hold")
}

// checkBy refuses what is no name of whoever a statement says has done something.
func checkBy(by, does string) error {
	if by == "" || len(by) > identifier.MaxLong || !identifier.Sayable(by) {
		return fmt.Errorf("--by must say who %s, in at most %d bytes of valid text", does, identifier.MaxLong)
	}
	return nil
}

// holder works on the tables of a deployment as the functions do, with the stack's times.
func holder(d *deployment.Deployment) erasure.Holder {
	parameter := func(name string, usual time.Duration) time.Duration {
		if length, err := time.ParseDuration(d.Parameters[name]); err == nil {
			return length
		}
		return usual
	}
	return erasure.NewHolder(
		store.Erasures{DB: d.DB, Table: d.Tables.Erasures}, store.Customers{DB: d.DB, Table: d.Tables.Customers},
		store.Contacts{DB: d.DB, Table: d.Tables.Contacts}, holdsOf(d), erasure.Timing{
			WriterLifetime: parameter("WriterLifetime", 5*time.Minute), ClockSkew: parameter("ClockSkew", time.Minute),
		}, erasure.SystemClock(),
	)
}

func (a *app) placeHold(ctx context.Context, d *deployment.Deployment, hold store.Hold) error {
	keys, _, err := readKeys(ctx, d)
	if err != nil {
		return err
	}
	digests := keys.Digester()
	if digests.Current = current(d); digests.Keys[digests.Current] == nil {
		return fmt.Errorf("the secret has no key %s, with which the stack makes digests: see `customercare keys check`",
			digests.Current)
	}
	all := digests.EverySubject(hold.Kind, hold.Scope, hold.Subject)
	hold.Digest = all[0]
	placed, created, err := holder(d).Place(ctx, hold, all, time.Now().Add(holdFor))
	stands := created || placed.Status == store.Placing
	switch {
	case err != nil && stands && ctx.Err() != nil:
		return fmt.Errorf("interrupted: the hold %s stands, and cleanup goes on until it is active", hold.ID)
	case err != nil && stands:
		return fmt.Errorf("%w; the hold %s stands, and cleanup goes on until it is active", holdFailed(ctx, d, hold.ID, err), hold.ID)
	case err != nil:
		return holdFailed(ctx, d, hold.ID, err)
	}
	if err := a.showHold(ctx, d, placed, false); err != nil {
		return err
	}
	switch {
	case placed.Status == store.Placing:
		return found("the hold %s is not active yet: there is so much to mark that cleanup goes on with it", hold.ID)
	case created:
		a.tell("the hold %s is active in %s", hold.ID, d.Where)
	default:
		a.tell("the hold %s was active before in %s", hold.ID, d.Where)
	}
	return nil
}

func (a *app) releaseCommand() *cobra.Command {
	by := ""
	command := page("holds", "release ID --by NAME")
	command.Flags().StringVar(&by, "by", "", "`NAME` of who releases it, for the statement")
	command.PreRunE = func(*cobra.Command, []string) error { return checkBy(by, "releases the hold") }
	command.ValidArgsFunction = a.completes(holdIDs)
	return a.does(command, func(ctx context.Context, d *deployment.Deployment, args []string) error {
		return a.releaseHold(ctx, d, args[0], by)
	})
}

// releaseHold releases a hold, and erases what was asked for meanwhile as far as it can
// at once.
func (a *app) releaseHold(ctx context.Context, d *deployment.Deployment, id, by string) error {
	if _, err := holder(d).Release(ctx, id, by); err != nil {
		return holdFailed(ctx, d, id, err)
	}
	hold, err := holder(d).GoOn(ctx, id, time.Now().Add(holdFor))
	const later = "nothing is held by %s any more, and cleanup goes on to erase what was asked for meanwhile"
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("interrupted: "+later, id)
	case err != nil:
		return found("%w; "+later, holdFailed(ctx, d, id, err), id)
	}
	if err := a.showHold(ctx, d, hold, false); err != nil {
		return err
	}
	if hold.Status == store.Released {
		a.tell("the hold %s is released in %s: what was asked for meanwhile is being erased", id, d.Where)
	} else {
		a.tell(later, id)
	}
	return nil
}
