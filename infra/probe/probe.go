// Package probe tries every operation of a deployed stack through its front door, as clients do, and then looks in the
// tables with strongly consistent reads whether what was said has happened, and nothing else.
//
// It works on principals, users, customers and contacts of its own, under names that nobody else has, and removes them
// again, also after a failure or an interruption. Two things stay, because only the product itself may end them: the open
// job of the customer that was deleted, with its tombstone, and that of the contacts. Cleanup ends both when there can be
// no late writer any more (parameter WriterLifetime); the ledger's records of them stay, and hold digests only.
//
// A run makes about ten calls with a wrong secret, which count as failed attempts of this machine's address: so many runs
// within minutes lock it out for a while.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"customercare/infra/deployment"
)

// Options say what is tried.
type Options struct {
	Deployment *deployment.Deployment
	Out        io.Writer     // one line for each check, and a last one with the counts
	Patience   time.Duration // how long to wait for what happens in the background; 0: a minute
}

// Counts are the checks by how they ended.
type Counts struct{ Passed, Failed, NotMade int }

// Green says that every check was made and passed.
func (c Counts) Green() bool { return c.Failed == 0 && c.NotMade == 0 }

// What a run may take, together within two minutes.
const (
	checking = 90 * time.Second
	removing = 25 * time.Second
)

// check is one thing that must be so. It returns what is not; a note says what was seen where more than one thing is right.
type check struct {
	name string
	do   func(context.Context) error
	// needed says that without it no later check means anything.
	needed bool
}

// errInterrupted is a check that could not be made to its end.
var errInterrupted = errors.New("interrupted")

// probe is one run.
type probe struct {
	Options
	material
	client      *client
	interrupted <-chan struct{} // no new check begins any more
	notes       []string        // of the check that is being made
	want        map[place][]item
	token       string
	short       shortToken
	refusals    []string // sentences of operation 3's refusals of a caller
	cleaned     bool     // the erasure of contacts is on record
}

// Run makes all checks in order, removes what it put in, and says what it found. When ctx ends the check that is being made
// is the last one. The error is one of Options; nothing has been done then.
func Run(ctx context.Context, o Options) (Counts, error) {
	address, err := url.Parse(o.Deployment.APIURL)
	switch {
	case o.Deployment.APIURL == "":
		return Counts{}, errors.New("where the API answers is not known: set API_URL, or STACK for a stack with the output ApiUrl")
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return Counts{}, fmt.Errorf("API_URL must be an address like https://id.execute-api.eu-west-1.amazonaws.com/v1, not %q", o.Deployment.APIURL)
	case address.Scheme == "http" && !slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, address.Hostname()):
		return Counts{}, errors.New("API_URL must begin with https: passwords and keys are sent there")
	}
	if o.Patience == 0 {
		o.Patience = time.Minute
	}
	p := &probe{Options: o, material: newMaterial(), interrupted: ctx.Done(), want: map[place][]item{}}
	p.client = newClient(o.Deployment.APIURL, p.secrets())
	p.Out = masked{p.client, o.Out}
	o.Out = p.Out
	fmt.Fprintf(o.Out, "run %s at %s, tables of %s\n", p.run, o.Deployment.APIURL, o.Deployment.Where)

	began := time.Now()
	var counts Counts
	try := func(ctx context.Context, c check) (ok bool) {
		p.notes = nil
		began := time.Now()
		err := c.do(ctx)
		took := time.Since(began)
		switch {
		case errors.Is(err, errInterrupted):
			counts.NotMade++
		case err != nil:
			counts.Failed++
			fmt.Fprintf(o.Out, "FAIL %8.3fs  %s: %v\n", took.Seconds(), c.name, err)
		default:
			counts.Passed++
			fmt.Fprintf(o.Out, "ok   %8.3fs  %s%s\n", took.Seconds(), c.name, p.seen())
		}
		return err == nil
	}
	// An interruption does not cut a call off: what it has done would not be known.
	working, cancel := context.WithTimeout(context.WithoutCancel(ctx), checking)
	checks := p.checks()
	for i, c := range checks {
		if ctx.Err() != nil || working.Err() != nil {
			counts.NotMade += len(checks) - i
			break
		}
		if ok := try(working, c); !ok && (c.needed || p.client.nobody) {
			counts.NotMade += len(checks) - i - 1
			break
		}
	}
	if working.Err() != nil {
		fmt.Fprintf(o.Out, "the time is up: checks may take %s together\n", checking)
	}
	cancel()
	working, cancel = context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	try(working, check{name: "everything is removed again", do: p.remove})
	fmt.Fprintf(o.Out, "%d checks in %.1fs: %d passed, %d failed, %d not made\n",
		counts.Passed+counts.Failed+counts.NotMade, time.Since(began).Seconds(), counts.Passed, counts.Failed, counts.NotMade)
	return counts, nil
}

func (p *probe) checks() []check {
	return slices.Concat(
		[]check{{"records are loaded: operator, API user, two apps, two users, three customers with 66 transactions, four contacts", p.load, true}},
		p.tokenChecks(),
		p.provisionRefusals(), p.customerRefusals(), p.numbersRefusals(),
		[]check{{"a path that nobody offers is a 404", p.unknownPath, false}, {"what was refused has changed nothing", p.everythingStands, false}},
		p.provisionEffects(), p.customerEffects(), p.numbersEffects(),
		[]check{{"an expired token is refused", p.expired, false}, {"everybody else's data is untouched", p.everythingStands, false}},
	)
}

// note tells what was seen, where the local gateway and AWS may differ.
func (p *probe) note(format string, values ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, values...))
}

func (p *probe) seen() string {
	slices.Sort(p.notes)
	if notes := slices.Compact(p.notes); len(notes) > 0 {
		return " (" + strings.Join(notes, "; ") + ")"
	}
	return ""
}

// wait waits for d. It says errInterrupted when no longer check is wanted.
func (p *probe) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.interrupted:
		return errInterrupted
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eventually repeats what must come true in the background, until it is or Patience has passed.
func (p *probe) eventually(ctx context.Context, do func(context.Context) error) error {
	began := time.Now()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if time.Since(began) > p.Patience {
			return fmt.Errorf("not within %s: %w", p.Patience, err)
		}
		if err := p.wait(ctx, pause); err != nil {
			return err
		}
	}
}
