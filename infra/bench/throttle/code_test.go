package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
	"customercare/shared/store"
)

var root = filepath.Join("..", "..", "..")

func reading(t *testing.T) code {
	t.Helper()
	c, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// service answers as a DynamoDB whose one partition has only so many units, on the clock of a synctest bubble.
type service struct {
	load  load
	began time.Time

	mu    sync.Mutex
	hot   *partition
	clock *clock // for its chance only
	tally tally
	keys  map[string]bool // deleted
	last  int             // actions of the last transaction
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(time.Millisecond)
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var said any
	status, took, n := 200, 0, 0
	switch action {
	case "BatchWriteItem":
		var asked struct{ RequestItems map[string][]json.RawMessage }
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, err
		}
		requests := asked.RequestItems["Customers"]
		n = len(requests)
		took = s.take(n, 1)
		s.mu.Lock()
		for _, request := range requests[:took] {
			s.keys[string(request)] = true
		}
		s.mu.Unlock()
		if said = map[string]any{"UnprocessedItems": map[string]any{"Customers": requests[took:]}}; took == 0 {
			status, said = 400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}
		} else if took == n {
			said = map[string]any{"UnprocessedItems": map[string]any{}}
		}
	case "TransactWriteItems":
		var asked struct {
			TransactItems []struct {
				Delete struct{ Key map[string]struct{ S string } }
			}
		}
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, err
		}
		reasons := make([]map[string]string, len(asked.TransactItems))
		for i, action := range asked.TransactItems {
			reasons[i] = map[string]string{"Code": "None"}
			if action.Delete.Key["party"].S == store.PartyKey("acme", hotline) {
				reasons[i]["Code"] = "ThrottlingError"
				n++ // other parties' partitions have room
			}
		}
		took = s.take(n, n)
		s.mu.Lock()
		s.last = len(reasons)
		s.mu.Unlock()
		if said = map[string]any{}; took == n {
			s.mu.Lock()
			for _, action := range asked.TransactItems {
				s.keys[action.Delete.Key["party"].S+"\x00"+action.Delete.Key["contact"].S] = true
			}
			s.mu.Unlock()
		} else {
			status, said = 400, map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons}
		}
	default:
		return nil, fmt.Errorf("unexpected %s", action)
	}
	s.mu.Lock()
	answer := s.load.latency
	switch {
	case took == n:
		s.tally.whole++
	case took > 0:
		s.tally.part++
	default:
		s.tally.refused++
		answer = refused
	}
	after := s.clock.draw(answer)
	s.mu.Unlock()
	time.Sleep(after * time.Duration(s.load.slower) / 10)
	text, err := json.Marshal(said)
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)), Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
	}, err
}

func (s *service) take(n, least int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hot.take(time.Since(s.began), n*s.load.units, least*s.load.units) / s.load.units
}

// client is the product's, in front of this service.
func (s *service) client() *dynamodb.Client {
	s.began, s.hot, s.clock, s.keys = time.Now(), newPartition(partitionWrites, s.load.burst), newClock(2), map[string]bool{}
	return dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, store.Options, func(o *dynamodb.Options) { o.HTTPClient.(*http.Client).Transport = s })
}

