// Package metric writes CloudWatch metrics as log lines in the embedded metric format:
// CloudWatch makes metrics of them, without a call. Every name, unit and dimension of the
// product is declared here; template.yaml's alarms and dashboard use them.
//
// The lines go the way of all log lines, through log/slog, whose handler has to write
// JSON (start.Function sees to it).
package metric

import (
	"context"
	"log/slog"
	"time"
)

// Namespace is the one that all metrics stand in: the deployed stack's name, so that two
// stacks of one account do not sound each other's alarms. It is the process's, as the log
// is, and start.Function sets it once, before anything is logged.
var Namespace = "customercare"

// Operation is the one dimension: the folder of the function that was called, one of
// operation.Functions.
const Operation = "Operation"

// Metric is a name with its unit, as CloudWatch spells units.
type Metric struct {
	Name, Unit string
	Dimension  string `json:"-"` // Operation, or "" for a metric without dimension
}

// All are the metrics of the product.
var All []Metric

// declare makes a metric and puts it among All.
func declare(name, unit, dimension string) Metric {
	m := Metric{name, unit, dimension}
	All = append(All, m)
	return m
}

// The metrics of each call of an operation, see CallLine. A call is served, or one of
// CallerErrors, or one of ServiceErrors.
var (
	// Calls is 1 a call.
	Calls = declare("Calls", "Count", Operation)
	// CallerErrors is 1 for a call that failed for a cause that the caller has to mend,
	// else 0, so that its average is the share of such calls.
	CallerErrors = declare("CallerErrors", "Count", Operation)
	// ServiceErrors is 1 for a call that failed for a cause of ours (5xx, panics), else
	// 0, so that its average is the share of such calls.
	ServiceErrors = declare("ServiceErrors", "Count", Operation)
	// Latency is the time from the event to the answer.
	Latency = declare("Latency", "Milliseconds", Operation)
	// CallersRefused is 1 for a caller error that was a wrong name, secret, token or
	// account. It is declared only in lines that count one. Some operations never refuse
	// a caller, and CloudWatch charges for each hour in which a metric appears.
	CallersRefused = declare("CallersRefused", "Count", Operation)
	// CallersLockedOut is 1 for a caller error that was refused unseen, after too many
	// failed attempts from its address. A line of any other call does not have it. It has
	// no dimension, so that its alarm needs no sum over several metrics: such a sum has
	// no value while one of them has never been written.
	CallersLockedOut = declare("CallersLockedOut", "Count", "")
)

// The metrics of erasures. Those that count what has ended count it once at most: a
// worker that dies in that moment leaves it out. The exact counts are in the ledger.
var (
	// ErasuresOpen is how many erasures are not finished, those that only wait for their
	// second pass included.
	ErasuresOpen = declare("ErasuresOpen", "Count", "")
	// OldestErasure is the age of the open erasure that was requested first; 0 when none
	// is open.
	OldestErasure = declare("OldestErasure", "Seconds", "")
	// ErasuresFailing is how many open erasures failed in their last run, or were left by
	// a worker that died.
	ErasuresFailing = declare("ErasuresFailing", "Count", "")
	// ErasuresUnlisted is 1 where a run of cleanup could not read all open erasures, else
	// 0. Where it is 1, ErasuresOpen, OldestErasure and ErasuresFailing tell of those
	// that were read: there are at least so many, and the oldest is at least so old.
	ErasuresUnlisted = declare("ErasuresUnlisted", "Count", "")
	// ErasuresFinished is 1 an erasure that finished.
	ErasuresFinished = declare("ErasuresFinished", "Count", "")
	// ItemsErased is how many items an erasure that finished has deleted.
	ItemsErased = declare("ItemsErased", "Count", "")
)

// NumbersUnknown is how many numbers of an erasure of operation 4 took part in no contact
// of the tenant. Numbers are matched byte for byte: another case, another normal form or
// a blank more is another number, which is no error, and erases nothing.
//
// It is written once an erasure, also when it is 0, by the worker that ends the first
// pass; a worker that dies in that moment leaves it out. It is exact whichever workers
// died in that pass before, because what they knew is written down before anything is
// deleted. A call that joins an open erasure has no line of its own.
var NumbersUnknown = declare("NumbersUnknown", "Count", "")

// AllowsSwept is how many expired temporary allows one run of cleanup removed.
var AllowsSwept = declare("AllowsSwept", "Count", "")

// SweepBehind says how late the sweep of expired allows is after a run of cleanup. It is
// the largest of three delays: how long a part of the users table has waited for its turn
// to begin or to end; for how much longer than two rounds ago the last complete round
// began; and how much longer than a round an allow that could not be removed has been
// expired. 0: no delay. A run that cannot read or keep how far the sweep has come leaves
// it out.
var SweepBehind = declare("SweepBehind", "Seconds", "")

