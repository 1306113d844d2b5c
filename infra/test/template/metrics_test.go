package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"customercare/shared/metric"
	"customercare/shared/operation"
)

// watch is one metric that an alarm or the dashboard looks at.
type watch struct {
	by                      string // the alarm's id, or the widget's title
	namespace, metric, unit string
	names, dimensions       []string // of the dimensions: their names, and their values
}

// watched are the metrics that alarms look at.
func watched(t *testing.T) []watch {
	t.Helper()
	var all []watch
	for _, a := range ofType(t, "AWS::CloudWatch::Alarm") {
		add := func(p any, unit any) {
			w := watch{by: a.ID, namespace: fmt.Sprint(at(p, "Namespace")), metric: fmt.Sprint(at(p, "MetricName"))}
			w.unit, _ = unit.(string)
			list, _ := at(p, "Dimensions").([]any)
			for _, d := range list {
				w.names = append(w.names, fmt.Sprint(at(d, "Name")))
				w.dimensions = append(w.dimensions, fmt.Sprint(at(d, "Value")))
			}
			all = append(all, w)
		}
		if a.Properties["MetricName"] != nil {
			add(a.Properties, a.Properties["Unit"])
		}
		formula, _ := a.Properties["Metrics"].([]any)
		for _, m := range formula {
			if stat := at(m, "MetricStat"); stat != nil {
				add(at(stat, "Metric"), at(stat, "Unit"))
			}
		}
	}
	return all
}

