package load

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	maxMemory  = 128 << 20 // of a function's process: the smallest Lambda
	maxSockets = 32        // of a function's process: 11 are in use when it is busy; options may say more
	maxGrowth  = 24 << 20  // from the middle of the steady phase to its end; one password takes 19 MB to check
)

// report is what a run has seen.
type report struct {
	options
	phases        []*phase           // warm-up, steady, storm, recovery
	used          []map[string]usage // at moments
	alarms        []string           // lines of the stack's log
	drained       time.Duration      // after the last call until no erasure was open
	outcome       outcome
	before, after holdings
	left          string
}

// faults are all that is not as it should be, none for a good run.
func (r *report) faults() (all []string) {
	fault := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	for _, p := range r.phases {
		fault(p.count(wrong) > 0, "%s: %d wrong answers", p.name, p.count(wrong))
		fault(p.count(lost) > 0, "%s: %d calls without an answer", p.name, p.count(lost))
		for _, sentence := range p.mistakes {
			fault(true, "%s: %s", p.name, sentence)
		}
		fault(p.lasts > 0 && !p.kept(r.held), "%s: %d calls went out in %s, the machine does not hold %d a second",
			p.name, len(p.samples), p.lasts, p.rate)
	}
	steady, storm := r.phases[1], r.phases[2]
	fault(steady.count(refused, busy) > 0, "steady: %d calls were refused for the rate, %d for being busy",
		steady.count(refused), steady.count(busy))
	p99 := steady.quantile(0.99, func(sample) bool { return true })
	fault(p99 > r.latency, "steady: the p99 is %s, want at most %s", p99.Round(time.Millisecond), r.latency)
	fault(storm.lasts > 0 && storm.count(refused) == 0, "storm: no call was refused: it was none")
	// Who sends too much still gets what the limits allow: about the steady rate. Half of
	// it is wanted.
	served := int(r.held / 2 * float64(r.rate) * storm.lasts.Seconds())
	fault(storm.count(right) < served, "storm: %d right answers, want at least %d", storm.count(right), served)
	fault(storm.slowest() > r.quick, "storm: an answer took %s", storm.slowest().Round(time.Millisecond))
	after, within := r.recoveredAfter()
	fault(!within, "recovery: not normal after %s", after)
	fault(len(r.outcome.Lost) > 0, "%d lost erasures: %s", len(r.outcome.Lost), firstOf(r.outcome.Lost))
	wrong := r.outcome.Wrong
	fault(len(wrong) > 0, "%d items are not as they must be: %s", len(wrong), firstOf(wrong))
	fault(r.outcome.Records != r.outcome.Wanted, "%d records of erasures, want %d", r.outcome.Records, r.outcome.Wanted)
	fault(len(r.outcome.Twice) > 0, "two records of one erasure: %s", firstOf(r.outcome.Twice))
	for _, folder := range r.functions() {
		for i, at := range r.used {
			fault(at[folder].memory > maxMemory, "%s: %s MB of memory at the %s", folder, megabytes(at[folder].memory),
				moments[i])
			fault(at[folder].sockets > cmp.Or(r.sockets, maxSockets), "%s: a process has %d sockets at the %s", folder,
				at[folder].sockets, moments[i])
		}
		if len(r.used) > 2 {
			start, middle, end := r.used[0][folder], r.used[1][folder], r.used[2][folder]
			grown := end.memory - middle.memory
			fault(middle.memory > 0 && grown > maxGrowth, "%s: memory grew by %s MB from the middle to the end", folder,
				megabytes(grown))
			for _, id := range start.ids {
				fault(!slices.Contains(end.ids, id), "%s: the process %s ended in the steady phase", folder, id)
			}
		}
	}
	fault(len(r.alarms) > 0, "%d alarms in the log: %s", len(r.alarms), firstOf(r.alarms))
	fault(r.left != "", "left in the runner: %s", r.left)
	return all
}

// firstOf is the first few of a list as one text.
func firstOf(list []string) string {
	if len(list) > maxMistakes {
		return strings.Join(list[:maxMistakes], "; ") + "; ..."
	}
	return strings.Join(list, "; ")
}

// recoveredAfter is how long after the storm answers were normal again, and whether that
// was soon enough.
func (r *report) recoveredAfter() (after time.Duration, within bool) {
	p := r.phases[3]
	if p.lasts == 0 {
		return 0, true
	}
	after = p.recovered(r.bound())
	return after, after < p.lasts && after <= recoverWait
}

// bound is the p99 after a storm that still counts as normal. It is twice the p99 of the
// steady phase, but never more than that phase may have, because otherwise a service that
// is slow all the time would be back to normal at once.
func (r *report) bound() time.Duration {
	return min(r.latency, 2*max(r.slack, r.phases[1].quantile(0.99, func(sample) bool { return true })))
}

func (r *report) functions() []string {
	all := map[string]bool{}
	for _, at := range r.used {
		for folder := range at {
			all[folder] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// print writes all figures.
func (r *report) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(cells ...any) {
		for _, c := range cells {
			if d, ok := c.(time.Duration); ok {
				c = d.Round(100 * time.Microsecond)
			}
			fmt.Fprintf(table, "%v\t", c)
		}
		fmt.Fprintln(table)
	}
	row("phase", "calls/s", "calls", "right", "429", "503", "wrong", "lost", "p50", "p99", "slowest")
	for _, p := range r.phases {
		all := func(sample) bool { return true }
		row(p.name, p.rate, len(p.samples), p.count(right), p.count(refused), p.count(busy), p.count(wrong),
			p.count(lost), p.quantile(0.5, all), p.quantile(0.99, all), p.slowest())
	}
	table.Flush()
	fmt.Fprintln(out)
	row("right answers of", "warm-up p50", "p99", "steady p50", "p99", "storm p50", "p99", "recovery p50", "p99")
	for _, operation := range operations {
		cells := []any{operation}
		for _, p := range r.phases {
			of := func(s sample) bool { return s.operation == operation }
			cells = append(cells, p.quantile(0.5, of), p.quantile(0.99, of))
		}
		row(cells...)
	}
	table.Flush()
	fmt.Fprintln(out)
	if len(r.functions()) > 0 {
		cells := []any{"MB of memory"}
		for i := range r.used {
			cells = append(cells, moments[i])
		}
		row(cells...)
		for _, folder := range r.functions() {
			cells := []any{folder}
			for _, at := range r.used {
				cells = append(cells, megabytes(at[folder].memory))
			}
			row(cells...)
		}
		table.Flush()
		sockets := 0
		for _, at := range r.used {
			for _, u := range at {
				sockets = max(sockets, u.sockets)
			}
		}
		fmt.Fprintf(out, "a function's process had %d sockets at most\n", sockets)
	}
	after, _ := r.recoveredAfter()
	fmt.Fprintf(out, "\nwrong answers %d, calls lost %d, erasures %d, lost erasures %d, other items changed %d\n",
		r.total(wrong), r.total(lost), r.outcome.Records, len(r.outcome.Lost), len(r.outcome.Wrong))
	fmt.Fprintf(out, "normal again %s after the storm (p99 within %s), last erasure ended %s after the last call\n",
		after, r.bound().Round(time.Millisecond), r.drained.Round(100*time.Millisecond))
	fmt.Fprintf(out, "the runner held %s before, %s after\n", r.before, r.after)
}

func (r *report) total(v verdict) (n int) {
	for _, p := range r.phases {
		n += p.count(v)
	}
	return n
}
