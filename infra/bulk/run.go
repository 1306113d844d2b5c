package bulk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"customercare/infra/client"
)

// Options are how to erase what a plan has.
type Options struct {
	API        client.Client
	User, Key  string // of the API user that erases customers
	App        string // the app key that erases numbers
	Secret     string
	Result     string  // name of the result file
	Rate       float64 // calls a second at most
	ApprovedBy string  // the second person, "" for none
	Reason     string  // that the API is told, with the second person's name
	Ticket     string
	Wait       bool   // for the end of every erasure
	Progress   func() // called for each row that has an outcome
	// Notes is called with a sentence about an erasure of which no end can be read.
	Notes func(sentence string)
}

// Counts are the rows of a file by outcome, and those that have none yet.
type Counts struct {
	Accepted   int `json:"accepted"`
	Erased     int `json:"erased"`
	NotFound   int `json:"notFound"`
	Held       int `json:"held"`
	Refused    int `json:"refused"`
	Duplicates int `json:"duplicates"`
	Left       int `json:"left"`
}

// AtOnce is how many calls are made at the same time.
const AtOnce = 8

const (
	mostList = 1000 // numbers in one call of operation 4
	scopes   = 2000 // accounts and tenants that are remembered
)

// eraser is one run.
type eraser struct {
	Options
	plan    *Plan
	journal *journal
	limit   *rate.Limiter
	headers []string // on every call that erases

	mu      sync.Mutex
	token   string
	allowed map[string]bool // by kind and scope
}

// Erase asks for every row that has no outcome yet. When it returns an error, which is a
// sentence, the same call goes on. The counts are those of the whole file, in any case.
func Erase(ctx context.Context, plan *Plan, o Options) (counts Counts, err error) {
	j, err := openJournal(ctx, o.Result, plan)
	if err != nil {
		return Counts{Left: plan.Rows}, err
	}
	defer j.close()
	e := &eraser{
		Options: o, plan: plan, journal: j, limit: rate.NewLimiter(rate.Limit(o.Rate), 1), allowed: map[string]bool{},
	}
	e.headers = []string{"X-Erasure-Reason: " + o.Note()}
	if o.Ticket != "" {
		e.headers = append(e.headers, "X-Erasure-Ticket: "+o.Ticket)
	}
	begun := entry{Run: &run{
		File: plan.sum, Rows: plan.Rows, At: time.Now().UTC(), User: o.User, App: o.App, ApprovedBy: o.ApprovedBy,
		Reason: o.Reason, Ticket: o.Ticket,
	}}
	if err = j.write(begun); err == nil {
		err = e.ask(ctx)
	}
	if err == nil && o.Wait {
		err = e.wait(ctx)
	}
	return j.counts(plan.Rows), err
}

// Note is the reason as the API is told it.
func (o Options) Note() string {
	note := "bulk erasure"
	if o.Reason != "" {
		note = o.Reason
	}
	if o.ApprovedBy != "" {
		note += "; approved by " + o.ApprovedBy
	}
	return note
}

// counts counts the rows of a file by their last outcome.
func (j *journal) counts(rows int) (c Counts) {
	j.mu.Lock()
	defer j.mu.Unlock()
	of := map[byte]*int{
		state(Accepted): &c.Accepted, state(Erased): &c.Erased, state(NotFound): &c.NotFound, state(Held): &c.Held,
		state(Refused): &c.Refused, state(Duplicate): &c.Duplicates,
	}
	c.Left = rows
	for _, s := range j.states {
		if n := of[s]; n != nil {
			*n++
			c.Left--
		}
	}
	return c
}

// ask goes through the file. Lists of numbers are made in the order of the file: so the
// list of a run that died is made again as it was, and joins the same erasure.
func (e *eraser) ask(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	var list []Row
	err := e.plan.each(ctx, func(row Row, of int) error {
		was := e.journal.state(row.Line)
		row.again = was == stateAsked
		switch {
		case was > stateAsked:
			e.Progress()
			return nil
		case row.Fault != "":
			return e.done(entry{Line: row.Line, Outcome: Refused, Why: row.Fault})
		case of > 0:
			return e.done(entry{Line: row.Line, Outcome: Duplicate, Of: of})
		}
		may, err := e.may(ctx, row)
		switch {
		case err != nil:
			return err
		case !may && row.Kind == Customer:
			return e.done(entry{Line: row.Line, Outcome: Refused, Why: "the account is not one of the API user's"})
		case !may:
			return e.done(entry{Line: row.Line, Outcome: Refused, Why: "the tenant is not the app's"})
		case row.Kind == Customer:
			group.Go(func() error { return e.customer(ctx, row) })
			return nil
		}
		if list = append(list, row); len(list) == mostList {
			full := list
			list = nil
			group.Go(func() error { return e.numbers(ctx, full) })
		}
		return nil
	})
	if err == nil && len(list) > 0 {
		group.Go(func() error { return e.numbers(ctx, list) })
	}
	failed := group.Wait() // what ended ctx, where that is not ours
	if failed != nil {
		return failed
	}
	return err
}

// done writes the outcomes of rows down.
func (e *eraser) done(entries ...entry) error {
	err := e.journal.write(entries...)
	for range entries {
		if err == nil {
			e.Progress()
		}
	}
	return err
}

// may says whether the account or tenant of a row is the caller's. It asks for a preview
// of somebody whom nobody has: a wrong secret is told before anything is erased, and
// rows of a foreign account are no guesses that lock the caller out.
func (e *eraser) may(ctx context.Context, row Row) (bool, error) {
	key := subjectKey(Row{Kind: row.Kind, Scope: row.Scope})
	may, known := e.allowed[key]
	if known {
		return may, nil
	}
	nobody := rand.Text()
	preview := client.PreviewCustomer(row.Scope, nobody)
	if row.Kind == Number {
		preview = client.PreviewNumbers(row.Scope, nobody)
	}
	answer, err := e.send(ctx, row.Kind, preview)
	switch {
	case err != nil:
		return false, err
	case answer.Status == 200:
		may = true
	case answer.Status != 403:
		return false, odd(answer)
	}
	if len(e.allowed) < scopes {
		e.allowed[key] = may
	}
	return may, nil
}

// odd is the error of an answer that this API does not give.
func odd(answer client.Answer) error {
	return fmt.Errorf("the API answered with status %d what it should not: look whether its address is right,"+
		" and call the same again", answer.Status)
}

// errNotLetIn says that a secret is not the right one, or is not any more.
func errNotLetIn(kind string) error {
	if kind == Customer {
		return errors.New("the API user or its key is wrong")
	}
	return errors.New("the app or its secret is wrong")
}
