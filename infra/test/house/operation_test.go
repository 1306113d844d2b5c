package house

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/shared/operation"
)

// newFiles are what an operation brings along. NAME is its name ("hold-customer"), WORDS
// the name with underscores ("hold_customer"). RULES is "handler", or the part of the
// operation whose rules the test asks for ("form").
var newFiles = []string{
	"functions/NAME/main.go",
	"functions/NAME/handler.go",
	"functions/NAME/RULES_test.go",
	"functions/NAME/fuzz_test.go",
	"functions/NAME/allocs_test.go",
	"infra/events/NAME.json",
	"infra/test/e2e/WORDS_test.go",
}

// editedFiles are where every operation has a place, under its name or as an identifier
// ("HoldCustomer"). CONTRIBUTING.md says what belongs there.
var editedFiles = []string{
	"shared/operation/operation.go",
	"template.yaml",
	"Makefile",
	"infra/local/env.json",
	"infra/client/requests.go",
	"infra/probe/checks.go",
	"infra/test/template/rights_test.go",
	"infra/test/e2e/events_test.go",
	"infra/test/e2e/metrics_test.go",
	"infra/test/load/calls_test.go",
	"docs/contracts.md",
	"docs/runbook.md",
	"README.md",
}

// callsFiles are those of newFiles and editedFiles that each function of our own calls
// has, too. Its calls are in docs/status.md instead of docs/contracts.md.
var callsFiles = []string{
	"functions/NAME/main.go", "functions/NAME/handler.go", "functions/NAME/RULES_test.go",
	"functions/NAME/fuzz_test.go", "functions/NAME/allocs_test.go", "infra/events/NAME.json",
	"shared/operation/operation.go", "template.yaml", "Makefile", "infra/local/env.json",
	"infra/client/requests.go", "infra/test/template/rights_test.go", "infra/test/e2e/events_test.go",
	"docs/status.md", "docs/runbook.md", "README.md",
}

// TestCallsAboutErasuresAreWhole fails for a file of the function of our own calls that
// is not there, or that has no place for it.
func TestCallsAboutErasuresAreWhole(t *testing.T) {
	for _, o := range operation.Own {
		for _, name := range callsFiles {
			if strings.Contains(name, "NAME") {
				name = strings.NewReplacer("NAME", o.Name, "RULES", "handler").Replace(name)
				if _, err := os.Stat(filepath.Join(root(t), name)); err != nil {
					t.Errorf("%s has no %s", o.Name, name)
				}
			} else if text := source(t, name); !strings.Contains(text, o.Name) && !strings.Contains(text, identifier(o)) {
				t.Errorf("%s is forgotten in %s", o.Name, name)
			}
		}
	}
}

// TestCallsBesideOperations1And2AreWhole is the same for operation.Users, whose calls are
// in docs/contracts.md, with a test over HTTP and a place in the smoke test.
func TestCallsBesideOperations1And2AreWhole(t *testing.T) {
	for _, o := range operation.Users {
		for _, name := range slices.Concat(newFiles, editedFiles) {
			if name == "infra/test/load/calls_test.go" || name == "infra/probe/checks.go" {
				continue
			}
			if strings.Contains(name, "NAME") || strings.Contains(name, "WORDS") {
				name = strings.NewReplacer("NAME", o.Name, "WORDS", strings.ReplaceAll(o.Name, "-", "_"), "RULES", "handler").Replace(name)
				if _, err := os.Stat(filepath.Join(root(t), name)); err != nil {
					t.Errorf("%s has no %s", o.Name, name)
				}
			} else if text := source(t, name); !strings.Contains(text, o.Name) && !strings.Contains(text, identifier(o)) {
				t.Errorf("%s is forgotten in %s", o.Name, name)
			}
		}
		if !strings.Contains(source(t, "infra/probe/allows.go"), identifier(o)) {
			t.Errorf("%s is forgotten in the smoke test", o.Name)
		}
		for _, path := range o.Paths {
			if path, _ := strings.CutPrefix(path, "/risk-cc"); !slices.Contains(named(t, "docs/contracts.md").spans, o.Method+" "+path) {
				t.Errorf("docs/contracts.md has no row with %s %s", o.Method, path)
			}
		}
	}
}

// commandFiles are where every operation has a command to paste, a call by curl.
var commandFiles = []string{"infra/local/welcome.go", "README.md"}

// otherFiles are where an operation may need a place, which depends on what it does, or
// where another test looks: CONTRIBUTING.md names both kinds.
var otherFiles = []string{"docs/scale.md", "docs/data.md", "SECURITY.md"}

