package local

import (
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/stack"
	"customercare/infra/local/template"
)

// The temporary allow of the first screen is one that the operation takes, whatever the
// parameters.
func TestTheAllowFitsTheParameters(t *testing.T) {
	for _, c := range []struct{ types, ahead, kind, date string }{
		{"1=once/24h,2=2h,3=date", "8784h", "1", "2030-02-01T12:00:00Z"},
		{"7=date,1=2h", "8784h", "7", "2030-02-01T12:00:00Z"},
		{"12=2m", "10h", "12", "2030-01-02T17:00:00Z"},
		{"12=2m", "2m", "12", "2030-01-02T12:01:00Z"},
	} {
		got := allowed(map[string]string{"TempAllowTypes": c.types, "TempAllowMaxAhead": c.ahead}, noon)
		if !slices.Equal(got, []string{"{type}", c.kind, "{date}", c.date}) {
			t.Errorf("%s, %s: %v", c.types, c.ahead, got)
		}
	}
}

func TestWhatTheFirstScreenSaysOfData(t *testing.T) {
	st := &stack.Stack{URL: "http://127.0.0.1:1",
		Template: &template.Template{Ignored: []string{"resource A (T)", "schedule B (never)"}}}
	for _, c := range []struct {
		demo     demo
		want     string
		commands int
	}{
		{demo{loaded: map[string]int{"user": 1, "apiUser": 2, "transaction": 11}},
			"1 user, 11 transactions, 2 API users.", 12},
		{demo{kept: true}, "the demo data is not loaded again", 12},
		{demo{}, "`make import` loads records", 0},
	} {
		s := watchedBy(true)
		s.welcome(st, c.demo, &docs{URL: "http://page/docs/"}, "/project", "/project/.cache/run.log", false)
		text := s.terminal.String()
		if !strings.Contains(text, c.want) || strings.Count(text, "curl ") != c.commands {
			t.Errorf("%+v: %s", c.demo, text)
		}
		if !strings.Contains(text, "to try: http://page/docs/\n") {
			t.Errorf("the page of the calls: %s", text)
		}
		if !strings.Contains(text, "\n2 parts of template.yaml do not run locally") ||
			strings.Contains(text, "schedule B") {
			t.Errorf("what does not run: %s", text)
		}
	}
	for _, person := range []bool{true, false} {
		s := watchedBy(person)
		s.welcome(st, demo{}, nil, "/project", "/project/.cache/run.log", true)
		list := "does not run locally: resource A (T)\ndoes not run locally: schedule B (never)\n"
		if text := s.terminal.String() + s.errors.String(); !strings.HasPrefix(text, list) ||
			strings.Contains(text, "VERBOSE=1") || !person && text != list {
			t.Errorf("VERBOSE, person %t: %q", person, text)
		}
	}
}

func TestDigestKeysOfTheParameter(t *testing.T) {
	for id, want := range map[string]string{
		"":  `{"1":"local-only-key-that-protects-nothing"}`,
		"1": `{"1":"local-only-key-that-protects-nothing"}`,
		"b": `{"1":"local-only-key-that-protects-nothing","b":"local-only-key-that-protects-nothing-b"}`,
	} {
		if got := digestKeys(id); got != want {
			t.Errorf("%q: %s", id, got)
		}
	}
}
