package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"customercare/shared/metric"
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
		if len(all) == 0 || all[len(all)-1].by != a.ID {
			t.Errorf("%s watches nothing", a.ID)
		}
		if at(a.Properties, "AlarmActions", 0) != "Alarms" || at(a.Properties, "TreatMissingData") == nil || at(a.Properties, "AlarmDescription") == nil {
			t.Errorf("%s tells nobody, or not what it means", a.ID)
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
		if widget.X+widget.Width > 24 || widget.Properties.Region != "us-east-1" || widget.Properties.Title == "" || len(widget.Properties.Metrics) == 0 {
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

// What an operator has to hear of, whatever else changes.
func TestAlarms(t *testing.T) {
	for _, want := range []struct{ namespace, metric string }{
		{"customercare", "OldestErasure"}, {"customercare", "ErasuresFailing"}, {"AWS/Lambda", "IteratorAge"},
		{"AWS/SQS", "ApproximateNumberOfMessagesVisible"}, {"AWS/ApiGateway", "5XXError"}, {"AWS/ApiGateway", "Latency"},
	} {
		if !alarmed(t, want.namespace, want.metric, "") {
			t.Errorf("no alarm watches %s of %s", want.metric, want.namespace)
		}
	}
	oldest := resources(t)["OldestErasureAlarm"].Properties
	if oldest["Threshold"] != "900" || oldest["TreatMissingData"] != "breaching" {
		t.Errorf("the oldest erasure's alarm: %v", oldest)
	}
	if mail := resources(t)["AlarmMail"].Properties; mail["Endpoint"] != "who@example.com" || mail["TopicArn"] != "Alarms" {
		t.Errorf("the alarms' mail: %v", mail)
	}
}

// Functions and tables that a widget names are there, and every function and table is in one.
func TestDashboardShowsEverything(t *testing.T) {
	all := resources(t)
	seen := map[string]bool{}
	for _, w := range shown(t) {
		for i, name := range w.names {
			if name == "FunctionName" || name == "TableName" {
				seen[w.dimensions[i]] = true
				if all[w.dimensions[i]].Type == "" {
					t.Errorf("widget %q shows %s, which is not there", w.by, w.dimensions[i])
				}
			}
		}
	}
	for id, r := range all {
		if (r.Type == "AWS::Serverless::Function" || r.Type == "AWS::DynamoDB::Table") && !seen[id] {
			t.Errorf("no widget shows %s", id)
		}
	}
	for _, want := range []string{"Calls", "ServiceErrors", "Latency", "ErasuresOpen", "OldestErasure", "ItemsErased"} {
		if !slices.ContainsFunc(shown(t), func(w watch) bool { return strings.HasPrefix(w.namespace, "customercare") && w.metric == want }) {
			t.Errorf("no widget shows %s", want)
		}
	}
}

// What alarms and widgets say of our metrics is what the code declares: name, unit, dimension and its values.
func TestMetricsAreDeclared(t *testing.T) {
	declared := map[string]metric.Metric{}
	for _, m := range metric.All {
		declared[m.Name] = m
	}
	inUse := map[string]bool{}
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
		if names != m.Dimension || names != "" && !slices.Contains(metric.Operations, w.dimensions[0]) {
			t.Errorf("%s: %s has the dimension %q, in the code %q (%v)", w.by, w.metric, names, m.Dimension, w.dimensions)
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