// TestCustomersAsTheCode holds the simulated deletion of customers against the product's own code, which meets the same
// partition: SDK, backoff, patience and streams are the real ones, the time is not.
func TestCustomersAsTheCode(t *testing.T) {
	c := reading(t)
	for _, of := range []struct{ jobs, gate int }{{1, c.batchStreams}, {1, 1}, {10, c.batchStreams}} {
		jobs := of.jobs
		l := c.batches(jobs, 20_000/jobs)
		l.page, l.gate, l.slower = l.items, of.gate, 5 // fast enough for one call at a time
		want := c.deleting(t, l)
		synctest.Test(t, func(t *testing.T) {
			s := &service{load: l}
			db := s.client()
			var group sync.WaitGroup
			for i := range jobs {
				group.Go(func() {
					customers := store.Customers{DB: db, Table: "Customers", Limiter: store.NewLimiter(l.gate)}
					job := &store.Job{Scope: "shop", Identifiers: []string{fmt.Sprint("customer", i)}}
					records := make([]string, l.items)
					for n := range records {
						records[n] = store.TransactionRecord("campaign", fmt.Sprint(i, "-", n))
					}
					if err := customers.Delete(t.Context(), job, records, c.customerStreams); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			s.tally.last = time.Since(s.began)
			if len(s.keys) != jobs*l.items {
				t.Errorf("%d of %d items deleted", len(s.keys), jobs*l.items)
			}
			alike(t, fmt.Sprintf("%+v customers", of), want, s.tally, 0.01)
		})
	}
}

// TestContactsAsTheCode does the same for contacts that share a party, one call at a time: with more of them, chance decides
// how large the calls are. The second partition never takes a whole transaction at once, and is not always busy, so that
// chance decides how long it takes.
func TestContactsAsTheCode(t *testing.T) {
	c := reading(t)
	for holds, part := range map[time.Duration]float64{time.Second: 0.01, 90 * time.Millisecond: 0.06} {
		l := c.transactions(1, 20_000)
		l.page, l.streams = l.items, 1
		hot := func() *partition {
			return &partition{rate: partitionWrites, holds: holds, level: partitionWrites * int64(holds)}
		}
		want := c.deletingFrom(t, l, hot())
		synctest.Test(t, func(t *testing.T) {
			s := &service{load: l}
			contacts := store.Contacts{DB: s.client(), Table: "Contacts", Limiter: store.NewLimiter(c.batchStreams)}
			s.hot = hot()
			if _, _, err := contacts.Erase(t.Context(), &store.Job{Scope: "acme"}, erasable(l.items), l.streams); err != nil {
				t.Error(err)
			}
			s.tally.last = time.Since(s.began)
			if len(s.keys) != actionsOfContact*l.items {
				t.Errorf("%d of %d copies deleted", len(s.keys), actionsOfContact*l.items)
			}
			alike(t, fmt.Sprintf("contacts, a partition that holds %s", holds), want, s.tally, part)
		})
	}
}

// TestManyContactsAsTheCode: jobs that meet on one party all end, at the partition's rate, though their transactions get
// smaller meanwhile. How many calls that takes, chance decides.
func TestManyContactsAsTheCode(t *testing.T) {
	c := reading(t)
	l := c.transactions(10, 2_000)
	l.page = l.items
	want := c.deleting(t, l)
	synctest.Test(t, func(t *testing.T) {
		s := &service{load: l}
		db := s.client()
		var group sync.WaitGroup
		for range l.jobs {
			group.Go(func() {
				contacts := store.Contacts{DB: db, Table: "Contacts", Limiter: store.NewLimiter(c.batchStreams)}
				if _, _, err := contacts.Erase(t.Context(), &store.Job{Scope: "acme"}, erasable(l.items), l.streams); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		s.tally.last = time.Since(s.began)
		t.Logf("simulated %+v, code %+v", want, s.tally)
		if d := want.last - s.tally.last; d.Abs() > s.tally.last/20 {
			t.Errorf("%s in the simulation, %s with the code", want.last, s.tally.last)
		}
		if s.tally.whole <= l.jobs*l.items/l.call {
			t.Errorf("%d transactions, none was made smaller", s.tally.whole)
		}
	})
}

// hotline is the party that all contacts share.
const hotline = "hotline"

// erasable are contacts of different numbers with the same party.
func erasable(n int) []store.Erasable {
	all := make([]store.Erasable, n)
	for i := range all {
		own := fmt.Sprint("number", i)
		all[i] = store.Erasable{Contact: fmt.Sprint("contact", i), Own: own, Copies: []string{own, hotline}}
	}
	return all
}

// TestPatienceAsTheCode: on a partition that takes nothing at all, both give up after the same number of calls, with
// transactions of one copy at last.
func TestPatienceAsTheCode(t *testing.T) {
	c := reading(t)
	for name, l := range map[string]load{"customer": c.batches(1, 25), "contacts": c.transactions(1, 50)} {
		l.streams = 1
		a := &account{code: c, clock: newClock(1), load: l, hot: &partition{holds: time.Second}}
		a.start(0, func(p *process) {
			if end := a.deletePage(p, &job{left: l.items}, &gate{free: l.gate}, time.Hour); end != gaveUp {
				t.Errorf("%s: the simulation ended with %d", name, end)
			}
		})
		a.run()
		synctest.Test(t, func(t *testing.T) {
			s := &service{load: l}
			db := s.client()
			s.hot = &partition{holds: time.Second}
			var err error
			if l.together {
				_, _, err = store.Contacts{DB: db, Table: "Contacts"}.Erase(t.Context(), &store.Job{Scope: "acme"}, erasable(l.items), 1)
			} else {
				err = store.Customers{DB: db, Table: "Customers"}.Delete(t.Context(), &store.Job{Identifiers: []string{"c"}}, make([]string, l.items), 1)
			}
			if err == nil || s.tally.refused != a.tally.refused || l.together && s.last != 1 {
				t.Errorf("%s: the code gave up after %d calls (%v), the last with %d actions, the simulation after %d", name, s.tally.refused, err, s.last, a.tally.refused)
			}
		})
	}
}

// deleting simulates the deletion of one page a job, without anything around it.
func (c code) deleting(t *testing.T, l load) tally {
	t.Helper()
	return c.deletingFrom(t, l, newPartition(partitionWrites, l.burst))
}

func (c code) deletingFrom(t *testing.T, l load, hot *partition) tally {
	t.Helper()
	a := &account{code: c, clock: newClock(1), load: l, hot: hot}
	for range l.jobs {
		a.start(0, func(p *process) {
			if end := a.deletePage(p, &job{left: l.items}, &gate{free: l.gate}, time.Hour); end != gone {
				t.Errorf("the simulation ended with %d", end)
			}
		})
	}
	a.tally.last = a.run()
	return a.tally
}

// alike allows what chance makes of it, and that part of the time.
func alike(t *testing.T, what string, simulated, real tally, time float64) {
	t.Helper()
	t.Logf("%s: simulated %+v, code %+v", what, simulated, real)
	near := func(name string, simulated, real, part float64) {
		if math.Abs(simulated-real) > part*real+20 {
			t.Errorf("%s: %s is %.0f in the simulation, %.0f with the code", what, name, simulated, real)
		}
	}
	near("milliseconds", float64(simulated.last.Milliseconds()), float64(real.last.Milliseconds()), time)
	near("calls taken whole", float64(simulated.whole), float64(real.whole), 0.02)
	near("calls taken in part", float64(simulated.part), float64(real.part), 0.1)
	near("calls refused", float64(simulated.refused), float64(real.refused), 0.1)
}

// TestBackoffAsTheCode: the simulation draws evenly up to the same bound, from a chance of its own.
func TestBackoffAsTheCode(t *testing.T) {
	a := &account{code: reading(t), clock: newClock(1)}
	for attempt := range 12 {
		const draws = 4000
		var ours, theirs, most time.Duration
		for range draws {
			d := environment.Backoff(attempt)
			theirs, most, ours = theirs+d, max(most, d), ours+a.backoff(attempt)
		}
		bound := a.longest(attempt)
		if most > bound+time.Millisecond || most < bound*99/100 {
			t.Errorf("attempt %d: the code waits up to %s, the simulation %s", attempt, most, bound)
		}
		if d := ours - theirs; d.Abs() > draws*bound/25 {
			t.Errorf("attempt %d: the code waits %s, the simulation %s", attempt, theirs/draws, ours/draws)
		}
	}
}
