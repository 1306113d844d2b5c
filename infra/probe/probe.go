// Package probe is the smoke test: it tries every operation of a deployed stack through
// its front door, as clients do, and then looks in the tables with strongly consistent
// reads whether what was said has happened, and nothing else.
//
// It works on principals, users, customers and contacts of its own, under names that
// nobody else has, and removes them again, also after a failure or an interruption. Two
// things stay, because only the product itself may end them: the open jobs of the
// customers that were deleted, with their tombstones, and the open job of the contacts.
// Cleanup ends them when there can be no late writer any more (parameter WriterLifetime).
// The ledger's records of them stay, and so does the hold that was placed and released;
// they have digests only.
//
// A run makes about ten calls with a wrong secret. They count as failed attempts of this
// machine's address, so that many runs within minutes lock it out for a while.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/deployment"
)

// Options say what is tried.
type Options struct {
	Deployment *deployment.Deployment
	Out        io.Writer     // one line for each check, and a last one with the counts
	Timeout    time.Duration // of what happens in the background; 0: 90 s
}

// Counts are the checks by how they ended.
type Counts struct{ Passed, Failed, NotMade int }

// Green says that every check was made and passed.
func (c Counts) Green() bool { return c.Failed == 0 && c.NotMade == 0 }

// What a run may take, together within three minutes.
const (
	checkTimeout  = 150 * time.Second
	removeTimeout = 25 * time.Second
)

// check is one thing that must be so.
type check struct {
	name string
	// do returns what is wrong. Where more than one thing is right, it notes (run.note)
	// which it saw.
	do func(context.Context) error
}

// errInterrupted is what a check returns that could not be made to its end.
var errInterrupted = errors.New("interrupted")

// run is one run.
type run struct {
	Options
	material
	api         client.Client
	interrupted <-chan struct{} // no new check begins any more
	counts      Counts
	notes       []string                   // of the check that is being made
	want        map[place][]attribute.Item // what must stand where, by all checks so far
	acted       map[place]bool             // users with whom an operation was to do something
	tokens      []string                   // all that were ever in an answer
	lost        bool                       // an answer that may have held a token did not arrive
	nobody      bool                       // nobody listens at the API's address
	token       string                     // the app's
	shortToken  string                     // one that was asked to end soon
	shortOver   time.Time                  // when shortToken is expired for every clock of the system
	refusals    []string                   // sentences of operation 3's refusals of a caller
	erasure     string                     // the id of our customer's
	cleaned     bool                       // the erasure of contacts is on record
	held        bool                       // a hold of ours may stand
	refused     bool                       // it has refused an erasure, which its release opens
}

// Run makes all checks in order, removes what it put in, and says what it found. When ctx
// ends, the check that is being made is the last one. The error is one of Options: then
// nothing has been done.
func Run(ctx context.Context, o Options) (Counts, error) {
	if err := checkAddress(o.Deployment.APIURL); err != nil {
		return Counts{}, err
	}
	if o.Timeout == 0 {
		o.Timeout = 90 * time.Second // a statement is sealed within a minute or two
	}
	r := &run{Options: o, material: newMaterial(), interrupted: ctx.Done(), want: map[place][]attribute.Item{},
		acted: map[place]bool{}}
	r.api = client.Client{Base: o.Deployment.APIURL, Mask: r.mask, HTTP: &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	fmt.Fprintf(r.Out, "run %s at %s, tables of %s\n", r.name, o.Deployment.APIURL, o.Deployment.Where)
	began := time.Now()

	// An interruption does not cut a call off: what it has done would not be known.
	working, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	pointless := false // without records or an API no later check means anything
	for s, stage := range []func() []check{r.firstChecks, r.laterChecks} {
		for i, c := range stage() {
			if pointless || ctx.Err() != nil || working.Err() != nil {
				r.counts.NotMade++
				continue
			}
			ok := r.try(working, c)
			pointless = !ok && (s == 0 && i == 0 || r.nobody)
		}
	}
	if working.Err() != nil {
		fmt.Fprintf(r.Out, "the time is up: checks may take %s together\n", checkTimeout)
	}
	cancel()
	working, cancel = context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	r.try(working, check{"everything is removed again", r.remove})
	fmt.Fprintf(r.Out, "%d checks in %.1fs: %d passed, %d failed, %d not made\n",
		r.counts.Passed+r.counts.Failed+r.counts.NotMade, time.Since(began).Seconds(),
		r.counts.Passed, r.counts.Failed, r.counts.NotMade)
	return r.counts, nil
}

// checkAddress lets passwords and keys be sent by https only, or to this machine.
func checkAddress(api string) error {
	address, err := url.Parse(api)
	switch {
	case api == "":
		return errors.New("where the API answers is not known: set API_URL, or STACK for a stack with the output ApiUrl," +
			" or PORT for the local stack")
	case err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http":
		return fmt.Errorf("API_URL must be an address like https://id.execute-api.eu-west-1.amazonaws.com/v1, not %q", api)
	case address.Scheme == "http" && !slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, address.Hostname()):
		return errors.New("API_URL must begin with https: passwords and keys are sent there")
	}
	return nil
}

// try makes one check, counts it and prints its line.
func (r *run) try(ctx context.Context, c check) (ok bool) {
	r.notes = nil
	began := time.Now()
	err := c.do(ctx)
	took := time.Since(began).Seconds()
	switch {
	case errors.Is(err, errInterrupted):
		r.counts.NotMade++
	case err != nil:
		r.counts.Failed++
		fmt.Fprintf(r.Out, "FAIL %8.3fs  %s: %s\n", took, c.name, r.mask(err.Error()))
	default:
		r.counts.Passed++
		slices.Sort(r.notes)
		notes := strings.Join(slices.Compact(r.notes), "; ")
		if notes != "" {
			notes = " (" + notes + ")"
		}
		fmt.Fprintf(r.Out, "ok   %8.3fs  %s%s\n", took, c.name, notes)
	}
	return err == nil
}

// note adds what was seen to the check's line, where the local gateway and AWS may
// differ.
func (r *run) note(format string, values ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, values...))
}

// wait waits for d, or returns errInterrupted when the run is to end.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.interrupted:
		return errInterrupted
	case <-ctx.Done():
		return ctx.Err()
	}
}

// eventuallyStands is stands of what must come true in the background, within Timeout.
func (r *run) eventuallyStands(ctx context.Context, at place) error {
	began := time.Now()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := r.stands(ctx, at)
		if err == nil {
			return nil
		}
		if time.Since(began) > r.Timeout {
			return fmt.Errorf("not within %s: %w", r.Timeout, err)
		}
		if err := r.wait(ctx, pause); err != nil {
			return err
		}
	}
}
