package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// goFiles are all Go files of the repository, from the root.
func goFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, top := range []string{"functions", "shared", "infra"} {
		err := filepath.WalkDir(filepath.Join(root(t), top), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			name, err := filepath.Rel(root(t), path)
			all = append(all, filepath.ToSlash(name))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// source is the text of a file of the repository.
func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	// aPath is a file or folder of the repository; placeholders and wildcards are
	// allowed.
	aPath = regexp.MustCompile(`^(?:functions|shared|infra|docs|\.ci)(?:/[\w.*<>{},-]+)+/?$`)
	// aFile is a file without a folder, which may lie anywhere.
	aFile = regexp.MustCompile(`^[a-z_]+\.(?:go|yaml|toml|md|json|ndjson)$`)
	// placeholder is a part of a path for the reader to fill in.
	placeholder = regexp.MustCompile(`<\w+>`)
	// aTest is a test or a fuzz target, or with "*" all whose names begin so.
	aTest = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*\*?`)
	// declared is the declaration of one.
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
	// aName is a name in camel case: an alarm, a parameter, a type, a field.
	aName = regexp.MustCompile(`^[A-Za-z][a-z]+(?:[A-Z][a-z]*)+$`)
)

// madeByReaders are files that the documents speak of and that are not in the
// repository.
var madeByReaders = []string{"x.ndjson", "records.ndjson"}

// TestFilesAreThere looks for every file and folder that the documents name.
func TestFilesAreThere(t *testing.T) {
	files := goFiles(t)
	for _, d := range documents(t) {
		for _, span := range d.spans {
			switch {
			case slices.Contains(madeByReaders, span):
			case aPath.MatchString(span):
				pattern := placeholder.ReplaceAllString(span, "*")
				if found, err := filepath.Glob(filepath.Join(root(t), pattern)); err != nil || len(found) == 0 {
					if !filled(t, pattern) {
						t.Errorf("%s names %s, which is not there", d.name, span)
					}
				}
			case aFile.MatchString(span):
				at := slices.ContainsFunc(files, func(name string) bool { return filepath.Base(name) == span })
				if _, err := os.Stat(filepath.Join(root(t), span)); err != nil && !at {
					t.Errorf("%s names %s, which is nowhere", d.name, span)
				}
			}
		}
	}
}

// filled says whether a pattern holds for what the documents call by its full name with
// an underscore, such as infra/test/e2e/<name>_test.go.
func filled(t *testing.T, pattern string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root(t), strings.NewReplacer("{", "", "}", "").Replace(pattern)))
	return err == nil && len(found) > 0
}

// TestTestsAreThere looks for every test that the documents name. A row of SECURITY.md
// may name the package in front of its tests; then it must be there. All others are
// looked for everywhere.
func TestTestsAreThere(t *testing.T) {
	all := map[string]bool{}
	for _, name := range goFiles(t) {
		if strings.HasSuffix(name, "_test.go") {
			for _, found := range declared.FindAllStringSubmatch(source(t, name), -1) {
				all[filepath.ToSlash(filepath.Dir(name))+" "+found[1]] = true
			}
		}
	}
	exists := func(folder, test string) bool {
		prefix, many := strings.CutSuffix(test, "*")
		for key := range all {
			in, name, _ := strings.Cut(key, " ")
			if (folder == "" || in == folder) && (name == test || many && strings.HasPrefix(name, prefix)) {
				return true
			}
		}
		return false
	}
	for _, d := range documents(t) {
		for _, code := range slices.Concat(d.spans, d.blocks) {
			for _, test := range aTest.FindAllString(code, -1) {
				if !exists("", test) {
					t.Errorf("%s names the test %s, which is not there", d.name, test)
				}
			}
		}
	}
	inFolder := regexp.MustCompile("`((?:shared|infra|functions)/[\\w/-]+)` (?:\\()?((?:`(?:Test|Fuzz)\\w+\\*?`(?:, )?)+)")
	for _, found := range inFolder.FindAllStringSubmatch(source(t, "SECURITY.md"), -1) {
		for _, test := range aTest.FindAllString(found[2], -1) {
			if !exists(found[1], test) {
				t.Errorf("SECURITY.md looks for %s in %s, where it is not", test, found[1])
			}
		}
	}
}

// foreignNames are names in camel case that the documents use and that are not ours, or
// no longer: BatchStreams is what the parameter BatchCalls was called. Those behind it
// are of OpenAPI, of languages, of CloudFront's policies (docs/clients.md), and of
// DynamoDB's imports (docs/data.md).
var foreignNames = []string{
	"WarmThroughput", "BatchStreams", "oneOf", "DateTime", "DateTimeOffset", "FormData", "CachingDisabled", "AllViewerExceptHostHeader",
	"ImportedItemCount", "ErrorCount",
}

// TestNamesAreKnown looks for every parameter, alarm, output, resource and type that the
// documents name: in template.yaml, in docs/openapi.yaml, or as a word of the product's
// source.
func TestNamesAreKnown(t *testing.T) {
	var text strings.Builder
	text.WriteString(source(t, "template.yaml") + source(t, "docs/openapi.yaml"))
	for _, name := range goFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			text.WriteString(source(t, name))
		}
	}
	known := map[string]bool{}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(text.String(), -1) {
		known[word] = true
	}
	for _, d := range documents(t) {
		for _, span := range d.spans {
			if aName.MatchString(span) && !aTest.MatchString(span) && !known[span] && !slices.Contains(foreignNames, span) {
				t.Errorf("%s names %s, which neither template.yaml nor the source knows", d.name, span)
			}
		}
	}
}

// TestConditionsStandWhereTheyAre looks for every condition in docs/design.md in the file
// that its row names: `held` in `shared/store/erasureslease.go`.
func TestConditionsStandWhereTheyAre(t *testing.T) {
	section := named(t, "docs/design.md").section("what-each-condition-protects")
	rows := regexp.MustCompile("`([^`]+)` in `([\\w/.-]+)`").FindAllStringSubmatch(section, -1)
	if len(rows) < 10 {
		t.Errorf("%d rows only", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(source(t, row[2]), row[1]) {
			t.Errorf("docs/design.md: %s does not hold %s", row[2], row[1])
		}
	}
}

// TestTreeIsTheRepository compares the tree in the README with the folders: each is
// named, and no other.
func TestTreeIsTheRepository(t *testing.T) {
	var tree string
	for _, block := range named(t, "README.md").blocks {
		if strings.HasPrefix(block, "functions/") {
			tree = block
		}
	}
	shown := map[string]bool{}
	top := ""
	for _, line := range strings.Split(tree, "\n") {
		for _, word := range strings.Fields(line) {
			name, folder := strings.CutSuffix(word, "/")
			switch {
			case folder && strings.HasPrefix(line, word):
				top = name
			case folder:
				shown[top+"/"+name] = true
			}
		}
	}
	for _, parent := range []string{"functions", "shared", "infra"} {
		entries, err := os.ReadDir(filepath.Join(root(t), parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := parent + "/" + entry.Name()
			if !shown[name] {
				t.Errorf("the README's tree lacks %s", name)
			}
			delete(shown, name)
		}
	}
	for name := range shown {
		t.Errorf("the README's tree has %s, which is not there", name)
	}
}

// TestNoArrowIntoInfra holds the product apart from what is around it: shared and
// functions import nothing of infra but in tests.
func TestNoArrowIntoInfra(t *testing.T) { noImport(t, "infra/") }

// TestOnlyTestsUseTheKits holds the kits to tests: a command or the local stack that
// imported one would carry what is there for faults and fuzzing.
func TestOnlyTestsUseTheKits(t *testing.T) { noImport(t, "infra/testkit/") }

// noImport says which files outside of folder import a package of it, tests apart.
func noImport(t *testing.T, folder string) {
	t.Helper()
	for _, name := range goFiles(t) {
		if strings.HasPrefix(name, folder) || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if strings.HasPrefix(i.Path.Value, `"customercare/`+folder) {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}

// TestFunctionsLackWhatCommandsUse looks for libraries that commands alone use, in all
// that functions are made of: there they would only make each start slower.
func TestFunctionsLackWhatCommandsUse(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./functions/...")
	list.Dir = root(t)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "/aws-sdk-go-v2/service/dynamodb\n") {
		t.Error("the functions are made without DynamoDB's client")
	}
	for _, service := range []string{"cloudformation", "cloudwatchlogs", "dynamodbstreams"} {
		if strings.Contains(string(out), "/aws-sdk-go-v2/service/"+service+"\n") {
			t.Errorf("functions have the client of %s in them", service)
		}
	}
}
