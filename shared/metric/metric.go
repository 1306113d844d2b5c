// Package metric writes CloudWatch metrics as log lines in the embedded metric format: CloudWatch makes metrics of them,
// without a call. Every name and unit of the product is declared here; template.yaml's alarms use them.
package metric

import (
	"encoding/json"
	"io"
	"os"
	"time"
)

// Namespace is the one that all metrics stand in.
const Namespace = "customercare"

// Metric is a name with its unit, as CloudWatch spells units.
type Metric struct{ Name, Unit string }

var (
	// ErasuresOpen is how many erasures are not finished, those that only wait for their second pass included.
	ErasuresOpen = Metric{"ErasuresOpen", "Count"}
	// OldestErasure is the age of the open erasure that was requested first; 0 when none is open.
	OldestErasure = Metric{"OldestErasure", "Seconds"}
	// ErasuresFailing is how many open erasures failed in their last run.
	ErasuresFailing = Metric{"ErasuresFailing", "Count"}
	// ItemsErased is how many items an erasure that finished has deleted.
	ItemsErased = Metric{"ItemsErased", "Count"}
)

// out is where lines go; Lambda takes them from standard output.
var out io.Writer = os.Stdout

// Put writes one line with the given values. They hold numbers only: no dimension, and nothing of a data subject.
func Put(values map[Metric]float64) {
	metrics := make([]Metric, 0, len(values))
	line := map[string]any{}
	for m, value := range values {
		metrics = append(metrics, m)
		line[m.Name] = value
	}
	line["_aws"] = map[string]any{
		"Timestamp": time.Now().UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": Namespace, "Dimensions": [][]string{{}}, "Metrics": metrics,
		}},
	}
	text, err := json.Marshal(line)
	if err != nil {
		return // numbers always marshal but for NaN, which no caller has
	}
	_, _ = out.Write(append(text, '\n'))
}
