package template

import (
	"errors"
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
func (l *loader) readFunction(name string, p properties) error {
	timeout, err := p.number("Timeout", 3)
	if err != nil {
		return err
	}
	memory, err := p.number("MemorySize", 128)
	if err != nil {
		return err
	}
	reserved, err := p.number("ReservedConcurrentExecutions", -1)
	if err != nil {
		return err
	}
	f := lambda.Function{
		Name:        name,
		Folder:      path.Base(path.Clean(p.text("CodeUri"))),
		Handler:     p.text("Handler"),
		MemoryMB:    memory,
		Timeout:     time.Duration(timeout) * time.Second,
		Environment: p.under("Environment").under("Variables").strings(),
	}
	if reserved >= 0 {
		f.Reserved = &reserved
	}
	l.template.Functions = append(l.template.Functions, f)

	events := p.under("Events")
	for _, eventName := range slices.Sorted(maps.Keys(events)) {
		event := events.under(eventName)
		props := event.under("Properties")
		switch kind := event.text("Type"); kind {
		case "Api":
			err = l.readRoute(name, props)
		case "DynamoDB":
			err = l.readStream(name, props)
		case "Schedule":
			err = l.readSchedule(name, name+eventName, props)
		default:
			l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("event %s of %s (%s)", eventName, name, kind))
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", eventName, err)
		}
	}
	return nil
}

// readRoute reads an event of the API: one of its routes.
func (l *loader) readRoute(function string, p properties) error {
	method, where := strings.ToUpper(p.text("Method")), p.text("Path")
	if method == "" || !strings.HasPrefix(where, "/") {
		return fmt.Errorf("a route needs a Method and a Path that starts with a slash, not %q %q", method, where)
	}
	if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
		method = "ANY"
	}
	l.template.API.Routes = append(l.template.API.Routes, apigateway.Route{
		Method: method, Path: where, Function: function, Authorizer: p.under("Auth").text("Authorizer"),
	})
	return nil
}

// readStream reads an event source mapping of a table's stream.
func (l *loader) readStream(function string, p properties) error {
	table, ok := tableOfStream(p.text("Stream"))
	if !ok {
		return fmt.Errorf("%s is no stream of a table in this template", p.text("Stream"))
	}
	if p.text("StartingPosition") != "TRIM_HORIZON" {
		return errors.New("the local stack reads streams from TRIM_HORIZON only")
	}
	m := stream.Mapping{
		Function: function, Table: table,
		ReportFailures: slices.Contains(p.texts("FunctionResponseTypes"), "ReportBatchItemFailures"),
		OnFailure:      p.under("DestinationConfig").under("OnFailure").text("Destination"),
	}
	var err error
	for _, n := range []struct {
		name      string
		into      *int
		otherwise int
	}{
		{"BatchSize", &m.BatchSize, 100},
		{"ParallelizationFactor", &m.Parallel, 1},
		{"MaximumRetryAttempts", &m.MaxRetries, -1},
	} {
		if *n.into, err = p.number(n.name, n.otherwise); err != nil {
			return err
		}
	}
	for _, filter := range p.under("FilterCriteria").mappings("Filters") {
		pattern, err := stream.ParsePattern(filter.text("Pattern"))
		if err != nil {
			return err
		}
		m.Filters = append(m.Filters, pattern)
	}
	l.template.Streams = append(l.template.Streams, m)
	return nil
}

// tableOfStream finds the table whose StreamArn this is.
func tableOfStream(arn string) (string, bool) {
	_, rest, ok := strings.Cut(arn, ":table/")
	table, _, isStream := strings.Cut(rest, "/stream/")
	return table, ok && isStream
}