// shown are the metrics of the dashboard.
func shown(t *testing.T) []watch {
	t.Helper()
	boards := ofType(t, "AWS::CloudWatch::Dashboard")
	if len(boards) != 1 {
		t.Fatalf("%d dashboards", len(boards))
	}
	var board struct {
		Widgets []struct {
			X, Y, Width, Height int
			Properties          struct {
				Title, Region, View, Stat string
				Metrics                   [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(boards[0].Properties["DashboardBody"].(string)), &board); err != nil {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	var all []watch
	for i, widget := range board.Widgets {
		if widget.X+widget.Width > 24 || widget.Properties.Region != "us-east-1" || widget.Properties.Title == "" ||
			len(widget.Properties.Metrics) == 0 {
			t.Errorf("widget %d (%s) cannot be shown", i, widget.Properties.Title)
		}
		for _, m := range widget.Properties.Metrics {
			w := watch{by: widget.Properties.Title}
			var words []string
			for _, part := range m {
				if word, ok := part.(string); ok {
					words = append(words, word)
				}
			}
			w.namespace, w.metric = words[0], words[1]
			for j := 2; j+1 < len(words); j += 2 {
				w.names, w.dimensions = append(w.names, words[j]), append(w.dimensions, words[j+1])
			}
			all = append(all, w)
		}
	}
	return all
}

// Where AWS's own metrics are found: a name or a dimension that is not AWS's shows
// nothing and never sounds.
var awsMetrics = map[string]struct {
	metrics    []string
	dimensions []string // all that such a metric may be asked by
}{
	"AWS/Lambda":     {[]string{"Errors", "Throttles", "IteratorAge", "Duration"}, []string{"FunctionName"}},
	"AWS/SQS":        {[]string{"ApproximateNumberOfMessagesVisible"}, []string{"QueueName"}},
	"AWS/ApiGateway": {[]string{"4XXError", "5XXError", "Count", "Latency"}, []string{"ApiName Stage"}},
	"AWS/DynamoDB": {
		[]string{"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents",
			"WriteThrottleEvents"},
		[]string{"TableName", "TableName GlobalSecondaryIndexName"},
	},
}

// What is asked of AWS's metrics is there.
func TestMetricsOfAWS(t *testing.T) {
	all := resources(t)
	for _, w := range append(watched(t), shown(t)...) {
		if !strings.HasPrefix(w.namespace, "AWS/") {
			continue
		}
		known := awsMetrics[w.namespace]
		if !slices.Contains(known.metrics, w.metric) || !slices.Contains(known.dimensions, strings.Join(w.names, " ")) {
			t.Errorf("%s: %s has no %s by %v", w.by, w.namespace, w.metric, w.names)
		}
		for i, name := range w.names {
			value := w.dimensions[i]
			switch kind := all[value].Type; {
			case name == "FunctionName" && kind == "AWS::Serverless::Function", name == "TableName" &&
				kind == "AWS::DynamoDB::Table",
				name == "ApiName" && value == "customercare", name == "Stage" && value == "v1",
				name == "GlobalSecondaryIndexName" && w.dimensions[0] == "Erasures" &&
					(value == "open" || value == "unlogged"),
				name == "QueueName" && value == "arn:aws:sqs:us-east-1:123456789012:UnworkedErasures/QueueName":
			default:
				t.Errorf("%s looks at the %s %s, which is not there", w.by, name, value)
			}
		}
	}
}

// Every function and table is in a widget.
func TestDashboardShowsEverything(t *testing.T) {
	all := resources(t)
	seen := map[string]bool{}
	for _, w := range shown(t) {
		for _, value := range w.dimensions {
			seen[value] = true
		}
	}
	for id, r := range all {
		if (r.Type == "AWS::Serverless::Function" || r.Type == "AWS::DynamoDB::Table") && !seen[id] {
			t.Errorf("no widget shows %s", id)
		}
	}
	for _, want := range []string{
		"customercare Calls", "customercare ServiceErrors", "customercare Latency", "customercare CallersLockedOut",
		"customercare ErasuresOpen",
		"customercare OldestErasure", "customercare ItemsErased", "AWS/DynamoDB ReadThrottleEvents",
		"AWS/DynamoDB WriteThrottleEvents", "AWS/Lambda Throttles",
		"AWS/DynamoDB ConsumedWriteCapacityUnits", "AWS/Lambda Duration",
	} {
		if !slices.ContainsFunc(shown(t), func(w watch) bool { return w.namespace+" "+w.metric == want }) {
			t.Errorf("no widget shows %s", want)
		}
	}
}

// What alarms and widgets say of our metrics is what the code declares: name, unit,
// dimension and its values.
func TestMetricsAreDeclared(t *testing.T) {
	declared := map[string]metric.Metric{}
	for _, m := range metric.All {
		declared[m.Name] = m
	}
	inUse := map[string]bool{}
	callable := operation.Functions()
	for _, o := range operation.Own {
		callable = append(callable, o.Name)
	}
	for _, w := range append(watched(t), shown(t)...) {
		if strings.HasPrefix(w.namespace, "AWS/") {
			continue
		}
		if w.namespace != "customercare" { // the stack's name, where it is not deployed
			t.Errorf("%s looks into the namespace %s", w.by, w.namespace)
		}
		m, ok := declared[w.metric]
		if !ok {
			t.Errorf("%s looks for %s, which no code writes", w.by, w.metric)
			continue
		}
		inUse[w.metric] = true
		if w.unit != "" && w.unit != m.Unit {
			t.Errorf("%s counts %s in %s, the code in %s", w.by, w.metric, w.unit, m.Unit)
		}
		names := strings.Join(w.names, " ")
		if names != m.Dimension || names != "" && !slices.Contains(callable, w.dimensions[0]) {
			t.Errorf("%s: %s has the dimension %q, in the code %q (%v)", w.by, w.metric, names, m.Dimension,
				w.dimensions)
		}
	}
	for name := range declared {
		if !inUse[name] {
			t.Errorf("nobody looks at %s", name)
		}
	}
	for _, f := range functions(t) {
		if at(f.Properties, "Environment", "Variables", "METRICS_NAMESPACE") != "customercare" {
			t.Errorf("%s writes into another namespace", f.ID)
		}
	}
}
