package template

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/lambda"
	"customercare/infra/local/stream"
)

// readFunction reads an AWS::Serverless::Function and its events.
func (l *loader) readFunction(r Resource) error {
	var f struct {
		CodeUri, Handler             string
		MemorySize                   int  `json:",string"`
		Timeout                      int  `json:",string"`
		ReservedConcurrentExecutions *int `json:",string"`
		Environment                  struct{ Variables map[string]string }
		Events                       map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	f.MemorySize, f.Timeout = 128, 3 // AWS's defaults
	if err := r.read(&f); err != nil {
		return err
	}
	l.template.Functions = append(l.template.Functions, lambda.Function{
		Name:        r.ID,
		Folder:      path.Base(path.Clean(f.CodeUri)),
		Handler:     f.Handler,
		MemoryMB:    f.MemorySize,
		Timeout:     time.Duration(f.Timeout) * time.Second,
		Reserved:    f.ReservedConcurrentExecutions,
		Environment: f.Environment.Variables,
	})
	readers := map[string]func(function, name string, event json.RawMessage) error{
		"Api": l.readRoute, "DynamoDB": l.readStream, "Schedule": l.readSchedule,
	}
	for _, name := range slices.Sorted(maps.Keys(f.Events)) {
		event := f.Events[name]
		read, known := readers[event.Type]
		if !known {
			return fmt.Errorf("event %s: the local stack does not know events of the type %s", name, event.Type)
		}
		if err := read(r.ID, name, event.Properties); err != nil {
			return fmt.Errorf("event %s: %w", name, err)
		}
	}
	return nil
}

// readRoute reads an event of the API: one of its routes.
func (l *loader) readRoute(function, _ string, event json.RawMessage) error {
	var e struct {
		RestApiId    any // there is but one
		Method, Path string
		Auth         struct{ Authorizer string }
	}
	if err := decode(event, &e); err != nil {
		return err
	}
	if e.Method == "" || !strings.HasPrefix(e.Path, "/") {
		return fmt.Errorf("a route needs a Method and a Path that starts with a slash, not %q %q", e.Method, e.Path)
	}
	api := &l.template.API
	if _, ok := api.Authorizers[e.Auth.Authorizer]; !ok && e.Auth.Authorizer != "" {
		return fmt.Errorf("it wants the authorizer %q, which is not there", e.Auth.Authorizer)
	}
	route := apigateway.Route{
		Method: strings.ToUpper(e.Method), Path: e.Path, Function: function, Authorizer: e.Auth.Authorizer,
	}
	route.Throttle = cmp.Or(l.throttles[route.Method+" "+route.Path], l.throttles["* /*"])
	api.Routes = append(api.Routes, route)
	return nil
}

// readStream reads an event source mapping of a table's stream.
func (l *loader) readStream(function, _ string, event json.RawMessage) error {
	var e struct {
		Stream, StartingPosition string
		BatchSize                int `json:",string"`
		ParallelizationFactor    int `json:",string"`
		MaximumRetryAttempts     int `json:",string"`
		FunctionResponseTypes    []string
		DestinationConfig        struct {
			OnFailure struct{ Type, Destination string }
		}
		FilterCriteria struct{ Filters []struct{ Pattern string } }
	}
	e.ParallelizationFactor, e.MaximumRetryAttempts = 1, -1 // AWS's defaults
	if err := decode(event, &e); err != nil {
		return err
	}
	_, rest, isTable := strings.Cut(e.Stream, ":table/")
	table, _, isStream := strings.Cut(rest, "/stream/")
	switch {
	case !isTable || !isStream:
		return fmt.Errorf("%s is no stream of a table in this template", e.Stream)
	case e.StartingPosition != "TRIM_HORIZON":
		return fmt.Errorf("the local stack reads streams from TRIM_HORIZON only")
	case e.BatchSize != 1:
		return fmt.Errorf("the local stack delivers the records of a stream one by one only (BatchSize: 1)")
	case !slices.Equal(e.FunctionResponseTypes, []string{"ReportBatchItemFailures"}):
		return fmt.Errorf("the local stack knows functions that report their failures only (ReportBatchItemFailures)")
	}
	m := stream.Mapping{
		Function: function, Table: table, Parallel: e.ParallelizationFactor,
		MaxRetries: e.MaximumRetryAttempts, OnFailure: e.DestinationConfig.OnFailure.Destination,
	}
	for _, filter := range e.FilterCriteria.Filters {
		pattern, err := stream.ParsePattern(filter.Pattern)
		if err != nil {
			return err
		}
		m.Filters = append(m.Filters, pattern)
	}
	l.template.Streams = append(l.template.Streams, m)
	return nil
}

// Schedule is a rule that invokes a function regularly.
type Schedule struct {
	Name     string // the function's and the event's
	Function string
	Every    time.Duration
}

func (l *loader) readSchedule(function, name string, event json.RawMessage) error {
	var e struct{ Schedule string }
	if err := decode(event, &e); err != nil {
		return err
	}
	every, known := map[string]time.Duration{"rate(1 minute)": time.Minute, "rate(1 hour)": time.Hour}[e.Schedule]
	if !known {
		return fmt.Errorf("the local stack runs a schedule at rate(1 minute) or rate(1 hour) only, not %s", e.Schedule)
	}
	l.template.Schedules = append(l.template.Schedules, Schedule{function + name, function, every})
	return nil
}