// examples may have the name of an operation in them because a reader needs one to
// understand the sentence or the test. A folder stands for all its files.
var examples = []string{
	"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs", // documents
	"functions", "infra/events", "infra/testkit/provisiontest/provisiontest.go", // events with scopes
	"infra/bench", "infra/test/bench", "infra/test/units", // measure each by its name
	"infra/cmd/customercare", "infra/importer", // records with scopes
	"infra/cmd/run/run_test.go", "infra/local", // lines as they are printed
	"infra/test/e2e/personal_data_in_logs_test.go", "infra/test/house",
	"shared/gateway/metrics_test.go", "shared/metric", "shared/principal",
}

// TestOperationsAreWhole fails for a file that was forgotten when an operation was
// added, and for one that repeats an operation's name instead of reading
// shared/operation.
func TestOperationsAreWhole(t *testing.T) {
	for _, o := range operation.All {
		for _, pattern := range newFiles {
			name := strings.NewReplacer("NAME", o.Name, "WORDS", strings.ReplaceAll(o.Name, "-", "_"), "RULES", "*").Replace(pattern)
			found, err := filepath.Glob(filepath.Join(root(t), name))
			found = slices.DeleteFunc(found, func(path string) bool { // those with a pattern of their own
				return strings.Contains(name, "*") && besides.MatchString(filepath.Base(path))
			})
			if err != nil || len(found) == 0 {
				t.Errorf("the operation %s has no %s", o.Name, name)
			}
		}
		for _, name := range commandFiles {
			if !slices.ContainsFunc(strings.Split(source(t, name), "curl "), calls(o)) {
				t.Errorf("%s has no command for the operation %s", name, o.Name)
			}
		}
	}
	named := regexp.MustCompile(anyOperation(func(o operation.Operation) string { return o.Name }))
	either := regexp.MustCompile(anyOperation(func(o operation.Operation) string {
		return o.Name + "|" +
			identifier(o)
	}))
	for _, name := range editedFiles {
		found := either.FindAllString(source(t, name), -1)
		for _, o := range operation.All {
			if !slices.Contains(found, o.Name) && !slices.Contains(found, identifier(o)) {
				t.Errorf("the operation %s is forgotten in %s", o.Name, name)
			}
		}
	}
	for _, name := range texts(t) {
		known := slices.ContainsFunc(slices.Concat(editedFiles, examples), func(listed string) bool {
			return name == listed || strings.HasPrefix(name, listed+"/")
		})
		if found := named.FindString(source(t, name)); found != "" && !known {
			t.Errorf("%s names the operation %s: read the name from shared/operation, or put the file on a list here", name, found)
		}
	}
}

// TestOperationsAreInContributing compares the lists here with the tables for those who
// add one.
func TestOperationsAreInContributing(t *testing.T) {
	tables := named(t, "CONTRIBUTING.md").section("add-an-operation")
	placeholders := strings.NewReplacer("NAME", "<name>", "WORDS", "<name>", "RULES", "<rules>")
	for _, name := range slices.Concat(newFiles, editedFiles, commandFiles, otherFiles) {
		if !strings.Contains(tables, "`"+placeholders.Replace(name)+"`") {
			t.Errorf("CONTRIBUTING.md, Add an operation, does not name %s", name)
		}
	}
}

// besides are tests of a function that ask for something else than its rules.
var besides = regexp.MustCompile(`^(?:fuzz|allocs)`)

// calls makes a test whether a command, from behind the word curl, is a call of the
// operation. curl's own method for a body is POST.
func calls(o operation.Operation) func(command string) bool {
	path := regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(o.Paths[0]), `[^/\s]+`)
	address := regexp.MustCompile(`(?:\{address\}|http://127\.0\.0\.1:3000)` + path + "[?'`\\s]")
	method := regexp.MustCompile(`-X (\w+)`)
	return func(command string) bool {
		said := method.FindStringSubmatch(command)
		return address.MatchString(command) &&
			(said == nil && o.Method == http.MethodPost || said != nil && said[1] == o.Method)
	}
}

// identifier is an operation's name as Go and CloudFormation write it: "HoldCustomer".
func identifier(o operation.Operation) (words string) {
	for word := range strings.SplitSeq(o.Name, "-") {
		words += strings.ToUpper(word[:1]) + word[1:]
	}
	return words
}

// anyOperation is a pattern for every operation. The longest names come first, because
// one may be the beginning of another.
func anyOperation(of func(operation.Operation) string) string {
	var all []string
	for _, o := range operation.All {
		all = append(all, strings.Split(of(o), "|")...)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return strings.Join(all, "|")
}

// texts are the repository's files that people write, from the root.
func texts(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root(t), path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != "." || name == "bin" ||
			entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.Type().IsRegular() && slices.Contains([]string{".go", ".md", ".yaml", ".json", ".toml", ""},
			filepath.Ext(name)):
			all = append(all, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
