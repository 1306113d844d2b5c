package scale

import (
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// Every setting that the page says moves a wall exists.
func TestMovers(t *testing.T) {
	root := dynamotest.Root()
	read, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := template.Resources(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"MemorySize": true, "WarmThroughput": true} // properties of AWS
	for name := range read.Parameters {
		known[name] = true
	}
	for _, r := range resources {
		known[r.ID] = true
	}
	s := source{root, nil}
	names := 0
	c := reading(t)
	for _, w := range slices.Concat(c.walls(), c.besides()) {
		for _, name := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(w.moves, -1) {
			names++
			constant := slices.ContainsFunc([]string{"shared/erasure", "shared/store", "functions/cleanup", "functions/seal-ledger"},
				func(folder string) bool { _, err := s.value(folder, name[1]); return err == nil })
			if !known[name[1]] && !constant {
				t.Errorf("%s: there is no %s", w.what, name[1])
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d names were found", names)
	}
}
