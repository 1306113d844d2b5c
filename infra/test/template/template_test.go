// Package template tests template.yaml as AWS would read it: that every function has all
// that belongs to it, that routes, rights, variables, alarms and tables are what the
// contracts and the code say. What the functions really call is compared with their
// rights in the end-to-end tests.
package template

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// resources are those of the template with its defaults, somebody to write to and every
// alarm, by logical id.
func resources(t *testing.T) map[string]template.Resource {
	t.Helper()
	list, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"),
		map[string]string{"AlarmEmail": "who@example.com", "QuietAlarmMinutes": "30"})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]template.Resource{}
	for _, r := range list {
		all[r.ID] = r
	}
	return all
}

// ofType are the resources of one type.
func ofType(t *testing.T, kind string) []template.Resource {
	t.Helper()
	var found []template.Resource
	for _, r := range resources(t) {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b template.Resource) int { return strings.Compare(a.ID, b.ID) })
	return found
}

// at goes down into properties: maps by name, lists by index.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := value.(map[string]any)
			value = m[s]
		case int:
			l, _ := value.([]any)
			if s >= len(l) {
				return nil
			}
			value = l[s]
		}
	}
	return value
}

// folder is the name of the folder that holds a function's code.
func folder(f template.Resource) string {
	return filepath.Base(fmt.Sprint(f.Properties["CodeUri"]))
}

// functions are the functions of the template by their folder.
func functions(t *testing.T) map[string]template.Resource {
	t.Helper()
	byFolder := map[string]template.Resource{}
	for _, f := range ofType(t, "AWS::Serverless::Function") {
		byFolder[folder(f)] = f
	}
	return byFolder
}

