package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// good is the report of a run in which all was well: 10 calls a second, of 20 ms each.
func good() *report {
	of := func(name string, rate, seconds int, cut verdict) *phase {
		p := &phase{name: name, rate: rate, lasts: time.Duration(seconds) * time.Second}
		for n := range rate * seconds {
			v := right
			if cut != right && n%3 > 0 {
				v = cut
			}
			p.samples = append(p.samples,
				sample{setAllow, p.lasts * time.Duration(n) / time.Duration(rate*seconds), 20 * time.Millisecond, v})
		}
		return p
	}
	at := map[string]usage{"cleanup": {10 << 20, 3, []string{"11", "12"}}}
	return &report{
		options: options{
			rate:    10,
			latency: time.Second,
			quick:   2 * time.Second,
			slack:   50 * time.Millisecond,
			held:    0.98,
		},
		phases: []*phase{
			of("warm-up", 3, 1, right),
			of("steady", 10, 10, right),
			of("storm", 30, 5, refused),
			of("recovery", 10, 12, right),
		},
		used: []map[string]usage{at, at, at, at},
	}
}

func TestFaults(t *testing.T) {
	if faults := good().faults(); len(faults) > 0 {
		t.Fatal(faults)
	}
	slow := func(p *phase) {
		for i := range p.samples {
			p.samples[i].took = 1100 * time.Millisecond
		}
	}
	for want, ill := range map[string]func(*report){
		"steady: the p99 is 1.1s, want at most 1s": func(r *report) { slow(r.phases[1]) },
		"recovery: not normal after 12s":           func(r *report) { slow(r.phases[1]); slow(r.phases[3]) },
		"storm: 0 right answers, want at least 24": func(r *report) {
			for i := range r.phases[2].samples {
				r.phases[2].samples[i].verdict = refused
			}
		},
		"cleanup: the process 12 ended in the steady phase": func(r *report) {
			r.used[2] = map[string]usage{
				"cleanup": {10 << 20, 3, []string{"11", "13"}},
			}
		},
		"cleanup: a process has 33 sockets at the after all": func(r *report) {
			r.used[3] = map[string]usage{"cleanup": {10 << 20, 33, []string{"11", "12"}}}
		},
		"2 alarms in the log: ": func(r *report) {
			a := &alarms{}
			for _, part := range []string{
				"cleanup: fine\ncleanup: {\"msg\":\"pa", "nic\"}\n", "cleanup: Runtime exited with error\n",
			} {
				fmt.Fprint(a, part)
			}
			r.alarms = a.heard()
		},
	} {
		r := good()
		ill(r)
		if faults := r.faults(); !slices.ContainsFunc(faults,
			func(fault string) bool { return strings.HasPrefix(fault, want) }) {
			t.Errorf("%q was not found: %q", want, faults)
		}
	}
}
