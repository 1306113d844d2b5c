// Package metric writes CloudWatch metrics as log lines in the embedded metric format: CloudWatch makes metrics of them,
// without a call. Every name, unit and dimension of the product is declared here; template.yaml's alarms and dashboard use
// them.
//
// The lines go the way of all log lines, through log/slog, whose handler has to write JSON
// (start.Function sees to it).
package metric

import (
	"context"
	"log/slog"
	"time"
)

// Namespace is the one that all metrics stand in: the deployed stack's name, so that two
// stacks of one account do not sound each other's alarms. It is the process's, as the log is,
// and start.Function sets it once, before anything is logged.
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

// declare keeps All complete.
func declare(name, unit, dimension string) Metric {
	m := Metric{name, unit, dimension}
	All = append(All, m)
	return m
}

// Of each call of an operation, see Call. A call is served, or one of CallerErrors, or one of ServiceErrors.
var (
	// Calls is 1 a call.
	Calls = declare("Calls", "Count", Operation)
	// CallerErrors is 1 for a call that failed for a cause the caller has to mend, else 0: its average is the share.
	CallerErrors = declare("CallerErrors", "Count", Operation)
	// ServiceErrors is 1 for a call that failed for a cause of ours (5xx, panics), else 0: its average is the share.
	ServiceErrors = declare("ServiceErrors", "Count", Operation)
	// Latency is the time from the event to the answer.
	Latency = declare("Latency", "Milliseconds", Operation)
	// CallersRefused is 1 for a caller error that was a wrong name, secret, token or account, and is not written else: two
	// of the operations never refuse a caller, and a metric costs money by the hour in which it is written at all.
	CallersRefused = declare("CallersRefused", "Count", Operation)
	// CallersLockedOut is 1 for a caller error that was refused unseen, after too many failed attempts from its address; not
	// written else. It has no dimension, so that its alarm needs no formula: a sum over metrics of which one has never been
	// written has no value.
	CallersLockedOut = declare("CallersLockedOut", "Count", "")
)

// Of erasures. What is counted when something ends is counted once at most: a worker that dies in that moment leaves it out.
// The exact counts are in the ledger.
var (
	// ErasuresOpen is how many erasures are not finished, those that only wait for their second pass included.
	ErasuresOpen = declare("ErasuresOpen", "Count", "")
	// OldestErasure is the age of the open erasure that was requested first; 0 when none is open.
	OldestErasure = declare("OldestErasure", "Seconds", "")
	// ErasuresFailing is how many open erasures failed in their last run, or were left by
	// a worker that died.
	ErasuresFailing = declare("ErasuresFailing", "Count", "")
	// ErasuresUnlisted is 1 where a run of cleanup could not read all open erasures, else 0. The
	// three before are then of what it read: at least so many, at least so old.
	ErasuresUnlisted = declare("ErasuresUnlisted", "Count", "")
	// ErasuresFinished is 1 an erasure that finished.
	ErasuresFinished = declare("ErasuresFinished", "Count", "")
	// ItemsErased is how many items an erasure that finished has deleted.
	ItemsErased = declare("ItemsErased", "Count", "")
)

// NumbersUnknown is how many numbers of an erasure of operation 4 took part in no contact of
// the tenant. Numbers are matched byte for byte: another case, another normal form or a
// blank more is another number, which is no error, and erases nothing. It is told once an
// erasure, when its first pass has ended, also when it is 0. It is exact whichever workers
// died in that pass, because what they knew is written down before anything is deleted; a
// worker that dies as it ends leaves it out. A repeat that joins an open erasure is none of
// its own; one that begins an erasure anew is, and finds what came back since.
var NumbersUnknown = declare("NumbersUnknown", "Count", "")

// AllowsSwept is how many expired temporary allows one run of cleanup removed.
var AllowsSwept = declare("AllowsSwept", "Count", "")

// SweepBehind is how far a run of cleanup left the sweep of expired allows behind: how long the
// part of the users table that waits longest has waited for its turn to begin or to end, or by how
// much more than a whole turn an allow has been expired that could not be removed. It is 0 when
// neither is there.
var SweepBehind = declare("SweepBehind", "Seconds", "")

// Value is what a metric is at one moment.
type Value struct {
	Metric Metric
	Amount float64
}

// Of makes a Value.
func (m Metric) Of(amount float64) Value { return Value{m, amount} }

// Put writes one line with values of metrics without dimension. It holds nothing else.
func Put(ctx context.Context, message string, values ...Value) {
	attrs := make([]slog.Attr, 0, len(values)+1)
	metrics := make([]Metric, len(values))
	for i, v := range values {
		attrs = append(attrs, slog.Float64(v.Metric.Name, v.Amount))
		metrics[i] = v.Metric
	}
	attrs = append(attrs, slog.Any("_aws", declaration(time.Now(), metrics)))
	slog.LogAttrs(ctx, slog.LevelInfo, message, attrs...)
}

// document is a line's member "_aws": it says which of the line's other members are metrics, and since when.
type document struct {
	Timestamp         int64 // Unix milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string // sets of names; the set without any is a metric of its own
	Metrics    []Metric
}

// declaration declares metrics of one line, those of one dimension behind each other.
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
