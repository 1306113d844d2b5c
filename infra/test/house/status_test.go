package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/shared/erasure"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// TestStatusHasEveryCall looks for a row and a section of docs/status.md for each call
// that one function answers, and for no other one.
func TestStatusHasEveryCall(t *testing.T) {
	status := named(t, "docs/status.md")
	var rows []string
	for _, found := range regexp.MustCompile("(?m)^\\| \\[[^]]+\\]\\(#([a-z-]+)\\) \\| `([A-Z]+ /[^`]+)` \\|").
		FindAllStringSubmatch(source(t, "docs/status.md"), -1) {
		rows = append(rows, found[2])
		if section := status.section(found[1]); !strings.Contains(section, "`"+found[2]+"`") {
			t.Errorf("docs/status.md: the section #%s is not about %s", found[1], found[2])
		}
	}
	var want []string
	for _, o := range operation.Own {
		for _, route := range o.Calls {
			want = append(want, route.Method+" "+route.Path)
		}
	}
	slices.Sort(rows)
	if slices.Sort(want); !slices.Equal(rows, want) {
		t.Errorf("docs/status.md has the calls %q, the code answers %q", rows, want)
	}
}

var (
	// aKey is the name of a field in JSON.
	aKey = regexp.MustCompile(`"(\w+)":`)
	// aField is a field that a table of docs/status.md explains.
	aField = regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\|")
)

// TestStatusHasEveryField compares the fields of bodies, answers and problems that
// docs/status.md shows with those that the code reads and writes.
func TestStatusHasEveryField(t *testing.T) {
	shown := map[string]bool{}
	status := named(t, "docs/status.md")
	for _, block := range status.blocks {
		for _, found := range aKey.FindAllStringSubmatch(block, -1) {
			shown[found[1]] = true
		}
	}
	for _, row := range aField.FindAllStringSubmatch(status.section("status")+status.section("preview"), -1) {
		for _, name := range regexp.MustCompile(`\w+`).FindAllString(row[1], -1) {
			shown[name] = true
		}
	}
	written := map[string]bool{}
	names := slices.Concat(fields(reflect.TypeFor[respond.Problem]()), fields(reflect.TypeFor[erasure.Previewed]()),
		fields(reflect.TypeFor[erasure.PreviewedItems]()), fields(reflect.TypeFor[erasure.PreviewedInOne]()))
	for _, o := range operation.Own {
		names = append(names, tags(t, "functions/"+o.Name)...)
	}
	for _, name := range names {
		written[name] = true
	}
	if got, want := slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(written)); !slices.Equal(got, want) {
		t.Errorf("docs/status.md shows the fields\n%s, the code has\n%s", got, want)
	}
}

// tags are the names in JSON of all fields that a folder's files declare.
func tags(t *testing.T, folder string) (names []string) {
	t.Helper()
	for _, name := range goFiles(t) {
		if filepath.Dir(name) != folder || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(t), name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok && field.Tag != nil {
				tag, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
				names = append(names, tag)
			}
			return true
		})
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}
