package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"customercare/infra/deployment"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func (a *app) holdsCommand() *cobra.Command {
	var identifiers bool
	limit := 0
	list := a.does(page("holds", "list"), func(ctx context.Context, d *deployment.Deployment, _ []string) error {
		return a.listHolds(ctx, d, limit, identifiers)
	})
	list.PreRunE = func(*cobra.Command, []string) error {
		if limit < 1 {
			return errors.New("--limit must be at least 1")
		}
		return nil
	}
	list.Flags().IntVar(&limit, "limit", 100, "at most `N`")
	show := a.does(page("holds", "show ID"), func(ctx context.Context, d *deployment.Deployment, args []string) error {
		hold, err := holdsOf(d).Read(ctx, args[0])
		if err != nil {
			return holdFailed(ctx, d, args[0], err)
		}
		return a.showHold(ctx, d, hold, identifiers)
	})
	for _, command := range []*cobra.Command{list, show} {
		command.Flags().BoolVar(&identifiers, "identifiers", false, "print whom a hold is about, too")
	}
	show.ValidArgsFunction = a.completes(holdIDs)
	return group(page("", "holds"), list, show, a.placeCommand(), a.releaseCommand(),
		a.does(page("holds", "mark"), a.markHolds))
}

// standingIndex is what template.yaml calls the index of the holds that are not released.
const standingIndex = "standing"

func holdsOf(d *deployment.Deployment) store.Holds {
	return store.Holds{DB: d.DB, Table: d.Tables.Holds}
}

// holdIDs are the ids of the holds that are not released.
func holdIDs(ctx context.Context, d *deployment.Deployment, _ []string) (ids []string) {
	all, _, _ := holdsOf(d).ListStanding(ctx, standingIndex, 100)
	for _, hold := range all {
		ids = append(ids, hold.ID)
	}
	return ids
}