// HoldsFailing is how many holds a run of cleanup could not go on with: they are not
// active yet, or not released. It is one more where the holds could not be listed.
var HoldsFailing = declare("HoldsFailing", "Count", "")

// The metrics of calls that operation 3 passes on, because their type is another
// service's. Each such call writes both; one that is refused before it leaves, neither.
var (
	// CallsPassedOn is 1 a call.
	CallsPassedOn = declare("CallsPassedOn", "Count", "")
	// PassOnFailures is 1 for a call to which the other service gave no answer that could
	// be passed back, else 0. An answer with an error in it is one.
	PassOnFailures = declare("PassOnFailures", "Count", "")
)

// The metrics of the rules of retention. Each run of apply-retention writes all of them;
// it leaves out RetentionBehind where it could not read the rules, because nobody could
// say what it is. The exact counts are in the ledger.
var (
	// RetentionErased is how many items a run has erased.
	RetentionErased = declare("RetentionErased", "Count", "")
	// RetentionKept is how many items a run has left where they are, because of holds.
	RetentionKept = declare("RetentionKept", "Count", "")
	// RetentionBehind is by how much longer than two intervals ago the last sweep began
	// that came to its end: of the rule that has waited longest. 0: no rule is late, or
	// somebody has stopped them all.
	RetentionBehind = declare("RetentionBehind", "Seconds", "")
	// RetentionFailing is how many rules a run could not go on with, those among them
	// that would take far more than their dry run has found. It is one more where the
	// rules could not be read.
	RetentionFailing = declare("RetentionFailing", "Count", "")
)

// The metrics of the sealed log. Each run of seal-ledger writes all of them; it leaves
// out OldestUnsealed and LedgerUnsealed where it could not read all of the index of
// unlogged records, because nobody could say what they are.
var (
	// OldestUnsealed is for how long the record has waited that has waited longest for a
	// statement of it to be sealed; 0 when none waits.
	OldestUnsealed = declare("OldestUnsealed", "Seconds", "")
	// LedgerUnsealed is how many records wait after the run. Those of LedgerUnreadable
	// are not among them.
	LedgerUnsealed = declare("LedgerUnsealed", "Count", "")
	// LedgerRefused is 1 where the log was not signed because it is not the one that was
	// signed before, or because its key is another one, else 0. The log line with it says
	// what it is.
	LedgerRefused = declare("LedgerRefused", "Count", "")
	// LedgerUnreadable is how many records hold something else than statements of their
	// own. They are left out of the log, and keep no other record out.
	LedgerUnreadable = declare("LedgerUnreadable", "Count", "")
	// LeavesSealed is how many statements the run has put into the log. One that gets no
	// answer leaves out what it has put there all the same.
	LeavesSealed = declare("LeavesSealed", "Count", "")
)

// Value is what a metric is at one moment.
type Value struct {
	Metric Metric
	Amount float64
}

// Of makes a Value.
func (m Metric) Of(amount float64) Value { return Value{m, amount} }

// Put writes one line with values of metrics without dimension. It holds nothing else.
func Put(ctx context.Context, message string, values ...Value) { put(ctx, message, nil, values) }

// PutOfJob is Put for one erasure, which the line names, so that it is found by it.
func PutOfJob(ctx context.Context, message, job string, values ...Value) {
	put(ctx, message, []slog.Attr{slog.String("job", job)}, values)
}

func put(ctx context.Context, message string, attrs []slog.Attr, values []Value) {
	metrics := make([]Metric, len(values))
	for i, v := range values {
		attrs = append(attrs, slog.Float64(v.Metric.Name, v.Amount))
		metrics[i] = v.Metric
	}
	attrs = append(attrs, slog.Any("_aws", declaration(time.Now(), metrics)))
	slog.LogAttrs(ctx, slog.LevelInfo, message, attrs...)
}

// document is a line's member "_aws". It says which of the line's other members are
// metrics, and of which moment, as the embedded metric format wants it.
type document struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

// directive declares metrics that have the same namespace and dimensions.
type directive struct {
	Namespace  string
	Dimensions [][]string // sets of names; the set without any is a metric of its own
	Metrics    []Metric
}

// declaration is the "_aws" of a line with these metrics. The caller puts metrics of one
// dimension behind each other: each run of them becomes one directive.
func declaration(at time.Time, metrics []Metric) document {
	d := document{Timestamp: at.UnixMilli()}
	for len(metrics) > 0 {
		n := 1
		for n < len(metrics) && metrics[n].Dimension == metrics[0].Dimension {
			n++
		}
		set := []string{}
		if dimension := metrics[0].Dimension; dimension != "" {
			set = append(set, dimension)
		}
		d.CloudWatchMetrics = append(d.CloudWatchMetrics, directive{Namespace, [][]string{set}, metrics[:n]})
		metrics = metrics[n:]
	}
	return d
}
