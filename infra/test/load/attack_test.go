package load

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tsenart/vegeta/v12/lib"
)

const (
	clientTimeout = 20 * time.Second // longer than any answer may take
	maxClients    = 1000             // at once: an open loop sends on while answers are late
)

// sample is one answer.
type sample struct {
	operation string
	at        time.Duration // since the phase began; when it was due, where the run has a schedule
	took      time.Duration
	verdict   verdict
}

// phase is a load of one rate and what came of it.
type phase struct {
	name     string
	rate     int // calls a second
	lasts    time.Duration
	samples  []sample
	mistakes []string // the first few
}

// maxMistakes is how many are told.
const maxMistakes = 10

// attack sends calls at the phase's rate, however long answers take, judges every answer
// and notes its effects.
func (p *phase) attack(ctx context.Context, plan *plan, client *http.Client, b *book) error {
	attacker := vegeta.NewAttacker(vegeta.Client(client), vegeta.MaxWorkers(maxClients))
	defer attacker.Stop()
	stop := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer stop()
	began := time.Now()
	var pacer vegeta.Pacer = vegeta.Rate{Freq: p.rate, Per: time.Second}
	lasts := p.lasts
	if plan.schedule != nil {
		plan.schedule.pace(p.rate)
		pacer = exactly{vegeta.Rate{Freq: p.rate, Per: time.Second}, uint64(float64(p.rate) * p.lasts.Seconds())}
		lasts = 0 // the pacer ends it
	}
	for r := range attacker.Attack(plan.next, pacer, lasts, "") {
		c := plan.of(r)
		if c == nil {
			return fmt.Errorf("%s: %s", p.name, r.Error)
		}
		v, sentence := judge(r, c, plan.m.responses)
		if v == right && c.effect != nil {
			c.effect(b)
		}
		if sentence != "" && len(p.mistakes) < maxMistakes {
			p.mistakes = append(p.mistakes, sentence)
		}
		at := r.Timestamp.Sub(began)
		if plan.schedule != nil {
			at = time.Duration(r.Seq) * time.Second / time.Duration(p.rate)
		}
		p.samples = append(p.samples, sample{c.kind, at, r.Latency, v})
	}
	return context.Cause(ctx)
}

// count is how many samples have one of the verdicts.
func (p *phase) count(of ...verdict) (n int) {
	for _, s := range p.samples {
		if slices.Contains(of, s.verdict) {
			n++
		}
	}
	return n
}

// slowest is the longest that any answer took.
func (p *phase) slowest() (most time.Duration) {
	for _, s := range p.samples {
		most = max(most, s.took)
	}
	return most
}

// kept says whether calls went out at the rate, or at least at that part of it.
func (p *phase) kept(part float64) bool {
	return float64(len(p.samples)+2) >= part*float64(p.rate)*p.lasts.Seconds() // the last may fall behind the end
}

// quantile of the latencies of right answers, of those samples that are chosen; 0 without
// any.
func (p *phase) quantile(q float64, chosen func(sample) bool) time.Duration {
	var all []time.Duration
	for _, s := range p.samples {
		if s.verdict == right && chosen(s) {
			all = append(all, s.took)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

// recovered is the second of the phase from which on every answer is right and the 99th
// percentile within the bound; the end of the phase when there is none.
func (p *phase) recovered(bound time.Duration) time.Duration {
	for from := time.Duration(0); from < p.lasts; from += time.Second {
		later := func(s sample) bool { return s.at >= from }
		fine := !slices.ContainsFunc(p.samples, func(s sample) bool { return later(s) && s.verdict != right })
		if fine && p.quantile(0.99, later) <= bound {
			return from
		}
	}
	return p.lasts
}
