package template

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// written are the fields of log lines: those of the access log, and every name that
// stands in the source of functions and of what they share.
func written(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	fmt.Fprint(&all, at(resources(t)["Api"].Properties, "AccessLogSetting", "Format"))
	for _, pattern := range []string{"functions/*/*.go", "shared/*/*.go"} {
		files, err := filepath.Glob(filepath.Join(dynamotest.Root(), pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(source)
		}
	}
	return all.String()
}

// A saved query looks into the logs of all functions that it is about, for fields that
// they write.
func TestSavedQueries(t *testing.T) {
	operationLogs := []string{"AccessLogs"}
	for _, f := range functions(t) {
		calls := strings.HasPrefix(f.ID, "Authorize")
		events, _ := f.Properties["Events"].(map[string]any)
		for _, event := range events {
			calls = calls || at(event, "Type") == "Api"
		}
		if group := fmt.Sprint(at(f.Properties, "LoggingConfig", "LogGroup")); calls && !slices.Contains(operationLogs, group) {
			operationLogs = append(operationLogs, group)
		}
	}
	want := map[string][]string{
		"customercare/one request": operationLogs,
		"customercare/one erasure": {"AuditLogs", "ContinueErasureLogs", "CleanupLogs", "ApplyRetentionLogs",
			"ReadErasuresLogs"},
		"customercare/who did what": {"AuditLogs"},
	}
	source := written(t)
	for _, q := range ofType(t, "AWS::Logs::QueryDefinition") {
		name := fmt.Sprint(q.Properties["Name"])
		var groups []string
		list, _ := q.Properties["LogGroupNames"].([]any)
		for _, group := range list {
			groups = append(groups, fmt.Sprint(group))
			if resources(t)[fmt.Sprint(group)].Type != "AWS::Logs::LogGroup" {
				t.Errorf("%s looks into %v, which is no log group", name, group)
			}
		}
		slices.Sort(groups)
		slices.Sort(want[name])
		if !slices.Equal(groups, want[name]) {
			t.Errorf("%s looks into %v, want %v", name, groups, want[name])
		}
		delete(want, name)
		text := regexp.MustCompile(`(?m)^#.*$|"[^"]*"`).ReplaceAllString(fmt.Sprint(q.Properties["QueryString"]), "")
		for _, field := range regexp.MustCompile(`[@A-Za-z]+`).FindAllString(text, -1) {
			known := []string{"fields", "filter", "or", "sort", "desc", "limit", "@timestamp", "@log", "msg"} // Insights' and slog's
			if !slices.Contains(known, field) && !strings.Contains(source, `"`+field+`"`) {
				t.Errorf("%s asks for %s, which no line has", name, field)
			}
		}
	}
	for name := range want {
		t.Errorf("there is no query %s", name)
	}
}