// shownHold is a hold as the commands print it.
type shownHold struct {
	ID     string     `json:"id"`
	Status string     `json:"status"`
	Kind   string     `json:"kind"`
	Scope  string     `json:"scope"`
	Digest string     `json:"digest"`
	Code   string     `json:"code,omitempty"` // as --identifiers asks, with the next
	Number string     `json:"number,omitempty"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	Placed *time.Time `json:"placed"`
	Until  *time.Time `json:"until"`
	// Failing is how many runs in a row could not go on with it.
	Failing    int64      `json:"failing"`
	ReleasedBy string     `json:"releasedBy,omitempty"`
	Released   *time.Time `json:"released"`
	// Erasures are those that it has refused, or of which it keeps numbers, and that wait
	// for its release.
	Erasures []string `json:"erasures"`
	Numbers  int      `json:"numbers"` // how many wait
}

// shown reads what waits for a hold.
func shown(ctx context.Context, d *deployment.Deployment, hold store.Hold, identifiers bool) (shownHold, error) {
	timeOf := func(at time.Time) *time.Time {
		if at.IsZero() || at.UnixMilli() == 0 {
			return nil
		}
		at = at.UTC()
		return &at
	}
	s := shownHold{
		ID: hold.ID, Status: string(hold.Status), Kind: hold.Kind, Scope: hold.Scope, Digest: hold.Digest,
		Reason: hold.Reason, By: hold.By, Placed: timeOf(hold.PlacedAt), Until: timeOf(hold.Until),
		Failing: hold.Failures, ReleasedBy: hold.ReleasedBy, Released: timeOf(hold.ReleasedAt), Erasures: []string{},
	}
	if identifiers && hold.Kind == store.HoldOfCustomer {
		s.Code = hold.Subject
	} else if identifiers {
		s.Number = hold.Subject
	}
	refused, err := holdsOf(d).ReadRefused(ctx, hold)
	if refused != nil {
		s.Erasures = append(s.Erasures, refused.ID)
	}
	for n := hold.Opened; err == nil && n < hold.Asked; n++ {
		var asked store.AskedNumbers
		asked, err = holdsOf(d).ReadAsked(ctx, hold.ID, n)
		if len(asked.Numbers) > 0 { // else it was opened since
			s.Erasures, s.Numbers = append(s.Erasures, asked.Erasure), s.Numbers+len(asked.Numbers)
		}
	}
	return s, err
}

// of is whom a hold is about, as it may be printed.
func (s shownHold) of() string {
	of := map[string]string{store.HoldOfCustomer: "a customer of ", store.HoldOfNumber: "a number of "}[s.Kind] + s.Scope
	if s.Code+s.Number != "" {
		of += ": " + s.Code + s.Number
	}
	return of
}

// waits is what the release of a hold has to do.
func (s shownHold) waits() string {
	switch {
	case len(s.Erasures) == 0:
		return ""
	case s.Kind == store.HoldOfCustomer:
		return "the customer's erasure"
	}
	return fmt.Sprintf("%s of %s", plural(s.Numbers, "number", "numbers"), plural(len(s.Erasures), "erasure", "erasures"))
}

func (a *app) listHolds(ctx context.Context, d *deployment.Deployment, limit int, identifiers bool) error {
	holds, more, err := holdsOf(d).ListStanding(ctx, standingIndex, limit)
	if err != nil {
		return holdFailed(ctx, d, "", err)
	}
	all, failing := []shownHold{}, 0
	rows := [][]any{{"HOLD", "STATUS", "OF", "BY", "PLACED", "UNTIL", "REASON", "WAITS", "FAILED RUNS"}}
	for _, hold := range holds {
		s, err := shown(ctx, d, hold, identifiers)
		if err != nil {
			return holdFailed(ctx, d, hold.ID, err)
		}
		if s.Failing > 0 {
			failing++
		}
		all = append(all, s)
		rows = append(rows, []any{s.ID, s.Status, s.of(), s.By, s.Placed, s.Until, s.Reason, s.waits(), s.Failing})
	}
	if err := a.list(all, "no hold stands", rows...); err != nil {
		return err
	}
	if more {
		a.tell("there are more: raise --limit")
	}
	if failing > 0 {
		return found("cleanup fails at %s", plural(failing, "hold", "holds"))
	}
	return nil
}

// markHolds marks again what the holds on numbers keep.
func (a *app) markHolds(ctx context.Context, d *deployment.Deployment, _ []string) error {
	const most = 1000
	holds, more, err := holdsOf(d).ListStanding(ctx, standingIndex, most)
	if err != nil {
		return holdFailed(ctx, d, "", err)
	}
	contacts, numbers := 0, 0
	for _, hold := range holds {
		if hold.Kind != store.HoldOfNumber || hold.Status != store.Active {
			continue // cleanup is at it, or there is nothing to mark
		}
		n, err := holder(d).MarkAgain(ctx, hold)
		if err != nil {
			return holdFailed(ctx, d, hold.ID, err)
		}
		contacts, numbers = contacts+n, numbers+1
	}
	err = a.print(map[string]int{"holds": numbers, "contacts": contacts}, []any{"holds of numbers", numbers}, []any{"contacts", contacts})
	if err == nil && more {
		return found("more than %d holds stand, and the others are not looked at", most)
	}
	return err
}

// showHold prints a hold as it stands.
func (a *app) showHold(ctx context.Context, d *deployment.Deployment, hold store.Hold, identifiers bool) error {
	s, err := shown(ctx, d, hold, identifiers)
	if err != nil {
		return holdFailed(ctx, d, hold.ID, err)
	}
	rows := [][]any{
		{"hold", s.ID}, {"status", s.Status}, {"of", s.of()}, {"digest", s.Digest}, {"reason", s.Reason}, {"by", s.By},
		{"placed", s.Placed}, {"until", s.Until}, {"waits", s.waits()}, {"erasures", s.Erasures},
		{"failed runs", s.Failing}, {"released by", s.ReleasedBy}, {"released", s.Released},
	}
	return a.print(s, rows...)
}

// holdFailed makes a sentence of what kept a hold from being read, placed or released.
func holdFailed(ctx context.Context, d *deployment.Deployment, id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNoHold):
		return fmt.Errorf("there is no hold %s in %s", id, d.Where)
	case errors.Is(err, store.ErrErasing):
		return errors.New("the customer is being erased, so nothing can be held any more")
	case errors.Is(err, erasure.ErrHoldDiffers):
		return fmt.Errorf("there is or was another hold %s in %s: use another id", id, d.Where)
	case errors.Is(err, store.ErrNotMarked):
		return fmt.Errorf("the hold %s cannot become active: a contact is as large as an item may be,"+
			" and has no room for its mark", id)
	case errors.Is(err, store.ErrRaced):
		return fmt.Errorf("somebody else changes what the hold %s is about at this moment: call the same again", id)
	}
	return deployment.Explain(ctx, "a table of "+d.Where, err)
}