func TestEveryFunctionHasItsOwn(t *testing.T) {
	mains, err := filepath.Glob(filepath.Join(dynamotest.Root(), "functions", "*", "main.go"))
	if err != nil || len(mains) == 0 {
		t.Fatal(len(mains), err)
	}
	makefile, err := os.ReadFile(filepath.Join(dynamotest.Root(), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	all, byFolder := resources(t), functions(t)
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		f, ok := byFolder[name]
		if !ok {
			t.Errorf("functions/%s is not in the template", name)
			continue
		}
		delete(byFolder, name)
		if f.Properties["CodeUri"] != "functions/"+name+"/" || f.Properties["Handler"] != "bootstrap" ||
			f.Properties["Runtime"] != "provided.al2023" || fmt.Sprint(f.Properties["Architectures"]) != "[arm64]" {
			t.Errorf("%s: code, handler, runtime or architecture: %v", name, f.Properties)
		}
		if f.Metadata["BuildMethod"] != "makefile" || f.Metadata["ContextPath"] != "." ||
			f.Metadata["WorkingDirectory"] != "." {
			t.Errorf("%s is not built with the Makefile from the root: %v", name, f.Metadata)
		}
		if !strings.Contains(string(makefile), "\nbuild-"+f.ID+": FOLDER = "+name+"\n") {
			t.Errorf("the Makefile has no line build-%s: FOLDER = %s", f.ID, name)
		}
		base := strings.TrimSuffix(f.ID, "Function")
		group, kept := base+"Logs", "90"
		path := "/customercare/customercare/" + name
		if isOperation(name) { // their audit lines are kept longer, and together
			group, kept, path = "AuditLogs", "731", "/customercare/customercare/audit"
		}
		if logs := all[group]; logs.Type != "AWS::Logs::LogGroup" || logs.Properties["RetentionInDays"] != kept ||
			logs.Properties["LogGroupName"] != path ||
			at(f.Properties, "LoggingConfig", "LogGroup") != logs.ID {
			t.Errorf("%s has no log group of its own with an end: %v", name, logs)
		}
		if f.Properties["Role"] != "arn:aws:iam:us-east-1:123456789012:"+base+"Role/Arn" ||
			all[base+"Role"].Type != "AWS::IAM::Role" {
			t.Errorf("%s has no role of its own but %v", name, f.Properties["Role"])
		}
		if events, _ := filepath.Glob(filepath.Join(dynamotest.Root(), "infra", "events",
			name+".json")); len(events) != 1 {
			t.Errorf("infra/events/%s.json is missing", name)
		}
		if f.Properties["Tracing"] != "Active" {
			t.Errorf("%s is not traced", name)
		}
	}
	for name := range byFolder {
		t.Errorf("the template has a function %s without code", name)
	}
	for _, line := range strings.Split(string(makefile), "\n") {
		if id, _, ok := strings.Cut(strings.TrimPrefix(line, "build-"), ": FOLDER = "); ok &&
			all[id].Type != "AWS::Serverless::Function" {
			t.Errorf("the Makefile builds %s, which the template does not have", id)
		}
	}
}

// isOperation says whether the function in this folder is one of the documented five, or
// one of the two beside them.
func isOperation(name string) bool {
	return slices.ContainsFunc(operation.Audited(), func(o operation.Operation) bool { return o.Name == name })
}

// The log of the audit outlives the stack, and no function but those writes into it.
func TestAuditLogIsKept(t *testing.T) {
	writers := 0
	for name, f := range functions(t) {
		if at(f.Properties, "LoggingConfig", "LogGroup") == "AuditLogs" {
			writers++
			if !isOperation(name) {
				t.Errorf("%s writes into the audit's log", name)
			}
		}
	}
	if writers != len(operation.Audited()) {
		t.Errorf("%d functions write into the audit's log", writers)
	}
	if logs := resources(t)["AuditLogs"]; logs.Deletion != "Retain" || logs.Replace != "Retain" {
		t.Error("the audit ends with its stack")
	}
	days, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"),
		map[string]string{"AuditRetentionDays": "365"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range days {
		if r.ID == "AuditLogs" && r.Properties["RetentionInDays"] != "365" {
			t.Errorf("AuditRetentionDays sets %v", r.Properties["RetentionInDays"])
		}
	}
}

// Erasures that go wrong end in a queue that somebody hears of, and a storm of them
// cannot take the whole account.
func TestFailuresGoSomewhere(t *testing.T) {
	f := functions(t)["continue-erasure"]
	const queue = "arn:aws:sqs:us-east-1:123456789012:UnworkedErasures/Arn"
	want := map[string]any{
		// what came before the function did is worked on
		"Stream":           "arn:aws:dynamodb:us-east-1:123456789012:table/Erasures/stream/latest",
		"StartingPosition": "TRIM_HORIZON",
		"BatchSize":        "1", "ParallelizationFactor": "10", "MaximumRetryAttempts": "3",
		"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"DestinationConfig":     map[string]any{"OnFailure": map[string]any{"Type": "SQS", "Destination": queue}},
	}
	got := maps.Clone(at(f.Properties, "Events", "HandedOn", "Properties").(map[string]any))
	delete(got, "FilterCriteria") // tested with the records that it lets through, in infra/events
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the stream starts continue-erasure so: %v\nwant %v", got, want)
	}
	if kept := resources(t)["UnworkedErasures"].Properties; kept["SqsManagedSseEnabled"] != true ||
		kept["MessageRetentionPeriod"] != "1209600" {
		t.Errorf("the queue: %v", kept)
	}
	if got := f.Properties["ReservedConcurrentExecutions"]; got != "40" {
		t.Errorf("reserved concurrency %v", got)
	}
	none, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"),
		map[string]string{"WorkerConcurrency": "0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range none {
		if _, reserved := r.Properties["ReservedConcurrentExecutions"]; reserved {
			t.Errorf("%s reserves concurrency though WorkerConcurrency is 0", r.ID)
		}
	}
}

// What a function gets, where it is not what all get; a slow hash needs a full core.
func TestSizes(t *testing.T) {
	other := map[string]string{"authorize-operator": "1769 MB 10 s", "authorize-app": "512 MB 10 s",
		"continue-erasure": "512 MB 120 s", "cleanup": "512 MB 55 s", "apply-retention": "1769 MB 900 s",
		"read-erasures": "1769 MB 25 s", "preview-erasures": "1769 MB 25 s", "hold-erasures": "1769 MB 25 s", "seal-ledger": "512 MB 55 s"}
	for name, f := range functions(t) {
		want := other[name]
		if want == "" {
			want = "512 MB 25 s"
		}
		if got := fmt.Sprintf("%v MB %v s", f.Properties["MemorySize"], f.Properties["Timeout"]); got != want {
			t.Errorf("%s has %s, want %s", name, got, want)
		}
	}
	for _, name := range []string{"cleanup", "seal-ledger"} {
		if got := at(functions(t)[name].Properties, "EventInvokeConfig", "MaximumRetryAttempts"); got != "0" {
			t.Errorf("%s is repeated %v times, though the next minute's run does the same", name, got)
		}
	}
}
